//! MOTD, LUSERS, VERSION, TIME, INFO, ADMIN: about the server.

use super::Turn;
use crate::protocol::{command::Info, reply::Reply};

impl Turn<'_> {
    pub(super) fn info(&mut self, info: Info) {
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
}
