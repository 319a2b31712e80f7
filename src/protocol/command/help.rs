//! HELP and HELPOP (Modern IRC, section "HELP message").

use super::{
    Command,
    parse::{given, split_word},
    table::{Group, Spec, TABLE},
};
use crate::protocol::{message::Message, refusal::Refusal};

pub(super) static HELP: Spec =
    Spec::irc("HELP", 0, "[COMMAND]", irc, "this list").slash(&["help", "?"], plain, "/help [COMMAND]");
pub(super) static HELPOP: Spec = Spec::irc("HELPOP", 0, "[COMMAND]", irc, "the same as HELP");

fn irc(message: &Message<'_>) -> Result<Command, Refusal> {
    Ok(Command::Help(given(message, 0).map(Into::into)))
}

fn plain(rest: &str) -> Result<Command, Refusal> {
    Ok(Command::Help((!rest.is_empty()).then(|| split_word(rest).0.into())))
}

/// The rows of `/help` for people, for one command or all; none when there is no such command. All
/// of them fit on a terminal of 24 rows and 80 columns, a time in front.
pub fn help_rows(topic: Option<&str>) -> Vec<String> {
    let row = |spec: &Spec| format!("{:26} {}", spec.usage, spec.help);
    if let Some(topic) = topic {
        let name = topic.trim_start_matches('/');
        let spec = Spec::by_slash(name).or_else(|| Spec::by_verb(name).filter(|spec| !spec.usage.is_empty()));
        return spec.map(row).into_iter().collect();
    }
    let of = |group| TABLE.iter().copied().filter(move |spec| spec.plain.is_some() && spec.group == group);
    let names = |what: &str, group| of(group).fold(what.to_owned(), |row, spec| row + " /" + spec.slash[0]);
    let mut rows: Vec<String> = of(Group::Everyday).map(row).collect();
    rows.push(names("rooms:", Group::Rooms));
    rows.push(names("more:", Group::Seldom));
    rows.push(names("administrators:", Group::Administrators));
    rows.push("/help COMMAND says how one of them is written".into());
    rows.push("any other line is said in your room; // starts a line with a slash".into());
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_help_fits_on_a_small_terminal() {
        let rows = help_rows(None);
        // With the line that is typed, and what was said before.
        assert!(rows.len() <= 22, "{rows:#?}");
        for row in &rows {
            assert!("12:00:00 -!- ".len() + row.chars().count() <= 80, "{row}");
        }
        for spec in TABLE.iter().filter(|spec| spec.plain.is_some()) {
            let name = format!("/{}", spec.slash[0]);
            assert!(rows.iter().any(|row| row.split(' ').any(|word| word == name)), "{name}");
            assert_eq!(help_rows(Some(&name)).len(), 1, "{name}");
        }
        assert_eq!(help_rows(Some("nope")), [""; 0]);
    }
}
