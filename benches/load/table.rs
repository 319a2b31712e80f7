//! All workloads on all servers that are there, each as a process of its own with a deadline, one server
//! after the other for each workload, so that all of them meet the machine in the same state; and one table,
//! with our goals beside it.

use std::{
    fs::File,
    io::{Read, Write},
    os::unix::process::CommandExt,
    process::{Command, Stdio},
    time::Duration,
};

use conclave::platform::clock::monotonic;
use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::Value;

use crate::{
    common::{Arguments, place, table},
    options::Options,
    servers::Kind,
};

/// How long one workload may take on one server.
const DEADLINE: Duration = Duration::from_secs(150);

/// What is to be reached.
#[derive(Clone, Copy)]
enum Goal {
    AtMost(f64),
    AtLeast(f64),
    /// At most so many times what the reference takes in the same run.
    Times(f64),
    Open,
}

/// One run of this program, for each server.
struct Run {
    arguments: &'static str,
    servers: fn(Kind) -> bool,
    rows: &'static [Row],
}

/// One figure of it.
struct Row {
    name: &'static str,
    figure: &'static str,
    goal: Goal,
}

const fn row(name: &'static str, figure: &'static str, goal: Goal) -> Row {
    Row { name, figure, goal }
}

const LESS: fn(Kind) -> bool = |kind| kind != Kind::Reference;
const OURS: fn(Kind) -> bool = |kind| matches!(kind, Kind::Conclave | Kind::ConclaveSqlite);

const RUNS: &[Run] = &[
    Run {
        arguments: "fanout",
        servers: |_| true,
        rows: &[
            row("fan-out, 100 members, 32 under way: us/delivery", "us_per_delivery", Goal::AtMost(0.25)),
            row("  thousand deliveries/s", "thousand_per_s", Goal::AtLeast(3000.0)),
        ],
    },
    Run {
        arguments: "fanout --under-way 1",
        servers: |_| true,
        rows: &[
            row("fan-out, 100 members, 1 under way: us/delivery", "us_per_delivery", Goal::AtMost(0.9)),
            row("  thousand deliveries/s", "thousand_per_s", Goal::AtLeast(700.0)),
        ],
    },
    Run {
        arguments: "fanout --members 1000",
        servers: |_| true,
        rows: &[row("fan-out, 1000 members, 32 under way: us/delivery", "us_per_delivery", Goal::AtMost(0.35))],
    },
    Run {
        arguments: "fanout --members 10",
        servers: |_| true,
        rows: &[row("fan-out, 10 members, 32 under way: us/delivery", "us_per_delivery", Goal::AtMost(0.65))],
    },
    Run {
        arguments: "fanout --caps modern",
        servers: |kind| !matches!(kind, Kind::Reference | Kind::NgIrcd),
        rows: &[row("fan-out, 100, 32, with capabilities: us/delivery", "us_per_delivery", Goal::Open)],
    },
    Run {
        arguments: "latency",
        servers: |_| true,
        rows: &[
            row("200 lines/s, 100 members: p50 ms", "p50_ms", Goal::Open),
            row("  p99 ms", "p99_ms", Goal::Times(1.2)),
            row("  p99.9 ms", "p999_ms", Goal::Open),
            row("  us/delivery", "us_per_delivery", Goal::Open),
        ],
    },
    Run {
        arguments: "idle --connections 2000",
        servers: |_| true,
        rows: &[row("idle, 2000, a room each: KiB/connection", "kib_each", Goal::AtMost(10.0))],
    },
    Run {
        arguments: "idle --connections 2000 --rooms one",
        servers: |_| true,
        rows: &[row("idle, 2000, one room: KiB/connection", "kib_each", Goal::AtMost(10.0))],
    },
    Run {
        arguments: "connect",
        servers: |_| true,
        rows: &[row("connect, X25519: us each", "us_each", Goal::Times(1.25))],
    },
    Run {
        arguments: "connect --kx x25519mlkem768",
        servers: |kind| !matches!(kind, Kind::NgIrcd | Kind::InspIrcd),
        rows: &[row("connect, X25519MLKEM768: us each", "us_each", Goal::Times(1.25))],
    },
    Run {
        arguments: "storm",
        servers: |_| true,
        rows: &[
            row("storm, 200 of 1000 quit in 10 s: p99 ms of others", "p99_ms", Goal::Open),
            row("  server s", "server_s", Goal::Open),
        ],
    },
    Run {
        arguments: "mixed",
        servers: LESS,
        rows: &[
            row("mixed, 500 members, 500 acts/s: p99 ms", "p99_ms", Goal::Open),
            row("  server busy, of one core", "server_busy", Goal::Open),
        ],
    },
    Run { arguments: "floods --floods lines", servers: OURS, rows: FLOOD[0] },
    Run { arguments: "floods --floods tags", servers: OURS, rows: FLOOD[1] },
    Run { arguments: "floods --floods joins", servers: OURS, rows: FLOOD[2] },
    Run { arguments: "floods --floods pages", servers: OURS, rows: FLOOD[3] },
    Run { arguments: "floods --floods handshakes", servers: OURS, rows: FLOOD[4] },
    Run { arguments: "floods --floods unread", servers: OURS, rows: FLOOD[5] },
];

