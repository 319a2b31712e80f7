//! A line of the server in its parts, for programs.

use super::{
    nick_of,
    show::{ctcp, time_of},
};
use crate::{
    client::event::{Kind, Record},
    protocol::Message,
};

/// The record of a line, if it tells of something in the chat. `past`: it was said earlier.
pub(super) fn of(message: &Message<'_>, now_ms: u64, past: bool) -> Option<Record> {
    let source = message.source.filter(|source| source.contains('!'))?;
    let param = |index: usize| message.params.get(index).copied().unwrap_or_default();
    let rest = |from: usize| message.params.get(from..).unwrap_or_default().join(" ");
    let first = Some(param(0).to_owned());
    let (kind, target, whom, text) = match message.command {
        command @ ("PRIVMSG" | "NOTICE") => match (command, ctcp(param(1))) {
            ("PRIVMSG", None) => (Kind::Message, first, None, param(1).to_owned()),
            ("NOTICE", None) => (Kind::Notice, first, None, param(1).to_owned()),
            (_, Some(("ACTION", Some(action)))) => (Kind::Action, first, None, action.to_owned()),
            // Questions among programs.
            _ => return None,
        },
        "JOIN" => (Kind::Join, first, None, String::new()),
        "PART" => (Kind::Part, first, None, param(1).to_owned()),
        "QUIT" => (Kind::Quit, None, None, param(0).to_owned()),
        "KICK" => (Kind::Kick, first, Some(param(1).to_owned()), param(2).to_owned()),
        "TOPIC" => (Kind::Topic, first, None, param(1).to_owned()),
        "MODE" => (Kind::Mode, first, None, rest(1)),
        _ => return None,
    };
    Some(Record {
        at: time_of(message).unwrap_or(now_ms),
        id: message.tags.get("msgid").map(String::from),
        nick: nick_of(Some(source)).to_owned(),
        account: message.tags.get("account").map(String::from),
        target,
        kind,
        text,
        whom,
        past,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, expect: Option<(Kind, Option<&str>, &str)>) {
        let record = of(&Message::parse(line).unwrap(), 7, false);
        let parts = record.as_ref().map(|record| (record.kind, record.target.as_deref(), record.text.as_str()));
        assert_eq!(parts, expect, "{line}");
    }

    #[test]
    fn every_kind_of_line() {
        check(":bob!b@n PRIVMSG #ops :hi all", Some((Kind::Message, Some("#ops"), "hi all")));
        check(":bob!b@n PRIVMSG #ops :\u{1}ACTION waves\u{1}", Some((Kind::Action, Some("#ops"), "waves")));
        check(":bob!b@n PRIVMSG alice :\u{1}VERSION\u{1}", None);
        check(":bob!b@n NOTICE alice :psst", Some((Kind::Notice, Some("alice"), "psst")));
        check(":server.x NOTICE alice :of the server", None);
        check(":bob!b@n JOIN #ops", Some((Kind::Join, Some("#ops"), "")));
        check(":bob!b@n PART #ops :bye", Some((Kind::Part, Some("#ops"), "bye")));
        check(":bob!b@n QUIT :gone", Some((Kind::Quit, None, "gone")));
        check(":bob!b@n KICK #ops carol :enough", Some((Kind::Kick, Some("#ops"), "enough")));
        check(":bob!b@n TOPIC #ops :new one", Some((Kind::Topic, Some("#ops"), "new one")));
        check(":bob!b@n MODE #ops +o carol", Some((Kind::Mode, Some("#ops"), "+o carol")));
        check(":server.x 353 alice = #ops :bob", None);
    }

    #[test]
    fn tags_are_taken_over() {
        let line = "@time=1970-01-01T00:00:01.500Z;msgid=x1;account=bob :bob!b@n PRIVMSG #ops hi";
        let record = of(&Message::parse(line).unwrap(), 7, true).unwrap();
        assert_eq!((record.at, record.past), (1500, true));
        assert_eq!((record.id.as_deref(), record.account.as_deref()), (Some("x1"), Some("bob")));
    }
}
