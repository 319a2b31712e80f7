//! The shell around the state: takes requests in the order of the inbox, steps, hands what is
//! durable to the journal, and lets nothing be seen before everything ahead of it is committed.
//!
//! The loop waits on three things: the inbox, the journal's commits, and the clock's tick. It
//! never waits for disk, network or a member. Everything that a step would say is staged in one
//! queue, refusals and PONG too, and released in order; so two racing requests cannot both win,
//! and no answer overtakes a message.

use std::{
    collections::VecDeque,
    future::{Future, poll_fn},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
    time::Duration,
};

use slab::Slab;
use tokio::time::MissedTickBehavior;
use tracing::warn;

use super::{
    delivery::{Delivery, Outputs},
    inbox::Inbox,
    outbox::{Cut, Outbox},
    request::{Body, Gone, Request, Sequenced, SessionId, Stamp},
    state::{Settings, State},
};
use crate::{
    ident::Nick,
    journal::{Entry, Journal, Page, Range},
    platform::{clock, counters::Counters, stop::Stop},
    protocol::durable::Position,
    protocol::{
        caps::{Dialect, Shape},
        command::Command,
        refusal::Refusal,
        render,
        reply::{Reply, ServerInfo},
    },
};

/// How often the hub goes round before it lets others have their turn.
const ROUNDS: usize = 4;

/// How long the journal has for its last commit when the server ends.
const LAST_COMMIT: Duration = Duration::from_secs(2);

/// How long the hub watches over its sessions.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// A session whose peer takes nothing for so long is cut.
    pub stall: Duration,
    /// A silent IRC session is asked whether it is alive, and cut after twice as long.
    pub ping_s: u32,
}

impl Default for Patience {
    fn default() -> Self {
        Self { stall: Duration::from_secs(30), ping_s: 120 }
    }
}

/// How sessions reach the hub.
#[derive(Debug)]
pub struct Door {
    inbox: Inbox,
    slots: Mutex<Slab<Arc<Outbox>>>,
}

impl Door {
    /// A door with an inbox of so many requests.
    pub fn new(inbox: usize) -> Self {
        Self { inbox: Inbox::new(inbox), slots: Mutex::default() }
    }

    fn slots(&self) -> MutexGuard<'_, Slab<Arc<Outbox>>> {
        // Nothing between lock and unlock can leave the slab half-changed.
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives a new session its id. It is given back with [`Body::Gone`], which must follow.
    pub fn attach(&self, outbox: Arc<Outbox>) -> SessionId {
        // Fewer sessions than a u32 holds: each has an open file.
        SessionId(self.slots().insert(outbox) as u32)
    }

    /// Offers a request; see [`Inbox::poll_offer`].
    pub fn poll_offer(&self, cx: &mut Context<'_>, request: Request) -> Result<(), Request> {
        self.inbox.poll_offer(cx, request)
    }

    /// Says that a session's connection has ended.
    pub fn gone(&self, session: SessionId, how: Gone) {
        let request = Request { session, label: None, body: Body::Gone(how) };
        // Partings are never turned away.
        let _ = self.inbox.poll_offer(&mut Context::from_waker(Waker::noop()), request);
    }
}

/// What a request became, waiting for the commit of what is ahead of it.
struct Staged {
    position: Position,
    /// Released once this is committed; `None`: there was nothing durable yet at all.
    needs: Option<Position>,
    durable: bool,
    request: Request,
    deliveries: Vec<Delivery>,
}

