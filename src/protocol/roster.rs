//! Who is in a room, as lists show it: NAMES and WHO.
//!
//! A list of thousands is asked for by each of the thousands who come. So it is kept in blocks, in the order of
//! names, each about as long as a line of NAMES; a change makes one new block and the list of them, and
//! everything else, the lines that were rendered too, is shared with the pictures that others hold.

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use crate::{
    ident::Nick,
    protocol::{chat::Source, sanitize},
};

/// So many octets of names a block has at most: about a line.
const MOST: usize = 400;
/// A block of fewer is put to its neighbour where both fit into one.
const LEAST: usize = MOST / 4;

/// Somebody in a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// Who.
    pub source: Arc<Source>,
    /// Real name.
    pub realname: Arc<str>,
    /// Operator (`@`) of the room.
    pub operator: bool,
    /// Voiced (`+`) in it.
    pub voiced: bool,
    /// Seen by members only (`+i`).
    pub invisible: bool,
    /// Away.
    pub away: bool,
    /// Acts as administrator of the server (`+o`).
    pub administrator: bool,
}

impl Person {
    /// Whether nothing about him has changed. Names are the same also in other capitals: what another
    /// source says is looked at no further.
    fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.source, &other.source) && self == other
    }

    /// About what he takes of a line.
    fn octets(&self) -> usize {
        self.source.nick.as_str().len() + 1 + usize::from(self.operator) + usize::from(self.voiced)
    }
}

/// The people of a room, in the order of their names; a clone shares them.
#[derive(Clone, Default)]
pub struct Roster {
    /// None of them is empty.
    blocks: Arc<Vec<Arc<Block>>>,
    len: usize,
    invisible: usize,
}

#[derive(Default)]
struct Block {
    people: Vec<Person>,
    /// What their names take.
    octets: usize,
    invisible: usize,
    /// What was rendered of it, by [`Style::index`].
    rows: [OnceLock<Rows>; 4],
}

impl Clone for Block {
    fn clone(&self) -> Self {
        // What is copied is about to be changed.
        Self { people: self.people.clone(), octets: self.octets, invisible: self.invisible, rows: Default::default() }
    }
}

/// Names as they stand in lines, each row with LF at its end.
struct Rows {
    /// The most octets of a row.
    most: usize,
    text: Box<str>,
}

/// How names are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// With all prefixes (IRCv3 `multi-prefix`).
    pub multi_prefix: bool,
    /// With user and host (IRCv3 `userhost-in-names`).
    pub userhost: bool,
}

impl Style {
    fn index(self) -> usize {
        usize::from(self.multi_prefix) | usize::from(self.userhost) << 1
    }

    fn push(self, out: &mut String, person: &Person) {
        if person.operator {
            out.push('@');
        }
        if person.voiced && (self.multi_prefix || !person.operator) {
            out.push('+');
        }
        let Source { nick, user, host, .. } = &*person.source;
        out.push_str(nick.as_str());
        if self.userhost {
            for (mark, part) in [('!', &**user), ('@', &**host)] {
                out.push(mark);
                out.push_str(&sanitize::for_irc(part));
            }
        }
    }
}

impl Block {
    fn of(people: Vec<Person>) -> Arc<Self> {
        let octets = people.iter().map(Person::octets).sum();
        let invisible = people.iter().filter(|person| person.invisible).count();
        Arc::new(Self { people, octets, invisible, rows: Default::default() })
    }

    fn last(&self) -> Option<&Nick> {
        self.people.last().map(|person| &person.source.nick)
    }

    fn place(&self, nick: &Nick) -> Result<usize, usize> {
        self.people.binary_search_by(|person| person.source.nick.cmp(nick))
    }

    fn add(&mut self, person: &Person) {
        self.octets += person.octets();
        self.invisible += usize::from(person.invisible);
    }

    fn subtract(&mut self, person: &Person) {
        self.octets -= person.octets();
        self.invisible -= usize::from(person.invisible);
    }

    /// Rows of names of at most so many octets.
    fn render(&self, style: Style, most: usize) -> Rows {
        let (mut text, mut start, mut name) = (String::new(), 0, String::new());
        for person in &self.people {
            name.clear();
            style.push(&mut name, person);
            if text.len() > start {
                let fits = text.len() - start + 1 + name.len() <= most;
                text.push(if fits { ' ' } else { '\n' });
                start = if fits { start } else { text.len() };
            }
            text.push_str(&name);
        }
        Rows { most, text: text.into() }
    }

