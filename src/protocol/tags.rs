//! Message tags (IRCv3 `message-tags`): a view of the raw section, taken apart when asked.
//!
//! Keys are checked when the section is parsed, values are unescaped only when somebody reads them.

use std::borrow::Cow;

use thiserror::Error;

/// The tags of a message, without the `@` in front and the space after. Empty when it has none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tags<'a>(&'a str);

/// One tag as the line writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tag<'a> {
    /// The key with its `+` and its vendor: `label`, `+typing`, `conclave.chat/id`.
    pub key: &'a str,
    /// What follows the `=`, still escaped. A tag without `=` and one with nothing after it mean
    /// the same: the empty value.
    pub escaped: &'a str,
}

/// Why a text is no tag section.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum TagError {
    /// A key that is empty or has a character that keys do not have.
    #[error("a tag's key is empty or has a character that is not allowed in keys")]
    Key,
    /// A space, NUL, CR or LF within the section.
    #[error("the tags hold a character that would end the section or the line")]
    Character,
}

impl<'a> Tags<'a> {
    /// Takes a section without its `@`. An empty one is refused: a message without tags has no `@`.
    pub fn parse(raw: &'a str) -> Result<Self, TagError> {
        if raw.bytes().any(|b| matches!(b, 0 | b'\r' | b'\n' | b' ')) {
            return Err(TagError::Character);
        }
        let tags = Self(raw);
        if raw.is_empty() || !tags.iter().all(|tag| is_key(tag.key)) {
            return Err(TagError::Key);
        }
        Ok(tags)
    }

    /// A section that was put together here, key by key. May be empty.
    pub(super) fn from_checked(raw: &'a str) -> Self {
        Self(raw)
    }

    /// The section as it was written.
    pub fn raw(self) -> &'a str {
        self.0
    }

    /// Whether there is no tag.
    pub fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// All tags in their order, repeated ones too.
    pub fn iter(self) -> impl Iterator<Item = Tag<'a>> {
        // Splitting an empty text gives one empty piece, which is no tag.
        let pieces = (!self.0.is_empty()).then(|| self.0.split(';'));
        pieces.into_iter().flatten().map(|piece| {
            let (key, escaped) = piece.split_once('=').unwrap_or((piece, ""));
            Tag { key, escaped }
        })
    }

    /// The value of a key, unescaped; of a repeated key the last, as the specification says.
    pub fn get(self, key: &str) -> Option<Cow<'a, str>> {
        self.iter().filter(|tag| tag.key == key).last().map(Tag::value)
    }

    /// The client-only tags (`+key`), which a server relays as they are.
    pub fn client_only(self) -> impl Iterator<Item = Tag<'a>> {
        self.iter().filter(|tag| tag.key.starts_with('+'))
    }

    /// Writes the client-only tags with `;` between them, as they were written, and tells whether
    /// there was any.
    pub fn write_client_only(self, out: &mut String) -> bool {
        let start = out.len();
        for tag in self.client_only() {
            if out.len() > start {
                out.push(';');
            }
            out.push_str(tag.key);
            if !tag.escaped.is_empty() {
                out.push('=');
                out.push_str(tag.escaped);
            }
        }
        out.len() > start
    }
}

impl<'a> Tag<'a> {
    /// The value, unescaped; copied only when an escape is in it.
    pub fn value(self) -> Cow<'a, str> {
        unescape(self.escaped)
    }
}

/// Whether a text is a tag's key: `[+][vendor/]name`, the name of letters, digits and `-`, the
/// vendor of what host names have.
pub fn is_key(key: &str) -> bool {
    let key = key.strip_prefix('+').unwrap_or(key);
    let name = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    match key.split_once('/') {
        None => name(key),
        Some((vendor, key)) => name(key) && !vendor.is_empty() && vendor.split('.').all(name),
    }
}

