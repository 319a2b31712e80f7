//! From typed replies and events to octets, once for each shape of session.
//!
//! The journal keeps what was said; here each line is made safe for its reader.

mod irc;
mod pages;
mod plain;
mod text;

use bytes::Bytes;

pub use pages::Pages;
pub use text::server_time;

use crate::{
    ident::Nick,
    protocol::{
        caps::{Cap, Caps, Dialect, Shape},
        chat::{Event, Kind, Message, Source},
        reply::{Reply, ServerInfo},
    },
};

/// Complete lines under construction; remembers where each starts.
#[derive(Debug, Default)]
pub(super) struct Lines {
    text: String,
    starts: Vec<usize>,
}

impl Lines {
    fn begin(&mut self) -> &mut String {
        self.starts.push(self.text.len());
        &mut self.text
    }

    /// Each line, with its CR LF.
    fn iter(&self) -> impl Iterator<Item = &str> {
        let ends = self.starts.iter().skip(1).copied().chain([self.text.len()]);
        self.starts.iter().zip(ends).map(|(&start, end)| &self.text[start..end])
    }

    /// Forgets the line that was begun last.
    fn take_back(&mut self) {
        if let Some(start) = self.starts.pop() {
            self.text.truncate(start);
        }
    }
}

/// Renders replies to one session, in order. With a `label` (IRCv3 labeled-response) the answer
/// is one labeled line, a labeled batch of several, or a labeled ACK when there is nothing to say.
pub fn replies(server: &ServerInfo, me: &Nick, shape: Shape, label: Option<&str>, replies: &[Reply]) -> Bytes {
    if shape.dialect == Dialect::Irc {
        return irc_replies(server, Some(me), shape.caps, label, replies);
    }
    let mut lines = Lines::default();
    for reply in replies {
        plain::reply(&mut lines, server, me, reply);
    }
    lines.text.into()
}

/// Renders replies to an IRC client that is not registered yet.
pub fn replies_before_registration(server: &ServerInfo, caps: Caps, label: Option<&str>, replies: &[Reply]) -> Bytes {
    irc_replies(server, None, caps, label, replies)
}

fn irc_replies(server: &ServerInfo, me: Option<&Nick>, caps: Caps, label: Option<&str>, replies: &[Reply]) -> Bytes {
    let mut lines = Lines::default();
    for reply in replies {
        irc::reply(&mut lines, server, me, caps, reply);
    }
    match label.filter(|_| caps.has(Cap::LabeledResponse)) {
        Some(label) => irc::labeled(&lines, server, caps, label).into(),
        None => lines.text.into(),
    }
}

/// Renders a message for receivers of one shape; `own` when they are the sender. Empty when such
/// a session does not see it at all.
pub fn message(server: &ServerInfo, shape: Shape, own: bool, message: &Message) -> Bytes {
    let mut lines = Lines::default();
    match shape.dialect {
        Dialect::Irc => irc::message(&mut lines, server, shape.caps, message),
        Dialect::Plain => plain::message(&mut lines, own, message),
    }
    lines.text.into()
}

/// Renders an event for receivers of one shape. Empty when such a session does not see it at all.
pub fn event(shape: Shape, event: &Event) -> Bytes {
    let mut lines = Lines::default();
    match shape.dialect {
        Dialect::Irc => irc::event(&mut lines, shape.caps, event),
        Dialect::Plain => plain::event(&mut lines, event),
    }
    lines.text.into()
}

/// The part of a shape that makes a difference to a message: sessions equal in it share octets.
pub fn shape_for_message(shape: Shape, message: &Message) -> Shape {
    const TAGGED: Caps = Caps::of(&[Cap::ServerTime, Cap::MessageTags, Cap::AccountTag]);
    const TAGS_ONLY: Caps = Caps::of(&[Cap::MessageTags]);
    const BATCHED: Caps = TAGGED.with(Cap::Batch).with(Cap::Multiline);
    let caps = match message.kind {
        Kind::Tags if !shape.caps.has(Cap::MessageTags) => shape.caps.and(TAGS_ONLY),
        _ if irc::takes_batch(shape.caps) && irc::is_long(message) => shape.caps.and(BATCHED),
        _ => shape.caps.and(TAGGED),
    };
    Shape { caps, ..shape }
}

/// The part of a shape that makes a difference to any message.
pub fn shape_for_messages(shape: Shape) -> Shape {
    const RELEVANT: Caps = Caps::of(&[Cap::ServerTime, Cap::MessageTags, Cap::AccountTag, Cap::Batch, Cap::Multiline]);
    Shape { caps: shape.caps.and(RELEVANT), ..shape }
}

/// How many octets of text one line of IRC from `source` to `target` carries.
pub fn room_for_text(source: &Source, kind: Kind, target: &str) -> usize {
    irc::room_for_text(source, kind, target)
}

/// The part of a shape that makes a difference to an event.
pub fn shape_for_event(shape: Shape, event: &Event) -> Shape {
    Shape { caps: shape.caps.and(irc::relevant(&event.act)), ..shape }
}

/// The one line that every fresh connection gets before anybody knows its dialect: valid IRC and
/// readable.
pub fn greeting(server: &ServerInfo, account: &Nick, device: &str) -> String {
    format!(
        ":{} NOTICE * :You are {account} (device {device}). Type to talk in {}, or /help.\r\n",
        server.name, server.lobby
    )
}
