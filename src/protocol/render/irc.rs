//! The IRC dialect: RFC 1459 lines as Modern IRC describes them, with IRCv3 tags.

use std::fmt::Write;

use super::{
    Lines,
    text::{pieces, server_time},
};
use crate::{
    ident::{MsgId, Nick, RoomName},
    protocol::{
        caps::{Cap, Caps},
        chat::{Act, Audience, Event, Kind, Message, Source},
        command::MAX_TARGETS,
        limits,
        refusal::{Refusal, verb_of},
        reply::{CapReply, Counts, Member, Reply, ServerInfo, Welcome, Whois},
        sanitize, tags,
    },
};

/// Writes `:SOURCE COMMAND PARAMS`; the last parameter may hold blanks.
pub(super) fn line(lines: &mut Lines, source: Option<&str>, command: &str, params: &[&str]) {
    let out = lines.begin();
    if let Some(source) = source {
        let _ = write!(out, ":{source} ");
    }
    out.push_str(command);
    push_params(out, params);
    end(lines);
}

/// Writes a numeric reply to `me`; the text, if any, after a colon.
pub(super) fn numeric(
    lines: &mut Lines,
    server: &ServerInfo,
    me: &str,
    code: u16,
    params: &[&str],
    text: Option<&str>,
) {
    let out = lines.begin();
    let _ = write!(out, ":{} {code:03} {me}", server.name);
    for param in params {
        out.push(' ');
        push_middle(out, param);
    }
    if let Some(text) = text {
        out.push_str(" :");
        push_trailing(out, text);
    }
    end(lines);
}

/// Wraps what was rendered for a labeled request.
pub(super) fn labeled(lines: &Lines, server: &ServerInfo, caps: Caps, label: &str) -> String {
    let value = tags::escape(label);
    match lines.starts.len() {
        0 => format!("@label={value} :{} ACK\r\n", server.name),
        1 => tagged(lines, "label", &value),
        _ if caps.has(Cap::Batch) => {
            // One batch is open at a time, so one reference serves them all.
            let mut out = format!("@label={value} :{} BATCH +r labeled-response\r\n", server.name);
            out.push_str(&tagged(lines, "batch", "r"));
            let _ = write!(out, ":{} BATCH -r\r\n", server.name);
            out
        }
        _ => lines.text.clone(),
    }
}

/// Puts one more tag in front of every line.
fn tagged(lines: &Lines, key: &str, value: &str) -> String {
    let mut out = String::with_capacity(lines.text.len() + lines.starts.len() * (key.len() + value.len() + 3));
    let ends = lines.starts.iter().skip(1).copied().chain([lines.text.len()]);
    for (&start, end) in lines.starts.iter().zip(ends) {
        let line = &lines.text[start..end];
        match line.strip_prefix('@') {
            Some(rest) => {
                let _ = write!(out, "@{key}={value};{rest}");
            }
            None => {
                let _ = write!(out, "@{key}={value} {line}");
            }
        }
    }
    out
}

/// Ends the line that was begun last. What a peer wrote is quoted in some replies: a line that
/// would be too long for it is cut, whole characters. Messages are divided before they come here.
fn end(lines: &mut Lines) {
    let out = &mut lines.text;
    let start = lines.starts.last().copied().unwrap_or_default();
    let tags = if out[start..].starts_with('@') { out[start..].find(' ').map_or(0, |space| space + 1) } else { 0 };
    let most = start + tags + limits::IRC_BODY - 2;
    out.truncate(out.floor_char_boundary(most));
    out.push_str("\r\n");
}

fn push_params(out: &mut String, params: &[&str]) {
    if let Some((last, middle)) = params.split_last() {
        for param in middle {
            out.push(' ');
            push_middle(out, param);
        }
        out.push_str(if last.is_empty() || last.starts_with(':') || last.contains(' ') { " :" } else { " " });
        push_trailing(out, last);
    }
}

