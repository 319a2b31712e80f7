//! WHOIS: all about a person.

use std::sync::Arc;

use super::Turn;
use crate::protocol::{
    refusal::Refusal,
    reply::{Reply, Whois},
};

impl Turn<'_> {
    pub(super) fn whois(&mut self, name: &str) {
        let state = &*self.state;
        let Some((nick, account)) = state.account_named(name).filter(|(_, account)| account.present()) else {
            self.refuse(Refusal::NoSuchNick(name.into()));
            return self.reply(Reply::EndOfWhois(name.into()));
        };
        let administrators = &state.settings.administrators;
        let rooms = account
            .rooms
            .iter()
            .filter_map(|id| state.rooms.get(id))
            .filter(|room| room.visible_to(&self.me))
            .map(|room| (if room.is_operator(nick) { "@" } else { "" }, room.name.clone()))
            .collect();
        let sees_devices = *nick == self.me || administrators.contains(&self.me);
        let devices = account
            .sessions
            .iter()
            .filter_map(|session| state.sessions.get(session))
            .filter(|_| sees_devices)
            .map(|session| (Arc::clone(&session.device_label), session.device.0))
            .collect();
        let idle = (!account.sessions.is_empty())
            .then(|| (self.at.time_ms.saturating_sub(account.spoke_ms) / 1000, account.since_ms / 1000));
        let whois = Whois {
            source: Arc::clone(&account.source),
            realname: Arc::clone(&account.realname),
            rooms,
            away: state.away(account),
            administrator: administrators.contains(nick),
            bot: account.modes.bot,
            modes: sees_devices.then(|| account.modes.shown().into()),
            idle,
            devices,
        };
        self.reply(Reply::Whois(Box::new(whois)));
    }
}
