//! What is removed: rooms that are gone, and messages and events that are too old or too many. In
//! pieces, so that no commit waits long; and so that the disk has its space back.

use std::{collections::HashMap, time::Duration};

use rusqlite::{Connection, OptionalExtension as _, params};

use super::{
    coded::{self, Form},
    items, load,
    trouble::Outcome,
    write::{Litter, Writing},
};
use crate::{
    journal::{RESENT_MS, Retention},
    platform::clock,
};

/// How many rows one transaction removes, and how long it goes on with that: commits wait meanwhile.
const PIECE: i64 = 200;
const MEANWHILE: Duration = Duration::from_millis(20);

/// How many free pages one transaction gives back, and from how many on it is worth it.
const PAGES: i64 = 256;
const WORTH: i64 = 64;

/// A run of what is gone covers about a day, and a conversation has so many of them at most.
const RUN_MS: i64 = 86_400_000;
const RUNS: i64 = 40;

/// What a round does, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Gone,
    Sent,
    Age,
    Total,
    Each,
    Unused,
    Shrink,
    Log,
}

impl Stage {
    const ALL: [Self; 8] =
        [Self::Gone, Self::Sent, Self::Age, Self::Total, Self::Each, Self::Unused, Self::Shrink, Self::Log];
}

/// How far a round is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    More,
    Done,
}

/// A round under way: as of when, and which stage.
#[derive(Clone, Copy)]
struct Round {
    asked: Option<u64>,
    now_ms: u64,
    stage: usize,
}

/// The chores.
pub(super) struct Chores {
    retention: Retention,
    now_ms: fn() -> u64,
    round: Option<Round>,
    /// Something was removed, so that there may be free pages.
    removed: bool,
    /// The write-ahead log may hold what was removed.
    stale: bool,
}

impl Chores {
    pub(super) const fn new(retention: Retention, now_ms: fn() -> u64) -> Self {
        // Whatever the last process did not come to is done at the start.
        Self { retention, now_ms, round: None, removed: true, stale: true }
    }

    /// Notes what a commit left; tells whether there is anything.
    pub(super) const fn note(&mut self, litter: Litter) -> bool {
        let any = litter.room || litter.text;
        self.stale |= any;
        any
    }

    /// Gives the round up.
    pub(super) const fn stop(&mut self) {
        self.round = None;
    }

    /// Does a piece, as of the time that is asked for or as of now.
    pub(super) fn go_on(&mut self, writing: &mut Writing, asked: Option<u64>) -> Outcome<Progress> {
        let round = match self.round.filter(|round| round.asked == asked) {
            Some(round) => round,
            None => Round { asked, now_ms: asked.unwrap_or_else(self.now_ms), stage: 0 },
        };
        let Some(stage) = Stage::ALL.get(round.stage) else {
            self.round = None;
            return Ok(Progress::Done);
        };
        let done = match self.piece(*stage, writing, round.now_ms)? {
            Progress::More => 0,
            Progress::Done => 1,
        };
        self.round = Some(Round { stage: round.stage + done, ..round });
        Ok(Progress::More)
    }

    fn piece(&mut self, stage: Stage, writing: &mut Writing, now_ms: u64) -> Outcome<Progress> {
        let Retention { age_ms, per_conversation, total } = self.retention;
        let removed = match (stage, age_ms, per_conversation, total) {
            (Stage::Gone, ..) => writing.transact(gone)?,
            (Stage::Sent, ..) => writing.transact(|conn| sent(conn, now_ms))?,
            (Stage::Age, Some(age), ..) => {
                let before = coded::number(now_ms.saturating_sub(age));
                writing.transact(|conn| remove(conn, OLDEST, params![PIECE, before]))?
            }
            (Stage::Total, .., Some(most)) => writing.transact(|conn| beyond_total(conn, most))?,
            (Stage::Each, _, Some(most), _) => writing.transact(|conn| beyond_each(conn, most))?,
            (Stage::Unused, ..) if self.removed => {
                writing.transact(unused)?;
                writing.forget();
                0
            }
            (Stage::Shrink, ..) if self.removed => return shrink(writing),
            (Stage::Log, ..) if self.stale || self.removed => {
                self.stale = !truncate_log(writing)?;
                self.removed = false;
                0
            }
            _ => 0,
        };
        self.removed |= removed > 0;
        Ok(if removed > 0 { Progress::More } else { Progress::Done })
    }
}