/// A parameter that is not the last. What a peer wrote there can be anything: only a visible word
/// goes out.
fn push_middle(out: &mut String, text: &str) {
    if text.is_empty() || text.starts_with(':') || text.contains(' ') {
        out.push('*');
    } else {
        push_trailing(out, text);
    }
}

fn push_trailing(out: &mut String, text: &str) {
    out.push_str(&sanitize::for_irc(text));
}

/// Room for text in a line that starts with `head` octets, leaving CR LF.
const fn room_after(head: usize) -> usize {
    let most = limits::IRC_BODY - 2;
    // A head can be no longer than source, verb and target allow; keep some room whatever it is.
    if head + 64 > most { 64 } else { most - head }
}

impl Source {
    fn push(&self, out: &mut String) {
        let _ = write!(out, ":{}!{}@{} ", self.nick, self.user, self.host);
    }
}

/// Writes the tag section that these capabilities ask for.
fn push_tags(out: &mut String, caps: Caps, time_ms: u64, account: &Nick, id: Option<MsgId>, client: Option<&str>) {
    let start = out.len();
    if caps.has(Cap::ServerTime) {
        out.push_str(";time=");
        server_time(out, time_ms);
    }
    if caps.has(Cap::AccountTag) {
        let _ = write!(out, ";account={account}");
    }
    if caps.has(Cap::MessageTags) {
        if let Some(id) = id {
            let _ = write!(out, ";msgid={id}");
        }
        if let Some(client) = client {
            let _ = write!(out, ";{client}");
        }
    }
    if out.len() > start {
        out.replace_range(start..=start, "@");
        out.push(' ');
    }
}

fn target(audience: &Audience) -> &str {
    match audience {
        Audience::Room(_, name) => name.as_str(),
        Audience::Account(nick) | Audience::Device(nick, _) => nick.as_str(),
    }
}

pub(super) fn message(lines: &mut Lines, _server: &ServerInfo, caps: Caps, message: &Message) {
    let account = &message.source.nick;
    let client = message.tags.as_deref();
    let mut first = Some(message.id);
    let mut head = |lines: &mut Lines, verb: &str| {
        let out = lines.begin();
        push_tags(out, caps, message.time_ms, account, first, client.filter(|_| first.is_some()));
        first = None;
        let start = out.len();
        message.source.push(out);
        let _ = write!(out, "{verb} {}", target(&message.audience));
        out.len() - start
    };
    if message.kind == Kind::Tags {
        if caps.has(Cap::MessageTags) && message.tags.is_some() {
            head(lines, "TAGMSG");
            lines.text.push_str("\r\n");
        }
        return;
    }
    let (open, close) = if message.kind == Kind::Action { ("\u{1}ACTION ", "\u{1}") } else { ("", "") };
    let fixed = {
        let s = &message.source;
        // ":nick!user@host VERB target :"
        s.nick.as_str().len() + s.user.len() + s.host.len() + target(&message.audience).len() + 15
    };
    let most = room_after(fixed + open.len() + close.len());
    for physical in message.text.split('\n') {
        let safe = sanitize::for_irc(physical);
        for piece in pieces(&safe, most) {
            head(lines, verb_of(message.kind));
            let out = &mut lines.text;
            let _ = write!(out, " :{open}{piece}{close}\r\n");
        }
    }
}

pub(super) fn event(lines: &mut Lines, caps: Caps, event: &Event) {
    let out = lines.begin();
    push_tags(out, caps, event.time_ms, &event.source.nick, Some(event.id), None);
    event.source.push(out);
    match &event.act {
        Act::Join(room) => {
            let _ = write!(out, "JOIN {room}");
        }
        Act::Part(room, reason) => {
            let _ = write!(out, "PART {room}");
            if let Some(reason) = reason {
                out.push_str(" :");
                push_trailing(out, reason);
            }
        }
        Act::Quit(reason) => {
            out.push_str("QUIT :");
            push_trailing(out, reason);
        }
        Act::Topic(room, text) => {
            let _ = write!(out, "TOPIC {room} :");
            push_trailing(out, text);
        }
    }
    end(lines);
}

