//! WHOIS (Modern IRC, section "WHOIS message"): all about a person.

use std::sync::Arc;

use super::Turn;
use crate::protocol::{
    refusal::Refusal,
    reply::{Place, Reply, Whois},
};

impl Turn<'_> {
    pub(super) fn whois(&mut self, target: Option<&str>, name: &str) {
        if let Some(target) = target.filter(|target| !target.eq_ignore_ascii_case(name) && !self.is_this_server(target))
        {
            return self.refuse(Refusal::NoSuchServer(target.into()));
        }
        let state = &*self.state;
        let found = state.account_named(name).filter(|(nick, account)| account.present() || **nick == self.me);
        let Some((nick, account)) = found else {
            self.refuse(Refusal::NoSuchNick(name.into()));
            return self.reply(Reply::EndOfWhois(name.into()));
        };
        let place = |room: &crate::hub::room::Room| {
            let (operator, voiced) = room.members.get(nick).map_or((false, false), |m| (m.operator, m.voiced));
            Place { room: room.name.clone(), operator, voiced }
        };
        // What tells more than others need to know.
        let all = *nick == self.me || self.is_administrator();
        let sessions = account.sessions.iter().filter_map(|session| state.sessions.get(session));
        let devices = sessions.filter(|_| all).map(|session| (Arc::clone(&session.device_label), session.device.0));
        let idle = (!account.sessions.is_empty())
            .then(|| (self.at.time_ms.saturating_sub(account.spoke_ms) / 1000, account.since_ms / 1000));
        let metadata = match state.reveals(nick, &self.me) {
            true => account.metadata.iter().map(|(key, value)| (key.clone(), Arc::clone(value))).collect(),
            false => Vec::new(),
        };
        let whois = Whois {
            source: Arc::clone(&account.source),
            realname: Arc::clone(&account.realname),
            rooms: state.rooms_shown(&self.me, account).map(place).collect(),
            away: account.away.clone(),
            administrator: state.settings.administrators.contains(nick),
            operator: account.modes.operator,
            bot: account.modes.bot,
            modes: all.then(|| account.modes.shown().into()),
            idle,
            devices: devices.collect(),
            metadata,
        };
        self.reply(Reply::Whois(Box::new(whois)));
    }
}
