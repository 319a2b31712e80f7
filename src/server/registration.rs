//! An IRC client's registration, before the hub knows of it (Modern IRC, section "Connection
//! Registration"; IRCv3 capability negotiation; SASL 3.2 with EXTERNAL).
//!
//! The certificate has said already who this is: any valid nick is accepted, and 001 names the
//! account.

use std::sync::Arc;

use crate::{
    ident::{ClientLabel, Nick},
    protocol::{
        Message,
        caps::{Cap, Caps},
        command::{CapCommand, cap_command},
        limits::{self, cut},
        refusal::Refusal,
        render::{line_before_registration, numeric_before_registration},
        reply::ServerInfo,
    },
};

/// What is known so far.
#[derive(Debug, Default)]
pub(super) struct Registration {
    nick: bool,
    user: Option<User>,
    negotiating: bool,
    caps: Caps,
    sasl: Sasl,
}

/// What USER said.
#[derive(Debug, Default)]
pub(super) struct User {
    pub(super) name: Box<str>,
    pub(super) client: Option<ClientLabel>,
    pub(super) realname: Arc<str>,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum Sasl {
    #[default]
    NotYet,
    Asked,
    Done,
}

/// What to do next.
#[derive(Debug)]
pub(super) enum Outcome {
    /// Wait for more lines.
    More,
    /// The session is registered.
    Done(User, Caps),
    /// The client goes.
    Quit,
}

impl Registration {
    /// Takes one line; writes what is to be answered.
    pub(super) fn line(
        &mut self,
        server: &ServerInfo,
        account: &Nick,
        message: &Message<'_>,
        out: &mut String,
    ) -> Outcome {
        let mut reply = Reply { server, out };
        let params = &*message.params;
        match message.command.to_ascii_uppercase().as_str() {
            "CAP" => self.cap(message, &mut reply),
            "NICK" => match params.first() {
                None | Some(&"") => reply.numeric(431, &[], "No nickname given"),
                Some(nick) => match nick.parse::<Nick>() {
                    Ok(_) => self.nick = true,
                    Err(_) => reply.refuse(&Refusal::BadNick((*nick).into())),
                },
            },
            "USER" => match params {
                [name, _, _, realname, ..] if !name.is_empty() => self.user = Some(User::new(name, realname)),
                _ => reply.refuse(&Refusal::NeedMoreParams("USER".into())),
            },
            // There are no passwords.
            "PASS" => {}
            "AUTHENTICATE" => match params.first() {
                Some(given) => self.authenticate(account, given, &mut reply),
                None => reply.refuse(&Refusal::NeedMoreParams("AUTHENTICATE".into())),
            },
            "PING" => match params.first() {
                Some(token) => reply.line("PONG", &[&server.name, token]),
                None => reply.refuse(&Refusal::NeedMoreParams("PING".into())),
            },
            "PONG" => {}
            "QUIT" => return Outcome::Quit,
            // A program that is not registered is told so first, whatever it asks for.
            _ => reply.refuse(&Refusal::NotRegistered),
        }
        if self.nick
            && !self.negotiating
            && let Some(user) = self.user.take()
        {
            return Outcome::Done(user, self.caps);
        }
        Outcome::More
    }

    fn cap(&mut self, message: &Message<'_>, reply: &mut Reply<'_>) {
        match cap_command(message) {
            Err(refusal) => reply.refuse(&refusal),
            Ok(CapCommand::Ls(version)) => {
                self.negotiating = true;
                if version >= 302 {
                    self.caps = self.caps.with(Cap::CapNotify);
                }
                reply.cap("LS", &crate::hub::cap_offer(version));
            }
            Ok(CapCommand::List) => {
                let names: Vec<_> = self.caps.iter().map(Cap::name).collect();
                reply.cap("LIST", &names.join(" "));
            }
            Ok(CapCommand::Req(list)) => {
                self.negotiating = true;
                match self.caps.request(&list) {
                    Some(caps) => {
                        self.caps = caps;
                        reply.cap("ACK", &list);
                    }
                    None => reply.cap("NAK", &list),
                }
            }
            Ok(CapCommand::End) => self.negotiating = false,
        }
    }

    fn authenticate(&mut self, account: &Nick, given: &str, reply: &mut Reply<'_>) {
        let failed = "SASL authentication failed";
        match (&self.sasl, given) {
            (Sasl::Done, _) => reply.refuse(&Refusal::SaslDone),
            (Sasl::Asked, "*") => {
                self.sasl = Sasl::NotYet;
                reply.numeric(906, &[], "SASL authentication aborted");
            }
            (Sasl::NotYet, "*") => reply.numeric(906, &[], "SASL authentication aborted"),
            (Sasl::NotYet, mechanism) if mechanism.eq_ignore_ascii_case("EXTERNAL") => {
                self.sasl = Sasl::Asked;
                reply.sourceless("AUTHENTICATE", &["+"]);
            }
            (Sasl::NotYet, _) => {
                reply.numeric(908, &["EXTERNAL"], "are available SASL mechanisms");
                reply.numeric(904, &[], failed);
            }
            (Sasl::Asked, response) if response.len() > 400 => {
                self.sasl = Sasl::NotYet;
                reply.numeric(905, &[], "SASL message too long");
            }
            // The authorization identity (RFC 4422, appendix A) is empty or the account itself.
            (Sasl::Asked, response) if response == "+" || decodes_to(response, account) => {
                self.sasl = Sasl::Done;
                let name = account.as_str();
                let source = format!("{name}!{name}@{}", reply.server.network);
                reply.numeric(900, &[&source, name], &format!("You are now logged in as {name}"));
                reply.numeric(903, &[], "SASL authentication successful");
            }
            (Sasl::Asked, _) => {
                self.sasl = Sasl::NotYet;
                reply.numeric(904, &[], failed);
            }
        }
    }
}

fn decodes_to(base64: &str, account: &Nick) -> bool {
    use base64::Engine;
    let decoded = base64::engine::general_purpose::STANDARD.decode(base64);
    decoded.is_ok_and(|name| name.is_empty() || name.eq_ignore_ascii_case(account.as_str().as_bytes()))
}

impl User {
    /// `alice@weechat`: the username, and what program it is.
    fn new(name: &str, realname: &str) -> Self {
        let (name, client) = name.split_once('@').unwrap_or((name, ""));
        let visible = |c: &char| c.is_ascii_alphanumeric() || "-_.".contains(*c);
        let name: String = name.chars().filter(visible).take(limits::USER).collect();
        Self { name: name.into(), client: client.parse().ok(), realname: cut(realname, limits::REALNAME).into() }
    }
}

struct Reply<'a> {
    server: &'a ServerInfo,
    out: &'a mut String,
}

