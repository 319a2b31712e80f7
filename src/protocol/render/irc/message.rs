//! PRIVMSG, NOTICE and TAGMSG (Modern IRC, section "Sending Messages"); messages of several lines
//! as `draft/multiline` batches for those who take them, as single lines for the others.

use std::{borrow::Cow, fmt::Write};

use super::{Lines, push_tags, room_after, target};
use crate::protocol::{
    caps::{Cap, Caps},
    chat::{Kind, Message, Source},
    refusal::verb_of,
    render::text::pieces,
    reply::ServerInfo,
    sanitize,
};

/// The batch of a message of several lines: open for no longer than its own lines.
const REFERENCE: &str = "m";

/// Client-only tags of at most so many octets are said again with every line of a message: a
/// reader must see to what each of them belongs, but nobody multiplies kilobytes.
const REPEATED_TAGS: usize = 256;

pub(in crate::protocol::render) fn message(lines: &mut Lines, server: &ServerInfo, caps: Caps, message: &Message) {
    match message.kind {
        Kind::Tags => tags_only(lines, caps, message),
        _ if takes_batch(caps) && is_long(message) => batch(lines, server, caps, message),
        _ => single_lines(lines, caps, message),
    }
}

/// Whether such a session gets a long message as a batch.
pub(in crate::protocol::render) const fn takes_batch(caps: Caps) -> bool {
    caps.has(Cap::Batch) && caps.has(Cap::Multiline)
}

/// Whether a message is more than one line of IRC, and what it is can be said in a batch.
pub(in crate::protocol::render) fn is_long(message: &Message) -> bool {
    matches!(message.kind, Kind::Text | Kind::Notice)
        && (message.text.len() > room(message) || !message.joints.is_empty() || message.text.contains('\n'))
}

/// How many octets of text one line from `source` to `target` carries.
pub(in crate::protocol::render) fn room_for_text(source: &Source, kind: Kind, target: &str) -> usize {
    let (open, close) = around(kind);
    // ":nick!user@host VERB target :"
    let mask = source.nick.as_str().len() + source.user.len() + source.host.len();
    room_after(mask + verb_of(kind).len() + target.len() + 7 + open.len() + close.len())
}

fn room(message: &Message) -> usize {
    room_for_text(&message.source, message.kind, target(&message.audience))
}

const fn around(kind: Kind) -> (&'static str, &'static str) {
    match kind {
        Kind::Action => ("\u{1}ACTION ", "\u{1}"),
        _ => ("", ""),
    }
}

fn tags_only(lines: &mut Lines, caps: Caps, message: &Message) {
    if !caps.has(Cap::MessageTags) || message.tags.is_none() {
        return;
    }
    let out = lines.begin();
    push_tags(out, caps, message.time_ms, &message.source, Some(message.id), message.tags.as_deref());
    push_head(out, message, "TAGMSG");
    out.push_str("\r\n");
}

fn single_lines(lines: &mut Lines, caps: Caps, message: &Message) {
    let (open, close) = around(message.kind);
    let tags = message.tags.as_deref();
    let rows = rows(message);
    // Nobody is sent an empty line who cannot know of what message it is a part.
    let said = rows.iter().filter(|row| rows.len() == 1 || !row.text.is_empty());
    for (number, row) in said.enumerate() {
        let (id, tags) = match number {
            0 => (Some(message.id), tags),
            _ => (None, tags.filter(|tags| tags.len() <= REPEATED_TAGS)),
        };
        let out = lines.begin();
        push_tags(out, caps, message.time_ms, &message.source, id, tags);
        push_head(out, message, verb_of(message.kind));
        let _ = write!(out, " :{open}{}{close}\r\n", row.text);
    }
}

/// The tags belong to the batch as a whole.
fn batch(lines: &mut Lines, server: &ServerInfo, caps: Caps, message: &Message) {
    let out = lines.begin();
    push_tags(out, caps, message.time_ms, &message.source, Some(message.id), message.tags.as_deref());
    message.source.push(out);
    let _ = write!(out, "BATCH +{REFERENCE} draft/multiline {}\r\n", target(&message.audience));
    for row in rows(message) {
        let concat = if row.joined { ";draft/multiline-concat" } else { "" };
        let out = lines.begin();
        let _ = write!(out, "@batch={REFERENCE}{concat} ");
        push_head(out, message, verb_of(message.kind));
        let _ = write!(out, " :{}\r\n", row.text);
    }
    let _ = write!(lines.begin(), ":{} BATCH -{REFERENCE}\r\n", server.name);
}

fn push_head(out: &mut String, message: &Message, verb: &str) {
    message.source.push(out);
    let _ = write!(out, "{verb} {}", target(&message.audience));
}

/// A line's worth of a message.
struct Row<'a> {
    /// It goes on where the row before ended.
    joined: bool,
    text: Cow<'a, str>,
}

/// The message's lines as their sender's client divided them, and further where that takes.
fn rows(message: &Message) -> Vec<Row<'_>> {
    let most = room(message);
    let mut joints = message.joints.iter().map(|&joint| usize::from(joint)).peekable();
    let (mut rows, mut start) = (Vec::new(), 0);
    for line in message.text.split('\n') {
        let (first, mut begin, end) = (rows.len(), start, start + line.len());
        start = end + 1;
        while begin <= end {
            while joints.next_if(|&joint| joint <= begin).is_some() {}
            let joint = joints.next_if(|&joint| joint < end && message.text.is_char_boundary(joint));
            let stop = joint.unwrap_or(end);
            match sanitize::for_irc(&message.text[begin..stop]) {
                Cow::Borrowed(text) => {
                    rows.extend(pieces(text, most).map(|text| Row { joined: false, text: text.into() }));
                }
                Cow::Owned(text) => {
                    rows.extend(pieces(&text, most).map(|text| Row { joined: false, text: text.to_owned().into() }));
                }
            }
            if joint.is_none() {
                break;
            }
            begin = stop;
        }
        rows.iter_mut().skip(first + 1).for_each(|row| row.joined = true);
    }
    rows
}
