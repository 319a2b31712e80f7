//! `conclave tail`: a room, or the messages with a person, line by line on stdout.

use std::io;

use anyhow::{Context, anyhow};
use clap::Args as ClapArgs;
use jiff::tz::TimeZone;

use self::follow::{Follow, Form, MOST};
use super::{
    access::Access,
    exit::{Exit, Failure, OrExit},
    online::{dial, dice, failure, on_signals, runtime, script},
    target::Target,
    when::When,
};
use crate::{
    client::{self, Core, End},
    platform::{clock, reader::Reader, stop::Stop},
    ui::Renderer,
};

mod follow;
mod page;

/// How many lines are shown first where nothing is said.
const LINES: usize = 10;

/// What `conclave tail` is told.
#[derive(ClapArgs, Clone, Debug)]
#[command(
    after_help = "Shows the last lines that the server keeps, and then what is said, until Ctrl-C or until nobody reads it any \
more. Connects again by itself, and shows what was said meanwhile. Following a room makes you a member of it."
)]
pub struct Args {
    #[command(flatten)]
    access: Access,

    /// Print a JSON object for each line
    #[arg(long)]
    json: bool,

    /// Show first what was said since then: 10m, 2h30m, 1d, or 2026-11-21, 2026-11-21T14:00 (here) or ...Z (UTC)
    #[arg(long, value_name = "AGE|TIME", value_parser = When::parse)]
    since: Option<When>,

    /// Show first so many of the last lines [default: 10, or all with --since]
    #[arg(long, short = 'n', value_name = "N", value_parser = clap::value_parser!(u64).range(0..=MOST as u64))]
    lines: Option<u64>,

    /// A room (quote it for the shell: '#ops') or a person
    #[arg(value_name = "ROOM|NAME")]
    target: Target,
}

/// Follows until somebody ends it.
pub fn run(args: Args) -> Result<Exit, Failure> {
    let (zone, now) = (TimeZone::system(), clock::unix_ms());
    let since = args.since.map(|since| since.or_usage("--since", now, &zone)).transpose()?;
    let lines = match (args.lines, since) {
        (Some(lines), _) => usize::try_from(lines).unwrap_or(MOST),
        (None, Some(_)) => MOST,
        (None, None) => LINES,
    };
    let trust = args.access.resolve()?;
    let dial = dial(&trust)?;
    let room = match &args.target {
        Target::Room(room) => vec![room.to_string()],
        Target::Person(_) => vec![],
    };
    let options = script(&trust, "tail", room)?;
    let form = if args.json { Form::Json } else { Form::Lines(Renderer::new(zone, now)) };
    let account = options.account.clone();

    let runtime = runtime()?;
    let ended = runtime.block_on(async {
        let stop = Stop::new();
        on_signals(&stop).context("cannot listen to signals")?;
        let reader = Reader::of_stdout().context("cannot use the output")?;
        let mut follow = Follow::new(args.target, account, form, io::stdout(), reader).first(lines, since);
        let (mut core, mut dial) = (Core::new(options), dial);
        let ended = client::run(&mut core, &mut dial, &mut follow, &stop, dice).await.map_err(failure)?;
        match (ended, follow.over()) {
            (End::Interrupted, _) => Ok(Exit::Interrupted),
            (End::Quit, Some(why)) => Err(anyhow!("{why}")).or_exit(Exit::Failure),
            (End::Quit, None) => Ok(Exit::Ok),
        }
    });
    // A name server that does not answer holds a thread; it is not waited for.
    runtime.shutdown_background();
    ended
}
