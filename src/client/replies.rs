//! The server's numeric replies as sentences.
//!
//! The lists that take several lines (NAMES, WHO, ...) are shown line by line, as they come.

use crate::protocol::{
    refusal::Refusal,
    reply::{OFFLINE, offline},
    timestamp,
};

/// What a numeric reply is for a person.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// Nothing: protocol, or said elsewhere.
    Nothing,
    /// A sentence, and the room that it belongs to.
    Say(Option<String>, String),
}

/// Whether a reply says that the request was not carried out.
pub(super) fn is_refusal(command: &str) -> bool {
    // That there is no message of the day is an answer.
    command == "FAIL"
        || command.len() == 3 && matches!(command.as_bytes()[0], b'4' | b'5' | b'9') && command != "422"
        || command == "696"
}

/// Why a request was not carried out, in words for a person; `params` without our own name in front.
pub(super) fn reason(command: &str, params: &[&str]) -> String {
    known_reason(command, params).unwrap_or_else(|| params.last().copied().unwrap_or_default().to_owned())
}

fn known_reason(command: &str, params: &[&str]) -> Option<String> {
    let (text, about) = params.split_last()?;
    let refusal = match (command, about) {
        // The one that says more than that nobody has this name.
        ("401", &[name]) if text.starts_with("Not connected") => Refusal::NotHere(name.into()),
        ("401", &[name]) => Refusal::NoSuchNick(name.into()),
        ("403", &[name]) => Refusal::NoSuchRoom(name.into()),
        ("404", &[name]) => Refusal::CannotSpeak(name.into()),
        ("406", &[name]) => Refusal::WasNobody(name.into()),
        ("421", &[verb]) => Refusal::Unknown(verb.into()),
        ("441", &[nick, room]) => Refusal::NotInRoom(nick.into(), room.into()),
        ("442", &[name]) => Refusal::NotOnRoom(name.into()),
        ("443", &[nick, room]) => Refusal::AlreadyInRoom(nick.into(), room.into()),
        ("461", &[verb]) => Refusal::NeedMoreParams(verb.into()),
        ("471", &[name]) => Refusal::RoomFull(name.into()),
        ("472", &[mode]) => Refusal::UnknownMode(mode.chars().next()?),
        ("473", &[name]) => Refusal::InviteOnly(name.into()),
        ("474", &[name]) => Refusal::Banned(name.into()),
        ("475", &[name]) => Refusal::BadKey(name.into()),
        ("476", &[name]) => Refusal::BadRoomName(name.into()),
        ("478", &[room, letter]) => Refusal::ListFull(room.into(), letter.chars().next()?),
        ("481", &[]) => Refusal::NoPrivileges,
        ("482", &[name]) => Refusal::NeedOperator(name.into()),
        ("491", &[]) => Refusal::NoOperator,
        ("501", &[]) => Refusal::UnknownUserMode,
        ("502", &[]) => Refusal::NotYourModes,
        ("525", &[name]) => Refusal::InvalidKey(name.into()),
        ("696", &[_, "*", _]) => return Some((*text).to_owned()),
        ("696", &[_, letter, parameter]) => return Some(format!("mode {letter} {parameter}: {text}")),
        _ => return None,
    };
    Some(refusal.sentence())
}

/// Whether a reply is a row of a list whose end tells nothing unless there was no row.
pub(super) const fn is_row(code: u16) -> bool {
    matches!(code, 322 | 336 | 346 | 348 | 352 | 367)
}

/// What the end of a list tells when there was no row.
pub(super) fn nothing_listed(code: u16, params: &[&str]) -> Option<(Option<String>, String)> {
    let name = params.first().copied().unwrap_or_default();
    let list = |letter| Some((Some(name.to_owned()), format!("the list {letter} is empty")));
    match code {
        315 => Some((None, format!("nobody fits {name}"))),
        323 => Some((None, "there is no such room; /join #NAME makes one".into())),
        337 => Some((None, "you are invited into no room".into())),
        347 => list('I'),
        349 => list('e'),
        368 => list('b'),
        _ => None,
    }
}

