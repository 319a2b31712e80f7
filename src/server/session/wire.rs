//! The session's way out: drains the outbox into the connection, and ends it in good order.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use tokio::time::Sleep;
use tracing::info;

use super::{Scratch, talk::Talk};
use crate::{
    hub::{Cut, Gone, Outbox, Taken},
    tls::stream::Stream,
};

/// How long a session that is ending may take to get its goodbye out.
pub(super) const GOODBYE: Duration = Duration::from_secs(2);

/// The connection and what waits for it.
pub(super) struct Wire {
    pub(super) stream: Stream,
    pub(super) outbox: Arc<Outbox>,
    pub(super) ending: Ending,
    /// Taken from the outbox, not yet by the connection.
    unsent: Bytes,
    deadline: Option<Pin<Box<Sleep>>>,
    /// The hub answers presently: until there are more octets than these, nothing is sent.
    pub(super) answer_to_come: Option<usize>,
}

/// How far the end of a session has come.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Ending {
    No,
    /// The peer ended its side: nothing is read any more, what is queued still goes out.
    Draining,
    /// Everything went out: close_notify, then wait for the peer's end.
    Closing,
    /// Closed: what the peer still sends is thrown away until it ends, so that no reset takes the
    /// last lines from it.
    Closed,
}

impl Wire {
    pub(super) fn new(stream: Stream, outbox: Arc<Outbox>, silent: Duration) -> Self {
        let deadline = Some(Box::pin(tokio::time::sleep(silent)));
        Self { stream, outbox, ending: Ending::No, unsent: Bytes::new(), deadline, answer_to_come: None }
    }

    pub(super) fn set_deadline(&mut self, after: Option<Duration>) {
        self.deadline = after.map(|after| Box::pin(tokio::time::sleep(after)));
    }

    /// How much the peer has sent that waits in the system.
    pub(super) fn unread(&self) -> usize {
        rustix::io::ioctl_fionread(self.stream.get_ref()).map_or(0, |octets| octets as usize)
    }

    /// Sends what is queued, as one record and one write for all that there is; ready when the
    /// connection is over.
    pub(super) fn drain(&mut self, cx: &mut Context<'_>, talk: &mut Talk, scratch: &mut Scratch) -> Poll<()> {
        loop {
            match self.ending {
                Ending::No | Ending::Draining => {
                    if let Some(before) = self.answer_to_come.take()
                        && self.ending == Ending::No
                        && self.outbox.wait_for_more(cx, before)
                    {
                        return Poll::Pending;
                    }
                    if self.poll_push(cx).is_pending() {
                        // The socket takes nothing now; only a cut can change anything.
                        if let Poll::Ready(reason) = self.outbox.poll_cut(cx) {
                            self.cut(talk, &reason);
                            continue;
                        }
                        return Poll::Pending;
                    }
                    match ready!(self.outbox.poll_take(cx, &mut scratch.output)) {
                        Taken::Alone(octets) => {
                            talk.shared.counters.octets_out.add(octets.len() as u64);
                            match self.send(cx, &octets) {
                                Ok(sent) => self.unsent = octets.slice(sent..),
                                Err(_) => return self.broken(talk),
                            }
                        }
                        Taken::Octets(length) => {
                            talk.shared.counters.octets_out.add(length as u64);
                            let octets = &scratch.output[..length];
                            match self.send(cx, octets) {
                                Ok(sent) => self.unsent = Bytes::copy_from_slice(&octets[sent..]),
                                Err(_) => return self.broken(talk),
                            }
                        }
                        Taken::Last(octets) => {
                            talk.shared.counters.octets_out.add(octets.len() as u64);
                            match self.stream.queue(&octets) {
                                Ok(taken) => self.unsent = octets.slice(taken..),
                                Err(_) => return self.broken(talk),
                            }
                            talk.gone(Gone::Cut("Connection closed".into()));
                            self.close();
                        }
                        Taken::Empty => talk.drained(),
                        Taken::End => {
                            talk.gone(Gone::Cut("Connection closed".into()));
                            self.close();
                        }
                        Taken::Cut(reason) => self.cut(talk, &reason),
                    }
                }
                Ending::Closing => {
                    // The last octets and close_notify are one write.
                    let all_queued = self.unsent.is_empty();
                    let pushed = if all_queued { Ok(()) } else { ready!(self.poll_push(cx)) };
                    if pushed.is_err() || ready!(self.stream.poll_close(cx)).is_err() {
                        return Poll::Ready(());
                    }
                    self.ending = Ending::Closed;
                }
                Ending::Closed => match ready!(self.stream.poll_read(cx, &mut scratch.input)) {
                    Ok(0) | Err(_) => return Poll::Ready(()),
                    Ok(_) => {}
                },
            }
        }
    }

    /// Sends as much as goes out now.
    fn send(&mut self, cx: &mut Context<'_>, octets: &[u8]) -> std::io::Result<usize> {
        match self.stream.poll_send(cx, octets) {
            Poll::Ready(sent) => sent,
            Poll::Pending => Ok(0),
        }
    }

    /// Gets what was taken out of the outbox out of the house.
    fn poll_push(&mut self, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        while !self.unsent.is_empty() {
            let sent = ready!(self.stream.poll_send(cx, &self.unsent))?;
            let _ = self.unsent.split_to(sent);
        }
        if self.stream.is_blocked() { self.stream.poll_flush(cx) } else { Poll::Ready(Ok(())) }
    }

    fn close(&mut self) {
        self.ending = Ending::Closing;
        self.set_deadline(Some(GOODBYE));
    }

    /// Ends at once; the reason is all that is still worth sending, after what is on its way.
    fn cut(&mut self, talk: &mut Talk, cut: &Cut) {
        let reason = cut.to_string();
        info!(account = %talk.identity.account, device = %talk.identity.device, reason, "cut");
        talk.shared.counters.cuts.up(cut.number());
        let goodbye = format!("ERROR :{reason}\r\n");
        talk.gone(Gone::Cut(reason.into()));
        self.unsent = [&self.unsent[..], goodbye.as_bytes()].concat().into();
        self.close();
    }

    fn broken(&mut self, talk: &mut Talk) -> Poll<()> {
        talk.gone(Gone::Lost);
        Poll::Ready(())
    }

    pub(super) fn poll_deadline(&mut self, cx: &mut Context<'_>, talk: &mut Talk) -> Poll<()> {
        let Some(deadline) = &mut self.deadline else { return Poll::Pending };
        ready!(deadline.as_mut().poll(cx));
        if self.ending != Ending::No {
            return Poll::Ready(());
        }
        self.cut(talk, &Cut::Unregistered);
        // The new deadline and the goodbye must be polled.
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}
