//! What is said about people: NAMES, WHO, WHOIS, WHOWAS, USERHOST, MONITOR.

use std::sync::Arc;

use super::{Writer, room_after};
use crate::{
    ident::{Nick, RoomName},
    protocol::{
        caps::{Cap, Caps},
        chat::Source,
        command::Whox,
        render::text::{pieces, server_time},
        reply::{Member, Place, Was, Whois},
        roster::{Roster, Style},
    },
};

/// The capabilities by which a client shows that it knows of accounts.
const ACCOUNTS: Caps = Caps::of(&[Cap::AccountNotify, Cap::AccountTag, Cap::ExtendedJoin]);

impl Writer<'_> {
    /// What a person is in a room, by the capabilities of who reads it.
    fn prefix(&self, operator: bool, voiced: bool) -> &'static str {
        match (operator, voiced) {
            (true, true) if self.caps.has(Cap::MultiPrefix) => "@+",
            (true, _) => "@",
            (false, true) => "+",
            (false, false) => "",
        }
    }

    /// A piece of a list of names.
    pub(super) fn names(&mut self, room: &RoomName, secret: bool, people: &Roster, piece: usize) {
        let style =
            Style { multi_prefix: self.caps.has(Cap::MultiPrefix), userhost: self.caps.has(Cap::UserhostInNames) };
        let symbol = if secret { "@" } else { "=" };
        let head = format!(":{} 353 {} {symbol} {room} :", self.server.name, self.me);
        // The same for everybody, whatever he is called: so that what was rendered can be shared.
        let most = room_after(head.len() - self.me.len() + Nick::MAX);
        people.rows(piece, style, most, |row| {
            let out = self.lines.begin();
            out.push_str(&head);
            out.push_str(row);
            out.push_str("\r\n");
        });
    }

    pub(super) fn end_of_names(&mut self, mask: &str) {
        self.num(366, &[mask], Some("End of /NAMES list"));
    }

    pub(super) fn who(&mut self, whox: Option<&Whox>, person: &Member) {
        match whox {
            Some(whox) => self.whox(whox, person),
            None => self.who_row(person),
        }
    }

    pub(super) fn end_of_who(&mut self, mask: &str) {
        self.num(315, &[mask], Some("End of /WHO list"));
    }

    /// `H` or `G`, `*` for administrators, `B` for bots, and the prefix.
    fn flags(&self, person: &Member) -> String {
        let mut flags = String::from(if person.away { "G" } else { "H" });
        if person.administrator {
            flags.push('*');
        }
        if person.bot {
            flags.push('B');
        }
        flags + self.prefix(person.operator, person.voiced)
    }

    fn who_row(&mut self, person: &Member) {
        let flags = self.flags(person);
        let (source, server) = (&person.source, Arc::clone(&self.server.name));
        let room = person.room.as_ref().map_or("*", RoomName::as_str);
        let params = [room, &source.user, &source.host, &server, source.nick.as_str(), &flags];
        self.num(352, &params, Some(&format!("0 {}", person.realname)));
    }

    /// One row of WHOX: the fields that were asked for, in the order of the specification.
    fn whox(&mut self, whox: &Whox, person: &Member) {
        let Source { nick, user, host, .. } = &*person.source;
        let (flags, server, idle) = (self.flags(person), Arc::clone(&self.server.name), person.idle.to_string());
        let room = person.room.as_ref().map_or("*", RoomName::as_str);
        let level = if person.operator { "1" } else { "n/a" };
        let fields = [
            ('t', whox.token.as_deref().unwrap_or("0")),
            ('c', room),
            ('u', user),
            // Addresses are nobody's business.
            ('i', "255.255.255.255"),
            ('h', host),
            ('s', &server),
            ('n', nick.as_str()),
            ('f', &flags),
            ('d', "0"),
            ('l', &idle),
            ('a', nick.as_str()),
            ('o', level),
        ];
        let params: Vec<&str> =
            fields.iter().filter(|(letter, _)| whox.fields.contains(*letter)).map(|(_, value)| *value).collect();
        let realname = whox.fields.contains('r').then_some(&*person.realname);
        self.num(354, &params, realname);
    }

    pub(super) fn whois(&mut self, whois: &Whois) {
        let who = whois.source.nick.as_str();
        let server = Arc::clone(&self.server.name);
        let network = Arc::clone(&self.server.network);
        let shown = |place: &Place| format!("{}{}", self.prefix(place.operator, place.voiced), place.room);
        let rooms: Vec<String> = whois.rooms.iter().map(shown).collect();
        self.num(311, &[who, &whois.source.user, &whois.source.host, "*"], Some(&whois.realname));
        self.words(319, &[who], ' ', rooms);
        self.num(312, &[who, &server], Some(&network));
        if let Some(reason) = &whois.away {
            self.num(301, &[who], Some(reason));
        }
        if whois.operator {
            self.num(313, &[who], Some("is an administrator of this server"));
        }
        if whois.bot {
            self.num(335, &[who], Some("is a bot"));
        }
        if let Some(modes) = &whois.modes {
            self.num(379, &[who], Some(&format!("is using modes {modes}")));
        }
        // Nicks are accounts here: what is said of somebody's account, his certificates too, is for
        // clients that tell the two apart.
        let accounts = !self.caps.and(ACCOUNTS).is_empty();
        if accounts {
            self.num(330, &[who, who], Some("is logged in as"));
        }
        let own = self.me.eq_ignore_ascii_case(who);
        for (label, fingerprint) in whois.devices.iter().filter(|_| own || accounts) {
            self.num(276, &[who], Some(&format!("has client certificate fingerprint {fingerprint} (device {label})")));
        }
        self.num(671, &[who], Some("is using a secure connection"));
        if let Some((idle, since)) = whois.idle {
            self.num(317, &[who, &idle.to_string(), &since.to_string()], Some("seconds idle, signon time"));
        }
        if self.caps.has(Cap::Metadata) {
            for (key, value) in &whois.metadata {
                self.num(760, &[who, key.as_str(), "*"], Some(value));
            }
        }
        self.end_of_whois(who);
    }

    pub(super) fn end_of_whois(&mut self, who: &str) {
        self.num(318, &[who], Some("End of /WHOIS list"));
    }

    pub(super) fn whowas(&mut self, name: &str, people: &[Was]) {
        if people.is_empty() {
            self.num(406, &[name], Some("There was no such nickname"));
        }
        let server = Arc::clone(&self.server.name);
        for Was { source, realname, at_ms } in people {
            let mut at = String::new();
            server_time(&mut at, *at_ms);
            self.num(314, &[source.nick.as_str(), &source.user, &source.host, "*"], Some(realname));
            self.num(312, &[source.nick.as_str(), &server], Some(&at));
        }
        self.num(369, &[name], Some("End of WHOWAS"));
    }

    pub(super) fn userhost(&mut self, people: &[Member]) {
        let row = |person: &Member| {
            let Source { nick, user, host, .. } = &*person.source;
            let (star, away) = (if person.administrator { "*" } else { "" }, if person.away { '-' } else { '+' });
            format!("{nick}{star}={away}{user}@{host}")
        };
        let rows: Vec<String> = people.iter().map(row).collect();
        self.some_words(302, rows);
    }

    pub(super) fn ison(&mut self, people: &[Nick]) {
        self.some_words(303, people.iter().map(Nick::as_str));
    }

    /// One numeric at least, also where there are no words.
    fn some_words<T: AsRef<str>>(&mut self, code: u16, words: impl IntoIterator<Item = T>) {
        let mut words = words.into_iter().peekable();
        match words.peek() {
            None => self.num(code, &[], Some("")),
            Some(_) => self.words(code, &[], ' ', words),
        }
    }

    pub(super) fn watched(&mut self, online: &[Arc<Source>], offline: &[Box<str>]) {
        self.words(730, &[], ',', online.iter().map(|source| source.mask()));
        self.words(731, &[], ',', offline);
    }

    pub(super) fn watch_list(&mut self, names: &[Box<str>]) {
        self.words(732, &[], ',', names);
        self.num(733, &[], Some("End of MONITOR list"));
    }

    pub(super) fn watch_list_full(&mut self, most: usize, names: &[Box<str>]) {
        const TEXT: &str = "Monitor list is full.";
        let limit = most.to_string();
        let room = self.room(&[&limit]).saturating_sub(TEXT.len() + 2);
        let mut row = String::new();
        for name in names {
            if !row.is_empty() && row.len() + 1 + name.len() > room {
                self.num(734, &[&limit, &row], Some(TEXT));
                row.clear();
            }
            if !row.is_empty() {
                row.push(',');
            }
            row.push_str(name);
        }
        self.num(734, &[&limit, &row], Some(TEXT));
    }

    pub(super) fn away(&mut self, who: &str, reason: &str) {
        let most = self.room(&[who]);
        // Cut rather than divided: a second 301 would be a second answer.
        self.num(301, &[who], pieces(reason, most).next());
    }
}
