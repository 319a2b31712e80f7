//! Which dialect a session speaks: decided by its first line, by exact grammar.
//!
//! A program announces itself by an upper-case command in the shape that the command has; whatever
//! else comes is a person who types. Guessing is left to nobody: `Pass the salt` is talk.

use super::message::Message;

/// What a first line tells about the one who sent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FirstLine {
    /// An IRC program; the line is its first command. One that needs a registration first is
    /// answered 451 like at any other time before it.
    Irc,
    /// A web browser or a scanner: a request line of HTTP. Nothing to talk about.
    Http,
    /// A person or a script; the line is the first thing said, also when it is empty.
    Plain,
}

impl FirstLine {
    /// Judges a line, given without its line end.
    pub fn judge(line: &str) -> Self {
        if is_http(line) {
            return Self::Http;
        }
        match Message::parse(line) {
            Ok(message) if is_plausible(&message) => Self::Irc,
            _ => Self::Plain,
        }
    }
}

/// `METHOD target HTTP/1.x`, and the preface of HTTP/2.
fn is_http(line: &str) -> bool {
    let mut words = line.split(' ');
    let (Some(method), Some(target), Some(version), None) = (words.next(), words.next(), words.next(), words.next())
    else {
        return false;
    };
    let version = version.strip_prefix("HTTP/").map(str::as_bytes);
    !method.is_empty()
        && method.bytes().all(|b| b.is_ascii_uppercase())
        && (target == "*" || target.contains(['/', ':']))
        && matches!(version, Some([b'0'..=b'9', b'.', b'0'..=b'9']))
}

/// A client's command, in upper case, with parameters as it takes them.
fn is_plausible(message: &Message<'_>) -> bool {
    let params = &*message.params;
    let channel = |text: &str| text.starts_with(['#', '&']);
    match message.command {
        "CAP" => is_cap(params),
        "NICK" | "PASS" | "AUTHENTICATE" => params.len() == 1,
        "USER" => params.len() == 4,
        "PING" | "PONG" => matches!(params.len(), 1 | 2),
        "JOIN" => params.first().is_some_and(|first| channel(first) || *first == "0") && params.len() <= 2,
        "PART" | "NAMES" | "TOPIC" | "KICK" | "RENAME" | "CHATHISTORY" | "MARKREAD" | "REDACT" => {
            params.iter().take(2).any(|param| channel(param))
        }
        "INVITE" => params.len() == 2 && channel(params[1]),
        "PRIVMSG" | "NOTICE" => params.len() == 2,
        "TAGMSG" | "WHOIS" | "WHOWAS" | "MONITOR" | "METADATA" => matches!(params.len(), 1..=3),
        "MODE" | "WHO" | "LIST" | "ISON" | "USERHOST" | "SETNAME" | "AWAY" | "OPER" => matches!(params.len(), 1 | 2),
        "QUIT" => params.len() <= 1,
        "STARTTLS" | "MOTD" | "LUSERS" | "VERSION" | "TIME" | "INFO" | "ADMIN" | "LINKS" => params.is_empty(),
        _ => false,
    }
}

fn is_cap(params: &[&str]) -> bool {
    match params {
        // Also one that there is not: it is answered 410.
        [subcommand] => subcommand.bytes().all(|b| b.is_ascii_uppercase()),
        ["LS", version] => version.bytes().all(|b| b.is_ascii_digit()),
        ["REQ" | "ACK" | "NAK", _] => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(expect: FirstLine, lines: &[&str]) {
        for line in lines {
            assert_eq!(FirstLine::judge(line), expect, "{line:?}");
        }
    }

    #[test]
    fn programs_people_and_browsers() {
        check(
            FirstLine::Irc,
            &[
                "CAP LS 302",
                "CAP LS",
                "CAP LIST",
                "CAP REQ :server-time batch",
                "CAP END",
                "CAP NOTACOMMAND",
                "@label=1 CAP LS 302",
                "NICK alice",
                "NICK :alice",
                "NICK *",
                "USER alice 0 * :Alice Doe",
                "USER alice@weechat 0 * Alice",
                "AUTHENTICATE EXTERNAL",
                "PASS :a b",
                "JOIN #x",
                "JOIN #x,#y key",
                "PRIVMSG #x :hi there",
                "PING x",
                "QUIT",
                "QUIT :bye now",
                "WHOIS bob",
                ":alice NICK bob",
            ],
        );
        check(FirstLine::Http, &["GET / HTTP/1.1", "POST /x?y HTTP/1.0", "PRI * HTTP/2.0"]);
        check(
            FirstLine::Plain,
            &[
                "",
                " ",
                "hello",
                "/help",
                "Pass the salt",
                "PASS the salt",
                "pass x",
                "nick alice",
                "NICK",
                "NICK is taken",
                "USER alice",
                "CAP",
                "CAP ls",
                "CAP Off",
                "CAP LS or not",
                "CAP in hand",
                "JOIN us",
                "PING",
                "HELP ME PLEASE",
                "TIME TO GO",
                "QUIT IT NOW",
                "@bob hello",
                "@label=1 hello",
                ":) NICE",
                ":-D",
                "I love HTTP/1.1",
                "I like http://x HTTP/1.1",
                "GET / HTTP/1.1 please",
                "GET the salt",
                "001 x",
            ],
        );
    }

    proptest! {
        #[test]
        fn lower_case_is_never_irc(line in "[a-z#:@/ ]{0,40}") {
            prop_assert_eq!(FirstLine::judge(&line), FirstLine::Plain);
        }

        #[test]
        fn any_line_is_judged(line in "(?s).{0,60}") {
            let judged = FirstLine::judge(&line);
            prop_assert!(judged != FirstLine::Irc || Message::parse(&line).is_ok());
        }
    }
}
