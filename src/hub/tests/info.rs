//! Questions about the server (Modern IRC, section "Server Queries and Commands").

use super::{Chat, settings};
use crate::{
    hub::state::Settings,
    protocol::{caps::Dialect, reply::ServerInfo},
};

fn codes(chat: &mut Chat, line: &str) -> String {
    chat.says("alice", line);
    let heard = chat.heard("alice");
    let mut codes: Vec<&str> = heard.iter().map(|line| line.split(' ').nth(1).unwrap()).collect();
    codes.dedup();
    codes.join(" ")
}

#[test]
fn each_question_has_its_numerics_in_their_order() {
    let server = ServerInfo { motd: Some("one\ntwo".into()), ..ServerInfo::clone(&settings().server) };
    for (motd, server) in [("422", settings().server), ("375 372 376", server.into())] {
        let mut chat = Chat::with(Settings { server, ..settings() });
        chat.irc("alice", "");
        for (line, expect) in [
            ("MOTD", motd),
            ("MOTD c.test", motd),
            ("MOTD alice", motd),
            ("MOTD *.test", motd),
            ("LUSERS", "251 252 254 255 265 266"),
            ("LUSERS * other.example", "251 252 254 255 265 266"),
            ("VERSION", "351 005"),
            ("TIME", "391"),
            ("INFO", "371 374"),
            ("ADMIN", "256 257 258 259"),
            ("HELP", "704 705 706"),
            ("HELPOP", "704 705 706"),
            ("HELP privmsg", "704 705 706"),
            ("HELP nonsense", "524"),
            ("HELP :two words", "524"),
            ("PING :a token", "PONG"),
            ("PING", "461"),
            ("PING :", "409"),
        ] {
            assert_eq!(codes(&mut chat, line), expect, "{line}");
        }
        for verb in ["MOTD", "VERSION", "TIME", "INFO", "ADMIN"] {
            chat.says("alice", &format!("{verb} other.example"));
            chat.expect("alice", &[":c.test 402 alice other.example :No such server"]);
        }
    }
}

#[test]
fn help_names_its_subject_and_starts_with_a_title() {
    let mut chat = Chat::new();
    chat.irc("alice", "");
    chat.says("alice", "HELP away");
    chat.expect(
        "alice",
        &[
            ":c.test 704 alice away :AWAY [REASON]",
            ":c.test 705 alice away :",
            ":c.test 705 alice away :say that you are away; alone: back again",
            ":c.test 706 alice away :End of /HELP",
        ],
    );
    chat.says("alice", "HELP nonsense");
    chat.expect("alice", &[":c.test 524 alice nonsense :No help available on this topic"]);
}

#[test]
fn lusers_counts_people_sessions_and_who_is_what() {
    let mut chat = Chat::new();
    chat.irc("alice", "");
    chat.comes("a2", "alice", Dialect::Irc, "");
    chat.irc("root", "");
    chat.irc("ghost", "conclave.chat/unseen");
    chat.says("alice", "MODE alice +i");
    chat.says("ghost", "MODE ghost +i");
    chat.says("root", "OPER x y");
    chat.irc("bob", "");
    chat.says("bob", "QUIT");
    chat.says("alice", "JOIN #r");
    chat.silence();
    chat.says("alice", "LUSERS");
    chat.expect(
        "alice",
        &[
            ":c.test 251 alice :There are 1 users and 1 invisible on 1 servers",
            ":c.test 252 alice 1 :operator(s) online",
            ":c.test 254 alice 1 :channels formed",
            ":c.test 255 alice :I have 4 clients and 0 servers",
            ":c.test 265 alice 2 3 :Current local users 2, max 3",
            ":c.test 266 alice 2 3 :Current global users 2, max 3",
        ],
    );
}
