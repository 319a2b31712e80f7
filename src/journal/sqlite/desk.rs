//! Questions on their way to the thread that reads, and the answers on their way back.

use std::{
    collections::VecDeque,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use super::answers::Answers;
use crate::{
    journal::{ReadError, Ticket},
    protocol::past::{Answer, Question},
};

const DEAD: &str = "its thread ended; start the server again";

/// Shared by the hub, who never waits here, and the thread, who does.
#[derive(Default)]
pub(super) struct Desk {
    inner: Mutex<Inner>,
    work: Condvar,
}

#[derive(Default)]
struct Inner {
    questions: VecDeque<(Ticket, Question)>,
    answers: VecDeque<(Ticket, Result<Answer, ReadError>)>,
    waker: Option<Waker>,
    ending: bool,
    /// The question that the thread is at.
    open: Option<Ticket>,
    dead: bool,
}

impl Desk {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn ask(&self, ticket: Ticket, question: Question) {
        let mut inner = self.inner();
        if inner.dead {
            inner.answers.push_back((ticket, Err(ReadError(DEAD.into()))));
            let waker = inner.waker.take();
            drop(inner);
            waker.into_iter().for_each(Waker::wake);
            return;
        }
        inner.questions.push_back((ticket, question));
        self.work.notify_one();
    }

    pub(super) fn poll_answer(&self, cx: &mut Context<'_>) -> Poll<(Ticket, Result<Answer, ReadError>)> {
        let mut inner = self.inner();
        match inner.answers.pop_front() {
            Some(answer) => Poll::Ready(answer),
            None => {
                inner.waker = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }

    pub(super) fn end(&self) {
        self.inner().ending = true;
        self.work.notify_one();
    }

    fn next(&self) -> Option<Question> {
        let mut inner = self.inner();
        loop {
            if inner.ending {
                return None;
            }
            if let Some((ticket, question)) = inner.questions.pop_front() {
                inner.open = Some(ticket);
                return Some(question);
            }
            inner = self.work.wait(inner).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn answer(&self, answer: Result<Answer, ReadError>) {
        let mut inner = self.inner();
        if let Some(ticket) = inner.open.take() {
            inner.answers.push_back((ticket, answer));
        }
        let waker = inner.waker.take();
        drop(inner);
        waker.into_iter().for_each(Waker::wake);
    }

    /// Answers all that there is: the thread is no more.
    fn die(&self) {
        let mut inner = self.inner();
        inner.dead = true;
        let open = inner.open.take();
        let left: Vec<Ticket> = open.into_iter().chain(inner.questions.drain(..).map(|(ticket, _)| ticket)).collect();
        inner.answers.extend(left.into_iter().map(|ticket| (ticket, Err(ReadError(DEAD.into())))));
        let waker = inner.waker.take();
        drop(inner);
        waker.into_iter().for_each(Waker::wake);
    }
}

/// Answers questions until the end.
pub(super) fn run(desk: &Arc<Desk>, mut answers: Answers) {
    struct Alarm(Arc<Desk>);
    impl Drop for Alarm {
        fn drop(&mut self) {
            if std::thread::panicking() {
                self.0.die();
            }
        }
    }
    let _alarm = Alarm(Arc::clone(desk));
    while let Some(question) = desk.next() {
        let answer = answers.to(&question);
        desk.answer(answer.map_err(ReadError::from));
    }
}
