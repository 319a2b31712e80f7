//! The server that everything is compared with: one thread, the system's readiness, rustls with client
//! certificates verified, and no chat behind it. What a client says is forwarded as it is to all others in
//! its room; at the end of each turn everything that waits for a client goes out as one record and one write.
//!
//! It runs as a process of its own, so that its cost is read as that of any other server.

use std::{
    collections::HashMap,
    io::{self, Read, Write},
    path::Path,
    sync::Arc,
};

use conclave::tls::{self, pem};
use mio::{
    Events, Interest, Poll, Token,
    net::{TcpListener, TcpStream},
};
use rustls::{
    RootCertStore, ServerConfig, ServerConnection,
    server::{NoServerSessionStorage, WebPkiClientVerifier},
};
use slab::Slab;

const LISTENER: Token = Token(usize::MAX);
const NAME: &str = "reference.bench.local";

struct Client {
    tcp: TcpStream,
    tls: ServerConnection,
    line: Vec<u8>,
    out: Vec<u8>,
    room: Option<usize>,
    nick: Option<String>,
    user: bool,
    /// Has something to be sent.
    marked: bool,
    leaving: bool,
}

#[derive(Default)]
struct Rooms {
    numbers: HashMap<Vec<u8>, usize>,
    members: Vec<Vec<usize>>,
}

/// Serves until it is killed; says where it listens as `conclave serve` does.
pub(crate) fn serve(certificates: &Path) -> io::Result<()> {
    let config = config(certificates);
    let mut poll = Poll::new()?;
    let mut listener = TcpListener::bind("127.0.0.1:0".parse().unwrap())?;
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    println!("listening on {}", listener.local_addr()?);
    let mut events = Events::with_capacity(1024);
    let (mut clients, mut rooms, mut marked) = (Slab::<Client>::new(), Rooms::default(), Vec::new());
    let mut input = vec![0; 16 << 10];
    loop {
        match poll.poll(&mut events, None) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            other => other?,
        }
        for event in &events {
            if event.token() == LISTENER {
                accept(&listener, &config, &poll, &mut clients);
                continue;
            }
            let Token(me) = event.token();
            let Some(client) = clients.get_mut(me) else { continue };
            mark(client, me, &mut marked);
            if event.is_readable() && client.read(&mut input).is_err() {
                client.leaving = true;
            }
            let lines = std::mem::take(&mut client.line);
            let used = memchr::memrchr(b'\n', &lines).map_or(0, |end| end + 1);
            for line in lines[..used].split_inclusive(|octet| *octet == b'\n') {
                take(line, me, &mut clients, &mut rooms, &mut marked);
            }
            if let Some(client) = clients.get_mut(me) {
                client.line = if used == lines.len() { Vec::new() } else { lines[used..].to_vec() };
            }
        }
        for me in marked.drain(..) {
            let client = &mut clients[me];
            client.marked = false;
            if client.write().is_err() || client.leaving {
                if let Some(room) = client.room {
                    rooms.members[room].retain(|member| *member != me);
                }
                clients.remove(me);
            }
        }
    }
}

fn config(certificates: &Path) -> Arc<ServerConfig> {
    let mut roots = RootCertStore::empty();
    for authority in pem::certificates(&certificates.join("ca.pem")).unwrap() {
        roots.add(authority).unwrap();
    }
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), tls::provider()).build().unwrap();
    let chain = pem::certificates(&certificates.join("server.pem")).unwrap();
    let key = pem::private_key(&certificates.join("server.key")).unwrap();
    let builder = ServerConfig::builder_with_provider(tls::provider()).with_safe_default_protocol_versions().unwrap();
    let mut config = builder.with_client_cert_verifier(verifier).with_single_cert(chain, key).unwrap();
    // As the server that is measured: no sessions are taken up again.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Arc::new(config)
}

