//! Following: what of all that the client hears belongs to the room or the person, in which order it
//! is shown, and as what.

use std::io::{self, Write};

pub(super) use super::page::MOST;
use super::page::{Page, Part, Seen, Wanted, history};
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
    /// The connection was lost while the history was awaited.
    torn: bool,
    over: Option<String>,
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
            torn: false,
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
            self.torn = true;
            return Ok(());
        }
        let name = self.target.to_string();
        if self.wanted.lines > 0 {
            // Given in this order from the end.
            self.requests.push(history(&name, Part::Latest, self.wanted.lines));
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

    fn ask_history(&mut self, part: Part<'_>) {
        self.requests.push(history(&self.target.to_string(), part, self.wanted.lines));
        self.unanswered += 1;
    }

    /// A part of the history has come: asks for the one before, if that is wanted too.
    fn go_back(&mut self) {
        if let Some(id) = self.page.as_mut().and_then(|page| page.next(self.wanted)) {
            self.ask_history(Part::Before(&id));
        }
    }

    /// All is answered.
    fn all_answered(&mut self) -> io::Result<()> {
        if std::mem::take(&mut self.torn) && self.wanted.lines > 0 {
            // What was said between the two connections is in none of these answers.
            self.ask_history(Part::Latest);
            return Ok(());
        }
        self.caught_up()
    }

    /// The history is complete, and what is said since then: from now on lines are shown as they come.
    fn caught_up(&mut self) -> io::Result<()> {
        let Some(page) = self.page.take() else { return Ok(()) };
        if self.wanted.since > 0 && page.is_cut(self.wanted) {
            note(format_args!(
                "-- more was said than the {MOST} messages that are shown at most: the first are left out"
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
            Form::Json => json::record(record, &name)?,
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
        let request = &outcome.request;
        let pages = request.command == "CHATHISTORY";
        match &outcome.refused {
            _ if self.over.is_some() => {}
            Some(reason) if request.command == "JOIN" => self.over = Some(reason.clone()),
            // A server without pages; or it says once more why it tells nothing.
            Some(_) if pages && request.params.first().is_some_and(|which| which == "LATEST") => {
                self.ask_history(Part::Whole);
            }
            Some(reason) => note(format_args!("-- {}: {reason}", request.typed)),
            None if pages => self.go_back(),
            None => {}
        }
        if self.unanswered == 0 && self.over.is_none() { self.all_answered() } else { Ok(()) }
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
        assert_eq!((join.command, history.command), ("JOIN", "CHATHISTORY"));
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
        // What was said in between is in no answer to what was asked before.
        let latest = asked(&mut follow).await;
        assert_eq!(latest.params, ["LATEST", "#ops", "*", "10"]);
        follow.answered(&outcome(latest, None)).unwrap();
        // Now it is through: on the next connection what was missed is asked for, as much as there is.
        follow.status(None, false).unwrap();
        follow.status(None, true).unwrap();
        assert_eq!(asked(&mut follow).await.command, "JOIN");
        assert_eq!(asked(&mut follow).await.params, ["LATEST", "#ops", "*", "100"]);
    }

    #[tokio::test]
    async fn the_history_is_read_page_by_page_from_its_end() {
        let mut follow = follow("bob").first(3, None);
        follow.status(None, true).unwrap();
        let mut asked_for = Vec::new();
        for ids in [&["d", "e"][..], &["b", "c"]] {
            let request = asked(&mut follow).await;
            asked_for.push(request.params.join(" "));
            for id in ids {
                let mut event = said("bob", "alice", true);
                let record = event.record.as_mut().unwrap();
                (record.id, record.at) = (Some((*id).into()), u64::from(id.as_bytes()[0]));
                record.text = (*id).into();
                follow.show(&event).unwrap();
            }
            assert!(follow.out.is_empty());
            follow.answered(&outcome(request, None)).unwrap();
        }
        assert_eq!(asked_for, ["LATEST bob * 3", "BEFORE bob msgid=d 3"]);
        let shown = String::from_utf8(std::mem::take(&mut follow.out)).unwrap();
        let texts: Vec<&str> =
            shown.lines().map(|line| line.split("\"text\":\"").nth(1).unwrap().get(..1).unwrap()).collect();
        assert_eq!(texts, ["c", "d", "e"]);
    }

    #[tokio::test]
    async fn a_server_without_pages_gives_what_it_has_at_once() {
        let mut follow = follow("bob");
        follow.status(None, true).unwrap();
        let pages = asked(&mut follow).await;
        follow.answered(&outcome(pages, Some("there is no command CHATHISTORY"))).unwrap();
        let whole = asked(&mut follow).await;
        assert_eq!((whole.command, &*whole.params), ("HISTORY", &["bob".to_owned(), "10".to_owned()][..]));
        follow.show(&said("bob", "alice", true)).unwrap();
        follow.answered(&outcome(whole, None)).unwrap();
        assert!(!follow.out.is_empty() && follow.requests.is_empty());
    }
}
