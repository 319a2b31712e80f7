//! An IRC client's registration, before the hub knows of it (Modern IRC, section "Connection
//! Registration"; IRCv3 capability negotiation; SASL 3.2 with EXTERNAL).
//!
//! The certificate has said already who this is: any valid nick is accepted, and 001 names the
//! account.

use std::sync::Arc;

use crate::{
    hub::Early,
    ident::{ClientLabel, Nick},
    protocol::{
        Message,
        caps::{Cap, Caps},
        chat::Source,
        command::{CapCommand, Command, cap_command, from_irc},
        limits::{self, cut},
        refusal::Refusal,
        reply::Reply,
        sasl::{Sasl, SaslReply},
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
    away: Option<Arc<str>>,
    metadata: Early,
}

/// What USER said.
#[derive(Debug, Default)]
pub(super) struct User {
    pub(super) name: Box<str>,
    pub(super) client: Option<ClientLabel>,
    pub(super) realname: Arc<str>,
    pub(super) away: Option<Arc<str>>,
    pub(super) metadata: Early,
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
    /// What the client has negotiated so far.
    pub(super) const fn caps(&self) -> Caps {
        self.caps
    }

    /// Takes one line of a client whose certificate is `account`'s on the network `host`; adds what
    /// is to be answered.
    pub(super) fn line(
        &mut self,
        account: &Nick,
        host: &Arc<str>,
        message: &Message<'_>,
        replies: &mut Vec<Reply>,
    ) -> Outcome {
        let params = &*message.params;
        let mut refuse = |refusal| replies.push(Reply::Refused(refusal));
        match message.command.to_ascii_uppercase().as_str() {
            "CAP" => match cap_command(message) {
                Ok(command) => {
                    match command {
                        CapCommand::Ls(_) | CapCommand::Req(_) => self.negotiating = true,
                        CapCommand::End => self.negotiating = false,
                        CapCommand::List => {}
                    }
                    replies.extend(command.carry_out(&mut self.caps));
                }
                Err(refusal) => refuse(refusal),
            },
            "NICK" => match params.first() {
                None | Some(&"") => refuse(Refusal::NoNickGiven),
                Some(nick) => match nick.parse::<Nick>() {
                    Ok(_) => self.nick = true,
                    Err(_) => refuse(Refusal::BadNick((*nick).into())),
                },
            },
            "USER" => match params {
                [name, _, _, realname, ..] if !name.is_empty() && !realname.is_empty() => {
                    self.user = Some(User::new(name, realname));
                }
                _ => refuse(Refusal::NeedMoreParams("USER".into())),
            },
            // There are no passwords: whatever one sends is right.
            "PASS" if !params.is_empty() => {}
            "AUTHENTICATE" if !params.is_empty() => {
                let nick = account.as_str().into();
                let source = Source { nick: account.clone(), user: nick, host: Arc::clone(host), bot: false };
                let reply = match self.caps.has(Cap::Sasl) {
                    true => self.sasl.take(params[0], &Arc::new(source)),
                    false => Some(SaslReply::Failed),
                };
                replies.extend(reply.map(Reply::Sasl));
            }
            verb @ ("PASS" | "AUTHENTICATE") => refuse(Refusal::NeedMoreParams(verb.into())),
            "PING" => match params.first() {
                Some(&token) => replies.push(Reply::Pong(token.into())),
                None => refuse(Refusal::NoOrigin),
            },
            // IRCv3 `draft/pre-away`.
            "AWAY" if self.caps.has(Cap::PreAway) => {
                self.away = params.first().filter(|reason| !reason.is_empty()).map(|&reason| reason.into());
                replies.push(Reply::Away(self.away.is_some()));
            }
            "PONG" => {}
            // `before-connect` of `draft/metadata-3`.
            "METADATA" => match from_irc(message) {
                Ok(Command::Metadata(metadata)) => replies.extend(self.metadata.ask(&metadata)),
                Ok(_) => {}
                Err(refusal) => refuse(refusal),
            },
            "QUIT" => return Outcome::Quit,
            // A program that is not registered is told so first, whatever it asks for.
            _ => refuse(Refusal::NotRegistered),
        }
        if self.nick
            && !self.negotiating
            && let Some(user) = self.user.take()
        {
            replies.extend(self.sasl.abort().map(Reply::Sasl));
            let (away, metadata) = (self.away.take(), std::mem::take(&mut self.metadata));
            return Outcome::Done(User { away, metadata, ..user }, self.caps);
        }
        Outcome::More
    }
}

impl User {
    /// `alice@weechat`: the username, and what program it is.
    fn new(name: &str, realname: &str) -> Self {
        let (name, client) = name.split_once('@').unwrap_or((name, ""));
        let visible = |c: &char| c.is_ascii_alphanumeric() || "-_.".contains(*c);
        let name: String = name.chars().filter(visible).take(limits::USER).collect();
        Self {
            name: name.into(),
            client: client.parse().ok(),
            realname: cut(realname, limits::REALNAME).into(),
            away: None,
            metadata: Early::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{render::replies_before_registration, reply::ServerInfo};

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
        let (mut replies, mut ended) = (Vec::new(), false);
        for line in lines {
            assert!(!ended, "{line:?} came after the end");
            let message = Message::parse(line).unwrap();
            ended = matches!(registration.line(&account, &server.network, &message, &mut replies), Outcome::Done(..));
        }
        let out = replies_before_registration(&server, registration.caps(), None, &replies);
        let out = std::str::from_utf8(&out).unwrap();
        let answers: Vec<&str> =
            out.lines().map(|line| line.strip_prefix(":conclave.local ").unwrap_or(line)).collect();
        assert_eq!(answers, expect, "{lines:?}");
        assert_eq!(ended, done, "{lines:?}");
    }

    #[test]
    fn metadata_before_the_registration() {
        let lines = ["CAP REQ :batch draft/metadata-3", "METADATA * SUB avatar", "METADATA * SET avatar x"];
        let told = ["CAP * ACK :batch draft/metadata-3", "770 * avatar", "761 * * avatar * :x"];
        check(&lines, &told, false);
        check(&["METADATA * SNEEZE"], &["FAIL METADATA INVALID_PARAMS SNEEZE :there is no such subcommand"], false);
    }

    #[test]
    fn registration_in_any_order() {
        check(&["NICK bob", "USER a 0 * :Alice"], &[], true);
        check(&["USER a 0 * :Alice", "NICK x"], &[], true);
        check(&["CAP REQ :batch", "NICK a", "USER a 0 * b"], &["CAP * ACK :batch"], false);
        check(&["CAP REQ :batch", "NICK a", "USER a 0 * b", "CAP END"], &["CAP * ACK :batch"], true);
        check(&["CAP REQ :batch nope"], &["CAP * NAK :batch nope"], false);
        check(&["CAP FROB"], &["410 * FROB :Invalid CAP command"], false);
        check(&["CAP LIST"], &["CAP * LIST :"], false);
        check(&["PASS x", "PING abc"], &["PONG conclave.local abc"], false);
    }

    #[test]
    fn what_is_refused() {
        check(&["NICK"], &["431 * :No nickname given"], false);
        check(&["NICK *", "USER a 0 * b"], &["432 * * :Erroneous nickname"], false);
        for line in ["USER a", "USER a 0 *", "USER a 0 * :"] {
            check(&["NICK a", line], &["461 * USER :Not enough parameters"], false);
        }
        check(&["PASS"], &["461 * PASS :Not enough parameters"], false);
        check(&["AUTHENTICATE"], &["461 * AUTHENTICATE :Not enough parameters"], false);
        check(&["PING"], &["409 * :No origin specified"], false);
        check(&["JOIN #x"], &["451 * :You have not registered"], false);
    }

    #[test]
    fn sasl_takes_its_capability_and_ends_with_the_registration() {
        let (failed, aborted) = ("904 * :SASL authentication failed", "906 * :SASL authentication aborted");
        check(&["AUTHENTICATE EXTERNAL"], &[failed], false);
        let ack = "CAP * ACK :sasl";
        check(
            &["CAP REQ sasl", "AUTHENTICATE EXTERNAL", "AUTHENTICATE +"],
            &[
                ack,
                "AUTHENTICATE +",
                "900 * alice!alice@net alice :You are now logged in as alice",
                "903 * :SASL authentication successful",
            ],
            false,
        );
        check(
            &["CAP REQ sasl", "AUTHENTICATE PLAIN"],
            &[ack, "908 * EXTERNAL :are available SASL mechanisms", failed],
            false,
        );
        let under_way = ["CAP REQ sasl", "AUTHENTICATE EXTERNAL", "NICK a", "USER a 0 * a", "CAP END"];
        check(&under_way, &[ack, "AUTHENTICATE +", aborted], true);
    }

    #[test]
    fn usernames_carry_the_client() {
        let user = User::new("al ice@weechat", "Alice");
        assert_eq!((&*user.name, user.client.unwrap().as_str()), ("alice", "weechat"));
        assert_eq!(User::new("a@b c", "").client, None);
    }
}
