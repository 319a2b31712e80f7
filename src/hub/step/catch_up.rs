//! What a session gets of what was said before it came: what its device and program have missed, or,
//! where those are new, the newest of what there was. The shell plays it back.
//!
//! A session that pages by itself (`draft/chathistory`), wants none of it (`conclave.chat/no-replay`)
//! or is not seen (`conclave.chat/unseen`) looks after what it has read itself: it has no cursor.

use super::Turn;
use crate::{
    hub::delivery::{Delivery, Missed, Why},
    protocol::{
        caps::{Cap, Caps, Dialect},
        durable::{Durable, Position},
        past::{Content, Unread},
    },
};

/// How much is played back at most, for one dialect.
struct Bounds {
    /// Of what was missed.
    missed: usize,
    /// To a new device.
    new: usize,
}

/// Programs keep it; they show a person as much as he likes.
const IRC: Bounds = Bounds { missed: 5000, new: 50 };
/// Somebody reads it on his terminal.
const PLAIN: Bounds = Bounds { missed: 200, new: 20 };

/// Whether a session with these capabilities looks after what it has read itself.
pub(super) const fn looks_after_itself(caps: Caps) -> bool {
    caps.has(Cap::Chathistory) || caps.has(Cap::NoReplay) || caps.has(Cap::Unseen)
}

impl Turn<'_> {
    /// A session has come: it is told what it missed, before anything that is said from now on.
    pub(super) fn catch_up(&mut self) {
        if !self.state.settings.keep_messages {
            return;
        }
        let Position { epoch, sequence } = self.at.position;
        let now = Position { epoch, sequence: sequence.saturating_sub(1) };
        let Some(session) = self.my_session().filter(|session| !looks_after_itself(session.caps)) else { return };
        let (origin, dialect, caps) = (session.origin(), session.dialect, session.caps);
        let Some(account) = self.my_account() else { return };
        let rooms = account.rooms.iter().filter_map(|id| Some((*id, self.state.rooms.get(id)?.name.clone())));
        let rooms: Vec<_> = rooms.collect();
        // Who was never here has missed all that waits for him, until he confirms it.
        let first = self.events.iter().any(|event| matches!(event, Durable::AccountSeen(_)));
        let known = account.cursors.get(&origin);
        let cursor = known.or_else(|| first.then(Position::default));
        let bounds = match dialect {
            Dialect::Irc => IRC,
            Dialect::Plain => PLAIN,
        };
        if known.is_none() {
            let at = cursor.unwrap_or(now);
            self.record(Durable::CursorMoved { account: self.me.clone(), origin: origin.clone(), at });
        }
        if let Some(session) = self.my_session() {
            session.fenced = Some(cursor.unwrap_or(now));
        }
        // A person's terminal shows what he said himself; of programs, those that want their echo.
        let echo = dialect == Dialect::Plain || caps.has(Cap::EchoMessage);
        let content = if caps.has(Cap::MessageTags) { Content::Messages } else { Content::Texts };
        let (why, most, after) = match cursor {
            Some(cursor) => (Why::Missed, bounds.missed, cursor),
            None => (Why::New, bounds.new, Position::default()),
        };
        let unread = Unread {
            account: self.me.clone(),
            rooms: rooms.iter().map(|&(id, _)| id).collect(),
            except: Some(origin).filter(|_| !echo),
            content,
            after,
            until: now,
        };
        if after < now {
            let missed = Box::new(Missed { unread, most, why, now_ms: self.at.time_ms, rooms });
            self.after.push(Delivery::Replay { session: self.from, missed });
        }
    }
}
