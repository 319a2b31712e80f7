//! The state after a restart: what the journal on disk gives back makes the state that there was.

use std::sync::Arc;

use proptest::prelude::*;

use super::settings;
use crate::{
    hub::state::State,
    ident::{DeviceId, Fingerprint, Nick, RoomId},
    journal::{Entry, Log as _, Retention, sqlite::Sqlite},
    protocol::{
        chat::Topic,
        durable::{Durable, Origin, Position, RoomKind, Visibility},
        metadata::Owner,
        modes::{Change, Flag, List, Listed, Status},
    },
};

/// So many rooms there are at most.
const ROOMS: u64 = 3;

fn nicks() -> impl Strategy<Value = Nick> {
    prop::sample::select(vec!["alice", "Bob", "bob", "carol", "dora"]).prop_map(|nick| nick.parse().unwrap())
}

/// Names of rooms in small letters, one of them with letters beyond ASCII.
fn names() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["#one", "#two", "#zo\u{eb}", "#Three"])
}

fn changes() -> impl Strategy<Value = Change> {
    let mask = || prop::sample::select(vec!["*!*@bad", "*!*@BAD", "bob!*@*"]);
    let listed = |(list, mask, by, at): (usize, &str, Nick, u64)| {
        Change::Listed(List::ALL[list], Listed { mask: mask.into(), by, at })
    };
    prop_oneof![
        (0..Flag::ALL.len(), any::<bool>()).prop_map(|(flag, on)| Change::Flag(Flag::ALL[flag], on)),
        prop::option::of(Just("key")).prop_map(|key| Change::Key(key.map(Into::into))),
        prop::option::of(0..9u32).prop_map(Change::Limit),
        (0..3usize, mask(), nicks(), 0..9u64).prop_map(listed),
        (0..3usize, mask()).prop_map(|(list, mask)| Change::Unlisted(List::ALL[list], mask.into())),
        (0..2usize, nicks(), any::<bool>()).prop_map(|(status, who, on)| Change::Status(Status::ALL[status], who, on)),
    ]
}

/// Something that happens to a room or an account.
fn events() -> impl Strategy<Value = Durable> {
    let room = || (1..=ROOMS).prop_map(RoomId);
    let kinds =
        prop_oneof![Just((RoomKind::Open, Visibility::All)), Just((RoomKind::Encrypted, Visibility::SinceJoining))];
    let owner = prop_oneof![nicks().prop_map(Owner::Account), room().prop_map(Owner::Room)];
    let topic = |(room, text, by, at): (_, Option<&str>, _, _)| {
        Durable::TopicSet(room, text.map(|text| Topic { text: text.into(), by, at }))
    };
    prop_oneof![
        nicks().prop_map(Durable::AccountSeen),
        (room(), kinds, prop::option::of(nicks()), 0..9u64).prop_map(|(room, (kind, visibility), founder, at)| {
            let name = format!("#room{}", room.0).parse().unwrap();
            Durable::RoomCreated { room, name, kind, visibility, founder, at }
        }),
        room().prop_map(Durable::RoomRemoved),
        (room(), nicks(), any::<bool>(), 0..99u64).prop_map(|(room, account, operator, at_ms)| Durable::Joined {
            room,
            account,
            operator,
            at_ms
        }),
        (room(), nicks()).prop_map(|(room, account)| Durable::Left { room, account }),
        (room(), prop::option::of(Just("a topic")), nicks(), 0..9u64).prop_map(topic),
        (room(), changes()).prop_map(|(room, change)| Durable::ModeChanged(room, change)),
        (room(), names()).prop_map(|(room, name)| {
            // Two rooms never have one name.
            Durable::Renamed(room, format!("{name}-{}", room.0).parse().unwrap())
        }),
        (room(), nicks()).prop_map(|(room, account)| Durable::Invited { room, account }),
        (nicks(), names(), 1..4u64, 0..99u64).prop_map(|(account, name, room, time_ms)| {
            let target = format!("{}-{room}", name.to_ascii_lowercase()).into();
            Durable::MarkedRead { account, target, time_ms }
        }),
        (nicks(), 0..4u8, any::<bool>(), 1..99u64).prop_map(|(account, device, client, sequence)| {
            let client = client.then(|| "irssi".parse().unwrap());
            let origin = Origin { device: DeviceId(Fingerprint::new([device; 32])), client };
            Durable::CursorMoved { account, origin, at: Position { epoch: 0, sequence } }
        }),
        (owner, 0..2usize, prop::option::of(Just("value"))).prop_map(|(owner, key, value)| {
            let key = ["avatar", "color"][key].parse().unwrap();
            Durable::MetadataSet { owner, key, value: value.map(Arc::from) }
        }),
    ]
}

