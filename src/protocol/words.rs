//! The words of a text, as messages are looked for by them: what is alphanumeric, without regard to
//! case. Everything else only stands between words, so that no text is a query of any language.
//!
//! Where a script puts no blanks between words, each character is one.

use std::ops::ControlFlow;

use super::sanitize::{colour_of, is_format};

/// How many words can be looked for at once.
pub const MOST: usize = 32;

/// Calls back for each word of a text, in small letters, until it says that it is enough.
pub fn each(text: &str, mut found: impl FnMut(&str) -> ControlFlow<()>) -> ControlFlow<()> {
    let mut word = String::new();
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        if is_mark(c) {
            continue;
        }
        if is_format(c) {
            // Its reader sees one word.
            for _ in 0..colour_of(c, rest.as_str()) {
                rest.next();
            }
            continue;
        }
        let alone = stands_alone(c);
        if !word.is_empty() && (alone || !c.is_alphanumeric()) {
            found(&word)?;
            word.clear();
        }
        if c.is_ascii() {
            if c.is_ascii_alphanumeric() {
                word.push(c.to_ascii_lowercase());
            }
        } else if c.is_alphanumeric() {
            // Not all letters that differ in case only have the same small letter.
            word.extend(c.to_uppercase().flat_map(char::to_lowercase).filter(|c| !is_mark(*c)));
        }
        if alone && !word.is_empty() {
            found(&word)?;
            word.clear();
        }
    }
    if word.is_empty() { ControlFlow::Continue(()) } else { found(&word) }
}

/// The words of a text with a blank between them, for an index of words.
pub fn spread(text: &str) -> String {
    let mut all = String::with_capacity(text.len());
    let _ = each(text, |word| {
        if !all.is_empty() {
            all.push(' ');
        }
        all.push_str(word);
        ControlFlow::Continue(())
    });
    all
}

/// How many characters of a word its beginning has at least: with fewer of them nearly all words
/// begin.
const BEGINNING: usize = 2;

/// What a text asks to look for: its words, each once, with `*` at the end where it had one behind
/// it: any word that begins so.
pub fn wanted(text: &str) -> Vec<Box<str>> {
    let mut all: Vec<Box<str>> = Vec::new();
    let mut pieces = text.split('*').peekable();
    while let Some(piece) = pieces.next() {
        let _ = each(piece, |word| {
            all.push(word.into());
            ControlFlow::Continue(())
        });
        let touches = pieces.peek().is_some() && piece.ends_with(|c: char| c.is_alphanumeric() || is_mark(c));
        if let Some(last) = all.last_mut().filter(|word| touches && word.chars().count() >= BEGINNING) {
            *last = format!("{last}*").into();
        }
    }
    let mut once: Vec<Box<str>> = Vec::with_capacity(all.len());
    for word in all {
        if !once.contains(&word) {
            once.push(word);
        }
    }
    once
}

/// Whether all the words that are wanted are in a text; none are in none.
pub fn are_in(wanted: &[Box<str>], text: &str) -> bool {
    let mut missing: Vec<&str> = wanted.iter().map(|word| &**word).collect();
    let fits = |word: &str, wanted: &str| match wanted.strip_suffix('*') {
        Some(beginning) => word.starts_with(beginning),
        None => word == wanted,
    };
    let all = each(text, |word| {
        missing.retain(|wanted| !fits(word, wanted));
        if missing.is_empty() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    all.is_break() && !wanted.is_empty()
}

/// Accents that stand behind their letter; part of the word, and not looked for.
const fn is_mark(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}')
}

/// Thai, Lao, Burmese, Khmer, Kana and Han.
const fn stands_alone(c: char) -> bool {
    matches!(c,
        '\u{e01}'..='\u{eff}'
        | '\u{1000}'..='\u{109f}'
        | '\u{1780}'..='\u{17ff}'
        | '\u{3005}'..='\u{3007}'
        | '\u{3040}'..='\u{30ff}'
        | '\u{31f0}'..='\u{31ff}'
        | '\u{3400}'..='\u{4dbf}'
        | '\u{4e00}'..='\u{9fff}'
        | '\u{f900}'..='\u{faff}'
        | '\u{ff66}'..='\u{ff9f}'
        | '\u{20000}'..='\u{3ffff}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, expect: &str) {
        assert_eq!(spread(text), expect, "{text:?}");
    }

    #[test]
    fn words_are_what_is_alphanumeric() {
        check("Hello,  World! 42", "hello world 42");
        check("don't \"quote\" (NEAR) a:b -x c*", "don t quote near a b x c");
        check("", "");
        check("\x02bo\x02ld \x0304,01red\x03 \x0304ab12\x0f \x04ff0000x \x03,y", "bold red ab12 x y");
        check(" .-*\"'() \u{1f44d}\u{202e}", "");
        check("\u{c9}T\u{c9} \u{e9}t\u{e9} ete\u{301}", "\u{e9}t\u{e9} \u{e9}t\u{e9} ete");
        check("Stra\u{df}e STRASSE \u{17f}o", "strasse strasse so");
        check("\u{3a3}\u{391}\u{3a3} \u{3c3}\u{3b1}\u{3c2}", "\u{3c3}\u{3b1}\u{3c3} \u{3c3}\u{3b1}\u{3c3}");
        check("\u{130}x", "ix");
        check("\u{4f60}\u{597d}abc\u{4e16}", "\u{4f60} \u{597d} abc \u{4e16}");
    }

    #[test]
    fn what_is_asked_for() {
        let words = |text: &str| wanted(text).join("|");
        assert_eq!(words("one Two ONE"), "one|two");
        assert_eq!(words("dep* roll*back back"), "dep*|roll*|back");
        assert_eq!(words("* ** \"*\" a *bb* c* c * d"), "a|bb*|c|d");
        assert_eq!(words("AND OR NOT text:\"x\" NEAR(a, 2)"), "and|or|not|text|x|near|a|2");
        assert_eq!(words("\u{597d}\u{5417}*"), "\u{597d}|\u{5417}");
        assert_eq!(words("-!- ?"), "");
    }

    #[test]
    fn all_words_must_be_there() {
        let found = |words: &str, text: &str| are_in(&wanted(words), text);
        for (words, text, expect) in [
            ("cat", "The CAT sat", true),
            ("cat", "concatenate", false),
            ("cat sat", "sat the cat", true),
            ("cat dog", "the cat", false),
            ("con*", "concatenate", true),
            ("cat* con*", "concatenate", false),
            ("catalogue*", "cat", false),
            ("", "anything", false),
            ("*", "anything", false),
            ("\u{4e16}\u{754c}", "\u{4f60}\u{597d}\u{4e16}\u{754c}", true),
        ] {
            assert_eq!(found(words, text), expect, "{words:?} in {text:?}");
        }
    }

    proptest! {
        #[test]
        fn a_text_holds_its_own_words(text in "\\PC{0,40}", more in "\\PC{0,40}") {
            let words = wanted(&text);
            prop_assert_eq!(are_in(&words, &format!("{more} {text} {more}")), !words.is_empty());
            let spread = spread(&text);
            prop_assert_eq!(super::spread(&spread), spread);
        }
    }
}
