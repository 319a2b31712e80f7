//! What a typed line asks for: the plain dialect's commands, turned into IRC requests.
//!
//! The commands and their help are those of [`crate::protocol::command`]; what is said in a room
//! that is not named goes to the one that text goes to when the line is typed.

use super::{
    event::Manner,
    pending::{Aim, Request},
};
use crate::{
    ident::RoomName,
    protocol::{
        chat::Kind,
        command::{Command, Info, ListQuery, Place, Send, from_plain, help_rows},
        limits::IRC_BODY,
        refusal::Refusal,
    },
};

/// What a typed line asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Nothing: an empty line.
    Nothing,
    /// Requests to the server, in this order.
    Ask(Vec<Request>),
    /// To talk in this room: a request, unless we are in it already.
    TalkIn(String, Request),
    /// The help, line by line.
    Help(Vec<String>),
    /// The line is no command that can be carried out, and why.
    Wrong(String),
    /// To leave, with a reason.
    Quit(Option<String>),
}

/// Octets of a line that are left for what the server puts in front of it for others (`:NICK!USER@HOST `,
/// with the longest that there can be), so that a long text is divided here, between words, and not there.
const SOURCE: usize = 120;

/// Reads a typed line. `current` is the room that text goes to.
pub fn parse(line: &str, current: Option<&str>) -> Action {
    let command = match from_plain(line) {
        None => return Action::Nothing,
        Some(Err(refusal)) => return Action::Wrong(refusal.sentence()),
        Some(Ok(command)) => command,
    };
    act(line, command, current).unwrap_or_else(|wrong| Action::Wrong(wrong.to_owned()))
}

const NO_ROOM: &str = "you are in no room; /join #ROOM first, /rooms lists them";
const NO_COMMAND: &str = "this command is not for a person; /help lists those that are";

fn act(line: &str, command: Command, current: Option<&str>) -> Result<Action, &'static str> {
    let named = |place: &Place| match place {
        Place::Named(name) => Ok(name.to_string()),
        Place::Current => current.map(ToOwned::to_owned).ok_or(NO_ROOM),
    };
    let request = |command, params: Vec<Option<String>>, aim| {
        let params = params.into_iter().flatten().collect();
        Request { command, params, typed: line.to_owned(), aim }
    };
    let ask = |command, params| Ok(Action::Ask(vec![request(command, params, Aim::Other)]));
    let text = |text: Option<std::sync::Arc<str>>| text.map(|text| text.to_string());
    match command {
        Command::Send(send) => say(line, &send, named),
        Command::Join(rooms) => {
            let Some((room, key)) = rooms.into_iter().next() else { return Err(NO_ROOM) };
            if room.parse::<RoomName>().is_err() {
                // One room, as text goes to one.
                return Ok(Action::Wrong(Refusal::BadRoomName(room).sentence()));
            }
            let room = String::from(room);
            let params = vec![Some(room.clone()), key.map(String::from)];
            Ok(Action::TalkIn(room.clone(), request("JOIN", params, Aim::Join(room))))
        }
        Command::Part(places, reason) => {
            let room = places.first().map_or_else(|| named(&Place::Current), named)?;
            ask("PART", vec![Some(room), text(reason)])
        }
        Command::Names(places) => {
            let room = places.first().map_or_else(|| named(&Place::Current), named)?;
            ask("NAMES", vec![Some(room)])
        }
        Command::Who(who) => ask("WHO", vec![who.mask.map(String::from)]),
        Command::Whois(_, nick) => ask("WHOIS", vec![Some(nick.into())]),
        Command::List(ListQuery { names, .. }) => ask("LIST", vec![(!names.is_empty()).then(|| names.join(","))]),
        Command::Topic(place, new) => ask("TOPIC", vec![Some(named(&place)?), text(new)]),
        Command::Away(reason) => ask("AWAY", vec![text(reason)]),
        Command::SetName(name) => ask("SETNAME", vec![Some(name.to_string())]),
        Command::Whowas(nick, _) => ask("WHOWAS", vec![Some(nick.into())]),
        Command::Kill(nick, reason) => ask("KILL", vec![Some(nick.into()), Some(reason.to_string())]),
        Command::Wallops(text) => ask("WALLOPS", vec![Some(text.to_string())]),
        Command::Info(Info::Motd, _) => ask("MOTD", vec![]),
        Command::Info(Info::Time, _) => ask("TIME", vec![]),
        Command::Info(Info::Version, _) => ask("VERSION", vec![]),
        Command::Kick(who, reason) => {
            // One at a time, as a person writes it.
            let Some((place, nick)) = who.into_iter().next() else { return Err(NO_ROOM) };
            ask("KICK", vec![Some(named(&place)?), Some(nick.into()), text(reason)])
        }
        Command::Invite(nick, place) => ask("INVITE", vec![Some(nick.into()), Some(named(&place)?)]),
        Command::Invitations => ask("INVITE", vec![]),
        Command::Rename(place, new, reason) => {
            ask("RENAME", vec![Some(named(&place)?), Some(new.into()), Some(text(reason).unwrap_or_default())])
        }
        Command::Mode(place, changes) => {
            let changes = changes.into_iter().map(|change| Some(change.into()));
            ask("MODE", [Some(named(&place)?)].into_iter().chain(changes).collect())
        }
        Command::History(place, number) => ask("HISTORY", vec![Some(named(&place)?), Some(number.to_string())]),
        Command::Search(search) => ask("SEARCH", vec![Some(search.text())]),
        Command::Help(about) => Ok(help(about.as_deref())),
        Command::Quit(reason) => Ok(Action::Quit(text(reason))),
        _ => Err(NO_COMMAND),
    }
}

