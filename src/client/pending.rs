//! What was typed and is not yet acknowledged, in the order of typing.
//!
//! A line is taken off only when the server has acknowledged or refused it. When the connection is
//! lost, what was under way is sent again on the next one, under new labels.

use std::collections::VecDeque;

use crate::protocol::{EncodeError, LineLimits, MessageBuf};

/// A request that was typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The IRC command.
    pub command: &'static str,
    /// Its parameters.
    pub params: Vec<String>,
    /// What was typed, to be shown while it waits or when it is refused.
    pub typed: String,
    /// What its answer means.
    pub aim: Aim,
}

/// What a request is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Aim {
    /// A message: acknowledged by its echo.
    Message,
    /// Coming into a room.
    Join(String),
    /// Anything else: its answer is shown as it comes.
    Other,
}

#[derive(Debug)]
struct Item {
    request: Request,
    /// Names the line for the server across connections, so that it is not taken twice.
    id: String,
    label: Option<String>,
    /// The server may know it: it stays as it is.
    sent: bool,
    refused: Option<String>,
    echo: Option<Echo>,
}

/// How a request ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The request.
    pub request: Request,
    /// The reason, when the server refused it.
    pub refused: Option<String>,
    /// Its echo, if it was seen.
    pub echo: Option<Echo>,
}

/// What the echo of a message tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Echo {
    /// The message's id.
    pub id: Option<String>,
    /// Milliseconds since 1970, by the server's clock where it tells.
    pub at: u64,
}

/// The requests that wait for being sent, and then for their answers.
#[derive(Debug)]
pub struct Pending {
    items: VecDeque<Item>,
    /// How many of them, from the front, are under way.
    sent: usize,
    labels: u64,
    ids: u64,
    /// Tells this run of the program from others in the ids of its lines.
    origin: String,
}

impl Pending {
    /// How many requests are under way at once. More would only wait elsewhere, and what comes
    /// back for them has to fit into the server's outbox for us.
    pub const WINDOW: usize = 64;

    /// Nothing waits. `origin` is different for every run of the program.
    pub const fn new(origin: String) -> Self {
        Self { items: VecDeque::new(), sent: 0, labels: 0, ids: 0, origin }
    }

    /// Adds a request at the end, and tells its place.
    pub fn push(&mut self, request: Request) -> usize {
        self.ids += 1;
        let id = format!("{}-{}", self.origin, self.ids);
        self.items.push_back(Item { request, id, label: None, sent: false, refused: None, echo: None });
        self.items.len()
    }

    /// How many requests there are.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// What was typed, in order.
    pub fn typed(&self) -> impl Iterator<Item = &str> {
        self.items.iter().map(|item| item.request.typed.as_str())
    }

    /// The next line to be sent, if there is one and it may go. A request that no line can carry is
    /// taken off, with what is wrong. `id_tag`: the server knows lines again by their ids.
    pub fn next_line(&mut self, id_tag: Option<&str>) -> Option<Result<String, (Request, EncodeError)>> {
        if self.sent >= Self::WINDOW {
            return None;
        }
        let item = self.items.get_mut(self.sent)?;
        self.labels += 1;
        let label = self.labels.to_string();
        let mut line = MessageBuf::new(item.request.command).tag("label", &label);
        if let (Some(tag), Aim::Message) = (id_tag, &item.request.aim) {
            line = line.tag(tag, &item.id);
        }
        let line = item.request.params.iter().fold(line, |line, param| line.param(param));
        match line.finish(LineLimits::IRC_CLIENT) {
            Ok(line) => {
                (item.label, item.sent) = (Some(label), true);
                self.sent += 1;
                Some(Ok(line))
            }
            Err(error) => {
                let item = self.items.remove(self.sent)?;
                Some(Err((item.request, error)))
            }
        }
    }

    /// A part of the answer to the request of this label is its echo; the first one counts.
    pub fn echoed(&mut self, label: &str, echo: Echo) {
        if let Some(at) = self.find(label) {
            self.items[at].echo.get_or_insert(echo);
        }
    }

    /// A part of the answer to the request of this label refuses it. Whether it is a message, whose
    /// refusal is shown with its text.
    pub fn refused(&mut self, label: &str, reason: &str) -> bool {
        let Some(at) = self.find(label) else { return false };
        self.items[at].refused.get_or_insert_with(|| reason.to_owned());
        self.items[at].request.aim == Aim::Message
    }

