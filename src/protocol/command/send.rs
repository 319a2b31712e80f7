//! PRIVMSG, NOTICE and TAGMSG (Modern IRC, section "Sending Messages"; IRCv3 `message-tags`).

use std::sync::Arc;

use super::{
    BadId, Command, GivenId, Place, SendId, given_id,
    parse::{given, param, places, say, split_word, usage},
    table::{Group, Spec},
};
use crate::protocol::{chat::Kind, message::Message, refusal::Refusal};

pub(super) static PRIVMSG: Spec =
    Spec::irc("PRIVMSG", 0, "TARGET{,TARGET} TEXT", |m| irc(m, Kind::Text, "PRIVMSG"), "say something").slash(
        &["msg", "m", "query"],
        msg,
        "/msg NAME TEXT",
    );
pub(super) static NOTICE: Spec = Spec::irc(
    "NOTICE",
    0,
    "TARGET{,TARGET} TEXT",
    |m| irc(m, Kind::Notice, "NOTICE"),
    "say something that no program answers",
)
.slash(&["notice"], notice, "/notice NAME TEXT")
.group(Group::Seldom);
pub(super) static TAGMSG: Spec =
    Spec::irc("TAGMSG", 0, "TARGET{,TARGET}", |m| irc(m, Kind::Tags, "TAGMSG"), "send tags without a text");
pub(super) static ME: Spec = Spec::plain(&["me"], me, "/me TEXT", "say what you do: * alice waves");

/// A message that is to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Send {
    /// To whom: rooms, people, or the operators (`@#room`) or voiced (`+#room`) of a room.
    pub to: Vec<Place>,
    /// What it is.
    pub kind: Kind,
    /// The text; empty only for [`Kind::Tags`]. Several lines are separated by LF.
    pub text: Arc<str>,
    /// For a batch of lines (`draft/multiline`), where lines were divided; `None` for what came in
    /// one line.
    pub joints: Option<Box<[u16]>>,
    /// Client-only tags, raw.
    pub tags: Option<Box<str>>,
    /// What its sender calls it; counts only where its session has negotiated that.
    pub id: Option<Result<Box<SendId>, BadId>>,
}

fn irc(message: &Message<'_>, kind: Kind, verb: &'static str) -> Result<Command, Refusal> {
    match send(message, kind, verb) {
        Ok(send) => Ok(Command::Send(send)),
        // A NOTICE is never answered by an error (Modern IRC, section "NOTICE"): it goes to nobody.
        Err(_) if kind == Kind::Notice => {
            Ok(Command::Send(Send { to: Vec::new(), kind, text: "".into(), joints: None, tags: None, id: None }))
        }
        Err(refusal) => Err(refusal),
    }
}

fn send(message: &Message<'_>, kind: Kind, verb: &'static str) -> Result<Send, Refusal> {
    let to = once(places(given(message, 0).ok_or(Refusal::NoRecipient(verb))?)?);
    if to.is_empty() {
        return Err(Refusal::NoRecipient(verb));
    }
    let mut tags = String::new();
    let tags = message.tags.write_client_only(&mut tags).then(|| tags.into());
    let text = match kind {
        Kind::Tags => "",
        _ => param(message, 1).filter(|text| !text.is_empty()).ok_or(Refusal::NoText)?,
    };
    let (kind, text) = action(kind, text);
    if text.is_empty() && kind != Kind::Tags {
        return Err(Refusal::NoText);
    }
    Ok(Send { to, kind, text: text.into(), joints: None, tags, id: None }.with_id(given_id(message.tags)))
}

/// Each target once, however often it is named.
fn once(named: Vec<Place>) -> Vec<Place> {
    let mut to: Vec<Place> = Vec::with_capacity(named.len());
    for place in named {
        let same = |other: &Place| match (other, &place) {
            (Place::Named(one), Place::Named(other)) => one.eq_ignore_ascii_case(other),
            _ => false,
        };
        if !to.iter().any(same) {
            to.push(place);
        }
    }
    to
}

/// A message that came as a batch of lines; `None` when CTCP is in it that is no action.
pub fn batched(
    target: &str,
    kind: Kind,
    text: &str,
    joints: Box<[u16]>,
    tags: Option<Box<str>>,
    id: GivenId,
) -> Option<Command> {
    let (kind, said) = action(kind, text);
    // Divided lines are known by where they lie in the text; an action has none.
    let joints = if kind == Kind::Action { Box::default() } else { joints };
    let to = vec![Place::Named(target.into())];
    let send = Send { to, kind, text: said.into(), joints: Some(joints), tags, id: None }.with_id(id);
    (!said.is_empty() && !said.contains('\u{1}')).then_some(Command::Send(send))
}

/// A PRIVMSG with CTCP ACTION is an action.
fn action(kind: Kind, text: &str) -> (Kind, &str) {
    let action = text.strip_prefix("\u{1}ACTION ").map(|rest| rest.strip_suffix('\u{1}').unwrap_or(rest));
    match action {
        Some(action) if kind == Kind::Text => (Kind::Action, action),
        _ => (kind, text),
    }
}

fn msg(rest: &str) -> Result<Command, Refusal> {
    to_somebody(rest, Kind::Text, &PRIVMSG)
}

fn notice(rest: &str) -> Result<Command, Refusal> {
    to_somebody(rest, Kind::Notice, &NOTICE)
}

fn to_somebody(rest: &str, kind: Kind, spec: &'static Spec) -> Result<Command, Refusal> {
    match split_word(rest) {
        ("", _) | (_, "") => Err(usage(spec)),
        (to, text) => Ok(say(Place::Named(to.into()), kind, text)),
    }
}

fn me(rest: &str) -> Result<Command, Refusal> {
    if rest.is_empty() {
        return Err(usage(&ME));
    }
    Ok(say(Place::Current, Kind::Action, rest))
}
