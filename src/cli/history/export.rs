//! `conclave history export`: what was said in a room, or between two people, on stdout.

use std::{
    io::{self, BufWriter, Write},
    str::FromStr,
};

use anyhow::anyhow;
use jiff::tz::TimeZone;

use super::{Data, line};
use crate::{
    cli::{
        exit::{Exit, Failure, OrExit, note, printed},
        json,
        when::When,
    },
    ident::{Nick, RoomName},
    journal::sqlite::Archive,
    platform::clock,
    protocol::{durable::Conversation, past::Kept},
};

#[derive(clap::Args)]
#[command(
    after_help = "Prints what is kept, the oldest first; times are local (TZ=UTC conclave history export ...). With --json each \
line is an object as conclave tail --json prints it. What was taken back, or is too old, is not kept. Works while the server runs."
)]
pub(super) struct Args {
    /// A room (quote it for the shell: '#ops'), or two people: alice,bob
    #[arg(value_name = "ROOM|NAME,NAME")]
    what: Place,
    /// Print a JSON object for each line
    #[arg(long)]
    json: bool,
    /// Only what was said since then: 10m, 2h30m, 1d, or 2026-11-21, 2026-11-21T14:00 (here) or ...Z (UTC)
    #[arg(long, value_name = "AGE|TIME", value_parser = When::parse)]
    since: Option<When>,
    /// Only what was said before then
    #[arg(long, value_name = "AGE|TIME", value_parser = When::parse)]
    until: Option<When>,
    #[command(flatten)]
    data: Data,
}

/// Where it was said.
#[derive(Clone, Debug)]
enum Place {
    Room(RoomName),
    Pair(Nick, Nick),
}

impl FromStr for Place {
    type Err = Box<dyn std::error::Error + Send + Sync>;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.starts_with('#') {
            return Ok(Self::Room(text.parse()?));
        }
        let (one, other) = text.split_once(',').ok_or("a room starts with #; two people are written alice,bob")?;
        Ok(Self::Pair(one.parse()?, other.parse()?))
    }
}

pub(super) fn run(args: &Args) -> Result<Exit, Failure> {
    let (zone, now) = (TimeZone::system(), clock::unix_ms());
    let since = args.since.map(|since| since.or_usage("--since", now, &zone)).transpose()?;
    let until = args.until.map(|until| until.or_usage("--until", now, &zone)).transpose()?;
    let mut archive = args.data.open()?;
    let (conversation, room) = find(&mut archive, &args.what)?;
    let mut out = BufWriter::new(io::stdout().lock());
    let (mut failed, mut nothing) = (Ok(()), true);
    let times = since.unwrap_or(0)..until.unwrap_or(u64::MAX);
    archive
        .read(&conversation, times, &mut |kept| {
            nothing = false;
            failed = write(&mut out, args.json, &zone, room.as_ref(), kept);
            failed.is_ok()
        })
        .or_exit(Exit::Failure)?;
    printed(failed.and_then(|()| out.flush()))?;
    if nothing {
        note("nothing of that is kept");
    }
    Ok(Exit::Ok)
}

/// The conversation, and the name that the room has now.
fn find(archive: &mut Archive, place: &Place) -> Result<(Conversation, Option<RoomName>), Failure> {
    match place {
        Place::Room(name) => {
            let rooms = archive.rooms().or_exit(Exit::Failure)?;
            let room = rooms.into_iter().find(|room| room.name == *name);
            let room = room.ok_or_else(|| anyhow!("there is no room {name}; conclave history rooms lists them"));
            let room = room.or_exit(Exit::Failure)?;
            Ok((Conversation::Room(room.room), Some(room.name)))
        }
        Place::Pair(one, other) => Ok((Conversation::between(one.clone(), other.clone()), None)),
    }
}

fn write(out: &mut impl Write, json: bool, zone: &TimeZone, room: Option<&RoomName>, kept: Kept) -> io::Result<()> {
    let kept = match room {
        Some(room) => kept.in_room(room),
        None => kept,
    };
    let Some(record) = line::record(&kept) else { return Ok(()) };
    let text = if json { json::record(&record, "")? } else { line::text(&record, zone) };
    out.write_all(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rooms_and_pairs() {
        assert!(matches!("#ops".parse(), Ok(Place::Room(room)) if room.as_str() == "#ops"));
        assert!(matches!("alice,bob".parse(), Ok(Place::Pair(..))));
        for wrong in ["alice", "", "#", "alice,", "alice,bob,carol", "alice,#ops"] {
            assert!(wrong.parse::<Place>().is_err(), "{wrong}");
        }
    }
}
