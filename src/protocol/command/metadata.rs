//! METADATA (IRCv3 `draft/metadata-3`, section "METADATA client command").

use std::sync::Arc;

use super::{
    Command,
    parse::{given, param},
    table::Spec,
};
use crate::protocol::{limits, message::Message, metadata::Key, refusal::Refusal};

pub(super) static METADATA: Spec = Spec::irc(
    "METADATA",
    0,
    "TARGET GET|SUB|UNSUB KEY..., TARGET SET KEY [VALUE], TARGET LIST|CLEAR|SUBS|SYNC",
    irc,
    "what people and rooms say about themselves: display-name, avatar and the like",
)
.cost(3);

/// What is asked about which target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metadata {
    /// A person, a room, `*` for oneself, or `*ALL`.
    pub target: Box<str>,
    /// What.
    pub ask: Ask,
}

/// A key, or what can be none.
pub type KeyWish = Result<Key, Box<str>>;

/// A subcommand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// These keys, in this order.
    Get(Vec<KeyWish>),
    /// All keys that are set.
    List,
    /// This key is to have this value, or none.
    Set(Key, Option<Arc<str>>),
    /// No key is to have a value.
    Clear,
    /// Tell me of these keys.
    Sub(Vec<KeyWish>),
    /// No longer.
    Unsub(Vec<KeyWish>),
    /// Of which keys am I told?
    Subs,
    /// The keys that I am told of, once more.
    Sync,
}

impl Metadata {
    /// Whether it changes what others see.
    pub const fn changes_others(&self) -> bool {
        matches!(self.ask, Ask::Set(..) | Ask::Clear)
    }
}

fn irc(message: &Message<'_>) -> Result<Command, Refusal> {
    let target = param(message, 0).unwrap_or_default().into();
    let Some(subcommand) = given(message, 1) else {
        return Err(invalid("*", "say what you ask: GET, LIST, SET, CLEAR, SUB, UNSUB, SUBS or SYNC"));
    };
    let name = subcommand.to_ascii_uppercase();
    let ask = match (name.as_str(), message.params.get(2..).unwrap_or_default()) {
        ("GET", keys @ [_, ..]) => Ask::Get(wishes(keys)),
        ("SUB", keys @ [_, ..]) => Ask::Sub(wishes(keys)),
        ("UNSUB", keys @ [_, ..]) => Ask::Unsub(wishes(keys)),
        ("SET", [key]) => Ask::Set(one_key(key)?, None),
        ("SET", [key, value]) => Ask::Set(one_key(key)?, one_value(key, value)?),
        ("LIST", []) => Ask::List,
        ("CLEAR", []) => Ask::Clear,
        ("SUBS", []) => Ask::Subs,
        ("SYNC", []) => Ask::Sync,
        ("GET" | "SUB" | "UNSUB", _) => return Err(invalid(&name, "say which keys")),
        ("SET", _) => return Err(invalid(&name, "it takes a key and a value; a colon before a value with blanks")),
        ("LIST" | "CLEAR" | "SUBS" | "SYNC", _) => return Err(invalid(&name, "nothing comes after it")),
        _ => return Err(invalid(subcommand, "there is no such subcommand")),
    };
    Ok(Command::Metadata(Box::new(Metadata { target, ask })))
}

/// The keys. There can be more of them than parameters of a line: no key has a blank in it, so the
/// last parameter may hold several.
fn wishes(params: &[&str]) -> Vec<KeyWish> {
    let words = params.iter().flat_map(|param| param.split(' ')).filter(|word| !word.is_empty());
    words.map(|word| word.parse().map_err(|_| word.into())).collect()
}

fn one_key(text: &str) -> Result<Key, Refusal> {
    text.parse().map_err(|_| fail("INVALID_KEY", text, "a key has 1 to 32 characters of a-z, 0-9, _ . / and -"))
}

/// An empty value is none.
fn one_value(key: &str, text: &str) -> Result<Option<Arc<str>>, Refusal> {
    match text.len() {
        0 => Ok(None),
        length if length > limits::METADATA_VALUE => Err(fail("INVALID_VALUE", key, "the value is too long")),
        _ => Ok(Some(text.into())),
    }
}

fn invalid(subcommand: &str, what: &'static str) -> Refusal {
    fail("INVALID_PARAMS", subcommand, what)
}

fn fail(code: &'static str, about: &str, what: &'static str) -> Refusal {
    Refusal::fail("METADATA", code, &[about], what)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::command::from_irc;

    fn parse(line: &str) -> Result<Metadata, (&'static str, String)> {
        match from_irc(&Message::parse(line).unwrap()) {
            Ok(Command::Metadata(metadata)) => Ok(*metadata),
            Err(Refusal::Fail(fail)) => Err((fail.code, fail.context.concat())),
            other => panic!("{line}: {other:?}"),
        }
    }

    fn check(line: &str, target: &str, ask: Ask) {
        assert_eq!(parse(line), Ok(Metadata { target: target.into(), ask }), "{line}");
    }

    #[test]
    fn subcommands() {
        let key = |text: &str| text.parse::<Key>().unwrap();
        check("METADATA * GET a :b c", "*", Ask::Get(vec![Ok(key("a")), Ok(key("b")), Ok(key("c"))]));
        check("METADATA bob get $x a", "bob", Ask::Get(vec![Err("$x".into()), Ok(key("a"))]));
        check("METADATA #r LIST", "#r", Ask::List);
        check("METADATA * SET a :b c", "*", Ask::Set(key("a"), Some("b c".into())));
        check("METADATA * SET a", "*", Ask::Set(key("a"), None));
        check("METADATA * SET a :", "*", Ask::Set(key("a"), None));
        check("METADATA *ALL SYNC", "*ALL", Ask::Sync);
        let longest = "v".repeat(limits::METADATA_VALUE);
        check(&format!("METADATA * SET a {longest}"), "*", Ask::Set(key("a"), Some(longest.as_str().into())));
    }

    #[test]
    fn what_is_none() {
        let too_long = format!("METADATA * SET a {}", "v".repeat(limits::METADATA_VALUE + 1));
        for (line, code, about) in [
            ("METADATA", "INVALID_PARAMS", "*"),
            ("METADATA *", "INVALID_PARAMS", "*"),
            ("METADATA * SNEEZE", "INVALID_PARAMS", "SNEEZE"),
            ("METADATA * GET", "INVALID_PARAMS", "GET"),
            ("METADATA * set", "INVALID_PARAMS", "SET"),
            ("METADATA * SET a b c", "INVALID_PARAMS", "SET"),
            ("METADATA * LIST a", "INVALID_PARAMS", "LIST"),
            ("METADATA * SET $url$ x", "INVALID_KEY", "$url$"),
            (&too_long, "INVALID_VALUE", "a"),
        ] {
            assert_eq!(parse(line), Err((code, about.to_owned())), "{line}");
        }
    }
}
