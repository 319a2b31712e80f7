//! One member's connection: TLS without buffers of its own, whole lines out of it, and the way from
//! the handshake into its rooms.

use std::{
    io::{self, Read, Write},
    sync::Arc,
};

use memchr::{memchr, memchr_iter};
use mio::net::TcpStream;
use rustls::{
    ClientConfig,
    client::UnbufferedClientConnection,
    pki_types::ServerName,
    unbuffered::{ConnectionState, EncodeError, EncryptError, UnbufferedStatus},
};

use super::engine::Handler;

/// Plain octets of one record.
const RECORD: usize = 16 << 10;
/// What a record needs beside them.
const OVERHEAD: usize = 64;

/// What a member asks for, and where it goes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Plan {
    pub(crate) nick: String,
    pub(crate) caps: &'static [&'static str],
    pub(crate) rooms: Vec<String>,
}

/// How far a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// The system connects.
    Tcp,
    Handshake,
    Registration,
    /// Rooms are to be entered.
    Joining,
    Present,
}

/// One connection.
pub(crate) struct Connection {
    pub(crate) tcp: TcpStream,
    tls: UnbufferedClientConnection,
    pub(crate) stage: Stage,
    /// The rooms are those that are still to be entered.
    plan: Plan,
    /// Whether the server sends a member's lines back to it.
    pub(crate) echo: bool,
    /// The beginning of a record, and of a line.
    record: Vec<u8>,
    line: Vec<u8>,
    /// What is to be said, and what is encrypted and was not taken yet.
    pub(crate) out: Vec<u8>,
    wire: Vec<u8>,
    pub(crate) ended: bool,
}

/// Room for what comes in and goes out, for all connections.
pub(crate) struct Scratch {
    input: Vec<u8>,
    output: Vec<u8>,
}

impl Scratch {
    pub(crate) fn new() -> Self {
        Self { input: vec![0; 80 << 10], output: vec![0; RECORD + OVERHEAD] }
    }
}

impl Connection {
    pub(crate) fn new(tcp: TcpStream, config: Arc<ClientConfig>, plan: Plan) -> Self {
        let name = ServerName::try_from("localhost").expect("a name");
        let tls = UnbufferedClientConnection::new(config, name).expect("a TLS connection");
        Self {
            tcp,
            tls,
            stage: Stage::Tcp,
            plan,
            echo: false,
            record: Vec::new(),
            line: Vec::new(),
            out: Vec::new(),
            wire: Vec::new(),
            ended: false,
        }
    }

    /// The system says that something can be written.
    pub(crate) fn writable<H: Handler>(&mut self, me: usize, scratch: &mut Scratch, handler: &mut H) -> io::Result<()> {
        if self.stage == Stage::Tcp {
            if let Some(error) = self.tcp.take_error()? {
                return Err(error);
            }
            match self.tcp.peer_addr() {
                Err(error) if error.kind() == io::ErrorKind::NotConnected => return Ok(()),
                other => drop(other?),
            }
            self.tcp.set_nodelay(true)?;
            self.stage = Stage::Handshake;
            self.take(me, &mut [], handler)?;
        }
        self.flush(scratch)
    }

    /// The system says that something can be read: takes all of it.
    pub(crate) fn readable<H: Handler>(&mut self, me: usize, scratch: &mut Scratch, handler: &mut H) -> io::Result<()> {
        loop {
            let kept = self.record.len();
            scratch.input[..kept].copy_from_slice(&self.record);
            let room = scratch.input.len() - kept;
            let count = match self.tcp.read(&mut scratch.input[kept..]) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return self.flush(scratch),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            handler.woken();
            let used = self.take(me, &mut scratch.input[..kept + count], handler)?;
            self.record.clear();
            self.record.extend_from_slice(&scratch.input[used..kept + count]);
            if self.ended {
                return Err(io::ErrorKind::ConnectionAborted.into());
            }
            // Less than there was room for: there is no more.
            if count < room {
                return self.flush(scratch);
            }
        }
    }

    /// Decrypts records; returns how many octets were used.
    fn take<H: Handler>(&mut self, me: usize, input: &mut [u8], handler: &mut H) -> io::Result<usize> {
        let mut used = 0;
        loop {
            let UnbufferedStatus { mut discard, state } = self.tls.process_tls_records(&mut input[used..]);
            let mut over = false;
            match state.map_err(io::Error::other)? {
                ConnectionState::ReadTraffic(mut traffic) => {
                    let mut lines = Lines { plan: &mut self.plan, stage: &mut self.stage, echo: &mut self.echo };
                    while let Some(record) = traffic.next_record() {
                        let record = record.map_err(io::Error::other)?;
                        discard += record.discard;
                        lines.split(me, record.payload, &mut self.line, &mut self.out, handler);
                    }
                }
                ConnectionState::EncodeTlsData(mut data) => encode(&mut self.wire, |room| data.encode(room))?,
                ConnectionState::TransmitTlsData(data) => data.done(),
                ConnectionState::WriteTraffic(_) => {
                    if self.stage == Stage::Handshake {
                        self.stage = Stage::Registration;
                        self.plan.introduce(&mut self.out);
                    }
                    over = true;
                }
                ConnectionState::PeerClosed | ConnectionState::Closed => {
                    self.ended = true;
                    over = true;
                }
                ConnectionState::BlockedHandshake => over = true,
                _ => return Err(io::Error::other("an odd state of TLS")),
            }
            used += discard;
            if over {
                return Ok(used);
            }
        }
    }

