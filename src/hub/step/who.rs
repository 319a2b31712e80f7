//! WHO (Modern IRC, section "WHO message"; IRCv3 WHOX): who is here, in a room, by name or by mask.

use super::{
    Turn,
    names::{member, seen_in},
};
use crate::{
    hub::{account::Account, mask::fits},
    protocol::{
        command::Who,
        reply::{Member, Reply, Whom},
    },
};

impl Turn<'_> {
    pub(super) fn who(&mut self, who: &Who) {
        let mask = who.mask.as_deref();
        // Of how long people say nothing there is no list.
        let idle = who.whox.as_ref().is_some_and(|whox| whox.fields.contains('l'));
        if let Some(name) = mask.filter(|name| name.starts_with('#') && !idle)
            && let Some((_, room)) = self.state.room_named(name).filter(|(_, room)| room.visible_to(&self.me))
        {
            let whom = if who.operators { Whom::Administrators } else { Whom::All };
            let people = seen_in(room, &self.me);
            let reply = Reply::WhoIn(name.into(), who.whox.clone(), room.name.clone(), people, whom);
            return self.reply(reply);
        }
        let mut people = match mask {
            Some(name) if name.starts_with('#') => self.who_in(name),
            None | Some("0") => self.who_fits("*"),
            Some(mask) if mask.contains(['*', '?']) => self.who_fits(mask),
            Some(name) => {
                let found = self.state.account_named(name).filter(|(_, account)| account.present());
                found.map(|(_, account)| self.row(account)).into_iter().collect()
            }
        };
        people.retain(|person| person.administrator || !who.operators);
        self.reply(Reply::Who(mask.unwrap_or("*").into(), who.whox.clone(), people));
    }

    fn who_in(&self, name: &str) -> Vec<Member> {
        let state = &*self.state;
        let Some((_, room)) = state.room_named(name).filter(|(_, room)| room.visible_to(&self.me)) else {
            return Vec::new();
        };
        let people = seen_in(room, &self.me);
        let accounts = people.people().filter_map(|person| state.accounts.get(&person.source.nick));
        accounts.map(|account| member(state, account, Some(room))).collect()
    }

    /// Everybody whose nick fits, or `nick!user@host` where the mask is one of those.
    fn who_fits(&self, mask: &str) -> Vec<Member> {
        let full = mask.contains(['!', '@']);
        let asked = |account: &Account| {
            let source = &account.source;
            account.present() && if full { fits(mask, &source.mask()) } else { fits(mask, source.nick.as_str()) }
        };
        let fitting = self.state.accounts.values().filter(|account| asked(account));
        fitting.filter(|account| self.state.shown_to(&self.me, account)).map(|account| self.row(account)).collect()
    }

    /// A person with a room that we share, or one that everybody may see him in.
    fn row(&self, account: &Account) -> Member {
        let shown = || self.state.rooms_shown(&self.me, account);
        let shared = shown().find(|room| room.members.contains_key(&self.me));
        member(self.state, account, shared.or_else(|| shown().next()))
    }
}