    /// The answer to the request of this label is complete: it is taken off.
    pub fn answered(&mut self, label: &str) -> Option<Outcome> {
        let at = self.find(label)?;
        let item = self.items.remove(at)?;
        self.sent -= 1;
        Some(Outcome { request: item.request, refused: item.refused, echo: item.echo })
    }

    /// Whether the request of this label is a message.
    pub fn is_message(&self, label: &str) -> bool {
        self.find(label).is_some_and(|at| self.items[at].request.aim == Aim::Message)
    }

    /// A room has another name: what was not sent yet goes there.
    pub fn rename(&mut self, old: &str, new: &str) {
        let unsent = self.items.iter_mut().filter(|item| !item.sent);
        let targets = unsent.filter_map(|item| item.request.params.first_mut());
        targets.filter(|target| target.eq_ignore_ascii_case(old)).for_each(|target| new.clone_into(target));
    }

    /// The connection is lost: what was under way waits again.
    pub fn lost(&mut self) {
        for item in self.items.iter_mut().take(self.sent) {
            (item.label, item.refused, item.echo) = (None, None, None);
        }
        self.sent = 0;
    }

    fn find(&self, label: &str) -> Option<usize> {
        self.items.iter().take(self.sent).position(|item| item.label.as_deref() == Some(label))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn say(text: &str) -> Request {
        let params = vec!["#a".to_owned(), text.to_owned()];
        Request { command: "PRIVMSG", params, typed: text.to_owned(), aim: Aim::Message }
    }

    fn send(pending: &mut Pending) -> Option<String> {
        pending.next_line(None).map(Result::unwrap)
    }

    #[test]
    fn lines_are_kept_until_they_are_answered() {
        let mut pending = Pending::new("o".into());
        assert_eq!((pending.push(say("one")), pending.push(say("two"))), (1, 2));
        assert_eq!(send(&mut pending).as_deref(), Some("@label=1 PRIVMSG #a one"));
        assert_eq!(send(&mut pending).as_deref(), Some("@label=2 PRIVMSG #a two"));
        assert_eq!(send(&mut pending), None);
        let echo = Echo { id: Some("x".into()), at: 1 };
        pending.echoed("1", echo.clone());
        let outcome = pending.answered("1").unwrap();
        assert!(outcome.echo == Some(echo) && outcome.refused.is_none() && outcome.request.typed == "one");
        assert_eq!(pending.answered("1"), None);
        pending.lost();
        assert_eq!(pending.answered("2"), None);
        assert_eq!(pending.typed().collect::<Vec<_>>(), ["two"]);
        assert_eq!(send(&mut pending).as_deref(), Some("@label=3 PRIVMSG #a two"));
        assert!(pending.refused("3", "no"));
        assert_eq!(pending.answered("3").unwrap().refused.as_deref(), Some("no"));
        assert!(pending.is_empty());
    }

    #[test]
    fn a_line_keeps_its_id_when_it_is_sent_again() {
        let mut pending = Pending::new("o".into());
        pending.push(say("x"));
        let line = pending.next_line(Some("v/id")).unwrap().unwrap();
        assert_eq!(line, "@label=1;v/id=o-1 PRIVMSG #a x");
        pending.lost();
        assert_eq!(pending.next_line(Some("v/id")).unwrap().unwrap(), "@label=2;v/id=o-1 PRIVMSG #a x");
    }

    #[test]
    fn what_was_not_sent_goes_to_the_new_name_and_what_was_stays_as_it_is() {
        let mut pending = Pending::new("o".into());
        pending.push(say("one"));
        send(&mut pending);
        pending.push(say("two"));
        pending.lost();
        pending.rename("#A", "#b");
        assert_eq!(send(&mut pending).as_deref(), Some("@label=2 PRIVMSG #a one"));
        assert_eq!(send(&mut pending).as_deref(), Some("@label=3 PRIVMSG #b two"));
    }

    #[test]
    fn the_window_is_bounded_and_bad_lines_are_taken_off() {
        let mut pending = Pending::new("o".into());
        for _ in 0..=Pending::WINDOW {
            pending.push(say("x"));
        }
        assert_eq!(std::iter::from_fn(|| send(&mut pending)).count(), Pending::WINDOW);
        pending.answered("7").unwrap();
        assert!(send(&mut pending).is_some());
        let mut pending = Pending::new("o".into());
        pending.push(say("a\nb"));
        pending.push(say("c"));
        assert_eq!(pending.next_line(None), Some(Err((say("a\nb"), EncodeError::Character))));
        assert!(send(&mut pending).unwrap().ends_with('c'));
    }
}
