//! IRC lines to commands (Modern IRC, section "Client Messages").

use super::{
    CapCommand, Command, MAX_TARGETS, Place, Send,
    plain::{HISTORY_DEFAULT, HISTORY_MOST},
    table::Spec,
};
use crate::protocol::{chat::Kind, message::Message, refusal::Refusal};

/// Parses a line of a registered IRC session. The refusal is an ordinary reply.
pub fn from_irc(message: &Message<'_>) -> Result<Command, Refusal> {
    let Some((spec, parse)) = Spec::by_verb(message.command).and_then(|spec| Some((spec, spec.irc?))) else {
        return Err(Refusal::Unknown(message.command.into()));
    };
    if message.params.len() < spec.min {
        return Err(Refusal::NeedMoreParams(spec.verb.into()));
    }
    parse(message)
}

fn param<'a>(message: &Message<'a>, index: usize) -> Option<&'a str> {
    message.params.get(index).copied()
}

fn given<'a>(message: &Message<'a>, index: usize) -> Option<&'a str> {
    param(message, index).filter(|text| !text.is_empty())
}

fn names_of(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').filter(|name| !name.is_empty())
}

fn rooms(text: &str) -> Result<Vec<Place>, Refusal> {
    let places: Vec<Place> = names_of(text).map(|name| Place::Named(name.into())).collect();
    match places.get(MAX_TARGETS) {
        Some(Place::Named(name)) => Err(Refusal::TooManyTargets(name.clone(), MAX_TARGETS)),
        _ => Ok(places),
    }
}

pub(super) fn join(message: &Message<'_>) -> Result<Command, Refusal> {
    let names = param(message, 0).unwrap_or_default();
    if names == "0" {
        return Ok(Command::PartAll);
    }
    let mut keys = param(message, 1).unwrap_or_default().split(',');
    let rooms = rooms(names)?
        .into_iter()
        .filter_map(|place| match place {
            Place::Named(name) => Some((name, keys.next().filter(|key| !key.is_empty()).map(Into::into))),
            Place::Current => None,
        })
        .collect();
    Ok(Command::Join(rooms))
}

pub(super) fn part(message: &Message<'_>) -> Result<Command, Refusal> {
    Ok(Command::Part(rooms(param(message, 0).unwrap_or_default())?, given(message, 1).map(Into::into)))
}

fn send(message: &Message<'_>, kind: Kind, verb: &'static str) -> Result<Command, Refusal> {
    let to = rooms(given(message, 0).ok_or(Refusal::NoRecipient(verb))?)?;
    if to.is_empty() {
        return Err(Refusal::NoRecipient(verb));
    }
    let mut tags = String::new();
    let tags = message.tags.write_client_only(&mut tags).then(|| tags.into());
    let text = match kind {
        Kind::Tags => "",
        _ => given(message, 1).ok_or(Refusal::NoText)?,
    };
    let action = text.strip_prefix("\u{1}ACTION ").map(|rest| rest.strip_suffix('\u{1}').unwrap_or(rest));
    let (kind, text) = match action {
        Some(action) if kind == Kind::Text => (Kind::Action, action),
        _ => (kind, text),
    };
    if text.is_empty() && kind != Kind::Tags {
        return Err(Refusal::NoText);
    }
    Ok(Command::Send(Send { to, kind, text: text.into(), tags }))
}

pub(super) fn privmsg(message: &Message<'_>) -> Result<Command, Refusal> {
    send(message, Kind::Text, "PRIVMSG")
}

pub(super) fn notice(message: &Message<'_>) -> Result<Command, Refusal> {
    send(message, Kind::Notice, "NOTICE")
}

pub(super) fn tagmsg(message: &Message<'_>) -> Result<Command, Refusal> {
    send(message, Kind::Tags, "TAGMSG")
}

pub(super) fn names(message: &Message<'_>) -> Result<Command, Refusal> {
    Ok(Command::Names(rooms(param(message, 0).unwrap_or_default())?))
}

pub(super) fn who(message: &Message<'_>) -> Result<Command, Refusal> {
    Ok(Command::Who(given(message, 0).map(Into::into)))
}

