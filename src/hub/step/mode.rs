//! MODE: of people; that of rooms is in `room_mode`.

use super::Turn;
use crate::{
    ident::Nick,
    protocol::{command::Place, refusal::Refusal, reply::Reply},
};

impl Turn<'_> {
    pub(super) fn mode(&mut self, target: &Place, changes: &[Box<str>]) {
        match target {
            Place::Named(name) if !name.starts_with('#') => self.user_mode(name, changes),
            place => self.room_mode(place, changes),
        }
    }

    fn user_mode(&mut self, target: &str, changes: &[Box<str>]) {
        match target.parse::<Nick>() {
            Ok(nick) if nick == self.me && changes.is_empty() => {
                let modes = self.my_account().map(|account| account.modes).unwrap_or_default();
                self.reply(Reply::UserModes(modes.shown().into()));
            }
            Ok(nick) if nick == self.me => self.refuse(Refusal::UnknownUserMode),
            Ok(nick) if self.state.accounts.contains_key(&nick) => self.refuse(Refusal::NotYourModes),
            _ => self.refuse(Refusal::NoSuchNick(target.into())),
        }
    }
}