/// The sentence of a reply; `params` without our own name in front.
pub(super) fn sentence(code: u16, params: &[&str]) -> Told {
    let room = params.first().filter(|name| name.starts_with('#')).map(|name| (*name).to_owned());
    let at = |index: usize| params.get(index).copied().unwrap_or_default();
    let last = params.last().copied().unwrap_or_default();
    let say = |text: String| Told::Say(None, text);
    match code {
        // The welcome, numbers about the server, ends of lists, who set a topic and when, SASL.
        1..=5
        | 250..=255
        | 265
        | 266
        | 315
        | 318
        | 321
        | 323
        | 329
        | 333
        | 337
        | 347
        | 349
        | 353
        | 366
        | 368
        | 369
        | 375
        | 376
        | 671
        | 900..=903 => Told::Nothing,
        221 => say(format!("your modes: {last}")),
        // A program keeps the connection, for nobody (IRCv3 `draft/pre-away`).
        301 if last == "*" => say(format!("{} is away", at(0))),
        301 if last == OFFLINE => say(offline(at(0))),
        301 => say(format!("{} is away: {last}", at(0))),
        305 => say("you are back".into()),
        306 => say("you are away now; /away alone says that you are back".into()),
        311 => say(format!("{}: {last} ({}@{})", at(0), at(1), at(2))),
        // Of WHOWAS: until when; of WHOIS: the server's name, which there is but one of.
        312 => match timestamp::parse(last) {
            Some(_) => say(format!("{} was here until {}", at(0), utc(last))),
            None => Told::Nothing,
        },
        314 => say(format!("{} was {last} ({}@{})", at(0), at(1), at(2))),
        336 => say(format!("you are invited into {0}; /join {0}", at(0))),
        341 => say(format!("{} is invited into {}", at(0), at(1))),
        346 => Told::Say(room, format!("I: {} (set by {})", at(1), at(2))),
        348 => Told::Say(room, format!("e: {} (set by {})", at(1), at(2))),
        367 => Told::Say(room, format!("b: {} (set by {})", at(1), at(2))),
        351 => say(format!("the server runs {}", at(0))),
        381 => say("you act as administrator".into()),
        382 => say("the certificates are read again".into()),
        391 => say(format!("the server's time: {}", utc(last))),
        422 => say("there is no message of the day".into()),
        379 if last.ends_with(" +") => Told::Nothing,
        313 | 320 | 335 | 338 | 378 | 379 => say(format!("{} {last}", at(0))),
        317 => say(format!("{} is idle for {}", at(0), span(at(1)))),
        319 => say(format!("{} is in {last}", at(0))),
        276 => say(format!("{} {last}", at(0))),
        330 if at(0).eq_ignore_ascii_case(at(1)) => Told::Nothing,
        330 => say(format!("{} is the account {}", at(0), at(1))),
        322 => {
            let topic = if last.is_empty() { String::new() } else { format!("  {last}") };
            say(format!("{} ({}){topic}", at(0), at(1)))
        }
        324 => Told::Say(room, format!("modes: {}", params.get(1..).unwrap_or_default().join(" "))),
        331 => Told::Say(room, "no topic is set".into()),
        332 => Told::Say(room, format!("topic: {last}")),
        352 => who(params),
        372 => say(last.strip_prefix("- ").unwrap_or(last).to_owned()),
        _ => match (known_reason(&code.to_string(), params), params.split_last()) {
            (Some(reason), _) => say(reason),
            (None, Some((text, []))) => say((*text).to_owned()),
            (None, Some((text, about))) => say(format!("{}: {text}", about.join(" "))),
            (None, None) => Told::Nothing,
        },
    }
}

/// A row of WHO: room, user, host, server, nick, flags, hops and real name.
fn who(params: &[&str]) -> Told {
    let [room, user, host, _, nick, flags, rest] = params else { return Told::Nothing };
    let name = rest.split_once(' ').map_or("", |(_, name)| name);
    let name = if name.is_empty() || name.eq_ignore_ascii_case(nick) { String::new() } else { format!(" {name}") };
    let mark = flags.trim_start_matches(['H', 'G', '*', 'B']);
    let bot = if flags.contains('B') { ", a bot" } else { "" };
    let away = if flags.starts_with('G') { ", away" } else { "" };
    let room = if room.starts_with('#') { format!(" in {room}") } else { String::new() };
    Told::Say(None, format!("{mark}{nick}{name} ({user}@{host}){room}{bot}{away}"))
}

/// `2026-11-21T14:02:10.123Z` as a person reads it; anything else as it is.
fn utc(time: &str) -> String {
    match time.split_once('T') {
        Some((date, clock)) if timestamp::parse(time).is_some() => {
            format!("{date} {} UTC", clock.split(['.', 'Z']).next().unwrap_or(clock))
        }
        _ => time.to_owned(),
    }
}

