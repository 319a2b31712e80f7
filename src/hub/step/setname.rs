//! SETNAME (IRCv3 `setname`): another real name, for the account.

use std::sync::Arc;

use super::Turn;
use crate::protocol::{chat::Act, limits, refusal::Refusal};

impl Turn<'_> {
    pub(super) fn set_name(&mut self, realname: &Arc<str>) {
        if realname.trim().is_empty() || realname.len() > limits::REALNAME {
            let what = format!("a real name has 1 to {} octets", limits::REALNAME);
            return self.refuse(Refusal::fail("SETNAME", "INVALID_REALNAME", &[], what));
        }
        let me = self.me.clone();
        let Some(account) = self.state.accounts.get_mut(&me) else { return };
        account.realname = Arc::clone(realname);
        let (source, present, mine) =
            (Arc::clone(&account.source), account.present(), account.sessions.iter().copied().collect());
        self.state.show(&me);
        let act = Act::SetName(Arc::clone(realname));
        match present {
            true => self.tell_about(&me, &source, act),
            // Others do not learn of a session that is not seen.
            false => self.tell(&mine, &source, act),
        }
    }
}
