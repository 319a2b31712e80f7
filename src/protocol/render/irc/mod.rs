//! The IRC dialect: RFC 1459 lines as Modern IRC describes them, with IRCv3 tags.
//!
//! Here is how a line is written whatever it says; what it says is in the files below.

mod event;
mod message;
mod metadata;
mod missed;
mod negotiation;
mod past;
mod people;
mod reply;
mod rooms;
mod server;

use std::{borrow::Cow, fmt::Write};

use super::{Lines, text::server_time};
use crate::{
    ident::MsgId,
    protocol::{
        caps::{Cap, Caps},
        chat::{Audience, Source},
        limits,
        reply::ServerInfo,
        sanitize, tags,
    },
};

use event::invitation;
pub(super) use event::{event, relevant};
pub(super) use message::{is_long, message, room_for_text, takes_batch};
pub(super) use reply::{piece, reply};

/// Writes replies to one session.
struct Writer<'a> {
    lines: &'a mut Lines,
    server: &'a ServerInfo,
    /// The receiver's nick, or `*` before the registration.
    me: &'a str,
    caps: Caps,
}

impl Writer<'_> {
    /// A line of the server's: `:SERVER COMMAND PARAMS`; the last parameter may hold blanks.
    fn line(&mut self, command: &str, params: &[&str]) {
        line(self.lines, Some(&self.server.name), command, params);
    }

    /// A numeric; the text, if any, after a colon.
    fn num(&mut self, code: u16, params: &[&str], text: Option<&str>) {
        numeric(self.lines, self.server, self.me, code, params, text);
    }

    /// Lines as a batch of this type (with its parameters), where the client knows batches. No other
    /// of this reference may be open.
    fn batch(&mut self, reference: &str, kind: &[&str], inner: &Lines) {
        if !self.caps.has(Cap::Batch) {
            return inner.iter().for_each(|line| self.lines.begin().push_str(line));
        }
        let opening = format!("+{reference}");
        self.line("BATCH", &[&[opening.as_str()], kind].concat());
        inner.iter().for_each(|line| self.lines.begin().push_str(&within(line, reference)));
        self.line("BATCH", &[&format!("-{reference}")]);
    }

    /// A writer of other lines to the same session.
    fn apart<'a>(&'a self, lines: &'a mut Lines) -> Writer<'a> {
        Writer { lines, server: self.server, me: self.me, caps: self.caps }
    }

    /// Room for text in a numeric with these parameters.
    fn room(&self, params: &[&str]) -> usize {
        let params: usize = params.iter().map(|param| param.len() + 1).sum();
        room_after(self.server.name.len() + self.me.len() + params + 9)
    }

    /// As many numerics as the words need, each with as many of them as fit.
    fn words<T: AsRef<str>>(
        &mut self,
        code: u16,
        params: &[&str],
        separator: char,
        words: impl IntoIterator<Item = T>,
    ) {
        let most = self.room(params);
        let mut row = String::new();
        for word in words {
            let word = word.as_ref();
            if !row.is_empty() && row.len() + 1 + word.len() > most {
                self.num(code, params, Some(&row));
                row.clear();
            }
            if !row.is_empty() {
                row.push(separator);
            }
            row.push_str(word);
        }
        if !row.is_empty() {
            self.num(code, params, Some(&row));
        }
    }
}

/// Writes `:SOURCE COMMAND PARAMS`; the last parameter may hold blanks.
pub(super) fn line(lines: &mut Lines, source: Option<&str>, command: &str, params: &[&str]) {
    let out = lines.begin();
    if let Some(source) = source {
        let _ = write!(out, ":{source} ");
    }
    out.push_str(command);
    push_params(out, params);
    end(lines);
}

/// Writes a numeric reply to `me`; the text, if any, after a colon.
pub(super) fn numeric(
    lines: &mut Lines,
    server: &ServerInfo,
    me: &str,
    code: u16,
    params: &[&str],
    text: Option<&str>,
) {
    let out = lines.begin();
    let _ = write!(out, ":{} {code:03} {me}", server.name);
    for param in params {
        out.push(' ');
        push_middle(out, param);
    }
    if let Some(text) = text {
        out.push_str(" :");
        push_trailing(out, text);
    }
    end(lines);
}

/// Wraps what was rendered for a labeled request (IRCv3 `labeled-response`): the label is on one
/// line, on the first of one batch, or on a batch around all of it.
pub(super) fn labeled(lines: &Lines, server: &ServerInfo, caps: Caps, label: &str) -> String {
    let value = tags::escape(label);
    match lines.starts.len() {
        0 => format!("@label={value} :{} ACK\r\n", server.name),
        1 => tagged(&lines.text, "label", &value),
        _ if is_one_batch(lines) => {
            let (first, rest) = lines.text.split_at(lines.starts[1]);
            tagged(first, "label", &value) + rest
        }
        _ if caps.has(Cap::Batch) => in_labeled_batch(lines, server, Some(label), true),
        _ => lines.text.clone(),
    }
}

