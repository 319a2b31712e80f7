//! For backends that have everything at hand: questions are answered as soon as they are asked.

use std::{
    collections::VecDeque,
    task::{Context, Poll, Waker},
};

use super::{ReadError, Ticket};
use crate::protocol::past::Answer;

/// Answers that nobody has taken yet.
#[derive(Debug, Default)]
pub(super) struct Prompt {
    ready: VecDeque<(Ticket, Result<Answer, ReadError>)>,
    waker: Option<Waker>,
}

impl Prompt {
    pub(super) fn answer(&mut self, ticket: Ticket, answer: Result<Answer, ReadError>) {
        self.ready.push_back((ticket, answer));
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<(Ticket, Result<Answer, ReadError>)> {
        match self.ready.pop_front() {
            Some(answer) => Poll::Ready(answer),
            None => {
                self.waker = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}
