//! PRIVMSG, NOTICE and TAGMSG.

use std::fmt::Write;

use super::{Lines, push_tags, room_after, target};
use crate::protocol::{
    caps::{Cap, Caps},
    chat::{Kind, Message},
    refusal::verb_of,
    render::text::pieces,
    reply::ServerInfo,
    sanitize,
};

pub(in crate::protocol::render) fn message(lines: &mut Lines, _server: &ServerInfo, caps: Caps, message: &Message) {
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