/// A registered session as the shell sees it.
struct Member {
    nick: Nick,
    outbox: Arc<Outbox>,
    shape: Shape,
    pinged: bool,
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
    staged: VecDeque<Staged>,
    sequence: u64,
    epoch: u32,
    last_ms: u64,
    appended: Option<Position>,
    committed: Option<Position>,
    wakers: Vec<Waker>,
    random: fn() -> u128,
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
    ) -> Result<Self, crate::journal::ReadError> {
        let server = Arc::clone(&settings.server);
        let mut state = State::new(settings);
        let committed = journal.load(&mut |event| state.apply(&event))?;
        let at = committed.unwrap_or_default();
        Ok(Self {
            state,
            journal,
            door,
            server,
            counters,
            patience,
            members: Vec::new(),
            staged: VecDeque::new(),
            sequence: at.sequence,
            epoch: at.epoch,
            last_ms: 0,
            appended: committed,
            committed,
            wakers: Vec::new(),
            random,
        })
    }

    /// Runs until `stop`; then waits for the journal, tells every session why, and takes no more.
    pub async fn run(mut self, stop: Stop) {
        let mut tick = tokio::time::interval(Duration::from_secs(1));
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut stopping = std::pin::pin!(stop.requested());
        poll_fn(|cx| {
            if tick.poll_tick(cx).is_ready() {
                self.watch();
                self.pump(cx, Some(Body::Tick));
                // The clock tells us only after it was asked again.
                while tick.poll_tick(cx).is_ready() {}
            }
            self.pump(cx, None);
            stopping.as_mut().poll(cx)
        })
        .await;
        let committed = poll_fn(|cx| {
            self.pump(cx, None);
            if self.staged.is_empty() { Poll::Ready(()) } else { Poll::Pending }
        });
        if tokio::time::timeout(LAST_COMMIT, committed).await.is_err() {
            warn!(requests = self.staged.len(), "the journal did not commit in time; these requests go unanswered");
        }
        self.farewell();
    }

    /// Does everything that can be done now.
    pub(super) fn pump(&mut self, cx: &mut Context<'_>, first: Option<Body>) {
        let nobody = SessionId(u32::MAX);
        let mut batch: VecDeque<Request> =
            first.into_iter().map(|body| Request { session: nobody, label: None, body }).collect();
        for _ in 0..ROUNDS {
            let more = self.door.inbox.poll_take(cx, &mut batch).is_ready();
            let appended = self.appended;
            for request in batch.drain(..) {
                self.take(request);
            }
            if self.appended != appended {
                self.journal.commit();
            }
            let moved = self.settle(cx);
            self.release();
            self.wakers.drain(..).for_each(Waker::wake);
            if !more && !moved {
                return;
            }
        }
        // Others have their turn; there may be more to do.
        cx.waker().wake_by_ref();
    }

    /// Sequences a request, steps it, and stages what it says.
    fn take(&mut self, request: Request) {
        self.sequence += 1;
        let position = Position { epoch: self.epoch, sequence: self.sequence };
        // The order never goes back in time, even when the wall clock does.
        self.last_ms = self.last_ms.max(clock::unix_ms());
        // Mixing in the position keeps ids apart whatever the randomness is worth.
        let random = (self.random)().wrapping_add(u128::from(self.sequence) << 16);
        let at = Stamp { position, time_ms: self.last_ms, random };
        let sequenced = Sequenced { at, request };
        let Outputs { events, deliveries } = self.state.step(&sequenced);
        let durable = !events.is_empty();
        if durable {
            self.journal.append(Entry { position, events });
            self.appended = Some(position);
        }
        let mut deliveries = deliveries;
        if self.journal.committed() >= self.appended {
            // Nothing is ahead of a question here that is not kept already: it is answered before
            // later requests change what is kept.
            for delivery in &mut deliveries {
                self.look_up(delivery, position);
            }
        }
        self.staged.push_back(Staged {
            position,
            needs: self.appended,
            durable,
            request: sequenced.request,
            deliveries,
        });
    }

    /// Replaces a question for kept messages by its answer.
    fn look_up(&mut self, delivery: &mut Delivery, until: Position) {
        let Delivery::History { session, label, conversation, place, since_ms, most } = delivery else { return };
        let page =
            Page { conversation: conversation.clone(), range: Range::Latest, since_ms: *since_ms, until, most: *most };
        let reply = match self.journal.page(&page) {
            Ok(messages) => Reply::History(std::mem::take(place), messages),
            Err(error) => {
                warn!(%error, "a page of history could not be read");
                Reply::Refused(Refusal::BadLine("HISTORY_FAILED", "the server cannot read its journal now"))
            }
        };
        *delivery = Delivery::Replies { session: *session, label: label.take(), replies: vec![reply] };
    }

    /// Learns from the journal what is committed, or that a commit failed.
    fn settle(&mut self, cx: &mut Context<'_>) -> bool {
        let mut moved = false;
        while let Poll::Ready(outcome) = self.journal.poll_committed(cx) {
            moved = true;
            match outcome {
                Ok(position) => self.committed = Some(position),
                Err(error) => {
                    warn!(%error, "a commit failed; what was not kept is refused, and the next request tries again");
                    self.release();
                    self.undo();
                    break;
                }
            }
        }
        moved
    }

    /// After a failed commit: the state goes back to what is on disk; requests that changed
    /// something are refused, those that only asked or only concern their session are done again.
    fn undo(&mut self) {
        let lost = std::mem::take(&mut self.staged);
        let journal = &mut self.journal;
        if let Err(error) = self.state.reload(|apply| journal.load(apply).map(|_| ())) {
            // The state in memory is ahead of the disk; refusing below keeps that from being said.
            warn!(%error, "the journal could not be read after a failed commit");
        }
        self.appended = self.committed;
        for staged in lost {
            let Staged { position, durable, request, deliveries, .. } = staged;
            match &request.body {
                // What has left cannot come back; these change nothing durable.
                Body::Gone(_) | Body::Tick | Body::Command(Command::Quit(_)) => {
                    self.staged.push_back(Staged {
                        position,
                        needs: self.appended,
                        durable: false,
                        request,
                        deliveries,
                    });
                }
                Body::Register(_) if durable => {
                    let session = request.session;
                    let gone = Request { body: Body::Gone(Gone::Cut("the journal failed".into())), ..request.clone() };
                    let reason = "The server cannot write its journal; try again later".into();
                    let replies = vec![Reply::Bye(reason)];
                    let deliveries =
                        vec![Delivery::Replies { session, label: None, replies }, Delivery::Close(session)];
                    self.staged.push_back(Staged {
                        position,
                        needs: self.appended,
                        durable: false,
                        request,
                        deliveries,
                    });
                    self.take_quietly(gone);
                }
                Body::Command(command) if durable || command.changes_others() => {
                    let replies = vec![Reply::Refused(Refusal::NotKept(command.verb()))];
                    let (session, label) = (request.session, request.label.clone());
                    let deliveries = vec![Delivery::Replies { session, label, replies }];
                    self.staged.push_back(Staged {
                        position,
                        needs: self.appended,
                        durable: false,
                        request,
                        deliveries,
                    });
                }
                Body::Command(_) | Body::Refused(_) | Body::Register(_) => self.take(request),
            }
        }
        // What was done again may have appended in its turn.
        self.journal.commit();
    }

    /// Steps without saying anything: others never saw this session come.
    fn take_quietly(&mut self, request: Request) {
        let at = Stamp { position: Position::default(), time_ms: self.last_ms, random: (self.random)() };
        let _ = self.state.step(&Sequenced { at, request });
    }

    /// Says, in order, everything whose predecessors are committed.
    fn release(&mut self) {
        while self.staged.front().is_some_and(|staged| staged.needs <= self.committed) {
            let Some(Staged { position, request, deliveries, .. }) = self.staged.pop_front() else { return };
            if let Body::Register(registration) = &request.body {
                let shape = Shape { dialect: registration.dialect, caps: registration.caps };
                self.admit(request.session, registration.account.clone(), shape);
            }
            for mut delivery in deliveries {
                self.look_up(&mut delivery, position);
                self.deliver(delivery);
            }
            if let Body::Gone(_) = request.body {
                self.dismiss(request.session);
            }
        }
    }

    fn admit(&mut self, session: SessionId, nick: Nick, shape: Shape) {
        let Some(outbox) = self.door.slots().get(session.0 as usize).cloned() else { return };
        let at = session.0 as usize;
        if self.members.len() <= at {
            self.members.resize_with(at + 1, || None);
        }
        self.members[at] = Some(Member { nick, outbox, shape, pinged: false });
    }

    /// Nothing that is staged from here on can name the session: its id is free again.
    fn dismiss(&mut self, session: SessionId) {
        if let Some(member) = self.members.get_mut(session.0 as usize) {
            *member = None;
        }
        if let Some(outbox) = self.door.slots().try_remove(session.0 as usize) {
            self.wakers.extend(outbox.close());
        }
    }

    fn deliver(&mut self, delivery: Delivery) {
        match delivery {
            Delivery::Replies { session, label, replies } => self.answer(session, label.as_deref(), &replies),
            // Looked up before it came here.
            Delivery::History { .. } => {}
            Delivery::Message { audience, except, own, message } => {
                self.counters.messages.add(1);
                let server = Arc::clone(&self.server);
                self.fan_out(
                    &audience,
                    except,
                    |shape| render::shape_for_message(shape, &message),
                    |shape| render::message(&server, shape, own, &message),
                );
            }
            Delivery::Event { audience, except, event } => {
                self.fan_out(
                    &audience,
                    except,
                    |shape| render::shape_for_event(shape, &event),
                    |shape| render::event(shape, &event),
                );
            }
            Delivery::Shape(session, shape) => {
                if let Some(Some(member)) = self.members.get_mut(session.0 as usize) {
                    member.shape = shape;
                }
            }
            Delivery::Close(session) => {
                if let Some(Some(member)) = self.members.get(session.0 as usize) {
                    self.wakers.extend(member.outbox.close());
                }
            }
        }
    }

    fn answer(&mut self, session: SessionId, label: Option<&str>, replies: &[Reply]) {
        if let Some(Some(member)) = self.members.get(session.0 as usize) {
            let octets = render::replies(&self.server, &member.nick, member.shape, label, replies);
            self.wakers.extend(member.outbox.push(octets));
        }
    }

    /// Renders once for each shape that occurs, and shares the octets.
    fn fan_out(
        &mut self,
        audience: &[SessionId],
        except: Option<SessionId>,
        relevant: impl Fn(Shape) -> Shape,
        render: impl Fn(Shape) -> bytes::Bytes,
    ) {
        let mut rendered: smallvec::SmallVec<[(Shape, bytes::Bytes); 4]> = smallvec::SmallVec::new();
        let mut deliveries = 0;
        for &session in audience {
            if Some(session) == except {
                continue;
            }
            let Some(Some(member)) = self.members.get(session.0 as usize) else { continue };
            let shape = relevant(member.shape);
            let octets = match rendered.iter().find(|(of, _)| *of == shape) {
                Some((_, octets)) => octets.clone(),
                None => {
                    let octets = render(shape);
                    rendered.push((shape, octets.clone()));
                    octets
                }
            };
            deliveries += u64::from(!octets.is_empty());
            self.wakers.extend(member.outbox.push(octets));
        }
        self.counters.deliveries.add(deliveries);
    }

    /// Once a second: who takes nothing is cut, who is silent is asked.
    fn watch(&mut self) {
        let now = clock::monotonic();
        let now_s = clock::monotonic_s();
        for member in self.members.iter_mut().flatten() {
            if member.outbox.stalled(now) >= self.patience.stall {
                self.wakers.extend(member.outbox.cut(Cut::Stalled));
                continue;
            }
            let silent = member.outbox.silent_for(now_s);
            if member.shape.dialect == Dialect::Plain || silent < self.patience.ping_s {
                member.pinged = false;
            } else if silent >= 2 * self.patience.ping_s {
                self.wakers.extend(member.outbox.cut(Cut::Silent(silent)));
            } else if !member.pinged {
                member.pinged = true;
                let ping = [Reply::Ping(Arc::clone(&self.server.name))];
                let octets = render::replies(&self.server, &member.nick, member.shape, None, &ping);
                self.wakers.extend(member.outbox.push(octets));
            }
        }
    }

    /// The server ends: everybody is told, and goes when he has got it.
    fn farewell(mut self) {
        for member in self.members.iter().flatten() {
            let bye = [Reply::Bye("The server is shutting down".into())];
            let octets = render::replies(&self.server, &member.nick, member.shape, None, &bye);
            self.wakers.extend(member.outbox.push(octets));
            self.wakers.extend(member.outbox.close());
        }
        self.door.inbox.close();
        self.wakers.drain(..).for_each(Waker::wake);
    }
}
