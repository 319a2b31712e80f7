//! Whatever happens, questions have the same answers here and in memory.

use std::sync::Arc;

use proptest::prelude::*;

use super::{House, at};
use crate::{
    ident::{MsgId, Nick, RoomId},
    journal::{Entry, Journal, Log as _, ReadError, Retention, contract, late::Late},
    protocol::{
        chat::{Act, Audience, Event, Kind, Message},
        durable::{Bound, Conversation, Durable},
        past::{Answer, Content, Newest, Page, Question, Range, Search},
    },
};

const NICKS: [&str; 3] = ["alice", "Bob", "carol"];

fn nick(n: usize) -> Nick {
    NICKS[n % NICKS.len()].parse().unwrap()
}

fn conversation(n: usize) -> Conversation {
    match n % 4 {
        room @ 0..2 => Conversation::Room(RoomId(room as u64)),
        2 => Conversation::between(nick(0), nick(1)),
        _ => Conversation::between(nick(0), nick(2)),
    }
}

/// What happens in the test: drawn numbers, made into events with growing times.
#[derive(Clone, Copy, Debug)]
enum Happening {
    Said { place: usize, from: usize, kind: Kind, lines: usize },
    Event { room: u64 },
    Redacted { place: usize, back: u64 },
    Removed { room: u64 },
}

fn happenings() -> impl Strategy<Value = Happening> {
    let kinds = [Kind::Text, Kind::Text, Kind::Action, Kind::Notice, Kind::Tags, Kind::Opaque];
    prop_oneof![
        12 => (0..4usize, 0..3usize, 0..kinds.len(), 0..3usize).prop_map(move |(place, from, kind, lines)| {
            Happening::Said { place, from, kind: kinds[kind], lines }
        }),
        4 => (0..2u64).prop_map(|room| Happening::Event { room }),
        2 => (0..4usize, 0..9u64).prop_map(|(place, back)| Happening::Redacted { place, back }),
        1 => (0..2u64).prop_map(|room| Happening::Removed { room }),
    ]
}

/// The event that happens as the `n`th, at a time that it may share with the one before.
fn event(n: u64, time_ms: u64, happening: Happening) -> Durable {
    let from = |from: usize| contract::message(n, NICKS[from], Audience::Account(nick(0)), "");
    match happening {
        Happening::Said { place, from: by, kind, lines } => {
            let (audience, by) = match place {
                0 | 1 => (Audience::Room(RoomId(place as u64), "#r".parse().unwrap()), by),
                // To alice, or from her.
                2 | 3 if by == 0 => (Audience::Account(nick(place - 1)), 0),
                _ => (Audience::Account(nick(0)), place - 1),
            };
            let text = format!("word{} {}", n % 3, "line\n".repeat(lines));
            let message = Message { time_ms, audience, kind, text: text.into(), ..Message::clone(&from(by)) };
            Durable::Message(Arc::new(message))
        }
        Happening::Event { room } => {
            let (id, source) = (MsgId::new(n, n.into()), Arc::clone(&from(1).source));
            let act = Act::Topic("#r".parse().unwrap(), "topic".into());
            Durable::Event(RoomId(room), Arc::new(Event { id, time_ms, source, act }))
        }
        Happening::Redacted { place, back } => {
            let of = n.saturating_sub(back);
            Durable::Redacted(conversation(place), MsgId::new(of, of.into()))
        }
        Happening::Removed { room } => Durable::RoomRemoved(RoomId(room)),
    }
}

fn bounds(most: u64) -> impl Strategy<Value = Bound> {
    prop_oneof![
        4 => (0..most).prop_map(|n| Bound::Id(MsgId::new(n, n.into()))),
        4 => (0..most).prop_map(Bound::Time),
        1 => Just(Bound::Nothing),
    ]
}

fn questions(most: u64) -> impl Strategy<Value = Question> {
    let range = (0..6, bounds(most), bounds(most)).prop_map(|(range, one, other)| match range {
        0 => Range::Latest(None),
        1 => Range::Latest(Some(one)),
        2 => Range::Before(one),
        3 => Range::After(one),
        4 => Range::Around(one),
        _ => Range::Between(one, other),
    });
    let content = prop_oneof![Just(Content::Texts), Just(Content::Messages), Just(Content::Everything)];
    let page = (0..4usize, range, content, 0..most, 0..most, 0..12usize).prop_map(
        |(place, range, content, since, until, most)| {
            let (conversation, since_ms, until) = (conversation(place), since / 4, at(until * 2));
            Question::Page(Page { conversation, range, content, since_ms, until, most })
        },
    );
    let rooms = |since: u64| vec![(RoomId(0), since), (RoomId(1), 0)];
    let newest = (0..most, 0..most * 2, 0..most * 2, 0..most).prop_map(move |(since, from, to, until)| {
        let (account, until) = (nick(0), at(until * 2));
        Question::Newest(Newest { account, rooms: rooms(since), between_ms: (from, to), until, most: 99 })
    });
    let search = (0..most, 0..4usize, 0..4usize, 0..most, 0..9usize, 0..5usize).prop_map(
        move |(since, within, from, until, most, words)| {
            let words =
                [vec!["word1"], vec!["word*"], vec!["line", "word0"], vec!["word2"], vec!["wor"]][words].clone();
            Question::Search(Search {
                account: nick(0),
                rooms: rooms(since),
                within: (within < 3).then(|| conversation(within)),
                from: (from < 3).then(|| nick(from)),
                words: words.into_iter().map(Into::into).collect(),
                between_ms: (0, u64::MAX),
                until: at(until * 2),
                most,
            })
        },
    );
    prop_oneof![6 => page, 1 => newest, 1 => search]
}

/// Which of two conversations comes first whose newest texts have the same time, nobody says.
fn sorted(answer: Result<Answer, ReadError>) -> Result<Answer, ReadError> {
    answer.map(|answer| match answer {
        Answer::Newest(mut found) => {
            found.sort_by_key(|(conversation, time_ms)| (*time_ms, format!("{conversation:?}")));
            Answer::Newest(found)
        }
        other => other,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn the_same_answers(
        happenings in prop::collection::vec((happenings(), 0..2u64, 0..2u64), 1..60),
        questions in prop::collection::vec(questions(60), 1..60),
    ) {
        let mut house = House::new(Retention::default());
        let (mut late, hand) = Late::new();
        let (mut time_ms, mut sequence) = (1, 1);
        for (n, (happening, later, apart)) in (1..).zip(happenings) {
            time_ms += later;
            sequence += apart;
            let entry = Entry { position: at(sequence), time_ms, events: vec![event(n, time_ms, happening)] };
            house.journal().append(entry.clone());
            late.append(entry);
        }
        let _ = house.commit();
        late.commit();
        hand.commit(usize::MAX);
        let late: &mut dyn Journal = &mut late;
        for question in questions {
            let expect = sorted(contract::ask(late, question.clone()));
            prop_assert_eq!(sorted(contract::ask(house.journal(), question.clone())), expect, "{:?}", question);
        }
    }
}
