//! The name that its sender gives a message, so that it is not said twice when it is sent again
//! (ours: the tag `conclave.chat/id`).

use aws_lc_rs::digest::{Context, SHA256};

use super::{Place, Send};
use crate::protocol::{caps::Cap, chat::Kind, limits::SENT_ID, refusal::verb_of, tags::Tags};

/// A message's name, and what it was the name of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SendId {
    /// The name: 1 to 64 visible ASCII characters.
    pub id: Box<str>,
    /// SHA-256 of what is sent and to whom.
    pub digest: [u8; 32],
}

/// Why a message cannot be known by the name that it came with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadId {
    /// It is no name.
    Name,
    /// The message does not go to one target.
    Targets,
}

/// A name as a line gives it.
pub type GivenId = Option<Result<Box<str>, BadId>>;

/// The name that a line gives; whether its session may name messages is decided elsewhere.
pub fn given_id(tags: Tags<'_>) -> GivenId {
    let id = tags.get(Cap::SentId.name())?;
    let fits = (1..=SENT_ID).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_graphic());
    Some(if fits { Ok(id.into()) } else { Err(BadId::Name) })
}

impl Send {
    /// The same under a name.
    #[must_use]
    pub fn with_id(mut self, given: GivenId) -> Self {
        self.id = given.map(|id| match &self.to[..] {
            [target] => Ok(Box::new(SendId { id: id?, digest: self.digest(target) })),
            _ => Err(BadId::Targets),
        });
        self
    }

    /// Of everything that makes it another message when it is another. Kept for days, so that later
    /// versions must make the same.
    fn digest(&self, target: &Place) -> [u8; 32] {
        let verb = match self.kind {
            Kind::Action => "ACTION",
            kind => verb_of(kind),
        };
        let target = match target {
            Place::Named(name) => name.to_ascii_lowercase(),
            Place::Current => String::new(),
        };
        let mut context = Context::new(&SHA256);
        let mut add = |octets: &[u8]| {
            context.update(&(octets.len() as u64).to_be_bytes());
            context.update(octets);
        };
        add(verb.as_bytes());
        add(target.as_bytes());
        add(self.text.as_bytes());
        add(self.tags.as_deref().unwrap_or_default().as_bytes());
        add(&self.joints.iter().flatten().flat_map(|joint| joint.to_be_bytes()).collect::<Vec<_>>());
        let mut digest = [0; 32];
        // SHA-256 has 32 octets: the lengths agree.
        digest.copy_from_slice(context.finish().as_ref());
        digest
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{
        Message,
        command::{Command, from_irc},
    };

    fn id_of(line: &str) -> Option<Result<Box<SendId>, BadId>> {
        match from_irc(&Message::parse(line).unwrap()) {
            Ok(Command::Send(send)) => send.id,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_name_has_1_to_64_visible_characters_and_one_target() {
        let long = "x".repeat(64);
        for (line, expect) in [
            ("PRIVMSG #a x".to_owned(), None),
            ("@conclave.chat/id=1 PRIVMSG #a x".to_owned(), Some(Ok("1"))),
            ("@conclave.chat/id=a;conclave.chat/id=b NOTICE bob x".to_owned(), Some(Ok("b"))),
            ("@conclave.chat/id=!\\:~ TAGMSG bob".to_owned(), Some(Ok("!;~"))),
            (format!("@conclave.chat/id={long} PRIVMSG #a x"), Some(Ok(&long))),
            (format!("@conclave.chat/id={long}x PRIVMSG #a x"), Some(Err(BadId::Name))),
            ("@conclave.chat/id PRIVMSG #a x".to_owned(), Some(Err(BadId::Name))),
            ("@conclave.chat/id=a\\sb PRIVMSG #a x".to_owned(), Some(Err(BadId::Name))),
            ("@conclave.chat/id=\u{e9} PRIVMSG #a x".to_owned(), Some(Err(BadId::Name))),
            ("@conclave.chat/id=1 PRIVMSG #a,#b x".to_owned(), Some(Err(BadId::Targets))),
            ("@conclave.chat/id=1 PRIVMSG #a,#A x".to_owned(), Some(Ok("1"))),
            ("@+conclave.chat/id=1 PRIVMSG #a x".to_owned(), None),
        ] {
            let found = id_of(&line).map(|id| id.map(|id| id.id));
            assert_eq!(found.as_ref().map(|id| id.as_deref().map_err(|bad| *bad)), expect, "{line}");
        }
    }

    #[test]
    fn whatever_makes_it_another_message_makes_another_digest() {
        let digest = |line: &str| id_of(&line.replace('@', "@conclave.chat/id=1;")).unwrap().unwrap().digest;
        let lines = [
            "@x PRIVMSG #a :one",
            "@x NOTICE #a :one",
            "@x PRIVMSG #a :two",
            "@x PRIVMSG #b :one",
            "@x PRIVMSG #ao :ne",
            "@+x PRIVMSG #a :one",
            "@+x=1 PRIVMSG #a :one",
            "@x PRIVMSG #a :\u{1}ACTION one\u{1}",
            "@+x=1 TAGMSG #a",
        ];
        for (at, one) in lines.iter().enumerate() {
            for other in &lines[at + 1..] {
                assert_ne!(digest(one), digest(other), "{one} and {other}");
            }
        }
        assert_eq!(digest("@x PRIVMSG #a :one"), digest("@label=7;time=z PRIVMSG #A :one"));
        let joined = |joints: &[u16]| {
            let send = Send {
                to: vec![Place::Named("#a".into())],
                kind: Kind::Text,
                text: "one two".into(),
                joints: Some(joints.into()),
                tags: None,
                id: None,
            };
            send.with_id(Some(Ok("1".into()))).id.unwrap().unwrap().digest
        };
        assert_ne!(joined(&[3]), joined(&[4]));
        assert_eq!(joined(&[3]), joined(&[3]));
    }
}
