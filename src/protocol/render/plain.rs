//! The plain dialect: lines that a person reads.
//!
//! Every line of a message starts with a time, a place and its speaker; every line of the server's
//! own starts with `-!-`, or has it where a message has its speaker. So no message can look like
//! an event. Times are UTC.

use std::{fmt::Write, sync::Arc};

use super::{
    Lines,
    text::{MISSED_UNREADABLE, clock, counted, date, gone_for_ever, thousands},
};
use crate::{
    ident::{Nick, RoomName},
    protocol::{
        chat::{Act, Audience, Event, Kind, Message},
        command::help_rows,
        past::Kept,
        reply::{Counts, Hits, Member, Reply, ServerInfo, Whois, offline},
        roster::Roster,
        sanitize,
    },
};

const DAY_MS: u64 = 86_400_000;

fn push_text(out: &mut String, text: &str) {
    out.push_str(&sanitize::for_terminal(text));
}

/// One line of the server's own.
fn say(lines: &mut Lines, text: &str) {
    let out = lines.begin();
    out.push_str("-!- ");
    push_text(out, text);
    out.push_str("\r\n");
}

pub(super) fn message(lines: &mut Lines, own: bool, message: &Message) {
    message_at(lines, own, message, false);
}

fn message_at(lines: &mut Lines, own: bool, message: &Message, dated: bool) {
    if matches!(message.kind, Kind::Tags | Kind::Opaque) {
        return;
    }
    let nick = &message.source.nick;
    for physical in message.text.split('\n') {
        let out = lines.begin();
        if dated {
            date(out, message.time_ms);
            out.push(' ');
        }
        clock(out, message.time_ms);
        let room = match &message.audience {
            Audience::Room(_, name) => name.as_str(),
            Audience::Status(_, name) => name,
            Audience::Account(_) | Audience::Device(..) => "",
        };
        let _ = match (&message.audience, message.kind) {
            (Audience::Room(..) | Audience::Status(..), Kind::Action) => write!(out, " {room} * {nick} "),
            (Audience::Room(..) | Audience::Status(..), Kind::Notice) => write!(out, " {room} -{nick}- "),
            (Audience::Room(..) | Audience::Status(..), _) => write!(out, " {room} <{nick}> "),
            (Audience::Account(to) | Audience::Device(to, _), kind) => {
                let _ = match own && to != nick {
                    true => write!(out, " you -> {to}: "),
                    false => write!(out, " {nick} -> you: "),
                };
                match kind {
                    Kind::Action => write!(out, "* {nick} "),
                    _ => Ok(()),
                }
            }
        };
        push_text(out, physical);
        out.push_str("\r\n");
    }
}

pub(super) fn event(lines: &mut Lines, event: &Event) {
    let out = lines.begin();
    clock(out, event.time_ms);
    let nick = &event.source.nick;
    match &event.act {
        Act::Join { room, .. } => {
            let _ = write!(out, " {room} -!- {nick} joined");
        }
        Act::Kick { room, who, reason } => {
            let _ = write!(out, " {room} -!- {nick} put {who} out of the room");
            push_reason(out, Some(reason));
        }
        Act::Mode(room, changes) => {
            let _ = write!(out, " {room} -!- {nick} set mode ");
            push_text(out, changes);
        }
        Act::Invite { room, who } => {
            let _ = write!(out, " {room} -!- {nick} invited {who}");
        }
        Act::Rename { from, to, reason } => {
            let _ = write!(out, " {from} -!- {nick} renamed the room to {to}");
            push_reason(out, reason.as_deref());
        }
        Act::Redact { target, id, reason } => {
            let _ = write!(out, " {target} -!- {nick} took back what was said at ");
            if id.unix_ms() / DAY_MS != event.time_ms / DAY_MS {
                date(out, id.unix_ms());
                out.push(' ');
            }
            clock(out, id.unix_ms());
            push_reason(out, reason.as_deref());
        }
        Act::Wallops(text) => {
            let _ = write!(out, " -!- {nick} to everybody: ");
            push_text(out, text);
        }
        Act::Kill { who, reason } => {
            let _ = write!(out, " -!- {nick} ended the connections of {who}");
            push_reason(out, Some(reason));
        }
        Act::Nick(new) => {
            let _ = write!(out, " -!- {nick} writes the name {new} now");
        }
        // That people are away or call themselves otherwise, a person reads when he asks for it.
        Act::Away(_) | Act::SetName(_) | Act::Host(_) => {
            lines.take_back();
            return;
        }
        Act::Part(room, reason) => {
            let _ = write!(out, " {room} -!- {nick} left");
            push_reason(out, reason.as_deref());
        }
        Act::Quit(reason) => {
            let _ = write!(out, " -!- {nick} disconnected");
            push_reason(out, Some(reason.trim_end_matches(": ")));
        }
        Act::Topic(room, text) if text.is_empty() => {
            let _ = write!(out, " {room} -!- {nick} removed the topic");
        }
        Act::Topic(room, text) => {
            let _ = write!(out, " {room} -!- {nick} set the topic: ");
            push_text(out, text);
        }
    }
    out.push_str("\r\n");
}

