//! One connection of the server, after its handshake: bytes in and out.
//!
//! rustls is driven directly, without a buffer of its own: what comes is decrypted in a buffer of the
//! thread, what goes is encrypted in another and written from there. A connection keeps octets only
//! while half a record has come, or while its socket takes nothing. What the bytes mean is not known
//! here.

use std::{
    cell::RefCell,
    fmt, io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use rustls::{
    server::{ServerConnectionData, UnbufferedServerConnection},
    unbuffered::{ConnectionState, EncodeError, EncodeTlsData, UnbufferedStatus, WriteTraffic},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

/// What one record holds at most (RFC 8446, section 5.1).
pub const RECORD: usize = 16 * 1024;

/// What a record takes beside what it holds: its header, the type of what is inside, the tag, and
/// padding as far as the section allows (5.2).
const OVERHEAD: usize = 5 + 256;

thread_local! {
    /// The buffers of all connections of one thread: none is used across a wait.
    static SCRATCH: RefCell<Scratch> = RefCell::new(Scratch {
        // What was left of a record, and as much again.
        incoming: vec![0; 2 * (RECORD + OVERHEAD)],
        // A record, and a key update in front of it.
        outgoing: vec![0; RECORD + 2 * OVERHEAD],
    });
}

struct Scratch {
    incoming: Vec<u8>,
    outgoing: Vec<u8>,
}

/// The server's end of a connection whose client was let in.
pub struct Stream<IO = TcpStream> {
    io: IO,
    tls: UnbufferedServerConnection,
    kept: Kept,
    end: Option<End>,
    /// We have said that nothing more will come.
    closing: bool,
    /// There may be more to understand than was asked for.
    behind: bool,
}

/// Octets that wait. All of it is empty while nothing happens, and then takes no memory.
#[derive(Debug, Default)]
struct Kept {
    /// What has come and is not understood yet: half a record, mostly.
    incoming: Vec<u8>,
    /// What was understood, and not asked for yet.
    plain: Vec<u8>,
    /// Encrypted, and not taken by the socket yet.
    outgoing: Vec<u8>,
}

impl<IO: fmt::Debug> fmt::Debug for Stream<IO> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream").field("io", &self.io).field("end", &self.end).finish_non_exhaustive()
    }
}

/// How a client ended its side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It said so (close_notify).
    Clean,
    /// The connection ended without a word: an attacker or a broken network may have cut it.
    Cut,
}

/// The names of the key exchanges, for metrics; the last stands for all others.
pub const KEY_EXCHANGES: [&str; 4] = ["X25519MLKEM768", "X25519", "secp256r1", "other"];

/// The place of a key exchange among [`KEY_EXCHANGES`].
pub fn number_of_key_exchange(name: &str) -> usize {
    KEY_EXCHANGES.iter().position(|known| *known == name).unwrap_or(KEY_EXCHANGES.len() - 1)
}

impl<IO> Stream<IO> {
    /// After the handshake; `incoming` is what has come behind it.
    pub(super) fn new(io: IO, tls: UnbufferedServerConnection, incoming: Vec<u8>) -> Self {
        let kept = Kept { incoming, ..Kept::default() };
        Self { io, tls, kept, end: None, closing: false, behind: true }
    }

    /// How the client ended its side, once it has.
    pub fn end(&self) -> Option<End> {
        self.end
    }

    /// Whether bytes wait for the socket.
    pub fn is_blocked(&self) -> bool {
        !self.kept.outgoing.is_empty()
    }

