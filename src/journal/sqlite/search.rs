//! Messages by their words.
//!
//! What is typed never becomes part of a query: each word is quoted, and the conversations that may
//! be read are numbers of ours.

use std::{
    collections::{HashMap, HashSet},
    fmt::Write as _,
    sync::Arc,
};

use rusqlite::Connection;

use super::{coded, items::Rows, newest, trouble::Outcome, write};
use crate::protocol::{
    chat::Message,
    durable::Conversation,
    past::{Kept, Search},
};

/// Answers the question.
pub(super) fn search(conn: &Connection, search: &Search) -> Outcome<Vec<(Conversation, Arc<Message>)>> {
    const SQL: &str = "SELECT items.place, items.conversation, items.time_ms, items.source
        FROM words CROSS JOIN items ON items.place = words.rowid
        WHERE words MATCH ?1 AND items.form = 0 AND items.position <= ?2 AND items.time_ms BETWEEN ?3 AND ?4
        ORDER BY words.rowid DESC";
    let places = places(conn, search)?;
    let Some(query) = query(search, &places) else { return Ok(Vec::new()) };
    let by = by(conn, search)?;
    let (from_ms, to_ms) = search.between_ms;
    let mut statement = conn.prepare_cached(SQL)?;
    let until = coded::position(search.until);
    let mut hits = statement.query((query, until, coded::number(from_ms), coded::number(to_ms)))?;
    let mut rows = Rows::new(conn);
    let mut found = Vec::new();
    while let Some(row) = hits.next()?
        && found.len() < search.most
    {
        let Some((conversation, since_ms)) = places.get(&row.get(1)?) else { continue };
        let source: i64 = row.get(3)?;
        if coded::number_of(row.get(2)?) < *since_ms || by.as_ref().is_some_and(|by| !by.contains(&source)) {
            continue;
        }
        if let Some(Kept::Message(message)) = rows.kept(row.get(0)?, conversation)? {
            found.push((conversation.clone(), message));
        }
    }
    found.reverse();
    Ok(found)
}

/// Where is looked, each with the time before which nothing is.
fn places(conn: &Connection, search: &Search) -> Outcome<HashMap<i64, (Conversation, u64)>> {
    let mut places = HashMap::new();
    let mut add = |id: i64, conversation: Conversation| {
        if let Some(since_ms) = search.reads(&conversation) {
            places.insert(id, (conversation, since_ms));
        }
    };
    if let Some(within) = &search.within {
        if let Some(id) = write::find(conn, within)? {
            add(id, within.clone());
        }
        return Ok(places);
    }
    for &(room, _) in &search.rooms {
        let conversation = Conversation::Room(room);
        if let Some(id) = write::find(conn, &conversation)? {
            add(id, conversation);
        }
    }
    for (id, pair) in newest::pairs(conn, &search.account, i64::MIN)? {
        add(id, pair);
    }
    Ok(places)
}

/// The query in the language of the index; `None` when there is nothing to look for, or nowhere.
fn query(search: &Search, places: &HashMap<i64, (Conversation, u64)>) -> Option<String> {
    if search.words.is_empty() || places.is_empty() {
        return None;
    }
    let mut query = String::from("{text} : (");
    for (n, word) in search.words.iter().enumerate() {
        let (word, star) = match word.strip_suffix('*') {
            Some(beginning) => (beginning, " *"),
            None => (&**word, ""),
        };
        let and = if n == 0 { "" } else { " AND " };
        // Writing to a String cannot fail.
        let _ = write!(query, "{and}\"{}\"{star}", word.replace('"', "\"\""));
    }
    query.push_str(") AND {conversation} : (");
    for (n, id) in places.keys().enumerate() {
        let or = if n == 0 { "" } else { " OR " };
        let _ = write!(query, "{or}\"{id}\"");
    }
    query.push(')');
    Some(query)
}

/// The sources that are of the person who is asked for.
fn by(conn: &Connection, search: &Search) -> Outcome<Option<HashSet<i64>>> {
    let Some(from) = &search.from else { return Ok(None) };
    let mut found = conn.prepare_cached("SELECT id FROM sources WHERE nick = ?1 COLLATE NOCASE")?;
    let sources = found.query_map([from.as_str()], |row| row.get(0))?;
    Ok(Some(sources.collect::<Result<_, _>>()?))
}