fn push_reason(out: &mut String, reason: Option<&str>) {
    if let Some(reason) = reason.filter(|reason| !reason.is_empty()) {
        out.push_str(" (");
        push_text(out, reason);
        out.push(')');
    }
}

pub(super) fn reply(lines: &mut Lines, server: &ServerInfo, me: &Nick, reply: &Reply) {
    match reply {
        // The greeting said who one is; what is PING's or CAP's never reaches a plain session.
        Reply::Welcome(_) | Reply::Pong(_) | Reply::Ping(_) | Reply::Cap(..) | Reply::Sasl(_) => {}
        Reply::Names(room, _, people) => names(lines, room, people),
        Reply::NamesOfMany(rooms, _) => rooms.iter().for_each(|(room, _, people)| names(lines, room, people)),
        Reply::NoNames(mask) => say(lines, &format!("there is nobody to see in {mask}")),
        Reply::Who(mask, _, people) => who(lines, mask, people),
        Reply::WhoIn(mask, _, room, people, whom) => {
            let people: Vec<Member> = people.people().filter(|p| whom.has(p)).map(|p| Member::of(p, room)).collect();
            who(lines, mask, &people);
        }
        Reply::Whois(whois_reply) => whois(lines, whois_reply),
        Reply::EndOfWhois(_) => {}
        Reply::Listed(room, list, masks) if masks.is_empty() => {
            say(lines, &format!("the list {} of {room} is empty", list.letter()));
        }
        Reply::Listed(room, list, masks) => {
            for listed in masks {
                say(lines, &format!("{room} {}: {} (set by {})", list.letter(), listed.mask, listed.by));
            }
        }
        Reply::Whowas(name, people) if people.is_empty() => {
            say(lines, &format!("nobody called {name} was here lately"));
        }
        Reply::Whowas(_, people) => {
            for was in people {
                let out = lines.begin();
                let _ = write!(out, "-!- {} was here until ", was.source.nick);
                date(out, was.at_ms);
                out.push(' ');
                clock(out, was.at_ms);
                out.push_str(" UTC\r\n");
            }
        }
        Reply::Userhost(people) => {
            people.iter().for_each(|person| say(lines, &format!("{} is here", person.source.nick)));
        }
        Reply::Ison(people) => people.iter().for_each(|nick| say(lines, &format!("{nick} is here"))),
        Reply::List(rows) if rows.is_empty() => say(lines, "there is no room yet; /join #NAME makes one"),
        Reply::List(rows) => {
            for row in rows {
                let topic = row.topic.as_deref().map(|topic| format!("  {topic}")).unwrap_or_default();
                say(lines, &format!("{} ({}){topic}", row.room, row.people));
            }
        }
        Reply::Topic(room, None) => say(lines, &format!("{room} has no topic")),
        Reply::Topic(room, Some(topic)) => {
            say(lines, &format!("topic of {room}: {} (set by {})", topic.text, topic.by));
        }
        Reply::RoomModes(room, modes, _) => say(lines, &format!("modes of {room}: {modes}")),
        Reply::UserModesChanged(modes) => say(lines, &format!("your modes changed: {modes}")),
        Reply::Inviting(who, room) => say(lines, &format!("{who} is invited into {room}")),
        Reply::Invited(event) => {
            if let Act::Invite { room, .. } = &event.act {
                say(lines, &format!("{} invites you into {room}; /join {room}", event.source.nick));
            }
        }
        Reply::Invitations(rooms) if rooms.is_empty() => say(lines, "you are invited into no room"),
        Reply::Invitations(rooms) => {
            rooms.iter().for_each(|room| say(lines, &format!("you are invited into {room}; /join {room}")));
        }
        Reply::Operator => say(lines, "you act as administrator"),
        Reply::Rehashing => say(lines, "the certificates are read again"),
        // Only programs watch people, mark what was read, page through what is kept and ask for
        // metadata.
        Reply::Page(..) | Reply::Conversations(_) | Reply::Metadata(_) => {}
        Reply::Missed { total, skipped, expired } => missed(lines, *total, *skipped, *expired),
        Reply::LookBack(1) => say(lines, "the last message before you came:"),
        Reply::LookBack(number) => say(lines, &format!("the last {number} messages before you came:")),
        Reply::Replayed(items, now_ms) => replayed(lines, me, items, *now_ms),
        Reply::EndOfMissed => say(lines, "you are up to date"),
        Reply::MissedUnreadable => say(lines, MISSED_UNREADABLE),
        Reply::Watched { .. } | Reply::WatchList(_) | Reply::WatchListFull(..) | Reply::Marked(..) => {}
        Reply::UserModes(modes) => say(lines, &format!("your modes: {modes}")),
        Reply::Away(true) => say(lines, "you are away now; /away alone says that you are back"),
        Reply::Away(false) => say(lines, "you are back"),
        Reply::IsAway(nick, reason) => away(lines, nick, reason),
        Reply::Offline(nick) => say(lines, &offline(nick.as_str())),
        Reply::Motd => match &server.motd {
            Some(motd) => motd.lines().for_each(|line| say(lines, line)),
            None => say(lines, "there is no message of the day"),
        },
        Reply::Lusers(Counts { people, sessions, rooms, .. }) => {
            say(lines, &format!("{people} people here with {sessions} sessions, {rooms} rooms"));
        }
        Reply::Version => say(lines, &format!("the server runs {}", server.version)),
        Reply::Info => say(lines, &format!("{}, running since {}", server.version, server.created)),
        Reply::Time(now_ms) => {
            let out = lines.begin();
            out.push_str("-!- the server's time: ");
            date(out, *now_ms);
            out.push(' ');
            clock(out, *now_ms);
            out.push_str(" UTC\r\n");
        }
        Reply::Admin(who) => {
            let names: Vec<&str> = who.iter().map(Nick::as_str).collect();
            say(lines, &format!("administrators: {}", names.join(" ")));
        }
        Reply::Help(topic) => help(lines, topic.as_deref()),
        Reply::TalkIn(Some(room)) => say(lines, &format!("you talk in {room} now")),
        Reply::TalkIn(None) => say(lines, "you are in no room now; /join #ROOM"),
        Reply::History(place, messages) => history(lines, me, place, messages),
        Reply::Found(what) => found(lines, me, what),
        Reply::Message(own, mine) => message(lines, *mine, own),
        Reply::Event(own) => match &own.act {
            Act::SetName(realname) => say(lines, &format!("your real name is {realname} now")),
            _ => event(lines, own),
        },
        Reply::Refused(refusal) => say(lines, &refusal.sentence()),
        Reply::Words(words) => say(lines, words),
        Reply::Bye(reason) => say(lines, &format!("goodbye: {reason}")),
    }
}

