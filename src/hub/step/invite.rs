//! INVITE: into a room that would not let somebody in (Modern IRC, section "INVITE message"; IRCv3
//! `invite-notify`).

use std::sync::Arc;

use super::Turn;
use crate::{
    hub::delivery::Delivery,
    ident::{Nick, RoomId},
    protocol::{
        chat::{Act, Event},
        command::Place,
        durable::Durable,
        modes::Flag,
        refusal::Refusal,
        reply::Reply,
    },
};

impl Turn<'_> {
    pub(super) fn invite(&mut self, name: &str, place: &Place) {
        let Some(id) = self.room(place) else { return };
        match self.may_invite(id, name) {
            Ok(who) => self.send_invitation(id, &who),
            Err(refusal) => self.refuse(refusal),
        }
    }

    /// Whom; he need not be here. What only operators can let in, only operators invite.
    fn may_invite(&self, id: RoomId, name: &str) -> Result<Nick, Refusal> {
        let Some(room) = self.state.rooms.get(&id) else { return Err(Refusal::NoCurrentRoom) };
        let quoted = || Box::from(room.name.as_str());
        if !room.members.contains_key(&self.me) {
            return Err(Refusal::NotOnRoom(quoted()));
        }
        let (who, account) = self.state.account_named(name).ok_or_else(|| Refusal::NoSuchNick(name.into()))?;
        if room.members.contains_key(who) {
            return Err(Refusal::AlreadyInRoom(who.as_str().into(), quoted()));
        }
        if room.modes.has(Flag::InviteOnly) || room.bans(&account.source) {
            self.operates(room)?;
        }
        Ok(who.clone())
    }

    /// Tells me, the invited, and the members who asked to be told. Who is away finds it with
    /// INVITE alone.
    fn send_invitation(&mut self, id: RoomId, who: &Nick) {
        let (Some(room), Some(account)) = (self.state.rooms.get(&id), self.my_account()) else { return };
        let (name, members, source) = (room.name.clone(), room.audience.clone(), Arc::clone(&account.source));
        if !room.invited.contains(who) {
            self.record(Durable::Invited { room: id, account: who.clone() });
        }
        self.reply(Reply::Inviting(who.clone(), name.clone()));
        let act = Act::Invite { room: name, who: who.clone() };
        let event = Arc::new(Event { id: self.id(), time_ms: self.at.time_ms, source, act });
        let theirs = self.state.accounts.get(who).map(|account| account.sessions.clone()).unwrap_or_default();
        for &session in &theirs {
            let replies = vec![Reply::Invited(Arc::clone(&event))];
            self.deliveries.push(Delivery::Replies { session, label: None, replies });
        }
        self.deliveries.push(Delivery::Event { audience: members, except: Some(self.from), event });
    }

    /// The rooms to which I am invited.
    pub(super) fn invitations(&mut self) {
        let rooms = self.state.names.values().filter_map(|id| self.state.rooms.get(id));
        let mine = rooms.filter(|room| room.invited.contains(&self.me)).map(|room| room.name.clone()).collect();
        self.reply(Reply::Invitations(mine));
    }
}
