//! How many connections there may be, in total and from one address.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

/// Counts connections from before their handshake to their end.
#[derive(Debug)]
pub(super) struct Gate {
    most: usize,
    most_per_address: usize,
    inner: Mutex<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    all: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// A connection's place; given back when dropped.
#[derive(Debug)]
pub(super) struct Place {
    gate: Arc<Gate>,
    address: IpAddr,
}

/// Why there is no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Full {
    Total,
    Address,
}

impl Full {
    /// The names that metrics use, in the order of the variants.
    pub(super) const NAMES: [&str; 2] = ["total", "address"];
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
    pub(super) fn new(most: usize, most_per_address: usize) -> Self {
        Self { most, most_per_address, inner: Mutex::default() }
    }

    fn counts(&self) -> std::sync::MutexGuard<'_, Counts> {
        // Nothing between lock and unlock can leave the counts half-changed.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many connections there are.
    pub(super) fn taken(&self) -> usize {
        self.counts().all
    }

    pub(super) fn enter(self: &Arc<Self>, address: IpAddr) -> Result<Place, Full> {
        let address = subscriber(address);
        let mut counts = self.counts();
        if counts.all >= self.most {
            return Err(Full::Total);
        }
        let of_address = counts.by_address.entry(address).or_default();
        if *of_address >= self.most_per_address {
            return Err(Full::Address);
        }
        *of_address += 1;
        counts.all += 1;
        Ok(Place { gate: Arc::clone(self), address })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.gate.counts();
        counts.all -= 1;
        if let Some(of_address) = counts.by_address.get_mut(&self.address) {
            *of_address -= 1;
            if *of_address == 0 {
                counts.by_address.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_and_given_back() {
        let gate = Arc::new(Gate::new(3, 2));
        let at = |text: &str| text.parse::<IpAddr>().unwrap();
        let a = gate.enter(at("10.0.0.1")).unwrap();
        let _b = gate.enter(at("::ffff:10.0.0.1")).unwrap();
        assert_eq!(gate.enter(at("10.0.0.1")).unwrap_err(), Full::Address);
        let _c = gate.enter(at("2001:db8::1")).unwrap();
        assert_eq!(gate.enter(at("2001:db8::2")).unwrap_err(), Full::Total);
        drop(a);
        let _d = gate.enter(at("2001:db8::2")).unwrap();
        assert_eq!(gate.counts().by_address[&at("2001:db8::")], 2, "one subscriber");
        drop((_b, _c, _d));
        assert!(gate.counts().by_address.is_empty());
    }
}
