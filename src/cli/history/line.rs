//! What is kept, as lines: for a person, or for a program in the format of `conclave tail --json`.

use std::fmt::Write;

use jiff::{Timestamp, tz::TimeZone};

use crate::{
    client::{self, Record},
    protocol::{
        chat::{Act, Audience, Event, Kind, Message},
        past::Kept,
        sanitize::for_terminal,
    },
};

/// The parts of something that is kept; `None` where there is nothing to read: a reaction, or octets.
pub(super) fn record(kept: &Kept) -> Option<Record> {
    match kept {
        Kept::Message(message) => said(message),
        Kept::Event(event) => happened(event),
    }
}

fn said(message: &Message) -> Option<Record> {
    let kind = match message.kind {
        Kind::Text => client::Kind::Message,
        Kind::Action => client::Kind::Action,
        Kind::Notice => client::Kind::Notice,
        Kind::Tags | Kind::Opaque => return None,
    };
    let target = match &message.audience {
        Audience::Room(_, room) => room.to_string(),
        Audience::Status(_, room) => room.to_string(),
        Audience::Account(to) | Audience::Device(to, _) => to.to_string(),
    };
    let nick = message.source.nick.to_string();
    Some(Record {
        at: message.time_ms,
        id: Some(message.id.to_string()),
        account: Some(nick.clone()),
        nick,
        target: Some(target),
        kind,
        text: message.text.to_string(),
        whom: None,
        past: true,
    })
}

fn happened(event: &Event) -> Option<Record> {
    use client::Kind;

    let text = |text: &str| text.to_owned();
    let reason = |reason: &Option<std::sync::Arc<str>>| reason.as_deref().unwrap_or_default().to_owned();
    let (kind, room, whom, text) = match &event.act {
        Act::Join { room, .. } => (Kind::Join, room, None, String::new()),
        Act::Part(room, why) => (Kind::Part, room, None, reason(why)),
        Act::Kick { room, who, reason } => (Kind::Kick, room, Some(who.to_string()), text(reason)),
        Act::Topic(room, topic) => (Kind::Topic, room, None, text(topic)),
        Act::Mode(room, modes) => (Kind::Mode, room, None, text(modes)),
        Act::Rename { from, to, .. } => (Kind::Rename, from, None, to.to_string()),
        _ => return None,
    };
    let nick = event.source.nick.to_string();
    Some(Record {
        at: event.time_ms,
        id: Some(event.id.to_string()),
        account: Some(nick.clone()),
        nick,
        target: Some(room.to_string()),
        kind,
        text,
        whom,
        past: true,
    })
}

/// The lines that a person reads: in the format of the plain dialect, each with its date. Nobody is
/// "you" in them.
pub(super) fn text(record: &Record, zone: &TimeZone) -> String {
    use client::Kind;

    let at = i64::try_from(record.at).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
    let at = at.unwrap_or(Timestamp::UNIX_EPOCH).to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string();
    let nick = for_terminal(&record.nick);
    let target = for_terminal(record.target.as_deref().unwrap_or_default());
    let why = if record.text.is_empty() { String::new() } else { format!(" ({})", for_terminal(&record.text)) };
    let whom = for_terminal(record.whom.as_deref().unwrap_or_default());
    let what = for_terminal(&record.text);
    let happened = match record.kind {
        Kind::Message | Kind::Action | Kind::Notice => return lines(record, &at, &nick, &target),
        Kind::Join => format!("{nick} joined"),
        Kind::Part => format!("{nick} left{why}"),
        Kind::Quit => format!("{nick} disconnected{why}"),
        Kind::Kick => format!("{nick} put {whom} out of the room{why}"),
        Kind::Topic if record.text.is_empty() => format!("{nick} removed the topic"),
        Kind::Topic => format!("{nick} set the topic: {what}"),
        Kind::Mode => format!("{nick} set mode {what}"),
        Kind::Rename => format!("{nick} renamed the room to {what}"),
    };
    format!("{at} {target} -!- {happened}\n")
}

