//! What is said about the server: the welcome, ISUPPORT, MOTD, LUSERS, VERSION, INFO, HELP.

use std::sync::Arc;

use super::Writer;
use crate::{
    ident::{Nick, RoomName},
    protocol::{
        command::{CHATHISTORY_MOST, MAX_TARGETS, Spec, TABLE},
        limits,
        modes::{Flag, List, Status},
        render::text::{pieces, server_time},
        reply::{Counts, ServerInfo, Welcome},
    },
};

/// The letters of all modes of people.
const USER_MODES: &str = "Biow";

/// ISUPPORT tokens (Modern IRC, section "RPL_ISUPPORT Parameters"): all true.
fn isupport(server: &ServerInfo) -> Vec<String> {
    let lists: String = List::ALL.map(List::letter).iter().collect();
    let flags: String = Flag::ALL.map(Flag::letter).iter().collect();
    let (letters, prefixes): (String, String) =
        Status::ALL.into_iter().map(|status| (status.letter(), status.prefix())).unzip();
    let several = ["JOIN", "KICK", "NAMES", "NOTICE", "PART", "PRIVMSG", "TAGMSG"];
    let several = several.map(|verb| format!("{verb}:{MAX_TARGETS}")).join(",");
    vec![
        "ACCOUNTEXTBAN=account".into(),
        format!("AWAYLEN={}", limits::REASON),
        "BOT=B".into(),
        "CASEMAPPING=ascii".into(),
        format!("CHANLIMIT=#:{}", server.rooms_per_account),
        format!("CHANMODES={lists},k,l,{flags}"),
        format!("CHANNELLEN={}", RoomName::MAX),
        "CHANTYPES=#".into(),
        format!("CHATHISTORY={CHATHISTORY_MOST}"),
        "ELIST=CMNTU".into(),
        "EXCEPTS".into(),
        "EXTBAN=,m".into(),
        "INVEX".into(),
        format!("KEYLEN={}", limits::KEY),
        format!("KICKLEN={}", limits::KICK),
        format!("MAXLIST={lists}:{}", limits::LISTED),
        format!("MODES={}", limits::MODES),
        format!("MONITOR={}", limits::MONITOR),
        "MSGREFTYPES=msgid,timestamp".into(),
        format!("NAMELEN={}", limits::REALNAME),
        format!("NETWORK={}", server.network.replace(' ', "\\x20")),
        format!("NICKLEN={}", Nick::MAX),
        format!("PREFIX=({letters}){prefixes}"),
        "SAFELIST".into(),
        format!("STATUSMSG={prefixes}"),
        format!("TARGMAX={several},INVITE:1,LIST:,MONITOR:{},WHOIS:1,WHOWAS:1", limits::MONITOR),
        format!("TOPICLEN={}", limits::TOPIC),
        format!("USERLEN={}", limits::USER),
        "UTF8ONLY".into(),
        "WHOX".into(),
        // Ours: the room where people are who have no other.
        format!("conclave.chat/LOBBY={}", server.lobby),
    ]
}

