//! SEARCH (`soju.im/search`): messages by their words, in what one may read and nowhere else.
//!
//! What is asked of the journal names the rooms and conversations that are the asker's: others are
//! neither read nor counted. A room that he is not in looks like one that there is not.

use super::Turn;
use crate::{
    hub::delivery::Lookup,
    protocol::{
        command::{Scope, Search},
        past,
        refusal::Refusal,
        words,
    },
};

impl Turn<'_> {
    pub(super) fn search(&mut self, search: &Search) {
        let mut words = search.words.clone();
        let within = match &search.scope {
            Scope::Everything => None,
            Scope::Within(name) => match self.state.readable(&self.me, name) {
                Some(found) => Some(found),
                None => return self.refuse(nothing_to_read()),
            },
            Scope::Perhaps(nick) => {
                let found = self.state.readable(&self.me, nick.as_str());
                if found.is_none() {
                    words.extend(words::wanted(nick.as_str()).into_iter().filter(|word| !search.words.contains(word)));
                }
                found
            }
        };
        let (place, within) = within.map(|found| (found.name, found.conversation)).unzip();
        let (names, rooms) = self.my_rooms();
        let question = past::Search {
            account: self.me.clone(),
            rooms,
            within,
            from: search.from.clone(),
            words,
            between_ms: search.between_ms,
            until: self.at.position,
            // One more tells that there are more.
            most: search.most + 1,
        };
        self.look_up(Lookup::Search { place, names, search: question });
    }
}

fn nothing_to_read() -> Refusal {
    let what = "there is no such room or person, or you may not read it";
    Refusal::fail("SEARCH", "INVALID_PARAMS", &["in"], what)
}
