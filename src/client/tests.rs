//! The whole client against a server in memory, with paused time.

use std::{collections::VecDeque, io};

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, Lines, ReadHalf, WriteHalf, duplex, split},
    sync::mpsc,
};

use super::*;

type Served = DuplexStream;

/// Gives out connections, and troubles instead of them.
struct FakeDial {
    next: VecDeque<Result<Served, Trouble>>,
    dialed: mpsc::UnboundedSender<tokio::time::Instant>,
}

impl Dial for FakeDial {
    type Stream = Served;

    async fn dial(&mut self) -> Result<Served, Trouble> {
        let _ = self.dialed.send(tokio::time::Instant::now());
        match self.next.pop_front() {
            Some(next) => next,
            None => std::future::pending().await,
        }
    }

    async fn judge(&mut self, _: &mut Served, error: io::Error, _: &mut Vec<u8>) -> Trouble {
        Trouble::Lost(error.to_string())
    }
}

#[derive(Default)]
struct FakeScreen {
    input: VecDeque<Input>,
    shown: Vec<String>,
}

impl Screen for FakeScreen {
    async fn input(&mut self) -> Input {
        match self.input.pop_front() {
            Some(input) => input,
            None => std::future::pending().await,
        }
    }

    fn show(&mut self, event: &Event) -> io::Result<()> {
        self.shown.push(format!("{:?}", event.what));
        Ok(())
    }

    fn pending(&mut self, place: usize, typed: &str) -> io::Result<()> {
        self.shown.push(format!("pending {place} {typed}"));
        Ok(())
    }

    fn note(&mut self, text: &str) -> io::Result<()> {
        self.shown.push(format!("note {text}"));
        Ok(())
    }

    fn status(&mut self, _: Option<&str>, _: bool) -> io::Result<()> {
        Ok(())
    }
}

/// The server's end of a connection.
struct Peer {
    lines: Lines<BufReader<ReadHalf<Served>>>,
    write: WriteHalf<Served>,
}

impl Peer {
    fn pair() -> (Served, Self) {
        let (near, far) = duplex(4096);
        let (read, write) = split(far);
        (near, Self { lines: BufReader::new(read).lines(), write })
    }

    async fn expect(&mut self, line: &str) {
        assert_eq!(self.lines.next_line().await.unwrap().as_deref(), Some(line));
    }

    async fn say(&mut self, line: &str) {
        self.write.write_all(format!("{line}\r\n").as_bytes()).await.unwrap();
    }

    /// What was read is confirmed, then the goodbye comes.
    async fn parts(&mut self) {
        self.expect("PING conclave-fence").await;
        self.say(":s PONG s conclave-fence").await;
        self.expect("QUIT").await;
    }

    async fn register(&mut self) {
        self.expect("CAP LS 302").await;
        self.expect("NICK alice").await;
        self.expect("USER alice@conclave 0 * alice").await;
        let caps = "batch echo-message labeled-response message-tags";
        self.say(&format!(":s CAP * LS :{caps}")).await;
        self.expect(&format!("CAP REQ :{caps}")).await;
        self.say(&format!(":s CAP * ACK :{caps}")).await;
        self.expect("CAP END").await;
        self.say(":s 422 alice :none").await;
        self.expect("PING welcome").await;
        self.say(":s PONG s welcome").await;
        self.expect("JOIN #a").await;
        self.say(":alice!a@n JOIN #a").await;
    }
}

fn core(source: Source) -> Core {
    Core::new(Options {
        account: "alice".into(),
        rooms: vec!["#a".into()],
        source,
        origin: "o".into(),
        program: "conclave",
    })
}

fn dial(next: Vec<Result<Served, Trouble>>) -> (FakeDial, mpsc::UnboundedReceiver<tokio::time::Instant>) {
    #[expect(clippy::disallowed_methods, reason = "a handful of items in a test")]
    let (dialed, times) = mpsc::unbounded_channel();
    (FakeDial { next: next.into(), dialed }, times)
}

fn lines(lines: &[&str]) -> FakeScreen {
    let input = lines.iter().map(|line| Input::Line((*line).to_owned())).chain([Input::End]);
    FakeScreen { input: input.collect(), shown: Vec::new() }
}

#[tokio::test(start_paused = true)]
async fn a_pipe_is_sent_acknowledged_and_quit() {
    let (stream, mut peer) = Peer::pair();
    let (mut dial, _times) = dial(vec![Ok(stream)]);
    let (mut core, mut screen, stop) = (core(Source::Pipe), lines(&["one", "two"]), Stop::new());
    let server = async {
        peer.register().await;
        peer.expect("@label=1 PRIVMSG #a one").await;
        peer.expect("@label=2 PRIVMSG #a two").await;
        peer.say("@label=1 :alice!a@n PRIVMSG #a one").await;
        peer.say("@label=2 :alice!a@n PRIVMSG #a two").await;
        peer.parts().await;
        peer.say("ERROR :bye").await;
        drop(peer);
    };
    let (end, ()) = tokio::join!(run(&mut core, &mut dial, &mut screen, &stop, || 0), server);
    assert_eq!(end.unwrap(), End::Quit);
    assert!(screen.shown.iter().any(|line| line.contains("\"two\"")), "{:?}", screen.shown);
}

