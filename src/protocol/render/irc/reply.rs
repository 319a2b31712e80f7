//! One typed reply to its lines.

use std::fmt::Write;

use super::{Lines, Writer, end, event, invitation, message, push_trailing, room_after};
use crate::{
    ident::Nick,
    protocol::{
        caps::{Cap, Caps},
        refusal::Refusal,
        render::{
            plain,
            text::{MISSED_UNREADABLE, pieces, server_time},
        },
        reply::{Member, OFFLINE, ROWS, Reply, ServerInfo},
    },
};

/// One piece of a reply that has so many.
pub(in crate::protocol::render) fn piece(
    lines: &mut Lines,
    server: &ServerInfo,
    me: &Nick,
    caps: Caps,
    of: &Reply,
    n: usize,
) {
    match of.pieces() {
        1 => reply(lines, server, Some(me), caps, of),
        _ => Writer { lines, server, me: me.as_str(), caps }.piece(of, n),
    }
}

/// One reply, as Modern IRC writes it; to `*` before the registration.
pub(in crate::protocol::render) fn reply(
    lines: &mut Lines,
    server: &ServerInfo,
    me: Option<&Nick>,
    caps: Caps,
    reply: &Reply,
) {
    let nick = me.map_or("*", Nick::as_str);
    let mut to = Writer { lines, server, me: nick, caps };
    match reply {
        Reply::Welcome(welcome) => to.welcome(welcome),
        Reply::Pong(token) => to.line("PONG", &[&server.name, token]),
        Reply::Ping(token) => super::line(to.lines, None, "PING", &[token]),
        Reply::Cap(sub, list) => to.cap(*sub, list),
        Reply::Sasl(sasl) => to.sasl(sasl),
        Reply::Names(..) | Reply::NamesOfMany(..) | Reply::Who(..) | Reply::WhoIn(..) | Reply::List(_) => {
            (0..reply.pieces()).for_each(|n| to.piece(reply, n));
        }
        Reply::NoNames(mask) => to.end_of_names(mask),
        Reply::Whois(whois) => to.whois(whois),
        Reply::EndOfWhois(who) => to.end_of_whois(who),
        Reply::Whowas(name, people) => to.whowas(name, people),
        Reply::Userhost(people) => to.userhost(people),
        Reply::Ison(people) => to.ison(people),
        Reply::Listed(room, list, masks) => to.listed(room, *list, masks),
        Reply::Topic(room, topic) => to.topic(room, topic.as_ref()),
        Reply::RoomModes(room, modes, created) => to.room_modes(room, modes, *created),
        Reply::UserModes(modes) => to.num(221, &[modes], None),
        Reply::UserModesChanged(modes) => {
            let out = to.lines.begin();
            let _ = write!(out, ":{nick} MODE {nick} :{modes}");
            end(to.lines);
        }
        Reply::Inviting(who, room) => to.num(341, &[who.as_str(), room.as_str()], None),
        Reply::Invited(event) => invitation(to.lines, caps, event),
        Reply::Invitations(rooms) => to.invitations(rooms),
        Reply::Operator => to.num(381, &[], Some("You are now an IRC operator")),
        Reply::Rehashing => to.num(382, &["certificates"], Some("Rehashing")),
        Reply::Watched { online, offline } => to.watched(online, offline),
        Reply::WatchList(names) => to.watch_list(names),
        Reply::WatchListFull(most, names) => to.watch_list_full(*most, names),
        Reply::Marked(target, time) => {
            let mut mark = String::from("*");
            if let Some(time) = time {
                mark = String::from("timestamp=");
                server_time(&mut mark, *time);
            }
            to.line("MARKREAD", &[target, &mark]);
        }
        Reply::Metadata(metadata) => to.metadata(metadata),
        Reply::Away(true) => to.num(306, &[], Some("You have been marked as being away")),
        Reply::Away(false) => to.num(305, &[], Some("You are no longer marked as being away")),
        Reply::IsAway(who, reason) => to.away(who.as_str(), reason),
        Reply::Offline(who) => to.away(who.as_str(), OFFLINE),
        Reply::Motd => to.motd(),
        Reply::Lusers(counts) => to.lusers(*counts),
        Reply::Version => to.version(),
        Reply::Time(now_ms) => to.time(*now_ms),
        Reply::Info => to.info(),
        Reply::Admin(who) => to.admin(who),
        Reply::Help(topic) => to.help(topic.as_deref()),
        Reply::TalkIn(_) => {}
        // As messages they would look as if they were said now.
        Reply::History(..) if !caps.has(Cap::ServerTime) => to.for_people(me, reply),
        Reply::History(_, messages) => {
            for old in messages {
                message(to.lines, server, caps, old);
            }
        }
        Reply::Found(found) if caps.has(Cap::Search) && caps.has(Cap::Batch) => to.found(found),
        Reply::Found(_) => to.for_people(me, reply),
        Reply::Page(target, kept) => to.page(target, kept),
        Reply::Missed { skipped, expired, .. } => to.missed(*skipped, *expired),
        Reply::Replayed(items, _) => to.replayed(items),
        Reply::MissedUnreadable => to.line("NOTICE", &[nick, MISSED_UNREADABLE]),
        Reply::LookBack(_) | Reply::EndOfMissed => {}
        Reply::Conversations(rows) => to.conversations(rows),
        Reply::Message(own, _) => message(to.lines, server, caps, own),
        Reply::Event(own) => event(to.lines, caps, own),
        Reply::Refused(refusal) => to.refused(refusal),
        Reply::Words(words) => to.line("NOTICE", &[nick, words]),
        Reply::Bye(reason) => {
            let out = to.lines.begin();
            out.push_str("ERROR :");
            push_trailing(out, reason);
            end(to.lines);
        }
    }
}

