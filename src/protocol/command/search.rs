//! SEARCH (`soju.im/search`), and the same for a person: `/search WORDS`.

use super::{
    Command,
    parse::{split_word, usage},
    table::Spec,
};
use crate::{
    ident::Nick,
    protocol::{
        message::Message,
        refusal::Refusal,
        tags::{Tag, is_key},
        timestamp, words,
    },
};

pub(super) static SEARCH: Spec = Spec::irc(
    "SEARCH",
    1,
    "[#ROOM|NAME] WORDS, or text=WORDS{;in=TARGET;from=NICK;after=TIME;before=TIME;limit=NUMBER}",
    irc,
    "what was said, by its words",
)
.slash(&["search", "find"], plain, "/search [#ROOM|NAME] WORDS")
.cost(20);

/// How many messages are shown when nothing is said.
const DEFAULT: usize = 20;
/// How many are shown at most.
const MOST: usize = 100;

/// What is looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Search {
    /// Where.
    pub scope: Scope,
    /// Said by this person, or by anybody.
    pub from: Option<Nick>,
    /// The words, as [`words::wanted`] gives them: at least one.
    pub words: Vec<Box<str>>,
    /// Said between these times (milliseconds since the epoch), both included.
    pub between_ms: (u64, u64),
    /// How many messages at most.
    pub most: usize,
}

/// Where somebody looks for messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// In all that he may read.
    Everything,
    /// In the room, or the conversation with the person, of this name.
    Within(Box<str>),
    /// With the person of this name if there is one; otherwise it is a word like the others.
    Perhaps(Nick),
}

impl Search {
    /// Scope and words, as a person writes them.
    pub fn text(&self) -> String {
        let scope = match &self.scope {
            // Without it, the first word could be a name.
            Scope::Everything => "*",
            Scope::Within(name) => name,
            Scope::Perhaps(nick) => nick.as_str(),
        };
        [scope].into_iter().chain(self.words.iter().map(|word| &**word)).collect::<Vec<_>>().join(" ")
    }
}

fn fail(about: &str, what: &'static str) -> Refusal {
    Refusal::fail("SEARCH", "INVALID_PARAMS", &[about], what)
}

/// Without a colon in front, as a person may type it, the text is in several parameters.
fn irc(message: &Message<'_>) -> Result<Command, Refusal> {
    let text = message.params.join(" ");
    let attributes = text.split_once('=').is_some_and(|(key, _)| is_key(key));
    let search = if attributes { by_attributes(&text)? } else { by_words(&text)? };
    if search.words.is_empty() {
        return Err(fail("text", "say which words to look for"));
    }
    Ok(Command::Search(Box::new(search)))
}

fn plain(rest: &str) -> Result<Command, Refusal> {
    let search = by_words(rest)?;
    if search.words.is_empty() { Err(usage(&SEARCH)) } else { Ok(Command::Search(Box::new(search))) }
}

fn by_words(text: &str) -> Result<Search, Refusal> {
    let (first, rest) = split_word(text);
    let (scope, text) = match first.parse::<Nick>() {
        _ if first.starts_with('#') => (Scope::Within(first.into()), rest),
        Ok(nick) if !words::wanted(rest).is_empty() => (Scope::Perhaps(nick), rest),
        _ => (Scope::Everything, text),
    };
    Ok(Search { scope, from: None, words: wanted(text)?, between_ms: (0, u64::MAX), most: DEFAULT })
}

fn wanted(text: &str) -> Result<Vec<Box<str>>, Refusal> {
    let words = words::wanted(text);
    if words.len() > words::MOST {
        return Err(fail("text", "that is more words than can be looked for at once"));
    }
    Ok(words)
}

