//! The client that does too much, in a thread of its own.

use std::{
    collections::VecDeque,
    io::{self, Write},
    net::{SocketAddr, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use conclave::platform::clock::monotonic;
use rustls::{ClientConfig, client::UnbufferedClientConnection, pki_types::ServerName, unbuffered::ConnectionState};

use super::chat::ROOM;
use crate::{
    connection::Plan,
    engine::{Engine, Handler},
};

/// What it does too much of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flood {
    Lines,
    Tags,
    Joins,
    Pages,
    /// Handshakes that it begins and leaves.
    Handshakes,
    /// Asking, and not reading the answers.
    Unread,
}

impl Flood {
    pub(crate) const ALL: [Self; 6] =
        [Self::Lines, Self::Tags, Self::Joins, Self::Pages, Self::Handshakes, Self::Unread];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Lines => "lines",
            Self::Tags => "tags",
            Self::Joins => "joins",
            Self::Pages => "pages",
            Self::Handshakes => "handshakes",
            Self::Unread => "unread",
        }
    }

    const fn caps(self) -> &'static [&'static str] {
        match self {
            Self::Tags => &["message-tags"],
            Self::Pages => &["batch", "server-time", "message-tags", "draft/chathistory"],
            _ => &[],
        }
    }

    /// Some lines of it.
    fn lines(self, out: &mut Vec<u8>, from: u64) {
        let tags = "x".repeat(4000);
        for n in from..from + 50 {
            let _ = match self {
                Self::Lines | Self::Handshakes => write!(out, "PRIVMSG {ROOM} :flood {n}\r\n"),
                Self::Tags => write!(out, "@+flood={tags} PRIVMSG {ROOM} :{n}\r\n"),
                Self::Joins => write!(out, "JOIN #flood{n}\r\nPART #flood{n}\r\n"),
                Self::Pages => write!(out, "CHATHISTORY LATEST {ROOM} * 100\r\n"),
                Self::Unread => write!(out, "NAMES {ROOM}\r\nWHO {ROOM}\r\nHELP\r\n"),
            };
        }
    }
}

/// How much it was.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Done {
    pub(crate) octets: u64,
    pub(crate) connections: u64,
}

pub(crate) struct Flooder {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Done>,
}

impl Flooder {
    pub(crate) fn start(flood: Flood, server: SocketAddr, config: &Arc<ClientConfig>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (flag, config) = (Arc::clone(&stop), Arc::clone(config));
        let thread = std::thread::spawn(move || {
            // Whoever does this does it elsewhere: here it gets what the server and the others leave.
            let _ = rustix::process::setpriority_process(None, 19);
            match flood {
                Flood::Handshakes => begin_handshakes(server, &config, &flag),
                _ => talk(flood, server, &config, &flag),
            }
        });
        Self { stop, thread }
    }

    pub(crate) fn stop(self) -> Done {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().expect("the flooder ends")
    }
}

#[derive(Default)]
struct Deaf {
    present: bool,
    gone: bool,
}

impl Handler for Deaf {
    fn line(&mut self, _: usize, _: &[u8]) -> bool {
        false
    }

    fn present(&mut self, _: usize) {
        self.present = true;
    }

    fn gone(&mut self, _: usize, _: &io::Error) {
        self.gone = true;
    }
}

/// As fast as the connection takes it; comes back when it is cut.
fn talk(flood: Flood, server: SocketAddr, config: &Arc<ClientConfig>, stop: &AtomicBool) -> Done {
    let mut done = Done::default();
    let mut n = 0;
    while !stop.load(Ordering::Relaxed) {
        let (mut engine, mut handler) = (Engine::new(server), Deaf::default());
        engine.deaf = flood == Flood::Unread;
        // The first of those who do not chat.
        let plan = Plan { nick: "m100".into(), caps: flood.caps(), rooms: vec![ROOM.into()] };
        engine.open(0, config, plan);
        done.connections += 1;
        while !stop.load(Ordering::Relaxed) && !handler.gone {
            if handler.present && engine.is_flushed(0) {
                let Some(out) = engine.say(0) else { break };
                flood.lines(out, n);
                done.octets += out.len() as u64;
                n += 50;
            }
            engine.turn(monotonic() + Duration::from_millis(50), &mut handler);
        }
    }
    done
}

/// Half handshakes, a few hundred of them open at any time.
fn begin_handshakes(server: SocketAddr, config: &Arc<ClientConfig>, stop: &AtomicBool) -> Done {
    let (mut done, mut open) = (Done::default(), VecDeque::new());
    while !stop.load(Ordering::Relaxed) {
        let hello = hello(config);
        let begun = TcpStream::connect_timeout(&server, Duration::from_millis(100)).and_then(|mut tcp| {
            tcp.write_all(&hello)?;
            Ok(tcp)
        });
        match begun {
            Ok(tcp) => {
                done.octets += hello.len() as u64;
                done.connections += 1;
                open.push_back(tcp);
            }
            Err(_) => std::thread::sleep(Duration::from_millis(1)),
        }
        if open.len() > 500 {
            open.pop_front();
        }
    }
    done
}

/// The first flight of a client.
fn hello(config: &Arc<ClientConfig>) -> Vec<u8> {
    let name = ServerName::try_from("localhost").expect("a name");
    let mut tls = UnbufferedClientConnection::new(Arc::clone(config), name).expect("a TLS connection");
    let mut hello = vec![0; 4096];
    let state = tls.process_tls_records(&mut []).state.expect("a state");
    let ConnectionState::EncodeTlsData(mut data) = state else { panic!("no hello") };
    let length = data.encode(&mut hello).expect("a hello");
    hello.truncate(length);
    hello
}
