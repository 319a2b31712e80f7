//! WHO: who is here, in a room or by name.

use super::{Turn, names::member, present_members};
use crate::{
    hub::mask::fits,
    protocol::{
        command::Who,
        reply::{Member, Reply},
    },
};

impl Turn<'_> {
    pub(super) fn who(&mut self, who: &Who) {
        let mask = who.mask.as_deref();
        let state = &*self.state;
        let everybody = matches!(mask, None | Some("*" | "0"));
        let people: Vec<Member> = match mask {
            Some(name) if name.starts_with('#') => state
                .room_named(name)
                .filter(|(_, room)| room.visible_to(&self.me))
                .map(|(_, room)| present_members(state, room).map(|(_, a)| member(state, a, Some(room))).collect())
                .unwrap_or_default(),
            mask => state
                .accounts
                .iter()
                .filter(|(nick, account)| {
                    account.present() && (everybody || mask.is_some_and(|mask| fits(mask, nick.as_str())))
                })
                .map(|(_, account)| {
                    let shared = account.rooms.iter().filter_map(|id| state.rooms.get(id));
                    member(state, account, shared.into_iter().find(|room| room.visible_to(&self.me)))
                })
                .collect(),
        };
        self.reply(Reply::Who(mask.unwrap_or("*").into(), who.whox.clone(), people));
    }
}
