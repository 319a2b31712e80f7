//! What the hub asks of the journal: pages and conversations for whoever wants them, and the
//! messages that requests are about.
//!
//! A session has one question under way at a time; what is said to it after the question waits for
//! the answer ([`super::member`]), and nobody else does. Of an account the journal has one question at a
//! time, and its sessions take turns: whoever asks much, from many connections, keeps himself waiting.

use std::{
    collections::VecDeque,
    sync::Arc,
    task::{Context, Poll},
};

use tracing::warn;

use super::{
    Hub,
    deliver::ANSWERED,
    member::{Asked, Waiting},
};
use crate::{
    hub::{
        delivery::Lookup,
        request::{Body, Request, SessionId},
        sought::{Found, Sought},
    },
    ident::{Nick, RoomId, RoomName},
    journal::{Journal, ReadError},
    platform::clock,
    protocol::{
        chat::Message,
        durable::Conversation,
        limits,
        past::{Answer, Kept, Question},
        refusal::Refusal,
        render,
        reply::{Hits, Reply},
    },
};

impl Hub {
    /// What there is of what a request is about.
    pub(super) fn find_for(&mut self, request: &Request) -> Found {
        let Body::Command(command) = &request.body else { return Found::Nothing };
        let Some(sought) = self.state.seeks(request.session, command) else { return Found::Nothing };
        find(&mut *self.journal, &sought).unwrap_or_else(|error| {
            warn!(%error, "a message could not be read");
            Found::Unreadable
        })
    }

    /// Puts a question into the line of what is said to a session.
    pub(super) fn look_up(&mut self, session: SessionId, label: Option<Box<str>>, lookup: Lookup) {
        self.catch_up(session);
        let Some(Some(member)) = self.members.get_mut(session.0 as usize) else { return };
        let waits = member.first().is_some();
        let asked = Asked { label, shape: member.shape, lookup };
        let waker = member.hold(Waiting::Lookup(Box::new(asked)));
        self.wakers.extend(waker);
        if !waits {
            self.go_on(session);
        }
    }

    /// Hands out the answers that have come. Whether there were any.
    pub(super) fn hear_answers(&mut self, cx: &mut Context<'_>) -> bool {
        let mut any = false;
        // An answer lets the next be asked, and a journal in memory answers that at once: others have
        // their turn between.
        for _ in 0..self.asked.len() {
            let Poll::Ready((ticket, answer)) = self.journal.poll_answer(cx) else { break };
            any = true;
            let Some((session, account, since)) = self.asked.remove(&ticket) else { continue };
            self.counters.question_time.observe(clock::monotonic() - since);
            self.counters.questions_failed.add(u64::from(answer.is_err()));
            // Who asked may have gone, and somebody else have his number.
            if let Some(Some(member)) = self.members.get_mut(session.0 as usize)
                && member.asked == Some(ticket)
            {
                member.asked = None;
                self.answered(session, answer);
            }
            self.next_turn(&account);
        }
        any
    }

    fn answered(&mut self, session: SessionId, found: Result<Answer, ReadError>) {
        let Some(Some(member)) = self.members.get_mut(session.0 as usize) else { return };
        if let Some(Waiting::Replay(_)) = member.first() {
            return self.replay_answered(session, found);
        }
        if let Some(Waiting::Lookup(asked)) = member.next() {
            let replies = [answer(&asked.lookup, found)];
            let octets = render::replies(&self.server, &member.nick, asked.shape, asked.label.as_deref(), &replies);
            member.outbox.owe(octets.len() / ANSWERED);
            let waker = member.outbox.push(octets);
            self.wakers.extend(waker);
        }
        self.go_on(session);
    }

    /// Says what waited, up to the next question.
    pub(super) fn go_on(&mut self, session: SessionId) {
        let now_s = self.now_s;
        loop {
            let Some(Some(member)) = self.members.get_mut(session.0 as usize) else { return };
            match member.first() {
                Some(Waiting::Lookup(_)) => return self.ask(session),
                Some(Waiting::Replay(_)) => return self.play_on(session),
                Some(Waiting::Pages(_)) => match self.next_page(session) {
                    true => continue,
                    false => return,
                },
                _ => {}
            }
            let waker = match member.next() {
                None => return,
                Some(Waiting::Octets(octets, kept)) => member.out(octets, kept, now_s),
                Some(Waiting::Close | Waiting::Lookup(_) | Waiting::Replay(_) | Waiting::Pages(_)) => {
                    member.outbox.close()
                }
            };
            self.wakers.extend(waker);
        }
    }

    /// Asks what the session wants to know first, when it is its turn.
    pub(super) fn ask(&mut self, session: SessionId) {
        let Some(Some(member)) = self.members.get(session.0 as usize) else { return };
        let account = member.nick.clone();
        let free = !self.turns.contains_key(&account);
        self.turns.entry(account.clone()).or_default().push_back(session);
        if free {
            self.next_turn(&account);
        }
    }

