//! PRIVMSG, NOTICE and TAGMSG: to rooms and to people.

use std::sync::Arc;

use super::Turn;
use crate::{
    hub::{
        account::Account,
        audience::Audience as Hearers,
        delivery::Delivery,
        letterboxes::Full,
        room::{Membership, Room},
        sought::Found,
    },
    ident::{Nick, RoomId},
    protocol::durable::{Durable, Sent},
    protocol::{
        Tags,
        caps::{Cap, Dialect},
        chat::{Audience, Kind, Message, Relation},
        command::{BadId, Place, Send, SendId},
        limits,
        modes::Status,
        refusal::{Refusal, verb_of},
        render::room_for_text,
        reply::Reply,
    },
};

impl Turn<'_> {
    pub(super) fn send(&mut self, send: &Send, found: &Found) {
        let now = self.at.time_ms;
        if let Some(account) = self.state.accounts.get_mut(&self.me) {
            account.spoke_ms = now;
        }
        if self.is_known(send, found) {
            return;
        }
        if self.is_too_long(send) {
            return self.refuse(Refusal::TooLong(limits::IRC_BODY));
        }
        for place in &send.to {
            let sent = match place {
                Place::Named(name) if name.starts_with('#') => self.send_to_room(place, None, send),
                Place::Named(name) => match with_status(name) {
                    Some((status, room)) => self.send_to_room(&Place::Named(room.into()), Some(status), send),
                    None => self.send_to_person(name, send),
                },
                Place::Current => self.send_to_room(place, None, send),
            };
            if let Err(refusal) = sent
                // A NOTICE is never answered (Modern IRC, section "NOTICE"), so that programs do not
                // answer each other; who writes by hand is told.
                && (send.kind != Kind::Notice || self.writes_by_hand())
            {
                self.refuse(refusal);
            }
        }
    }

    /// Whether this was answered already because of the name that its sender gave it (ours:
    /// `conclave.chat/id`): it was said before, whatever may have changed since, or it cannot have the
    /// name. Who gives names is told also about a NOTICE: else he would take it for said.
    fn is_known(&mut self, send: &Send, found: &Found) -> bool {
        let (code, id, what) = match (self.state.id_of(self.from, send), found) {
            (None, _) | (Some(Ok(_)), Found::Nothing | Found::Message(_)) => return false,
            (Some(Ok(id)), Found::Sent(sent)) if sent.digest == id.digest => {
                self.say_again(send, sent);
                return true;
            }
            (Some(Ok(id)), Found::Sent(_)) => ("ID_REUSED", &*id.id, "another message was sent under this id"),
            (Some(Ok(id)), Found::Unreadable) => {
                let what = "the server cannot tell now whether it has this message already; send it again later";
                ("ID_UNREADABLE", &*id.id, what)
            }
            (Some(Err(BadId::Name)), _) => ("ID_INVALID", "*", "an id has 1 to 64 visible ASCII characters"),
            (Some(Err(BadId::Targets)), _) => ("ID_INVALID", "*", "a message with an id goes to one target"),
        };
        self.refuse(Refusal::fail(verb_of(send.kind), code, &[id], what));
        true
    }

    /// The answer to a message that was said already: as if it had been said now, but with the id and
    /// the time that it has.
    fn say_again(&mut self, send: &Send, sent: &Sent) {
        let Some(Place::Named(name)) = send.to.first() else { return };
        let room = |name: &str| match (self.state.room_named(name), name.parse()) {
            (Some((id, room)), _) => Some(Audience::Room(id, room.name.clone())),
            // It has another name now, or is gone: numbers of rooms start with 1.
            (None, Ok(name)) => Some(Audience::Room(RoomId(0), name)),
            (None, Err(_)) => None,
        };
        let person = |name: &str| self.state.person_named(name).cloned().or_else(|| name.parse().ok());
        let audience = match with_status(name) {
            Some(_) => Some(Audience::Status(RoomId(0), name.clone())),
            None if name.starts_with('#') => room(name),
            None => person(name).map(Audience::Account),
        };
        if let Some(message) = audience.and_then(|audience| self.message(send, audience)) {
            let original = Message { id: sent.message, time_ms: sent.time_ms, ..Message::clone(&message) };
            self.echo(&Arc::new(original));
        }
    }

    /// Has the name of a message known, if it has one.
    fn remember(&mut self, send: &Send, message: &Message) {
        if let Some(Ok(SendId { id, digest })) = self.state.id_of(self.from, send) {
            let sent = Sent { digest: *digest, message: message.id, time_ms: message.time_ms };
            self.record(Durable::Sent { account: self.me.clone(), id: id.clone(), sent });
        }
    }

    /// Whether what came as one line of IRC would not fit into one for its receivers, with its
    /// sender in front: it is not cut, and it was no batch that could be divided. Who knows his own
    /// `nick!user@host` can tell beforehand. A NOTICE is never answered by an error (Modern IRC,
    /// section "NOTICE"), so that it is divided.
    fn is_too_long(&mut self, send: &Send) -> bool {
        if send.joints.is_some()
            || send.kind == Kind::Notice
            || self.my_session().is_none_or(|session| session.dialect != Dialect::Irc)
        {
            return false;
        }
        let Some(account) = self.my_account() else { return false };
        send.to.iter().any(|place| match place {
            Place::Named(name) => send.text.len() > room_for_text(&account.source, send.kind, name),
            Place::Current => false,
        })
    }

    /// To everybody in a room, or (STATUSMSG) only to its members of this status and above.
    fn send_to_room(&mut self, place: &Place, least: Option<Status>, send: &Send) -> Result<(), Refusal> {
        let id = match place {
            Place::Current => self.my_session().and_then(|session| session.current).ok_or(Refusal::NoCurrentRoom)?,
            Place::Named(name) => match self.state.room_named(name) {
                Some((id, room)) if room.visible_to(&self.me) => id,
                _ => return Err(Refusal::NoSuchRoom(name.clone())),
            },
        };
        let (Some(room), Some(account)) = (self.state.rooms.get(&id), self.my_account()) else {
            return Err(Refusal::NoCurrentRoom);
        };
        if !room.hears(&account.source, send.kind, &send.text) {
            return Err(Refusal::CannotSpeak(room.name.as_str().into()));
        }
        let (audience, target) = match least {
            None => (room.audience.clone(), Audience::Room(id, room.name.clone())),
            Some(least) => {
                let target = format!("{}{}", least.prefix(), room.name).into();
                (self.of_status(room, least), Audience::Status(id, target))
            }
        };
        let Some(message) = self.message(send, target) else { return Ok(()) };
        if least.is_none() {
            self.keep(&message);
        }
        self.remember(send, &message);
        self.echo(&message);
        self.deliveries.push(Delivery::Message { audience, except: Some(self.from), own: false, message });
        Ok(())
    }

    /// The sessions of a room's members of this status and above, and my own.
    fn of_status(&self, room: &Room, least: Status) -> Hearers {
        let high = |member: &Membership| member.operator || member.voiced && least == Status::Voiced;
        let members = room.members.iter().filter(|(nick, member)| **nick == self.me || high(member));
        let mine = [&self.me].into_iter().filter(|me| !room.members.contains_key(me));
        let accounts = members.map(|(nick, _)| nick).chain(mine).filter_map(|nick| self.state.accounts.get(nick));
        accounts.flat_map(|account| account.sessions.iter().copied()).collect()
    }

    fn send_to_person(&mut self, name: &str, send: &Send) -> Result<(), Refusal> {
        let nick = self.state.person_named(name).ok_or_else(|| Refusal::NoSuchNick(name.into()))?.clone();
        let to_myself = nick == self.me;
        let account = self.state.accounts.get(&nick);
        // Programs that are not seen get it too, but that is not for sure to reach a person.
        let here = to_myself || account.is_some_and(|account| account.seen());
        let theirs = account.map(|account| sessions(account)).unwrap_or_default();
        let away = account.and_then(|account| account.away.clone());
        let kept = self.state.settings.keep_messages && is_chat(send.kind, &send.text, send.tags.as_deref());
        if !here && kept {
            self.put_into_letterbox(&nick, send.kind)?;
        } else if theirs.is_empty() {
            return Err(Refusal::NotHere(name.into()));
        }
        let mine = self.my_account().map(sessions).unwrap_or_default();
        let Some(message) = self.message(send, Audience::Account(nick.clone())) else { return Ok(()) };
        self.keep(&message);
        self.remember(send, &message);
        // The plain dialect shows a message to oneself once, and IRC as sent and as received.
        let plain = self.writes_by_hand();
        self.echo(&message);
        if !to_myself {
            let message = Arc::clone(&message);
            self.deliveries.push(Delivery::Message { audience: mine, except: Some(self.from), own: true, message });
        }
        let except = (to_myself && plain).then_some(self.from);
        self.deliveries.push(Delivery::Message { audience: theirs, except, own: false, message });
        match (send.kind, away) {
            (Kind::Text | Kind::Action, _) if !here && kept => self.reply(Reply::Offline(nick)),
            (Kind::Notice, _) if !here && kept && plain => self.reply(Reply::Offline(nick)),
            (Kind::Text | Kind::Action, Some(reason)) => self.reply(Reply::IsAway(nick, reason)),
            _ => {}
        }
        Ok(())
    }

    /// Counts what will wait for somebody who is not here.
    fn put_into_letterbox(&mut self, to: &Nick, kind: Kind) -> Result<(), Refusal> {
        let (most, whose) = match self.state.letterboxes.put(to, &self.me) {
            Ok(()) => return Ok(()),
            Err(Full::OfHis) => (limits::WAITING_FROM_ONE, "of your messages"),
            Err(Full::OfAll) => (limits::WAITING, "messages"),
        };
        let what = format!("{to} is offline, and {most} {whose} wait there already: this one was not sent");
        Err(Refusal::fail(verb_of(kind), "TOO_MANY_WAITING", &[to.as_str()], what))
    }

    fn message(&mut self, send: &Send, audience: Audience) -> Option<Arc<Message>> {
        let source = Arc::clone(&self.my_account()?.source);
        let id = self.id();
        let session = self.my_session()?;
        let (device, client) = (session.device, session.client.clone());
        let (kind, text, tags) = (send.kind, Arc::clone(&send.text), send.tags.clone());
        let joints = send.joints.clone().unwrap_or_default();
        let time_ms = self.at.time_ms;
        let relation = send.tags.as_deref().and_then(relation);
        Some(Arc::new(Message { id, time_ms, source, device, client, audience, kind, relation, text, joints, tags }))
    }

    fn keep(&mut self, message: &Arc<Message>) {
        let chat = is_chat(message.kind, &message.text, message.tags.as_deref());
        if chat && self.state.settings.keep_messages {
            self.record(Durable::Message(Arc::clone(message)));
        }
    }

    fn writes_by_hand(&mut self) -> bool {
        self.my_session().is_some_and(|session| session.dialect == Dialect::Plain)
    }

    /// The sender's own line, which tells him that it was said.
    fn echo(&mut self, message: &Arc<Message>) {
        let wanted = self.my_session().is_some_and(|session| match session.dialect {
            Dialect::Plain => true,
            Dialect::Irc => session.caps.has(Cap::EchoMessage),
        });
        if wanted {
            self.reply(Reply::Message(Arc::clone(message), true));
        }
    }
}

