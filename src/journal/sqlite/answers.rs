//! The connection that answers questions.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use rusqlite::Connection;

use super::{
    file, newest, page, search,
    trouble::{Outcome, Trouble},
    unread,
};
use crate::{
    platform::clock,
    protocol::past::{Answer, Question},
};

/// How long a search may take.
const SEARCH: Duration = Duration::from_secs(2);

/// After how many steps of SQLite's it is looked at the clock.
const STEPS: i32 = 10_000;

/// How much of the file the reader keeps in memory, KiB.
const CACHE: u32 = 8_000;

pub(super) struct Answers {
    file: PathBuf,
    /// `None` after a failure, until it is opened again.
    conn: Option<Connection>,
    /// Until when the question may take.
    deadline: Arc<Mutex<Option<Instant>>>,
}

impl Answers {
    pub(super) fn new(file: &Path) -> Outcome<Self> {
        let mut answers = Self { file: file.into(), conn: None, deadline: Arc::default() };
        answers.open()?;
        Ok(answers)
    }

    fn open(&mut self) -> Outcome<()> {
        let mut conn = file::reader(&self.file, CACHE)?;
        let deadline = Arc::clone(&self.deadline);
        let late = move || {
            let deadline = *deadline.lock().unwrap_or_else(PoisonError::into_inner);
            deadline.is_some_and(|deadline| clock::monotonic() >= deadline)
        };
        conn.progress_handler(STEPS, Some(late))?;
        self.conn = Some(conn);
        Ok(())
    }

    fn allow(&self, time: Option<Duration>) {
        let deadline = time.map(|time| clock::monotonic() + time);
        *self.deadline.lock().unwrap_or_else(PoisonError::into_inner) = deadline;
    }

    /// Answers a question, with what is committed at one moment.
    pub(super) fn to(&mut self, question: &Question) -> Outcome<Answer> {
        self.allow(matches!(question, Question::Search(_)).then_some(SEARCH));
        let answer = self.attempt(question);
        if let Err(trouble) = &answer
            && trouble.code() != Some(rusqlite::ErrorCode::OperationInterrupted)
        {
            self.conn = None;
        }
        answer
    }

    fn attempt(&mut self, question: &Question) -> Outcome<Answer> {
        if self.conn.is_none() {
            self.open()?;
        }
        let conn = self.conn.as_ref().ok_or(Trouble::Damaged("it is closed"))?;
        let snapshot = conn.unchecked_transaction()?;
        Ok(match question {
            Question::Page(page) => Answer::Page(page::page(&snapshot, page)?),
            Question::Newest(newest) => Answer::Newest(newest::newest(&snapshot, newest)?),
            Question::Survey(unread, most) => Answer::Survey(unread::survey(&snapshot, unread, *most)?),
            Question::Unread(unread, most) => Answer::Unread(unread::page(&snapshot, unread, *most)?),
            Question::Search(search) => Answer::Search(search::search(&snapshot, search)?),
        })
    }
}
