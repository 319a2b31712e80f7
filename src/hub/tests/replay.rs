//! What the journal got makes the state again, and the state agrees with itself, whatever was said.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
    task::{Context, Poll},
};

use crate::{
    hub::{
        account::{Account, UserModes},
        room::Room,
        state::State,
    },
    ident::{MsgId, Nick},
    journal::{CommitError, Entry, Last, Log, Memory, ReadError, Store, Ticket},
    protocol::{
        chat::Message,
        durable::{Conversation, Durable, Position, Sent},
        past::{Answer, Question},
    },
};

/// The memory journal, and everything that it was given.
#[derive(Default)]
pub(super) struct Tape {
    journal: Memory,
    events: Arc<Mutex<Vec<Durable>>>,
}

impl Tape {
    pub(super) fn new() -> (Self, Arc<Mutex<Vec<Durable>>>) {
        let tape = Self::default();
        let events = Arc::clone(&tape.events);
        (tape, events)
    }
}

impl Log for Tape {
    fn append(&mut self, entry: Entry) {
        self.events.lock().unwrap().extend(entry.events.iter().cloned());
        self.journal.append(entry);
    }

    fn commit(&mut self) {
        self.journal.commit();
    }

    fn committed(&self) -> Option<Position> {
        self.journal.committed()
    }

    fn poll_committed(&mut self, cx: &mut Context<'_>) -> Poll<Result<Position, CommitError>> {
        self.journal.poll_committed(cx)
    }

    fn load(&mut self, apply: &mut dyn FnMut(Durable)) -> Result<Option<Last>, ReadError> {
        self.events.lock().unwrap().iter().cloned().for_each(&mut *apply);
        self.journal.load(apply)
    }
}

impl Store for Tape {
    fn ask(&mut self, ticket: Ticket, question: Question) {
        self.journal.ask(ticket, question);
    }

    fn poll_answer(&mut self, cx: &mut Context<'_>) -> Poll<(Ticket, Result<Answer, ReadError>)> {
        self.journal.poll_answer(cx)
    }

    fn find(&mut self, conversation: &Conversation, id: MsgId) -> Result<Option<Arc<Message>>, ReadError> {
        self.journal.find(conversation, id)
    }

    fn sent(&mut self, account: &Nick, id: &str) -> Result<Option<Sent>, ReadError> {
        self.journal.sent(account, id)
    }
}

/// All of a room that outlives the process.
fn kept_of_room(room: &Room) -> String {
    let Room {
        name,
        kind,
        visibility,
        founder,
        created,
        topic,
        modes,
        members,
        invited,
        metadata,
        people: _,
        audience: _,
    } = room;
    format!(
        "{name:?} {kind:?} {visibility:?} {founder:?} {created} {topic:?} {modes:?} {members:?} {invited:?} {metadata:?}"
    )
}

/// All of an account that does.
fn kept_of_account(account: &Account) -> String {
    let Account { kept, rooms, marks, cursors, metadata, .. } = account;
    format!("{kept} {rooms:?} {marks:?} {cursors:?} {metadata:?}")
}

/// Applied to an empty state, the events make what the live one has.
pub(super) fn same_after_replay(live: &State, events: &[Durable]) {
    let mut state = State::new(live.settings.clone());
    events.iter().for_each(|event| state.apply(event));
    let rooms = |state: &State| state.rooms.iter().map(|(id, room)| (*id, kept_of_room(room))).collect::<Vec<_>>();
    let accounts = |state: &State| -> Vec<(Nick, String)> {
        state.accounts.iter().map(|(nick, account)| (nick.clone(), kept_of_account(account))).collect()
    };
    assert_eq!(rooms(&state), rooms(live));
    assert_eq!(state.names, live.names);
    assert_eq!(accounts(&state), accounts(live));
    assert_eq!(state.next_room, live.next_room);
}

/// What is written down twice says the same; nothing is left of who and what is gone.
pub(super) fn agrees_with_itself(state: &State) {
    for (id, session) in &state.sessions {
        assert!(state.accounts[&session.account].sessions.contains(id), "{session:?}");
        for nick in session.watches.keys() {
            assert!(state.watchers[nick].contains(id), "{nick} is watched");
        }
        assert!(session.current.is_none_or(|room| state.accounts[&session.account].rooms.contains(&room)));
    }
    for (nick, watchers) in &state.watchers {
        let watches = |id: &_| state.sessions.get(id).is_some_and(|session| session.watches.contains_key(nick));
        assert!(!watchers.is_empty() && watchers.iter().all(watches), "watchers of {nick}");
    }
    for (nick, account) in &state.accounts {
        assert_eq!(*nick, account.source.nick);
        let sessions = account.sessions.iter().map(|id| &state.sessions[id]);
        assert!(sessions.clone().all(|session| session.account == *nick));
        assert_eq!(account.unseen as usize, sessions.filter(|session| session.unseen()).count(), "{nick}");
        assert!(account.rooms.iter().all(|room| state.rooms[room].members.contains_key(nick)), "{nick}");
        assert_eq!(account.lingers_until_ms.is_some(), state.lingering.contains(nick), "{nick} lingers");
        assert_eq!(account.modes != UserModes::default(), state.moded.contains(nick), "{nick} has modes");
        assert_eq!(account.source.bot, account.modes.bot, "{nick}");
        assert_eq!(account.away, state.sum_of_away(account), "{nick} is away");
        assert!(account.present() || account.away.is_none(), "{nick} is away");
    }
    assert_eq!(state.present, state.accounts.values().filter(|account| account.present()).count());
    assert_eq!(state.names.len(), state.rooms.len());
    for (id, room) in &state.rooms {
        assert_eq!(state.names.get(&room.name), Some(id));
        assert!(!room.members.is_empty() || room.name == state.settings.server.lobby, "{} is empty", room.name);
        assert!(room.members.keys().all(|nick| state.accounts[nick].rooms.contains(id)), "{}", room.name);
        let theirs: Vec<_> =
            room.members.keys().flat_map(|nick| state.accounts[nick].sessions.iter().copied()).collect();
        assert_eq!(room.audience.len(), theirs.len(), "audience of {}", room.name);
        assert_eq!(
            room.audience.iter().collect::<BTreeSet<_>>(),
            theirs.into_iter().collect(),
            "audience of {}",
            room.name
        );
        assert!(room.invited.iter().all(|nick| !room.members.contains_key(nick)), "{}", room.name);
    }
}
