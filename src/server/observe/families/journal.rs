//! What the journal does, and how long it takes.

use crate::{platform::counters::Counters, server::observe::text::Families};

pub(super) fn tell(families: &mut Families, counters: &Counters) {
    families.histogram(
        "conclave_journal_commit_duration_seconds",
        "Commits to disk that succeeded.",
        &counters.commit_time.spread(),
    );
    families.histogram(
        "conclave_journal_commit_entries",
        "Requests that were committed to disk together.",
        &counters.commit_size.spread(),
    );
    families.counter("conclave_journal_commit_failures_total", "Commits that failed.", counters.commits_failed.get());
    let trouble = counters.journal_trouble.get() as f64;
    families.gauge("conclave_journal_failing", "Whether the journal cannot be written now.", trouble);
    families.histogram(
        "conclave_journal_question_duration_seconds",
        "Questions for what is kept, their waiting included.",
        &counters.question_time.spread(),
    );
    let failed = counters.questions_failed.get();
    families.counter("conclave_journal_question_failures_total", "Questions that could not be answered.", failed);
}