#[tokio::test(start_paused = true)]
async fn a_lost_connection_is_made_again_and_the_lines_sent_again() {
    let (first, mut one) = Peer::pair();
    let (second, mut two) = Peer::pair();
    let refused = || Err(Trouble::Lost("nobody listens".into()));
    let (mut dial, mut times) = dial(vec![Ok(first), refused(), refused(), Ok(second)]);
    let (mut core, mut screen, stop) = (core(Source::Pipe), lines(&["one", "two"]), Stop::new());
    let server = async {
        one.register().await;
        one.expect("@label=1 PRIVMSG #a one").await;
        one.expect("@label=2 PRIVMSG #a two").await;
        one.say("@label=1 :alice!a@n PRIVMSG #a one").await;
        drop(one);
        two.register().await;
        two.expect("@label=3 PRIVMSG #a two").await;
        two.say("@label=3 :alice!a@n PRIVMSG #a two").await;
        two.parts().await;
        drop(two);
    };
    let (end, ()) = tokio::join!(run(&mut core, &mut dial, &mut screen, &stop, || u64::MAX), server);
    assert_eq!(end.unwrap(), End::Quit);
    let mut at = Vec::new();
    while let Ok(time) = times.try_recv() {
        at.push(time);
    }
    let waits: Vec<u64> = at.windows(2).map(|pair| (pair[1] - pair[0]).as_secs_f32().round() as u64).collect();
    assert_eq!(waits, [1, 2, 4]);
    let shown = screen.shown.join("\n");
    for expect in [
        "pending 1 two",
        "note connection lost (the server closed the connection); trying again in 1.0 s",
        "note cannot connect (nobody listens); trying again in 2.0 s",
    ] {
        assert!(shown.contains(expect), "{expect:?} in\n{shown}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_first_connection_must_succeed() {
    let (mut first, _times) = dial(vec![Err(Trouble::Lost("nobody listens".into()))]);
    let (mut client, mut screen, stop) = (core(Source::Pipe), lines(&["one"]), Stop::new());
    let error = run(&mut client, &mut first, &mut screen, &stop, || 0).await.unwrap_err();
    assert!(matches!(&error, Fatal::Network(reason) if reason == "nobody listens"), "{error:?}");

    // A server that closes before the registration, with its reason.
    let (stream, mut peer) = Peer::pair();
    let (mut closing, _times) = dial(vec![Ok(stream)]);
    let mut client = core(Source::Pipe);
    let server = async {
        peer.say("ERROR :too many connections").await;
        drop(peer);
    };
    let (end, ()) = tokio::join!(run(&mut client, &mut closing, &mut screen, &stop, || 0), server);
    assert!(matches!(end, Err(Fatal::Network(reason)) if reason == "too many connections"));
}

#[tokio::test(start_paused = true)]
async fn a_refusal_ends_it_whenever_it_comes() {
    let (stream, mut peer) = Peer::pair();
    let refused = Err(Trouble::Final(Fatal::Refused("revoked".into())));
    let (mut dial, _times) = dial(vec![Ok(stream), refused]);
    let (mut core, mut screen, stop) = (core(Source::Pipe), lines(&["one"]), Stop::new());
    let server = async {
        peer.register().await;
        drop(peer);
    };
    let (end, ()) = tokio::join!(run(&mut core, &mut dial, &mut screen, &stop, || 0), server);
    assert!(matches!(end, Err(Fatal::Refused(reason)) if reason == "revoked"));
    assert!(screen.shown.last().unwrap().contains("1 line was not acknowledged"), "{:?}", screen.shown);
}

#[tokio::test(start_paused = true)]
async fn an_interrupt_ends_it_with_a_last_word() {
    let (stream, mut peer) = Peer::pair();
    let (mut dial, _times) = dial(vec![Ok(stream)]);
    let (mut core, mut screen, stop) = (core(Source::Person), FakeScreen::default(), Stop::new());
    let server = async {
        peer.register().await;
        stop.request();
        peer.expect("QUIT").await;
        assert_eq!(peer.lines.next_line().await.unwrap(), None);
    };
    let (end, ()) = tokio::join!(run(&mut core, &mut dial, &mut screen, &stop, || 0), server);
    assert_eq!(end.unwrap(), End::Interrupted);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_falls_silent_is_left() {
    let (stream, mut peer) = Peer::pair();
    let (mut dial, mut times) = dial(vec![Ok(stream)]);
    let (mut core, mut screen, stop) = (core(Source::Person), FakeScreen::default(), Stop::new());
    let server = async {
        peer.register().await;
        peer.expect("PING alive").await;
        times.recv().await.unwrap();
        times.recv().await.unwrap();
        stop.request();
    };
    let (end, ()) = tokio::join!(run(&mut core, &mut dial, &mut screen, &stop, || u64::MAX), server);
    assert_eq!(end.unwrap(), End::Interrupted);
    let shown = screen.shown.join("\n");
    assert!(shown.contains("connection lost (the server has not answered for 30 s)"), "{shown}");
}