fn accept(listener: &TcpListener, config: &Arc<ServerConfig>, poll: &Poll, clients: &mut Slab<Client>) {
    while let Ok((mut tcp, _)) = listener.accept() {
        let entry = clients.vacant_entry();
        let interest = Interest::READABLE | Interest::WRITABLE;
        if tcp
            .set_nodelay(true)
            .and_then(|()| poll.registry().register(&mut tcp, Token(entry.key()), interest))
            .is_err()
        {
            continue;
        }
        let mut tls = ServerConnection::new(Arc::clone(config)).unwrap();
        tls.set_buffer_limit(None);
        let (line, out) = (Vec::new(), Vec::new());
        entry.insert(Client {
            tcp,
            tls,
            line,
            out,
            room: None,
            nick: None,
            user: false,
            marked: false,
            leaving: false,
        });
    }
}

impl Client {
    /// Takes all that is there.
    fn read(&mut self, input: &mut [u8]) -> io::Result<()> {
        loop {
            match self.tls.read_tls(&mut self.tcp) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
            if let Err(error) = self.tls.process_new_packets() {
                let _ = self.tls.write_tls(&mut self.tcp);
                return Err(io::Error::other(error));
            }
            loop {
                match self.tls.reader().read(input) {
                    Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                    Ok(count) => self.line.extend_from_slice(&input[..count]),
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                    Err(error) => return Err(error),
                }
            }
        }
    }

    /// All that waits, as one record, in one write.
    fn write(&mut self) -> io::Result<()> {
        if !self.out.is_empty() {
            self.tls.writer().write_all(&self.out)?;
            // Nothing is kept for who has nothing to get.
            self.out = Vec::new();
        }
        while self.tls.wants_write() {
            match self.tls.write_tls(&mut self.tcp) {
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn welcome(&mut self) {
        let Some(nick) = self.nick.as_ref().filter(|_| self.user) else { return };
        for number in 1..=5 {
            let _ = write!(self.out, ":{NAME} 00{number} {nick} :Welcome to the reference\r\n");
        }
        let _ = write!(self.out, ":{NAME} 375 {nick} :-\r\n:{NAME} 376 {nick} :-\r\n");
    }
}

fn mark(client: &mut Client, me: usize, marked: &mut Vec<usize>) {
    if !std::mem::replace(&mut client.marked, true) {
        marked.push(me);
    }
}

/// One line, with its end.
fn take(line: &[u8], me: usize, clients: &mut Slab<Client>, rooms: &mut Rooms, marked: &mut Vec<usize>) {
    let verb = line.split(|octet| *octet == b' ' || *octet == b'\r').next().unwrap_or_default();
    let client = &mut clients[me];
    let argument = || line.trim_ascii_end().splitn(2, |octet| *octet == b' ').nth(1).unwrap_or_default();
    match verb {
        b"PRIVMSG" => {
            let Some(room) = client.room else { return };
            for &other in &rooms.members[room] {
                if other != me {
                    let client = &mut clients[other];
                    client.out.extend_from_slice(line);
                    mark(client, other, marked);
                }
            }
        }
        b"NICK" => {
            client.nick = Some(String::from_utf8_lossy(argument()).into_owned());
            client.welcome();
        }
        b"USER" => {
            client.user = true;
            client.welcome();
        }
        b"CAP" if argument().starts_with(b"REQ ") => {
            let _ = write!(client.out, ":{NAME} CAP * NAK {}\r\n", String::from_utf8_lossy(&argument()[4..]));
        }
        b"PING" => {
            let token = argument().to_vec();
            client.out.extend([b"PONG ", &*token, b"\r\n"].concat());
        }
        b"JOIN" => {
            let name = argument().to_vec();
            let nick = client.nick.clone().unwrap_or_default();
            let _ = write!(client.out, ":{NAME} 366 {nick} {} :End\r\n", String::from_utf8_lossy(&name));
            let next = rooms.members.len();
            let room = *rooms.numbers.entry(name).or_insert(next);
            if room == next {
                rooms.members.push(Vec::new());
            }
            client.room = Some(room);
            rooms.members[room].push(me);
        }
        b"PART" => {
            if let Some(room) = client.room.take() {
                rooms.members[room].retain(|member| *member != me);
            }
        }
        b"QUIT" => client.leaving = true,
        _ => {}
    }
}