fn say(
    line: &str,
    send: &Send,
    named: impl Fn(&Place) -> Result<String, &'static str>,
) -> Result<Action, &'static str> {
    let to = named(send.to.first().unwrap_or(&Place::Current))?;
    let manner = match send.kind {
        Kind::Action => Manner::Action,
        Kind::Notice => Manner::Notice,
        _ => Manner::Text,
    };
    let requests = targets(&to).into_iter().flat_map(|to| {
        let mut requests = messages(to, manner, &send.text);
        if let [whole] = &mut requests[..] {
            line.clone_into(&mut whole.typed);
        }
        requests
    });
    Ok(Action::Ask(requests.collect()))
}

/// Whom a list with commas names, each once: only a message to one of them can be known again when it
/// is sent again.
fn targets(list: &str) -> Vec<&str> {
    let mut targets: Vec<&str> = Vec::new();
    for target in list.split(',').filter(|target| !target.is_empty()) {
        if !targets.iter().any(|known| known.eq_ignore_ascii_case(target)) {
            targets.push(target);
        }
    }
    // The server says what is wrong with commas alone.
    if targets.is_empty() { vec![list] } else { targets }
}

/// The requests that say a text to a room or a person: as many as it needs lines, divided between
/// words. Each has its piece of the text as what was typed.
pub fn messages(to: &str, manner: Manner, text: &str) -> Vec<Request> {
    let (command, open, close) = match manner {
        Manner::Text => ("PRIVMSG", "", ""),
        Manner::Action => ("PRIVMSG", "\u{1}ACTION ", "\u{1}"),
        Manner::Notice => ("NOTICE", "", ""),
    };
    let head = "PRIVMSG  :\r\n".len() + to.len() + open.len() + close.len() + SOURCE;
    let requests = pieces(text, IRC_BODY.saturating_sub(head).max(64)).into_iter().map(|piece| Request {
        command,
        params: vec![to.to_owned(), format!("{open}{piece}{close}")],
        typed: piece.to_owned(),
        aim: Aim::Message,
    });
    requests.collect()
}

/// A text in pieces of at most `most` octets, divided between words where there are any.
fn pieces(mut text: &str, most: usize) -> Vec<&str> {
    let mut pieces = Vec::new();
    while text.len() > most {
        let end = (0..=most).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(most);
        let end = text[..end].rfind(' ').filter(|at| *at > most / 2).unwrap_or(end);
        let (piece, rest) = text.split_at(end);
        pieces.push(piece);
        text = rest.strip_prefix(' ').unwrap_or(rest);
    }
    if !text.is_empty() || pieces.is_empty() {
        pieces.push(text);
    }
    pieces
}