const OLDEST: &str = "SELECT place, conversation, position, time_ms, form
    FROM (SELECT * FROM items ORDER BY place LIMIT ?1) WHERE time_ms < ?2";
const OF_ONE: &str = "SELECT place, conversation, position, time_ms, form FROM items WHERE conversation = ?2
    ORDER BY time_ms, place LIMIT ?1";

/// A piece of a room that is gone, and its conversation when nothing is left in it.
fn gone(conn: &Connection) -> Outcome<usize> {
    const SQL: &str = "SELECT id FROM conversations WHERE room IS NULL AND one IS NULL LIMIT 1";
    let found: Option<i64> = conn.prepare_cached(SQL)?.query_row([], |row| row.get(0)).optional()?;
    let Some(conversation) = found else { return Ok(0) };
    match remove(conn, OF_ONE, params![PIECE, conversation])? {
        0 => Ok(conn.prepare_cached("DELETE FROM conversations WHERE id = ?1")?.execute([conversation])?),
        removed => Ok(removed),
    }
}

/// Names of sent messages. What counts is when the last entry was: a clock that is wrong for a moment
/// must not let a message be taken twice.
fn sent(conn: &Connection, now_ms: u64) -> Outcome<usize> {
    const SQL: &str = "DELETE FROM sent WHERE (account, id) IN
        (SELECT account, id FROM sent WHERE time_ms < ?1 ORDER BY time_ms LIMIT ?2)";
    let last_ms = load::last(conn)?.map_or(0, |last| last.time_ms);
    let before = coded::number(now_ms.min(last_ms).saturating_sub(RESENT_MS));
    Ok(conn.prepare_cached(SQL)?.execute([before, PIECE])?)
}

fn beyond_total(conn: &Connection, most: u64) -> Outcome<usize> {
    const SQL: &str = "SELECT coalesce(sum(items), 0) - ?1 FROM conversations";
    let beyond: i64 = conn.prepare_cached(SQL)?.query_row([coded::number(most)], |row| row.get(0))?;
    match beyond {
        1.. => remove(conn, OLDEST, params![beyond.min(PIECE), i64::MAX]),
        _ => Ok(0),
    }
}

fn beyond_each(conn: &Connection, most: u64) -> Outcome<usize> {
    const SQL: &str = "SELECT id, items - ?1 FROM conversations WHERE items > ?1 LIMIT 1";
    let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
    let found: Option<(i64, i64)> = conn.prepare_cached(SQL)?.query_row([coded::number(most)], row).optional()?;
    match found {
        Some((conversation, beyond)) => remove(conn, OF_ONE, params![beyond.min(PIECE), conversation]),
        None => Ok(0),
    }
}

/// What is removed of one conversation.
#[derive(Default)]
struct Run {
    items: i64,
    texts: i64,
    first: i64,
    first_ms: i64,
    last: i64,
}

/// Removes the items that a query finds, the oldest first, and notes how many texts there were.
fn remove(conn: &Connection, sql: &str, params: impl rusqlite::Params) -> Outcome<usize> {
    let mut found = conn.prepare_cached(sql)?;
    let rows = found.query_map(params, |row| {
        Ok((row.get(0)?, row.get(1)?, row.get::<_, i64>(2)?, row.get::<_, i64>(3)?, row.get::<_, i64>(4)?))
    })?;
    let rows: Vec<(i64, i64, i64, i64, i64)> = rows.collect::<Result<_, _>>()?;
    let (until, mut removed) = (clock::monotonic() + MEANWHILE, 0);
    let mut runs: HashMap<i64, Run> = HashMap::new();
    for (place, conversation, position, time_ms, form) in rows {
        if removed > 0 && clock::monotonic() > until {
            break;
        }
        removed += 1;
        items::remove_words(conn, place)?;
        conn.prepare_cached("DELETE FROM items WHERE place = ?1")?.execute([place])?;
        let run = runs.entry(conversation).or_default();
        run.items += 1;
        if form == Form::Text as i64 {
            if run.texts == 0 {
                (run.first, run.first_ms) = (position, time_ms);
            }
            run.texts += 1;
            run.last = position;
        }
    }
    for (conversation, run) in &runs {
        const LESS: &str = "UPDATE conversations SET items = items - ?2 WHERE id = ?1";
        conn.prepare_cached(LESS)?.execute([*conversation, run.items])?;
        if run.texts > 0 {
            note(conn, *conversation, run)?;
        }
    }
    Ok(removed)
}

