//! MODE: of rooms in `room_mode`, of people in `user_mode`.

use super::Turn;
use crate::protocol::command::Place;

impl Turn<'_> {
    pub(super) fn mode(&mut self, target: &Place, changes: &[Box<str>]) {
        match target {
            Place::Named(name) if !name.starts_with('#') => self.user_mode(name, changes),
            place => self.room_mode(place, changes),
        }
    }
}
