//! Who learns what becomes of a person: his neighbours, his own sessions and those who watch him.
//!
//! Implements IRCv3 `away-notify`, `chghost`, `monitor` (online and offline) and
//! `extended-monitor`. Whether a session asked to be told at all is the renderer's to know.

use std::sync::Arc;

use super::Turn;
use crate::{
    hub::{account::Sessions, audience::Audience, delivery::Delivery, request::SessionId},
    ident::{Nick, RoomId},
    protocol::{
        caps::{Cap, Dialect},
        chat::{Act, Event, Source},
        limits,
        reply::{Reply, Was},
    },
};

impl Turn<'_> {
    /// Says something about a person to all whom it concerns, each session once. That he is away
    /// or back his own sessions are not told: they know it.
    pub(super) fn tell_about(&mut self, nick: &Nick, source: &Arc<Source>, act: Act) {
        let Some(account) = self.state.accounts.get(nick) else { return };
        let (rooms, also) = (self.state.rooms_of(account), self.state.concerned(account));
        let own = if matches!(act, Act::Away(_)) { account.sessions.clone() } else { Sessions::new() };
        let event = self.event(source, act);
        self.show_presence(rooms, also, &own, event);
    }

    /// Adds up whether a person is away, and tells when that has changed.
    pub(super) fn settle_away(&mut self, nick: &Nick) {
        let Some(account) = self.state.accounts.get(nick) else { return };
        let sum = self.state.sum_of_away(account);
        if sum == account.away {
            return;
        }
        let (source, present) = (Arc::clone(&account.source), account.present());
        if let Some(account) = self.state.accounts.get_mut(nick) {
            account.away.clone_from(&sum);
        }
        self.state.show(nick);
        if present {
            self.tell_about(nick, &source, Act::Away(sum));
        }
    }

    /// After my JOIN: the others in the room learn that I am away, if I am.
    pub(super) fn show_away(&mut self, id: RoomId, audience: &Audience) {
        let Some(account) = self.my_account().filter(|account| account.away.is_some()) else { return };
        let (source, away) = (Arc::clone(&account.source), account.away.clone());
        let own = account.sessions.clone();
        let event = self.event(&source, Act::Away(away));
        self.show_presence(vec![(id, audience.clone())], Vec::new(), &own, event);
    }

    /// A person is present now: who watches him is told.
    pub(super) fn appear(&mut self, source: &Arc<Source>) {
        let online = vec![Arc::clone(source)];
        self.tell_watchers(&source.nick, |turn, session| {
            let mut replies = turn.sync_watched(session, &online);
            replies.insert(0, Reply::Watched { online: online.clone(), offline: Vec::new() });
            replies
        });
    }

    /// A person is present no longer: QUIT to everybody who shares a room with him.
    pub(super) fn disappear(&mut self, nick: &Nick, reason: &Arc<str>) {
        let Some(account) = self.state.accounts.get_mut(nick) else { return };
        account.away = None;
        let (source, realname) = (Arc::clone(&account.source), Arc::clone(&account.realname));
        self.state.present -= 1;
        self.state.forget_modes(nick);
        self.state.show(nick);
        if let Some(account) = self.state.accounts.get(nick) {
            let rooms = self.state.rooms_of(account);
            let event = self.event(&source, Act::Quit(Arc::clone(reason)));
            self.show_presence(rooms, Vec::new(), &[], event);
        }
        if self.state.were.len() >= limits::WHOWAS {
            self.state.were.pop_front();
        }
        self.state.were.push_back(Was { source, realname, at_ms: self.at.time_ms });
        self.tell_watchers(nick, |_, _| {
            vec![Reply::Watched { online: Vec::new(), offline: vec![nick.as_str().into()] }]
        });
    }

    fn tell_watchers(&mut self, nick: &Nick, replies: impl Fn(&Self, SessionId) -> Vec<Reply>) {
        let watchers = self.state.watchers.get(nick).cloned().unwrap_or_default();
        for &session in &watchers {
            let mut replies = replies(self, session);
            if session == self.from {
                self.replies.append(&mut replies);
            } else {
                self.deliveries.push(Delivery::Replies { session, label: None, replies });
            }
        }
    }

    /// I have another username. Programs without `chghost` see me go and come back, as the
    /// specification asks.
    pub(super) fn change_host(&mut self, old: &Arc<Source>) {
        let Some(account) = self.my_account() else { return };
        let (new, realname) = (Arc::clone(&account.source), Arc::clone(&account.realname));
        let rooms = account.rooms.clone();
        let neighbours = self.state.neighbours(account);
        let me = self.me.clone();
        self.tell_about(&me, old, Act::Host(Arc::clone(&new)));
        self.tell_without_chghost(&neighbours, old, Act::Quit("Changing hostname".into()));
        for id in rooms {
            let Some(room) = self.state.rooms.get(&id) else { continue };
            let (name, audience) = (room.name.clone(), room.audience.clone());
            let modes = match room.members.get(&me).map(|member| (member.operator, member.voiced)) {
                Some((true, true)) => Some(format!("+ov {me} {me}")),
                Some((true, false)) => Some(format!("+o {me}")),
                Some((false, true)) => Some(format!("+v {me}")),
                _ => None,
            };
            let join = Act::Join { room: name.clone(), realname: Arc::clone(&realname) };
            self.tell_without_chghost(&audience, &new, join);
            if let Some(modes) = modes {
                self.tell_without_chghost(&audience, &new, Act::Mode(name, modes.into()));
            }
        }
    }

    /// To the programs of others in the audience that did not ask for `chghost`.
    fn tell_without_chghost(&mut self, audience: &Audience, source: &Arc<Source>, act: Act) {
        let to = |id: &SessionId| {
            let session = self.state.sessions.get(id);
            session.is_some_and(|session| {
                session.account != self.me && session.dialect == Dialect::Irc && !session.caps.has(Cap::ChgHost)
            })
        };
        let audience: Audience = audience.iter().filter(to).collect();
        if audience.is_empty() {
            return;
        }
        let event = Arc::new(Event { id: self.id(), time_ms: self.at.time_ms, source: Arc::clone(source), act });
        self.deliveries.push(Delivery::Event { audience, except: None, event });
    }
}
