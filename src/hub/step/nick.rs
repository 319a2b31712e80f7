//! NICK (Modern IRC, section "NICK message"): the nick is the certificate's name; only its capitals
//! can be written otherwise, for as long as the account is present.

use std::sync::Arc;

use super::Turn;
use crate::{
    ident::Nick,
    protocol::{
        chat::{Act, Source},
        refusal::Refusal,
    },
};

impl Turn<'_> {
    pub(super) fn nick(&mut self, wish: &str) {
        match wish.parse::<Nick>() {
            Ok(nick) if nick == self.me => self.spell(nick),
            Ok(_) => self.refuse(Refusal::FixedNick(wish.into())),
            Err(_) => self.refuse(Refusal::BadNick(wish.into())),
        }
    }

    fn spell(&mut self, nick: Nick) {
        let me = self.me.clone();
        let Some(account) = self.state.accounts.get_mut(&me) else { return };
        if account.source.nick.as_str() == nick.as_str() {
            return;
        }
        let old = Arc::clone(&account.source);
        account.source = Arc::new(Source { nick: nick.clone(), ..Source::clone(&old) });
        let (present, mine) = (account.present(), account.sessions.iter().copied().collect());
        self.state.show(&me);
        match present {
            true => self.tell_about(&me, &old, Act::Nick(nick)),
            // Others do not learn of a session that is not seen.
            false => self.tell(&mine, &old, Act::Nick(nick)),
        }
    }
}
