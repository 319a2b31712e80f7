//! `conclave tail`: a room, or the messages with a person, line by line on stdout.

use std::io;

use anyhow::{Context, anyhow};
use clap::Args as ClapArgs;
use jiff::{Span, Timestamp, tz::TimeZone};

use self::follow::{Follow, Form, MOST};
use super::{
    access::Access,
    exit::{Exit, Failure, OrExit},
    online::{dial, dice, failure, on_signals, runtime, script},
    target::Target,
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

    /// Show first what was said since then: 10m, 2h30m, 1d, or 2026-11-21T14:00:00Z
    #[arg(long, value_name = "AGE|TIME", value_parser = since)]
    since: Option<Since>,

    /// Show first so many of the last lines [default: 10, or all with --since]
    #[arg(long, short = 'n', value_name = "N", value_parser = clap::value_parser!(u64).range(0..=MOST as u64))]
    lines: Option<u64>,

    /// A room (quote it for the shell: '#ops') or a person
    #[arg(value_name = "ROOM|NAME")]
    target: Target,
}

/// From when on.
#[derive(Clone, Copy, Debug)]
enum Since {
    Ago(Span),
    At(Timestamp),
}

fn since(text: &str) -> Result<Since, String> {
    let wrong = || format!("{text:?} is no age like 10m, 2h30m or 1d, and no time like 2026-11-21T14:00:00Z");
    if let Ok(at) = text.parse() {
        return Ok(Since::At(at));
    }
    let span: Span = text.parse().map_err(|_| wrong())?;
    if span.is_negative() { Err(wrong()) } else { Ok(Since::Ago(span)) }
}

impl Since {
    /// Milliseconds since 1970; a day is one of the calendar.
    fn unix_ms(self, now_ms: u64, zone: &TimeZone) -> Option<u64> {
        let at = match self {
            Self::At(at) => at,
            Self::Ago(span) => {
                let now = Timestamp::from_millisecond(now_ms.try_into().ok()?).ok()?;
                now.to_zoned(zone.clone()).checked_sub(span).ok()?.timestamp()
            }
        };
        // What was before 1970 is as early as can be.
        Some(at.as_millisecond().try_into().unwrap_or(0))
    }
}

/// Follows until somebody ends it.
pub fn run(args: Args) -> Result<Exit, Failure> {
    let (zone, now) = (TimeZone::system(), clock::unix_ms());
    let since = match args.since {
        None => None,
        Some(since) => {
            let since = since.unix_ms(now, &zone);
            Some(since.ok_or_else(|| anyhow!("--since: that is too long ago")).or_exit(Exit::Usage)?)
        }
    };
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

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: Option<u64>) {
        const NOON: u64 = 1_767_268_800_000;
        let at = since(text).ok().and_then(|since| since.unix_ms(NOON, &TimeZone::UTC));
        assert_eq!(at.map(|at| (NOON as i64 - at as i64) / 1000), expect.map(|ago| ago as i64), "{text}");
    }

    #[test]
    fn ages_and_times() {
        check("10m", Some(600));
        check("2h30m", Some(9000));
        check("1d", Some(86_400));
        check("90 seconds", Some(90));
        check("2026-01-01T11:59:00Z", Some(60));
        check("2026-01-01T12:59:00+01:00", Some(60));
        check("1000000y", None);
        for wrong in ["", "x", "-5m", "5", "2026-01-01", "2026-01-01T12:00:00"] {
            check(wrong, None);
        }
    }
}
