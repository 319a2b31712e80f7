//! The chat as lines of text, in the plain dialect's format and in local time.

use std::fmt::Write;

use jiff::{Timestamp, civil::Date, tz::TimeZone};

use crate::{
    client::{Event, Manner, Place, What},
    protocol::sanitize::for_terminal,
};

/// When something happened on the day that is shown.
const CLOCK: &str = "%H:%M:%S";
/// The same on any other day.
const DATED: &str = "%Y-%m-%d %H:%M:%S";

/// Writes events as lines. Remembers the day, to tell when another one begins.
#[derive(Clone, Debug)]
pub struct Renderer {
    zone: TimeZone,
    day: Date,
}

impl Renderer {
    /// A renderer for somebody in this time zone who starts now (milliseconds since 1970).
    pub fn new(zone: TimeZone, now_ms: u64) -> Self {
        let day = local(now_ms, &zone).date();
        Self { zone, day }
    }

    /// An event, safe for a terminal; each line ends with LF.
    pub fn event(&mut self, event: &Event) -> String {
        let mut out = String::new();
        let at = local(event.at, &self.zone);
        if let What::Found(what) = &event.what {
            self.write(&mut out, &at.strftime(DATED).to_string(), what);
            return out;
        }
        if at.date() != self.day {
            self.day = at.date();
            // Writing to a String cannot fail.
            let _ = writeln!(out, "-!- {}", self.day);
        }
        self.write(&mut out, &at.strftime(CLOCK).to_string(), &event.what);
        out
    }

    fn write(&self, out: &mut String, time: &str, what: &What) {
        let _ = match what {
            What::Said { place, from, manner, text } => {
                let (from, text) = (for_terminal(from), for_terminal(text));
                let action = if *manner == Manner::Action { format!("* {from} ") } else { String::new() };
                match (place, manner) {
                    (Place::Room(room), Manner::Text) => {
                        writeln!(out, "{time} {} <{from}> {text}", for_terminal(room))
                    }
                    (Place::Room(room), Manner::Action) => {
                        writeln!(out, "{time} {} * {from} {text}", for_terminal(room))
                    }
                    (Place::Room(room), Manner::Notice) => {
                        writeln!(out, "{time} {} -{from}- {text}", for_terminal(room))
                    }
                    (Place::ToUs, _) => writeln!(out, "{time} {from} -> you: {action}{text}"),
                    (Place::To(to), _) => writeln!(out, "{time} you -> {}: {action}{text}", for_terminal(to)),
                }
            }
            What::Happened { room: Some(room), text } => {
                writeln!(out, "{time} {} -!- {}", for_terminal(room), for_terminal(text))
            }
            What::Happened { room: None, text } => writeln!(out, "{time} -!- {}", for_terminal(text)),
            What::TakenBack { room, by, said, reason } => {
                let room = room.as_deref().map(|room| format!(" {}", for_terminal(room))).unwrap_or_default();
                let what = match said {
                    Some((from, at)) => {
                        let said = local(*at, &self.zone);
                        let form = if said.date() == self.day { CLOCK } else { DATED };
                        format!("took back what {} said at {}", for_terminal(from), said.strftime(form))
                    }
                    None => "took a message back".to_owned(),
                };
                let why = if reason.is_empty() { String::new() } else { format!(" ({})", for_terminal(reason)) };
                writeln!(out, "{time}{room} -!- {} {what}{why}", for_terminal(by))
            }
            What::NotSent { text, reason } => {
                writeln!(out, "{time} -!- not sent: {} ({})", for_terminal(text), for_terminal(reason))
            }
            What::Found(what) => return self.write(out, time, what),
        };
    }

    /// A typed line that waits for the connection.
    pub fn pending(place: usize, typed: &str) -> String {
        format!("(pending {place}) {}\n", for_terminal(typed))
    }

    /// A word about the connection.
    pub fn note(text: &str) -> String {
        format!("-- {}\n", for_terminal(text))
    }
}