const FLOOD: [&[Row]; 6] = [
    &[row("flood of lines: p99 during / before", "p99_growth", Goal::AtMost(2.0))],
    &[row("flood of tags: p99 during / before", "p99_growth", Goal::AtMost(2.0))],
    &[row("flood of joins: p99 during / before", "p99_growth", Goal::AtMost(2.0))],
    &[row("flood of pages: p99 during / before", "p99_growth", Goal::AtMost(2.0))],
    &[row("flood of half handshakes: p99 during / before", "p99_growth", Goal::AtMost(2.0))],
    &[row("flood of unread answers: p99 during / before", "p99_growth", Goal::AtMost(2.0))],
];

/// With `--quick`: other numbers for the large ones.
const QUICK: [(&str, &str); 5] = [
    ("fanout --members 1000", "fanout --members 200"),
    ("idle --connections 2000", "idle --connections 200"),
    ("idle --connections 2000 --rooms one", "idle --connections 200 --rooms one"),
    ("storm", "storm --members 100 --leavers 20 --within 2"),
    ("mixed", "mixed --members 100"),
];

/// The figures of a cell: those of each round.
type Cell = Vec<f64>;

pub(crate) fn run(arguments: &Arguments, options: &Options) {
    let mut file = arguments.value("--json-file").map(|path| File::create(path).expect("a file for JSON"));
    let quick = arguments.has("--quick");
    let mut cells: Vec<Vec<Vec<Cell>>> =
        RUNS.iter().map(|run| vec![vec![Cell::new(); options.servers.len()]; run.rows.len()]).collect();
    for round in 1..=options.repeat {
        for (run, rows) in RUNS.iter().zip(&mut cells) {
            for (column, kind) in options.servers.iter().enumerate().filter(|(_, kind)| (run.servers)(**kind)) {
                let smaller = QUICK.iter().find(|(large, _)| quick && *large == run.arguments);
                let what = smaller.map_or(run.arguments, |(_, small)| small);
                eprintln!("round {round}: {what} on {}", kind.name());
                let Some(line) = measure(what, *kind, arguments, quick) else { continue };
                if arguments.has("--json") {
                    println!("{line}");
                }
                file.iter_mut().for_each(|file| writeln!(file, "{line}").expect("JSON is written"));
                for (row, cells) in run.rows.iter().zip(rows.iter_mut()) {
                    cells[column].extend(line[row.figure].as_f64());
                }
            }
        }
    }
    if !arguments.has("--json") {
        println!("{}\n\n{}", place(&options.certs), table(&shown(&options.servers, &cells)));
        if quick {
            println!("With --quick, the large workloads have smaller numbers than their names say.");
        }
        println!(
            "ngircd, inspircd and ergo verify no certificates of clients here; conclave and the reference verify them.\n\
             A cell is the median of {} round(s); - was not run, failed did not end well.",
            options.repeat
        );
    }
}