/// Each line of what was said carries its speaker, so that none looks like an event.
fn lines(record: &Record, at: &str, nick: &str, target: &str) -> String {
    use client::Kind;

    let mut out = String::new();
    for line in record.text.split('\n') {
        let line = for_terminal(line);
        // Writing to a String cannot fail.
        let _ = match (target.starts_with(['#', '@', '+']), record.kind) {
            (true, Kind::Action) => writeln!(out, "{at} {target} * {nick} {line}"),
            (true, Kind::Notice) => writeln!(out, "{at} {target} -{nick}- {line}"),
            (true, _) => writeln!(out, "{at} {target} <{nick}> {line}"),
            (false, Kind::Action) => writeln!(out, "{at} {nick} -> {target}: * {nick} {line}"),
            (false, _) => writeln!(out, "{at} {nick} -> {target}: {line}"),
        };
    }
    out
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        cli::json,
        ident::{DeviceId, Fingerprint, MsgId, RoomId, RoomName},
        protocol::chat::Source,
    };

    const NOON: u64 = 1_767_268_800_000;

    fn source() -> Arc<Source> {
        Arc::new(Source { nick: "alice".parse().unwrap(), user: "a".into(), host: "n".into(), bot: false })
    }

    fn message(kind: Kind, to: &str, text: &str) -> Kept {
        let audience = match to.parse::<RoomName>() {
            Ok(room) => Audience::Room(RoomId(1), room),
            Err(_) => Audience::Account(to.parse().unwrap()),
        };
        let device = DeviceId(Fingerprint::new([0; 32]));
        Kept::Message(Arc::new(Message {
            id: MsgId::new(NOON, 7),
            time_ms: NOON,
            source: source(),
            device,
            client: None,
            audience,
            kind,
            relation: None,
            text: text.into(),
            joints: Box::default(),
            tags: None,
        }))
    }

    fn event(act: Act) -> Kept {
        Kept::Event(Arc::new(Event { id: MsgId::new(NOON, 7), time_ms: NOON, source: source(), act }))
    }

    #[track_caller]
    fn check(kept: &Kept, expect: &str) {
        assert_eq!(record(kept).map(|record| text(&record, &TimeZone::UTC)).unwrap_or_default(), expect);
    }

    #[test]
    fn what_a_person_reads() {
        let at = "2026-01-01 12:00:00";
        check(&message(Kind::Text, "#ops", "hi"), &format!("{at} #ops <alice> hi\n"));
        check(&message(Kind::Action, "#ops", "waves"), &format!("{at} #ops * alice waves\n"));
        check(&message(Kind::Notice, "#ops", "psst"), &format!("{at} #ops -alice- psst\n"));
        check(&message(Kind::Text, "bob", "hi"), &format!("{at} alice -> bob: hi\n"));
        check(&message(Kind::Action, "bob", "waves"), &format!("{at} alice -> bob: * alice waves\n"));
        check(&message(Kind::Tags, "#ops", ""), "");
        check(
            &message(Kind::Text, "#ops", "one\n12:00 -!- \u{1b}[2J"),
            &format!("{at} #ops <alice> one\n{at} #ops <alice> 12:00 -!- \\x1b[2J\n"),
        );
        let room: RoomName = "#ops".parse().unwrap();
        let why = Some("bye".into());
        check(&event(Act::Join { room: room.clone(), realname: "A".into() }), &format!("{at} #ops -!- alice joined\n"));
        check(&event(Act::Part(room.clone(), why)), &format!("{at} #ops -!- alice left (bye)\n"));
        check(&event(Act::Topic(room.clone(), "".into())), &format!("{at} #ops -!- alice removed the topic\n"));
        check(&event(Act::Mode(room.clone(), "+i".into())), &format!("{at} #ops -!- alice set mode +i\n"));
        let kick = Act::Kick { room: room.clone(), who: "bob".parse().unwrap(), reason: "enough".into() };
        check(&event(kick), &format!("{at} #ops -!- alice put bob out of the room (enough)\n"));
        let rename = Act::Rename { from: room, to: "#all".parse().unwrap(), reason: None };
        check(&event(rename), &format!("{at} #ops -!- alice renamed the room to #all\n"));
        check(&event(Act::Away(None)), "");
    }

    #[test]
    fn what_a_program_reads() {
        let record = record(&message(Kind::Text, "#ops", "one\ntwo")).unwrap();
        let id = MsgId::new(NOON, 7);
        assert_eq!(
            json::record(&record, "").unwrap(),
            format!(
                "{{\"time\":\"2026-01-01T12:00:00.000Z\",\"msgid\":\"{id}\",\"nick\":\"alice\",\"account\":\"alice\",\
                 \"target\":\"#ops\",\"kind\":\"message\",\"text\":\"one\\ntwo\",\"history\":true}}\n"
            )
        );
    }
}