/// What a sensible hub would have recorded: a room is made once, and everybody leaves before it goes.
fn sensible(event: Durable, made: &mut Vec<RoomId>, members: &mut Vec<(RoomId, Nick)>) -> Vec<Durable> {
    match event {
        Durable::RoomCreated { room, .. } if made.contains(&room) => Vec::new(),
        Durable::RoomRemoved(room) => {
            let (gone, stay) = members.drain(..).partition(|(of, _)| *of == room);
            *members = stay;
            let gone: Vec<(RoomId, Nick)> = gone;
            let left = gone.into_iter().map(|(room, account)| Durable::Left { room, account });
            left.chain([Durable::RoomRemoved(room)]).collect()
        }
        event => {
            match &event {
                Durable::RoomCreated { room, .. } => made.push(*room),
                Durable::Joined { room, account, .. } => members.push((*room, account.clone())),
                Durable::Left { room, account } => members.retain(|member| *member != (*room, account.clone())),
                _ => {}
            }
            vec![event]
        }
    }
}

/// Whether the state is the same after a restart in which these events were kept.
fn restarts(drawn: Vec<Durable>) -> (String, String) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("journal.sqlite3");
    let mut state = State::new(settings());
    let mut journal = Sqlite::open(&file, Retention::default()).unwrap();
    let (mut made, mut members) = (Vec::new(), Vec::new());
    // Who does anything was seen before.
    let seen = ["alice", "Bob", "carol", "dora"].map(|nick| Durable::AccountSeen(nick.parse().unwrap()));
    for (sequence, event) in (1..).zip(seen.into_iter().chain(drawn)) {
        let events = sensible(event, &mut made, &mut members);
        if events.is_empty() {
            continue;
        }
        events.iter().for_each(|event| state.apply(event));
        journal.append(Entry { position: Position { epoch: 0, sequence }, time_ms: sequence, events });
    }
    journal.commit();
    drop(journal);
    let mut again = State::new(settings());
    let mut journal = Sqlite::open(&file, Retention::default()).unwrap();
    journal.load(&mut |event| again.apply(&event)).unwrap();
    (format!("{again:#?}"), format!("{state:#?}"))
}

#[test]
fn a_list_that_was_emptied_is_no_list() {
    let room = RoomId(1);
    let (kind, visibility) = (RoomKind::Open, Visibility::All);
    let created = Durable::RoomCreated { room, name: "#r".parse().unwrap(), kind, visibility, founder: None, at: 0 };
    let ban = Listed { mask: "*!*@bad".into(), by: "alice".parse().unwrap(), at: 0 };
    let set = Durable::ModeChanged(room, Change::Listed(List::Ban, ban));
    let taken = Durable::ModeChanged(room, Change::Unlisted(List::Ban, "*!*@bad".into()));
    let (again, before) = restarts(vec![created, set, taken]);
    assert_eq!(again, before);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_restart_changes_nothing(drawn in prop::collection::vec(events(), 1..120)) {
        let (again, before) = restarts(drawn);
        prop_assert_eq!(again, before);
    }
}
