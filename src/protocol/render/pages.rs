//! Replies that may be long, rendered as far as there is room for them.

use bytes::Bytes;

use super::{Lines, irc, replies};
use crate::{
    ident::Nick,
    protocol::{
        caps::{Cap, Dialect, Shape},
        reply::{Reply, ServerInfo},
    },
};

/// Replies to one session of which not all is rendered yet.
#[derive(Debug)]
pub struct Pages {
    shape: Shape,
    label: Option<Box<str>>,
    replies: Vec<Reply>,
    /// What comes next: which reply, and which piece of it.
    next: (usize, usize),
}

impl Pages {
    /// Nothing is rendered yet.
    pub const fn new(shape: Shape, label: Option<Box<str>>, replies: Vec<Reply>) -> Self {
        Self { shape, label, replies, next: (0, 0) }
    }

    /// Whether they can be long.
    pub fn are_long(replies: &[Reply]) -> bool {
        replies.iter().any(|reply| reply.pieces() > 1)
    }

    /// What they take of memory, about.
    pub fn weight(&self) -> usize {
        size_of::<Self>() + self.replies.iter().map(Reply::weight).sum::<usize>()
    }

    /// Whether all is rendered.
    pub const fn is_done(&self) -> bool {
        self.next.0 >= self.replies.len()
    }

    /// Renders what comes next: as soon as there are `enough` octets, no more. Together the pages are
    /// what [`replies`] renders at once; but where a label needs a batch, it is opened with the first page
    /// that is not the last, and closed with the last.
    pub fn next(&mut self, server: &ServerInfo, me: &Nick, enough: usize) -> Bytes {
        let Shape { dialect, caps } = self.shape;
        if dialect == Dialect::Plain {
            // A person does not read so much.
            self.next = (self.replies.len(), 0);
            return replies(server, me, self.shape, None, &self.replies);
        }
        let (mut lines, first) = (Lines::default(), self.next == (0, 0));
        while let Some(reply) = self.replies.get(self.next.0)
            && lines.text.len() < enough
        {
            irc::piece(&mut lines, server, me, caps, reply, self.next.1);
            let (at, piece) = self.next;
            self.next = if piece + 1 < reply.pieces() { (at, piece + 1) } else { (at + 1, 0) };
        }
        match self.label.as_deref().filter(|_| caps.has(Cap::LabeledResponse)) {
            None => lines.text.into(),
            Some(label) if first && self.is_done() => irc::labeled(&lines, server, caps, label).into(),
            Some(_) if !caps.has(Cap::Batch) => lines.text.into(),
            Some(label) => {
                let (open, close) = (first.then_some(label), self.is_done());
                irc::in_labeled_batch(&lines, server, open, close).into()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::protocol::{
        caps::Caps,
        chat::Source,
        reply::{ListRow, Member, Whom},
        roster::{Person, Roster},
    };

    fn server() -> ServerInfo {
        ServerInfo {
            name: "c.test".into(),
            network: "net".into(),
            version: "v".into(),
            created: "now".into(),
            motd: None,
            lobby: "#lobby".parse().unwrap(),
            rooms_per_account: 5,
        }
    }

    fn long() -> Vec<Reply> {
        let person = |n: usize| Person {
            source: Arc::new(Source {
                nick: format!("n{n}").parse().unwrap(),
                user: "u".into(),
                host: "h".into(),
                bot: false,
            }),
            realname: "name".into(),
            operator: n.is_multiple_of(7),
            voiced: n.is_multiple_of(3),
            invisible: false,
            away: n.is_multiple_of(5),
            administrator: n.is_multiple_of(11),
        };
        let people: Roster = (0..500).map(person).collect();
        let room: crate::ident::RoomName = "#room".parse().unwrap();
        let members = people.people().map(|person| Member::of(person, &room)).collect();
        let row = |n: usize| ListRow { room: format!("#{n}").parse().unwrap(), people: n, topic: None };
        vec![
            Reply::Pong("x".into()),
            Reply::Names(room.clone(), false, people.clone()),
            Reply::NamesOfMany(
                vec![(room.clone(), true, people.clone()), (room.clone(), false, people.clone())],
                "#a,#b".into(),
            ),
            Reply::Who("*".into(), None, members),
            Reply::WhoIn("#room".into(), None, room.clone(), people.clone(), Whom::All),
            Reply::WhoIn("#room".into(), None, room, people, Whom::Administrators),
            Reply::List((0..100).map(row).collect()),
            Reply::List(Vec::new()),
            Reply::Pong("y".into()),
        ]
    }

    /// However it is divided, it is the same; and no page is much longer than it is to be.
    #[test]
    fn pages_are_what_is_rendered_at_once() {
        let (server, me) = (server(), "me".parse().unwrap());
        for caps in
            ["", "labeled-response", "labeled-response batch", "multi-prefix userhost-in-names labeled-response batch"]
        {
            let shape = Shape { dialect: Dialect::Irc, caps: Caps::NONE.request(caps).unwrap() };
            for label in [None, Some("l")] {
                let expect = replies(&server, &me, shape, label, &long());
                for enough in [1, 700, 5000, usize::MAX] {
                    let mut pages = Pages::new(shape, label.map(Into::into), long());
                    let mut all = Vec::new();
                    while !pages.is_done() {
                        let page = pages.next(&server, &me, enough);
                        assert!(page.len() < enough.saturating_add(5000), "{} octets", page.len());
                        assert!(page.ends_with(b"\r\n"));
                        all.extend_from_slice(&page);
                    }
                    assert_eq!(
                        String::from_utf8(all).unwrap(),
                        String::from_utf8(expect.to_vec()).unwrap(),
                        "{caps} {enough}"
                    );
                }
            }
        }
    }
}
