//! What a session may still say: paid for line by line out of a small share of its own, which it draws
//! from the buckets of its account and its address.
//!
//! An ordinary line costs the session one subtraction; only when its share is used up does it go to the
//! buckets. When those are empty it waits: it is not read until what it has said is paid.

use std::{
    collections::HashMap,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use tokio::time::Sleep;

use super::{Place, bucket::Bucket};
use crate::{ident::Nick, server::options::Flow};

/// How much a session draws at a time.
const SHARE: u32 = 16;

/// How much more than one account all accounts of one address may say.
const ADDRESS: u32 = 16;

/// Whoever leaves so much unread while he is slowed does not wait for what comes back: a program that
/// does has less on its way (`conclave send` has 64 lines).
const FLOOD: usize = 48 << 10;

/// So many accounts are remembered before those are forgotten that have taken nothing.
const ROOM: usize = 1024;

/// The buckets of all accounts.
#[derive(Debug)]
pub(in crate::server) struct Purses {
    flow: Option<Flow>,
    exempt: Vec<Nick>,
    accounts: Mutex<Accounts>,
}

#[derive(Debug)]
struct Accounts {
    buckets: HashMap<Nick, Arc<Bucket>>,
    /// How many there may be before it is looked who can be forgotten.
    room: usize,
}

/// What one session has left.
#[derive(Debug, Default)]
pub(in crate::server) struct Allowance {
    left: i32,
    /// `None`: it may say what it likes.
    purse: Option<Purse>,
    slow: Option<Box<Slow>>,
}

/// Where it draws from.
#[derive(Debug)]
struct Purse {
    flow: Flow,
    account: Arc<Bucket>,
    address: Arc<Bucket>,
}

/// A session that says too much, until it has said less for a while.
#[derive(Debug)]
struct Slow {
    told: bool,
    /// Since when it leaves more unread than anybody who waits for answers.
    flooding_since: u64,
    wait: Option<Pin<Box<Sleep>>>,
}

/// What a line leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::server) enum Pace {
    /// The next line.
    Go,
    /// Nothing is read for so many nanoseconds.
    Wait(u64),
}

impl Purses {
    /// `exempt`: whoever administers the server is not slowed.
    pub(in crate::server) fn new(flow: Option<Flow>, exempt: Vec<Nick>) -> Self {
        Self { flow, exempt, accounts: Mutex::new(Accounts { buckets: HashMap::new(), room: ROOM }) }
    }

    /// What a session of this account may say that has this place.
    pub(in crate::server) fn allowance(&self, account: &Nick, place: &Place, now: u64) -> Allowance {
        self.from(account, &place.lines, now)
    }

    fn from(&self, account: &Nick, address: &Arc<Bucket>, now: u64) -> Allowance {
        let Some(flow) = self.flow.filter(|_| !self.exempt.contains(account)) else { return Allowance::default() };
        // Nothing between lock and unlock can leave the table half-changed.
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        let bucket = accounts.of(account, now);
        Allowance { left: 0, purse: Some(Purse { flow, account: bucket, address: Arc::clone(address) }), slow: None }
    }
}

impl Accounts {
    fn of(&mut self, account: &Nick, now: u64) -> Arc<Bucket> {
        if let Some(bucket) = self.buckets.get(account) {
            return Arc::clone(bucket);
        }
        if self.buckets.len() >= self.room {
            self.buckets.retain(|_, bucket| Arc::strong_count(bucket) > 1 || !bucket.is_full(now));
            self.room = ROOM.max(2 * self.buckets.len());
        }
        Arc::clone(self.buckets.entry(account.clone()).or_default())
    }
}

impl Purse {
    fn take_if_there(&self, tokens: u32, now: u64) -> bool {
        let taken = self.account.take_if_there(self.flow, tokens, now);
        let both = taken && self.address.take_if_there(self.flow.times(ADDRESS), tokens, now);
        if taken && !both {
            self.account.give_back(self.flow, tokens);
        }
        both
    }

    fn take(&self, tokens: u32, now: u64) -> u64 {
        self.account.take(self.flow, tokens, now).max(self.address.take(self.flow.times(ADDRESS), tokens, now))
    }

    fn has_recovered(&self, now: u64) -> bool {
        self.account.has_recovered(self.flow, now) && self.address.has_recovered(self.flow.times(ADDRESS), now)
    }
}

