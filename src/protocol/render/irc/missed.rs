//! What a session missed, played back (IRCv3 `batch`, type `chathistory`; `server-time`).

use std::{borrow::Cow, sync::Arc};

use super::{Lines, Writer, event, message, takes_batch};
use crate::protocol::{
    caps::Cap,
    chat::{Audience, Kind, Message},
    past::Kept,
    render::text::{clock, counted, date, gone_for_ever},
};

/// The reference of a part's batch: open for no longer than its own lines.
const REFERENCE: &str = "h";

impl Writer<'_> {
    /// What of all that was missed is not played back.
    pub(super) fn missed(&mut self, skipped: u64, expired: u64) {
        if expired > 0 {
            self.line("NOTICE", &[self.me, &gone_for_ever(expired)]);
        }
        if skipped > 0 {
            let older = counted(skipped, "older message");
            let verb = if skipped == 1 { "is" } else { "are" };
            let text = format!(
                "{older} of the time you were away {verb} not shown: HISTORY and CHATHISTORY have what is kept"
            );
            self.line("NOTICE", &[self.me, &text]);
        }
    }

    /// A part of what was missed. A program that knows batches gets one for each room and person, in
    /// the order in which they first occur.
    pub(super) fn replayed(&mut self, items: &[(Box<str>, Kept)]) {
        if !self.caps.has(Cap::Batch) {
            let mut inner = Lines::default();
            items.iter().for_each(|(_, kept)| self.again(&mut inner, kept));
            return inner.iter().for_each(|line| self.lines.begin().push_str(line));
        }
        let mut targets: Vec<(&str, Lines)> = Vec::new();
        for (target, kept) in items {
            let at = targets.iter().position(|(known, _)| *known == &**target).unwrap_or_else(|| {
                targets.push((target, Lines::default()));
                targets.len() - 1
            });
            self.again(&mut targets[at].1, kept);
        }
        for (target, inner) in targets.iter().filter(|(_, inner)| !inner.starts.is_empty()) {
            self.batch(REFERENCE, &["chathistory", target], inner);
        }
    }

    fn again(&self, lines: &mut Lines, kept: &Kept) {
        match kept {
            Kept::Event(old) => event(lines, self.caps, old),
            // What he wrote to somebody elsewhere would look as if it had come from there.
            Kept::Message(old) if self.is_my_own_to_somebody(old) && !self.caps.has(Cap::EchoMessage) => {}
            Kept::Message(old) if self.caps.has(Cap::ServerTime) => message(lines, self.server, self.caps, old),
            Kept::Message(old) => message(lines, self.server, self.caps, &dated(old, takes_batch(self.caps))),
        }
    }

    fn is_my_own_to_somebody(&self, message: &Message) -> bool {
        let mine = message.source.nick.as_str().eq_ignore_ascii_case(self.me);
        mine && matches!(&message.audience, Audience::Account(to) if *to != message.source.nick)
    }
}

/// A message with its date and time in front of its text: of each of its lines, or, where they come
/// as one, of the first.
fn dated(message: &Message, as_one: bool) -> Cow<'_, Message> {
    if matches!(message.kind, Kind::Tags | Kind::Opaque) {
        return Cow::Borrowed(message);
    }
    let mut stamp = String::from("[");
    date(&mut stamp, message.time_ms);
    stamp.push(' ');
    clock(&mut stamp, message.time_ms);
    stamp.push_str("] ");
    let (mut text, mut joints) = (String::new(), Vec::new());
    let mut old = message.joints.iter().map(|&joint| usize::from(joint)).peekable();
    let mut start = 0;
    for (number, line) in message.text.split('\n').enumerate() {
        if number > 0 {
            text.push('\n');
        }
        let begin = text.len();
        if number == 0 || !as_one && !line.is_empty() {
            text.push_str(&stamp);
        }
        let moved = text.len() - start;
        text.push_str(line);
        let end = start + line.len();
        while let Some(joint) = old.next_if(|&joint| joint <= end) {
            let joint = if joint <= start { begin } else { joint + moved };
            // A text with all its stamps is far shorter than what a joint can say.
            joints.extend(u16::try_from(joint));
        }
        start = end + 1;
    }
    Cow::Owned(Message { text: Arc::from(text), joints: joints.into(), ..Message::clone(message) })
}