fn help(about: Option<&str>) -> Action {
    match help_rows(about) {
        rows if rows.is_empty() => {
            let name = about.unwrap_or_default().trim_start_matches('/');
            Action::Wrong(format!("there is no command /{name}; /help lists them"))
        }
        rows => Action::Help(rows),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(line: &str, expect: &[&str]) {
        let Action::Ask(requests) = parse(line, Some("#here")) else { panic!("{line:?} asks for nothing") };
        let wire: Vec<String> =
            requests.iter().map(|request| format!("{} {}", request.command, request.params.join("|"))).collect();
        assert_eq!(wire, expect, "{line:?}");
    }

    #[test]
    fn commands_and_text() {
        check("hello there", &["PRIVMSG #here|hello there"]);
        check("//bin", &["PRIVMSG #here|/bin"]);
        check("/me waves", &["PRIVMSG #here|\u{1}ACTION waves\u{1}"]);
        check("/msg bob hi you", &["PRIVMSG bob|hi you"]);
        check("/topic new one", &["TOPIC #here|new one"]);
        check("/topic", &["TOPIC #here"]);
        check("/part", &["PART #here"]);
        check("/part #ops bye all", &["PART #ops|bye all"]);
        check("/who", &["WHO "]);
        check("/whois bob", &["WHOIS bob"]);
        check("/names", &["NAMES #here"]);
        check("/rooms", &["LIST "]);
        check("/away lunch now", &["AWAY lunch now"]);
        check("/away", &["AWAY "]);
        check("/history 5", &["HISTORY #here|5"]);
        check("/search plan*", &["SEARCH * plan*"]);
        check("/search #ops lunch plan", &["SEARCH #ops lunch plan"]);
        check("/search bob lunch, plan", &["SEARCH bob lunch plan"]);
        check("/notice bob a b", &["NOTICE bob|a b"]);
        check("/msg bob,#ops,,BOB hi all", &["PRIVMSG bob|hi all", "PRIVMSG #ops|hi all"]);
        check("/msg , hi", &["PRIVMSG ,|hi"]);
        check("/op alice bob", &["MODE #here|+oo|alice|bob"]);
        check("/deop #ops bob", &["MODE #ops|-o|bob"]);
        check("/voice bob", &["MODE #here|+v|bob"]);
        check("/devoice bob", &["MODE #here|-v|bob"]);
        check("/ban bob", &["MODE #here|+b|bob"]);
        check("/ban", &["MODE #here|b"]);
        check("/unban bob", &["MODE #here|-b|bob"]);
        check("/mode", &["MODE #here"]);
        check("/mode alice +i", &["MODE alice|+i"]);
        check("/setname Bob B", &["SETNAME Bob B"]);
        check("/kill bob too loud", &["KILL bob|too loud"]);
        check("/wallops to all", &["WALLOPS to all"]);
        check("/whowas bob", &["WHOWAS bob"]);
        check("/version", &["VERSION "]);
        check("/time", &["TIME "]);
    }

    #[test]
    fn what_is_no_request() {
        assert_eq!(parse("", None), Action::Nothing);
        assert_eq!(parse("hello", None), Action::Wrong(NO_ROOM.into()));
        assert_eq!(parse("/quit so long", None), Action::Quit(Some("so long".into())));
        assert!(matches!(parse("/nope", None), Action::Wrong(text) if text.contains("/nope")));
        assert!(matches!(parse("/msg bob", None), Action::Wrong(_)));
        for room in ["/join #ops,#dev", "/join #a:b"] {
            assert!(
                matches!(parse(room, None), Action::Wrong(text) if text.contains("cannot be a room's name")),
                "{room}"
            );
        }
        let Action::TalkIn(room, request) = parse("/join ops key", None) else { panic!() };
        assert_eq!((room.as_str(), request.params.join(" ").as_str()), ("#ops", "#ops key"));
    }

    #[test]
    fn help_names_every_command() {
        let Action::Help(lines) = parse("/help", None) else { panic!() };
        for name in
            ["/join", "/msg", "/me", "/who", "/whois", "/names", "/rooms", "/topic", "/away", "/part", "/history"]
        {
            assert!(lines.iter().any(|line| line.starts_with(name)), "{name}");
        }
        assert!(matches!(parse("/help /join", None), Action::Help(lines) if lines.len() == 1));
        assert!(matches!(parse("/help nope", None), Action::Wrong(_)));
    }

    proptest! {
        #[test]
        fn long_texts_are_divided_and_nothing_is_lost(text in "[a-z\u{e9}\u{1f44d} ]{0,3000}") {
            let divided = pieces(&text, 300);
            prop_assert!(divided.iter().all(|piece| piece.len() <= 300));
            let letters = |text: &str| text.chars().filter(|c| *c != ' ').collect::<String>();
            prop_assert_eq!(letters(&divided.concat()), letters(&text));
        }
    }
}
