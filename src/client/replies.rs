//! The server's numeric replies as sentences.
//!
//! The lists that take several lines (NAMES, WHO, ...) are shown line by line, as they come.

use crate::protocol::refusal::Refusal;

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
    command == "FAIL" || command.len() == 3 && matches!(command.as_bytes()[0], b'4' | b'5' | b'9')
}

/// Why a request was not carried out, in words for a person; `params` without our own name in front.
pub(super) fn reason(command: &str, params: &[&str]) -> String {
    let text = params.last().copied().unwrap_or_default();
    let [name, _] = params else { return text.to_owned() };
    let name = || Box::from(*name);
    let refusal = match command {
        // The one that says more than that nobody has this name.
        "401" if text.starts_with("Not connected") => Refusal::NotHere(name()),
        "401" => Refusal::NoSuchNick(name()),
        "403" => Refusal::NoSuchRoom(name()),
        "404" => Refusal::CannotSpeak(name()),
        "442" => Refusal::NotOnRoom(name()),
        "471" => Refusal::RoomFull(name()),
        "473" => Refusal::InviteOnly(name()),
        "474" => Refusal::Banned(name()),
        "475" => Refusal::BadKey(name()),
        "476" => Refusal::BadRoomName(name()),
        "482" => Refusal::NeedOperator(name()),
        _ => return text.to_owned(),
    };
    refusal.sentence()
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
        | 312
        | 315
        | 318
        | 321
        | 323
        | 329
        | 333
        | 353
        | 366
        | 368
        | 375
        | 376
        | 422
        | 671
        | 900..=903 => Told::Nothing,
        221 => say(format!("your modes: {last}")),
        301 => say(format!("{} is away: {last}", at(0))),
        305 => say("you are back".into()),
        306 => say("you are away now; /away alone says that you are back".into()),
        311 => say(format!("{}: {last} ({}@{})", at(0), at(1), at(2))),
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
        401..=404 | 442 | 471 | 473..=476 | 482 if params.len() == 2 => say(reason(&code.to_string(), params)),
        _ => match params.split_last() {
            Some((text, [])) => say((*text).to_owned()),
            Some((text, about)) => say(format!("{}: {text}", about.join(" "))),
            None => Told::Nothing,
        },
    }
}

/// A row of WHO: room, user, host, server, nick, flags, hops and real name.
fn who(params: &[&str]) -> Told {
    let [room, user, host, _, nick, flags, rest] = params else { return Told::Nothing };
    let name = rest.split_once(' ').map_or("", |(_, name)| name);
    let name = if name.is_empty() || name.eq_ignore_ascii_case(nick) { String::new() } else { format!(" {name}") };
    let mark = flags.trim_start_matches(['H', 'G', '*']);
    let away = if flags.starts_with('G') { ", away" } else { "" };
    let room = if room.starts_with('#') { format!(" in {room}") } else { String::new() };
    Told::Say(None, format!("{mark}{nick}{name} ({user}@{host}){room}{away}"))
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
        check(322, &["#a", "3", ""], None, "#a (3)");
        check(
            352,
            &["#a", "al", "net", "srv", "alice", "G@", "0 Alice D"],
            None,
            "@alice Alice D (al@net) in #a, away",
        );
        check(317, &["bob", "90", "1700000000", "seconds idle, signon time"], None, "bob is idle for 1 min");
        check(404, &["#a", "Cannot send to channel"], None, "you cannot speak in #a; /join #a first");
        check(401, &["bob", "No such nick/channel"], None, "nobody here is called bob; /who lists who is here");
        check(474, &["#a", "Cannot join channel (+b)"], None, "you are banned from #a");
        check(405, &["#a", "Too many"], None, "#a: Too many");
        check(451, &["You have not registered"], None, "You have not registered");
        assert_eq!(sentence(366, &["#a", "End"]), Told::Nothing);
        assert_eq!(sentence(999, &[]), Told::Nothing);
    }

    #[test]
    fn refusals_are_known() {
        for (command, expect) in [("401", true), ("502", true), ("FAIL", true), ("301", false), ("NOTICE", false)] {
            assert_eq!(is_refusal(command), expect, "{command}");
        }
    }
}
