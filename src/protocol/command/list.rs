//! LIST with the filters of ISUPPORT `ELIST` (Modern IRC, section "LIST message").

use super::{
    Command,
    parse::{names_of, param},
    table::Spec,
};
use crate::protocol::{message::Message, refusal::Refusal};

pub(super) static LIST: Spec =
    Spec::irc("LIST", 0, "[#ROOM{,#ROOM}] [FILTER{,FILTER}]", irc, "the rooms and their topics")
        .slash(&["rooms", "list"], plain, "/rooms")
        .cost(10);

/// Which rooms are asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListQuery {
    /// These rooms; all, when there is none.
    pub names: Vec<Box<str>>,
    /// That fit each of these.
    pub filters: Vec<Filter>,
}

/// A condition of `ELIST`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Filter {
    /// `U`: more people than this are in it.
    MoreThan(usize),
    /// `U`: fewer.
    FewerThan(usize),
    /// `C`: made less than so many minutes ago.
    YoungerThan(u64),
    /// `C`: made more than so many minutes ago.
    OlderThan(u64),
    /// `T`: the topic was set less than so many minutes ago.
    TopicYoungerThan(u64),
    /// `T`: the topic was set more than so many minutes ago.
    TopicOlderThan(u64),
    /// `M`: the name fits.
    Fits(Box<str>),
    /// `N`: the name does not fit.
    FitsNot(Box<str>),
}

fn irc(message: &Message<'_>) -> Result<Command, Refusal> {
    let mut query = ListQuery::default();
    for word in [0, 1].into_iter().filter_map(|at| param(message, at)).flat_map(names_of) {
        match filter(word) {
            Some(filter) => query.filters.push(filter),
            None => query.names.push(word.into()),
        }
    }
    Ok(Command::List(query))
}

fn filter(word: &str) -> Option<Filter> {
    let number = |text: &str| text.parse::<u64>().ok();
    let count = |text: &str| text.parse::<usize>().ok();
    match word.as_bytes() {
        [b'>', ..] => count(&word[1..]).map(Filter::MoreThan),
        [b'<', ..] => count(&word[1..]).map(Filter::FewerThan),
        [b'C' | b'c', b'<', ..] => number(&word[2..]).map(Filter::YoungerThan),
        [b'C' | b'c', b'>', ..] => number(&word[2..]).map(Filter::OlderThan),
        [b'T' | b't', b'<', ..] => number(&word[2..]).map(Filter::TopicYoungerThan),
        [b'T' | b't', b'>', ..] => number(&word[2..]).map(Filter::TopicOlderThan),
        [b'!', ..] => Some(Filter::FitsNot(word[1..].into())),
        _ if word.contains(['*', '?']) => Some(Filter::Fits(word.into())),
        _ => None,
    }
}

fn plain(rest: &str) -> Result<Command, Refusal> {
    let names = rest.split([',', ' ']).filter(|name| !name.is_empty()).map(Into::into).collect();
    Ok(Command::List(ListQuery { names, filters: Vec::new() }))
}
