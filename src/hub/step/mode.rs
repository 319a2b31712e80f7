//! MODE: of rooms and of people.

use super::Turn;
use crate::{
    ident::Nick,
    protocol::{command::Place, modes::List, refusal::Refusal, reply::Reply},
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

    fn room_mode(&mut self, place: &Place, changes: &[Box<str>]) {
        let Some(id) = self.room(place) else { return };
        let Some(room) = self.state.rooms.get(&id) else { return };
        let quoted = || Box::from(room.name.as_str());
        let reply = match changes.first().map(|change| change.trim_start_matches(['+', '-'])) {
            None | Some("") => Reply::RoomModes(room.name.clone(), room.modes_for(&self.me).into(), room.created),
            Some("b") if changes.len() == 1 => {
                Reply::Listed(room.name.clone(), List::Ban, room.modes.listed(List::Ban).to_vec())
            }
            Some(_) if !room.is_operator(&self.me) => Reply::Refused(Refusal::NeedOperator(quoted())),
            Some(other) => Reply::Refused(Refusal::UnknownMode(other.chars().next().unwrap_or('?'))),
        };
        self.reply(reply);
    }
}
