//! What a program reads: one JSON object a line.

use serde::Serialize;

use crate::{client::Record, protocol::render::server_time};

/// A line of the chat.
#[derive(Serialize)]
struct Line<'a> {
    time: String,
    msgid: Option<&'a str>,
    nick: &'a str,
    account: Option<&'a str>,
    target: &'a str,
    kind: &'static str,
    text: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    whom: Option<&'a str>,
    history: bool,
}

/// A line of the chat as an object; `place`: where it was heard, for one that does not tell.
pub(super) fn record(record: &Record, place: &str) -> Result<String, serde_json::Error> {
    line(&Line {
        time: time(record.at),
        msgid: record.id.as_deref(),
        nick: &record.nick,
        account: record.account.as_deref(),
        target: record.target.as_deref().unwrap_or(place),
        kind: record.kind.name(),
        text: &record.text,
        whom: record.whom.as_deref(),
        history: record.past,
    })
}

/// An object as a line, with its line end. What a terminal could take for a command, or show in
/// another order, is written as an escape: the object is the same, and may be looked at.
pub(super) fn line(object: &impl Serialize) -> Result<String, serde_json::Error> {
    let text = serde_json::to_string(object)?;
    // Such characters can only be in a string: what JSON itself is made of is ASCII.
    let mut line = text.chars().fold(String::with_capacity(text.len() + 1), |mut line, c| {
        if is_unsafe(c) {
            line.push_str(&format!("\\u{:04x}", u32::from(c)));
        } else {
            line.push(c);
        }
        line
    });
    line.push('\n');
    Ok(line)
}

/// A time as JSON has it: RFC 3339, in UTC.
pub(super) fn time(unix_ms: u64) -> String {
    let mut out = String::new();
    server_time(&mut out, unix_ms);
    out
}

const fn is_unsafe(c: char) -> bool {
    matches!(c, '\u{7f}'..='\u{9f}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_reads_the_same_and_is_safe_to_look_at() {
        let text = "a\"b\n\u{1b}[2J\u{9b}2J\u{202e}x\u{2028}\u{1f600}\u{e9}";
        let line = line(&[text]).unwrap();
        assert_eq!(line, "[\"a\\\"b\\n\\u001b[2J\\u009b2J\\u202ex\\u2028\u{1f600}\u{e9}\"]\n");
        assert_eq!(serde_json::from_str::<Vec<String>>(&line).unwrap(), [text]);
        assert_eq!(time(1500), "1970-01-01T00:00:01.500Z");
    }
}
