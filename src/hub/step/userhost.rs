//! USERHOST and ISON (Modern IRC, section "USERHOST message"; RFC 2812, section 4.9): which of
//! these people are here.

use super::{Turn, names::member};
use crate::{
    hub::account::Account,
    ident::Nick,
    protocol::reply::{Member, Reply},
};

impl Turn<'_> {
    pub(super) fn userhost(&mut self, names: &[Box<str>]) {
        let people: Vec<Member> = self.here(names).map(|(_, account)| member(self.state, account, None)).collect();
        self.reply(Reply::Userhost(people));
    }

    pub(super) fn ison(&mut self, names: &[Box<str>]) {
        let people = self.here(names).map(|(nick, _)| nick.clone()).collect();
        self.reply(Reply::Ison(people));
    }

    /// Those who are here, in the order in which they were asked for.
    fn here<'t>(&'t self, names: &'t [Box<str>]) -> impl Iterator<Item = (&'t Nick, &'t Account)> {
        let known = names.iter().filter_map(|name| self.state.account_named(name));
        known.filter(|(_, account)| account.present())
    }
}
