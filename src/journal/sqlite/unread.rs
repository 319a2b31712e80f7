//! What an account has not read yet: the streams of several conversations as one, in the one order.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashSet, VecDeque},
};

use rusqlite::{Connection, params};

use super::{
    coded::{self, Form},
    items::{self, Rows},
    newest,
    page::{self, Order, Spot},
    trouble::Outcome,
    write,
};
use crate::protocol::{
    durable::{Conversation, Position},
    limits,
    past::{Content, Kept, Survey, Unread, UnreadPage},
};

/// How many spots of a stream are read at once.
const FEW: usize = 64;

/// A conversation, and from where to where in it the account may read what is new: positions, both
/// included, none twice.
struct Reading {
    id: i64,
    conversation: Conversation,
    windows: Vec<(i64, i64)>,
}

/// Everything that the question is about.
fn readings(conn: &Connection, unread: &Unread) -> Outcome<Vec<Reading>> {
    let after = coded::position(unread.after);
    let whole = (after.saturating_add(1), coded::position(unread.until));
    let mut all = Vec::new();
    for room in &unread.rooms {
        let conversation = Conversation::Room(*room);
        let Some(id) = write::find(conn, &conversation)? else { continue };
        let windows = stays(conn, unread, coded::number(room.0), whole)?;
        all.push(Reading { id, conversation, windows });
    }
    for (id, conversation) in newest::pairs(conn, &unread.account, after)? {
        all.push(Reading { id, conversation, windows: vec![whole] });
    }
    Ok(all)
}

/// The parts of `whole` in which the account was in the room.
fn stays(conn: &Connection, unread: &Unread, room: i64, whole: (i64, i64)) -> Outcome<Vec<(i64, i64)>> {
    const SQL: &str = "SELECT joined, parted FROM stays
        WHERE account = ?1 AND room = ?2 AND parted >= ?3 AND joined <= ?4 ORDER BY joined";
    let mut found = conn.prepare_cached(SQL)?;
    let rows = found.query_map(params![unread.account.as_str(), room, whole.0, whole.1], |row| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?))
    })?;
    let mut windows: Vec<(i64, i64)> = Vec::new();
    for row in rows {
        let (joined, parted) = row?;
        // Who leaves and comes back at one position has read it once.
        let from = windows.last().map_or(joined, |last| joined.max(last.1.saturating_add(1)));
        windows.push((from.max(whole.0), parted.min(whole.1)));
    }
    Ok(windows)
}

/// The sources that the question leaves out: the account itself, from there.
fn excepted(conn: &Connection, unread: &Unread) -> Outcome<HashSet<i64>> {
    let Some(origin) = &unread.except else { return Ok(HashSet::new()) };
    let mut found =
        conn.prepare_cached("SELECT id FROM sources WHERE device = ?1 AND client = ?2 AND nick = ?3 COLLATE NOCASE")?;
    let (device, client) = items::origin(origin);
    let sources = found.query_map(params![device, client, unread.account.as_str()], |row| row.get(0))?;
    Ok(sources.collect::<Result<_, _>>()?)
}

/// One form of one window of a conversation.
struct Stream {
    reading: usize,
    form: Form,
    from: Spot,
    to: Spot,
    order: Order,
    ahead: VecDeque<Spot>,
    ended: bool,
}

/// Streams as one, spot by spot.
struct Merged<'a> {
    conn: &'a Connection,
    readings: &'a [Reading],
    except: &'a HashSet<i64>,
    streams: Vec<Stream>,
    /// The next spot of each stream.
    next: BinaryHeap<Reverse<(Spot, usize)>>,
}

impl<'a> Merged<'a> {
    fn new(
        conn: &'a Connection,
        readings: &'a [Reading],
        except: &'a HashSet<i64>,
        content: Content,
        order: Order,
    ) -> Outcome<Self> {
        let mut merged = Self { conn, readings, except, streams: Vec::new(), next: BinaryHeap::new() };
        for (reading, of) in readings.iter().enumerate() {
            for &(from, to) in of.windows.iter().filter(|(from, to)| from <= to) {
                for &form in page::forms(content) {
                    let (from, to) = ((from, i64::MIN), page::behind(to));
                    let ahead = VecDeque::new();
                    merged.streams.push(Stream { reading, form, from, to, order, ahead, ended: false });
                    merged.advance(merged.streams.len() - 1)?;
                }
            }
        }
        Ok(merged)
    }

    /// Puts the next spot of a stream among those of the others.
    fn advance(&mut self, number: usize) -> Outcome<()> {
        let stream = &mut self.streams[number];
        while stream.ahead.is_empty() && !stream.ended {
            let id = self.readings[stream.reading].id;
            let bounds = (stream.from, stream.to);
            let spots = page::spots(self.conn, id, stream.form, bounds, stream.order, FEW)?;
            stream.ended = spots.len() < FEW;
            if let Some(&((position, place), _)) = spots.last() {
                match stream.order {
                    Order::Oldest => stream.from = (position, place + 1),
                    Order::Newest => stream.to = (position, place),
                }
            }
            let wanted = spots.into_iter().filter(|(_, source)| !self.except.contains(source));
            stream.ahead.extend(wanted.map(|(spot, _)| spot));
        }
        if let Some(spot) = stream.ahead.pop_front() {
            let key = match stream.order {
                Order::Oldest => spot,
                // A heap gives its smallest; positions and places are no less than 0.
                Order::Newest => (-spot.0, -spot.1),
            };
            self.next.push(Reverse((key, number)));
        }
        Ok(())
    }

