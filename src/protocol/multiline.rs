//! A message of several lines, put together from its batch before the hub hears of it (IRCv3
//! `draft/multiline` on client-initiated batches).
//!
//! One batch is open at a time, and it holds no more than a message may. Once something is wrong
//! with it, it says so and takes the rest of its lines without a word.

use super::{
    chat::Kind,
    command::{Command, GivenId, batched, given_id},
    limits::{MULTILINE_LINES, MULTILINE_OCTETS},
    message::Message,
    refusal::Refusal,
};

const TYPE: &str = "draft/multiline";
const CONCAT: &str = "draft/multiline-concat";

/// The batch that a session has open, if any.
#[derive(Debug, Default)]
pub struct Multiline(Option<Box<Open>>);

#[derive(Debug)]
struct Open {
    reference: Box<str>,
    label: Option<Box<str>>,
    /// `None` once it has failed.
    content: Option<Content>,
}

#[derive(Debug)]
struct Content {
    target: Box<str>,
    tags: Option<Box<str>>,
    id: GivenId,
    kind: Option<Kind>,
    text: String,
    joints: Vec<u16>,
    lines: usize,
}

/// What a line was to the batch.
#[derive(Debug, PartialEq, Eq)]
pub enum Taken {
    /// Nothing: it is a line like any other.
    Not,
    /// A part of it.
    Kept,
    /// Its end, or its failure: the label of the whole, and what to do.
    Request(Option<Box<str>>, Result<Command, Refusal>),
}

impl Multiline {
    /// Looks at a line of a session that has negotiated `draft/multiline`.
    pub fn take(&mut self, message: &Message<'_>) -> Taken {
        if message.is("BATCH") {
            return self.batch(message);
        }
        let Some(reference) = message.tags.get("batch") else { return Taken::Not };
        match &mut self.0 {
            Some(open) if *open.reference == *reference => {
                let Some(content) = &mut open.content else { return Taken::Kept };
                match content.line(message) {
                    Ok(()) => Taken::Kept,
                    Err(refusal) => open.fail(refusal),
                }
            }
            Some(open) if open.content.is_some() => open.fail(invalid("a line of another batch came before its end")),
            _ => Taken::Request(message.label(), Err(invalid("this batch is not open"))),
        }
    }

    /// A line came that cannot be read: a batch that is open may lack it now, and fails with it.
    /// The label of the whole.
    pub fn garbled(&mut self) -> Option<Box<str>> {
        let open = self.0.as_mut()?;
        open.content.take().and_then(|_| open.label.take())
    }

    fn batch(&mut self, message: &Message<'_>) -> Taken {
        let label = message.label();
        let first = message.params.first().copied().unwrap_or_default();
        let refused = |refusal| Taken::Request(message.label(), Err(refusal));
        match (first.chars().next(), first.get(1..)) {
            (Some('+'), Some(reference)) => {
                let left_open = self.0.take().filter(|open| open.content.is_some());
                let (content, failure) = match Content::begin(message, reference) {
                    Ok(content) => (Some(content), None),
                    Err(refusal) => (None, Some(refusal)),
                };
                self.0 = Some(Box::new(Open { reference: reference.into(), label, content }));
                match (failure, left_open) {
                    (Some(refusal), _) => refused(refusal),
                    (None, Some(left)) => {
                        Taken::Request(left.label, Err(invalid("another batch began before its end")))
                    }
                    (None, None) => Taken::Kept,
                }
            }
            (Some('-'), Some(reference)) => match self.0.take_if(|open| *open.reference == *reference) {
                Some(open) => match open.content {
                    Some(content) => Taken::Request(open.label.or(label), content.end()),
                    None => Taken::Kept,
                },
                None => refused(invalid("this batch is not open")),
            },
            _ => refused(Refusal::NeedMoreParams("BATCH".into())),
        }
    }
}

impl Open {
    fn fail(&mut self, refusal: Refusal) -> Taken {
        self.content = None;
        Taken::Request(self.label.take(), Err(refusal))
    }
}

