//! What is released goes out: rendered once for each shape, pushed into outboxes.

use std::sync::Arc;

use super::{Hub, Member, fence::Kept, member::Waiting};
use crate::{
    hub::{delivery::Delivery, request::SessionId},
    ident::Nick,
    protocol::{
        caps::Shape,
        durable::Position,
        render::{self, Pages},
        reply::Reply,
    },
};

/// So many octets of a long answer are made at once, about: two records of TLS.
const PAGE: usize = 32 << 10;

/// To tell something to so many sessions costs as much as an ordinary line,
const TOLD: usize = 1024;

/// and so does an answer of so many octets.
pub(super) const ANSWERED: usize = 16 << 10;

impl Hub {
    pub(super) fn admit(&mut self, session: SessionId, nick: Nick, shape: Shape) {
        let Some(outbox) = self.door.slots().get(session.0 as usize).cloned() else { return };
        let at = session.0 as usize;
        if self.members.len() <= at {
            self.members.resize_with(at + 1, || None);
        }
        self.admitted += 1;
        self.members[at] = Some(Member::new(nick, outbox, shape));
    }

    /// Nothing that is staged from here on can name the session: its id is free again.
    pub(super) fn dismiss(&mut self, session: SessionId) {
        self.end_burst();
        self.forget_place(session);
        if self.members.get_mut(session.0 as usize).and_then(Option::take).is_some() {
            self.admitted -= 1;
        }
        if let Some(outbox) = self.door.slots().try_remove(session.0 as usize) {
            self.wakers.extend(outbox.close());
        }
    }

    /// Whoever's request is told to very many pays for it.
    pub(super) fn charge(&self, session: SessionId, deliveries: &[Delivery]) {
        let told = |delivery: &Delivery| match delivery {
            Delivery::Message { audience, .. } | Delivery::Event { audience, .. } => audience.len(),
            _ => 0,
        };
        let cost = deliveries.iter().map(told).sum::<usize>() / TOLD;
        if cost > 0
            && let Some(Some(member)) = self.members.get(session.0 as usize)
        {
            member.outbox.owe(cost);
        }
    }

    /// `kept`: the place of the request, if it left a message in the journal.
    pub(super) fn deliver(&mut self, delivery: Delivery, kept: Option<Position>) {
        match delivery {
            Delivery::Replies { session, label, replies } => self.answer(session, label, replies, kept),
            Delivery::Replay { session, missed } => self.play_back(session, *missed),
            Delivery::Lookup { session, label, lookup } => self.look_up(session, label, *lookup),
            Delivery::Message { audience, except, own: false, message } => self.say(&audience, except, kept, message),
            Delivery::Message { audience, except, own, message } => {
                let server = Arc::clone(&self.server);
                self.fan_out(
                    audience.iter(),
                    except.as_slice(),
                    kept,
                    |shape| render::shape_for_message(shape, &message),
                    |shape| render::message(&server, shape, own, &message),
                );
            }
            Delivery::Event { audience, except, event } => {
                self.fan_out(
                    audience.iter(),
                    except.as_slice(),
                    None,
                    |shape| render::shape_for_event(shape, &event),
                    |shape| render::event(shape, &event),
                );
            }
            Delivery::Presence { rooms, also, except, event } => self.tell_presence(&rooms, &also, &except, &event),
            Delivery::Shape(session, shape) => {
                // What was said before, it gets as it was.
                self.catch_up(session);
                if let Some(Some(member)) = self.members.get_mut(session.0 as usize) {
                    member.shape = shape;
                }
                self.change_class(session);
            }
            // Whoever waits for the sign does the work: the hub waits for no file.
            Delivery::Rehash => self.rehash.notify_one(),
            Delivery::Close(session) => {
                self.catch_up(session);
                if let Some(Some(member)) = self.members.get_mut(session.0 as usize) {
                    self.wakers.extend(member.close());
                }
            }
        }
    }

    fn answer(&mut self, session: SessionId, label: Option<Box<str>>, replies: Vec<Reply>, kept: Option<Position>) {
        self.catch_up(session);
        let kept = kept.filter(|_| replies.iter().any(|reply| matches!(reply, Reply::Message(..))));
        if kept.is_none() && Pages::are_long(&replies) {
            return self.answer_in_pages(session, label, replies);
        }
        let kept = kept.map(|at| Kept { at, messages: 1 });
        if let Some(Some(member)) = self.members.get_mut(session.0 as usize) {
            let octets = render::replies(&self.server, &member.nick, member.shape, label.as_deref(), &replies);
            member.outbox.owe(octets.len() / ANSWERED);
            self.wakers.extend(member.push(octets, kept, self.now_s));
        }
    }

    /// Says what can be long: of what does not fit into a page, each further one is made when the one
    /// before it is taken. So the lists of thousands who come at once are never in memory together.
    fn answer_in_pages(&mut self, session: SessionId, label: Option<Box<str>>, replies: Vec<Reply>) {
        let Some(Some(member)) = self.members.get_mut(session.0 as usize) else { return };
        let waits = member.first().is_some();
        let waker = member.hold(Waiting::Pages(Box::new(Pages::new(member.shape, label, replies))));
        self.wakers.extend(waker);
        if !waits {
            self.go_on(session);
        }
    }

    /// Pages are first in the line of what is said to a session: the next goes out, if there is room for
    /// it. Whether it was the last.
    pub(super) fn next_page(&mut self, session: SessionId) -> bool {
        let server = Arc::clone(&self.server);
        let Some(Some(member)) = self.members.get_mut(session.0 as usize) else { return false };
        let (nick, outbox) = (member.nick.clone(), Arc::clone(&member.outbox));
        let Some(Waiting::Pages(pages)) = member.first_mut() else { return false };
        let mut done = false;
        if outbox.waiting() < PAGE {
            let octets = pages.next(&server, &nick, PAGE);
            done = pages.is_done();
            outbox.owe(octets.len() / ANSWERED);
            self.wakers.extend(outbox.push(octets));
        }
        if done {
            member.next();
        } else {
            self.wakers.extend(outbox.tell_when_empty());
        }
        done
    }

    /// Renders once for each shape that occurs, and shares the octets.
    pub(super) fn fan_out(
        &mut self,
        audience: impl Iterator<Item = SessionId> + Clone,
        except: &[SessionId],
        kept: Option<Position>,
        relevant: impl Fn(Shape) -> Shape,
        render: impl Fn(Shape) -> bytes::Bytes,
    ) {
        let kept = kept.map(|at| Kept { at, messages: 1 });
        let mut rendered: smallvec::SmallVec<[(Shape, bytes::Bytes); 4]> = smallvec::SmallVec::new();
        let mut deliveries = 0;
        self.end_burst();
        self.catch_up_all(audience.clone());
        for session in audience {
            if except.contains(&session) {
                continue;
            }
            let Some(Some(member)) = self.members.get_mut(session.0 as usize) else { continue };
            let shape = relevant(member.shape);
            let octets = match rendered.iter().find(|(of, _)| *of == shape) {
                Some((_, octets)) => octets.clone(),
                None => {
                    let octets = render(shape);
                    rendered.push((shape, octets.clone()));
                    octets
                }
            };
            deliveries += u64::from(!octets.is_empty());
            self.wakers.extend(member.push(octets, kept, self.now_s));
        }
        self.counters.deliveries.add(deliveries);
    }
}