/// Adds a run to those of its conversation; few are kept.
fn note(conn: &Connection, conversation: i64, run: &Run) -> Outcome<()> {
    const NEWEST: &str = "SELECT last FROM expired WHERE conversation = ?1 AND first_ms > ?2
        ORDER BY last DESC LIMIT 1";
    const LONGER: &str = "UPDATE expired SET last = ?3, texts = texts + ?4 WHERE conversation = ?1 AND last = ?2";
    const ANOTHER: &str = "INSERT INTO expired (conversation, first, last, first_ms, texts)
        VALUES (?1, ?2, ?3, ?4, ?5)";
    let newest = conn.prepare_cached(NEWEST)?.query_row([conversation, run.first_ms - RUN_MS], |row| row.get(0));
    if let Some(last) = newest.optional()? {
        let last: i64 = last;
        conn.prepare_cached(LONGER)?.execute([conversation, last, run.last.max(last), run.texts])?;
        return Ok(());
    }
    conn.prepare_cached(ANOTHER)?.execute([conversation, run.first, run.last, run.first_ms, run.texts])?;
    merge(conn, conversation)
}

/// Makes one of the two oldest runs when there are too many.
fn merge(conn: &Connection, conversation: i64) -> Outcome<()> {
    const COUNT: &str = "SELECT count(*) FROM expired WHERE conversation = ?1";
    const OLDEST: &str = "SELECT last, first, first_ms, texts FROM expired WHERE conversation = ?1
        ORDER BY last LIMIT 1";
    const INTO: &str = "UPDATE expired SET first = ?2, first_ms = ?3, texts = texts + ?4 WHERE conversation = ?1
        AND last = (SELECT min(last) FROM expired WHERE conversation = ?1)";
    let count: i64 = conn.prepare_cached(COUNT)?.query_row([conversation], |row| row.get(0))?;
    if count <= RUNS {
        return Ok(());
    }
    let row = |row: &rusqlite::Row<'_>| Ok([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?]);
    let [last, first, first_ms, texts]: [i64; 4] = conn.prepare_cached(OLDEST)?.query_row([conversation], row)?;
    conn.prepare_cached("DELETE FROM expired WHERE conversation = ?1 AND last = ?2")?.execute([conversation, last])?;
    conn.prepare_cached(INTO)?.execute([conversation, first, first_ms, texts])?;
    Ok(())
}

/// Sources that nothing kept has any more, and stays of which nothing is kept and that no cursor of
/// the account is behind.
fn unused(conn: &Connection) -> Outcome<()> {
    const SOURCES: &str = "DELETE FROM sources WHERE newest < (SELECT min(place) FROM items)
        OR NOT EXISTS (SELECT 1 FROM items)";
    const STAYS: &str = "DELETE FROM stays
        WHERE parted < coalesce((SELECT position FROM items ORDER BY place LIMIT 1), (SELECT position FROM last), 0)
        AND NOT EXISTS (SELECT 1 FROM cursors WHERE account = stays.account AND position < stays.parted)";
    conn.execute(SOURCES, [])?;
    conn.execute(STAYS, [])?;
    Ok(())
}

/// Gives free pages back to the file system.
fn shrink(writing: &mut Writing) -> Outcome<Progress> {
    let Some(conn) = writing.conn() else { return Ok(Progress::Done) };
    let free = |conn: &Connection| conn.query_row("PRAGMA freelist_count", [], |row| row.get::<_, i64>(0));
    let before = free(conn)?;
    if before < WORTH {
        return Ok(Progress::Done);
    }
    let sql = format!("PRAGMA incremental_vacuum({PAGES})");
    let mut pages = conn.prepare(&sql)?;
    let mut rows = pages.query([])?;
    while rows.next()?.is_some() {}
    Ok(if free(conn)? < before { Progress::More } else { Progress::Done })
}

/// Empties the write-ahead log, unless a reader is in the way; whether it is empty.
fn truncate_log(writing: &mut Writing) -> Outcome<bool> {
    let Some(conn) = writing.conn() else { return Ok(false) };
    conn.busy_timeout(std::time::Duration::ZERO)?;
    let busy = conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0));
    conn.busy_timeout(super::file::PATIENCE)?;
    Ok(busy? == 0)
}
