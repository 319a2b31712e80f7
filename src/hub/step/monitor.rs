//! MONITOR (IRCv3 `monitor`): a session is told when people come and go.
//!
//! The list is the session's, as the specification has it. What is no nick can be nobody's: it is
//! answered as offline, and not kept.

use std::sync::Arc;

use super::{Turn, leave::unwatch};
use crate::{
    hub::account::add,
    ident::Nick,
    protocol::{command::Monitor, limits, reply::Reply},
};

impl Turn<'_> {
    pub(super) fn monitor(&mut self, monitor: &Monitor) {
        match monitor {
            Monitor::Add(names) => self.watch(names),
            Monitor::Remove(names) => {
                names.iter().filter_map(|name| name.parse().ok()).for_each(|nick| self.drop(&nick));
            }
            Monitor::Clear => self.watched().iter().for_each(|(nick, _)| self.drop(nick)),
            Monitor::List => {
                let names = self.watched().into_iter().map(|(_, name)| name).collect();
                self.reply(Reply::WatchList(names));
            }
            Monitor::Status => {
                let names: Vec<Box<str>> = self.watched().into_iter().map(|(_, name)| name).collect();
                self.status(&names);
            }
        }
    }

    fn watch(&mut self, names: &[Box<str>]) {
        let (mut taken, mut refused) = (Vec::new(), Vec::new());
        let from = self.from;
        for name in names {
            if let Ok(nick) = name.parse::<Nick>() {
                let Some(session) = self.my_session() else { return };
                if !session.watches.contains_key(&nick) {
                    if session.watches.len() >= limits::MONITOR {
                        refused.push(name.clone());
                        continue;
                    }
                    session.watches.insert(nick.clone(), name.clone());
                    add(self.state.watchers.entry(nick).or_default(), from);
                }
            }
            taken.push(name.clone());
        }
        self.status(&taken);
        if !refused.is_empty() {
            self.reply(Reply::WatchListFull(limits::MONITOR, refused));
        }
    }

    /// Who of these is here, and who is not.
    fn status(&mut self, names: &[Box<str>]) {
        let (mut online, mut offline) = (Vec::new(), Vec::new());
        for name in names {
            match self.state.account_named(name).filter(|(_, account)| account.present()) {
                Some((_, account)) => online.push(Arc::clone(&account.source)),
                None => offline.push(name.clone()),
            }
        }
        let metadata = self.sync_watched(self.from, &online);
        self.reply(Reply::Watched { online, offline });
        self.replies.extend(metadata);
    }

    fn watched(&mut self) -> Vec<(Nick, Box<str>)> {
        let watches = self.my_session().map(|session| session.watches.clone());
        watches.unwrap_or_default().into_iter().collect()
    }

    fn drop(&mut self, nick: &Nick) {
        let from = self.from;
        if self.my_session().is_some_and(|session| session.watches.remove(nick).is_some()) {
            unwatch(self.state, nick, from);
        }
    }
}
