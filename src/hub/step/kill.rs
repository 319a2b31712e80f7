//! KILL (Modern IRC, section "KILL message"): ends all sessions of a person; he stays a member of
//! his rooms, and may come back.

use std::sync::Arc;

use super::{Turn, leave::Linger};
use crate::{
    hub::delivery::Delivery,
    protocol::{
        chat::{Act, Event},
        limits::{self, cut},
        refusal::Refusal,
        reply::Reply,
    },
};

impl Turn<'_> {
    pub(super) fn kill(&mut self, name: &str, reason: &str) {
        let found =
            self.state.account_named(name).filter(|(_, account)| account.present() || !account.sessions.is_empty());
        let (Some((nick, account)), Some(mine)) = (found, self.my_account()) else {
            return self.refuse(Refusal::NoSuchNick(name.into()));
        };
        let (nick, mut sessions) = (nick.clone(), account.sessions.to_vec());
        // Those that are not seen or away first: so nothing happens before the last is gone.
        sessions
            .sort_by_key(|id| self.state.sessions.get(id).map(|session| (!session.unseen(), session.away.is_none())));
        let (killer, victim) = (Arc::clone(&mine.source), Arc::clone(&account.source));
        let reason = cut(reason, limits::REASON);
        let killed: Arc<str> = format!("Killed ({} ({reason}))", self.me).into();
        let kill = Act::Kill { who: nick.clone(), reason: reason.into() };
        let farewell = [(killer, kill), (victim, Act::Quit(Arc::clone(&killed)))].map(|(source, act)| {
            Reply::Event(Arc::new(Event { id: self.id(), time_ms: self.at.time_ms, source, act }))
        });
        let bye = format!("Closing Link: {} ({killed})", self.state.settings.server.name);
        for session in sessions {
            let replies = farewell.iter().cloned().chain([Reply::Bye(bye.as_str().into())]);
            if session == self.from {
                self.replies.extend(replies);
                self.after.push(Delivery::Close(session));
            } else {
                self.deliveries.push(Delivery::Replies { session, label: None, replies: replies.collect() });
                self.deliveries.push(Delivery::Close(session));
            }
            self.detach(session, &killed, Linger::No);
        }
        self.linger_no_more(&nick, &killed);
    }
}