impl Reply<'_> {
    fn numeric(&mut self, code: u16, params: &[&str], text: &str) {
        self.out.push_str(&numeric_before_registration(self.server, code, params, text));
    }

    fn refuse(&mut self, refusal: &Refusal) {
        if let Some((code, params, text)) = refusal.numeric() {
            self.numeric(code, &params, &text);
        }
    }

    fn line(&mut self, command: &str, params: &[&str]) {
        self.out.push_str(&line_before_registration(Some(self.server), command, params));
    }

    fn sourceless(&mut self, command: &str, params: &[&str]) {
        self.out.push_str(&line_before_registration(None, command, params));
    }

    fn cap(&mut self, subcommand: &str, list: &str) {
        self.line("CAP", &["*", subcommand, list]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server() -> ServerInfo {
        ServerInfo {
            name: "conclave.local".into(),
            network: "net".into(),
            version: "v".into(),
            created: "now".into(),
            motd: None,
            lobby: "#lobby".parse().unwrap(),
            rooms_per_account: 5,
        }
    }

    /// Feeds lines; gives what was answered and how it ended.
    fn check(lines: &[&str], expect: &[&str], done: bool) {
        let (server, account) = (server(), "alice".parse().unwrap());
        let mut registration = Registration::default();
        let (mut out, mut ended) = (String::new(), false);
        for line in lines {
            assert!(!ended, "{line:?} came after the end");
            let message = Message::parse(line).unwrap();
            ended = matches!(registration.line(&server, &account, &message, &mut out), Outcome::Done(..));
        }
        let answers: Vec<&str> =
            out.lines().map(|line| line.strip_prefix(":conclave.local ").unwrap_or(line)).collect();
        assert_eq!(answers, expect, "{lines:?}");
        assert_eq!(ended, done, "{lines:?}");
    }

    #[test]
    fn registration_in_any_order() {
        check(&["NICK bob", "USER a 0 * :Alice"], &[], true);
        check(&["USER a 0 * :Alice", "NICK x"], &[], true);
        check(&["CAP REQ :batch", "NICK a", "USER a 0 * b"], &["CAP * ACK batch"], false);
        check(&["CAP REQ :batch", "NICK a", "USER a 0 * b", "CAP END"], &["CAP * ACK batch"], true);
        check(&["CAP REQ :batch nope"], &["CAP * NAK :batch nope"], false);
        check(&["CAP FROB"], &["410 * FROB :Invalid CAP command"], false);
        check(&["PASS x", "PING abc"], &["PONG conclave.local abc"], false);
    }

    #[test]
    fn what_is_refused() {
        check(&["NICK"], &["431 * :No nickname given"], false);
        check(&["NICK *", "USER a 0 * b"], &["432 * * :Erroneous nickname"], false);
        check(&["USER a"], &["461 * USER :Not enough parameters"], false);
        check(&["JOIN #x"], &["451 * :You have not registered"], false);
    }

    #[test]
    fn sasl_external() {
        let ok = [
            "AUTHENTICATE +",
            "900 * alice!alice@net alice :You are now logged in as alice",
            "903 * :SASL authentication successful",
        ];
        check(&["AUTHENTICATE EXTERNAL", "AUTHENTICATE +"], &ok, false);
        check(&["AUTHENTICATE EXTERNAL", "AUTHENTICATE QUxJQ0U="], &ok, false);
        let failed = ["AUTHENTICATE +", "904 * :SASL authentication failed"];
        check(&["AUTHENTICATE EXTERNAL", "AUTHENTICATE Ym9i"], &failed, false);
        check(
            &["AUTHENTICATE EXTERNAL", "AUTHENTICATE *"],
            &["AUTHENTICATE +", "906 * :SASL authentication aborted"],
            false,
        );
        check(
            &["AUTHENTICATE PLAIN"],
            &["908 * EXTERNAL :are available SASL mechanisms", "904 * :SASL authentication failed"],
            false,
        );
    }

    #[test]
    fn usernames_carry_the_client() {
        let user = User::new("al ice@weechat", "Alice");
        assert_eq!((&*user.name, user.client.unwrap().as_str()), ("alice", "weechat"));
        assert_eq!(User::new("a@b c", "").client, None);
    }
}
