//! What the server answers: which line of it belongs to which request (`labeled-response`,
//! `echo-message`), and what was said before (`chathistory`).

use super::{Core, Now, Output, nick_of, record, show::time_of};
use crate::{
    client::{
        event::{Event, Manner, What},
        pending::{Aim, Echo},
        replies,
    },
    protocol::{Line, Message},
};

/// Why a NOTICE was not sent, as far as one knows.
const NOBODY: &str = "nobody heard it: there is no such room or person, or you cannot speak there";

impl Core {
    /// A line came from the server.
    pub fn received(&mut self, now: Now, line: Line<'_>) {
        let text = line.text().map_err(|bad| bad.to_string());
        match text.and_then(|text| Message::parse(text).map_err(|error| error.to_string())) {
            Ok(message) => self.take(now, &message),
            Err(error) => {
                let text = format!("the server sent a line that cannot be read: {error}");
                self.outputs.push_back(Output::Note(text));
            }
        }
    }

    fn take(&mut self, now: Now, message: &Message<'_>) {
        let Some(session) = &mut self.session else { return };
        session.heard(now);
        if message.is("BATCH") {
            if let Some(label) = session.batches.take(message) {
                self.answered(now, &label);
            }
            return;
        }
        let batch = message.tags.get("batch");
        if session.batches.is_found(batch.as_deref()) {
            return self.found(now, message);
        }
        let replay = session.batches.is_replay(batch.as_deref());
        let whole = message.tags.get("label");
        let label = whole.as_deref().or_else(|| session.batches.label(batch.as_deref())).map(ToOwned::to_owned);
        let past = replay || label.is_some();
        // What is asked for is shown again; so is everything to a script, which compares itself.
        let asked = label.as_deref().is_some_and(|label| !self.pending.is_message(label)) || self.is_script();
        let missed = replay && label.is_none() && !asked && matches!(message.command, "PRIVMSG" | "NOTICE");
        let told_at_the_end = label.is_some_and(|label| self.note_answer(now, &label, message));
        let (from, at) = (nick_of(message.source), time_of(message).unwrap_or(now.unix_ms));
        let repeated = !self.is_new(message, from, at) && !asked;
        if !told_at_the_end && !repeated && !self.protocol(now, message) {
            if missed {
                self.missed_one(now, message);
            } else if !past && message.source.is_some_and(|source| source.contains('!')) {
                self.missed_all(now);
            }
            if past && asked && matches!(message.command, "PRIVMSG" | "NOTICE") {
                self.asked_for();
            }
            let first = self.outputs.len();
            self.show(now, message);
            if let Some(Output::Show(event)) = self.outputs.get_mut(first) {
                event.record = record::of(message, now.unix_ms, past).map(Box::new);
            }
        }
        if let Some(label) = whole {
            self.answered(now, &label);
        }
    }

    /// Notes what a part of an answer means for its request, and tells whether it is shown with the
    /// request's end instead of by itself.
    fn note_answer(&mut self, now: Now, label: &str, message: &Message<'_>) -> bool {
        let refusal = match message.command {
            "PRIVMSG" | "NOTICE" if self.is_us(nick_of(message.source)) => {
                let id = message.tags.get("msgid").map(String::from);
                self.pending.echoed(label, Echo { id, at: time_of(message).unwrap_or(now.unix_ms) });
                false
            }
            // What has no numeric is refused by a notice.
            "NOTICE" => true,
            command => replies::is_refusal(command),
        };
        let params = message.params.get(1..).unwrap_or_default();
        refusal && self.pending.refused(label, &replies::reason(message.command, params))
    }

    /// A message that was asked for is about to be shown.
    fn asked_for(&mut self) {
        if let Some(session) = &mut self.session {
            session.past += 1;
        }
    }

    /// A message that was looked for: neither new nor taken for seen.
    fn found(&mut self, now: Now, message: &Message<'_>) {
        if !matches!(message.command, "PRIVMSG" | "NOTICE") {
            return;
        }
        if let Some(session) = &mut self.session {
            // The later lines of a message have no id.
            session.found += usize::from(message.tags.get("msgid").is_some());
        }
        let first = self.outputs.len();
        self.show(now, message);
        if let Some(Output::Show(Event { what, .. })) = self.outputs.get_mut(first) {
            let said = std::mem::replace(what, What::Happened { room: None, text: String::new() });
            *what = What::Found(Box::new(said));
        }
    }

    /// The answer to a request is complete.
    fn answered(&mut self, now: Now, label: &str) {
        let Some(mut outcome) = self.pending.answered(label) else { return };
        if outcome.request.command == "NOTICE" && outcome.echo.is_none() {
            // No error answers a NOTICE (Modern IRC, section "NOTICE"): what is missing tells.
            outcome.refused.get_or_insert_with(|| NOBODY.to_owned());
        }
        if self.is_script() {
            self.refusals += usize::from(outcome.refused.is_some());
            self.outputs.push_back(Output::Answered(Box::new(outcome)));
            return self.go_on(now);
        }
        let request = outcome.request;
        match (request.aim, outcome.refused) {
            (Aim::Message, _) if outcome.echo.is_some() => {}
            (Aim::Message, Some(reason)) => self.not_sent(now, &request.typed, &reason),
            (Aim::Message, None) => {
                // Acknowledged without an echo.
                let from = self.options.account.clone();
                if let [target, text] = &request.params[..] {
                    self.said(now.unix_ms, &from, target, Manner::Text, text);
                }
            }
            (Aim::Join(room), Some(_)) => {
                self.refusals += 1;
                if !self.model.is_joined(&room) {
                    self.model.leave(&room);
                }
            }
            (Aim::Other, Some(_)) => self.refusals += 1,
            (Aim::Other, None) if request.command == "HISTORY" => {
                let past = self.session.as_mut().map(|session| std::mem::take(&mut session.past));
                let text = if past == Some(0) { "nothing of that is kept" } else { "end of the history" };
                self.happened(now.unix_ms, None, text.into());
            }
            (Aim::Other, None) if request.command == "SEARCH" => {
                let found = self.session.as_mut().map(|session| std::mem::take(&mut session.found));
                let text = match found.unwrap_or_default() {
                    0 => "nothing was found".into(),
                    1 => "1 message was found".into(),
                    number => format!("{number} messages were found"),
                };
                self.happened(now.unix_ms, None, text);
            }
            (Aim::Join(_) | Aim::Other, None) => {}
        }
        self.go_on(now);
    }
}
