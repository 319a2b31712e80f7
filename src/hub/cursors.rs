//! Up to where an account has read, for each of its origins.

use crate::protocol::{
    durable::{Origin, Position},
    limits,
};

/// The cursors of an account, in the order of their origins: mostly one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Cursors(Vec<(Origin, Position)>);

impl Cursors {
    pub(super) fn get(&self, origin: &Origin) -> Option<Position> {
        self.place(origin).ok().map(|at| self.0[at].1)
    }

    /// Moves a cursor; never back. In whatever order cursors come to stand where they do, the same of
    /// them are left.
    pub(super) fn set(&mut self, origin: &Origin, at: Position) {
        match self.place(origin) {
            Ok(place) => self.0[place].1 = at.max(self.0[place].1),
            Err(place) => {
                // There are as many accounts as people that were ever here.
                self.0.reserve_exact(1);
                self.0.insert(place, (origin.clone(), at));
            }
        }
        if self.0.len() > limits::CURSORS {
            let last = self.0.iter().enumerate().min_by_key(|(_, (origin, at))| (at, origin)).map(|(last, _)| last);
            last.map(|last| self.0.remove(last));
        }
    }

    fn place(&self, origin: &Origin) -> Result<usize, usize> {
        self.0.binary_search_by(|(other, _)| other.cmp(origin))
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::{collection::vec, prelude::*};

    use super::*;
    use crate::ident::{DeviceId, Fingerprint};

    fn origin(n: u8) -> Origin {
        Origin { device: DeviceId(Fingerprint::new([n; 32])), client: None }
    }

    proptest! {
        /// What a journal gives back need not be in the order in which it was written.
        #[test]
        fn the_last_places_alone_say_which_are_left(moves in vec((0..200u8, 1..500u64), 1..600)) {
            let mut cursors = Cursors::default();
            let mut last = BTreeMap::new();
            // Positions grow, as requests do.
            for (at, (n, step)) in moves.into_iter().enumerate() {
                let at = Position { epoch: 0, sequence: at as u64 * 500 + step };
                cursors.set(&origin(n), at);
                last.insert(origin(n), at);
                prop_assert!(cursors.len() <= limits::CURSORS);
            }
            let mut again = Cursors::default();
            last.iter().for_each(|(origin, at)| again.set(origin, *at));
            prop_assert_eq!(again, cursors);
        }
    }

    #[test]
    fn a_cursor_never_goes_back() {
        let mut cursors = Cursors::default();
        for sequence in [5, 3, 9, 7] {
            cursors.set(&origin(1), Position { epoch: 0, sequence });
        }
        assert_eq!(cursors.get(&origin(1)).map(|at| at.sequence), Some(9));
        assert_eq!(cursors.get(&origin(2)), None);
    }
}
