//! Watches over the sessions: who takes nothing, who says nothing, and everybody at the end.

use std::{sync::Arc, task::Waker, time::Duration};

use super::{Hub, tally::Look};
use crate::{
    hub::outbox::Cut,
    platform::clock,
    protocol::{caps::Dialect, render, reply::Reply},
};

/// How long the hub watches over its sessions.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// A session whose peer takes nothing for so long is cut.
    pub stall: Duration,
    /// A silent IRC session is asked whether it is alive, and cut after twice as long.
    pub ping_s: u32,
}

impl Default for Patience {
    fn default() -> Self {
        Self { stall: Duration::from_secs(30), ping_s: 120 }
    }
}

impl Hub {
    /// Once a second: who takes nothing is cut, who is silent is asked.
    pub(in crate::hub) fn watch(&mut self, now_s: u32) {
        let now = clock::monotonic();
        self.now_s = now_s;
        self.forget_rooms();
        self.say_all();
        self.watch_reading();
        let mut look = Look::default();
        for member in self.members.iter_mut().flatten() {
            look.at(member);
            if member.outbox.stalled(now) >= self.patience.stall {
                self.wakers.extend(member.outbox.cut(Cut::Stalled));
                continue;
            }
            let silent = member.outbox.silent_for(now_s);
            if member.shape.dialect == Dialect::Plain || silent < self.patience.ping_s {
                member.pinged = false;
            } else if silent >= 2 * self.patience.ping_s {
                self.wakers.extend(member.outbox.cut(Cut::Silent(silent)));
            } else if !member.pinged {
                member.pinged = true;
                let ping = [Reply::Ping(Arc::clone(&self.server.name))];
                self.wakers.extend(member.tell(&self.server, &ping));
            }
        }
        self.report(&look);
        self.bound_total(look.total);
    }

    /// The server ends: everybody is told, and goes when he has got it.
    pub(super) fn farewell(mut self) {
        self.say_all();
        for member in self.members.iter().flatten() {
            let bye = [Reply::Bye("The server is shutting down".into())];
            let octets = render::replies(&self.server, &member.nick, member.shape, None, &bye);
            self.wakers.extend(member.outbox.push(octets));
            self.wakers.extend(member.outbox.close());
        }
        self.door.inbox.close();
        self.wakers.drain(..).for_each(Waker::wake);
    }
}
