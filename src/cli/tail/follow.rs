//! Following: what of all that the client hears belongs to the room or the person, in which order it
//! is shown, and as what.

use std::io::{self, Write};

use serde::Serialize;

pub(super) use super::page::MOST;
use super::page::{Page, Seen, Wanted, history};
use crate::{
    cli::{exit::note, json, target::Target},
    client::{
        Event, Input, Kind, Record, Screen, What,
        pending::{Aim, Outcome, Request},
    },
    platform::{clock, reader::Reader},
    ui::Renderer,
};

/// How a line is shown.
#[derive(Debug)]
pub(super) enum Form {
    /// For people.
    Lines(Renderer),
    /// For programs.
    Json,
}

/// A screen that shows one room, or one person.
#[derive(Debug)]
pub(super) struct Follow<W> {
    target: Target,
    me: String,
    form: Form,
    out: W,
    reader: Reader,
    wanted: Wanted,
    /// What comes while the history is awaited.
    page: Option<Page>,
    seen: Seen,
    /// The newest line's time, or when it began.
    latest: u64,
    connected: bool,
    requests: Vec<Request>,
    /// How many requests are not answered.
    unanswered: usize,
    over: Option<String>,
}

#[derive(Serialize)]
struct Line<'a> {
    time: String,
    msgid: Option<&'a str>,
    nick: &'a str,
    account: Option<&'a str>,
    target: &'a str,
    kind: &'static str,
    text: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    whom: Option<&'a str>,
    history: bool,
}

impl<W: Write> Follow<W> {
    pub(super) fn new(target: Target, me: String, form: Form, out: W, reader: Reader) -> Self {
        Self {
            target,
            me,
            form,
            out,
            reader,
            wanted: Wanted { lines: 0, since: 0 },
            page: Some(Page::default()),
            seen: Seen::default(),
            latest: 0,
            connected: false,
            requests: Vec::new(),
            unanswered: 0,
            over: None,
        }
    }

    /// What is shown first: so many lines, none of before `since`.
    pub(super) fn first(self, lines: usize, since: Option<u64>) -> Self {
        Self { wanted: Wanted { lines, since: since.unwrap_or(0) }, ..self }
    }

    /// Why there is nothing more to follow.
    pub(super) fn over(&self) -> Option<&str> {
        self.over.as_deref()
    }

    /// A connection stands. What was asked on the one before, and not answered, was asked again.
    fn begin(&mut self) -> io::Result<()> {
        if self.unanswered > 0 {
            return Ok(());
        }
        let name = self.target.to_string();
        if self.wanted.lines > 0 {
            // Given in this order from the end.
            self.requests.push(history(&name, self.wanted.lines));
        }
        if let Target::Room(_) = self.target {
            self.requests.push(Request {
                command: "JOIN",
                params: vec![name.clone()],
                typed: format!("joining {name}"),
                aim: Aim::Join(name),
            });
        }
        self.unanswered = self.requests.len();
        if self.unanswered == 0 { self.caught_up() } else { Ok(()) }
    }

    /// The history is complete, and what is said since then: from now on lines are shown as they come.
    fn caught_up(&mut self) -> io::Result<()> {
        let Some(page) = self.page.take() else { return Ok(()) };
        if self.wanted.since > 0 && page.is_cut(self.wanted) {
            note(format_args!(
                "-- more was said than the {MOST} messages that the server gives: the first are left out"
            ));
        }
        for (record, event) in page.finish(self.wanted, &mut self.seen) {
            self.print(&record, &event)?;
        }
        self.latest = if self.latest == 0 { clock::unix_ms() } else { self.latest };
        Ok(())
    }

    /// The connection is lost: the next one begins with what was missed.
    fn lost(&mut self) {
        if self.page.is_none() {
            self.page = Some(Page::default());
            self.wanted = Wanted { lines: MOST, since: self.latest };
        }
    }

    fn is_us(&self, nick: &str) -> bool {
        nick.eq_ignore_ascii_case(&self.me)
    }

    /// Whether a line is of the room or the talk that is followed.
    fn concerns(&self, record: &Record, event: &Event) -> bool {
        let target = record.target.as_deref();
        match &self.target {
            Target::Room(room) => {
                // Who is gone is gone from everywhere; it is told where he was seen.
                let told_in = match &event.what {
                    What::Happened { room, .. } => room.as_deref(),
                    _ => None,
                };
                let here = |name: &str| name.eq_ignore_ascii_case(room.as_str());
                let own_join = record.kind == Kind::Join && self.is_us(&record.nick);
                target.or(told_in).is_some_and(here) && !own_join
            }
            Target::Person(person) => {
                let is_person = |name: &str| name.eq_ignore_ascii_case(person.as_str());
                let (from, to) = (record.nick.as_str(), target.unwrap_or_default());
                record.kind.is_said() && (is_person(from) && self.is_us(to) || self.is_us(from) && is_person(to))
            }
        }
    }

    fn print(&mut self, record: &Record, event: &Event) -> io::Result<()> {
        self.latest = self.latest.max(record.at);
        let name = self.target.to_string();
        let line = match &mut self.form {
            Form::Lines(renderer) => renderer.event(event),
            Form::Json => json::line(&Line {
                time: json::time(record.at),
                msgid: record.id.as_deref(),
                nick: &record.nick,
                account: record.account.as_deref(),
                target: record.target.as_deref().unwrap_or(&name),
                kind: record.kind.name(),
                text: &record.text,
                whom: record.whom.as_deref(),
                history: record.past,
            })?,
        };
        self.out.write_all(line.as_bytes())?;
        self.out.flush()?;
        let left = record.kind == Kind::Part && self.is_us(&record.nick);
        let removed = record.kind == Kind::Kick && record.whom.as_deref().is_some_and(|whom| self.is_us(whom));
        if left || removed {
            let how = if left { "left" } else { "was removed from" };
            self.over = Some(format!("{} {how} {name}: there is nothing more to follow", self.me));
        }
        Ok(())
    }
}