fn span(seconds: &str) -> String {
    match seconds.parse::<u64>() {
        Err(_) => seconds.to_owned(),
        Ok(s) if s < 60 => format!("{s} s"),
        Ok(s) if s < 3600 => format!("{} min", s / 60),
        Ok(s) if s < 48 * 3600 => format!("{} h {} min", s / 3600, s % 3600 / 60),
        Ok(s) => format!("{} days", s / 86400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(code: u16, params: &[&str], room: Option<&str>, text: &str) {
        assert_eq!(sentence(code, params), Told::Say(room.map(ToOwned::to_owned), text.to_owned()));
    }

    #[test]
    fn sentences() {
        check(332, &["#a", "new topic"], Some("#a"), "topic: new topic");
        check(301, &["bob", "lunch"], None, "bob is away: lunch");
        check(301, &["bob", "*"], None, "bob is away");
        check(322, &["#a", "3", ""], None, "#a (3)");
        check(
            352,
            &["#a", "al", "net", "srv", "alice", "G@", "0 Alice D"],
            None,
            "@alice Alice D (al@net) in #a, away",
        );
        check(317, &["bob", "90", "1700000000", "seconds idle, signon time"], None, "bob is idle for 1 min");
        check(
            404,
            &["#a", "Cannot send to channel"],
            None,
            "you cannot speak in #a; /join #a first, or ask its operators",
        );
        check(401, &["bob", "No such nick/channel"], None, "nobody is known as bob; /who lists who is here");
        check(474, &["#a", "Cannot join channel (+b)"], None, "you are banned from #a");
        check(405, &["#a", "Too many"], None, "#a: Too many");
        check(341, &["bob", "#a"], None, "bob is invited into #a");
        check(336, &["#a"], None, "you are invited into #a; /join #a");
        check(367, &["#a", "bob!*@*", "alice", "1795275197"], Some("#a"), "b: bob!*@* (set by alice)");
        check(348, &["#a", "bob!*@*", "alice", "1795275197"], Some("#a"), "e: bob!*@* (set by alice)");
        check(346, &["#a", "bob!*@*", "alice", "1795275197"], Some("#a"), "I: bob!*@* (set by alice)");
        check(351, &["conclave 1", "srv", "TLS 1.3"], None, "the server runs conclave 1");
        check(391, &["srv", "1", "0", "2026-11-21T14:02:10.123Z"], None, "the server's time: 2026-11-21 14:02:10 UTC");
        check(314, &["bob", "b", "net", "*", "Bob B"], None, "bob was Bob B (b@net)");
        check(312, &["bob", "srv", "2026-11-21T14:02:10.123Z"], None, "bob was here until 2026-11-21 14:02:10 UTC");
        assert_eq!(sentence(312, &["bob", "srv", "Conclave"]), Told::Nothing);
        check(379, &["bob", "is using modes +i"], None, "bob is using modes +i");
        assert_eq!(sentence(379, &["bob", "is using modes +"]), Told::Nothing);
        check(381, &["You are now an IRC operator"], None, "you act as administrator");
        check(406, &["bob", "There was no such nickname"], None, "nobody called bob was here lately");
        check(422, &["MOTD File is missing"], None, "there is no message of the day");
        check(441, &["bob", "#a", "They aren't on that channel"], None, "bob is not in #a");
        check(443, &["bob", "#a", "is already on channel"], None, "bob is in #a already");
        check(461, &["MODE", "Not enough parameters"], None, "MODE needs more than that; /help shows how");
        check(472, &["x", "is unknown mode char to me"], None, "there is no mode x");
        check(
            478,
            &["#a", "b", "Channel list is full"],
            None,
            "the list b of #a is full; take a mask off it first (/mode #a -b MASK)",
        );
        check(481, &["Permission Denied"], None, "only the administrators of this server may do that");
        check(502, &["Can't change mode"], None, "these are somebody else's modes");
        check(696, &["#a", "l", "x", "a limit is a number from 1"], None, "mode l x: a limit is a number from 1");
        check(696, &["#a", "*", "*", "at most 8 changes"], None, "at most 8 changes");
        check(352, &["#a", "al", "net", "srv", "alice", "HB+", "0 alice"], None, "+alice (al@net) in #a, a bot");
        check(451, &["You have not registered"], None, "You have not registered");
        assert_eq!(sentence(366, &["#a", "End"]), Told::Nothing);
        assert_eq!(sentence(999, &[]), Told::Nothing);
    }

    #[test]
    fn refusals_are_known() {
        for (command, expect) in [
            ("401", true),
            ("502", true),
            ("FAIL", true),
            ("301", false),
            ("NOTICE", false),
            ("422", false),
            ("696", true),
        ] {
            assert_eq!(is_refusal(command), expect, "{command}");
        }
    }
}
