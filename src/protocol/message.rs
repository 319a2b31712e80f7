//! One IRC line as borrowed parts, and parts as one line (RFC 1459 section 2.3.1 with tags).
//!
//! Refuses rather than repairs: whatever this parser takes, every other one reads the same way.
//! Knows no command: whether `JOIN` has what it needs is decided above.

use std::{fmt, ops::Deref};

use thiserror::Error;

use super::{
    limits::{LineLimits, MAX_LABEL, MAX_PARAMS},
    tags::{TagError, Tags, escape, is_key},
};

/// A message whose parts lie in the line. `Display` writes it back; what it writes parses to the
/// same message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    /// The tags; empty when the line has none.
    pub tags: Tags<'a>,
    /// Who it comes from: the word after the `:` in front.
    pub source: Option<&'a str>,
    /// The command as it is written: a word, or three digits.
    pub command: &'a str,
    /// The parameters.
    pub params: Params<'a>,
}

/// The parameters of a message: at most 15, without memory of their own.
///
/// Only the last may be empty, hold spaces or start with `:`. As RFC 2812 says, a fifteenth takes
/// the rest of the line with or without a `:`.
#[derive(Clone, Copy)]
pub struct Params<'a> {
    list: [&'a str; MAX_PARAMS],
    count: usize,
}

/// Why a line is no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ParseError {
    /// Nothing, or no command behind tags and source.
    #[error("the line has no command")]
    NoCommand,
    /// A command that is neither a word nor three digits.
    #[error("the command is neither a word of letters nor three digits")]
    BadCommand,
    /// A `:` in front with nothing after it.
    #[error("the source after the : is empty")]
    EmptySource,
    /// Tags that are none.
    #[error(transparent)]
    Tags(#[from] TagError),
    /// A NUL, CR or LF.
    #[error("the line holds a NUL, CR or LF")]
    Character,
}

impl<'a> Message<'a> {
    /// Takes one line, without its line end, apart.
    pub fn parse(line: &'a str) -> Result<Self, ParseError> {
        if memchr::memchr3(0, b'\r', b'\n', line.as_bytes()).is_some() {
            return Err(ParseError::Character);
        }
        let mut rest = line;
        let mut tags = Tags::default();
        if let Some(tagged) = rest.strip_prefix('@') {
            let (raw, after) = word(tagged);
            tags = Tags::parse(raw)?;
            rest = after;
        }
        let mut source = None;
        if let Some(sourced) = rest.strip_prefix(':') {
            let (name, after) = word(sourced);
            if name.is_empty() {
                return Err(ParseError::EmptySource);
            }
            source = Some(name);
            rest = after;
        }
        let (command, rest) = word(rest);
        if command.is_empty() && rest.is_empty() {
            return Err(ParseError::NoCommand);
        }
        if !is_command(command) {
            return Err(ParseError::BadCommand);
        }
        Ok(Self { tags, source, command, params: Params::parse(rest) })
    }

    /// The label that the answer must carry (IRCv3 `labeled-response`): one of 64 octets at most.
    pub fn label(&self) -> Option<Box<str>> {
        self.tags.get("label").filter(|label| !label.is_empty() && label.len() <= MAX_LABEL).map(Into::into)
    }

    /// Whether the command is this one, in whatever case it was sent.
    pub fn is(&self, command: &str) -> bool {
        self.command.eq_ignore_ascii_case(command)
    }
}

/// The text up to the first space, and the rest after all spaces that follow.
fn word(text: &str) -> (&str, &str) {
    match memchr::memchr(b' ', text.as_bytes()) {
        None => (text, ""),
        Some(at) => (&text[..at], text[at..].trim_start_matches(' ')),
    }
}

fn is_command(command: &str) -> bool {
    let bytes = command.as_bytes();
    match bytes.first() {
        Some(b'0'..=b'9') => bytes.len() == 3 && bytes.iter().all(u8::is_ascii_digit),
        // Commands are words of letters; others are read too, so that they can be answered as
        // commands that nobody knows.
        Some(b'A'..=b'Z' | b'a'..=b'z') => bytes.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-')),
        _ => false,
    }
}