/// One reply, as Modern IRC writes it.
pub(super) fn reply(lines: &mut Lines, server: &ServerInfo, me: &Nick, caps: Caps, reply: &Reply) {
    let nick = me.as_str();
    let name = &*server.name;
    let mut num = |code: u16, params: &[&str], text: Option<&str>| numeric(lines, server, nick, code, params, text);
    match reply {
        Reply::Welcome(welcome) => welcome_burst(lines, server, nick, welcome),
        Reply::Pong(token) => line(lines, Some(name), "PONG", &[name, token]),
        Reply::Ping(token) => line(lines, None, "PING", &[token]),
        Reply::Cap(sub, list) => {
            let sub = match sub {
                CapReply::Ls => "LS",
                CapReply::List => "LIST",
                CapReply::Ack => "ACK",
                CapReply::Nak => "NAK",
            };
            let out = lines.begin();
            let _ = write!(out, ":{name} CAP {nick} {sub} :");
            push_trailing(out, list);
            end(lines);
        }
        Reply::Names(room, people) => names(lines, server, nick, caps, room, people),
        Reply::NoNames(mask) => num(366, &[mask], Some("End of /NAMES list")),
        Reply::Who(mask, people) => {
            for person in people {
                who(lines, server, nick, caps, person);
            }
            numeric(lines, server, nick, 315, &[mask], Some("End of /WHO list"));
        }
        Reply::Whois(whois_reply) => whois(lines, server, nick, whois_reply),
        Reply::EndOfWhois(who) => num(318, &[who], Some("End of /WHOIS list")),
        Reply::Bans(room) => num(368, &[room.as_str()], Some("End of channel ban list")),
        Reply::List(rows) => {
            num(321, &["Channel"], Some("Users  Name"));
            for row in rows {
                num(322, &[row.room.as_str(), &row.people.to_string()], Some(row.topic.as_deref().unwrap_or("")));
            }
            num(323, &[], Some("End of /LIST"));
        }
        Reply::Topic(room, None) => num(331, &[room.as_str()], Some("No topic is set")),
        Reply::Topic(room, Some(topic)) => {
            num(332, &[room.as_str()], Some(&topic.text));
            num(333, &[room.as_str(), topic.by.as_str(), &topic.at.to_string()], None);
        }
        Reply::RoomModes(room, modes, created) => {
            let mut params = vec![room.as_str()];
            params.extend(modes.split(' '));
            num(324, &params, None);
            num(329, &[room.as_str(), &created.to_string()], None);
        }
        Reply::UserModes(modes) => num(221, &[modes], None),
        Reply::Away(true) => num(306, &[], Some("You have been marked as being away")),
        Reply::Away(false) => num(305, &[], Some("You are no longer marked as being away")),
        Reply::IsAway(who, reason) => num(301, &[who.as_str()], Some(reason)),
        Reply::Motd => motd(lines, server, nick),
        Reply::Lusers(counts) => lusers(lines, server, nick, *counts),
        Reply::Help(topic) => help(lines, server, nick, topic.as_deref()),
        Reply::TalkIn(_) => {}
        Reply::History(place, messages) if !caps.has(Cap::ServerTime) => {
            // As messages they would look as if they were said now.
            for row in super::plain::history_rows(me, place, messages) {
                for piece in pieces(&row, room_after(name.len() + nick.len() + 11)) {
                    line(lines, Some(name), "NOTICE", &[nick, piece]);
                }
            }
        }
        Reply::History(_, messages) => {
            for old in messages {
                message(lines, server, caps, old);
            }
        }
        Reply::Message(own, _) => message(lines, server, caps, own),
        Reply::Event(own) => event(lines, caps, own),
        Reply::Refused(refusal) => match refusal.numeric() {
            Some((code, params, text)) => num(code, &params, Some(&text)),
            None => {
                let sentence = refusal.sentence();
                match refusal {
                    Refusal::UnknownMode(mode) => {
                        let mode = mode.to_string();
                        num(472, &[&mode], Some("is unknown mode char to me"));
                    }
                    Refusal::NotKept(verb) => {
                        line(lines, Some(name), "FAIL", &[verb, "NOT_KEPT", &sentence]);
                    }
                    Refusal::BadLine(code, _) => {
                        line(lines, Some(name), "FAIL", &["*", code, &sentence]);
                    }
                    _ => line(lines, Some(name), "NOTICE", &[nick, &sentence]),
                }
            }
        },
        Reply::Bye(reason) => {
            let out = lines.begin();
            out.push_str("ERROR :");
            push_trailing(out, reason);
            end(lines);
        }
    }
}