    fn each_row(&self, style: Style, most: usize, mut each: impl FnMut(&str)) {
        let rows = self.rows[style.index()].get_or_init(|| self.render(style, most));
        // The room or the server has another name than when they were rendered.
        let anew = (rows.most != most).then(|| self.render(style, most));
        anew.as_ref().unwrap_or(rows).text.split('\n').for_each(&mut each);
    }
}

impl Roster {
    /// How many there are.
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether they are one and the same picture.
    #[cfg(test)]
    pub(crate) fn shares(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.blocks, &other.blocks)
    }

    /// Whether there is nobody.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How many of them outsiders see.
    pub const fn visible(&self) -> usize {
        self.len - self.invisible
    }

    /// Each of them, in the order of their names.
    pub fn people(&self) -> impl Iterator<Item = &Person> {
        self.blocks.iter().flat_map(|block| &block.people)
    }

    /// How many pieces there are, for who takes them one after the other.
    pub fn pieces(&self) -> usize {
        self.blocks.len()
    }

    /// The people of one piece.
    pub fn piece(&self, at: usize) -> &[Person] {
        self.blocks.get(at).map_or(&[], |block| &block.people)
    }

    /// The rows of one piece as lists of names have them, each of at most so many octets.
    pub fn rows(&self, at: usize, style: Style, most: usize, each: impl FnMut(&str)) {
        if let Some(block) = self.blocks.get(at) {
            block.each_row(style, most, each);
        }
    }

    /// Those whom outsiders see.
    #[must_use]
    pub fn for_outsiders(&self) -> Self {
        if self.invisible == 0 {
            return self.clone();
        }
        let visible = |block: &Arc<Block>| match block.invisible {
            0 => Arc::clone(block),
            _ => Block::of(block.people.iter().filter(|person| !person.invisible).cloned().collect()),
        };
        let blocks = self.blocks.iter().map(visible).filter(|block| !block.people.is_empty()).collect();
        Self { blocks: Arc::new(blocks), len: self.visible(), invisible: 0 }
    }

    /// Puts somebody in, or shows him as he is now.
    pub fn set(&mut self, person: Person) {
        let at = self.block_for(&person.source.nick).min(self.blocks.len().saturating_sub(1));
        let Some(place) = self.blocks.get(at).map(|block| block.place(&person.source.nick)) else {
            (self.len, self.invisible) = (1, usize::from(person.invisible));
            self.blocks = Arc::new(vec![Block::of(vec![person])]);
            return;
        };
        match place {
            Ok(place) if self.blocks[at].people[place].is(&person) => return,
            Ok(place) => {
                self.invisible += usize::from(person.invisible);
                let block = self.block_mut(at);
                block.add(&person);
                let old = std::mem::replace(&mut block.people[place], person);
                block.subtract(&old);
                self.invisible -= usize::from(old.invisible);
            }
            Err(place) => {
                self.len += 1;
                self.invisible += usize::from(person.invisible);
                let block = self.block_mut(at);
                block.add(&person);
                block.people.insert(place, person);
            }
        }
        self.divide(at);
    }

    /// Takes somebody out.
    pub fn remove(&mut self, nick: &Nick) {
        let at = self.block_for(nick);
        let Some(Ok(place)) = self.blocks.get(at).map(|block| block.place(nick)) else { return };
        let block = self.block_mut(at);
        let person = block.people.remove(place);
        block.subtract(&person);
        self.len -= 1;
        self.invisible -= usize::from(person.invisible);
        self.unite(at);
    }

    /// The block in which the person is, if he is in any.
    fn block_for(&self, nick: &Nick) -> usize {
        self.blocks.partition_point(|block| block.last().is_some_and(|last| last < nick))
    }

    /// A block that is about to be another than it was.
    fn block_mut(&mut self, at: usize) -> &mut Block {
        let block = Arc::make_mut(&mut Arc::make_mut(&mut self.blocks)[at]);
        block.rows = Default::default();
        block
    }

    /// A block that is too long becomes two.
    fn divide(&mut self, at: usize) {
        let block = &self.blocks[at];
        if block.octets > MOST && block.people.len() > 1 {
            let (lower, upper) = block.people.split_at(block.people.len() / 2);
            let halves = [lower, upper].map(|half| Block::of(half.to_vec()));
            Arc::make_mut(&mut self.blocks).splice(at..=at, halves);
        }
    }

    /// A block that is short becomes one with its neighbour.
    fn unite(&mut self, at: usize) {
        let blocks = Arc::make_mut(&mut self.blocks);
        if blocks[at].people.is_empty() {
            blocks.remove(at);
        } else if blocks[at].octets < LEAST {
            let first = if at + 1 < blocks.len() { at } else { at.saturating_sub(1) };
            if let [one, other, ..] = &blocks[first..]
                && one.octets + other.octets <= MOST
            {
                let both = Block::of([&one.people[..], &other.people[..]].concat());
                blocks.splice(first..=first + 1, [both]);
            }
        }
    }
}