fn local(unix_ms: u64, zone: &TimeZone) -> jiff::Zoned {
    // What lies beyond the year 9999 is shown as 1970: a server that says so errs.
    let at = i64::try_from(unix_ms).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
    at.unwrap_or(Timestamp::UNIX_EPOCH).to_zoned(zone.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: u64 = 1_767_268_800_000;

    fn check(what: What, expect: &str) {
        let mut renderer = Renderer::new(TimeZone::UTC, NOON);
        assert_eq!(renderer.event(&Event { at: NOON + 5000, what, record: None }), expect);
    }

    fn said(place: Place, manner: Manner, text: &str) -> What {
        What::Said { place, from: "alice".into(), manner, text: text.into() }
    }

    #[test]
    fn the_format_of_the_plain_dialect() {
        let room = || Place::Room("#lobby".into());
        check(said(room(), Manner::Text, "hello"), "12:00:05 #lobby <alice> hello\n");
        check(said(room(), Manner::Action, "waves"), "12:00:05 #lobby * alice waves\n");
        check(said(room(), Manner::Notice, "psst"), "12:00:05 #lobby -alice- psst\n");
        check(said(Place::ToUs, Manner::Text, "hi"), "12:00:05 alice -> you: hi\n");
        check(said(Place::ToUs, Manner::Action, "waves"), "12:00:05 alice -> you: * alice waves\n");
        check(said(Place::To("bob".into()), Manner::Text, "hi"), "12:00:05 you -> bob: hi\n");
        let found = What::Found(Box::new(said(room(), Manner::Action, "waves")));
        check(found, "2026-01-01 12:00:05 #lobby * alice waves\n");
        let text = || "bob joined".to_owned();
        check(What::Happened { room: Some("#lobby".into()), text: text() }, "12:00:05 #lobby -!- bob joined\n");
        check(What::Happened { room: None, text: text() }, "12:00:05 -!- bob joined\n");
        let back = |room: Option<&str>, said, reason: &str| What::TakenBack {
            room: room.map(ToOwned::to_owned),
            by: "root".into(),
            said,
            reason: reason.into(),
        };
        let said = |at| Some(("bob".to_owned(), at));
        check(
            back(Some("#a"), said(NOON), "oops"),
            "12:00:05 #a -!- root took back what bob said at 12:00:00 (oops)\n",
        );
        let yesterday = said(NOON - 86_400_000);
        check(back(None, yesterday, ""), "12:00:05 -!- root took back what bob said at 2025-12-31 12:00:00\n");
        check(back(None, None, ""), "12:00:05 -!- root took a message back\n");
        let refused = What::NotSent { text: "hi".into(), reason: "nobody".into() };
        check(refused, "12:00:05 -!- not sent: hi (nobody)\n");
        assert_eq!(Renderer::pending(2, "a\x1b"), "(pending 2) a\\x1b\n");
    }

    #[test]
    fn nobody_breaks_the_line_or_the_screen() {
        check(
            said(Place::Room("#a\u{202e}".into()), Manner::Text, "x\x1b[2J\u{2028}12:00 -!- bob joined\x02!"),
            "12:00:05 #a<U+202E> <alice> x\\x1b[2J<U+2028>12:00 -!- bob joined!\n",
        );
    }

    #[test]
    fn another_day_is_told() {
        let mut renderer = Renderer::new(TimeZone::fixed(jiff::tz::offset(2)), NOON);
        let event = |at| Event { at, what: What::Happened { room: None, text: "x".into() }, record: None };
        assert_eq!(renderer.event(&event(NOON)), "14:00:00 -!- x\n");
        let night = NOON + 10 * 3_600_000;
        assert_eq!(renderer.event(&event(night)), "-!- 2026-01-02\n00:00:00 -!- x\n");
        assert_eq!(renderer.event(&event(night)), "00:00:00 -!- x\n");
        assert!(renderer.event(&event(u64::MAX)).contains("1970-01-01"));
    }
}