/// ISUPPORT tokens (Modern IRC, section "RPL_ISUPPORT Parameters"): all true.
fn isupport(server: &ServerInfo) -> Vec<String> {
    vec![
        "CASEMAPPING=ascii".into(),
        "CHANLIMIT=#:100".into(),
        "CHANMODES=,,,nt".into(),
        format!("CHANNELLEN={}", RoomName::MAX),
        "CHANTYPES=#".into(),
        format!("NETWORK={}", server.network.replace(' ', "\\x20")),
        format!("NICKLEN={}", Nick::MAX),
        "PREFIX=(ov)@+".into(),
        format!(
            "TARGMAX=JOIN:{MAX_TARGETS},NAMES:{MAX_TARGETS},NOTICE:{MAX_TARGETS},PART:{MAX_TARGETS},PRIVMSG:{MAX_TARGETS},TAGMSG:{MAX_TARGETS},WHOIS:1"
        ),
        format!("TOPICLEN={}", limits::TOPIC),
        format!("AWAYLEN={}", limits::REASON),
        format!("USERLEN={}", limits::USER),
        "UTF8ONLY".into(),
        // Ours: the room where people are who have no other.
        format!("conclave.chat/LOBBY={}", server.lobby),
    ]
}

fn welcome_burst(lines: &mut Lines, server: &ServerInfo, nick: &str, welcome: &Welcome) {
    let source = &welcome.source;
    let mut num = |code, params: &[&str], text: Option<&str>| numeric(lines, server, nick, code, params, text);
    let hello = format!("Welcome to the {} network, {}!{}@{}", server.network, source.nick, source.user, source.host);
    num(1, &[], Some(&hello));
    num(2, &[], Some(&format!("Your host is {}, running {}", server.name, server.version)));
    num(3, &[], Some(&format!("This server was started {}", server.created)));
    num(4, &[&server.name, &server.version, "i", "not", "o"], None);
    for tokens in isupport(server).chunks(12) {
        let params: Vec<&str> = tokens.iter().map(String::as_str).collect();
        num(5, &params, Some("are supported by this server"));
    }
    lusers(lines, server, nick, welcome.counts);
    motd(lines, server, nick);
}

fn lusers(lines: &mut Lines, server: &ServerInfo, nick: &str, counts: Counts) {
    let mut num = |code, params: &[&str], text: Option<&str>| numeric(lines, server, nick, code, params, text);
    let Counts { people, sessions, most, rooms, administrators } = counts;
    num(251, &[], Some(&format!("There are {people} users and 0 invisible on 1 servers")));
    num(252, &[&administrators.to_string()], Some("operator(s) online"));
    num(254, &[&rooms.to_string()], Some("channels formed"));
    num(255, &[], Some(&format!("I have {sessions} clients and 0 servers")));
    let text = format!("Current local users {people}, max {most}");
    num(265, &[&people.to_string(), &most.to_string()], Some(&text));
    let text = format!("Current global users {people}, max {most}");
    num(266, &[&people.to_string(), &most.to_string()], Some(&text));
}

fn motd(lines: &mut Lines, server: &ServerInfo, nick: &str) {
    let mut num = |code, text: &str| numeric(lines, server, nick, code, &[], Some(text));
    match &server.motd {
        None => num(422, "MOTD File is missing"),
        Some(motd) => {
            num(375, &format!("- {} Message of the day - ", server.name));
            for physical in motd.lines() {
                for piece in pieces(physical, 400) {
                    num(372, &format!("- {piece}"));
                }
            }
            num(376, "End of /MOTD command.");
        }
    }
}