impl<'a> Params<'a> {
    fn parse(mut rest: &'a str) -> Self {
        let mut params = Self::default();
        while !rest.is_empty() {
            if let Some(trailing) = rest.strip_prefix(':') {
                params.push(trailing);
                break;
            }
            if params.count == MAX_PARAMS - 1 {
                params.push(rest);
                break;
            }
            let (param, after) = word(rest);
            params.push(param);
            rest = after;
        }
        params
    }

    fn push(&mut self, param: &'a str) {
        self.list[self.count] = param;
        self.count += 1;
    }

    /// The parameters, living as long as the line.
    pub fn as_slice(&self) -> &[&'a str] {
        &self.list[..self.count]
    }

    /// A parameter, living as long as the line.
    pub fn nth(&self, index: usize) -> Option<&'a str> {
        self.as_slice().get(index).copied()
    }
}

impl Default for Params<'_> {
    fn default() -> Self {
        Self { list: [""; MAX_PARAMS], count: 0 }
    }
}

impl<'a> Deref for Params<'a> {
    type Target = [&'a str];

    fn deref(&self) -> &Self::Target {
        self.as_slice()
    }
}

impl PartialEq for Params<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.as_slice() == other.as_slice()
    }
}

impl Eq for Params<'_> {}

impl fmt::Debug for Params<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_slice().fmt(f)
    }
}

impl fmt::Display for Message<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.tags.is_empty() {
            write!(f, "@{} ", self.tags.raw())?;
        }
        if let Some(source) = self.source {
            write!(f, ":{source} ")?;
        }
        f.write_str(self.command)?;
        if let Some((last, middle)) = self.params.split_last() {
            for param in middle {
                write!(f, " {param}")?;
            }
            let colon = if needs_colon(last) { ":" } else { "" };
            write!(f, " {colon}{last}")?;
        }
        Ok(())
    }
}

fn needs_colon(param: &str) -> bool {
    param.is_empty() || param.starts_with(':') || param.contains(' ')
}

/// Writes one message, part by part in the order of the line, and refuses what a line cannot carry.
///
/// ```
/// use conclave::protocol::{LineLimits, MessageBuf};
///
/// let line = MessageBuf::new("PRIVMSG").tag("label", "a b").param("#lobby").param("hello there");
/// assert_eq!(line.finish(LineLimits::IRC_CLIENT).unwrap(), "@label=a\\sb PRIVMSG #lobby :hello there");
/// ```
#[derive(Clone, Debug)]
pub struct MessageBuf<'a> {
    tags: String,
    source: Option<&'a str>,
    command: &'a str,
    params: Params<'a>,
    wrong: Option<EncodeError>,
}

/// Why parts cannot become a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum EncodeError {
    /// A command that is neither a word nor three digits.
    #[error("the command is neither a word of letters nor three digits")]
    BadCommand,
    /// A source that is empty or holds a space.
    #[error("the source is empty or holds a space")]
    BadSource,
    /// A key that is no tag key.
    #[error("this is no key for a tag")]
    BadKey,
    /// A parameter that only the last place could carry: empty, with a space, or with `:` in front.
    #[error("a parameter that is empty, has a space or starts with : can only be the last")]
    BadMiddle,
    /// More than 15 parameters.
    #[error("a message has at most 15 parameters")]
    TooManyParams,
    /// A NUL, CR or LF anywhere.
    #[error("a line cannot hold NUL, CR or LF")]
    Character,
    /// The line would be longer than its reader takes.
    #[error("the line would be too long")]
    TooLong,
}

impl<'a> MessageBuf<'a> {
    /// Starts with the command.
    pub fn new(command: &'a str) -> Self {
        let wrong = (!is_command(command)).then_some(EncodeError::BadCommand);
        Self { tags: String::new(), source: None, command, params: Params::default(), wrong }
    }

    /// Adds a tag; the value is escaped here.
    #[must_use]
    pub fn tag(mut self, key: &str, value: &str) -> Self {
        if !is_key(key) {
            return self.fail(EncodeError::BadKey);
        }
        if !self.tags.is_empty() {
            self.tags.push(';');
        }
        self.tags.push_str(key);
        if !value.is_empty() {
            self.tags.push('=');
            self.tags.push_str(&escape(value));
        }
        self
    }

