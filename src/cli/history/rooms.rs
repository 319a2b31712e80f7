//! `conclave history rooms`.

use serde::Serialize;

use super::Data;
use crate::{
    cli::{
        columns::columns,
        exit::{Exit, Failure, OrExit, print},
        json,
    },
    journal::sqlite::RoomHoldings,
};

#[derive(clap::Args)]
pub(super) struct Args {
    /// One JSON object a line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    data: Data,
}

#[derive(Serialize)]
struct Line {
    room: String,
    members: u64,
    messages: u64,
    first: Option<String>,
    last: Option<String>,
}

pub(super) fn run(args: &Args) -> Result<Exit, Failure> {
    let rooms = args.data.open()?.rooms().or_exit(Exit::Failure)?;
    let rooms: Vec<Line> = rooms.iter().map(line).collect();
    if args.json {
        let lines = rooms.iter().map(json::line).collect::<Result<String, _>>();
        print(lines.or_exit(Exit::Failure)?)?;
    } else {
        print(table(&rooms))?;
    }
    Ok(Exit::Ok)
}

fn line(room: &RoomHoldings) -> Line {
    Line {
        room: room.name.to_string(),
        members: room.members,
        messages: room.messages,
        first: room.first_ms.map(json::time),
        last: room.last_ms.map(json::time),
    }
}

fn table(rooms: &[Line]) -> String {
    let time = |time: &Option<String>| time.as_deref().map_or("-", |time| &time[..16]).replace('T', " ");
    let head = ["ROOM", "MEMBERS", "MESSAGES", "FIRST (UTC)", "LAST (UTC)"].map(str::to_owned);
    let row = |room: &Line| {
        let numbers = [room.members, room.messages].map(|number| number.to_string());
        let [members, messages] = numbers;
        [room.room.clone(), members, messages, time(&room.first), time(&room.last)]
    };
    let rows: Vec<[String; 5]> = std::iter::once(head).chain(rooms.iter().map(row)).collect();
    columns(&rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_of_rooms() {
        let (first, last) = (Some(json::time(0)), Some(json::time(90_000)));
        let rooms = [
            Line { room: "#lobby".into(), members: 12, messages: 3, first, last },
            Line { room: "#é".into(), members: 1, messages: 0, first: None, last: None },
        ];
        assert_eq!(
            table(&rooms),
            "ROOM    MEMBERS  MESSAGES  FIRST (UTC)       LAST (UTC)\n\
             #lobby  12       3         1970-01-01 00:00  1970-01-01 00:01\n\
             #é      1        0         -                 -\n"
        );
    }
}
