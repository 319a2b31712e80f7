//! A line to a command by the table, and what the parsers of all commands need.

use super::{Command, MAX_TARGETS, Place, Send, table::Spec};
use crate::protocol::{chat::Kind, message::Message, refusal::Refusal};

/// Parses a line of a registered IRC session (Modern IRC, section "Client Messages"). The refusal
/// is an ordinary reply.
pub fn from_irc(message: &Message<'_>) -> Result<Command, Refusal> {
    let Some((spec, parse)) = Spec::by_verb(message.command).and_then(|spec| Some((spec, spec.irc?))) else {
        return Err(Refusal::Unknown(message.command.into()));
    };
    if message.params.len() < spec.min {
        return Err(Refusal::NeedMoreParams(spec.verb.into()));
    }
    parse(message)
}

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

pub(super) fn param<'a>(message: &Message<'a>, index: usize) -> Option<&'a str> {
    message.params.get(index).copied()
}

/// A parameter that is there and not empty.
pub(super) fn given<'a>(message: &Message<'a>, index: usize) -> Option<&'a str> {
    param(message, index).filter(|text| !text.is_empty())
}

/// The names in a list with commas.
pub(super) fn names_of(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').filter(|name| !name.is_empty())
}

/// The places in a list with commas: not more than one line may have.
pub(super) fn places(text: &str) -> Result<Vec<Place>, Refusal> {
    let places: Vec<Place> = names_of(text).map(|name| Place::Named(name.into())).collect();
    match places.get(MAX_TARGETS) {
        Some(Place::Named(name)) => Err(Refusal::TooManyTargets(name.clone(), MAX_TARGETS)),
        _ => Ok(places),
    }
}

pub(super) fn say(to: Place, kind: Kind, text: &str) -> Command {
    Command::Send(Send { to: vec![to], kind, text: text.into(), joints: None, tags: None, id: None })
}

/// The first word, and what follows it without the blanks between.
pub(super) fn split_word(text: &str) -> (&str, &str) {
    let text = text.trim_start();
    match text.split_once(char::is_whitespace) {
        Some((word, rest)) => (word, rest.trim()),
        None => (text, ""),
    }
}

/// The refusal of a slash command that was written wrong.
pub(super) const fn usage(spec: &'static Spec) -> Refusal {
    Refusal::Usage(spec.usage)
}

/// A text, if there is any.
pub(super) fn text(rest: &str) -> Option<std::sync::Arc<str>> {
    (!rest.is_empty()).then(|| rest.into())
}

/// A room in front, or the current one.
pub(super) fn room_or_current(rest: &str) -> (Place, &str) {
    match split_word(rest) {
        (word, rest) if word.starts_with('#') => (Place::Named(word.into()), rest),
        _ => (Place::Current, rest),
    }
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
        check("/history #ops", Some(Ok(Command::History(Place::Named("#ops".into()), super::super::history::DEFAULT))));
        check("/history 99999999999999999999999", Some(Err(Refusal::Usage("/history [#ROOM|NAME] [N]"))));
        check("/part", Some(Ok(Command::Part(vec![Place::Current], None))));
        check("/quit so long", Some(Ok(Command::Quit(Some("so long".into())))));
        check("/kick bob too loud", Some(Ok(Command::Kick(vec![(Place::Current, "bob".into())], text("too loud")))));
        let mode =
            |place, words: &[&str]| Some(Ok(Command::Mode(place, words.iter().map(|word| Box::from(*word)).collect())));
        let named = |name: &str| Place::Named(name.into());
        check("/op alice bob", mode(Place::Current, &["+oo", "alice", "bob"]));
        check("/deop #ops bob", mode(named("#ops"), &["-o", "bob"]));
        check("/voice bob", mode(Place::Current, &["+v", "bob"]));
        check("/devoice", Some(Err(Refusal::Usage("/devoice [#ROOM] NAME..."))));
        check("/ban *!*@host", mode(Place::Current, &["+b", "*!*@host"]));
        check("/ban", mode(Place::Current, &["b"]));
        check("/unban #ops bob", mode(named("#ops"), &["-b", "bob"]));
        check("/unban", Some(Err(Refusal::Usage("/unban [#ROOM] NAME|MASK..."))));
        check("/mode b", mode(Place::Current, &["b"]));
        check("/mode +o-v alice bob", mode(Place::Current, &["+o-v", "alice", "bob"]));
        check("/mode alice +i", mode(named("alice"), &["+i"]));
        check("/mode #ops ov a b", mode(named("#ops"), &["ov", "a", "b"]));
        check("/notice bob  a b", Some(Ok(say(named("bob"), Kind::Notice, "a b"))));
        check("/setname Bob B", Some(Ok(Command::SetName("Bob B".into()))));
        check("/kill bob", Some(Ok(Command::Kill("bob".into(), "No reason".into()))));
        check("/kill bob too loud", Some(Ok(Command::Kill("bob".into(), "too loud".into()))));
        check("/wallops all", Some(Ok(Command::Wallops("all".into()))));
        check("/whowas bob", Some(Ok(Command::Whowas("bob".into(), usize::MAX))));
        check("/invite bob #ops", Some(Ok(Command::Invite("bob".into(), Place::Named("#ops".into())))));
    }
}
