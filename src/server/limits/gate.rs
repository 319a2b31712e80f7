//! Who may come in: how many connections there may be, how many handshakes at once, and how fast new
//! ones may come; in total and from one address.
//!
//! A connection that is too much is closed at once, before it has cost anything. It cannot wait for its
//! turn: what has not been accepted stands in one queue for all addresses, in which it would keep
//! everybody waiting. Where the places for handshakes are all taken, the oldest handshake that has had
//! time enough makes room: an honest one is through by then.

use std::{
    collections::{BTreeMap, HashMap},
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Notify;

use super::bucket::Bucket;
use crate::server::options::{Flow, Limits};

/// What a connection costs,
const ARRIVAL: u32 = 1;

/// and what is given back when its handshake comes to something: the others cost more.
const EARNEST: u32 = 2;

/// One address may have this part of all handshakes under way.
const PART: usize = 8;

/// A handshake that has lasted so long (nanoseconds) makes room for another. An honest one takes a few
/// round trips.
const TIME_ENOUGH: u64 = 2_000_000_000;

/// So many addresses are remembered before those are forgotten of which there is nothing to remember.
const ROOM: usize = 1024;

/// Counts connections from before their handshake to their end.
#[derive(Debug)]
pub(in crate::server) struct Gate {
    most: usize,
    most_per_address: usize,
    handshakes: usize,
    handshakes_per_address: usize,
    arrivals: Option<Flow>,
    inner: Mutex<Inside>,
}

#[derive(Debug, Default)]
struct Inside {
    all: usize,
    by_address: HashMap<IpAddr, Address>,
    /// How many addresses there may be before it is looked which can be forgotten.
    room: usize,
    /// The handshakes under way, in the order of their beginning.
    handshakes: BTreeMap<u64, Handshake>,
    begun: u64,
}

/// What there is of one address.
#[derive(Debug, Default)]
struct Address {
    connections: usize,
    handshakes: usize,
    arrivals: Bucket,
    lines: Arc<Bucket>,
}

#[derive(Debug)]
struct Handshake {
    address: IpAddr,
    since: u64,
    evict: Arc<Notify>,
}

/// A connection's place; given back when dropped.
#[derive(Debug)]
pub(in crate::server) struct Place {
    gate: Arc<Gate>,
    address: IpAddr,
    /// What may be said from this address.
    pub(super) lines: Arc<Bucket>,
    /// `None` once the handshake is done.
    handshake: Option<(u64, Arc<Notify>)>,
}

/// Why there is no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::server) enum Full {
    /// There are as many connections as there may be.
    Total,
    /// Or of this address.
    Address,
    /// They come too fast from this address.
    Arrivals,
    /// There are as many handshakes as there may be, and all are young.
    Handshakes,
}

impl Full {
    /// The names that metrics use, in the order of the variants.
    pub(in crate::server) const NAMES: [&str; 4] = ["total", "address", "arrivals", "handshakes"];
}