impl Writer<'_> {
    /// As a person reads it in the plain dialect.
    fn for_people(&mut self, me: Option<&Nick>, reply: &Reply) {
        let most = room_after(self.server.name.len() + self.me.len() + 11);
        for row in me.map(|me| plain::rows(self.server, me, reply)).unwrap_or_default() {
            pieces(&row, most).for_each(|piece| self.line("NOTICE", &[self.me, piece]));
        }
    }

    fn refused(&mut self, refusal: &Refusal) {
        if let Some((code, params, text)) = refusal.numeric() {
            return self.num(code, &params, Some(&text));
        }
        let sentence = refusal.sentence();
        match refusal {
            Refusal::UnknownMode(mode) => self.num(472, &[&mode.to_string()], Some("is unknown mode char to me")),
            Refusal::ListFull(room, letter) => {
                self.num(478, &[room, &letter.to_string()], Some("Channel list is full"));
            }
            Refusal::BadModeParameter(target, letter, parameter, what) => {
                self.num(696, &[target, &letter.to_string(), parameter], Some(what));
            }
            Refusal::TooManyModes(target, _) => self.num(696, &[target, "*", "*"], Some(&sentence)),
            Refusal::NotKept(verb) => self.line("FAIL", &[verb, "NOT_KEPT", &sentence]),
            Refusal::BadLine(code, _) => self.line("FAIL", &["*", code, &sentence]),
            Refusal::Fail(fail) => {
                let mut params = vec![fail.verb, fail.code];
                params.extend(fail.context.iter().map(|text| &**text));
                params.push(&sentence);
                self.line("FAIL", &params);
            }
            _ => self.line("NOTICE", &[self.me, &sentence]),
        }
    }
}

impl Writer<'_> {
    /// A piece of a list; the first has its head, and the last its end.
    fn piece(&mut self, list: &Reply, n: usize) {
        match list {
            Reply::Names(room, secret, people) => self.names(room, *secret, people, n),
            Reply::NamesOfMany(rooms, _) => {
                let mut left = n;
                for (room, secret, people) in rooms {
                    if left < people.pieces() {
                        self.names(room, *secret, people, left);
                        break;
                    }
                    left -= people.pieces();
                }
            }
            Reply::Who(_, whox, people) => {
                part(people, n).iter().for_each(|person| self.who(whox.as_ref(), person));
            }
            Reply::WhoIn(_, whox, room, people, whom) => {
                for person in people.piece(n).iter().filter(|person| whom.has(person)) {
                    self.who(whox.as_ref(), &Member::of(person, room));
                }
            }
            Reply::List(rows) => {
                if n == 0 {
                    self.list_head();
                }
                part(rows, n).iter().for_each(|row| self.list_row(row));
            }
            _ => {}
        }
        if n + 1 < list.pieces() {
            return;
        }
        match list {
            Reply::Names(room, ..) => self.end_of_names(room.as_str()),
            // One list ends once, under the name by which it was asked for (RFC 2812, section 3.2.5).
            Reply::NamesOfMany(_, asked) => self.end_of_names(asked),
            Reply::Who(mask, ..) | Reply::WhoIn(mask, ..) => self.end_of_who(mask),
            Reply::List(_) => self.end_of_list(),
            _ => {}
        }
    }
}

/// The rows of a piece.
fn part<T>(rows: &[T], n: usize) -> &[T] {
    rows.chunks(ROWS).nth(n).unwrap_or_default()
}