impl Allowance {
    /// Pays for what was said.
    pub(in crate::server) fn pay(&mut self, cost: u32, now: impl FnOnce() -> u64) -> Pace {
        let Some(purse) = &self.purse else { return Pace::Go };
        self.left = self.left.saturating_sub_unsigned(cost);
        if self.left >= 0 {
            return Pace::Go;
        }
        let (owed, now) = (self.left.unsigned_abs(), now());
        self.left = 0;
        if purse.take_if_there(owed.saturating_add(SHARE), now) {
            self.left = SHARE.cast_signed();
            if self.slow.is_some() && purse.has_recovered(now) {
                self.slow = None;
            }
            return Pace::Go;
        }
        match purse.take(owed, now) {
            0 => Pace::Go,
            wait => {
                self.slow.get_or_insert_with(|| Box::new(Slow { told: false, flooding_since: now, wait: None }));
                Pace::Wait(wait)
            }
        }
    }

    /// Reads nothing for so long. Whoever polls is woken after that.
    pub(in crate::server) fn wait(&mut self, nanos: u64, cx: &mut Context<'_>) {
        if let Some(slow) = &mut self.slow {
            slow.wait = Some(Box::pin(tokio::time::sleep(Duration::from_nanos(nanos))));
            let _ = self.poll_paid(cx);
        }
    }

    /// Ready when what was said is paid.
    pub(in crate::server) fn poll_paid(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(slow) = &mut self.slow else { return Poll::Ready(()) };
        let Some(wait) = &mut slow.wait else { return Poll::Ready(()) };
        let paid = wait.as_mut().poll(cx);
        if paid.is_ready() {
            slow.wait = None;
        }
        paid
    }

    /// Whether it waits.
    pub(in crate::server) fn is_waiting(&self) -> bool {
        self.slow.as_ref().is_some_and(|slow| slow.wait.is_some())
    }

    /// Whether it is slowed, or was until now.
    pub(in crate::server) const fn is_slowed(&self) -> bool {
        self.slow.is_some()
    }

    /// Whether its sender is to be told that he is slowed: once, until he has been slower for a while.
    pub(in crate::server) fn is_to_be_told(&self) -> bool {
        self.slow.as_ref().is_some_and(|slow| !slow.told)
    }

    /// He was told.
    pub(in crate::server) fn told(&mut self) {
        if let Some(slow) = &mut self.slow {
            slow.told = true;
        }
    }

