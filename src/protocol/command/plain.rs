//! Lines of the plain dialect to commands: `/join #ops`, and everything else is text.

use super::{Command, Place, Send, table::Spec};
use crate::protocol::{chat::Kind, refusal::Refusal};

/// How many messages `/history` shows when nothing is said.
pub(super) const HISTORY_DEFAULT: usize = 20;
/// How many it shows at most.
pub(super) const HISTORY_MOST: usize = 500;

/// Parses one line of a plain session; `None` for an empty one, which asks for nothing.
///
/// `//` starts a text with a slash. Text goes to the session's current room.
pub fn from_plain(line: &str) -> Option<Result<Command, Refusal>> {
    let Some(command) = line.strip_prefix('/').filter(|rest| !rest.starts_with('/')) else {
        let text = line.strip_prefix('/').unwrap_or(line);
        return (!text.trim().is_empty()).then(|| Ok(say(Place::Current, Kind::Text, text)));
    };
    let (name, rest) = split_word(command);
    Some(match Spec::by_slash(name).and_then(|spec| spec.plain) {
        Some(parse) => parse(rest),
        None => Err(Refusal::Unknown(format!("/{name}").into())),
    })
}

fn say(to: Place, kind: Kind, text: &str) -> Command {
    Command::Send(Send { to: vec![to], kind, text: text.into(), tags: None })
}

/// The first word, and what follows it without the blanks between.
fn split_word(text: &str) -> (&str, &str) {
    let text = text.trim_start();
    match text.split_once(char::is_whitespace) {
        Some((word, rest)) => (word, rest.trim()),
        None => (text, ""),
    }
}

fn usage(slash: &str) -> Refusal {
    Refusal::Usage(Spec::by_slash(slash).map_or("/help", |spec| spec.usage))
}

fn text(rest: &str) -> Option<std::sync::Arc<str>> {
    (!rest.is_empty()).then(|| rest.into())
}

fn room_or_current(rest: &str) -> (Place, &str) {
    match split_word(rest) {
        (word, rest) if word.starts_with('#') => (Place::Named(word.into()), rest),
        _ => (Place::Current, rest),
    }
}

pub(super) fn join(rest: &str) -> Result<Command, Refusal> {
    let (room, key) = split_word(rest);
    if room.is_empty() {
        return Err(usage("join"));
    }
    // `/join ops` can only mean `#ops`.
    let room = if room.starts_with('#') { room.into() } else { format!("#{room}").into() };
    Ok(Command::Join(vec![(room, (!key.is_empty()).then(|| key.into()))]))
}

pub(super) fn part(rest: &str) -> Result<Command, Refusal> {
    let (place, reason) = room_or_current(rest);
    Ok(Command::Part(vec![place], text(reason)))
}

pub(super) fn msg(rest: &str) -> Result<Command, Refusal> {
    match split_word(rest) {
        ("", _) | (_, "") => Err(usage("msg")),
        (to, text) => Ok(say(Place::Named(to.into()), Kind::Text, text)),
    }
}

pub(super) fn me(rest: &str) -> Result<Command, Refusal> {
    if rest.is_empty() {
        return Err(usage("me"));
    }
    Ok(say(Place::Current, Kind::Action, rest))
}

pub(super) fn names(rest: &str) -> Result<Command, Refusal> {
    Ok(Command::Names(vec![room_or_current(rest).0]))
}

pub(super) fn who(rest: &str) -> Result<Command, Refusal> {
    Ok(Command::Who((!rest.is_empty()).then(|| split_word(rest).0.into())))
}

pub(super) fn whois(rest: &str) -> Result<Command, Refusal> {
    match split_word(rest).0 {
        "" => Err(usage("whois")),
        nick => Ok(Command::Whois(nick.into())),
    }
}

pub(super) fn list(rest: &str) -> Result<Command, Refusal> {
    Ok(Command::List(rest.split([',', ' ']).filter(|name| !name.is_empty()).map(Into::into).collect()))
}

