//! The floors of the house: who may import whom. `ARCHITECTURE.md` draws the table, and this test
//! fails when an import climbs.

#![allow(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// Each module, and the others that it may import.
const FLOORS: [(&str, &[&str]); 13] = [
    ("ident", &[]),
    ("platform", &[]),
    ("protocol", &["ident"]),
    ("tls", &["ident", "platform"]),
    ("pki", &["ident", "platform", "tls"]),
    ("journal", &["ident", "platform", "protocol"]),
    ("hub", &["ident", "platform", "protocol", "journal"]),
    ("server", &["ident", "platform", "protocol", "tls", "pki", "journal", "hub"]),
    ("client", &["ident", "platform", "protocol", "tls", "pki"]),
    ("ui", &["ident", "protocol", "client"]),
    ("config", &["ident", "platform", "protocol", "tls", "pki", "journal", "hub", "server", "client", "ui"]),
    ("cli", &["ident", "platform", "protocol", "tls", "pki", "journal", "hub", "server", "client", "ui", "config"]),
    ("main", &["cli"]),
];

/// The hub's shell: the only part of it that knows tasks, the clock and the journal (and its tests
/// run it over journals). The rest is pure.
const HUB_SHELL: [&str; 4] = ["inbox", "outbox", "task", "tests"];
const HUB_CORE: &[&str] = &["ident", "protocol"];
const NOT_IN_HUB_CORE: [&str; 2] = ["tokio", "Mutex"];

/// External crates that not everybody may use, and who may.
const OWNED: [(&str, &[&str]); 8] = [
    ("rustls_pemfile", &["tls::pem"]),
    ("tokio_rustls", &["tls::client", "tls::stream_tests"]),
    ("toml", &["config"]),
    ("rusqlite", &["journal::sqlite"]),
    ("clap", &["cli", "config::raw"]),
    ("hyper", &["server::observe::http"]),
    ("hyper_util", &["server::observe::http"]),
    ("prometheus", &["server::observe::text"]),
];

#[test]
fn no_import_climbs() {
    let mut broken = Vec::new();
    for file in sources() {
        let text = code_of(&file);
        let path = module_path(&file);
        let Some(own) = path.first().filter(|own| *own != "lib") else { continue };
        let Some((_, allowed)) = FLOORS.iter().find(|(name, _)| name == own) else {
            broken.push(format!("{}: the module {own} has no floor in this table", file.display()));
            continue;
        };
        let core = own == "hub" && path.get(1).is_some_and(|part| !HUB_SHELL.contains(&part.as_str()));
        let allowed = if core { HUB_CORE } else { allowed };
        for import in imports(&text) {
            if import != *own && !allowed.contains(&import.as_str()) {
                broken.push(format!("{}: imports {import}, but may import only {allowed:?}", file.display()));
            }
        }
        for name in NOT_IN_HUB_CORE.into_iter().filter(|name| core && has_word(&text, name)) {
            broken.push(format!("{}: the hub's core is pure and knows no {name}", file.display()));
        }
    }
    assert!(broken.is_empty(), "\n{}\n", broken.join("\n"));
}

#[test]
fn what_only_one_module_may_use() {
    let mut broken = Vec::new();
    for file in sources() {
        let text = code_of(&file);
        let path = module_path(&file).join("::");
        for (name, owners) in OWNED {
            let owned = owners.iter().any(|owner| path == *owner || path.starts_with(&format!("{owner}::")));
            if mentions(&text, name) && !owned {
                broken.push(format!("{}: {name} is for {owners:?} only", file.display()));
            }
        }
    }
    assert!(broken.is_empty(), "\n{}\n", broken.join("\n"));
}

#[test]
fn the_reader_of_imports_reads_every_form() {
    let check = |text: &str, expect: &[&str]| {
        assert_eq!(imports(text).iter().map(String::as_str).collect::<Vec<_>>(), expect, "{text}");
    };
    check("use crate::tls::Pin;", &["tls"]);
    check("let x = crate::hub::f(crate::ident::g());", &["hub", "ident"]);
    check("use crate::{\n    hub::{a, b::{c}},\n    tls,\n    ident::Nick as N,\n};", &["hub", "ident", "tls"]);
    check("use crate as house; use krate::x; use mycrate::y; self::crate_name::z", &[]);
    check("conclave::cli::main()", &["cli"]);
    check("pub(crate) fn f() {}", &[]);
}

/// The modules that a text names by a path from the crate's root.
fn imports(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for root in ["crate::", "conclave::"] {
        for (at, _) in text.match_indices(root) {
            if text[..at].ends_with(is_word) {
                continue;
            }
            let rest = &text[at + root.len()..];
            if let Some(group) = rest.strip_prefix('{') {
                found.extend(members(group));
            } else {
                found.insert(word(rest));
            }
        }
    }
    found.remove("");
    found
}

/// The first word of each member of a `use` group whose opening brace was read already.
fn members(group: &str) -> BTreeSet<String> {
    let mut depth = 0;
    let mut expect = true;
    let mut found = BTreeSet::new();
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => expect = true,
            c if expect && is_word(c) => {
                found.insert(word(&group[at..]));
                expect = false;
            }
            _ => {}
        }
    }
    found
}

/// Whether a text uses an external crate.
fn mentions(text: &str, name: &str) -> bool {
    text.match_indices(name).any(|(at, _)| {
        let before = &text[..at];
        let path = text[at + name.len()..].starts_with("::") && !before.ends_with(is_word) && !before.ends_with("::");
        path || before.ends_with("use ") && !text[at + name.len()..].starts_with(is_word)
    })
}

fn has_word(text: &str, name: &str) -> bool {
    text.match_indices(name)
        .any(|(at, _)| !text[..at].ends_with(is_word) && !text[at + name.len()..].starts_with(is_word))
}

fn word(text: &str) -> String {
    text.chars().take_while(|&c| is_word(c)).collect()
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// A source file without its comments: a link in a document is no import.
fn code_of(file: &Path) -> String {
    let text = fs::read_to_string(file).unwrap();
    text.lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .fold(String::new(), |code, line| code + line + "\n")
}

/// `src/tls/pem.rs` is `["tls", "pem"]`; `src/tls/mod.rs` is `["tls"]`.
fn module_path(file: &Path) -> Vec<String> {
    let relative = file.strip_prefix(root()).unwrap().with_extension("");
    let parts = relative.components().map(|part| part.as_os_str().to_string_lossy().into_owned());
    parts.filter(|part| part != "mod").collect()
}

fn sources() -> Vec<PathBuf> {
    let (mut files, mut directories) = (Vec::new(), vec![root()]);
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            match path.extension() {
                _ if path.is_dir() => directories.push(path),
                Some(extension) if extension == "rs" => files.push(path),
                _ => {}
            }
        }
    }
    assert!(files.len() > 20, "the sources were not found");
    files.sort();
    files
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}
