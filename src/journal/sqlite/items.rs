//! Messages and events as rows, and back.

use std::{collections::HashMap, str::FromStr, sync::Arc};

use rusqlite::{Connection, OptionalExtension as _, Row, ToSql, params, types::ToSqlOutput, types::ValueRef};

use super::{
    acts,
    coded::{self, Form},
    trouble::{Outcome, Trouble},
};
use crate::{
    ident::{ClientLabel, DeviceId, Fingerprint, MsgId, RoomId},
    protocol::{
        chat::{Audience, Event, Kind, Message, Source},
        durable::{Conversation, Origin},
        past::Kept,
        words,
    },
};

/// More sources than this are looked up again.
const REMEMBERED: usize = 5_000;

/// The device and client of an origin as they stand in a row.
pub(super) fn origin(origin: &Origin) -> (&[u8], &str) {
    (device(&origin.device), label(origin.client.as_ref()))
}

const fn device(device: &DeviceId) -> &[u8] {
    device.0.as_bytes()
}

fn label(client: Option<&ClientLabel>) -> &str {
    client.map_or("", ClientLabel::as_str)
}

/// The rows of sources that were used lately.
#[derive(Default)]
pub(super) struct Sources(HashMap<SourceKey, Used>);

/// Names as they were written: here capitals count.
#[derive(PartialEq, Eq, Hash)]
struct SourceKey {
    device: Option<DeviceId>,
    client: Option<ClientLabel>,
    nick: String,
    user: Box<str>,
    host: Arc<str>,
    bot: bool,
}

struct Used {
    id: i64,
    place: i64,
    told: i64,
}

impl Sources {
    /// The row of a source that is used at this place.
    fn number(
        &mut self,
        conn: &Connection,
        source: &Source,
        device: Option<DeviceId>,
        client: Option<&ClientLabel>,
        place: i64,
    ) -> Outcome<i64> {
        const SQL: &str = "INSERT INTO sources (device, client, nick, user, host, bot, newest)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
            ON CONFLICT DO UPDATE SET newest = max(newest, ?7) RETURNING id";
        let (nick, user, host) = (source.nick.as_str(), source.user.clone(), Arc::clone(&source.host));
        let key = SourceKey { device, client: client.cloned(), nick: nick.into(), user, host, bot: source.bot };
        if let Some(used) = self.0.get_mut(&key) {
            used.place = place;
            return Ok(used.id);
        }
        let octets: &[u8] = device.as_ref().map_or(&[], self::device);
        let row = params![octets, label(client), nick, source.user, &*source.host, source.bot, place];
        let id = conn.prepare_cached(SQL)?.query_row(row, |row| row.get(0))?;
        self.0.insert(key, Used { id, place, told: place });
        Ok(id)
    }

    /// Writes where each was used last.
    pub(super) fn flush(&mut self, conn: &Connection) -> Outcome<()> {
        const SQL: &str = "UPDATE sources SET newest = max(newest, ?2) WHERE id = ?1";
        for used in self.0.values_mut().filter(|used| used.told < used.place) {
            conn.prepare_cached(SQL)?.execute([used.id, used.place])?;
            used.told = used.place;
        }
        if self.0.len() > REMEMBERED {
            self.0.clear();
        }
        Ok(())
    }
}

/// The text of a message as it stands in its row.
struct Text<'a>(&'a Message);

impl ToSql for Text<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let octets = self.0.text.as_bytes();
        Ok(ToSqlOutput::Borrowed(match self.0.kind {
            Kind::Opaque => ValueRef::Blob(octets),
            _ => ValueRef::Text(octets),
        }))
    }
}

/// Adds an item to a conversation.
pub(super) fn put(
    conn: &Connection,
    sources: &mut Sources,
    position: i64,
    conversation: i64,
    kept: &Kept,
) -> Outcome<()> {
    // The place is known before the row is, since the source notes it.
    const NEXT: &str = "SELECT coalesce(max(place), 0) + 1 FROM items";
    let place = conn.prepare_cached(NEXT)?.query_row([], |row| row.get(0))?;
    match kept {
        Kept::Message(message) => put_message(conn, sources, (place, position, conversation), message),
        Kept::Event(event) => {
            let source = sources.number(conn, &event.source, None, None, place)?;
            let about = match acts::about(&event.act) {
                Some(about) => Some(sources.number(conn, about, None, None, place)?),
                None => None,
            };
            acts::put(conn, (place, position, conversation), event, source, about)
        }
    }
}

