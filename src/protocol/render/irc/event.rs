//! What others do: JOIN, PART, KICK, QUIT, TOPIC, MODE and the rest.

use std::fmt::Write;

use super::{Lines, end, push_tags, push_trailing};
use crate::protocol::{
    caps::{Cap, Caps},
    chat::{Act, Event},
};

/// Writes an event for sessions with these capabilities; nothing for those that did not ask to be
/// told of it.
pub(in crate::protocol::render) fn event(lines: &mut Lines, caps: Caps, event: &Event) {
    if needed(&event.act).is_some_and(|cap| !caps.has(cap)) {
        return;
    }
    write_event(lines, caps, event);
}

/// Writes an invitation for the invited, whatever he negotiated.
pub(super) fn invitation(lines: &mut Lines, caps: Caps, event: &Event) {
    write_event(lines, caps, event);
}

fn write_event(lines: &mut Lines, caps: Caps, event: &Event) {
    let out = lines.begin();
    push_tags(out, caps, event.time_ms, &event.source, Some(event.id), None);
    event.source.push(out);
    // Writing to a String cannot fail.
    let _ = match &event.act {
        Act::Join { room, realname } if caps.has(Cap::ExtendedJoin) => {
            write!(out, "JOIN {room} {}", event.source.nick).map(|()| push_text(out, Some(realname)))
        }
        Act::Join { room, .. } => write!(out, "JOIN {room}"),
        Act::Part(room, reason) => write!(out, "PART {room}").map(|()| push_text(out, reason.as_deref())),
        Act::Kick { room, who, reason } => write!(out, "KICK {room} {who}").map(|()| push_text(out, Some(reason))),
        Act::Quit(reason) => write!(out, "QUIT").map(|()| push_text(out, Some(reason))),
        Act::Topic(room, text) => write!(out, "TOPIC {room}").map(|()| push_text(out, Some(text))),
        Act::Mode(room, changes) => write!(out, "MODE {room} {changes}"),
        Act::Invite { room, who } => write!(out, "INVITE {who} {room}"),
        Act::Rename { from, to, reason } => {
            let reason = reason.as_deref().unwrap_or_default();
            write!(out, "RENAME {from} {to}").map(|()| push_text(out, Some(reason)))
        }
        Act::Away(reason) => write!(out, "AWAY").map(|()| push_text(out, reason.as_deref())),
        Act::Nick(nick) => write!(out, "NICK {nick}"),
        Act::SetName(realname) => write!(out, "SETNAME").map(|()| push_text(out, Some(realname))),
        Act::Host(new) => write!(out, "CHGHOST {} {}", new.user, new.host),
        Act::Redact { target, id, reason } => {
            write!(out, "REDACT {target} {id}").map(|()| push_text(out, reason.as_deref()))
        }
        Act::Wallops(text) => write!(out, "WALLOPS").map(|()| push_text(out, Some(text))),
        Act::Kill { who, reason } => write!(out, "KILL {who}").map(|()| push_text(out, Some(reason))),
    };
    end(lines);
}

/// The capability without which a session is not told.
const fn needed(act: &Act) -> Option<Cap> {
    match act {
        Act::Away(_) => Some(Cap::AwayNotify),
        Act::SetName(_) => Some(Cap::SetName),
        Act::Host(_) => Some(Cap::ChgHost),
        Act::Rename { .. } => Some(Cap::ChannelRename),
        Act::Redact { .. } => Some(Cap::MessageRedaction),
        // INVITE to the invited goes out as a reply, whatever he negotiated.
        Act::Invite { .. } => Some(Cap::InviteNotify),
        _ => None,
    }
}

/// The capabilities that make a difference to an event.
pub(in crate::protocol::render) const fn relevant(act: &Act) -> Caps {
    const TAGGED: Caps = Caps::of(&[Cap::ServerTime, Cap::MessageTags, Cap::AccountTag]);
    match (needed(act), act) {
        (Some(cap), _) => TAGGED.with(cap),
        (None, Act::Join { .. }) => TAGGED.with(Cap::ExtendedJoin),
        (None, _) => TAGGED,
    }
}

fn push_text(out: &mut String, text: Option<&str>) {
    if let Some(text) = text {
        out.push_str(" :");
        push_trailing(out, text);
    }
}
