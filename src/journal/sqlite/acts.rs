//! Events as rows, and back: which column holds what of each act.

use std::sync::Arc;

use rusqlite::{Connection, Row, params};

use super::{
    coded::{self, Form},
    items::parsed,
    trouble::{Outcome, Trouble},
};
use crate::{
    ident::MsgId,
    protocol::chat::{Act, Event, Source},
};

const JOIN: i64 = coded::FIRST_ACT;
const PART: i64 = 17;
const KICK: i64 = 18;
const QUIT: i64 = 19;
const TOPIC: i64 = 20;
const MODE: i64 = 21;
const INVITE: i64 = 22;
const RENAME: i64 = 23;
const AWAY: i64 = 24;
const NICK: i64 = 25;
const SET_NAME: i64 = 26;
const HOST: i64 = 27;
const REDACT: i64 = 28;
const WALLOPS: i64 = 29;
const KILL: i64 = 30;

/// What an act says, by columns.
#[derive(Default)]
struct Parts<'a> {
    kind: i64,
    name: Option<&'a str>,
    other: Option<&'a str>,
    text: Option<&'a str>,
    id: Option<MsgId>,
}

/// Takes an act apart.
fn parts(act: &Act) -> Parts<'_> {
    let none = Parts::default();
    match act {
        Act::Join { room, realname } => Parts { kind: JOIN, name: Some(room.as_str()), text: Some(realname), ..none },
        Act::Part(room, reason) => Parts { kind: PART, name: Some(room.as_str()), text: reason.as_deref(), ..none },
        Act::Kick { room, who, reason } => {
            let (name, other) = (Some(room.as_str()), Some(who.as_str()));
            Parts { kind: KICK, name, other, text: Some(reason), ..none }
        }
        Act::Quit(reason) => Parts { kind: QUIT, text: Some(reason), ..none },
        Act::Topic(room, text) => Parts { kind: TOPIC, name: Some(room.as_str()), text: Some(text), ..none },
        Act::Mode(room, changes) => Parts { kind: MODE, name: Some(room.as_str()), text: Some(changes), ..none },
        Act::Invite { room, who } => {
            Parts { kind: INVITE, name: Some(room.as_str()), other: Some(who.as_str()), ..none }
        }
        Act::Rename { from, to, reason } => {
            let (name, other) = (Some(to.as_str()), Some(from.as_str()));
            Parts { kind: RENAME, name, other, text: reason.as_deref(), ..none }
        }
        Act::Away(reason) => Parts { kind: AWAY, text: reason.as_deref(), ..none },
        Act::Nick(nick) => Parts { kind: NICK, other: Some(nick.as_str()), ..none },
        Act::SetName(name) => Parts { kind: SET_NAME, text: Some(name), ..none },
        Act::Host(_) => Parts { kind: HOST, ..none },
        Act::Redact { target, id, reason } => {
            Parts { kind: REDACT, name: Some(target), id: Some(*id), text: reason.as_deref(), ..none }
        }
        Act::Wallops(text) => Parts { kind: WALLOPS, text: Some(text), ..none },
        Act::Kill { who, reason } => Parts { kind: KILL, other: Some(who.as_str()), text: Some(reason), ..none },
    }
}

/// The second source of an act; its number stands where the id of a related item would.
pub(super) const fn about(act: &Act) -> Option<&Arc<Source>> {
    match act {
        Act::Host(about) => Some(about),
        _ => None,
    }
}

/// Whether an act of this kind has a second source.
pub(super) const fn has_about(kind: i64) -> bool {
    kind == HOST
}

/// Adds an event to a conversation.
pub(super) fn put(
    conn: &Connection,
    at: (i64, i64, i64),
    event: &Event,
    source: i64,
    about: Option<i64>,
) -> Outcome<()> {
    const SQL: &str = "INSERT INTO items
        (place, position, conversation, form, id, time_ms, source, kind, name, other, text, relation, related)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)";
    let (place, position, conversation) = at;
    let Parts { kind, name, other, text, id } = parts(&event.act);
    conn.prepare_cached(SQL)?.execute(params![
        place,
        position,
        conversation,
        Form::Event as i64,
        coded::id(event.id),
        coded::number(event.time_ms),
        source,
        kind,
        name,
        other,
        text,
        about,
        id.map(coded::id),
    ])?;
    Ok(())
}

/// Puts an act together again.
pub(super) fn read(row: &Row<'_>, kind: i64, about: Option<Arc<Source>>) -> Outcome<Act> {
    let text = || row.get::<_, Arc<str>>("text");
    let reason = || row.get::<_, Option<Arc<str>>>("text");
    Ok(match kind {
        JOIN => Act::Join { room: parsed(row, "name")?, realname: text()? },
        PART => Act::Part(parsed(row, "name")?, reason()?),
        KICK => Act::Kick { room: parsed(row, "name")?, who: parsed(row, "other")?, reason: text()? },
        QUIT => Act::Quit(text()?),
        TOPIC => Act::Topic(parsed(row, "name")?, text()?),
        MODE => Act::Mode(parsed(row, "name")?, row.get("text")?),
        INVITE => Act::Invite { room: parsed(row, "name")?, who: parsed(row, "other")? },
        RENAME => Act::Rename { from: parsed(row, "other")?, to: parsed(row, "name")?, reason: reason()? },
        AWAY => Act::Away(reason()?),
        NICK => Act::Nick(parsed(row, "other")?),
        SET_NAME => Act::SetName(text()?),
        HOST => Act::Host(about.ok_or(Trouble::Damaged("an event that concerns nobody"))?),
        REDACT => Act::Redact { target: row.get("name")?, id: coded::id_of(row.get("related")?), reason: reason()? },
        WALLOPS => Act::Wallops(text()?),
        KILL => Act::Kill { who: parsed(row, "other")?, reason: text()? },
        _ => return Err(Trouble::Damaged("an unknown kind of event")),
    })
}