impl Content {
    fn begin(message: &Message<'_>, reference: &str) -> Result<Self, Refusal> {
        if reference.is_empty() || !reference.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
            let what = "a batch's reference has letters, digits and hyphens";
            return Err(Refusal::fail("BATCH", "INVALID_REFTAG", &[reference], what));
        }
        if message.tags.get("batch").is_some() {
            return Err(invalid("batches within batches are not taken"));
        }
        match &message.params[1..] {
            [TYPE, target, ..] if !target.is_empty() && !target.contains(',') => {
                let mut tags = String::new();
                let tags = message.tags.write_client_only(&mut tags).then(|| tags.into());
                let (id, text, joints) = (given_id(message.tags), String::new(), Vec::new());
                Ok(Self { target: (*target).into(), tags, id, kind: None, text, joints, lines: 0 })
            }
            [TYPE, ..] => Err(invalid("it goes to one target, which follows the type")),
            [other, ..] => {
                Err(Refusal::fail("BATCH", "UNKNOWN_TYPE", &[reference, other], "batches of this type are not taken"))
            }
            [] => Err(Refusal::NeedMoreParams("BATCH".into())),
        }
    }

    fn line(&mut self, message: &Message<'_>) -> Result<(), Refusal> {
        let kind = match message.command {
            verb if verb.eq_ignore_ascii_case("PRIVMSG") => Kind::Text,
            verb if verb.eq_ignore_ascii_case("NOTICE") => Kind::Notice,
            _ => return Err(invalid("it holds lines of PRIVMSG or NOTICE only")),
        };
        if *self.kind.get_or_insert(kind) != kind {
            return Err(invalid("its lines are either all PRIVMSG or all NOTICE"));
        }
        let target = message.params.first().copied().unwrap_or_default();
        if !target.eq_ignore_ascii_case(&self.target) {
            let what = "the line's target is not the batch's";
            return Err(Refusal::fail("BATCH", "MULTILINE_INVALID_TARGET", &[&self.target, target], what));
        }
        if message.tags.iter().any(|tag| tag.key == "label" || tag.key.starts_with('+')) {
            return Err(invalid("its tags and its label belong to its first BATCH"));
        }
        let text = message.params.nth(1).unwrap_or_default();
        let joined = message.tags.get(CONCAT).is_some();
        if joined && (text.is_empty() || self.lines == 0) {
            return Err(invalid("an empty line, or the first, joins nothing"));
        }
        if self.lines == MULTILINE_LINES {
            return Err(over("MULTILINE_MAX_LINES", MULTILINE_LINES, "lines"));
        }
        let feed = usize::from(self.lines > 0 && !joined);
        if self.text.len() + feed + text.len() > MULTILINE_OCTETS {
            return Err(over("MULTILINE_MAX_BYTES", MULTILINE_OCTETS, "octets"));
        }
        if feed > 0 {
            self.text.push('\n');
        }
        if joined {
            self.joints.extend(u16::try_from(self.text.len()));
        }
        self.text.push_str(text);
        self.lines += 1;
        Ok(())
    }

    fn end(self) -> Result<Command, Refusal> {
        let Some(kind) = self.kind.filter(|_| self.text.contains(|c| c != '\n')) else {
            return Err(invalid("all its lines are empty"));
        };
        batched(&self.target, kind, &self.text, self.joints.into(), self.tags, self.id)
            .ok_or_else(|| invalid("CTCP goes in one line"))
    }
}

fn invalid(what: &'static str) -> Refusal {
    Refusal::fail("BATCH", "MULTILINE_INVALID", &[], format!("the batch was not taken: {what}"))
}

fn over(code: &'static str, most: usize, what: &str) -> Refusal {
    let most = most.to_string();
    Refusal::fail("BATCH", code, &[&most], format!("the message was not sent: it may have {most} {what}"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn whatever_comes_no_more_is_held_or_said_than_a_message_may_have(
            lines in proptest::collection::vec(
                ("(@(batch=[ab]|label=x|draft/multiline-concat)(;batch=[ab]|;draft/multiline-concat|;[+]x)? )?",
                 "BATCH [+]a draft/multiline #x|BATCH -a|BATCH [+-][ab]|(PRIVMSG|NOTICE) #[xX] :[a-c]{0,3}|PING :", 0usize..3),
                0..80,
            ),
        ) {
            let mut multiline = Multiline::default();
            for (tags, line, longer) in lines {
                let line = format!("{tags}{line}{}", "\u{e9}".repeat(longer * 100));
                let Ok(message) = Message::parse(&line) else { continue };
                let taken = multiline.take(&message);
                if let Some(content) = multiline.0.as_ref().and_then(|open| open.content.as_ref()) {
                    prop_assert!(content.text.len() <= MULTILINE_OCTETS && content.lines <= MULTILINE_LINES);
                }
                if let Taken::Request(_, Ok(Command::Send(send))) = taken {
                    prop_assert!(!send.text.is_empty() && send.text.len() <= MULTILINE_OCTETS);
                    let joints = send.joints.unwrap();
                    prop_assert!(joints.iter().all(|&at| send.text.is_char_boundary(usize::from(at))));
                    prop_assert!(joints.is_sorted());
                }
            }
        }
    }
}
