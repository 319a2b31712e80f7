//! Playing back what a session missed, page after page as its socket takes it.
//!
//! The replay stands in the line of what is said to the session ([`super::member`]): whatever is said
//! live waits behind it, and follows when the session has got all of it. Each step begins when the
//! outbox is empty, so that a page never meets another; the session's task says when that is so.
//!
//! What the journal cannot read is not given up for read: the session is told and goes on live, but
//! from there on nothing that it reads moves its cursor, and when it comes again it gets all of it.
//! To end it instead would have it come again and again while the journal is in trouble, and keep
//! those who are here from talking about it.

use std::sync::Arc;

use tracing::warn;

use super::{Hub, member::Waiting};
use crate::{
    hub::{
        delivery::{Missed, Why},
        request::SessionId,
    },
    journal::ReadError,
    protocol::{
        caps::{Dialect, Shape},
        durable::Conversation,
        past::{Answer, Content, Kept, Question, Survey, Unread, UnreadPage},
        render,
        reply::Reply,
    },
};

/// So many items are one page.
const ITEMS: usize = 100;

/// A replay under way.
pub(super) struct Playing {
    missed: Missed,
    /// What the session looked like when it came.
    shape: Shape,
    step: Step,
    /// Whether anything was said of it yet.
    told: bool,
}

/// What a replay waits for.
enum Step {
    /// How much there is.
    Survey,
    /// The outbox to be empty, for the next page.
    Room,
    /// The next page.
    Page,
    /// The outbox to be empty, for what was said live.
    End,
}

impl Playing {
    pub(super) fn question(&self) -> Option<Question> {
        match self.step {
            Step::Survey => Some(survey(&self.missed)),
            Step::Page => Some(page(&self.missed.unread)),
            Step::Room | Step::End => None,
        }
    }
}

/// How much is there?
pub(in crate::hub) fn survey(missed: &Missed) -> Question {
    Question::Survey(missed.unread.clone(), missed.most)
}

/// What comes next?
pub(in crate::hub) fn page(unread: &Unread) -> Question {
    Question::Unread(unread.clone(), ITEMS)
}

/// What is said in front of a replay; `None` when there is none.
pub(in crate::hub) fn heading(missed: &Missed, survey: &Survey) -> Option<Vec<Reply>> {
    let shown = survey.total.min(missed.most as u64);
    match missed.why {
        Why::Missed if survey.total > 0 || survey.expired > 0 => {
            let (skipped, expired) = (survey.total - shown, survey.expired);
            Some(vec![Reply::Missed { total: survey.total, skipped, expired }])
        }
        Why::New if shown > 0 => Some(vec![Reply::LookBack(shown)]),
        // Reactions are no texts.
        Why::Missed if missed.unread.content == Content::Messages => Some(Vec::new()),
        Why::Missed | Why::New => None,
    }
}

/// A page as its reader gets it: under the names that rooms and people have for him.
pub(in crate::hub) fn shown(missed: &Missed, page: UnreadPage) -> Reply {
    let named = |(conversation, kept): (Conversation, Kept)| -> Option<(Box<str>, Kept)> {
        match conversation {
            Conversation::Room(id) => {
                let (_, name) = missed.rooms.iter().find(|(room, _)| *room == id)?;
                Some((name.as_str().into(), kept.in_room(name)))
            }
            Conversation::Pair(one, other) => {
                let partner = if one == missed.unread.account { other } else { one };
                Some((partner.as_str().into(), kept))
            }
        }
    };
    Reply::Replayed(page.kept.into_iter().filter_map(named).collect(), missed.now_ms)
}

impl Hub {
    /// Puts a replay into the line of what is said to a session.
    pub(super) fn play_back(&mut self, session: SessionId, missed: Missed) {
        self.catch_up(session);
        let Some(Some(member)) = self.members.get_mut(session.0 as usize) else { return };
        let waits = member.first().is_some();
        let playing = Playing { missed, shape: member.shape, step: Step::Survey, told: false };
        let waker = member.hold(Waiting::Replay(Box::new(playing)));
        self.wakers.extend(waker);
        if !waits {
            self.go_on(session);
        }
    }