type Where = (i64, i64, i64);

fn put_message(conn: &Connection, sources: &mut Sources, at: Where, message: &Message) -> Outcome<()> {
    const SQL: &str = "INSERT INTO items (place, position, conversation, form, id, time_ms, source, kind, audience,
        name, device, relation, related, text, joints, tags)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)";
    let (place, position, conversation) = at;
    let source = sources.number(conn, &message.source, Some(message.device), message.client.as_ref(), place)?;
    let form = if message.kind == Kind::Tags { Form::Tags } else { Form::Text };
    let (audience, name, device) = match &message.audience {
        Audience::Room(_, name) => (0, name.as_str(), None),
        Audience::Account(nick) => (1, nick.as_str(), None),
        Audience::Device(nick, one) => (2, nick.as_str(), Some(device(one))),
        // Belongs to no conversation: never asked for.
        Audience::Status(_, name) => (3, &**name, None),
    };
    let relation = message.relation.map(coded::relation);
    conn.prepare_cached(SQL)?.execute(params![
        place,
        position,
        conversation,
        form as i64,
        coded::id(message.id),
        coded::number(message.time_ms),
        source,
        coded::kind(message.kind),
        audience,
        name,
        device,
        relation.map(|(relation, _)| relation),
        relation.map(|(_, id)| coded::id(id)),
        Text(message),
        coded::joints(&message.joints),
        message.tags,
    ])?;
    if has_words(form, message.kind) {
        const WORDS: &str = "INSERT INTO words (rowid, text, conversation) VALUES (?1, ?2, ?3)";
        conn.prepare_cached(WORDS)?.execute(params![place, words::spread(&message.text), conversation])?;
    }
    Ok(())
}

fn has_words(form: Form, kind: Kind) -> bool {
    form == Form::Text && kind != Kind::Opaque
}

/// Takes an item out of the full-text index, if it is in there.
pub(super) fn remove_words(conn: &Connection, place: i64) -> Outcome<()> {
    conn.prepare_cached("DELETE FROM words WHERE rowid = ?1")?.execute([place])?;
    Ok(())
}

/// Removes what a message said; its place stays. Whether there was such a message.
pub(super) fn take_back(conn: &Connection, conversation: i64, id: MsgId) -> Outcome<bool> {
    const SQL: &str = "UPDATE items SET form = ?3, text = '', joints = NULL, tags = NULL
        WHERE place = ?1 AND kind < ?2";
    let Some((place, _)) = place_of(conn, conversation, id, i64::MAX)? else { return Ok(false) };
    remove_words(conn, place)?;
    Ok(conn.prepare_cached(SQL)?.execute([place, coded::FIRST_ACT, Form::TakenBack as i64])? > 0)
}

/// Place and position of an item, if it stands no later than `until`.
pub(super) fn place_of(conn: &Connection, conversation: i64, id: MsgId, until: i64) -> Outcome<Option<(i64, i64)>> {
    const SQL: &str = "SELECT place, position FROM items WHERE id = ?1 AND conversation = ?2 AND position <= ?3
        ORDER BY place DESC LIMIT 1";
    let mut found = conn.prepare_cached(SQL)?;
    Ok(found.query_row(params![coded::id(id), conversation, until], |row| Ok((row.get(0)?, row.get(1)?))).optional()?)
}

/// Reads rows of items; what they share is read once.
pub(super) struct Rows<'a> {
    conn: &'a Connection,
    sources: HashMap<i64, Seen>,
}

/// A source with its device and client.
#[derive(Clone)]
struct Seen {
    source: Arc<Source>,
    device: Option<DeviceId>,
    client: Option<ClientLabel>,
}

impl<'a> Rows<'a> {
    pub(super) fn new(conn: &'a Connection) -> Self {
        Self { conn, sources: HashMap::new() }
    }