/// Runs a workload on a server in a process group of its own; nothing of it is left behind.
fn measure(what: &str, kind: Kind, arguments: &Arguments, quick: bool) -> Option<Value> {
    let program = std::env::current_exe().expect("this program");
    let mut command = Command::new(&program);
    if what.starts_with("floods") && is_realtime() {
        // Who floods would take turns with who is measured.
        command = Command::new("chrt");
        command.args(["--other", "0"]).arg(program);
    }
    command.args(what.split(' ')).args(["--bench", "--json", "--server", kind.name()]);
    for flag in ["--conclave", "--ergo", "--certs", "--dir", "--threads", "--server-args", "--seconds"] {
        if let Some(value) = arguments.value(flag) {
            command.args([flag, value]);
        }
    }
    if quick && !arguments.has("--seconds") {
        command.args(["--seconds", "1"]);
    }
    let mut child = command.stdout(Stdio::piped()).process_group(0).spawn().expect("this program starts again");
    let begin = monotonic();
    let status = loop {
        match child.try_wait().expect("the child's end") {
            None if begin.elapsed() < DEADLINE => std::thread::sleep(Duration::from_millis(50)),
            status => break status,
        }
    };
    // The server, too, should it be left.
    let _ = Pid::from_raw(child.id() as i32).map(|pid| kill_process_group(pid, Signal::KILL));
    let _ = child.wait();
    let mut out = String::new();
    let _ = child.stdout.take().map(|mut pipe| pipe.read_to_string(&mut out));
    if !status.is_some_and(|status| status.success()) {
        eprintln!("  it {}", if status.is_some() { "failed" } else { "did not end in time" });
        return None;
    }
    serde_json::from_str::<Value>(out.lines().next()?).ok().map(completed)
}

/// Whether this program runs before all ordinary ones (`chrt`).
fn is_realtime() -> bool {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let policy = stat.rsplit_once(") ").and_then(|(_, fields)| fields.split(' ').nth(38));
    matches!(policy, Some("1" | "2"))
}

/// With figures that follow from others.
fn completed(mut line: Value) -> Value {
    let number = |line: &Value, name: &str| line[name].as_f64();
    if let Some(rate) = number(&line, "deliveries_per_s") {
        line["thousand_per_s"] = (rate / 1e3).round().into();
    }
    if let (Some(before), Some(during)) = (number(&line, "p99_before_ms"), number(&line, "p99_ms")) {
        line["p99_growth"] = (during / before.max(1e-6)).into();
    }
    line
}

fn shown(servers: &[Kind], cells: &[Vec<Vec<Cell>>]) -> Vec<Vec<String>> {
    let mut head = vec![String::new()];
    head.extend(servers.iter().map(|kind| kind.name().to_owned()));
    head.extend(["/ reference", "/ best peer", "goal", ""].map(str::to_owned));
    let mut table = vec![head];
    for (run, rows) in RUNS.iter().zip(cells) {
        for (row, cells) in run.rows.iter().zip(rows) {
            table.push(line(run, row, servers, cells));
        }
    }
    table
}

fn line(run: &Run, row: &Row, servers: &[Kind], cells: &[Cell]) -> Vec<String> {
    let of = |kind: Kind| servers.iter().position(|server| *server == kind).and_then(|at| median(&cells[at]));
    let (ours, reference) = (of(Kind::Conclave), of(Kind::Reference));
    let peers = [Kind::NgIrcd, Kind::InspIrcd, Kind::Ergo].into_iter().filter_map(of);
    let best = match row.goal {
        Goal::AtLeast(_) => peers.reduce(f64::max),
        _ => peers.reduce(f64::min),
    };
    let mut line = vec![row.name.to_owned()];
    line.extend(servers.iter().zip(cells).map(|(kind, cell)| match median(cell) {
        Some(value) => number(value),
        None if (run.servers)(*kind) => "failed".into(),
        None => "-".into(),
    }));
    let ratio = |other: Option<f64>| match (ours, other) {
        (Some(ours), Some(other)) if other > 0.0 => format!("{:.2}", ours / other),
        _ => String::new(),
    };
    line.extend([ratio(reference), ratio(best)]);
    let (goal, met) = match row.goal {
        Goal::AtMost(most) => (format!("<= {most}"), ours.map(|ours| ours <= most)),
        Goal::AtLeast(least) => (format!(">= {least}"), ours.map(|ours| ours >= least)),
        Goal::Times(times) => {
            (format!("<= {times} ref"), ours.zip(reference).map(|(ours, reference)| ours <= times * reference))
        }
        Goal::Open => (String::new(), None),
    };
    line.extend([goal, met.map_or("", |met| if met { "met" } else { "missed" }).to_owned()]);
    line
}

pub(crate) fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => None,
        length if length % 2 == 1 => Some(sorted[middle]),
        _ => Some(f64::midpoint(sorted[middle - 1], sorted[middle])),
    }
}

/// Three digits.
fn number(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}
