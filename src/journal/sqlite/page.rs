//! Pages of a conversation (IRCv3 `draft/chathistory`), with the bounds that the ring in memory has.
//!
//! Everything of a conversation stands in one order: by position, and where that is the same, by
//! place. A range is from one spot in it to another. Which items are in a range an index says; only
//! those that are shown are read.

use rusqlite::{Connection, OptionalExtension as _, params};

use super::{
    coded::{self, Form},
    items::{self, Rows},
    trouble::Outcome,
    write,
};
use crate::protocol::{
    durable::Bound,
    limits,
    past::{Content, Kept, Page, Range},
};

/// A spot in the order: position and place. Everything that stands there or later is behind it.
pub(super) type Spot = (i64, i64);

const START: Spot = (i64::MIN, i64::MIN);
const END: Spot = (i64::MAX, i64::MAX);

/// The spot behind all of a position.
pub(super) const fn behind(position: i64) -> Spot {
    (position.saturating_add(1), i64::MIN)
}

/// What is shown of a content.
pub(super) const fn forms(content: Content) -> &'static [Form] {
    match content {
        Content::Texts => &[Form::Text],
        Content::Messages => &[Form::Text, Form::Tags],
        Content::Everything => &[Form::Text, Form::Tags, Form::Event],
    }
}

/// Answers a question for a page.
pub(super) fn page(conn: &Connection, page: &Page) -> Outcome<Vec<Kept>> {
    let Some(id) = write::find(conn, &page.conversation)? else { return Ok(Vec::new()) };
    let mut cut = Cut { conn, page, id, rows: Rows::new(conn) };
    let first = cut.at_time(page.since_ms)?;
    Ok(cut.range(first, behind(coded::position(page.until)))?.unwrap_or_default())
}

struct Cut<'a> {
    conn: &'a Connection,
    page: &'a Page,
    id: i64,
    rows: Rows<'a>,
}

impl Cut<'_> {
    /// `None`: a bound is nowhere.
    fn range(&mut self, first: Spot, last: Spot) -> Outcome<Option<Vec<Kept>>> {
        let most = self.page.most;
        Ok(Some(match self.page.range {
            Range::Latest(None) => self.newest(first, last)?,
            Range::Latest(Some(bound)) => {
                let Some((_, after)) = self.find(bound)? else { return Ok(None) };
                self.newest(first.max(after), last)?
            }
            Range::Before(bound) => {
                let Some((before, _)) = self.find(bound)? else { return Ok(None) };
                self.newest(first, last.min(before))?
            }
            Range::After(bound) => {
                let Some((_, after)) = self.find(bound)? else { return Ok(None) };
                self.oldest(first.max(after), last)?
            }
            Range::Around(bound) => {
                let Some((middle, _)) = self.find(bound)? else { return Ok(None) };
                let mut older = self.newest(first, last.min(middle))?;
                let mut newer = self.oldest(first.max(middle), last)?;
                newer.truncate(most - older.len().min(most / 2));
                older.drain(..older.len().saturating_sub(most - newer.len()));
                older.append(&mut newer);
                older
            }
            Range::Between(one, other) => {
                let (Some(one), Some(other)) = (self.find(one)?, self.find(other)?) else { return Ok(None) };
                if one.0 <= other.0 {
                    self.oldest(first.max(one.1), last.min(other.0))?
                } else {
                    self.newest(first.max(other.1), last.min(one.0))?
                }
            }
        }))
    }

    /// Where a bound stands: what is before it ends at the first spot, what is after it starts at
    /// the second.
    fn find(&self, bound: Bound) -> Outcome<Option<(Spot, Spot)>> {
        Ok(match bound {
            Bound::Nothing => None,
            Bound::Id(id) => {
                let until = coded::position(self.page.until);
                let found = items::place_of(self.conn, self.id, id, until)?;
                found.map(|(place, position)| ((position, place), (position, place + 1)))
            }
            Bound::Time(time) => Some((self.at_time(time)?, self.at_time(time.saturating_add(1))?)),
        })
    }

    /// The spot of the first item of this time or later.
    fn at_time(&self, time_ms: u64) -> Outcome<Spot> {
        const SQL: &str = "SELECT position, place FROM items WHERE conversation = ?1 AND time_ms >= ?2
            ORDER BY time_ms, place LIMIT 1";
        if time_ms == 0 {
            return Ok(START);
        }
        // No time is later than all that there can be.
        let Ok(time_ms) = i64::try_from(time_ms) else { return Ok(END) };
        let mut found = self.conn.prepare_cached(SQL)?;
        let found = found.query_row([self.id, time_ms], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        Ok(found.unwrap_or(END))
    }

    fn oldest(&mut self, from: Spot, to: Spot) -> Outcome<Vec<Kept>> {
        self.taken(from, to, Order::Oldest)
    }

    fn newest(&mut self, from: Spot, to: Spot) -> Outcome<Vec<Kept>> {
        let mut found = self.taken(from, to, Order::Newest)?;
        found.reverse();
        Ok(found)
    }

    /// As much as a page holds of what it shows.
    fn taken(&mut self, from: Spot, to: Spot, order: Order) -> Outcome<Vec<Kept>> {
        let most = self.page.most;
        let mut spots = Vec::new();
        for form in forms(self.page.content) {
            spots.extend(self::spots(self.conn, self.id, *form, (from, to), order, most)?);
        }
        spots.sort_unstable_by(|one, other| match order {
            Order::Oldest => one.0.cmp(&other.0),
            Order::Newest => other.0.cmp(&one.0),
        });
        let mut octets = 0;
        let mut taken = Vec::new();
        for ((_, place), _) in spots.into_iter().take(most) {
            let Some(kept) = self.rows.kept(place, &self.page.conversation)? else { continue };
            octets += kept.octets() + kept.heads();
            if octets > limits::PAGE {
                break;
            }
            taken.push(kept);
        }
        Ok(taken)
    }
}

/// From which end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Oldest,
    Newest,
}

/// The spots, and sources, of a conversation's items of one form between two spots.
pub(super) fn spots(
    conn: &Connection,
    conversation: i64,
    form: Form,
    (from, to): (Spot, Spot),
    order: Order,
    most: usize,
) -> Outcome<Vec<(Spot, i64)>> {
    const OLDEST: &str = "SELECT position, place, source FROM items WHERE conversation = ?1 AND form = ?2
        AND position BETWEEN ?3 AND ?5 AND (position > ?3 OR place >= ?4) AND (position < ?5 OR place < ?6)
        ORDER BY position, place LIMIT ?7";
    const NEWEST: &str = "SELECT position, place, source FROM items WHERE conversation = ?1 AND form = ?2
        AND position BETWEEN ?3 AND ?5 AND (position > ?3 OR place >= ?4) AND (position < ?5 OR place < ?6)
        ORDER BY position DESC, place DESC LIMIT ?7";
    let mut found = conn.prepare_cached(match order {
        Order::Oldest => OLDEST,
        Order::Newest => NEWEST,
    })?;
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let bounds = params![conversation, form as i64, from.0, from.1, to.0, to.1, most];
    let spots = found.query_map(bounds, |row| Ok(((row.get(0)?, row.get(1)?), row.get(2)?)))?;
    Ok(spots.collect::<Result<_, _>>()?)
}
