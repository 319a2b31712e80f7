//! The conversations of an account by the time of their newest text.

use rusqlite::{Connection, OptionalExtension as _};

use super::{coded, items::parsed, trouble::Outcome, write};
use crate::{
    ident::Nick,
    protocol::{durable::Conversation, past::Newest},
};

/// Answers the question.
pub(super) fn newest(conn: &Connection, newest: &Newest) -> Outcome<Vec<(Conversation, u64)>> {
    const SQL: &str = "SELECT time_ms FROM items WHERE place = (SELECT place FROM items
        WHERE conversation = ?1 AND form = 0 AND position <= ?2 ORDER BY position DESC, place DESC LIMIT 1)";
    let mut all = Vec::new();
    for &(room, since_ms) in &newest.rooms {
        let conversation = Conversation::Room(room);
        if let Some(id) = write::find(conn, &conversation)? {
            all.push((id, conversation, since_ms));
        }
    }
    all.extend(pairs(conn, &newest.account, i64::MIN)?.into_iter().map(|(id, pair)| (id, pair, 0)));
    let until = coded::position(newest.until);
    let mut found = Vec::new();
    for (id, conversation, since_ms) in all {
        let time_ms: Option<i64> = conn.prepare_cached(SQL)?.query_row([id, until], |row| row.get(0)).optional()?;
        if let Some(time_ms) = time_ms.map(coded::number_of)
            && time_ms >= since_ms
            && newest.holds(time_ms)
        {
            found.push((conversation, time_ms));
        }
    }
    newest.cut(&mut found);
    Ok(found)
}

/// The conversations of an account with others in which something stands after this position.
pub(super) fn pairs(conn: &Connection, account: &Nick, after: i64) -> Outcome<Vec<(i64, Conversation)>> {
    // Notes to oneself are found in the first half.
    const SQL: &str = "SELECT id, one, other FROM conversations WHERE one = ?1 AND one IS NOT NULL AND newest > ?2
        UNION ALL
        SELECT id, one, other FROM conversations WHERE other = ?1 AND other IS NOT NULL AND newest > ?2
        AND one <> ?1";
    let mut found = conn.prepare_cached(SQL)?;
    let mut rows = found.query((account.as_str(), after))?;
    let mut pairs = Vec::new();
    while let Some(row) = rows.next()? {
        pairs.push((row.get("id")?, Conversation::between(parsed(row, "one")?, parsed(row, "other")?)));
    }
    Ok(pairs)
}