impl FromIterator<Person> for Roster {
    fn from_iter<I: IntoIterator<Item = Person>>(people: I) -> Self {
        let mut roster = Self::default();
        people.into_iter().for_each(|person| roster.set(person));
        roster
    }
}

impl PartialEq for Roster {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.blocks, &other.blocks) || self.people().eq(other.people())
    }
}

impl Eq for Roster {}

impl fmt::Debug for Roster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.people().map(|person| &person.source.nick)).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn person(n: u16, flags: u8) -> Person {
        let nick: Nick =
            format!("{}{n}", ["a", "Bee", "someone-with-a-long-name"][usize::from(n % 3)]).parse().unwrap();
        Person {
            source: Arc::new(Source { nick, user: "u".into(), host: "net".into(), bot: false }),
            realname: "".into(),
            operator: flags & 1 > 0,
            voiced: flags & 2 > 0,
            invisible: flags & 4 > 0,
            away: flags & 8 > 0,
            administrator: false,
        }
    }

    fn rows(roster: &Roster, style: Style, most: usize) -> Vec<String> {
        let mut rows = Vec::new();
        (0..roster.pieces()).for_each(|at| roster.rows(at, style, most, |row| rows.push(row.to_owned())));
        rows
    }

    proptest! {
        /// As a map; whatever was asked for in between.
        #[test]
        fn it_shows_who_is_there(story in proptest::collection::vec((0..300u16, 0..16u8, 0..5u8), 0..500)) {
            let (mut roster, mut expect) = (Roster::default(), BTreeMap::new());
            let style = |n: u8| Style { multi_prefix: n & 1 > 0, userhost: n & 2 > 0 };
            for (n, flags, what) in story {
                let person = person(n, flags);
                let before = (roster.clone(), roster.people().cloned().collect::<Vec<_>>());
                if what == 0 {
                    expect.remove(&person.source.nick);
                    roster.remove(&person.source.nick);
                } else {
                    expect.insert(person.source.nick.clone(), person.clone());
                    roster.set(person);
                }
                prop_assert!(before.0.people().eq(&before.1), "a picture stays as it was");
                if what == 4 {
                    rows(&roster, style(flags), 300);
                }
            }
            prop_assert!(roster.people().eq(expect.values()));
            prop_assert_eq!(roster.len(), expect.len());
            let visible: Vec<&Person> = expect.values().filter(|person| !person.invisible).collect();
            prop_assert_eq!(roster.visible(), visible.len());
            prop_assert!(roster.for_outsiders().people().eq(visible));
            for n in 0..4 {
                for most in [200, 300] {
                    let rows = rows(&roster, style(n), most);
                    prop_assert!(rows.iter().all(|row| row.len() <= most));
                    let mut all: Vec<String> = Vec::new();
                    expect.values().for_each(|person| {
                        let mut name = String::new();
                        style(n).push(&mut name, person);
                        all.push(name);
                    });
                    prop_assert_eq!(rows.join(" "), all.join(" "));
                }
            }
        }
    }

    #[test]
    fn lines_are_full_and_pictures_share_them() {
        let mut roster: Roster = (0..10_000).map(|n| person(n, 0)).collect();
        let style = Style { multi_prefix: false, userhost: false };
        let lines = rows(&roster, style, 400);
        let octets: usize = lines.iter().map(String::len).sum();
        assert!(octets / lines.len() > 200, "{} lines of {octets} octets", lines.len());
        let picture = roster.clone();
        roster.set(person(10_001, 0));
        let same = picture.blocks.iter().filter(|old| roster.blocks.iter().any(|new| Arc::ptr_eq(old, new))).count();
        assert!(same + 1 >= picture.blocks.len());
    }
}
