//! The thread that writes: everything that waits in one transaction, and chores between.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    chores::{Chores, Progress},
    queue::{Queue, Work},
    write::Writing,
};
use crate::{journal::Entry, platform::clock};

/// How often it is looked whether there is something to remove.
const ROUND: Duration = Duration::from_secs(60);

/// How soon what is to be gone is removed from the disk too.
const SOON: Duration = Duration::from_secs(1);

/// So many pages in the write-ahead log are moved into the file.
const LOG: u32 = 1_000;

/// Does the work of the queue until it ends.
pub(super) fn run(queue: &Arc<Queue>, mut writing: Writing, mut chores: Chores) {
    /// Whoever waits is told also when this thread ends in an unforeseen way.
    struct Alarm(Arc<Queue>);
    impl Drop for Alarm {
        fn drop(&mut self) {
            if std::thread::panicking() {
                self.0.die();
            }
        }
    }
    let _alarm = Alarm(Arc::clone(queue));
    let mut due = clock::monotonic();
    loop {
        match queue.take(due) {
            Work::Commit(entries) => {
                let committed = commit(queue, &mut writing, &entries);
                if committed.is_some_and(|litter| chores.note(litter)) {
                    due = due.min(clock::monotonic() + SOON);
                }
                if writing.log() > LOG {
                    writing.checkpoint();
                }
            }
            Work::Chores(at) => due = tidy(queue, &mut writing, &mut chores, at, due),
            Work::End => return,
        }
    }
}

fn commit(queue: &Queue, writing: &mut Writing, entries: &[Entry]) -> Option<super::write::Litter> {
    let began = clock::monotonic();
    match writing.commit(entries) {
        Ok(litter) => {
            queue.committed_in(clock::monotonic() - began, entries.len());
            queue.done(Ok(entries.last().map(|entry| entry.position)));
            Some(litter)
        }
        Err(trouble) => {
            queue.done(Err(trouble.into()));
            None
        }
    }
}

/// Does a piece of the chores; tells when the next is due.
fn tidy(queue: &Queue, writing: &mut Writing, chores: &mut Chores, at: Option<u64>, due: Instant) -> Instant {
    match chores.go_on(writing, at) {
        Ok(Progress::More) => return due,
        Ok(Progress::Done) => {}
        Err(trouble) => {
            tracing::warn!(%trouble, "what is too old could not be removed from the journal; it is tried again");
            chores.stop();
        }
    }
    if at.is_some() {
        queue.tidied();
    }
    clock::monotonic() + ROUND
}