    /// The name of the key exchange that was used.
    pub fn key_exchange(&self) -> &'static str {
        let group = self.tls.negotiated_key_exchange_group();
        group.and_then(|group| group.name().as_str()).unwrap_or("unknown")
    }

    /// The octets for which it has room while nothing happens.
    #[cfg(test)]
    pub(super) fn kept(&self) -> usize {
        let Kept { incoming, plain, outgoing } = &self.kept;
        [incoming, plain, outgoing].iter().map(|kept| kept.capacity()).sum()
    }

    /// The same connection, on something else.
    ///
    /// # Errors
    /// Those of `change`; the connection is lost then.
    pub fn try_map<Other, E>(self, change: impl FnOnce(IO) -> Result<Other, E>) -> Result<Stream<Other>, E> {
        let Self { io, tls, kept, end, closing, behind } = self;
        Ok(Stream { io: change(io)?, tls, kept, end, closing, behind })
    }

    /// What the connection runs on.
    pub fn get_ref(&self) -> &IO {
        &self.io
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> Stream<IO> {
    /// Reads some bytes; 0 when the client has ended its side ([`Stream::end`] tells how).
    pub fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        if !self.kept.plain.is_empty() {
            let length = self.kept.plain.len().min(buf.len());
            buf[..length].copy_from_slice(&self.kept.plain[..length]);
            self.kept.plain = self.kept.plain.split_off(length);
            return Poll::Ready(Ok(length));
        }
        SCRATCH.with_borrow_mut(|scratch| {
            while self.end.is_none() {
                let length = ready!(self.poll_records(cx, &mut scratch.incoming, buf))?;
                if length > 0 {
                    return Poll::Ready(Ok(length));
                }
            }
            Poll::Ready(Ok(0))
        })
    }

    /// One read, unless there is something left of the last one, and what is in it.
    fn poll_records(&mut self, cx: &mut Context<'_>, wire: &mut [u8], buf: &mut [u8]) -> Poll<io::Result<usize>> {
        let left = self.kept.incoming.len();
        if left == wire.len() {
            return Poll::Ready(Err(io::ErrorKind::InvalidData.into()));
        }
        let mut filled = left;
        if !std::mem::take(&mut self.behind) {
            let mut free = ReadBuf::new(&mut wire[left..]);
            ready!(Pin::new(&mut self.io).poll_read(cx, &mut free))?;
            if free.filled().is_empty() {
                self.end = Some(End::Cut);
                return Poll::Ready(Ok(0));
            }
            filled += free.filled().len();
        }
        wire[..left].copy_from_slice(&self.kept.incoming);
        let wire = &mut wire[..filled];
        let (used, read) = match self.understand(wire, buf) {
            Ok(understood) => understood,
            Err(error) => {
                // The alert, as far as the socket takes it now; nothing else is said or heard after it.
                let _ = self.poll_flush(cx);
                (self.end, self.closing) = (Some(End::Cut), true);
                return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, error)));
            }
        };
        self.kept.incoming = Vec::from(&wire[used..]);
        Poll::Ready(Ok(read))
    }

    /// Decrypts what is in `wire` until all is understood or `buf` is full. Gives back how much of
    /// each was used.
    fn understand(&mut self, wire: &mut [u8], buf: &mut [u8]) -> Result<(usize, usize), rustls::Error> {
        let (mut used, mut read) = (0, 0);
        while self.kept.plain.is_empty() {
            let UnbufferedStatus { mut discard, state } = self.tls.process_tls_records(&mut wire[used..]);
            let blocked = match state {
                Ok(ConnectionState::ReadTraffic(mut traffic)) => {
                    while let Some(record) = traffic.next_record() {
                        let record = record?;
                        discard += record.discard;
                        let fits = record.payload.len().min(buf.len() - read);
                        buf[read..read + fits].copy_from_slice(&record.payload[..fits]);
                        read += fits;
                        self.kept.plain.extend_from_slice(&record.payload[fits..]);
                    }
                    Ok(false)
                }
                Ok(state) => other(state, &mut self.kept.outgoing, &mut self.end),
                Err(error) => Err(error),
            };
            used += discard;
            match blocked {
                Ok(true) => return Ok((used, read)),
                Ok(false) => {}
                Err(error) => {
                    alert(&mut self.tls, &mut self.kept.outgoing)?;
                    return Err(error);
                }
            }
        }
        self.behind = true;
        Ok((used, read))
    }

    /// Lets `encrypt` write into `out`, once everything is ready for it. Gives back its octets.
    fn encrypt<E: Into<rustls::Error>>(
        &mut self,
        encrypt: impl FnOnce(&mut WriteTraffic<'_, ServerConnectionData>) -> Result<usize, E>,
    ) -> io::Result<usize> {
        loop {
            // What has come is given along: rustls may know of half a message in it.
            let UnbufferedStatus { discard, state } = self.tls.process_tls_records(&mut self.kept.incoming);
            let outcome = match state {
                Ok(ConnectionState::WriteTraffic(mut traffic)) => {
                    let length = encrypt(&mut traffic).map_err(|error| io::Error::other(error.into()));
                    self.kept.incoming.drain(..discard);
                    return length;
                }
                Ok(ConnectionState::ReadTraffic(mut traffic)) => {
                    while let Some(Ok(record)) = traffic.next_record() {
                        self.kept.plain.extend_from_slice(record.payload);
                    }
                    Ok(false)
                }
                Ok(state) => other(state, &mut self.kept.outgoing, &mut self.end),
                Err(error) => Err(error),
            };
            self.kept.incoming.drain(..discard);
            match outcome {
                Ok(false) => {}
                Ok(true) => return Err(io::ErrorKind::BrokenPipe.into()),
                Err(error) => {
                    (self.end, self.closing) = (Some(End::Cut), true);
                    return Err(io::Error::new(io::ErrorKind::InvalidData, error));
                }
            }
        }
    }

    /// Sends bytes as one record (of up to [`RECORD`] bytes; no more are taken) and one write.
    ///
    /// The count that it returns was taken and must not be sent again, even while a part of it waits
    /// for the socket: until [`Stream::poll_flush`] is ready, no more is taken.
    pub fn poll_send(&mut self, cx: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.poll_flush(cx))?;
        if self.closing {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let taken = octets.len().min(RECORD);
        let sent = SCRATCH.with_borrow_mut(|scratch| {
            let wire = &mut scratch.outgoing;
            let length = self.encrypt(|traffic| traffic.encrypt(&octets[..taken], wire).map_err(Exhausted))?;
            self.send(cx, &wire[..length])
        });
        Poll::Ready(sent.map(|()| taken))
    }

    /// Encrypts up to [`RECORD`] bytes, to be written with what comes next; gives back how many.
    ///
    /// # Errors
    /// When the connection is over.
    pub fn queue(&mut self, octets: &[u8]) -> io::Result<usize> {
        if self.closing {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let taken = octets.len().min(RECORD);
        SCRATCH.with_borrow_mut(|scratch| {
            let wire = &mut scratch.outgoing;
            let length = self.encrypt(|traffic| traffic.encrypt(&octets[..taken], wire).map_err(Exhausted))?;
            self.kept.outgoing.extend_from_slice(&wire[..length]);
            Ok(taken)
        })
    }

    /// Writes as much as the socket takes, and keeps the rest.
    fn send(&mut self, cx: &mut Context<'_>, wire: &[u8]) -> io::Result<()> {
        let mut sent = 0;
        // What rustls itself has to say goes first.
        while sent < wire.len() && !self.is_blocked() {
            match Pin::new(&mut self.io).poll_write(cx, &wire[sent..]) {
                Poll::Ready(Ok(0)) => return Err(io::ErrorKind::WriteZero.into()),
                Poll::Ready(length) => sent += length?,
                Poll::Pending => break,
            }
        }
        self.kept.outgoing.extend_from_slice(&wire[sent..]);
        Ok(())
    }

    /// Writes what the socket did not take yet.
    pub fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut sent = 0;
        let outcome = loop {
            let wire = &self.kept.outgoing[sent..];
            if wire.is_empty() {
                break Poll::Ready(Ok(()));
            }
            match Pin::new(&mut self.io).poll_write(cx, wire) {
                Poll::Ready(Ok(0)) => break Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(length)) => sent += length,
                Poll::Ready(Err(error)) => break Poll::Ready(Err(error)),
                Poll::Pending => break Poll::Pending,
            }
        };
        if sent > 0 {
            // At the end nothing is kept, also no room.
            self.kept.outgoing = self.kept.outgoing.split_off(sent);
        }
        outcome
    }

    /// Says that nothing more will come (close_notify), flushes, and ends the write side.
    pub fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !std::mem::replace(&mut self.closing, true) {
            let mut wire = [0; OVERHEAD];
            let length = self.encrypt(|traffic| traffic.queue_close_notify(&mut wire).map_err(Exhausted))?;
            self.kept.outgoing.extend_from_slice(&wire[..length]);
        }
        ready!(self.poll_flush(cx))?;
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