/// The attributes are written as the tags of a message are.
fn by_attributes(text: &str) -> Result<Search, Refusal> {
    let mut search =
        Search { scope: Scope::Everything, from: None, words: Vec::new(), between_ms: (0, u64::MAX), most: DEFAULT };
    for attribute in text.split(';').filter(|attribute| !attribute.is_empty()) {
        let (key, escaped) = attribute.split_once('=').unwrap_or((attribute, ""));
        let value = Tag { key, escaped }.value();
        let time = || timestamp::parse(&value).ok_or_else(|| fail(key, "a time is written 2026-11-21T06:27:00.000Z"));
        match key {
            "text" => search.words = wanted(&value)?,
            "in" => search.scope = Scope::Within((*value).into()),
            "from" => search.from = Some(value.parse().map_err(|_| fail(key, "that is nobody's name"))?),
            "after" => search.between_ms.0 = time()?,
            "before" => search.between_ms.1 = time()?,
            "limit" => {
                let number = value.parse::<usize>().ok().filter(|&number| number > 0);
                search.most = number.ok_or_else(|| fail(key, "the limit is a number above 0"))?.min(MOST);
            }
            _ => return Err(fail(key, "there is no such attribute: text, in, from, after, before, limit")),
        }
    }
    Ok(search)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::command::{from_irc, from_plain};

    #[track_caller]
    fn search(parsed: Result<Command, Refusal>) -> Search {
        match parsed {
            Ok(Command::Search(search)) => *search,
            other => panic!("{other:?}"),
        }
    }

    /// What is looked for, and where: `@` in front of a name stands for "with this person if there is
    /// one".
    fn shown(search: &Search) -> String {
        let scope = match &search.scope {
            Scope::Everything => String::new(),
            Scope::Within(name) => format!("{name}: "),
            Scope::Perhaps(nick) => format!("@{nick}: "),
        };
        format!("{scope}{}", search.words.join(" "))
    }

    #[test]
    fn as_a_person_writes_it() {
        for (text, expect) in [
            ("lunch", "lunch"),
            ("  Lunch   PLAN* ", "@Lunch: plan*"),
            ("*lunch plan", "lunch plan"),
            ("#ops lunch plan", "#ops: lunch plan"),
            ("bob lunch", "@bob: lunch"),
            ("bob -", "bob"),
            ("it's lunch", "it s lunch"),
            ("a=b", "a b"),
        ] {
            let line = format!("/search {text}");
            let found = search(from_plain(&line).unwrap());
            assert_eq!((shown(&found).as_str(), found.most), (expect, DEFAULT), "{line}");
            if !text.contains('=') {
                for line in [format!("SEARCH {}", text.trim()), format!("search :{text}")] {
                    assert_eq!(search(from_irc(&Message::parse(&line).unwrap())), found, "{line}");
                }
                assert_eq!(search(from_plain(&format!("/find {}", found.text())).unwrap()), found);
            }
        }
        for text in ["", " ", "-", "* *", "#ops", "#ops !"] {
            let refused = Some(Err(Refusal::Usage("/search [#ROOM|NAME] WORDS")));
            assert_eq!(from_plain(&format!("/search {text}")), refused, "{text:?}");
        }
        let many: String = (0..=words::MOST).map(|n| format!(" *w{n}")).collect();
        assert!(matches!(from_plain(&format!("/search{many}")), Some(Err(Refusal::Fail(_)))));
    }

    #[test]
    fn by_its_attributes() {
        let irc = |line: &str| from_irc(&Message::parse(line).unwrap());
        let all = "SEARCH text=lunch\\splan\\:x;in=#ops;from=Bob;after=1970-01-01T00:00:01Z;before=1970-01-01T00:00:02.5Z;limit=500";
        let found = search(irc(all));
        assert_eq!((shown(&found).as_str(), found.most, found.between_ms), ("#ops: lunch plan x", 100, (1000, 2500)));
        assert_eq!(found.from.map(|nick| nick.to_string()).as_deref(), Some("Bob"));
        let found = search(irc("SEARCH limit=3;text=lunch plan;in=bob"));
        assert_eq!((shown(&found).as_str(), found.most), ("bob: lunch plan", 3));
        for (line, about) in [
            ("SEARCH in=#ops", "text"),
            ("SEARCH text=", "text"),
            ("SEARCH text=-;in=#ops", "text"),
            ("SEARCH :", "text"),
            ("SEARCH text=x;limit=0", "limit"),
            ("SEARCH text=x;limit=many", "limit"),
            ("SEARCH text=x;after=yesterday", "after"),
            ("SEARCH text=x;before", "before"),
            ("SEARCH text=x;from=", "from"),
            ("SEARCH text=x;regex=y", "regex"),
        ] {
            let Err(Refusal::Fail(fail)) = irc(line) else { panic!("{line}") };
            assert_eq!((fail.code, fail.context.join(" ").as_str()), ("INVALID_PARAMS", about), "{line}");
        }
        assert_eq!(irc("SEARCH"), Err(Refusal::NeedMoreParams("SEARCH".into())));
    }
}
