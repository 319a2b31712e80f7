//! WHOWAS (Modern IRC, section "WHOWAS message"): who was here under this name.

use super::Turn;
use crate::{
    ident::Nick,
    protocol::reply::{Reply, Was},
};

impl Turn<'_> {
    pub(super) fn whowas(&mut self, name: &str, most: usize) {
        let were = |nick: Nick| self.state.were.iter().rev().filter(move |was| was.source.nick == nick);
        let people: Vec<Was> = name.parse().ok().into_iter().flat_map(were).take(most).cloned().collect();
        self.reply(Reply::Whowas(name.into(), people));
    }
}
