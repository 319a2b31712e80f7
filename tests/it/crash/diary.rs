//! What one device has seen and said, as it happened; judged in the end.

/// What is said last of all, when others have gone already: it is not judged.
pub(super) const LAST: &str = "alice the end";

/// A message as a device has seen it.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    /// On which of the device's connections.
    pub(super) connection: usize,
    /// How many of the messages seen before this connection it had confirmed to the server, which has said
    /// that it knows: none of those may come again.
    pub(super) confirmed: usize,
    /// It may come a second time: it was said again, or there was no telling on this connection yet.
    pub(super) again: bool,
    /// The room, or the two people.
    pub(super) place: String,
    /// By what the device knows it: its id, or its text where it has none.
    pub(super) key: String,
    pub(super) text: String,
}

/// A message that a device has said.
#[derive(Clone, Debug)]
pub(super) struct Said {
    pub(super) place: String,
    pub(super) text: String,
    /// The server has said that it is kept.
    pub(super) acknowledged: bool,
}

/// How a device reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reads {
    /// A stock client: not what it said itself, and what comes a second time it shows a second time.
    Stock,
    /// It also gets what it has said itself.
    WithEcho,
    /// Ours: everything, once.
    Ours,
}

/// All of one device.
#[derive(Debug)]
pub(super) struct Diary {
    /// `carol` or `carol+tablet`: the first word of all that it says.
    pub(super) name: String,
    pub(super) account: String,
    pub(super) reads: Reads,
    pub(super) rooms: Vec<String>,
    pub(super) seen: Vec<Seen>,
    pub(super) said: Vec<Said>,
    /// What should not have happened.
    pub(super) wrong: Vec<String>,
    pub(super) connections: usize,
    /// The first so many of `seen` are confirmed.
    pub(super) confirmed: usize,
}

impl Diary {
    pub(super) fn new(name: &str, reads: Reads, rooms: &[&str]) -> Self {
        Self {
            name: name.into(),
            account: name.split('+').next().unwrap().into(),
            reads,
            rooms: rooms.iter().map(|room| (*room).to_owned()).collect(),
            seen: Vec::new(),
            said: Vec::new(),
            wrong: Vec::new(),
            connections: 0,
            confirmed: 0,
        }
    }

    /// The next message that this device says: to a room or a person.
    pub(super) fn next_text(&self) -> String {
        format!("{} {}", self.name, self.said.len())
    }

    /// Where a message belongs that one person says to a room or another person.
    pub(super) fn place(from: &str, to: &str) -> String {
        if to.starts_with('#') {
            return to.to_owned();
        }
        let (one, other) = if from < to { (from, to) } else { (to, from) };
        format!("{one},{other}")
    }

    pub(super) fn says(&mut self, to: &str, text: &str) {
        let place = Self::place(&self.account, to);
        self.said.push(Said { place, text: text.into(), acknowledged: false });
    }
}
