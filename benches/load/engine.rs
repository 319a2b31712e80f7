//! All connections of the load in one thread that never waits for one of them: readiness from the
//! system, shared buffers, whole lines to a [`Handler`].

use std::{
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
    time::{Duration, Instant},
};

use conclave::platform::clock::monotonic;
use mio::{Events, Interest, Poll, Token, net::TcpStream, unix::SourceFd};
use rustix::{
    fd::{AsRawFd, OwnedFd},
    time::{Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec},
};
use rustls::ClientConfig;
use socket2::{Domain, Protocol, SockRef, Socket, Type};

use super::connection::{Connection, Plan, Scratch, Stage};

/// What becomes of what arrives.
pub(crate) trait Handler {
    /// Something has arrived on some connection, and is about to be handed over.
    fn woken(&mut self) {}
    /// A line, without its end. False where it is none of the load's own.
    fn line(&mut self, me: usize, line: &[u8]) -> bool;
    /// A member has registered and entered its rooms.
    fn present(&mut self, _me: usize) {}
    /// The server refuses something, or says goodbye.
    fn farewell(&mut self, _me: usize, _line: &[u8]) {}
    /// The connection has ended.
    fn gone(&mut self, me: usize, why: &io::Error) {
        panic!("the connection of m{me} has ended: {why}");
    }
}

const ALARM: Token = Token(usize::MAX);
/// So many addresses of this machine are used in turn: no limit of one is met, nor are ports reused early.
const SOURCES: usize = 64;

/// The connections, by number.
pub(crate) struct Engine {
    poll: Poll,
    events: Events,
    alarm: OwnedFd,
    set: Option<Instant>,
    server: SocketAddr,
    pub(crate) connections: Vec<Option<Connection>>,
    scratch: Scratch,
    spoken: Vec<usize>,
    opened: usize,
    /// How often something was read.
    pub(crate) reads: u64,
    /// Who is present reads no more.
    pub(crate) deaf: bool,
}

impl Engine {
    pub(crate) fn new(server: SocketAddr) -> Self {
        let poll = Poll::new().expect("a poll");
        let alarm = rustix::time::timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK).expect("a timer");
        poll.registry().register(&mut SourceFd(&alarm.as_raw_fd()), ALARM, Interest::READABLE).expect("a timer");
        Self {
            poll,
            events: Events::with_capacity(2048),
            alarm,
            set: None,
            server,
            connections: Vec::new(),
            scratch: Scratch::new(),
            spoken: Vec::new(),
            opened: 0,
            reads: 0,
            deaf: false,
        }
    }

    /// Begins a connection.
    pub(crate) fn open(&mut self, me: usize, config: &Arc<ClientConfig>, plan: Plan) {
        if self.connections.len() <= me {
            self.connections.resize_with(me + 1, || None);
        }
        let mut tcp = TcpStream::from_std(self.socket().expect("a connection").into());
        let registry = self.poll.registry();
        registry.register(&mut tcp, Token(me), Interest::READABLE | Interest::WRITABLE).expect("a connection");
        self.connections[me] = Some(Connection::new(tcp, Arc::clone(config), plan));
    }

    fn socket(&mut self) -> io::Result<Socket> {
        let socket = Socket::new(Domain::for_address(self.server), Type::STREAM, Some(Protocol::TCP))?;
        socket.set_nonblocking(true)?;
        if self.server.ip() == IpAddr::V4(Ipv4Addr::LOCALHOST) {
            let from = Ipv4Addr::new(127, 0, 1, (1 + self.opened % SOURCES) as u8);
            socket.bind(&SocketAddr::from((from, 0)).into())?;
        }
        self.opened += 1;
        match socket.connect(&self.server.into()) {
            Err(error) if error.raw_os_error() != Some(rustix::io::Errno::INPROGRESS.raw_os_error()) => Err(error),
            _ => Ok(socket),
        }
    }

    /// Something to say, at the next [`Engine::turn`] or [`Engine::flush`].
    #[inline]
    pub(crate) fn say(&mut self, me: usize) -> Option<&mut Vec<u8>> {
        let connection = self.connections[me].as_mut()?;
        if connection.out.is_empty() {
            self.spoken.push(me);
        }
        Some(&mut connection.out)
    }

    pub(crate) fn flush<H: Handler>(&mut self, handler: &mut H) {
        for me in std::mem::take(&mut self.spoken) {
            let Some(connection) = &mut self.connections[me] else { continue };
            if let Err(error) = connection.flush(&mut self.scratch) {
                self.connections[me] = None;
                handler.gone(me, &error);
            }
        }
    }

    /// Ends a connection without a word.
    pub(crate) fn cut(&mut self, me: usize) {
        if let Some(connection) = self.connections.get_mut(me).and_then(Option::take) {
            // Nothing lingers in the system.
            let _ = SockRef::from(&connection.tcp).set_linger(Some(Duration::ZERO));
        }
    }

    /// Enters another room.
    pub(crate) fn enter(&mut self, me: usize, room: &str) {
        if let Some(connection) = &mut self.connections[me] {
            connection.enter(room);
            self.spoken.push(me);
        }
    }

    /// Nothing of what a member was to say waits any more.
    pub(crate) fn is_flushed(&self, me: usize) -> bool {
        self.connections.get(me).and_then(Option::as_ref).is_some_and(Connection::is_flushed)
    }

    /// Waits until something happens, or the time has come; then hands over all that has arrived.
    pub(crate) fn turn<H: Handler>(&mut self, until: Instant, handler: &mut H) {
        self.flush(handler);
        self.wake_at(until);
        match self.poll.poll(&mut self.events, None) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return,
            other => other.expect("a poll"),
        }
        for event in &self.events {
            let Token(me) = event.token();
            if event.token() == ALARM {
                let mut count = [0; 8];
                let _ = rustix::io::read(&self.alarm, &mut count);
                self.set = None;
                continue;
            }
            let Some(connection) = self.connections.get_mut(me).and_then(Option::as_mut) else { continue };
            let mut result = Ok(());
            if self.deaf && connection.stage == Stage::Present {
                if event.is_error() || event.is_write_closed() {
                    result = Err(io::ErrorKind::ConnectionReset.into());
                } else if event.is_writable() {
                    result = connection.flush(&mut self.scratch);
                }
                if let Err(error) = result {
                    self.connections[me] = None;
                    handler.gone(me, &error);
                }
                continue;
            }
            if event.is_writable() && (connection.stage == Stage::Tcp || !connection.is_flushed()) {
                result = connection.writable(me, &mut self.scratch, handler);
            }
            if result.is_ok() && (event.is_readable() || event.is_read_closed() || event.is_error()) {
                self.reads += 1;
                result = connection.readable(me, &mut self.scratch, handler);
            }
            if let Err(error) = result {
                self.connections[me] = None;
                handler.gone(me, &error);
            }
        }
    }

    /// A timer of the system: what a poll can wait for is counted in milliseconds.
    fn wake_at(&mut self, until: Instant) {
        if self.set == Some(until) {
            return;
        }
        self.set = Some(until);
        let wait = until.saturating_duration_since(monotonic()).max(Duration::from_nanos(1));
        let value = Timespec { tv_sec: wait.as_secs() as i64, tv_nsec: i64::from(wait.subsec_nanos()) };
        let never = Timespec { tv_sec: 0, tv_nsec: 0 };
        let time = Itimerspec { it_interval: never, it_value: value };
        rustix::time::timerfd_settime(&self.alarm, TimerfdTimerFlags::empty(), &time).expect("a timer");
    }
}