    /// Sets who it comes from.
    #[must_use]
    pub fn source(mut self, source: &'a str) -> Self {
        if source.is_empty() || source.contains(' ') {
            return self.fail(EncodeError::BadSource);
        }
        self.source = Some(source);
        self
    }

    /// Adds a parameter.
    #[must_use]
    pub fn param(mut self, param: &'a str) -> Self {
        if self.params.last().is_some_and(|before| needs_colon(before)) {
            return self.fail(EncodeError::BadMiddle);
        }
        if self.params.len() == MAX_PARAMS {
            return self.fail(EncodeError::TooManyParams);
        }
        self.params.push(param);
        self
    }

    /// The line, without its line end.
    pub fn finish(self, limits: LineLimits) -> Result<String, EncodeError> {
        if let Some(wrong) = self.wrong {
            return Err(wrong);
        }
        let tags = Tags::from_checked(&self.tags);
        let line = Message { tags, source: self.source, command: self.command, params: self.params }.to_string();
        if memchr::memchr3(0, b'\r', b'\n', line.as_bytes()).is_some() {
            return Err(EncodeError::Character);
        }
        if !limits.allow(line.as_bytes()) {
            return Err(EncodeError::TooLong);
        }
        Ok(line)
    }

    fn fail(mut self, error: EncodeError) -> Self {
        self.wrong.get_or_insert(error);
        self
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(line: &str, tags: &str, source: Option<&str>, command: &str, params: &[&str]) {
        let message = Message::parse(line).unwrap_or_else(|error| panic!("{line:?}: {error}"));
        assert_eq!(message.tags.raw(), tags, "{line:?}");
        assert_eq!(message.source, source, "{line:?}");
        assert_eq!(message.command, command, "{line:?}");
        assert_eq!(&*message.params, params, "{line:?}");
        let written = message.to_string();
        assert_eq!(Message::parse(&written).as_ref(), Ok(&message), "{line:?} written as {written:?}");
    }

    #[test]
    fn lines_and_their_parts() {
        check("foo bar baz asdf", "", None, "foo", &["bar", "baz", "asdf"]);
        check(":coolguy foo bar baz  asdf", "", Some("coolguy"), "foo", &["bar", "baz", "asdf"]);
        check("foo bar baz :asdf quux", "", None, "foo", &["bar", "baz", "asdf quux"]);
        check("foo bar baz :", "", None, "foo", &["bar", "baz", ""]);
        check("foo bar baz ::asdf", "", None, "foo", &["bar", "baz", ":asdf"]);
        check(":coolguy foo bar baz :  asdf quux ", "", Some("coolguy"), "foo", &["bar", "baz", "  asdf quux "]);
        check(":src AWAY ", "", Some("src"), "AWAY", &[]);
        check("PRIVMSG #a :a:b", "", None, "PRIVMSG", &["#a", "a:b"]);
        check("@c;h=;a=b :quux ab cd", "c;h=;a=b", Some("quux"), "ab", &["cd"]);
        check("@a=1  :s  001  x", "a=1", Some("s"), "001", &["x"]);
        check(":a!~b@c.d JOIN :#chan", "", Some("a!~b@c.d"), "JOIN", &["#chan"]);
        check(":h MODE #el -i\ttab", "", Some("h"), "MODE", &["#el", "-i\ttab"]);
        check("QUIT :bye", "", None, "QUIT", &["bye"]);
        check("@label=1 NO_SUCH-1 x", "label=1", None, "NO_SUCH-1", &["x"]);
    }

    #[test]
    fn the_fifteenth_parameter_takes_the_rest() {
        let fourteen: Vec<String> = (1..15).map(|n| n.to_string()).collect();
        let mut expect: Vec<&str> = fourteen.iter().map(String::as_str).collect();
        expect.push("15 16  :17");
        check(&format!("X {} 15 16  :17", fourteen.join(" ")), "", None, "X", &expect);
        check(&format!("X {} :15 16  :17", fourteen.join(" ")), "", None, "X", &expect);
    }

    #[test]
    fn refusals() {
        use ParseError::{BadCommand, Character, EmptySource, NoCommand};
        for (line, expect) in [
            ("", NoCommand),
            ("@a", NoCommand),
            ("@a ", NoCommand),
            (":src", NoCommand),
            (": PING", EmptySource),
            (" PING", BadCommand),
            ("_PING", BadCommand),
            ("PI*NG", BadCommand),
            ("12", BadCommand),
            ("0011", BadCommand),
            ("1AB", BadCommand),
            ("PRIV\u{e9}", BadCommand),
            ("PING a\rb", Character),
            ("PING a\0b", Character),
            ("PING a\nQUIT", Character),
            ("@ PING", ParseError::Tags(TagError::Key)),
            ("@a;;b PING", ParseError::Tags(TagError::Key)),
        ] {
            assert_eq!(Message::parse(line), Err(expect), "{line:?}");
        }
    }

    #[test]
    fn the_writer_refuses_what_a_line_cannot_carry() {
        use EncodeError::{BadCommand, BadKey, BadMiddle, BadSource, Character, TooLong, TooManyParams};
        let finish = |message: MessageBuf<'_>| message.finish(LineLimits::IRC_CLIENT);
        let x = || MessageBuf::new("X");
        assert_eq!(finish(x()), Ok("X".to_owned()));
        assert_eq!(finish(x().source("s").param("a").param("")), Ok(":s X a :".to_owned()));
        assert_eq!(finish(x().tag("a", "").tag("+b", ";")), Ok("@a;+b=\\: X".to_owned()));
        assert_eq!(finish(MessageBuf::new("X Y")), Err(BadCommand));
        assert_eq!(finish(x().source("a b")), Err(BadSource));
        assert_eq!(finish(x().tag("a b", "")), Err(BadKey));
        assert_eq!(finish(x().tag("a", "\0")), Err(Character));
        for last_only in ["", "a b", ":a"] {
            assert_eq!(finish(x().param(last_only).param("b")), Err(BadMiddle));
        }
        for outbreak in ["a\r\nQUIT", "a\nb", "a\0"] {
            assert_eq!(finish(x().param(outbreak)), Err(Character));
        }
        assert_eq!(finish((0..16).fold(x(), |message, _| message.param("p"))), Err(TooManyParams));
        assert_eq!(finish(x().param(&"y".repeat(508))).map(|line| line.len()), Ok(510));
        assert_eq!(finish(x().param(&"y".repeat(509))), Err(TooLong));
        assert_eq!(finish(x().tag("a", &"y".repeat(4093))), Err(TooLong));
    }

    proptest! {
        #[test]
        fn what_parses_is_written_and_read_the_same(line in "(@[a-c+/=;\\\\:]{0,8} {1,2})?(:[a-z!@.]{0,6} {1,2})?[A-Z0-9]{0,4}( {1,2}:?[a-z:\u{e9}]{0,3}){0,18} ?") {
            if let Ok(message) = Message::parse(&line) {
                let written = message.to_string();
                prop_assert_eq!(Message::parse(&written), Ok(message));
            }
        }

        #[test]
        fn any_text_is_taken_or_refused(line in "\\PC*|(?s).{0,60}") {
            if let Ok(message) = Message::parse(&line) {
                let written = message.to_string();
                prop_assert_eq!(Message::parse(&written), Ok(message));
            }
        }

        #[test]
        fn what_is_written_reads_as_it_was_meant(
            value in "[^\0]{0,20}",
            source in proptest::option::of("[^ \0\r\n]{1,8}"),
            params in proptest::collection::vec("[^\0\r\n]{0,8}", 0..=MAX_PARAMS),
        ) {
            let mut message = MessageBuf::new("CMD").tag("k", &value);
            if let Some(source) = &source {
                message = message.source(source);
            }
            for param in &params {
                message = message.param(param);
            }
            if let Ok(line) = message.finish(LineLimits::IRC_CLIENT) {
                let read = Message::parse(&line).unwrap();
                let tag = read.tags.get("k").unwrap_or_default();
                prop_assert_eq!(tag, value.as_str());
                prop_assert_eq!(read.source, source.as_deref());
                prop_assert_eq!(&*read.params, &params.iter().map(String::as_str).collect::<Vec<_>>()[..]);
            }
        }
    }
}
