//! `docs/irc.md` names every command and every capability that there is, and none that there is not.

#![allow(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

use std::{collections::BTreeSet, fs, path::Path};

use conclave::protocol::{caps::Cap, command::TABLE};

fn page() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/irc.md")).unwrap()
}

/// The words between backquotes in the first cells of the table under a heading.
fn named(heading: &str, cell: usize) -> BTreeSet<String> {
    let page = page();
    let section = page.split("\n## ").find(|section| section.starts_with(heading)).unwrap();
    let rows = section.lines().filter(|line| line.starts_with('|'));
    let cells = rows.filter_map(|row| row.split('|').nth(cell).map(ToOwned::to_owned));
    cells.flat_map(|cell| cell.split('`').skip(1).step_by(2).map(ToOwned::to_owned).collect::<Vec<_>>()).collect()
}

#[test]
fn every_command() {
    // BATCH opens a message of several lines and is no command of its own.
    let known = TABLE.iter().map(|spec| spec.verb.to_owned()).filter(|verb| !verb.is_empty());
    assert_eq!(named("Commands", 2), known.chain(["BATCH".to_owned()]).collect());
}

#[test]
fn every_capability() {
    assert_eq!(named("Capabilities", 1), Cap::ALL.into_iter().map(|cap| cap.name().to_owned()).collect());
}