impl<W: Write> Screen for Follow<W> {
    async fn input(&mut self) -> Input {
        if self.over.is_some() {
            return Input::End;
        }
        match self.requests.pop() {
            Some(request) => Input::Ask(request),
            None => {
                self.reader.gone().await;
                Input::End
            }
        }
    }

    fn show(&mut self, event: &Event) -> io::Result<()> {
        let Some(record) = event.record.as_deref() else { return Ok(()) };
        if !self.concerns(record, event) {
            return Ok(());
        }
        match &mut self.page {
            Some(page) => page.push(record.clone(), event.clone()),
            None if self.seen.is_new(record) => self.print(record, event)?,
            None => {}
        }
        Ok(())
    }

    fn answered(&mut self, outcome: &Outcome) -> io::Result<()> {
        self.unanswered = self.unanswered.saturating_sub(1);
        match &outcome.refused {
            Some(reason) if outcome.request.command == "JOIN" => self.over = Some(reason.clone()),
            Some(reason) if self.over.is_none() => note(format_args!("-- {}: {reason}", outcome.request.typed)),
            _ => {}
        }
        if self.unanswered == 0 && self.over.is_none() { self.caught_up() } else { Ok(()) }
    }

    fn pending(&mut self, _: usize, _: &str) -> io::Result<()> {
        Ok(())
    }

    fn note(&mut self, text: &str) -> io::Result<()> {
        note(Renderer::note(text).trim_end());
        Ok(())
    }

    fn status(&mut self, _: Option<&str>, connected: bool) -> io::Result<()> {
        match (std::mem::replace(&mut self.connected, connected), connected) {
            (false, true) => self.begin(),
            (true, false) => {
                self.lost();
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn follow(target: &str) -> Follow<Vec<u8>> {
        let reader = Reader::of_stdout().unwrap();
        Follow::new(target.parse().unwrap(), "alice".into(), Form::Json, Vec::new(), reader).first(10, None)
    }

    fn said(nick: &str, target: &str, past: bool) -> Event {
        let record = Record {
            at: 1,
            id: None,
            nick: nick.into(),
            account: None,
            target: Some(target.into()),
            kind: Kind::Message,
            text: "hi".into(),
            whom: None,
            past,
        };
        Event { at: 1, what: What::Happened { room: None, text: "hi".into() }, record: Some(Box::new(record)) }
    }

    async fn asked<W: Write>(follow: &mut Follow<W>) -> Request {
        match follow.input().await {
            Input::Ask(request) => request,
            input => panic!("{input:?}"),
        }
    }

    fn outcome(request: Request, refused: Option<&str>) -> Outcome {
        Outcome { request, refused: refused.map(ToOwned::to_owned), echo: None }
    }

    #[tokio::test]
    async fn whoever_is_not_let_in_is_told_why() {
        let mut follow = follow("#ops");
        follow.status(None, true).unwrap();
        let (join, history) = (asked(&mut follow).await, asked(&mut follow).await);
        assert_eq!((join.command, history.command), ("JOIN", "HISTORY"));
        follow.answered(&outcome(join, Some("you are banned from #ops"))).unwrap();
        follow.answered(&outcome(history, Some("you are not in #ops"))).unwrap();
        assert_eq!(follow.input().await, Input::End);
        assert_eq!(follow.over(), Some("you are banned from #ops"));
    }

    #[tokio::test]
    async fn a_talk_is_with_one_person() {
        let mut follow = follow("bob");
        follow.status(None, true).unwrap();
        let history = asked(&mut follow).await;
        for (nick, target) in
            [("Bob", "alice"), ("alice", "bob"), ("bob", "#ops"), ("carol", "alice"), ("alice", "carol")]
        {
            follow.show(&said(nick, target, true)).unwrap();
        }
        assert!(follow.out.is_empty());
        follow.answered(&outcome(history, None)).unwrap();
        let shown = String::from_utf8(follow.out).unwrap();
        let nicks: Vec<&str> =
            shown.lines().map(|line| if line.contains("\"Bob\"") { "Bob" } else { "alice" }).collect();
        assert_eq!(nicks, ["Bob", "alice"], "{shown}");
    }

    #[tokio::test]
    async fn what_was_asked_and_not_answered_is_not_asked_twice() {
        let mut follow = follow("#ops");
        follow.status(None, true).unwrap();
        let (join, history) = (asked(&mut follow).await, asked(&mut follow).await);
        follow.status(None, false).unwrap();
        follow.status(None, true).unwrap();
        assert!(follow.requests.is_empty());
        for request in [join, history] {
            follow.answered(&outcome(request, None)).unwrap();
        }
        // Now it is through: on the next connection what was missed is asked for, as much as there is.
        follow.status(None, false).unwrap();
        follow.status(None, true).unwrap();
        assert_eq!(asked(&mut follow).await.command, "JOIN");
        assert_eq!(asked(&mut follow).await.params, ["#ops", "500"]);
    }
}