    /// The item at a place; `None` when it was taken back or is gone.
    pub(super) fn kept(&mut self, place: i64, conversation: &Conversation) -> Outcome<Option<Kept>> {
        const SQL: &str = "SELECT form, id, time_ms, source, kind, audience, name, device, other, relation, related,
            text, joints, tags FROM items WHERE place = ?1 AND form < 3";
        let conn = self.conn;
        let mut found = conn.prepare_cached(SQL)?;
        let mut rows = found.query([place])?;
        let Some(row) = rows.next()? else { return Ok(None) };
        let Seen { source, device, client } = self.source(row.get("source")?)?;
        let id = coded::id_of(row.get("id")?);
        let time_ms = coded::number_of(row.get("time_ms")?);
        let kind: i64 = row.get("kind")?;
        if kind >= coded::FIRST_ACT {
            let about = match acts::has_about(kind) {
                true => Some(self.source(row.get("relation")?)?.source),
                false => None,
            };
            let act = acts::read(row, kind, about)?;
            return Ok(Some(Kept::Event(Arc::new(Event { id, time_ms, source, act }))));
        }
        Ok(Some(Kept::Message(Arc::new(Message {
            id,
            time_ms,
            source,
            device: device.ok_or(Trouble::Damaged("a message of no device"))?,
            client,
            audience: audience(row, conversation)?,
            kind: coded::kind_of(kind)?,
            relation: relation(row)?,
            text: text(row)?,
            joints: coded::joints_of(row.get_ref("joints")?.as_blob_or_null().map_err(rusqlite::Error::from)?),
            tags: row.get("tags")?,
        }))))
    }

    fn source(&mut self, number: i64) -> Outcome<Seen> {
        const SQL: &str = "SELECT nick, user, host, bot, device, client FROM sources WHERE id = ?1";
        if let Some(seen) = self.sources.get(&number) {
            return Ok(seen.clone());
        }
        let mut found = self.conn.prepare_cached(SQL)?;
        let mut rows = found.query([number])?;
        let row = rows.next()?.ok_or(Trouble::Damaged("an item of nobody"))?;
        let (device, client): (Box<[u8]>, Box<str>) = (row.get(4)?, row.get(5)?);
        let seen = Seen {
            source: Arc::new(Source {
                nick: parsed(row, "nick")?,
                user: row.get("user")?,
                host: row.get("host")?,
                bot: row.get("bot")?,
            }),
            device: match &*device {
                [] => None,
                octets => Some(device_of(octets)?),
            },
            client: client_of(&client)?,
        };
        self.sources.insert(number, seen.clone());
        Ok(seen)
    }
}

/// A name or label of a row.
pub(super) fn parsed<T: FromStr>(row: &Row<'_>, column: &str) -> Outcome<T> {
    let text: Box<str> = row.get(column)?;
    text.parse().map_err(|_| Trouble::Damaged("a name that cannot be one"))
}

pub(super) fn device_of(octets: &[u8]) -> Outcome<DeviceId> {
    let digest = octets.try_into().map_err(|_| Trouble::Damaged("a device that cannot be one"))?;
    Ok(DeviceId(Fingerprint::new(digest)))
}

pub(super) fn client_of(label: &str) -> Outcome<Option<ClientLabel>> {
    match label {
        "" => Ok(None),
        label => label.parse().map(Some).map_err(|_| Trouble::Damaged("a client that cannot be one")),
    }
}

fn audience(row: &Row<'_>, conversation: &Conversation) -> Outcome<Audience> {
    let room = || -> Outcome<RoomId> {
        match conversation {
            Conversation::Room(room) => Ok(*room),
            Conversation::Pair(..) => Err(Trouble::Damaged("a room's message that stands elsewhere")),
        }
    };
    Ok(match row.get("audience")? {
        0 => Audience::Room(room()?, parsed(row, "name")?),
        1 => Audience::Account(parsed(row, "name")?),
        2 => {
            let device: Box<[u8]> = row.get("device")?;
            Audience::Device(parsed(row, "name")?, device_of(&device)?)
        }
        3 => Audience::Status(room()?, row.get("name")?),
        _ => return Err(Trouble::Damaged("an unknown audience")),
    })
}

fn relation(row: &Row<'_>) -> Outcome<Option<crate::protocol::chat::Relation>> {
    let (Some(relation), Some(id)) = (row.get::<_, Option<i64>>("relation")?, row.get("related")?) else {
        return Ok(None);
    };
    coded::relation_of(relation, coded::id_of(id)).map(Some)
}

fn text(row: &Row<'_>) -> Outcome<Arc<str>> {
    match row.get_ref("text")? {
        ValueRef::Text(octets) | ValueRef::Blob(octets) => {
            Ok(str::from_utf8(octets).map_err(|_| Trouble::Damaged("a text that is not UTF-8"))?.into())
        }
        _ => Err(Trouble::Damaged("a message without a text")),
    }
}
