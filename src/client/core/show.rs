//! What happens in the chat, noted and shown: who said what, who came and went, and the server's
//! own words.

use super::{Core, Now, Output, nick_of};
use crate::{
    client::{
        event::{Event, Manner, Place, What},
        replies::{self, Told},
    },
    protocol::Message,
};

/// How many names of one list are shown.
const MOST_NAMES: usize = 10_000;

impl Core {
    /// Shows what a line tells, and notes what it changes.
    pub(super) fn show(&mut self, now: Now, message: &Message<'_>) {
        let at = time_of(message).unwrap_or(now.unix_ms);
        let from = nick_of(message.source);
        let param = |index: usize| message.params.get(index).copied().unwrap_or_default();
        let reason = |index: usize| match param(index) {
            "" => String::new(),
            reason => format!(" ({reason})"),
        };
        match message.command {
            "PRIVMSG" => self.said(at, from, param(0), Manner::Text, param(1)),
            "NOTICE" if message.source.is_some_and(|source| source.contains('!')) => {
                self.said(at, from, param(0), Manner::Notice, param(1));
            }
            "NOTICE" => self.happened(at, None, param(1).to_owned()),
            "JOIN" => self.came(at, from, param(0)),
            "PART" => self.went(at, from, param(0), format!("{from} left{}", reason(1))),
            "KICK" => {
                self.went(at, param(1), param(0), format!("{from} put {} out of the room{}", param(1), reason(2)));
            }
            "RENAME" => {
                self.happened(at, Some(param(0)), format!("{from} renamed the room to {}{}", param(1), reason(2)));
                self.model.rename(param(0), param(1));
                self.pending.rename(param(0), param(1));
            }
            "QUIT" => {
                let room = self.model.gone(from);
                let why = match param(0).trim_end_matches(": ") {
                    "" => String::new(),
                    why => format!(" ({why})"),
                };
                self.happened(at, room.as_deref(), format!("{from} disconnected{why}"));
            }
            "TOPIC" => {
                let text = match param(1) {
                    "" => format!("{from} removed the topic"),
                    topic => format!("{from} set the topic: {topic}"),
                };
                self.happened(at, Some(param(0)), text);
            }
            "MODE" => {
                let changes = message.params.get(1..).unwrap_or_default().join(" ");
                if param(0).starts_with('#') {
                    self.happened(at, Some(param(0)), format!("{from} set mode {changes}"));
                } else {
                    self.happened(at, None, format!("your modes changed: {changes}"));
                }
            }
            "INVITE" if self.is_us(param(0)) => {
                self.happened(at, None, format!("{from} invites you into {0}; /join {0}", param(1)));
            }
            "INVITE" => self.happened(at, Some(param(1)), format!("{from} invited {}", param(0))),
            "REDACT" => {
                let room = Some(param(0)).filter(|target| target.starts_with('#')).map(ToOwned::to_owned);
                let (by, said, reason) = (from.to_owned(), self.model.said(param(1)), param(2).to_owned());
                let what = What::TakenBack { room, by, said, reason };
                self.outputs.push_back(Output::Show(Event { at, what, record: None }));
            }
            "NICK" => {
                self.model.spelled(from, param(0));
                self.happened(at, None, format!("{from} writes the name {} now", param(0)));
            }
            "SETNAME" if self.is_us(from) => {
                self.realname = Some(param(0).to_owned());
                self.happened(at, None, format!("your real name is {} now", param(0)));
            }
            "WALLOPS" => self.happened(at, None, format!("{from} to everybody: {}", param(0))),
            "KILL" => {
                self.happened(at, None, format!("{from} ended the connections of {}{}", param(0), reason(1)));
            }
            "ERROR" => self.bade_farewell(at, param(0)),
            "FAIL" | "WARN" | "NOTE" => {
                let text = message.params.last().copied().unwrap_or_default();
                self.happened(at, None, text.to_owned());
            }
            // Protocol, or of no interest in this view: ACK, PONG, TAGMSG, AWAY, ACCOUNT, ...
            command => {
                if let Ok(code) = command.parse() {
                    self.replied(at, code, message.params.get(1..).unwrap_or_default());
                }
            }
        }
    }

