//! What the person types: taken at once, sent when it may be.

use super::{Core, ID_TAG, Now, Output};
use crate::client::{
    commands::{self, Action},
    pending::Request,
};

/// How many lines of a person are kept while they cannot be sent.
const MOST: usize = 10_000;
const TOO_MANY: &str = "too many lines wait for the connection";

impl Core {
    /// A line was typed.
    pub fn typed(&mut self, now: Now, line: &str) {
        let leaving = line.starts_with('/') && matches!(commands::parse(line, None), Action::Quit(_));
        if self.was_ready || leaving {
            self.perform(now, line);
        } else if self.held.len() >= MOST {
            self.not_sent(now, line, TOO_MANY);
        } else if !line.trim().is_empty() {
            self.held.push_back(line.to_owned());
            self.outputs.push_back(Output::Pending(self.unsent(), line.to_owned()));
        }
    }

    /// A line came in that is no text and cannot be sent.
    pub fn unfit(&mut self, now: Now, why: &str) {
        self.wrong(now, format!("a line was not sent: {why}"));
    }

    /// Does what a line asks for.
    pub(super) fn perform(&mut self, now: Now, line: &str) {
        match commands::parse(line, self.model.current()) {
            Action::Nothing => {}
            Action::Ask(requests) => requests.into_iter().for_each(|request| self.ask(now, request)),
            Action::TalkIn(room, request) => {
                let joined = self.model.is_joined(&room);
                self.model.switch(&room);
                if joined {
                    self.happened(now.unix_ms, None, format!("you talk in {room} now"));
                } else {
                    self.ask(now, request);
                }
            }
            Action::Help(lines) => lines.into_iter().for_each(|line| self.happened(now.unix_ms, None, line)),
            Action::Wrong(sentence) => self.wrong(now, sentence),
            Action::Quit(reason) => self.quit(now, reason),
        }
    }

    /// Something is asked of the server.
    pub fn ask(&mut self, now: Now, request: Request) {
        if self.pending.len() >= MOST {
            return self.not_sent(now, &request.typed, TOO_MANY);
        }
        let typed = request.typed.clone();
        let place = self.pending.push(request);
        if self.is_ready() {
            self.go_on(now);
        } else {
            self.outputs.push_back(Output::Pending(place, typed));
        }
    }

    /// Sends what may be sent now.
    pub(super) fn send_pending(&mut self, now: Now) {
        let knows_ids = self.session.as_ref().is_some_and(|session| session.knows_ids);
        while let Some(next) = self.pending.next_line(knows_ids.then_some(ID_TAG)) {
            match next {
                Ok(line) => self.outputs.push_back(Output::Send(line)),
                Err((request, error)) => self.unwritten(now, request, error),
            }
        }
    }

    fn wrong(&mut self, now: Now, sentence: String) {
        self.refusals += 1;
        self.happened(now.unix_ms, None, sentence);
    }
}