    /// The next spot, and of which reading.
    fn pop(&mut self) -> Outcome<Option<(Spot, usize)>> {
        let Some(Reverse(((position, place), number))) = self.next.pop() else { return Ok(None) };
        self.advance(number)?;
        Ok(Some(((position.abs(), place.abs()), self.streams[number].reading)))
    }
}

/// How much is unread.
pub(super) fn survey(conn: &Connection, unread: &Unread, most: usize) -> Outcome<Survey> {
    const COUNT: &str = "SELECT count(*) FROM items WHERE conversation = ?1 AND form = 0
        AND position BETWEEN ?2 AND ?3";
    const BY: &str = "SELECT count(*) FROM items WHERE conversation = ?1 AND form = 0
        AND position BETWEEN ?2 AND ?3
        AND source NOT IN (SELECT id FROM sources WHERE device = ?4 AND client = ?5 AND nick = ?6 COLLATE NOCASE)";
    let (readings, except) = (readings(conn, unread)?, excepted(conn, unread)?);
    let (mut total, mut expired) = (0, 0);
    for reading in &readings {
        for &(from, to) in reading.windows.iter().filter(|(from, to)| from <= to) {
            let count: i64 = match &unread.except {
                None => conn.prepare_cached(COUNT)?.query_row([reading.id, from, to], |row| row.get(0))?,
                Some(origin) => {
                    let (device, client) = items::origin(origin);
                    let bounds = params![reading.id, from, to, device, client, unread.account.as_str()];
                    conn.prepare_cached(BY)?.query_row(bounds, |row| row.get(0))?
                }
            };
            total += coded::number_of(count);
        }
        expired += self::expired(conn, reading)?;
    }
    let mut from = unread.after;
    if total > most as u64 {
        let mut merged = Merged::new(conn, &readings, &except, Content::Texts, Order::Newest)?;
        let mut left = most;
        while let Some(((position, _), _)) = merged.pop()? {
            if left == 0 {
                from = coded::position_of(position);
                break;
            }
            left -= 1;
        }
    }
    Ok(Survey { total, expired, from: from.max(unread.after) })
}

/// How many texts were dropped in runs that touch what is asked for.
fn expired(conn: &Connection, reading: &Reading) -> Outcome<u64> {
    const SQL: &str = "SELECT first, last, texts FROM expired WHERE conversation = ?1 AND last >= ?2";
    let Some(&(oldest, _)) = reading.windows.first() else { return Ok(0) };
    let mut found = conn.prepare_cached(SQL)?;
    let mut rows = found.query([reading.id, oldest])?;
    let mut expired = 0;
    while let Some(row) = rows.next()? {
        let (first, last): (i64, i64) = (row.get(0)?, row.get(1)?);
        if reading.windows.iter().any(|&(from, to)| first <= to && from <= last) {
            expired += coded::number_of(row.get(2)?);
        }
    }
    Ok(expired)
}

/// The oldest of what is unread.
pub(super) fn page(conn: &Connection, unread: &Unread, most: usize) -> Outcome<UnreadPage> {
    let (readings, except) = (readings(conn, unread)?, excepted(conn, unread)?);
    let mut merged = Merged::new(conn, &readings, &except, unread.content, Order::Oldest)?;
    let mut filling = Filling { rows: Rows::new(conn), page: UnreadPage::default(), octets: 0 };
    filling.page.end = unread.after;
    // All of one position is taken or none of it.
    let mut group: Vec<(Spot, usize)> = Vec::new();
    loop {
        let next = merged.pop()?;
        if let (Some(first), next) = (group.first(), &next)
            && next.as_ref().is_none_or(|(spot, _)| spot.0 != first.0.0)
        {
            let position = coded::position_of(first.0.0);
            if !filling.take(&group, &readings, most, position)? {
                return Ok(filling.page);
            }
            group.clear();
        }
        match next {
            Some(next) => group.push(next),
            None => break,
        }
    }
    Ok(UnreadPage { end: unread.until, complete: true, ..filling.page })
}

/// A page that becomes full.
struct Filling<'a> {
    rows: Rows<'a>,
    page: UnreadPage,
    octets: usize,
}

impl Filling<'_> {
    /// Takes all of a position, if there is room for it; on an empty page there is for any.
    fn take(&mut self, group: &[(Spot, usize)], readings: &[Reading], most: usize, at: Position) -> Outcome<bool> {
        let full = |kept: usize, octets: usize| kept > most || octets > limits::PAGE;
        let empty = self.page.kept.is_empty();
        if !empty && full(self.page.kept.len() + group.len(), self.octets) {
            return Ok(false);
        }
        let mut more: Vec<(Conversation, Kept)> = Vec::with_capacity(group.len());
        for &((_, place), reading) in group {
            let conversation = &readings[reading].conversation;
            if let Some(kept) = self.rows.kept(place, conversation)? {
                self.octets += kept.octets() + kept.heads();
                more.push((conversation.clone(), kept));
            }
        }
        if !empty && full(0, self.octets) {
            return Ok(false);
        }
        self.page.kept.append(&mut more);
        self.page.end = at;
        Ok(true)
    }
}
