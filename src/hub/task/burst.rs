//! Messages to the same sessions that follow each other: written down once for all sessions that look
//! alike, and pushed together. What is said to a room in one turn of the hub costs each member one push.
//!
//! Whatever else is said to a session meanwhile comes behind its part ([`Hub::catch_up`]); whatever else is
//! said to many comes behind the whole.

use std::sync::Arc;

use bytes::Bytes;
use smallvec::SmallVec;

use super::{Hub, fence::Kept};
use crate::{
    hub::{audience::Audience, request::SessionId},
    protocol::{caps::Shape, chat::Message, durable::Position, render, reply::ServerInfo},
};

/// So many messages are a burst at most.
const MESSAGES: usize = 1024;

/// Messages to the same audience.
pub(super) struct Burst {
    audience: Audience,
    messages: Vec<(Arc<Message>, Option<Position>)>,
    texts: SmallVec<[Text; 2]>,
    /// Who has got the first of them already or is not to get them, and how many; in order.
    begun: SmallVec<[(SessionId, usize); 4]>,
}

/// The messages as sessions of one shape see them.
struct Text {
    shape: Shape,
    octets: Vec<u8>,
    /// Where each message ends.
    ends: Vec<usize>,
}

impl Burst {
    fn new(audience: Audience) -> Self {
        Self { audience, messages: Vec::new(), texts: SmallVec::new(), begun: SmallVec::new() }
    }

    /// The text for a shape, with all messages in it.
    fn text(&mut self, server: &ServerInfo, shape: Shape) -> &Text {
        let shape = render::shape_for_messages(shape);
        let at = self.texts.iter().position(|text| text.shape == shape).unwrap_or_else(|| {
            self.texts.push(Text { shape, octets: Vec::new(), ends: Vec::new() });
            self.texts.len() - 1
        });
        let text = &mut self.texts[at];
        for (message, _) in &self.messages[text.ends.len()..] {
            let octets = render::message(server, render::shape_for_message(shape, message), false, message);
            text.octets.extend_from_slice(&octets);
            text.ends.push(text.octets.len());
        }
        text
    }

    /// What is kept of the messages from this one on.
    fn kept(&self, from: usize) -> Option<Kept> {
        let mut kept = self.messages[from..].iter().filter_map(|(_, at)| *at);
        let at = kept.next_back()?;
        Some(Kept { at, messages: 1 + kept.count() as u32 })
    }

    /// How many of the messages are not for the session any more.
    fn begun(&self, session: SessionId) -> usize {
        self.begun.binary_search_by_key(&session, |(id, _)| *id).map_or(0, |at| self.begun[at].1)
    }

    fn set_begun(&mut self, session: SessionId, messages: usize) {
        match self.begun.binary_search_by_key(&session, |(id, _)| *id) {
            Ok(at) => self.begun[at].1 = messages,
            Err(at) => self.begun.insert(at, (session, messages)),
        }
    }

    fn is_full(&self) -> bool {
        self.messages.len() >= MESSAGES
    }
}

impl Hub {
    /// Says a message to an audience at the end of the burst that it is a part of.
    pub(super) fn say(
        &mut self,
        audience: &Audience,
        except: Option<SessionId>,
        kept: Option<Position>,
        message: Arc<Message>,
    ) {
        if self.burst.as_ref().is_none_or(|burst| burst.is_full() || !burst.audience.is(audience)) {
            self.end_burst();
            self.catch_up_all(audience.iter());
            self.burst = Some(Burst::new(audience.clone()));
        }
        if let Some(except) = except {
            self.give_part(except);
        }
        let Some(burst) = &mut self.burst else { return };
        burst.messages.push((message, kept));
        if let Some(except) = except {
            burst.set_begun(except, burst.messages.len());
        }
    }

    /// A session gets its part of the burst, since something else is to be said to it.
    pub(super) fn give_part(&mut self, session: SessionId) {
        let Some(burst) = &mut self.burst else { return };
        let from = burst.begun(session);
        if from == burst.messages.len() || !burst.audience.contains(session) {
            return;
        }
        let Some(Some(member)) = self.members.get_mut(session.0 as usize) else { return };
        let text = burst.text(&self.server, member.shape);
        let start = from.checked_sub(1).map_or(0, |last| text.ends[last]);
        let octets = Bytes::copy_from_slice(&text.octets[start..]);
        let (kept, said) = (burst.kept(from), burst.messages.len() - from);
        burst.set_begun(session, burst.messages.len());
        if !octets.is_empty() {
            self.counters.deliveries.add(said as u64);
        }
        self.wakers.extend(member.push(octets, kept, self.now_s));
    }

    /// Everybody gets the rest of the burst.
    pub(super) fn end_burst(&mut self) {
        let Some(mut burst) = self.burst.take() else { return };
        let mut rendered: SmallVec<[(Shape, Bytes, Vec<usize>); 2]> = SmallVec::new();
        let (audience, begun) = (std::mem::take(&mut burst.audience), std::mem::take(&mut burst.begun));
        let (mut begun, whole) = (begun.into_iter().peekable(), burst.kept(0));
        let mut deliveries = 0;
        for session in audience.iter() {
            let from = begun.next_if(|(id, _)| *id == session).map_or(0, |(_, from)| from);
            let Some(Some(member)) = self.members.get_mut(session.0 as usize) else { continue };
            let shape = render::shape_for_messages(member.shape);
            let at = rendered.iter().position(|(of, ..)| *of == shape).unwrap_or_else(|| {
                burst.text(&self.server, shape);
                let text = burst.texts.iter_mut().find(|text| text.shape == shape);
                let (octets, ends) = text.map(|text| (std::mem::take(&mut text.octets), text.ends.clone())).unzip();
                rendered.push((shape, octets.unwrap_or_default().into(), ends.unwrap_or_default()));
                rendered.len() - 1
            });
            let (_, text, ends) = &rendered[at];
            let (octets, kept) = match from {
                0 => (text.clone(), whole),
                // A copy: a part that waits long must not keep the whole in memory.
                _ => (Bytes::copy_from_slice(&text[ends[from - 1]..]), burst.kept(from)),
            };
            if !octets.is_empty() {
                deliveries += (burst.messages.len() - from) as u64;
            }
            self.wakers.extend(member.push(octets, kept, self.now_s));
        }
        self.counters.deliveries.add(deliveries);
    }
}
