//! The shell around the state: takes requests in the order of the inbox, steps, hands what is
//! durable to the journal, and lets nothing be seen before everything ahead of it is committed.
//!
//! The loop waits on three things: the inbox, the journal's commits, and the clock's tick. It
//! never waits for disk, network or a member. Everything that a step would say is staged in one
//! queue, refusals and PONG too, and released in order; so two racing requests cannot both win,
//! and no answer overtakes a message.

mod burst;
mod deliver;
mod door;
mod fence;
pub(super) mod lookup;
mod member;
mod pace;
pub(super) mod replay;
mod tally;
mod total;
mod trouble;
mod undo;
mod watch;

use std::{
    collections::{HashMap, VecDeque},
    future::{Future, poll_fn},
    sync::Arc,
    task::{Context, Poll, Waker, ready},
    time::{Duration, Instant},
};

use tokio::{sync::Notify, task::yield_now, time::MissedTickBehavior};
use tracing::warn;

use burst::Burst;
pub use door::Door;
use member::Member;
use pace::Pace;
use tally::Tally;
use total::Total;
use trouble::Trouble;
pub use watch::Patience;

use super::{
    delivery::{Delivery, Outputs},
    request::{Body, Request, Sequenced, SessionId, Stamp},
    state::{Settings, State},
};
use crate::{
    ident::Nick,
    journal::{Entry, Journal, Last, ReadError, Ticket},
    platform::{clock, counters::Counters, stop::Stop},
    protocol::{
        caps::Shape,
        command::{Command, Info},
        durable::{Durable, Position},
        reply::ServerInfo,
    },
};

/// How often the hub goes round before it lets others have their turn.
const ROUNDS: usize = 4;

/// How long the journal has for its last commit when the server ends.
const LAST_COMMIT: Duration = Duration::from_secs(2);

/// How far ahead of the clock the times of a burst may run; a faster one shares times.
const AHEAD_MS: u64 = 100;

/// So many requests wait for the journal at most: while they do, the inbox fills, and sessions read no
/// further.
const STAGED: usize = 4096;

/// What a request became, waiting for the commit of what is ahead of it.
struct Staged {
    /// Released once this is committed; `None`: there was nothing durable yet at all.
    needs: Option<Position>,
    fate: Fate,
    /// Its place, if it left a message in the journal.
    kept: Option<Position>,
    /// When it came into the inbox, or others with it.
    arrived: Option<Instant>,
    request: Request,
    deliveries: Vec<Delivery>,
}

/// What becomes of a staged request when the commit fails that it waits for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// It is lost with it.
    Durable,
    /// It lost nothing, but its answer may be another.
    Passing,
    /// What is said of it stands.
    Settled,
}

/// The hub's task.
pub struct Hub {
    state: State,
    journal: Box<dyn Journal>,
    door: Arc<Door>,
    server: Arc<ServerInfo>,
    counters: Arc<Counters>,
    patience: Patience,
    members: Vec<Option<Member>>,
    /// How many of them there are.
    admitted: usize,
    /// There was more than one request in the last turn.
    crowded: bool,
    /// Room for what the inbox held: the two change places.
    batch: VecDeque<Request>,
    staged: VecDeque<Staged>,
    sequence: u64,
    epoch: u32,
    last_ms: u64,
    /// The time of the last tick, in seconds.
    now_s: u32,
    /// Whether the last request left something to page through.
    kept: bool,
    appended: Option<Position>,
    committed: Option<Position>,
    wakers: Vec<Waker>,
    /// When the requests came that are taken now.
    arrived: Option<Instant>,
    tally: Tally,
    total: Total,
    /// Who waits for the answers to these questions.
    asked: HashMap<Ticket, (SessionId, Nick, Instant)>,
    /// The accounts of which the journal has a question, and their sessions that wait for it.
    turns: HashMap<Nick, VecDeque<SessionId>>,
    tickets: Ticket,
    random: fn() -> u128,
    rehash: Arc<Notify>,
    trouble: Option<Trouble>,
    /// Messages that are about to be said.
    burst: Option<Burst>,
    pace: Pace,
}

