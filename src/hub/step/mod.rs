//! What each request does: one file per command.

mod away;
mod cap;
mod catch_up;
mod fence;
mod history;
mod info;
mod invite;
mod join;
mod kick;
mod kill;
mod leave;
mod list;
mod markread;
mod metadata;
mod mode;
mod mode_line;
mod monitor;
mod names;
mod nick;
mod oper;
mod part;
mod presence;
mod redact;
mod register;
mod rename;
mod room_mode;
mod search;
mod send;
mod setname;
mod topic;
mod user_mode;
mod userhost;
mod who;
mod whois;
mod whowas;

use std::sync::Arc;

use super::{
    account::{Account, Session},
    audience::Audience,
    delivery::{Delivery, Outputs},
    request::{Body, Sequenced, SessionId, Stamp},
    room::Room,
    sought::Found,
    state::State,
};
use crate::{
    ident::{Nick, RoomId, RoomName},
    protocol::durable::Durable,
    protocol::{
        chat::{Act, Event, Source},
        command::{Command, Place, Privilege},
        refusal::Refusal,
        reply::Reply,
    },
};

impl State {
    /// Decides one request and applies what it changes, in one go.
    pub fn step(&mut self, sequenced: &Sequenced) -> Outputs {
        let at = sequenced.at;
        self.now_ms = at.time_ms;
        self.waiting = at.waiting;
        let request = &sequenced.request;
        let (from, label) = (request.session, &request.label);
        match &request.body {
            Body::Tick => return leave::tick(self, at),
            Body::Drained => return Outputs::default(),
            Body::Gone(gone) => return leave::gone(self, at, from, gone),
            Body::Register(registration) => return register::register(self, at, from, registration),
            Body::Issued(issued) => {
                self.issued = Arc::clone(issued);
                return Outputs::default();
            }
            Body::Command(_) | Body::Refused(_) => {}
        }
        // A session that has left, or never was, is not answered.
        let Some(mut turn) = Turn::of(self, at, from) else { return Outputs::default() };
        turn.label.clone_from(label);
        turn.read_by_hand();
        match &request.body {
            Body::Command(command) => turn.command(command, &sequenced.found),
            Body::Refused(refusal) => turn.refuse(refusal.clone()),
            Body::Tick | Body::Drained | Body::Issued(_) | Body::Gone(_) | Body::Register(_) => {}
        }
        turn.finish()
    }
}

/// One step under way, on behalf of one session.
struct Turn<'a> {
    state: &'a mut State,
    at: Stamp,
    from: SessionId,
    me: Nick,
    label: Option<Box<str>>,
    ids: u32,
    events: Vec<Durable>,
    deliveries: Vec<Delivery>,
    replies: Vec<Reply>,
    /// What comes after the replies.
    after: Vec<Delivery>,
}

impl<'a> Turn<'a> {
    fn of(state: &'a mut State, at: Stamp, from: SessionId) -> Option<Self> {
        let me = state.sessions.get(&from)?.account.clone();
        Some(Self::by(state, at, from, me))
    }

    fn by(state: &'a mut State, at: Stamp, from: SessionId, me: Nick) -> Self {
        let (events, deliveries, replies, after) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Self { state, at, from, me, label: None, ids: 0, events, deliveries, replies, after }
    }

    fn finish(mut self) -> Outputs {
        if !self.replies.is_empty() || self.label.is_some() {
            let (session, label) = (self.from, self.label);
            self.deliveries.push(Delivery::Replies { session, label, replies: self.replies });
        }
        self.deliveries.append(&mut self.after);
        Outputs { events: self.events, deliveries: self.deliveries }
    }

    fn command(&mut self, command: &Command, found: &Found) {
        if command.spec().privilege == Privilege::Administrators && !self.is_administrator() {
            return self.refuse(Refusal::NoPrivileges);
        }
        match command {
            Command::Ping(token) => self.reply(Reply::Pong(Arc::clone(token))),
            // That it came is all that another PONG says, and the session noted it.
            Command::Pong(token) => self.answered(token),
            Command::Cap(cap) => self.cap(cap),
            Command::Nick(wish) => self.nick(wish),
            Command::Reregister => self.refuse(Refusal::AlreadyRegistered),
            Command::Authenticate(given) => self.authenticate(given),
            Command::Join(rooms) => self.join(rooms),
            Command::PartAll => self.part_all(),
            Command::Part(places, reason) => self.part(places, reason.as_ref()),
            Command::Send(send) => self.send(send, found),
            Command::Names(places) => self.names(places),
            Command::Who(who) => self.who(who),
            Command::Whois(target, nick) => self.whois(target.as_deref(), nick),
            Command::Whowas(nick, most) => self.whowas(nick, *most),
            Command::Userhost(names) => self.userhost(names),
            Command::Ison(names) => self.ison(names),
            Command::Monitor(monitor) => self.monitor(monitor),
            Command::Topic(place, text) => self.topic(place, text.as_ref()),
            Command::List(query) => self.list(query),
            Command::Mode(target, changes) => self.mode(target, changes),
            Command::Metadata(metadata) => self.metadata(metadata),
            Command::Away(reason) => self.away(reason.as_ref()),
            Command::SetName(realname) => self.set_name(realname),
            Command::Oper => self.oper(),
            Command::Kill(nick, reason) => self.kill(nick, reason),
            Command::Wallops(text) => self.wallops(text),
            Command::Rehash => self.rehash(),
            Command::Info(info, of) => self.info(*info, of.as_deref()),
            Command::History(place, most) => self.history(place, *most),
            Command::Chathistory(asked) => self.chathistory(asked),
            Command::Search(search) => self.search(search),
            Command::Markread(target, time_ms) => self.markread(target, *time_ms),
            Command::Redact(target, id, reason) => self.redact(target, id, reason.as_ref(), found),
            Command::Help(topic) => self.reply(Reply::Help(topic.clone())),
            Command::Quit(reason) => self.quit(reason.as_deref()),
            Command::Kick(who, reason) => self.kick(who, reason.as_ref()),
            Command::Invite(who, place) => self.invite(who, place),
            Command::Invitations => self.invitations(),
            Command::Rename(place, new, reason) => self.rename(place, new, reason.as_ref()),
        }
    }