fn missed(lines: &mut Lines, total: u64, skipped: u64, expired: u64) {
    if expired > 0 {
        say(lines, &gone_for_ever(expired));
    }
    if total > 0 {
        say(lines, &format!("{}:", counted(total, "missed message")));
    }
    if skipped > 0 {
        say(lines, &format!("the first {} are not shown; /history has them", thousands(skipped)));
    }
}

fn replayed(lines: &mut Lines, me: &Nick, items: &[(Box<str>, Kept)], now_ms: u64) {
    for (_, kept) in items {
        match kept {
            Kept::Message(old) => {
                let dated = old.time_ms / DAY_MS != now_ms / DAY_MS;
                message_at(lines, old.source.nick == *me, old, dated);
            }
            Kept::Event(old) => event(lines, old),
        }
    }
}

fn away(lines: &mut Lines, who: &Nick, reason: &str) {
    match reason {
        // A program keeps the connection, for nobody (IRCv3 `draft/pre-away`).
        "*" => say(lines, &format!("{who} is away")),
        reason => say(lines, &format!("{who} is away: {reason}")),
    }
}

const fn mark(operator: bool, voiced: bool) -> &'static str {
    match (operator, voiced) {
        (true, _) => "@",
        (false, true) => "+",
        (false, false) => "",
    }
}

