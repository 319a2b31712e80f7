//! Pages of what is kept (IRCv3 `draft/chathistory`) and what was found (`soju.im/search`), as batches
//! where the client knows those.

use super::{Lines, Writer, event, message};
use crate::protocol::{past::Kept, render::text::server_time, reply::Hits};

/// The reference of a page's batch. No other batch of this kind is open at the same time.
const REFERENCE: &str = "h";

impl Writer<'_> {
    /// A page: each line as it was when it happened.
    pub(super) fn page(&mut self, target: &str, kept: &[Kept]) {
        let mut inner = Lines::default();
        for kept in kept {
            match kept {
                Kept::Message(old) => message(&mut inner, self.server, self.caps, old),
                Kept::Event(old) => event(&mut inner, self.caps, old),
            }
        }
        self.batch(REFERENCE, &["chathistory", target], &inner);
    }

    /// What was found: each line as it was when it was said, whatever it was said to.
    pub(super) fn found(&mut self, found: &Hits) {
        if found.more {
            let most = found.messages.len().to_string();
            self.line("NOTE", &["SEARCH", "MORE_FOUND", &most, "more was found than is shown, which is the newest"]);
        }
        let mut inner = Lines::default();
        found.messages.iter().for_each(|old| message(&mut inner, self.server, self.caps, old));
        self.batch(REFERENCE, &["soju.im/search"], &inner);
    }

    /// Conversations and when their newest message was said.
    pub(super) fn conversations(&mut self, rows: &[(Box<str>, u64)]) {
        let mut inner = Lines::default();
        for (name, time_ms) in rows {
            let mut time = String::new();
            server_time(&mut time, *time_ms);
            super::line(&mut inner, Some(&self.server.name), "CHATHISTORY", &["TARGETS", name, &time]);
        }
        self.batch(REFERENCE, &["draft/chathistory-targets"], &inner);
    }
}
