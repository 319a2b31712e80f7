//! Who has a certificate to come with, from the authority's index where the server has it: to them one
//! can write before they were ever here.

use std::{collections::BTreeSet, path::PathBuf};

use tracing::warn;

use crate::{
    hub::task::Door,
    ident::Nick,
    pki::index::Index,
    platform::{clock, files::Stamp},
};

/// The index, and what is known of its last reading.
pub(super) struct Issued {
    index: PathBuf,
    stamp: Stamp,
    /// The last second for which the last answer holds: then a certificate runs out.
    until: i64,
}

impl Issued {
    /// The index in this file; it was not read yet.
    pub(super) fn new(index: PathBuf) -> Self {
        Self { stamp: Stamp::of([&index]), index, until: i64::MIN }
    }

    /// Whether it says something else than when it was read.
    pub(super) fn is_stale(&self) -> bool {
        clock::unix_now() > self.until || Stamp::of([&self.index]) != self.stamp
    }

    /// Reads it, and tells the hub. An index that cannot be read changes nothing.
    pub(super) fn read(&mut self, door: &Door) {
        // Before reading: what changes meanwhile is seen as changed.
        self.stamp = Stamp::of([&self.index]);
        self.until = i64::MAX;
        match Index::load(&self.index) {
            Ok(index) => {
                let now = clock::unix_now();
                let live = || index.devices().filter(|entry| index.is_live(entry, now));
                self.until = live().map(|entry| entry.not_after).min().unwrap_or(i64::MAX);
                let people: BTreeSet<Nick> = live().filter_map(|entry| entry.account.clone()).collect();
                door.issued(people);
            }
            Err(error) => warn!(%error, "who has a certificate stays as it was known"),
        }
    }
}
