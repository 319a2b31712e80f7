//! What a reader may be shown of a text that somebody else wrote.
//!
//! Nothing is changed when a message is taken in: each renderer makes it safe for its own reader.
//! IRC clients get what IRC knows; a terminal gets text and nothing that acts on it. A clean text
//! is not copied.

use std::{borrow::Cow, fmt::Write};

/// A text as an IRC line may carry it: CTCP, formatting codes and TAB are kept; every other C0
/// control (NUL, CR, LF, BEL, ESC, ...), DEL and C1 controls are left out.
pub fn for_irc(text: &str) -> Cow<'_, str> {
    let refused = |c: char| c.is_control() && !is_irc_control(c);
    // A C1 control is two octets, of which the first is 0xc2.
    let suspicious = |b: u8| b < 0x20 && !is_irc_control(char::from(b)) || b == 0x7f || b == 0xc2;
    if !text.bytes().any(suspicious) || !text.contains(refused) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().filter(|c| !refused(*c)).collect())
}

/// CTCP, TAB, and the codes for bold, colours, reset, monospace, reverse, italic, strike-through
/// and underline.
fn is_irc_control(c: char) -> bool {
    matches!(c, '\x01' | '\t') || is_format(c)
}

pub(super) fn is_format(c: char) -> bool {
    matches!(c, '\x02' | '\x03' | '\x04' | '\x0f' | '\x11' | '\x16' | '\x1d' | '\x1e' | '\x1f')
}

/// A text as a terminal may show it, in one line.
///
/// - IRC formatting codes are removed, with the digits of their colours; TAB becomes a space.
/// - All other controls of C0 and C1 and DEL become visible: `\x1b`, `<U+009B>`.
/// - Characters that reorder or hide text become visible too (`<U+202E>`): bidi overrides, bidi
///   embeddings and isolates that are not closed in this text (or close none), line and paragraph
///   separators, invisible characters, and joiners that join nothing.
///
/// Of what comes out nothing changes a second time.
pub fn for_terminal(text: &str) -> Cow<'_, str> {
    // Outside ASCII every character of interest starts with one of these octets.
    let suspicious = |b: u8| b < 0x20 || matches!(b, 0x7f | 0xc2 | 0xe1 | 0xe2 | 0xef | 0xf3);
    if !text.bytes().any(suspicious) || !text.contains(|c| action(c) != Action::Show) {
        return Cow::Borrowed(text);
    }
    let out = rewrite(text);
    if out == text { Cow::Borrowed(text) } else { Cow::Owned(out) }
}

#[derive(Clone, Copy, PartialEq)]
enum Action {
    Show,
    Space,
    Remove,
    Escape,
    /// Opens a bidi embedding or isolate; the character that closes it.
    Open(char),
    Close,
    /// Shown only between two characters that it can join.
    Join,
    /// Shown only in the flag of a region.
    FlagTag,
}

const POP_EMBEDDING: char = '\u{202c}';
const POP_ISOLATE: char = '\u{2069}';
const BLACK_FLAG: char = '\u{1f3f4}';

fn action(c: char) -> Action {
    match c {
        '\t' => Action::Space,
        c if is_format(c) => Action::Remove,
        c if c.is_control() => Action::Escape,
        '\u{202a}' | '\u{202b}' => Action::Open(POP_EMBEDDING),
        '\u{2066}'..='\u{2068}' => Action::Open(POP_ISOLATE),
        POP_EMBEDDING | POP_ISOLATE => Action::Close,
        '\u{200c}' | '\u{200d}' => Action::Join,
        '\u{202d}' | '\u{202e}' // bidi overrides
        | '\u{2028}' | '\u{2029}' // line and paragraph separator
        | '\u{180e}' | '\u{200b}' | '\u{2060}'..='\u{2065}' | '\u{feff}' // invisible
        | '\u{206a}'..='\u{206f}' | '\u{fff9}'..='\u{fffb}' => Action::Escape,
        '\u{e0000}'..='\u{e007f}' => Action::FlagTag,
        _ => Action::Show,
    }
}