    /// Encrypts what is to be said, as few records as it takes, and writes what the system takes.
    pub(crate) fn flush(&mut self, scratch: &mut Scratch) -> io::Result<()> {
        if !self.wire.is_empty() {
            let count = write(&mut self.tcp, &self.wire)?;
            self.wire.drain(..count);
        }
        if self.out.is_empty() || matches!(self.stage, Stage::Tcp | Stage::Handshake) || !self.wire.is_empty() {
            return Ok(());
        }
        let mut said = 0;
        while said < self.out.len() && self.wire.is_empty() {
            let UnbufferedStatus { state, .. } = self.tls.process_tls_records(&mut []);
            match state.map_err(io::Error::other)? {
                ConnectionState::WriteTraffic(mut traffic) => {
                    let end = self.out.len().min(said + RECORD);
                    let length = traffic
                        .encrypt(&self.out[said..end], &mut scratch.output)
                        .map_err(|error: EncryptError| io::Error::other(error.to_string()))?;
                    said = end;
                    let count = write(&mut self.tcp, &scratch.output[..length])?;
                    self.wire.extend_from_slice(&scratch.output[count..length]);
                }
                ConnectionState::EncodeTlsData(mut data) => encode(&mut self.wire, |room| data.encode(room))?,
                ConnectionState::TransmitTlsData(data) => data.done(),
                _ => return Err(io::ErrorKind::ConnectionAborted.into()),
            }
        }
        self.out.drain(..said);
        if !self.wire.is_empty() {
            let count = write(&mut self.tcp, &self.wire)?;
            self.wire.drain(..count);
        }
        Ok(())
    }

    /// Enters another room; the handler hears of it as of the first ones.
    pub(crate) fn enter(&mut self, room: &str) {
        self.stage = Stage::Joining;
        self.plan.rooms = vec![room.to_owned()];
        let _ = write!(self.out, "JOIN {room}\r\n");
    }

    /// Nothing of what was to be said waits any more.
    pub(crate) fn is_flushed(&self) -> bool {
        self.out.is_empty() && self.wire.is_empty()
    }
}

fn write(tcp: &mut TcpStream, octets: &[u8]) -> io::Result<usize> {
    loop {
        match tcp.write(octets) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(0),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}

/// A record of the handshake, into a buffer that grows for it.
fn encode(wire: &mut Vec<u8>, mut into: impl FnMut(&mut [u8]) -> Result<usize, EncodeError>) -> io::Result<()> {
    let start = wire.len();
    wire.resize(start + RECORD + OVERHEAD, 0);
    let length = into(&mut wire[start..]).map_err(|error| io::Error::other(error.to_string()))?;
    wire.truncate(start + length);
    Ok(())
}

impl Plan {
    fn introduce(&self, out: &mut Vec<u8>) {
        for cap in self.caps {
            let _ = write!(out, "CAP REQ :{cap}\r\n");
        }
        let nick = &self.nick;
        let _ = write!(out, "NICK {nick}\r\nUSER {nick} 0 * :{nick}\r\n");
        if !self.caps.is_empty() {
            out.extend_from_slice(b"CAP END\r\n");
        }
    }
}

/// What the lines of a connection concern, beside the TLS that they come out of.
struct Lines<'a> {
    plan: &'a mut Plan,
    stage: &'a mut Stage,
    echo: &'a mut bool,
}

impl Lines<'_> {
    #[inline]
    fn split<H: Handler>(
        &mut self,
        me: usize,
        mut text: &[u8],
        part: &mut Vec<u8>,
        out: &mut Vec<u8>,
        handler: &mut H,
    ) {
        if !part.is_empty() {
            let Some(end) = memchr(b'\n', text) else { return part.extend_from_slice(text) };
            part.extend_from_slice(&text[..end]);
            self.line(me, part, out, handler);
            part.clear();
            text = &text[end + 1..];
        }
        let mut start = 0;
        for end in memchr_iter(b'\n', text) {
            self.line(me, &text[start..end], out, handler);
            start = end + 1;
        }
        part.extend_from_slice(&text[start..]);
    }

    #[inline]
    fn line<H: Handler>(&mut self, me: usize, line: &[u8], out: &mut Vec<u8>, handler: &mut H) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if !handler.line(me, line) {
            self.other(me, line, out, handler);
        }
    }

    /// A line that is not the load's own: the server's.
    #[inline(never)]
    fn other<H: Handler>(&mut self, me: usize, line: &[u8], out: &mut Vec<u8>, handler: &mut H) {
        let untagged = match line {
            [b'@', ..] => line.splitn(2, |octet| *octet == b' ').nth(1).unwrap_or_default(),
            _ => line,
        };
        let mut words = untagged.split(|octet| *octet == b' ');
        let mut verb = words.next().unwrap_or_default();
        if verb.starts_with(b":") {
            verb = words.next().unwrap_or_default();
        }
        match verb {
            b"PING" => {
                out.extend_from_slice(b"PONG");
                words.for_each(|word| out.extend([b" ", word].concat()));
                out.extend_from_slice(b"\r\n");
            }
            b"CAP" => *self.echo |= memchr::memmem::find(line, b" ACK :echo-message").is_some(),
            b"376" | b"422" if *self.stage == Stage::Registration => {
                *self.stage = Stage::Joining;
                for room in &self.plan.rooms {
                    let _ = write!(out, "JOIN {room}\r\n");
                }
            }
            // A server may put members back into their rooms without being asked.
            b"366" => {
                let room = words.nth(1).unwrap_or_default();
                self.plan.rooms.retain(|ours| ours.as_bytes() != room);
            }
            b"ERROR" => handler.farewell(me, line),
            b"432" | b"433" | b"437" | b"451" | b"464" | b"465" | b"471" | b"473" | b"474" | b"475" | b"405" => {
                handler.farewell(me, line);
            }
            _ => {}
        }
        if *self.stage == Stage::Joining && self.plan.rooms.is_empty() {
            *self.stage = Stage::Present;
            handler.present(me);
        }
    }
}