    /// The replay is first in its line: asks what it needs, or waits for its session.
    pub(super) fn play_on(&mut self, session: SessionId) {
        let Some(Some(member)) = self.members.get_mut(session.0 as usize) else { return };
        let Some(Waiting::Replay(playing)) = member.first() else { return };
        if playing.question().is_some() {
            return self.ask(session);
        }
        let waker = member.outbox.tell_when_empty();
        self.wakers.extend(waker);
    }

    /// The session's outbox is empty.
    pub(super) fn drained(&mut self, session: SessionId) {
        let Some(Some(member)) = self.members.get_mut(session.0 as usize) else { return };
        let playing = match member.first_mut() {
            Some(Waiting::Replay(playing)) => playing,
            Some(Waiting::Pages(_)) => return self.go_on(session),
            _ => return,
        };
        match playing.step {
            Step::Room => {
                playing.step = Step::Page;
                self.play_on(session);
            }
            Step::End => self.end_replay(session),
            Step::Survey | Step::Page => {}
        }
    }

    /// The journal has answered a replay's question.
    pub(super) fn replay_answered(&mut self, session: SessionId, found: Result<Answer, ReadError>) {
        let Some(Some(member)) = self.members.get_mut(session.0 as usize) else { return };
        let Some(Waiting::Replay(playing)) = member.first_mut() else { return };
        match (found, &playing.step) {
            (Ok(Answer::Survey(survey)), Step::Survey) => self.surveyed(session, survey),
            (Ok(Answer::Unread(page)), Step::Page) if page.complete || page.end > playing.missed.unread.after => {
                self.paged(session, page);
            }
            (found, _) => {
                match found {
                    Err(error) => warn!(%error, "what a session missed could not be read"),
                    Ok(_) => warn!("the journal answered something else than it was asked"),
                }
                member.reading.lose();
                self.say_of_replay(session, &[Reply::MissedUnreadable]);
                self.end_replay(session);
            }
        }
    }

    fn surveyed(&mut self, session: SessionId, survey: Survey) {
        let Some(Some(member)) = self.members.get_mut(session.0 as usize) else { return };
        let Some(Waiting::Replay(playing)) = member.first_mut() else { return };
        let Some(replies) = heading(&playing.missed, &survey) else { return self.end_replay(session) };
        self.counters.replays.up();
        playing.missed.unread.after = survey.from.max(playing.missed.unread.after);
        playing.told = !replies.is_empty();
        playing.step = Step::Room;
        self.say_of_replay(session, &replies);
        self.play_on(session);
    }

    fn paged(&mut self, session: SessionId, page: UnreadPage) {
        let Some(Some(member)) = self.members.get_mut(session.0 as usize) else { return };
        let Some(Waiting::Replay(playing)) = member.first_mut() else { return };
        if page.complete && page.kept.is_empty() && !playing.told {
            return self.end_replay(session);
        }
        let (end, complete) = (page.end, page.complete);
        self.counters.replayed.add(page.kept.len() as u64);
        playing.told = true;
        playing.missed.unread.after = end;
        playing.step = if complete { Step::End } else { Step::Room };
        let (dialect, page) = (playing.shape.dialect, shown(&playing.missed, page));
        let mut replies = vec![page];
        member.reading.note_page(end);
        match dialect {
            Dialect::Irc => replies.push(Reply::Ping(member.reading.fence())),
            Dialect::Plain if complete => replies.push(Reply::EndOfMissed),
            Dialect::Plain => {}
        }
        self.say_of_replay(session, &replies);
        self.play_on(session);
    }

    /// Past the line, in which the replay is first.
    fn say_of_replay(&mut self, session: SessionId, replies: &[Reply]) {
        let Some(Some(member)) = self.members.get_mut(session.0 as usize) else { return };
        let shape = match member.first() {
            Some(Waiting::Replay(playing)) => playing.shape,
            _ => member.shape,
        };
        let octets = render::replies(&Arc::clone(&self.server), &member.nick, shape, None, replies);
        let waker = member.outbox.push(octets);
        self.wakers.extend(waker);
    }

    /// What was said live follows.
    fn end_replay(&mut self, session: SessionId) {
        if let Some(Some(member)) = self.members.get_mut(session.0 as usize) {
            member.next();
        }
        self.go_on(session);
    }
}
