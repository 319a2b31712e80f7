//! Getting in: capabilities, the welcome, and back into the rooms (IRCv3 `CAP` 302).

use super::{
    Core, ID_TAG, Now, Output,
    session::{Phase, Session},
};
use crate::protocol::{Message, MessageBuf, fence};

/// Without these no line could be acknowledged.
const REQUIRED: [&str; 4] = ["batch", "echo-message", "labeled-response", "message-tags"];
/// What is asked for besides, where the server has it.
const WELCOME: [&str; 3] = ["account-tag", "server-time", ID_TAG];
/// What a person asks for besides: to be told of these things as what they are.
const PERSON: [&str; 5] =
    ["draft/channel-rename", "draft/message-redaction", "invite-notify", "setname", "soju.im/search"];
/// What a script asks for besides: that nobody sees it come and go, and the history page by page. It
/// follows the name of a room that it was given.
const SCRIPT: [&str; 2] = ["conclave.chat/unseen", "draft/chathistory"];
/// The ISUPPORT token that names the room for everybody.
const LOBBY_TOKEN: &str = "conclave.chat/LOBBY=";
/// That room's name where the server does not tell.
const LOBBY: &str = "#lobby";
/// The token of the PING after the welcome: its PONG comes when we are back in all our rooms.
const FENCE: &str = "welcome";

impl Core {
    /// A connection stands: registers.
    pub fn connected(&mut self, now: Now) {
        self.session = Some(Session::new(now));
        let account = self.options.account.clone();
        let user = format!("{account}@{}", self.options.program);
        let realname = self.realname.clone().unwrap_or_else(|| account.clone());
        self.send(MessageBuf::new("CAP").param("LS").param("302"));
        self.send(MessageBuf::new("NICK").param(&account));
        self.send(MessageBuf::new("USER").param(&user).param("0").param("*").param(&realname));
    }

    /// Takes what is between the two programs alone. Whether it was that, and nothing to be shown.
    pub(super) fn protocol(&mut self, now: Now, message: &Message<'_>) -> bool {
        let Some(session) = &mut self.session else { return false };
        match (message.command, &session.phase) {
            ("PING", _) => {
                let token = message.params.nth(0).unwrap_or_default();
                self.send(MessageBuf::new("PONG").param(token));
            }
            ("PONG", Phase::Welcoming) if message.params.last() == Some(&FENCE) => self.welcomed(now),
            ("PONG", Phase::Parting) if message.params.last() == Some(&fence::ASK) => self.say_goodbye(now),
            ("CAP", Phase::Negotiating(_)) => self.capabilities(now, message),
            ("005", _) => {
                let lobby = message.params.iter().find_map(|token| token.strip_prefix(LOBBY_TOKEN));
                session.lobby = lobby.map(ToOwned::to_owned).or(session.lobby.take());
            }
            ("001", Phase::Negotiating(_)) => self.server_is_unfit("it does not negotiate capabilities"),
            ("376" | "422", Phase::Welcoming) => self.send(MessageBuf::new("PING").param(FENCE)),
            ("432" | "433" | "465", Phase::Negotiating(_) | Phase::Welcoming) => {
                self.server_is_unfit(message.params.last().copied().unwrap_or_default());
            }
            _ => return false,
        }
        true
    }

    fn capabilities(&mut self, now: Now, message: &Message<'_>) {
        let (Some(subcommand), Some(list)) = (message.params.nth(1), message.params.last()) else { return };
        let wanted = self.wanted_capabilities();
        let Some(Session { phase: Phase::Negotiating(offered), .. }) = &mut self.session else { return };
        let listed = |name: &&str| list.split(' ').any(|item| item.split('=').next() == Some(*name));
        match subcommand {
            "LS" => {
                let new = wanted.into_iter().filter(listed);
                offered.extend(new.filter(|name| !offered.contains(name)).collect::<Vec<_>>());
                // A star before the list: there is more to come.
                if message.params.len() < 4 {
                    self.request_capabilities();
                }
            }
            "ACK" => {
                let knows_ids = listed(&ID_TAG);
                if let Some(session) = &mut self.session {
                    session.knows_ids = knows_ids;
                    session.enter(Phase::Welcoming, now);
                }
                self.send(MessageBuf::new("CAP").param("END"));
            }
            "NAK" => self.server_is_unfit("it refuses the capabilities that it offers"),
            _ => {}
        }
    }

    fn wanted_capabilities(&self) -> Vec<&'static str> {
        let own = if self.is_script() { &SCRIPT[..] } else { &PERSON[..] };
        REQUIRED.into_iter().chain(WELCOME).chain(own.iter().copied()).collect()
    }

    fn request_capabilities(&mut self) {
        let wanted = self.wanted_capabilities();
        let Some(Session { phase: Phase::Negotiating(offered), .. }) = &self.session else { return };
        let has = |name: &&str| offered.contains(name);
        let missing: Vec<&str> = REQUIRED.into_iter().filter(|name| !has(name)).collect();
        if !missing.is_empty() {
            return self.server_is_unfit(&format!("it lacks {}", missing.join(", ")));
        }
        let wanted: Vec<&str> = wanted.into_iter().filter(has).collect();
        self.send(MessageBuf::new("CAP").param("REQ").param(&wanted.join(" ")));
    }

    fn server_is_unfit(&mut self, why: &str) {
        let text = format!("this client cannot use the server: {why}");
        self.outputs.push_back(Output::Unfit(text));
    }

    /// Registered: back into the rooms first, then all that waits.
    fn welcomed(&mut self, now: Now) {
        if let Some(session) = &mut self.session {
            session.enter(Phase::Ready { asked: false }, now);
        }
        self.note_connected();
        self.was_ready = true;
        self.missed_all(now);
        if !self.is_script() {
            self.go_into_rooms();
        }
        for line in std::mem::take(&mut self.held) {
            self.perform(now, &line);
        }
        self.go_on(now);
    }

    fn go_into_rooms(&mut self) {
        if self.model.current().is_none() {
            self.talk_somewhere();
        }
        let missing: Vec<String> =
            self.model.rooms().filter(|room| !room.joined).map(|room| room.name.clone()).collect();
        for room in missing {
            self.send(MessageBuf::new("JOIN").param(&room));
        }
    }

    /// Text goes to the lobby, unless the server put us into other rooms only.
    fn talk_somewhere(&mut self) {
        let lobby = self.session.as_ref().and_then(|session| session.lobby.as_deref()).unwrap_or(LOBBY);
        let lobby_or_first = self.model.room(lobby).or_else(|| self.model.rooms().next());
        let room = lobby_or_first.map_or_else(|| lobby.to_owned(), |room| room.name.clone());
        self.model.want(&room);
        self.model.switch(&room);
    }
}
