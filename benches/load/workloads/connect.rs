//! Connections one after the other, some at a time: handshake, registration, goodbye.

use std::io;

use conclave::platform::clock::monotonic;

use super::{Ground, Stretch};
use crate::{
    certs::Exchange,
    engine::{Engine, Handler},
    report::Report,
};

#[derive(Default)]
struct Door {
    present: Vec<usize>,
    gone: Vec<usize>,
    registered: u64,
}

impl Handler for Door {
    fn line(&mut self, _: usize, _: &[u8]) -> bool {
        false
    }

    fn present(&mut self, me: usize) {
        self.registered += 1;
        self.present.push(me);
    }

    fn gone(&mut self, me: usize, why: &io::Error) {
        use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
        assert!(
            matches!(why.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof),
            "m{me} did not come in: {why}"
        );
        self.gone.push(me);
    }
}

pub(crate) fn run(ground: &Ground<'_>) -> Report {
    let options = ground.options;
    let mut engine = Engine::new(ground.server.address);
    let mut door = Door::default();
    let mut stretch = Stretch::new(options.seconds);
    let mut counts = [0; 2];
    let concurrent = options.concurrent.min(ground.clients.len());
    let (mut next, mut open) = (0, 0);
    while !stretch.is_over() {
        open -= std::mem::take(&mut door.gone).len();
        while open < concurrent {
            let me = next % ground.clients.len();
            engine.open(me, &ground.clients[me], ground.plan(me, Vec::new()));
            next += 1;
            open += 1;
        }
        engine.turn(stretch.next(), &mut door);
        for me in std::mem::take(&mut door.present) {
            if let Some(out) = engine.say(me) {
                out.extend_from_slice(b"QUIT\r\n");
            }
        }
        let first = stretch.next() == stretch.begin;
        if stretch.tick(monotonic(), ground.server) {
            counts[usize::from(!first)] = door.registered;
        }
    }
    let exchange = match options.exchange {
        Exchange::X25519 => "X25519",
        Exchange::X25519MlKem768 => "X25519MLKEM768",
    };
    let mut report = Report::new(format!("connect {concurrent} at a time, {exchange}"), ground.kind.name());
    let (spent, count) = (stretch.spent(), (counts[1] - counts[0]) as f64);
    let each = spent.server.us() / count.max(1.0);
    report.show("us_each", each, format!("{each:.0} us each"));
    report.show("per_s", count / spent.seconds, format!("{:.0}/s", count / spent.seconds));
    let kernel = spent.server.in_kernel();
    report.show("kernel_share", kernel, format!("kernel {:.0} %", 100.0 * kernel));
    report.add("client_us_each", spent.client.us() / count.max(1.0));
    report
}