pub(super) fn topic(rest: &str) -> Result<Command, Refusal> {
    let (place, new) = room_or_current(rest);
    Ok(Command::Topic(place, text(new)))
}

pub(super) fn history(rest: &str) -> Result<Command, Refusal> {
    let (place, number) = match split_word(rest) {
        ("", _) => (Place::Current, ""),
        (word, rest) if word.bytes().all(|b| b.is_ascii_digit()) && rest.is_empty() => (Place::Current, word),
        (word, rest) => (Place::Named(word.into()), rest),
    };
    let number = match number {
        "" => HISTORY_DEFAULT,
        number => number.parse().map_err(|_| usage("history"))?,
    };
    Ok(Command::History(place, number.min(HISTORY_MOST)))
}

pub(super) fn away(rest: &str) -> Result<Command, Refusal> {
    Ok(Command::Away(text(rest)))
}

pub(super) fn motd(_: &str) -> Result<Command, Refusal> {
    Ok(Command::Motd)
}

pub(super) fn help(rest: &str) -> Result<Command, Refusal> {
    Ok(Command::Help((!rest.is_empty()).then(|| split_word(rest).0.into())))
}

pub(super) fn quit(rest: &str) -> Result<Command, Refusal> {
    Ok(Command::Quit(text(rest)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(clippy::needless_pass_by_value, reason = "a table reads better")]
    fn check(line: &str, expect: Option<Result<Command, Refusal>>) {
        assert_eq!(from_plain(line), expect, "{line:?}");
    }

    #[test]
    fn text_and_slashes() {
        let here = |text: &str| Some(Ok(say(Place::Current, Kind::Text, text)));
        check("hello", here("hello"));
        check("  indented stays", here("  indented stays"));
        check("//bin/sh", here("/bin/sh"));
        check("", None);
        check("   ", None);
        check("/", Some(Err(Refusal::Unknown("/".into()))));
        check("/nope x", Some(Err(Refusal::Unknown("/nope".into()))));
        check("/msg bob  hi there ", Some(Ok(say(Place::Named("bob".into()), Kind::Text, "hi there"))));
        check("/msg bob", Some(Err(Refusal::Usage("/msg NAME TEXT"))));
        check("/ME waves", Some(Ok(say(Place::Current, Kind::Action, "waves"))));
    }

    #[test]
    fn commands() {
        check("/join ops", Some(Ok(Command::Join(vec![("#ops".into(), None)]))));
        check("/join #ops key", Some(Ok(Command::Join(vec![("#ops".into(), Some("key".into()))]))));
        check("/topic #ops new", Some(Ok(Command::Topic(Place::Named("#ops".into()), Some("new".into())))));
        check("/topic new one", Some(Ok(Command::Topic(Place::Current, Some("new one".into())))));
        check("/history 7", Some(Ok(Command::History(Place::Current, 7))));
        check("/history bob 7", Some(Ok(Command::History(Place::Named("bob".into()), 7))));
        check("/history #ops", Some(Ok(Command::History(Place::Named("#ops".into()), HISTORY_DEFAULT))));
        check("/history 99999999999999999999999", Some(Err(Refusal::Usage("/history [NUMBER]"))));
        check("/part", Some(Ok(Command::Part(vec![Place::Current], None))));
        check("/quit so long", Some(Ok(Command::Quit(Some("so long".into())))));
    }

    #[test]
    fn every_slash_command_has_help_and_is_found() {
        for spec in super::super::TABLE {
            assert_eq!(spec.plain.is_some(), !spec.slash.is_empty());
            for slash in spec.slash {
                assert!(!spec.help.is_empty() && spec.usage.starts_with('/'), "{slash}");
                assert_eq!(Spec::by_slash(slash).map(|s| s.usage), Some(spec.usage));
            }
        }
    }
}
