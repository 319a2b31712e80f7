//! Connections one after the other, some at a time: handshake, registration, goodbye.

use std::{collections::HashSet, io};

use conclave::platform::clock::monotonic;

use super::{Ground, Stretch};
use crate::{
    certs::Exchange,
    engine::{Engine, Handler},
    report::Report,
};

/// A server that takes none of so many takes none.
const GIVE_UP: u64 = 100;

#[derive(Default)]
struct Door {
    present: Vec<usize>,
    registered: u64,
    /// Those that have not yet come in.
    open: HashSet<usize>,
    failed: u64,
}

impl Handler for Door {
    fn line(&mut self, _: usize, _: &[u8]) -> bool {
        false
    }

    fn present(&mut self, me: usize) {
        self.registered += 1;
        self.open.remove(&me);
        self.present.push(me);
    }

    fn gone(&mut self, me: usize, _: &io::Error) {
        self.failed += u64::from(self.open.remove(&me));
    }
}

pub(crate) fn run(ground: &Ground<'_>) -> Report {
    let options = ground.options;
    let mut engine = Engine::new(ground.server.address);
    let mut door = Door::default();
    let mut stretch = Stretch::new(options);
    let mut counts = [0; 2];
    let concurrent = options.concurrent.min(ground.clients.len());
    let mut next = 0;
    while !stretch.is_over() {
        // Who says goodbye is not waited for: some servers let it wait.
        while door.open.len() < concurrent && door.failed < GIVE_UP {
            let me = next % ground.clients.len();
            engine.cut(me);
            engine.open(me, &ground.clients[me], ground.plan(me, Vec::new()));
            door.open.insert(me);
            next += 1;
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
    assert!(counts[1] > counts[0], "nobody came in: the server may not know {exchange}");
    let mut report = Report::new(format!("connect {concurrent} at a time, {exchange}"), ground);
    let (spent, count) = (stretch.spent(), (counts[1] - counts[0]) as f64);
    let each = spent.server.us() / count.max(1.0);
    report.show("us_each", each, format!("{each:.0} us each"));
    report.show("per_s", count / spent.seconds, format!("{:.0}/s", count / spent.seconds));
    let kernel = spent.server.in_kernel();
    report.show("kernel_share", kernel, format!("kernel {:.0} %", 100.0 * kernel));
    if door.failed > 0 {
        report.show("failed", door.failed as f64, format!("{} failed", door.failed));
    }
    report.add("client_us_each", spent.client.us() / count.max(1.0));
    report
}