pub(super) fn whois(message: &Message<'_>) -> Result<Command, Refusal> {
    // `WHOIS SERVER NICK` asks the same of a named server; there is one.
    let nick = param(message, 1).or(param(message, 0)).unwrap_or_default();
    let nick = nick.split(',').next().unwrap_or_default();
    if nick.is_empty() {
        return Err(Refusal::NeedMoreParams("WHOIS".into()));
    }
    Ok(Command::Whois(nick.into()))
}

pub(super) fn list(message: &Message<'_>) -> Result<Command, Refusal> {
    Ok(Command::List(names_of(param(message, 0).unwrap_or_default()).map(Into::into).collect()))
}

pub(super) fn topic(message: &Message<'_>) -> Result<Command, Refusal> {
    let room = param(message, 0).unwrap_or_default();
    Ok(Command::Topic(Place::Named(room.into()), param(message, 1).map(Into::into)))
}

pub(super) fn mode(message: &Message<'_>) -> Result<Command, Refusal> {
    let target = param(message, 0).unwrap_or_default();
    Ok(Command::Mode(target.into(), message.params.iter().skip(1).map(|&p| p.into()).collect()))
}

pub(super) fn away(message: &Message<'_>) -> Result<Command, Refusal> {
    Ok(Command::Away(given(message, 0).map(Into::into)))
}

pub(super) fn motd(_: &Message<'_>) -> Result<Command, Refusal> {
    Ok(Command::Motd)
}

pub(super) fn lusers(_: &Message<'_>) -> Result<Command, Refusal> {
    Ok(Command::Lusers)
}

pub(super) fn help(message: &Message<'_>) -> Result<Command, Refusal> {
    Ok(Command::Help(given(message, 0).map(Into::into)))
}

/// `HISTORY TARGET [NUMBER]`, as Ergo has it.
pub(super) fn history(message: &Message<'_>) -> Result<Command, Refusal> {
    let target = param(message, 0).unwrap_or_default();
    let number = match given(message, 1) {
        None => HISTORY_DEFAULT,
        Some(number) => number.parse().map_err(|_| Refusal::NeedMoreParams("HISTORY".into()))?,
    };
    Ok(Command::History(Place::Named(target.into()), number.min(HISTORY_MOST)))
}

pub(super) fn quit(message: &Message<'_>) -> Result<Command, Refusal> {
    Ok(Command::Quit(given(message, 0).map(Into::into)))
}

pub(super) fn nick(message: &Message<'_>) -> Result<Command, Refusal> {
    match given(message, 0) {
        Some(nick) => Ok(Command::Nick(nick.into())),
        // 431 has no parameter of its own; 432 with `*` says the same to every client.
        None => Err(Refusal::BadNick("*".into())),
    }
}

pub(super) fn reregister(_: &Message<'_>) -> Result<Command, Refusal> {
    Ok(Command::Reregister)
}

pub(super) fn authenticate(_: &Message<'_>) -> Result<Command, Refusal> {
    Ok(Command::Authenticate)
}

pub(super) fn ping(message: &Message<'_>) -> Result<Command, Refusal> {
    Ok(Command::Ping(param(message, 0).unwrap_or_default().into()))
}

pub(super) fn pong(message: &Message<'_>) -> Result<Command, Refusal> {
    // `PONG SERVER TOKEN` and `PONG TOKEN` are both in use.
    Ok(Command::Pong(message.params.last().copied().unwrap_or_default().into()))
}

pub(super) fn cap(message: &Message<'_>) -> Result<Command, Refusal> {
    cap_command(message).map(Command::Cap)
}

/// The `CAP` subcommand of a line, before or after registration.
pub fn cap_command(message: &Message<'_>) -> Result<CapCommand, Refusal> {
    let subcommand = param(message, 0).unwrap_or_default();
    match subcommand.to_ascii_uppercase().as_str() {
        "LS" => Ok(CapCommand::Ls(param(message, 1).and_then(|v| v.parse().ok()).unwrap_or(301))),
        "LIST" => Ok(CapCommand::List),
        "REQ" => Ok(CapCommand::Req(param(message, 1).unwrap_or_default().into())),
        "END" => Ok(CapCommand::End),
        _ => Err(Refusal::BadCap(if subcommand.is_empty() { "*" } else { subcommand }.into())),
    }
}
