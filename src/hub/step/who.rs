//! WHO: who is here, in a room or by name.

use super::{Turn, names::member, present_members};
use crate::protocol::{
    command::Who,
    reply::{Member, Reply},
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

/// Whether a name fits a mask in which `*` stands for anything and `?` for one character; without
/// case. Takes time in proportion to the product of their lengths at most.
fn fits(mask: &str, name: &str) -> bool {
    let (mask, name) = (mask.as_bytes(), name.as_bytes());
    let (mut m, mut n) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while n < name.len() {
        match mask.get(m) {
            Some(b'*') => {
                retry = Some((m + 1, n));
                m += 1;
            }
            Some(&b) if b == b'?' || b.eq_ignore_ascii_case(&name[n]) => {
                m += 1;
                n += 1;
            }
            _ => match retry {
                Some((after_star, from)) => {
                    retry = Some((after_star, from + 1));
                    (m, n) = (after_star, from + 1);
                }
                None => return false,
            },
        }
    }
    mask[m..].iter().all(|&b| b == b'*')
}

#[cfg(test)]
mod tests {
    #[test]
    fn masks() {
        for (mask, name, expect) in [
            ("alice", "Alice", true),
            ("al*", "alice", true),
            ("*ice", "alice", true),
            ("a*i*e", "alice", true),
            ("a?ice", "alice", true),
            ("*", "x", true),
            ("a*b", "alice", false),
            ("", "alice", false),
            ("alice?", "alice", false),
        ] {
            assert_eq!(super::fits(mask, name), expect, "{mask} {name}");
        }
    }
}