fn prefix(caps: Caps, person: &Member) -> &'static str {
    match (person.operator, person.voiced) {
        (true, true) if caps.has(Cap::MultiPrefix) => "@+",
        (true, _) => "@",
        (false, true) => "+",
        (false, false) => "",
    }
}

fn names(lines: &mut Lines, server: &ServerInfo, nick: &str, caps: Caps, room: &RoomName, people: &[Member]) {
    let most = room_after(server.name.len() + nick.len() + room.as_str().len() + 12);
    let mut row = String::new();
    for person in people {
        let (prefix, name) = (prefix(caps, person), person.source.nick.as_str());
        if !row.is_empty() && row.len() + 1 + prefix.len() + name.len() > most {
            numeric(lines, server, nick, 353, &["=", room.as_str()], Some(&row));
            row.clear();
        }
        if !row.is_empty() {
            row.push(' ');
        }
        row.push_str(prefix);
        row.push_str(name);
    }
    if !row.is_empty() {
        numeric(lines, server, nick, 353, &["=", room.as_str()], Some(&row));
    }
    numeric(lines, server, nick, 366, &[room.as_str()], Some("End of /NAMES list"));
}

fn who(lines: &mut Lines, server: &ServerInfo, nick: &str, caps: Caps, person: &Member) {
    let flags = format!("{}{}", if person.away { "G" } else { "H" }, prefix(caps, person));
    let source = &person.source;
    let room = person.room.as_ref().map_or("*", RoomName::as_str);
    let params = [room, &source.user, &source.host, &server.name, source.nick.as_str(), &flags];
    numeric(lines, server, nick, 352, &params, Some(&format!("0 {}", person.realname)));
}

fn whois(lines: &mut Lines, server: &ServerInfo, nick: &str, whois: &Whois) {
    let who = whois.source.nick.as_str();
    let mut num = |code, params: &[&str], text: Option<&str>| numeric(lines, server, nick, code, params, text);
    num(311, &[who, &whois.source.user, &whois.source.host, "*"], Some(&whois.realname));
    let most = room_after(server.name.len() + nick.len() + who.len() + 12);
    let rooms: Vec<String> = whois.rooms.iter().map(|(prefix, room)| format!("{prefix}{room}")).collect();
    if !rooms.is_empty() {
        for piece in pieces(&rooms.join(" "), most) {
            num(319, &[who], Some(piece));
        }
    }
    num(312, &[who, &server.name], Some(&server.network));
    if let Some(reason) = &whois.away {
        num(301, &[who], Some(reason));
    }
    if whois.administrator {
        num(313, &[who], Some("is an administrator of this server"));
    }
    num(330, &[who, who], Some("is logged in as"));
    for (label, fingerprint) in &whois.devices {
        num(276, &[who], Some(&format!("has client certificate fingerprint {fingerprint} (device {label})")));
    }
    num(671, &[who], Some("is using a secure connection"));
    if let Some((idle, since)) = whois.idle {
        num(317, &[who, &idle.to_string(), &since.to_string()], Some("seconds idle, signon time"));
    }
    num(318, &[who], Some("End of /WHOIS list"));
}

fn help(lines: &mut Lines, server: &ServerInfo, nick: &str, topic: Option<&str>) {
    let subject = topic.unwrap_or("index");
    let rows = super::plain::help_rows(topic);
    if rows.is_empty() {
        return numeric(lines, server, nick, 524, &[subject], Some("No help available on this topic"));
    }
    numeric(lines, server, nick, 704, &[subject], Some("Commands; your client may have its own names for them"));
    for row in rows {
        numeric(lines, server, nick, 705, &[subject], Some(&row));
    }
    numeric(lines, server, nick, 706, &[subject], Some("End of /HELP"));
}
