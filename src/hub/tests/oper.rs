//! OPER, WALLOPS, REHASH (Modern IRC, section "Operator Messages"): the certificate decides.

use super::Chat;
use crate::protocol::caps::Dialect;

const NO: &str = ":c.test 481 alice :Permission Denied- You're not an IRC operator";

#[test]
fn the_certificate_makes_the_operator_and_not_the_password() {
    let mut chat = Chat::new();
    chat.comes("r1", "root", Dialect::Irc, "");
    chat.comes("r2", "root", Dialect::Irc, "");
    chat.irc("alice", "");
    chat.silence();
    chat.says("alice", "OPER root secret");
    chat.expect("alice", &[":c.test 491 alice :Your certificate is no administrator's"]);
    chat.says("alice", "OPER root");
    chat.expect("alice", &[":c.test 461 alice OPER :Not enough parameters"]);
    chat.says("r1", "OPER whoever whatever");
    chat.expect("r1", &[":c.test 381 root :You are now an IRC operator", ":root MODE root :+o"]);
    chat.expect("r2", &[":root MODE root :+o"]);
    chat.says("r2", "OPER root x");
    chat.expect("r2", &[":c.test 381 root :You are now an IRC operator"]);
    for (line, shown) in [
        ("WHO root", ":c.test 352 alice * root net c.test root H* :0 root"),
        ("USERHOST root", ":c.test 302 alice :root*=+root@net"),
    ] {
        chat.says("alice", line);
        assert_eq!(chat.heard("alice")[0], shown, "{line}");
    }
    chat.says("alice", "WHOIS root");
    assert!(chat.heard("alice").contains(&":c.test 313 alice root :is an administrator of this server".to_owned()));
    chat.says("alice", "LUSERS");
    assert!(chat.heard("alice").contains(&":c.test 252 alice 1 :operator(s) online".to_owned()));
    chat.says("r1", "MODE root -o");
    chat.expect("r2", &[":root MODE root :-o"]);
    chat.says("alice", "WHO root");
    assert_eq!(chat.heard("alice")[0], ":c.test 352 alice * root net c.test root H :0 root");
}

#[test]
fn wallops_reach_who_wants_to_hear_them() {
    let mut chat = Chat::new();
    chat.irc("root", "");
    chat.irc("wants", "");
    chat.irc("alice", "");
    chat.plain("bob");
    chat.says("wants", "MODE wants +w");
    chat.silence();
    chat.says("alice", "WALLOPS :hi");
    chat.expect("alice", &[NO]);
    chat.says("root", "WALLOPS");
    chat.expect("root", &[":c.test 461 root WALLOPS :Not enough parameters"]);
    chat.says("root", "WALLOPS :");
    chat.expect("root", &[":c.test 461 root WALLOPS :Not enough parameters"]);
    chat.says("root", "WALLOPS :the server goes down at noon");
    let line = ":root!root@net WALLOPS :the server goes down at noon";
    chat.expect("root", &[line]);
    chat.expect("wants", &[line]);
    chat.expect("alice", &[]);
    chat.expect("bob", &[]);
}

#[test]
fn only_administrators_rehash() {
    let mut chat = Chat::new();
    chat.irc("root", "");
    chat.irc("alice", "");
    chat.says("alice", "REHASH");
    chat.expect("alice", &[NO]);
    assert_eq!(chat.rehashed, 0);
    chat.says("root", "REHASH");
    chat.expect("root", &[":c.test 382 root certificates :Rehashing"]);
    assert_eq!(chat.rehashed, 1);
}
