//! MOTD, LUSERS, VERSION, TIME, INFO, ADMIN: about the server (Modern IRC, section "Server Queries
//! and Commands").

use super::Turn;
use crate::{
    hub::mask::fits,
    protocol::{command::Info, refusal::Refusal, reply::Reply},
};

impl Turn<'_> {
    pub(super) fn info(&mut self, info: Info, of: Option<&str>) {
        if let Some(of) = of.filter(|of| !self.is_this_server(of)) {
            return self.refuse(Refusal::NoSuchServer(of.into()));
        }
        let reply = match info {
            Info::Motd => Reply::Motd,
            Info::Lusers => Reply::Lusers(self.state.counts()),
            Info::Version => Reply::Version,
            Info::Time => Reply::Time(self.at.time_ms),
            Info::Info => Reply::Info,
            Info::Admin => Reply::Admin(self.state.settings.administrators.iter().cloned().collect()),
        };
        self.reply(reply);
    }

    /// Whether a server's name, a mask, or a person on a server can only mean this one.
    pub(super) fn is_this_server(&self, name: &str) -> bool {
        fits(name, &self.state.settings.server.name)
            || self.state.account_named(name).is_some_and(|(_, account)| account.present())
    }
}
