//! What was said while we were not there: the server replays it before anything else, in batches that
//! nobody asked for (`chathistory`). It is shown under a head, with an end.
//!
//! Between its batches the server asks by PING whether we have got as far: the answer goes out behind
//! all that was shown. What it says again, since our answer was lost, is known by its id; a message in
//! several lines has one only in its first.

use super::{Core, Now, Output};
use crate::protocol::Message;

/// The message of several lines that a connection has told of last.
#[derive(Debug)]
pub(super) struct Pieces {
    id: String,
    /// What is the same in all of its lines.
    head: (String, String, Option<String>),
    /// How many lines came.
    number: u32,
}

impl Core {
    /// Notes the line of a message by its id. Whether it was not shown before.
    pub(super) fn is_new(&mut self, message: &Message<'_>, from: &str, at: u64) -> bool {
        let Some(session) = &mut self.session else { return true };
        let head = || {
            let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
            let batch = message.tags.get("batch").map(String::from);
            (text(message.source), text(message.params.first().copied()), batch)
        };
        let said = matches!(message.command, "PRIVMSG" | "NOTICE");
        match message.tags.get("msgid") {
            Some(id) => {
                let new = self.model.remember(&id, 0, from, at);
                session.pieces = said.then(|| Pieces { id: id.into(), head: head(), number: 1 });
                new
            }
            None if said => {
                let Some(pieces) = session.pieces.as_mut().filter(|pieces| pieces.head == head()) else {
                    session.pieces = None;
                    return true;
                };
                pieces.number += 1;
                self.model.remember(&pieces.id, pieces.number - 1, from, at)
            }
            None => true,
        }
    }

    /// A line of a message that was missed is about to be shown.
    pub(super) fn missed_one(&mut self, now: Now, message: &Message<'_>) {
        let Some(session) = &mut self.session else { return };
        let first = session.missed == 0;
        session.missed += usize::from(first || message.tags.get("msgid").is_some());
        if first {
            self.note_connected();
            self.happened(now.unix_ms, None, "said while you were not here:".into());
        }
    }

    /// What comes now is said now.
    pub(super) fn missed_all(&mut self, now: Now) {
        let text = match self.session.as_mut().map(|session| std::mem::take(&mut session.missed)) {
            None | Some(0) => return,
            Some(1) => "end of the message that you missed".into(),
            Some(count) => format!("end of the {count} messages that you missed"),
        };
        self.happened(now.unix_ms, None, text);
    }

    /// Tells, once on each connection, that it stands.
    pub(super) fn note_connected(&mut self) {
        let tell = self.was_ready || !self.is_script();
        let Some(session) = &mut self.session else { return };
        if !std::mem::replace(&mut session.told, true) && tell {
            self.outputs.push_back(Output::Note(format!("connected as {}", self.options.account)));
        }
    }
}