fn names(lines: &mut Lines, room: &RoomName, people: &Roster) {
    let mut names: Vec<String> =
        people.people().map(|p| format!("{}{}", mark(p.operator, p.voiced), p.source.nick)).collect();
    names.sort_by_cached_key(|name| name.to_ascii_lowercase());
    say(lines, &format!("in {room}: {}", names.join(" ")));
}

fn who(lines: &mut Lines, mask: &str, people: &[Member]) {
    if people.is_empty() {
        return say(lines, &format!("nobody fits {mask}"));
    }
    for person in people {
        let room = person.room.as_ref().map(|room| format!(" in {room}")).unwrap_or_default();
        let bot = if person.bot { ", a bot" } else { "" };
        let away = if person.away { ", away" } else { "" };
        let name = if person.realname.is_empty() || *person.realname == *person.source.nick.as_str() {
            String::new()
        } else {
            format!(" ({})", person.realname)
        };
        say(lines, &format!("{}{}{name}{room}{bot}{away}", mark(person.operator, person.voiced), person.source.nick));
    }
}

fn whois(lines: &mut Lines, whois: &Whois) {
    let who = &whois.source.nick;
    let role = if whois.administrator { ", administrator of this server" } else { "" };
    say(lines, &format!("{who}: {}{role}", whois.realname));
    if !whois.rooms.is_empty() {
        let rooms: Vec<String> =
            whois.rooms.iter().map(|place| format!("{}{}", mark(place.operator, place.voiced), place.room)).collect();
        say(lines, &format!("{who} is in {}", rooms.join(" ")));
    }
    for (label, fingerprint) in &whois.devices {
        say(lines, &format!("{who} is here with device {label}, certificate {fingerprint}"));
    }
    if let Some(reason) = &whois.away {
        away(lines, who, reason);
    }
    for (key, value) in &whois.metadata {
        say(lines, &format!("{who}: {key} is {value}"));
    }
    match whois.idle {
        Some((idle, _)) => say(lines, &format!("{who} last spoke {idle} seconds ago")),
        None => say(lines, &format!("{who} is not connected")),
    }
}

fn history(lines: &mut Lines, me: &Nick, place: &str, messages: &[Arc<Message>]) {
    let of = if place.starts_with('#') { "of" } else { "with" };
    match messages.len() {
        0 => return say(lines, &format!("no message {of} {place} is kept")),
        1 => say(lines, &format!("the last message {of} {place}:")),
        number => say(lines, &format!("the last {number} messages {of} {place}:")),
    }
    for old in messages {
        message_at(lines, old.source.nick == *me, old, true);
    }
    say(lines, "end of history");
}

fn found(lines: &mut Lines, me: &Nick, found: &Hits) {
    let place = match found.place.as_deref() {
        None => String::new(),
        Some(room) if room.starts_with('#') => format!(" in {room}"),
        Some(person) => format!(" with {person}"),
    };
    say(
        lines,
        &match (found.messages.len(), found.more) {
            (0, _) => return say(lines, &format!("nothing was found{place}")),
            (1, false) => format!("1 message was found{place}:"),
            (number, false) => format!("{number} messages were found{place}:"),
            (number, true) => format!("more was found{place} than is shown; the newest {number}:"),
        },
    );
    for old in &found.messages {
        message_at(lines, old.source.nick == *me, old, true);
    }
    say(lines, "end of the search");
}

/// A reply's lines, for a dialect that has no better way to say when something was said.
pub(super) fn rows(server: &ServerInfo, me: &Nick, said: &Reply) -> Vec<String> {
    let mut lines = Lines::default();
    reply(&mut lines, server, me, said);
    lines.text.lines().map(Into::into).collect()
}

fn help(lines: &mut Lines, topic: Option<&str>) {
    let rows = help_rows(topic);
    if rows.is_empty() {
        return say(lines, &format!("there is no command {}; /help lists them", topic.unwrap_or_default()));
    }
    for row in rows {
        say(lines, &row);
    }
}