fn rewrite(text: &str) -> String {
    let unbalanced = unbalanced(text);
    let mut out = String::with_capacity(text.len() + 16);
    let mut rest = text.char_indices();
    while let Some((at, c)) = rest.next() {
        let show = match action(c) {
            Action::Show => true,
            Action::Escape => false,
            Action::Space => {
                out.push(' ');
                continue;
            }
            Action::Remove => {
                for _ in 0..colour_of(c, rest.as_str()) {
                    rest.next();
                }
                continue;
            }
            Action::Open(_) | Action::Close => !unbalanced.contains(&at),
            // What stands before is judged by what was written, so that the outcome is stable.
            Action::Join => {
                out.chars().next_back().is_some_and(joinable) && rest.as_str().chars().next().is_some_and(joinable)
            }
            Action::FlagTag => out.chars().next_back().is_some_and(|c| c == BLACK_FLAG || action(c) == Action::FlagTag),
        };
        if show {
            out.push(c);
        } else if c.is_ascii() {
            let _ = write!(out, "\\x{:02x}", u32::from(c));
        } else {
            let _ = write!(out, "<U+{:04X}>", u32::from(c));
        }
    }
    out
}

/// How many of the characters after a formatting code belong to it.
pub(super) fn colour_of(code: char, after: &str) -> usize {
    match code {
        '\x03' => colour(after, 2, |b| b.is_ascii_digit()),
        '\x04' => colour(after, 6, |b| b.is_ascii_hexdigit()),
        _ => 0,
    }
}

/// How many of the octets after a colour code belong to it: a colour of up to `width` digits, and
/// a second one after a comma. A hexadecimal colour has all of its digits or is none.
fn colour(after: &str, width: usize, digit: impl Fn(&u8) -> bool) -> usize {
    let count = |from: &[u8]| {
        let digits = from.iter().take(width).take_while(|b| digit(b)).count();
        if width == 6 && digits < 6 { 0 } else { digits }
    };
    let bytes = after.as_bytes();
    let first = count(bytes);
    if first == 0 || bytes.get(first) != Some(&b',') {
        return first;
    }
    match count(&bytes[first + 1..]) {
        0 => first,
        second => first + 1 + second,
    }
}

/// Where the bidi openers are that nothing closes, and the closers that close nothing.
fn unbalanced(text: &str) -> Vec<usize> {
    let mut open: Vec<(usize, char)> = Vec::new();
    let mut unbalanced = Vec::new();
    for (at, c) in text.char_indices() {
        match action(c) {
            Action::Open(closer) => open.push((at, closer)),
            Action::Close => match open.last() {
                Some((_, closer)) if *closer == c => {
                    open.pop();
                }
                _ => unbalanced.push(at),
            },
            _ => {}
        }
    }
    unbalanced.extend(open.into_iter().map(|(at, _)| at));
    unbalanced
}