fn sessions(account: &Account) -> Hearers {
    account.sessions.iter().copied().collect()
}

/// The tags that are kept also without a text: they say something about another message, or their
/// sender wants them kept.
const LASTING: [&str; 7] =
    ["+draft/persist", "+draft/react", "+draft/reply", "+draft/unreact", "+react", "+reply", "+unreact"];

/// What client-only tags say about an earlier message (IRCv3 `reply` and `react`).
fn relation(tags: &str) -> Option<Relation> {
    let tags = Tags::parse(tags).ok()?;
    let value = |key: &str| tags.get(&format!("+{key}")).or_else(|| tags.get(&format!("+draft/{key}")));
    let to = value("reply")?.parse().ok()?;
    Some(if value("react").is_some() { Relation::Reaction(to) } else { Relation::Reply(to) })
}

/// Whether it is kept, if anything is: typing and the like never are, nor CTCP other than ACTION.
fn is_chat(kind: Kind, text: &str, tags: Option<&str>) -> bool {
    match kind {
        Kind::Tags => tags.is_some_and(lasts),
        Kind::Text | Kind::Notice => !text.starts_with('\u{1}'),
        Kind::Action | Kind::Opaque => true,
    }
}

fn lasts(tags: &str) -> bool {
    Tags::parse(tags).is_ok_and(|tags| tags.iter().any(|tag| LASTING.contains(&tag.key)))
}

/// A room with a status in front of it, as ISUPPORT `STATUSMSG` has it: `@#room`.
fn with_status(target: &str) -> Option<(Status, &str)> {
    let status = Status::by_prefix(target.chars().next()?)?;
    Some((status, &target[1..])).filter(|(_, room)| room.starts_with('#'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_relate_a_message_to_another() {
        let id = "01m7z9gbqc000000000006vr81";
        let of: crate::ident::MsgId = id.parse().unwrap();
        for (tags, expect) in [
            (format!("+draft/reply={id}"), Some(Relation::Reply(of))),
            (format!("+reply={id};+typing=done"), Some(Relation::Reply(of))),
            (format!("+draft/react=\u{1f44d};+draft/reply={id}"), Some(Relation::Reaction(of))),
            ("+draft/reply=somebody's".into(), None),
            ("+draft/react=x".into(), None),
        ] {
            assert_eq!(relation(&tags), expect, "{tags}");
        }
    }
}