    fn reply(&mut self, reply: Reply) {
        self.replies.push(reply);
    }

    fn refuse(&mut self, refusal: Refusal) {
        self.replies.push(Reply::Refused(refusal));
    }

    /// Keeps a change and makes it true.
    fn record(&mut self, event: Durable) {
        self.state.apply(&event);
        self.events.push(event);
    }

    fn id(&mut self) -> crate::ident::MsgId {
        self.ids += 1;
        self.at.id(self.ids)
    }

    /// Says an event of `source`'s to an audience; this session, if it is among them, hears it as
    /// part of the answer to its request. What happens in a room is part of the room's history.
    fn tell(&mut self, audience: &Audience, source: &Arc<Source>, act: Act) {
        let event = self.event(source, act);
        self.keep_event(&event);
        self.show_event(audience, event);
    }

    fn event(&mut self, source: &Arc<Source>, act: Act) -> Arc<Event> {
        Arc::new(Event { id: self.id(), time_ms: self.at.time_ms, source: Arc::clone(source), act })
    }

    fn keep_event(&mut self, event: &Arc<Event>) {
        let name = match &event.act {
            // Told while the room has either name.
            Act::Rename { from, to, .. } if !self.state.names.contains_key(to) => from,
            // Concerns two people only.
            Act::Invite { .. } => return,
            act => match act.room() {
                Some(room) => room,
                None => return,
            },
        };
        if let Some(&id) = self.state.names.get(name).filter(|_| self.state.settings.keep_messages) {
            self.record(Durable::Event(id, Arc::clone(event)));
        }
    }

    /// Says an event that is nobody's history: who comes and goes stays a member.
    fn show_event(&mut self, audience: &Audience, event: Arc<Event>) {
        if audience.contains(self.from) {
            self.replies.push(Reply::Event(Arc::clone(&event)));
        }
        self.deliveries.push(Delivery::Event { audience: audience.clone(), except: Some(self.from), event });
    }

    /// Says that somebody comes into a room, goes, or is another than he was, to who is there.
    fn tell_presence(&mut self, room: RoomId, audience: &Audience, source: &Arc<Source>, act: Act) {
        let event = self.event(source, act);
        self.keep_event(&event);
        self.show_presence(vec![(room, audience.clone())], Vec::new(), &[], event);
    }

    /// Says it to everybody in these rooms and to some besides, but not to some.
    fn show_presence(
        &mut self,
        rooms: Vec<(RoomId, Audience)>,
        also: Vec<SessionId>,
        but: &[SessionId],
        event: Arc<Event>,
    ) {
        let from = self.from;
        let hears = rooms.iter().any(|(_, audience)| audience.contains(from)) || also.contains(&from);
        if hears && !but.contains(&from) {
            self.replies.push(Reply::Event(Arc::clone(&event)));
        }
        let except = but.iter().copied().filter(|session| *session != from).chain([from]).collect();
        self.deliveries.push(Delivery::Presence { rooms, also, except, event });
    }

    /// Says something of mine to all of a room.
    fn tell_room(&mut self, id: RoomId, act: impl FnOnce(RoomName) -> Act) {
        let (Some(room), Some(account)) = (self.state.rooms.get(&id), self.my_account()) else { return };
        let (audience, source, act) = (room.audience.clone(), Arc::clone(&account.source), act(room.name.clone()));
        self.tell(&audience, &source, act);
    }

    /// Whether the configuration names me.
    fn is_administrator(&self) -> bool {
        self.state.settings.administrators.contains(&self.me)
    }

    fn my_account(&self) -> Option<&Account> {
        self.state.accounts.get(&self.me).map(|account| &**account)
    }

    fn my_session(&mut self) -> Option<&mut Session> {
        self.state.sessions.get_mut(&self.from).map(|session| &mut **session)
    }

    /// The room that a command is about, if I may know of it; refused otherwise.
    fn room(&mut self, place: &Place) -> Option<RoomId> {
        let found = match place {
            Place::Current => self.my_session().and_then(|session| session.current).ok_or(Refusal::NoCurrentRoom),
            Place::Named(name) => match self.state.room_named(name) {
                Some((id, room)) if room.visible_to(&self.me) => Ok(id),
                _ => Err(Refusal::NoSuchRoom(name.clone())),
            },
        };
        found.map_err(|refusal| self.refuse(refusal)).ok()
    }

    /// Whether I may do what a room's operators may: an administrator may in the lobby.
    fn operates(&self, room: &Room) -> Result<(), Refusal> {
        let quoted = || Box::from(room.name.as_str());
        if room.name == self.state.settings.server.lobby && self.is_administrator() {
            return Ok(());
        }
        match room.members.get(&self.me) {
            None => Err(Refusal::NotOnRoom(quoted())),
            Some(member) if !member.operator => Err(Refusal::NeedOperator(quoted())),
            Some(_) => Ok(()),
        }
    }
}
