//! Long lines in the width of a terminal, divided between words.
//!
//! Every line that continues another is indented: a terminal that broke the lines itself would begin
//! them at its edge, where a clever text could pass for a line of its own.

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// What a line that continues another begins with.
const INDENT: &str = "  ";
/// No terminal is taken for narrower: a wide character has room beside the indentation.
const NARROWEST: usize = INDENT.len() + 2;

/// The lines of a text, each in at most `columns`. Ends with a line end if the text does.
pub(super) fn wrap(text: &str, columns: usize) -> String {
    let columns = columns.max(NARROWEST);
    let mut out = String::with_capacity(text.len() + text.len() / 16);
    for line in text.split_inclusive('\n') {
        let (line, end) = line.strip_suffix('\n').map_or((line, ""), |line| (line, "\n"));
        wrap_line(line, columns, &mut out);
        out.push_str(end);
    }
    out
}

fn wrap_line(line: &str, columns: usize, out: &mut String) {
    let mut rest = line;
    let mut room = columns;
    loop {
        let fits = fitting(rest, room);
        if fits == rest.len() {
            return out.push_str(rest);
        }
        let (now, later) = divide(rest, fits);
        out.push_str(now);
        if later.is_empty() {
            return;
        }
        out.push('\n');
        out.push_str(INDENT);
        rest = later;
        room = columns - INDENT.len();
    }
}

/// Divides a line of which only so many octets fit: after the last word that fits, or within a word
/// that is longer than a line. The spaces between are not shown.
fn divide(line: &str, fits: usize) -> (&str, &str) {
    let word_ends = line[fits..].starts_with(' ');
    let at = if word_ends { Some(fits) } else { line[..fits].rfind(' ') };
    // Before the first word there is nothing to be divided from it.
    let words = at.map(|at| (line[..at].trim_end_matches(' '), line[at..].trim_start_matches(' ')));
    words
        .filter(|(before, _)| !before.is_empty())
        .unwrap_or_else(|| (&line[..fits], line[fits..].trim_start_matches(' ')))
}

/// How many octets of a text fit into so many columns; at least one character.
fn fitting(text: &str, columns: usize) -> usize {
    let mut used = 0;
    for (at, cluster) in text.grapheme_indices(true) {
        used += width(cluster);
        if used > columns && at > 0 {
            return at;
        }
    }
    text.len()
}

/// Terminals disagree about characters that are joined: the most that any of them takes.
fn width(cluster: &str) -> usize {
    let apart: usize = cluster.chars().filter_map(UnicodeWidthChar::width).sum();
    apart.max(cluster.width())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, columns: usize, expect: &str) {
        assert_eq!(wrap(text, columns), expect, "{text:?} in {columns}");
    }

    #[test]
    fn lines_are_divided_between_words() {
        check("one two three", 13, "one two three");
        check("one two three\n", 12, "one two\n  three\n");
        check("one two three four", 7, "one two\n  three\n  four");
        check("one two three four", 8, "one two\n  three\n  four");
        check("one\ntwo three\n", 6, "one\ntwo\n  thre\n  e\n");
        check("", 20, "");
        check("\n", 20, "\n");
    }

    #[test]
    fn spaces_are_kept_within_a_line_and_dropped_between_two() {
        check("a  b", 10, "a  b");
        check("abc     defg", 5, "abc\n  def\n  g");
        check("abcde   ", 5, "abcde");
        check("      abcdef", 5, "     \n  abc\n  def");
    }

    #[test]
    fn a_word_longer_than_a_line_is_broken_and_still_indented() {
        check("https://example.org/", 10, "https://ex\n  ample.or\n  g/");
        check("see https://example.org/", 10, "see\n  https://\n  example.\n  org/");
        // No-break spaces hold a forged line together; it still does not begin at the edge.
        check("<a> x\u{a0}12:00 -!- bob left", 8, "<a>\n  x\u{a0}12:0\n  0 -!-\n  bob\n  left");
    }

    #[test]
    fn wide_and_joined_characters_count_as_what_they_take() {
        check("\u{65e5}\u{672c}\u{8a9e}", 5, "\u{65e5}\u{672c}\n  \u{8a9e}");
        check("e\u{301}e\u{301}e\u{301} x", 4, "e\u{301}e\u{301}e\u{301}\n  x");
        let family = "\u{1f468}\u{200d}\u{1f469}";
        check(&format!("{family}{family}"), 6, &format!("{family}\n  {family}"));
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_nothing_is_wider(
            text in "[a-z \u{a0}\u{65e5}\u{301}\u{1f469}\u{200d}\n]{0,200}",
            columns in 0usize..40,
        ) {
            let wrapped = wrap(&text, columns);
            let visible = |text: &str| text.chars().filter(|c| !matches!(c, ' ' | '\n')).collect::<String>();
            prop_assert_eq!(visible(&wrapped), visible(&text));
            for line in wrapped.split('\n') {
                let clusters = line.trim_start_matches(' ').graphemes(true).count();
                let used: usize = line.graphemes(true).map(width).sum();
                prop_assert!(used <= columns.max(NARROWEST) || clusters <= 1, "{:?}", line);
            }
        }
    }
}