    /// The journal has no question of the account: the next is asked.
    fn next_turn(&mut self, account: &Nick) {
        while let Some(session) = self.turns.get_mut(account).and_then(VecDeque::pop_front) {
            let Some(Some(member)) = self.members.get_mut(session.0 as usize) else { continue };
            // Who waited may have gone, and somebody else have his number.
            let Some(question) = member.question().filter(|_| member.nick == *account && member.asked.is_none()) else {
                continue;
            };
            self.tickets += 1;
            member.asked = Some(self.tickets);
            self.asked.insert(self.tickets, (session, account.clone(), clock::monotonic()));
            return self.journal.ask(self.tickets, question);
        }
        self.turns.remove(account);
    }
}

/// Looks into the journal for one thing.
pub(in crate::hub) fn find(journal: &mut dyn Journal, sought: &Sought) -> Result<Found, ReadError> {
    Ok(match sought {
        Sought::Message(conversation, id) => journal.find(conversation, *id)?.map_or(Found::Nothing, Found::Message),
        Sought::Sent(account, id) => journal.sent(account, id)?.map_or(Found::Nothing, Found::Sent),
    })
}

/// What the journal is asked for.
pub(in crate::hub) fn question(lookup: &Lookup) -> Question {
    match lookup {
        Lookup::History(_, page) | Lookup::Page(_, _, page) => Question::Page(page.clone()),
        Lookup::Targets(_, newest) => Question::Newest(newest.clone()),
        Lookup::Search { search, .. } => Question::Search(search.clone()),
    }
}

/// The answer as who asked reads it.
pub(in crate::hub) fn answer(lookup: &Lookup, found: Result<Answer, ReadError>) -> Reply {
    match (lookup, found) {
        (Lookup::History(place, _), Ok(Answer::Page(kept))) => {
            Reply::History(place.clone(), kept.into_iter().filter_map(Kept::into_message).collect())
        }
        (Lookup::Page(_, target, _), Ok(Answer::Page(kept))) => {
            let room = target.parse::<RoomName>().ok();
            let kept = kept.into_iter().map(|kept| match &room {
                Some(room) => kept.in_room(room),
                None => kept,
            });
            Reply::Page(target.clone(), kept.collect())
        }
        (Lookup::Targets(rooms, newest), Ok(Answer::Newest(found))) => {
            let name = |conversation| -> Option<Box<str>> {
                match conversation {
                    Conversation::Room(id) => {
                        rooms.iter().find(|(room, _)| *room == id).map(|(_, name)| name.as_str().into())
                    }
                    Conversation::Pair(one, other) => {
                        let partner = if one == newest.account { other } else { one };
                        Some(partner.as_str().into())
                    }
                }
            };
            Reply::Conversations(found.into_iter().filter_map(|(of, time)| Some((name(of)?, time))).collect())
        }
        (Lookup::Search { place, names, search }, Ok(Answer::Search(found))) => {
            Reply::Found(shown(place.clone(), names, found, search.most.saturating_sub(1)))
        }
        (lookup, found) => {
            match found {
                Err(error) => warn!(%error, "what is kept could not be read"),
                Ok(_) => warn!("the journal answered something else than it was asked"),
            }
            let what = "the server cannot read its journal now";
            Reply::Refused(match lookup {
                Lookup::History(..) => Refusal::BadLine("HISTORY_FAILED", what),
                Lookup::Page(part, target, _) => Refusal::fail("CHATHISTORY", "MESSAGE_ERROR", &[part, target], what),
                Lookup::Targets(..) => Refusal::fail("CHATHISTORY", "MESSAGE_ERROR", &["TARGETS"], what),
                Lookup::Search { .. } => Refusal::fail("SEARCH", "INTERNAL_ERROR", &[], what),
            })
        }
    }
}

/// As many of the messages that were found as are shown, the newest, under the names that their rooms
/// have now.
fn shown(
    place: Option<Box<str>>,
    names: &[(RoomId, RoomName)],
    found: Vec<(Conversation, Arc<Message>)>,
    most: usize,
) -> Hits {
    let (all, mut octets) = (found.len(), 0);
    let fits = |kept: &Kept| {
        octets += kept.octets() + kept.heads();
        octets <= limits::PAGE
    };
    let named = |(conversation, message): (Conversation, Arc<Message>)| match conversation {
        Conversation::Room(id) => {
            let (_, name) = names.iter().find(|(room, _)| *room == id)?;
            Some(Kept::Message(message).in_room(name))
        }
        Conversation::Pair(..) => Some(Kept::Message(message)),
    };
    let newest = found.into_iter().rev().filter_map(named).take(most).take_while(fits);
    let mut messages: Vec<Arc<Message>> = newest.filter_map(Kept::into_message).collect();
    messages.reverse();
    Hits { place, more: messages.len() < all, messages }
}