/// Lines of an answer of which this may be only a part: it begins with the label, if it is given here,
/// and may end here.
pub(super) fn in_labeled_batch(lines: &Lines, server: &ServerInfo, label: Option<&str>, ends: bool) -> String {
    let mut out = String::with_capacity(lines.text.len() + lines.starts.len() * 10 + 100);
    // One batch of these is open at a time, so one reference serves them all.
    if let Some(label) = label {
        let _ = write!(out, "@label={} :{} BATCH +r labeled-response\r\n", tags::escape(label), server.name);
    }
    for line in lines.iter() {
        out.push_str(&within(line, "r"));
    }
    if ends {
        let _ = write!(out, ":{} BATCH -r\r\n", server.name);
    }
    out
}

/// Whether the lines are one batch from the first to the last.
fn is_one_batch(lines: &Lines) -> bool {
    let opened = lines.iter().next().and_then(|line| batch_reference(line, '+'));
    let closed = lines.iter().position(|line| opened.is_some() && batch_reference(line, '-') == opened);
    closed.is_some_and(|at| at + 1 == lines.starts.len())
}

/// The reference of the batch that a line opens (`+`) or closes (`-`).
fn batch_reference(line: &str, sign: char) -> Option<&str> {
    let mut words = line.split_ascii_whitespace().skip_while(|word| word.starts_with(['@', ':']));
    let (Some("BATCH"), Some(reference)) = (words.next(), words.next()) else { return None };
    reference.strip_prefix(sign)
}

/// A line as part of a batch. What is in a batch of its own is in this one by it (IRCv3 `batch`,
/// section "Nested batch").
fn within<'a>(line: &'a str, reference: &str) -> Cow<'a, str> {
    match tag_section(line).split(';').any(|tag| tag.starts_with("batch=")) {
        true => line.into(),
        false => tagged(line, "batch", reference).into(),
    }
}

/// A line's tags, without the `@`.
fn tag_section(line: &str) -> &str {
    line.strip_prefix('@').and_then(|rest| rest.split(' ').next()).unwrap_or_default()
}

/// Puts one more tag in front of a line.
fn tagged(line: &str, key: &str, value: &str) -> String {
    match line.strip_prefix('@') {
        Some(rest) => format!("@{key}={value};{rest}"),
        None => format!("@{key}={value} {line}"),
    }
}

/// Ends the line that was begun last. What a peer wrote is quoted in some replies: a line that
/// would be too long for it is cut, whole characters. Messages are divided before they come here.
fn end(lines: &mut Lines) {
    let out = &mut lines.text;
    let start = lines.starts.last().copied().unwrap_or_default();
    let tags = if out[start..].starts_with('@') { out[start..].find(' ').map_or(0, |space| space + 1) } else { 0 };
    let most = start + tags + limits::IRC_BODY - 2;
    out.truncate(out.floor_char_boundary(most));
    out.push_str("\r\n");
}

fn push_params(out: &mut String, params: &[&str]) {
    if let Some((last, middle)) = params.split_last() {
        for param in middle {
            out.push(' ');
            push_middle(out, param);
        }
        out.push_str(if last.is_empty() || last.starts_with(':') || last.contains(' ') { " :" } else { " " });
        push_trailing(out, last);
    }
}

/// A parameter that is not the last. What a peer wrote there can be anything: only a visible word
/// goes out.
fn push_middle(out: &mut String, text: &str) {
    if text.is_empty() || text.starts_with(':') || text.contains(' ') {
        out.push('*');
    } else {
        push_trailing(out, text);
    }
}

fn push_trailing(out: &mut String, text: &str) {
    out.push_str(&sanitize::for_irc(text));
}

/// Room for text in a line that starts with `head` octets, leaving CR LF.
const fn room_after(head: usize) -> usize {
    let most = limits::IRC_BODY - 2;
    // A head can be no longer than source, verb and target allow; keep some room whatever it is.
    if head + 64 > most { 64 } else { most - head }
}

impl Source {
    fn push(&self, out: &mut String) {
        let _ = write!(out, ":{}!{}@{} ", self.nick, self.user, self.host);
    }
}

/// Writes the tag section that these capabilities ask for.
fn push_tags(out: &mut String, caps: Caps, time_ms: u64, source: &Source, id: Option<MsgId>, client: Option<&str>) {
    let start = out.len();
    if caps.has(Cap::ServerTime) {
        out.push_str(";time=");
        server_time(out, time_ms);
    }
    if caps.has(Cap::AccountTag) {
        let _ = write!(out, ";account={}", source.nick);
    }
    if caps.has(Cap::MessageTags) {
        if let Some(id) = id {
            let _ = write!(out, ";msgid={id}");
        }
        if source.bot {
            out.push_str(";bot");
        }
        if let Some(client) = client {
            let _ = write!(out, ";{client}");
        }
    }
    if out.len() > start {
        out.replace_range(start..=start, "@");
        out.push(' ');
    }
}

fn target(audience: &Audience) -> &str {
    match audience {
        Audience::Room(_, name) => name.as_str(),
        Audience::Status(_, name) => name,
        Audience::Account(nick) | Audience::Device(nick, _) => nick.as_str(),
    }
}
