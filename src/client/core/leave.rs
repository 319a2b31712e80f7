//! Leaving: not before everything is acknowledged, unless the person insists.

use super::{Core, Now, Output, Source, session::Phase};
use crate::protocol::{MessageBuf, fence};

/// How far leaving has come.
#[derive(Debug)]
pub(super) enum Leave {
    /// Nobody wants to leave.
    No,
    /// As soon as everything is acknowledged, with this reason.
    Wanted(Option<String>),
}

impl Core {
    /// No more lines will be typed: leaves when everything is acknowledged.
    pub fn input_ended(&mut self, now: Now) {
        self.quit(now, None);
    }

    /// The person breaks off: a last word to the server, if it can hear it.
    pub fn interrupted(&mut self) {
        let phase = self.session.as_ref().map(|session| &session.phase);
        if matches!(phase, Some(Phase::Ready { .. } | Phase::Welcoming | Phase::Parting)) {
            self.send(MessageBuf::new("QUIT"));
        }
    }

    pub(super) fn quit(&mut self, now: Now, reason: Option<String>) {
        let person = self.options.source == Source::Person;
        let unsent = self.unsent();
        if !self.is_ready() && person && unsent > 0 && !self.warned {
            self.warned = true;
            let text = match unsent {
                1 => "1 line is not sent yet; quit again to leave without sending it".to_owned(),
                _ => format!("{unsent} lines are not sent yet; quit again to leave without sending them"),
            };
            return self.happened(now.unix_ms, None, text);
        }
        self.leave = Leave::Wanted(reason);
        if self.is_ready() {
            self.go_on(now);
        } else if person || self.was_ready && unsent == 0 {
            self.outputs.push_back(Output::End);
        }
    }

    /// Leaves if that is wanted and nothing waits any more. What was read is confirmed first, so that
    /// it does not come again; a script has nothing to confirm.
    pub(super) fn leave_if_done(&mut self, now: Now) {
        if self.unsent() > 0 || matches!(self.leave, Leave::No) {
            return;
        }
        if self.is_script() {
            return self.say_goodbye(now);
        }
        if let Some(session) = &mut self.session {
            session.enter(Phase::Parting, now);
            self.send(MessageBuf::new("PING").param(fence::ASK));
        }
    }

    pub(super) fn say_goodbye(&mut self, now: Now) {
        let Some(session) = &mut self.session else { return };
        session.enter(Phase::Leaving, now);
        let quit = MessageBuf::new("QUIT");
        let reason = match &self.leave {
            Leave::Wanted(reason) => reason.clone(),
            Leave::No => None,
        };
        self.send(match &reason {
            Some(reason) => quit.param(reason),
            None => quit,
        });
    }
}