impl Writer<'_> {
    pub(super) fn welcome(&mut self, welcome: &Welcome) {
        let server = self.server;
        let hello = format!("Welcome to the {} network, {}", server.network, welcome.source.mask());
        self.num(1, &[], Some(&hello));
        self.num(2, &[], Some(&format!("Your host is {}, running {}", server.name, server.version)));
        self.num(3, &[], Some(&format!("This server was started {}", server.created)));
        let letters = |letters: &[char]| {
            let mut letters = letters.to_vec();
            letters.sort_unstable();
            letters.into_iter().collect::<String>()
        };
        let lists = List::ALL.map(List::letter);
        let status = Status::ALL.map(Status::letter);
        let with_parameter = letters(&[&lists[..], &status, &['k', 'l']].concat());
        let all = letters(&[&lists[..], &status, &['k', 'l'], &Flag::ALL.map(Flag::letter)].concat());
        self.num(4, &[&server.name, &server.version, USER_MODES, &all, &with_parameter], None);
        self.isupport();
        self.lusers(welcome.counts);
        if let Some(rows) = &welcome.metadata {
            self.rows(welcome.source.nick.as_str(), rows);
        }
        self.motd();
        if let Some(modes) = &welcome.modes {
            self.num(221, &[modes], None);
        }
    }

    pub(super) fn isupport(&mut self) {
        for tokens in isupport(self.server).chunks(12) {
            let params: Vec<&str> = tokens.iter().map(String::as_str).collect();
            self.num(5, &params, Some("are supported by this server"));
        }
    }

    pub(super) fn lusers(&mut self, counts: Counts) {
        let Counts { people, sessions, waiting, most, rooms, invisible, administrators } = counts;
        let visible = people - invisible.min(people);
        self.num(251, &[], Some(&format!("There are {visible} users and {invisible} invisible on 1 servers")));
        self.num(252, &[&administrators.to_string()], Some("operator(s) online"));
        // Only where there are some (RFC 2812, section 3.4.2).
        if waiting > 0 {
            self.num(253, &[&waiting.to_string()], Some("unregistered connections"));
        }
        self.num(254, &[&rooms.to_string()], Some("channels formed"));
        self.num(255, &[], Some(&format!("I have {sessions} clients and 0 servers")));
        let (people, most) = (people.to_string(), most.to_string());
        self.num(265, &[&people, &most], Some(&format!("Current local users {people}, max {most}")));
        self.num(266, &[&people, &most], Some(&format!("Current global users {people}, max {most}")));
    }

    pub(super) fn motd(&mut self) {
        let Some(motd) = self.server.motd.clone() else { return self.num(422, &[], Some("MOTD File is missing")) };
        let name = Arc::clone(&self.server.name);
        self.num(375, &[], Some(&format!("- {name} Message of the day - ")));
        for physical in motd.lines() {
            for piece in pieces(physical, 400) {
                self.num(372, &[], Some(&format!("- {piece}")));
            }
        }
        self.num(376, &[], Some("End of /MOTD command."));
    }

    pub(super) fn version(&mut self) {
        let server = self.server;
        self.num(351, &[&server.version, &server.name], Some("TLS 1.3, certificates are accounts"));
        self.isupport();
    }

    pub(super) fn time(&mut self, now_ms: u64) {
        let mut text = String::new();
        server_time(&mut text, now_ms);
        let name = Arc::clone(&self.server.name);
        self.num(391, &[&name, &(now_ms / 1000).to_string(), "0"], Some(&text));
    }

    pub(super) fn info(&mut self) {
        let server = self.server;
        for text in [
            &format!("{}: private chat over mutual TLS", server.version),
            "Certificates are the accounts: no passwords, no plaintext.",
            &format!("Running since {}", server.created),
        ] {
            self.num(371, &[], Some(text));
        }
        self.num(374, &[], Some("End of INFO list"));
    }

    pub(super) fn admin(&mut self, who: &[Nick]) {
        let name = Arc::clone(&self.server.name);
        if who.is_empty() {
            return self.num(423, &[&name], Some("No administrative info available"));
        }
        let names: Vec<&str> = who.iter().map(Nick::as_str).collect();
        self.num(256, &[&name], Some("Administrative info"));
        self.num(257, &[], Some(&format!("The network {}", self.server.network.clone())));
        self.num(258, &[], Some("The administrators of this server are"));
        self.words(259, &[], ' ', names);
    }

    pub(super) fn help(&mut self, topic: Option<&str>) {
        let subject = topic.unwrap_or("index");
        let row = |spec: &Spec| format!("{} {}", spec.verb, spec.params);
        match topic.map(|topic| Spec::by_verb(topic).or_else(|| Spec::by_slash(topic))) {
            Some(None) => self.num(524, &[subject], Some("No help available on this topic")),
            Some(Some(spec)) => {
                self.num(704, &[subject], Some(&row(spec)));
                self.num(705, &[subject], Some(""));
                self.num(705, &[subject], Some(spec.help));
                self.num(706, &[subject], Some("End of /HELP"));
            }
            None => {
                self.num(704, &[subject], Some("Commands; your client may have its own names for them"));
                self.num(705, &[subject], Some(""));
                for spec in TABLE.iter().filter(|spec| !spec.verb.is_empty()) {
                    self.num(705, &[subject], Some(&format!("{:40} {}", row(spec), spec.help)));
                }
                self.num(706, &[subject], Some("End of /HELP"));
            }
        }
    }
}