/// The part of an address that belongs to one subscriber: IPv6 hands out whole /64 networks.
fn subscriber(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let network = u128::from(v6) & !u128::from(u64::MAX);
            IpAddr::V6(network.into())
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

impl Gate {
    pub(in crate::server) fn new(limits: &Limits) -> Self {
        Self {
            most: limits.connections,
            most_per_address: limits.per_address,
            handshakes: limits.handshakes,
            handshakes_per_address: limits.handshakes.div_ceil(PART),
            arrivals: limits.arrivals,
            inner: Mutex::new(Inside { room: ROOM, ..Inside::default() }),
        }
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        // Nothing between lock and unlock can leave the counts half-changed.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many connections there are.
    pub(in crate::server) fn taken(&self) -> usize {
        self.inside().all
    }

    /// Takes a place for a connection whose handshake begins now.
    pub(in crate::server) fn enter(self: &Arc<Self>, address: IpAddr, now: u64) -> Result<Place, Full> {
        let address = subscriber(address);
        let mut inside = self.inside();
        inside.forget(now);
        if inside.all >= self.most {
            return Err(Full::Total);
        }
        let of_address = inside.by_address.entry(address).or_default();
        if of_address.connections >= self.most_per_address {
            return Err(Full::Address);
        }
        if let Some(arrivals) = self.arrivals
            && !of_address.arrivals.take_if_there(arrivals, ARRIVAL + EARNEST, now)
        {
            return Err(Full::Arrivals);
        }
        if of_address.handshakes >= self.handshakes_per_address {
            inside.evict(Some(address), now)?;
        } else if inside.handshakes.len() >= self.handshakes {
            inside.evict(None, now)?;
        }
        inside.all += 1;
        inside.begun += 1;
        let (number, evict) = (inside.begun, Arc::<Notify>::default());
        inside.handshakes.insert(number, Handshake { address, since: now, evict: Arc::clone(&evict) });
        let of_address = inside.by_address.entry(address).or_default();
        of_address.connections += 1;
        of_address.handshakes += 1;
        let lines = Arc::clone(&of_address.lines);
        drop(inside);
        Ok(Place { gate: Arc::clone(self), address, lines, handshake: Some((number, evict)) })
    }
}

impl Inside {
    /// Ends the oldest handshake, of this address if one is named, if it has had time enough.
    fn evict(&mut self, of: Option<IpAddr>, now: u64) -> Result<(), Full> {
        let mut handshakes = self.handshakes.iter();
        let oldest = handshakes.find(|(_, handshake)| of.is_none_or(|address| handshake.address == address));
        let Some((&number, _)) = oldest.filter(|(_, handshake)| now.saturating_sub(handshake.since) >= TIME_ENOUGH)
        else {
            return Err(Full::Handshakes);
        };
        if let Some(handshake) = self.end_handshake(number) {
            handshake.evict.notify_one();
        }
        Ok(())
    }

    /// The handshake of this number is not under way any more; `None`: it was not.
    fn end_handshake(&mut self, number: u64) -> Option<Handshake> {
        let ended = self.handshakes.remove(&number)?;
        if let Some(of_address) = self.by_address.get_mut(&ended.address) {
            of_address.handshakes -= 1;
        }
        Some(ended)
    }

    /// Makes room when there are many addresses.
    fn forget(&mut self, now: u64) {
        if self.by_address.len() >= self.room {
            let empty = |of: &Address| of.connections == 0 && of.arrivals.is_full(now) && of.lines.is_full(now);
            self.by_address.retain(|_, of_address| !empty(of_address));
            self.room = ROOM.max(2 * self.by_address.len());
        }
    }
}

impl Place {
    /// The handshake is done: the connection is known.
    pub(in crate::server) fn established(&mut self) {
        let Some((number, _)) = self.handshake.take() else { return };
        let mut inside = self.gate.inside();
        inside.end_handshake(number);
        if let (Some(arrivals), Some(of_address)) = (self.gate.arrivals, inside.by_address.get(&self.address)) {
            of_address.arrivals.give_back(arrivals, EARNEST);
        }
    }

    /// Waits until the handshake, which has taken long, is to make room for another.
    pub(in crate::server) fn evicted(&self) -> impl Future<Output = ()> + use<> {
        let evict = self.handshake.as_ref().map(|(_, evict)| Arc::clone(evict));
        async move {
            match evict {
                Some(evict) => evict.notified().await,
                None => std::future::pending().await,
            }
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut inside = self.gate.inside();
        inside.all -= 1;
        if let Some((number, _)) = self.handshake.take() {
            inside.end_handshake(number);
        }
        if let Some(of_address) = inside.by_address.get_mut(&self.address) {
            of_address.connections -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn gate(change: impl FnOnce(&mut Limits)) -> Arc<Gate> {
        let mut limits = Limits::default();
        change(&mut limits);
        Arc::new(Gate::new(&limits))
    }

    fn at(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn places_are_counted_and_given_back() {
        let gate = gate(|limits| (limits.connections, limits.per_address) = (3, 2));
        let enter = |address| gate.enter(at(address), 0);
        let a = enter("10.0.0.1").unwrap();
        let _b = enter("::ffff:10.0.0.1").unwrap();
        assert_eq!(enter("10.0.0.1").unwrap_err(), Full::Address);
        let _c = enter("2001:db8::1").unwrap();
        assert_eq!(enter("2001:db8::2").unwrap_err(), Full::Total);
        drop(a);
        let _d = enter("2001:db8::2").unwrap();
        assert_eq!(gate.inside().by_address[&at("2001:db8::")].connections, 2, "one subscriber");
    }

    #[test]
    fn addresses_of_which_there_is_nothing_are_forgotten() {
        let gate = gate(|_| {});
        let here = gate.enter(at("10.0.0.1"), 0).unwrap();
        for n in 0..20_000_u32 {
            let now = u64::from(n) * SECOND / 1000;
            drop(gate.enter(IpAddr::from((n + 1).to_be_bytes()), now).unwrap());
        }
        assert!(gate.inside().by_address.len() <= 2 * ROOM);
        assert!(gate.inside().by_address.contains_key(&at("10.0.0.1")));
        drop(here);
        let inside = gate.inside();
        assert_eq!((inside.all, inside.handshakes.len()), (0, 0));
    }

    #[test]
    fn many_come_at_once_and_not_for_ever() {
        let flow = Flow { per_second: 10, burst: 100 };
        let gate = gate(|limits| limits.arrivals = Some(flow));
        let come = |now| {
            let mut place = gate.enter(at("10.0.0.1"), now)?;
            place.established();
            Ok::<_, Full>(place)
        };
        let crowd: Vec<Place> = (0..98).map(|_| come(0).unwrap()).collect();
        assert_eq!(come(0).unwrap_err(), Full::Arrivals);
        assert!(gate.enter(at("10.0.0.2"), 0).is_ok(), "others are not concerned");
        assert!(come(SECOND / 10).is_ok());
        assert_eq!(come(SECOND / 10).unwrap_err(), Full::Arrivals);
        // To go gives nothing back.
        drop(crowd);
        assert_eq!(come(SECOND / 10).unwrap_err(), Full::Arrivals);
    }

    #[test]
    fn handshakes_that_come_to_nothing_cost_more() {
        let flow = Flow { per_second: 10, burst: 100 };
        let gate = gate(|limits| limits.arrivals = Some(flow));
        let failed = (0..).take_while(|_| gate.enter(at("10.0.0.1"), 0).is_ok()).count();
        assert_eq!(failed, 33);
    }

    #[test]
    fn the_oldest_handshake_makes_room() {
        let gate = gate(|limits| limits.handshakes = 16);
        let enter = |address: &str, now| gate.enter(at(address), now);
        let slow: Vec<Place> = (0..2).map(|_| enter("10.0.0.1", 0).unwrap()).collect();
        assert_eq!(enter("10.0.0.1", SECOND).unwrap_err(), Full::Handshakes, "of this address, and they are young");
        let _other = enter("10.0.0.2", SECOND).unwrap();
        let third = enter("10.0.0.1", 2 * SECOND).unwrap();
        let is_evicted = |place: &Place| {
            let mut evicted = std::pin::pin!(place.evicted());
            evicted.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop())).is_ready()
        };
        assert!(is_evicted(&slow[0]) && !is_evicted(&slow[1]) && !is_evicted(&third));
        drop(slow);
        assert_eq!(gate.inside().handshakes.len(), 2);
        // All places of all addresses.
        let crowd: Vec<Place> = (3..17).map(|n| enter(&format!("10.0.0.{n}"), 3 * SECOND).unwrap()).collect();
        assert_eq!(enter("10.0.0.99", 2 * SECOND).unwrap_err(), Full::Handshakes);
        let _late = enter("10.0.0.99", 3 * SECOND).unwrap();
        assert!(is_evicted(&_other));
        // Who is through takes none.
        for mut place in crowd {
            place.established();
            std::mem::forget(place);
        }
        assert_eq!(gate.inside().handshakes.len(), 2);
    }
}