    /// Whether a session that leaves so much unread has been flooding all the time for so long.
    pub(in crate::server) fn persists(&mut self, unread: usize, patience: Duration, now: u64) -> bool {
        let Some(slow) = &mut self.slow else { return false };
        if unread < FLOOD {
            slow.flooding_since = now;
        }
        u128::from(now.saturating_sub(slow.flooding_since)) >= patience.as_nanos() && unread >= FLOOD
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;
    const FLOW: Flow = Flow { per_second: 10, burst: 100 };

    fn purses() -> Purses {
        Purses::new(Some(FLOW), vec!["root".parse().unwrap()])
    }

    /// How many lines go at once.
    fn burst(allowance: &mut Allowance, now: u64) -> u32 {
        (0..).take_while(|_| allowance.pay(1, || now) == Pace::Go).count() as u32
    }

    #[test]
    fn a_burst_goes_and_then_line_by_line() {
        let (purses, here) = (purses(), Arc::default());
        let mut alice = purses.from(&"alice".parse().unwrap(), &here, 0);
        assert_eq!(burst(&mut alice, 0), 100);
        assert!(alice.is_to_be_told());
        alice.told();
        for line in 1..=30 {
            let now = line * SECOND / 10;
            assert_eq!(alice.pay(1, || now), Pace::Wait(SECOND / 10), "the line before is paid now, this one then");
            assert!(!alice.is_to_be_told(), "once");
        }
        // A pause of a little while ends nothing, one of half the bucket does.
        assert_eq!(alice.pay(1, || 7 * SECOND), Pace::Go);
        assert!(alice.is_slowed());
        assert_eq!(burst(&mut alice, 30 * SECOND), 16 + 100, "with what it had drawn before");
        assert!(alice.is_to_be_told(), "it began anew");
    }

    #[test]
    fn what_costs_more_than_there_is_goes_once_and_is_paid_after() {
        let (purses, here) = (purses(), Arc::default());
        let mut alice = purses.from(&"alice".parse().unwrap(), &here, 0);
        assert_eq!(alice.pay(150, || 0), Pace::Wait(5 * SECOND));
        assert_eq!(alice.pay(0, || unreachable!("nothing is owed")), Pace::Go);
        assert_eq!(alice.pay(u32::MAX, || 0), Pace::Wait(30 * SECOND), "not for ever");
    }

    #[test]
    fn the_sessions_of_an_account_share_and_others_do_not() {
        let (purses, here) = (purses(), Arc::default());
        let of = |name: &str| purses.from(&name.parse().unwrap(), &here, 0);
        let (mut one, mut two, mut bob) = (of("alice"), of("Alice"), of("bob"));
        assert_eq!(burst(&mut one, 0), 100);
        assert_eq!(burst(&mut two, 0), 0);
        assert_eq!(burst(&mut bob, 0), 100);
        // Nor does coming again help.
        drop((one, two));
        assert_eq!(burst(&mut of("alice"), 0), 0);
    }

    #[test]
    fn an_address_has_more_than_an_account_but_not_everything() {
        let (purses, here) = (purses(), Arc::default());
        let said: u32 =
            (0..20).map(|n| burst(&mut purses.from(&format!("user{n}").parse().unwrap(), &here, 0), 0)).sum();
        // What they are told to wait for is taken too.
        assert!((15 * 100..=16 * 100).contains(&said), "{said}");
        let there = Arc::default();
        assert_eq!(burst(&mut purses.from(&"carol".parse().unwrap(), &there, 0), 0), 100);
    }

    #[test]
    fn administrators_and_who_has_no_limits_pay_nothing() {
        let here = Arc::default();
        let root = "Root".parse().unwrap();
        for purses in [purses(), Purses::new(None, Vec::new())] {
            let mut root = purses.from(&root, &here, 0);
            assert_eq!(root.pay(u32::MAX, || unreachable!("no time is asked")), Pace::Go);
        }
    }

    #[test]
    fn who_has_taken_nothing_is_forgotten() {
        let (purses, here) = (purses(), Arc::default());
        let come = |n: usize, now| purses.from(&format!("user{n}").parse().unwrap(), &here, now);
        let connected = come(0, 0);
        let mut flooded = come(1, 0);
        flooded.pay(90, || 0);
        drop(flooded);
        for n in 2..10 * ROOM {
            come(n, SECOND);
            assert!(purses.accounts.lock().unwrap().buckets.len() <= ROOM);
        }
        assert_eq!(burst(&mut come(1, SECOND), SECOND), 20, "who left a debt finds it again");
        drop(connected);
    }

    #[test]
    fn only_who_floods_all_the_time_persists() {
        let (purses, here) = (purses(), Arc::default());
        let mut alice = purses.from(&"alice".parse().unwrap(), &here, 0);
        let minute = Duration::from_secs(60);
        assert!(!alice.persists(FLOOD, minute, 0), "it is not slowed");
        burst(&mut alice, 0);
        assert!(!alice.persists(FLOOD, minute, 59 * SECOND));
        assert!(alice.persists(FLOOD, minute, 60 * SECOND));
        assert!(!alice.persists(FLOOD - 1, minute, 61 * SECOND), "it waits for what comes back");
        assert!(!alice.persists(FLOOD, minute, 120 * SECOND));
        assert!(alice.persists(FLOOD, minute, 121 * SECOND));
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_is_woken_when_it_is_paid() {
        let (purses, here) = (purses(), Arc::default());
        let mut alice = purses.from(&"alice".parse().unwrap(), &here, 0);
        assert!(matches!(alice.pay(120, || 0), Pace::Wait(wait) if wait == 2 * SECOND));
        let start = tokio::time::Instant::now();
        std::future::poll_fn(|cx| {
            if !alice.is_waiting() && start.elapsed().is_zero() {
                alice.wait(2 * SECOND, cx);
            }
            alice.poll_paid(cx)
        })
        .await;
        assert!(start.elapsed() >= Duration::from_secs(2) && !alice.is_waiting());
    }
}