/// What encrypting can fail from: a key that has encrypted all that it may.
struct Exhausted(rustls::unbuffered::EncryptError);

impl From<Exhausted> for rustls::Error {
    fn from(error: Exhausted) -> Self {
        Self::General(error.0.to_string())
    }
}

/// Sees to what is neither reading nor writing; whether nothing goes on until more has come.
fn other(
    state: ConnectionState<'_, '_, ServerConnectionData>,
    outgoing: &mut Vec<u8>,
    end: &mut Option<End>,
) -> Result<bool, rustls::Error> {
    match state {
        ConnectionState::EncodeTlsData(data) => encode(data, outgoing).map(|()| false),
        ConnectionState::TransmitTlsData(data) => {
            data.done();
            Ok(false)
        }
        ConnectionState::PeerClosed => {
            *end = Some(End::Clean);
            Ok(false)
        }
        // Closed on both sides, or waiting for more.
        _ => Ok(true),
    }
}

/// Adds the alert that an error leaves to `outgoing`. Nothing else may be asked of rustls after an error.
pub(super) fn alert(tls: &mut UnbufferedServerConnection, outgoing: &mut Vec<u8>) -> Result<(), rustls::Error> {
    while tls.wants_write() {
        match tls.process_tls_records(&mut []).state? {
            ConnectionState::EncodeTlsData(data) => encode(data, outgoing)?,
            _ => break,
        }
    }
    Ok(())
}

/// Adds what rustls has to say to `outgoing`.
pub(super) fn encode(
    mut data: EncodeTlsData<'_, ServerConnectionData>,
    outgoing: &mut Vec<u8>,
) -> Result<(), rustls::Error> {
    let start = outgoing.len();
    let mut room = OVERHEAD;
    loop {
        outgoing.resize(start + room, 0);
        match data.encode(&mut outgoing[start..]) {
            Ok(length) => {
                outgoing.truncate(start + length);
                return Ok(());
            }
            Err(EncodeError::InsufficientSize(needs)) => room = needs.required_size,
            Err(error) => {
                outgoing.truncate(start);
                return Err(rustls::Error::General(error.to_string()));
            }
        }
    }
}