/// Whether a joiner next to this character can have a meaning: a letter of a script that joins, or
/// a part of an emoji.
fn joinable(c: char) -> bool {
    !c.is_ascii() && !c.is_whitespace() && action(c) == Action::Show
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check_terminal(text: &str, expect: &str) {
        assert_eq!(for_terminal(text), expect, "{text:?}");
    }

    #[test]
    fn clean_text_is_not_copied() {
        for clean in ["", "hello", "na\u{ef}ve \u{2014} \u{20ac}5 \u{1f44d}", "\u{5e9}\u{5dc}\u{5d5}\u{5dd}"] {
            assert!(matches!(for_terminal(clean), Cow::Borrowed(_)), "{clean:?}");
            assert!(matches!(for_irc(clean), Cow::Borrowed(_)), "{clean:?}");
        }
        assert!(matches!(for_irc("\x01ACTION \x02waves\x0f\t\x01"), Cow::Borrowed(_)));
    }

    #[test]
    fn irc_keeps_what_irc_knows() {
        assert_eq!(for_irc("a\x1b[31mb\x07c\0\r\nd\u{9b}e\x7f\x03" /* colour */), "a[31mbcde\x03");
    }

    #[test]
    fn formatting_goes_with_its_digits() {
        check_terminal("\x02bold\x02 \x0304red\x0f \x033,12x\x03 \x0312345", "bold red x 345");
        check_terminal("\x03,5 \x031,x \x03", ",5 ,x ");
        check_terminal("\x04ff0000red\x04 \x0400ff00,0000FFx \x04abc", "red x abc");
        check_terminal("a\tb", "a b");
    }

    #[test]
    fn controls_become_visible() {
        check_terminal("\x1b]0;title\x07", "\\x1b]0;title\\x07");
        check_terminal("a\r\nb\0\x01\x7f", "a\\x0d\\x0ab\\x00\\x01\\x7f");
        check_terminal("\u{9b}31m\u{85}", "<U+009B>31m<U+0085>");
        check_terminal("a\u{2028}b\u{2029}", "a<U+2028>b<U+2029>");
        check_terminal("\u{202e}evil\u{202c}", "<U+202E>evil<U+202C>");
        check_terminal("a\u{200b}b\u{feff}", "a<U+200B>b<U+FEFF>");
    }

    #[test]
    fn directions_are_shown_when_they_are_closed() {
        let closed = "a \u{2067}\u{5d0}\u{202a}b\u{202c}\u{2069} c";
        check_terminal(closed, closed);
        check_terminal("\u{2067}x", "<U+2067>x");
        check_terminal("x\u{2069}", "x<U+2069>");
        check_terminal("\u{2067}\u{202a}x\u{2069}\u{202c}", "<U+2067>\u{202a}x<U+2069>\u{202c}");
    }

    #[test]
    fn joiners_are_shown_where_they_join() {
        let family = "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}";
        check_terminal(family, family);
        let persian = "\u{645}\u{6cc}\u{200c}\u{62e}";
        check_terminal(persian, persian);
        check_terminal("ad\u{200d}min", "ad<U+200D>min");
        check_terminal("\u{200d}", "<U+200D>");
        let england = "\u{1f3f4}\u{e0067}\u{e0062}\u{e007f}";
        check_terminal(england, england);
        check_terminal("a\u{e0067}", "a<U+E0067>");
    }

    fn hostile() -> impl Strategy<Value = String> {
        let special = prop_oneof![
            (0u32..0xa0).prop_map(|c| char::from_u32(c).unwrap()),
            (0x2000u32..0x2070).prop_map(|c| char::from_u32(c).unwrap()),
            (0xe0000u32..0xe0080).prop_map(|c| char::from_u32(c).unwrap()),
            prop_oneof![Just(BLACK_FLAG), Just('\u{1f468}'), Just('\u{5d0}'), Just('\u{feff}'), Just('\u{fff9}')],
            any::<char>(),
        ];
        proptest::collection::vec(special, 0..40).prop_map(|chars| chars.into_iter().collect())
    }

    proptest! {
        #[test]
        fn no_terminal_sees_a_control(text in hostile()) {
            let shown = for_terminal(&text);
            prop_assert!(!shown.contains(char::is_control));
            let hidden = ['\u{202d}', '\u{202e}', '\u{2028}', '\u{2029}', '\u{200b}', '\u{feff}'];
            prop_assert!(!shown.contains(hidden));
            prop_assert!(unbalanced(&shown).is_empty());
            prop_assert_eq!(for_terminal(&shown), shown.as_ref());
        }

        #[test]
        fn no_irc_line_is_broken(text in hostile()) {
            let shown = for_irc(&text);
            prop_assert!(!shown.contains(|c: char| c.is_control() && !is_irc_control(c)));
            prop_assert_eq!(for_irc(&shown), shown.as_ref());
            prop_assert!(shown.len() <= text.len());
        }
    }
}