/// A tag's value with its escapes resolved. An unknown escape loses its backslash, and so does a
/// backslash at the end.
pub fn unescape(value: &str) -> Cow<'_, str> {
    let Some(first) = memchr::memchr(b'\\', value.as_bytes()) else {
        return Cow::Borrowed(value);
    };
    let mut out = String::with_capacity(value.len());
    out.push_str(&value[..first]);
    let mut chars = value[first..].chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some(':') => out.push(';'),
            Some('s') => out.push(' '),
            Some('r') => out.push('\r'),
            Some('n') => out.push('\n'),
            Some(other) => out.push(other),
            None => {}
        }
    }
    Cow::Owned(out)
}

/// A value as a tag carries it; copied only when something must be escaped. The one character that
/// no escape can carry is NUL: it is left as it is, for the writer of the line to refuse.
pub fn escape(value: &str) -> Cow<'_, str> {
    let special = |b: u8| matches!(b, b';' | b' ' | b'\r' | b'\n' | b'\\');
    if !value.bytes().any(special) {
        return Cow::Borrowed(value);
    }
    let mut out = String::with_capacity(value.len() + 8);
    for c in value.chars() {
        match c {
            ';' => out.push_str("\\:"),
            ' ' => out.push_str("\\s"),
            '\r' => out.push_str("\\r"),
            '\n' => out.push_str("\\n"),
            '\\' => out.push_str("\\\\"),
            other => out.push(other),
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(raw: &str, expect: Result<&[(&str, &str)], TagError>) {
        let tags = Tags::parse(raw);
        let read = tags.map(|tags| tags.iter().map(|tag| (tag.key, tag.value().into_owned())).collect::<Vec<_>>());
        let expect = expect.map(|tags| tags.iter().map(|(key, value)| (*key, (*value).to_owned())).collect());
        assert_eq!(read, expect, "{raw:?}");
    }

    #[test]
    fn sections() {
        check("a=b;c=32;k;rt=ql7", Ok(&[("a", "b"), ("c", "32"), ("k", ""), ("rt", "ql7")]));
        check("a=b\\\\and\\nk;c=72\\s45;d=gh\\:764", Ok(&[("a", "b\\and\nk"), ("c", "72 45"), ("d", "gh;764")]));
        check("c;h=;a=b", Ok(&[("c", ""), ("h", ""), ("a", "b")]));
        check("a=\\b;b=x\\;c=\\s\\", Ok(&[("a", "b"), ("b", "x"), ("c", " ")]));
        check("a==x", Ok(&[("a", "=x")]));
        check("+example.com/k=1;+typing=done", Ok(&[("+example.com/k", "1"), ("+typing", "done")]));
        for bad in ["", ";", "a;", "a;;b", "=x", "+", "a_b", "a/", "/a", "a//b", "++a", "x..y/a", "\u{e9}"] {
            check(bad, Err(TagError::Key));
        }
        for bad in ["a b", "a=\r", "a=\0", "a\n"] {
            check(bad, Err(TagError::Character));
        }
    }

    #[test]
    fn the_last_of_a_repeated_key_counts() {
        let tags = Tags::parse("a=1;b=2;a=3").unwrap();
        assert_eq!(tags.get("a").as_deref(), Some("3"));
        assert_eq!(tags.get("c"), None);
    }

    #[test]
    fn client_only_tags_keep_their_text() {
        let mut out = String::new();
        let tags = Tags::parse("label=1;+a=x\\s;time=2;+v/b;+c=").unwrap();
        assert!(tags.write_client_only(&mut out));
        assert_eq!(out, "+a=x\\s;+v/b;+c");
        assert!(!Tags::parse("label=1").unwrap().write_client_only(&mut String::new()));
    }

    proptest! {
        #[test]
        fn a_value_survives_its_escapes(value in "[^\0]*") {
            let escaped = escape(&value);
            prop_assert!(!escaped.contains([';', ' ', '\r', '\n']));
            prop_assert_eq!(unescape(&escaped), value.as_str());
        }

        #[test]
        fn any_section_is_taken_or_refused(raw in "[+a-c/.=;\\\\ s:\u{e9}-]{0,30}") {
            if let Ok(tags) = Tags::parse(&raw) {
                prop_assert!(tags.iter().count() > 0);
                prop_assert!(tags.iter().all(|tag| is_key(tag.key) && tags.get(tag.key).is_some()));
            }
        }
    }
}