    /// Somebody said something; to whom, `target` tells.
    pub(super) fn said(&mut self, at: u64, from: &str, target: &str, manner: Manner, text: &str) {
        let place = if target.trim_start_matches(['@', '+']).starts_with('#') {
            Place::Room(target.to_owned())
        } else if self.is_us(from) && !self.is_us(target) {
            Place::To(target.to_owned())
        } else {
            Place::ToUs
        };
        let (manner, text) = match ctcp(text) {
            None => (manner, text),
            Some(("ACTION", Some(action))) => (Manner::Action, action),
            Some((what, _)) => {
                let text = format!("{from} asks for {what} by CTCP, which is not answered");
                return self.happened(at, None, text);
            }
        };
        let what = What::Said { place, from: from.to_owned(), manner, text: text.to_owned() };
        self.outputs.push_back(Output::Show(Event { at, what, record: None }));
    }

    fn came(&mut self, at: u64, nick: &str, room: &str) {
        if self.is_us(nick) {
            let known = self.model.is_joined(room);
            self.model.we_joined(room);
            if self.was_ready && self.model.current().is_none() {
                self.model.switch(room);
            }
            if known {
                return;
            }
        }
        self.model.came(room, nick);
        self.happened(at, Some(room), format!("{nick} joined"));
    }

    fn went(&mut self, at: u64, nick: &str, room: &str, text: String) {
        self.model.went(room, nick);
        self.happened(at, Some(room), text);
        if self.is_us(nick) {
            self.we_left(at, room);
        }
    }

    fn we_left(&mut self, at: u64, room: &str) {
        let talked = self.model.current().is_some_and(|current| current.eq_ignore_ascii_case(room));
        self.model.leave(room);
        if talked {
            let text = match self.model.current() {
                Some(current) => format!("you talk in {current} now"),
                None => "you are in no room now; /join #ROOM, /rooms lists them".into(),
            };
            self.happened(at, None, text);
        }
    }

    /// The server ends the connection, and says why.
    fn bade_farewell(&mut self, at: u64, reason: &str) {
        let leaving = self.is_leaving();
        if let Some(session) = &mut self.session {
            session.farewell = Some(reason.to_owned());
        }
        if !leaving {
            self.happened(at, None, reason.to_owned());
        }
    }

    /// A numeric reply; `params` without our own name in front.
    fn replied(&mut self, at: u64, code: u16, params: &[&str]) {
        match (code, params) {
            (353, [.., room, names]) => self.named(room, names),
            (366, [room, ..]) => self.names_ended(at, room),
            _ => {
                let Some(session) = &mut self.session else { return };
                match code {
                    // Only who is here has been idle for a time.
                    311 => session.absent = true,
                    317 => session.absent = false,
                    318 if std::mem::take(&mut session.absent) => {
                        let who = params.first().copied().unwrap_or_default();
                        self.happened(at, None, format!("{who} is not connected"));
                    }
                    code if replies::is_row(code) => session.rows = true,
                    code => {
                        if let Some((room, text)) = replies::nothing_listed(code, params)
                            && !std::mem::take(&mut session.rows)
                        {
                            self.happened(at, room.as_deref(), text);
                        }
                    }
                }
                if let Told::Say(room, text) = replies::sentence(code, params) {
                    self.happened(at, room.as_deref(), text);
                }
            }
        }
    }

    fn named(&mut self, room: &str, names: &str) {
        let Some(session) = &mut self.session else { return };
        for name in names.split(' ').filter(|name| !name.is_empty()) {
            self.model.came(room, name.trim_start_matches(['@', '+']));
            if session.names.len() < MOST_NAMES {
                session.names.push(name.to_owned());
            }
        }
    }

    fn names_ended(&mut self, at: u64, room: &str) {
        let Some(session) = &mut self.session else { return };
        let mut names = std::mem::take(&mut session.names);
        names.sort_by_key(|name| name.to_ascii_lowercase());
        let text = if names.is_empty() { "nobody is here".into() } else { format!("here: {}", names.join(" ")) };
        self.happened(at, Some(room), text);
    }
}

/// What a message asks for by CTCP, and what it says with that.
pub(super) fn ctcp(text: &str) -> Option<(&str, Option<&str>)> {
    let inner = text.strip_prefix('\u{1}')?;
    let inner = inner.strip_suffix('\u{1}').unwrap_or(inner);
    Some(match inner.split_once(' ') {
        Some((what, rest)) => (what, Some(rest)),
        None => (inner, None),
    })
}

/// Milliseconds since 1970 from the tag `time` (`server-time`).
pub(super) fn time_of(message: &Message<'_>) -> Option<u64> {
    let time: jiff::Timestamp = message.tags.get("time")?.parse().ok()?;
    time.as_millisecond().try_into().ok()
}