impl Hub {
    /// Loads the state from the journal.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn new(
        settings: Settings,
        mut journal: Box<dyn Journal>,
        door: Arc<Door>,
        counters: Arc<Counters>,
        patience: Patience,
        random: fn() -> u128,
    ) -> Result<Self, ReadError> {
        journal.count_in(Arc::clone(&counters));
        let server = Arc::clone(&settings.server);
        let mut state = State::new(settings);
        let last = journal.load(&mut |event| state.apply(&event))?;
        let committed = last.map(|last| last.position);
        let Last { position: at, time_ms: last_ms } = last.unwrap_or_default();
        Ok(Self {
            state,
            journal,
            door,
            server,
            counters,
            patience,
            members: Vec::new(),
            admitted: 0,
            crowded: false,
            batch: VecDeque::new(),
            staged: VecDeque::new(),
            sequence: at.sequence,
            epoch: at.epoch,
            last_ms,
            now_s: clock::monotonic_s(),
            kept: true,
            appended: committed,
            committed,
            wakers: Vec::new(),
            arrived: None,
            tally: Tally::default(),
            total: Total::default(),
            asked: HashMap::new(),
            turns: HashMap::new(),
            tickets: 0,
            random,
            rehash: Arc::default(),
            trouble: None,
            burst: None,
            pace: Pace::default(),
        })
    }

    #[cfg(test)]
    pub(in crate::hub) const fn state(&self) -> &State {
        &self.state
    }

    #[cfg(test)]
    pub(in crate::hub) const fn state_mut(&mut self) -> &mut State {
        &mut self.state
    }

    /// How much stands in the line of what is said to a session.
    #[cfg(test)]
    pub(in crate::hub) fn held(&self, session: SessionId) -> usize {
        self.members.get(session.0 as usize).and_then(Option::as_ref).map_or(0, Member::held)
    }

    /// Gives this sign when an administrator asks for it by REHASH.
    #[must_use]
    pub fn with_rehash(self, rehash: Arc<Notify>) -> Self {
        Self { rehash, ..self }
    }

    /// Runs until `stop`; then waits for the journal, tells every session why, and takes no more.
    pub async fn run(mut self, stop: Stop) {
        let mut tick = tokio::time::interval(Duration::from_secs(1));
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut stopping = std::pin::pin!(stop.requested());
        let mut others = std::pin::pin!(yield_now());
        let (mut pause, mut rests) = (std::pin::pin!(tokio::time::sleep(Duration::ZERO)), false);
        poll_fn(|cx| {
            // Where much is said, whoever has something to say now says it first: the more it is, the less
            // each of it costs.
            if self.crowded {
                ready!(others.as_mut().poll(cx));
                others.set(yield_now());
            }
            if tick.poll_tick(cx).is_ready() {
                self.watch(clock::monotonic_s());
                self.pump(cx, Some(Body::Tick));
                // The clock tells us only after it was asked again.
                while tick.poll_tick(cx).is_ready() {}
            }
            self.pump(cx, None);
            while self.pace.rests() {
                if !std::mem::replace(&mut rests, true) {
                    pause.as_mut().reset(tokio::time::Instant::now() + pace::PAUSE);
                }
                if pause.as_mut().poll(cx).is_pending() {
                    break;
                }
                rests = false;
                self.breathe();
            }
            stopping.as_mut().poll(cx)
        })
        .await;
        let committed = poll_fn(|cx| {
            self.pump(cx, None);
            if self.staged.is_empty() && self.asked.is_empty() { Poll::Ready(()) } else { Poll::Pending }
        });
        if tokio::time::timeout(LAST_COMMIT, committed).await.is_err() {
            warn!(requests = self.staged.len(), "the journal did not commit in time; these requests go unanswered");
        }
        self.farewell();
    }

    /// Does everything that can be done now.
    pub(in crate::hub) fn pump(&mut self, cx: &mut Context<'_>, first: Option<Body>) {
        self.count_total();
        let mut batch = std::mem::take(&mut self.batch);
        batch.extend(first.map(|body| Request { session: SessionId::NOBODY, label: None, body }));
        self.rounds(cx, &mut batch);
        self.batch = batch;
    }

    fn rounds(&mut self, cx: &mut Context<'_>, batch: &mut VecDeque<Request>) {
        for _ in 0..ROUNDS {
            let more = self.staged.len() < STAGED && self.fetch(cx, batch);
            let appended = self.appended;
            self.total.done(batch.len());
            for request in batch.drain(..) {
                match request.body {
                    Body::Drained => self.drained(request.session),
                    _ => self.take(request),
                }
            }
            if self.appended != appended {
                self.journal.commit();
            }
            let moved = self.settle(cx);
            self.release();
            self.tally.count(&self.counters);
            let moved = self.hear_answers(cx) || moved;
            self.say_or_rest();
            self.wakers.drain(..).for_each(Waker::wake);
            if !more && !moved {
                return;
            }
        }
        // Others have their turn; there may be more to do.
        cx.waker().wake_by_ref();
    }

    /// Empties the inbox, if there is anything in it.
    fn fetch(&mut self, cx: &mut Context<'_>, batch: &mut VecDeque<Request>) -> bool {
        let Poll::Ready(since) = self.door.inbox.poll_take(cx, batch) else { return false };
        self.arrived = since;
        self.crowded = batch.len() > 1;
        self.counters.turns.observe(batch.len());
        true
    }

    /// How many connections are not registered yet, for the requests whose answer shows it.
    fn waiting(&self, body: &Body) -> usize {
        let own = match body {
            Body::Register(_) => 1,
            Body::Command(Command::Info(Info::Lusers, _)) => 0,
            _ => return 0,
        };
        // Who registers may not be admitted yet, and who has left may not be dismissed.
        let registered = self.admitted.max(self.state.sessions.len()) + own;
        self.door.slots().len().saturating_sub(registered)
    }

    /// Sequences a request, steps it, and stages what it says.
    fn take(&mut self, request: Request) {
        if let Some(refused) = self.cannot_keep(&request) {
            return self.stage_settled(request, refused);
        }
        if matches!(request.body, Body::Tick) {
            self.try_again();
        }
        self.sequence += 1;
        let position = Position { epoch: self.epoch, sequence: self.sequence };
        self.last_ms = self.next_ms(clock::unix_ms());
        // Mixing in the position keeps ids apart whatever the randomness is worth.
        let random = (self.random)().wrapping_add(u128::from(self.sequence) << 16);
        let (waiting, seen) = (self.waiting(&request.body), self.seen(&request));
        let at = Stamp { position, time_ms: self.last_ms, random, waiting, seen };
        let found = self.find_for(&request);
        let sequenced = Sequenced { at, request, found };
        let Outputs { events, deliveries } = self.state.step(&sequenced);
        let request = sequenced.request;
        if !events.is_empty() && self.trouble.is_some() {
            let deliveries = self.not_kept(&request, &events, deliveries);
            return self.stage_settled(request, deliveries);
        }
        let fate = if trouble::must_be_kept(&events) { Fate::Durable } else { Fate::Passing };
        let message = events.iter().any(|event| matches!(event, Durable::Message(_)));
        self.kept = events.iter().any(|event| matches!(event, Durable::Message(_) | Durable::Event(..)));
        if !events.is_empty() {
            self.journal.append(Entry { position, time_ms: self.last_ms, events });
            self.appended = Some(position);
        }
        let (needs, kept) = (self.appended, message.then_some(position));
        self.staged.push_back(Staged { needs, fate, kept, arrived: self.arrived, request, deliveries });
    }

    /// When the next request happens. The order never goes back in time, even when the wall clock
    /// does; and what is kept gets times that differ, so that nothing is lost where a client pages
    /// by time: a burst runs a little ahead of the clock. What comes of one request shares its time.
    fn next_ms(&self, now_ms: u64) -> u64 {
        let apart = self.last_ms + u64::from(self.kept);
        now_ms.max(self.last_ms).max(apart.min(now_ms + AHEAD_MS))
    }

    /// Learns from the journal what is committed, or that a commit failed.
    fn settle(&mut self, cx: &mut Context<'_>) -> bool {
        let mut moved = false;
        while let Poll::Ready(outcome) = self.journal.poll_committed(cx) {
            moved = true;
            match outcome {
                Ok(position) => {
                    self.committed = Some(position);
                    self.appended = self.appended.max(self.committed);
                    self.mended(position);
                }
                Err(error) => {
                    self.release();
                    self.broke(&error);
                    self.undo();
                    break;
                }
            }
        }
        moved
    }

    /// Says, in order, everything whose predecessors are committed.
    fn release(&mut self) {
        while self.staged.front().is_some_and(|staged| staged.needs <= self.committed) {
            let Some(Staged { request, deliveries, kept, arrived, .. }) = self.staged.pop_front() else { break };
            if let Body::Register(registration) = &request.body {
                let shape = Shape { dialect: registration.dialect, caps: registration.caps };
                self.admit(request.session, registration.account.clone(), shape);
            }
            self.fence_on_request(&request);
            self.charge(request.session, &deliveries);
            for delivery in deliveries {
                self.tally.note(&delivery, arrived);
                self.deliver(delivery, kept);
            }
            if let Body::Gone(_) = request.body {
                self.dismiss(request.session);
            }
        }
        self.end_burst();
    }
}
