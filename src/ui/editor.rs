//! The line that a person types: text, cursor and what was typed before. Draws nothing itself.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use unicode_segmentation::{GraphemeCursor, UnicodeSegmentation};
use unicode_width::UnicodeWidthStr;

/// How many lines can be called back.
const REMEMBERED: usize = 500;
/// The longest line, in octets: as much as a plain line may have.
const MOST: usize = 4000;

/// A line being typed.
#[derive(Debug, Default)]
pub(super) struct Editor {
    text: String,
    /// Where the next character goes, in octets.
    cursor: usize,
    before: Vec<String>,
    /// Which earlier line is shown, and what was typed before it was called.
    called: Option<(usize, String)>,
}

/// What a key did.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Pressed {
    Nothing,
    /// The line looks different now.
    Changed,
    /// The line is complete.
    Line(String),
    /// The screen is to be drawn anew.
    Clear,
    /// The program is to stop until it is continued.
    Suspend,
    Interrupt,
    End,
}

impl Editor {
    /// Takes a key.
    pub(super) fn press(&mut self, key: KeyEvent) -> Pressed {
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        let alt = key.modifiers.contains(KeyModifiers::ALT);
        match key.code {
            KeyCode::Enter => return self.complete(),
            KeyCode::Char('c') if control => return Pressed::Interrupt,
            KeyCode::Char('d') if control && self.text.is_empty() => return Pressed::End,
            KeyCode::Char('l') if control => return Pressed::Clear,
            KeyCode::Char('z') if control => return Pressed::Suspend,
            KeyCode::Char('a') if control => self.cursor = 0,
            KeyCode::Char('e') if control => self.cursor = self.text.len(),
            KeyCode::Char('b') if control => self.cursor = self.left(),
            KeyCode::Char('f') if control => self.cursor = self.right(),
            KeyCode::Char('b') if alt => self.cursor = self.word_left(),
            KeyCode::Char('f') if alt => self.cursor = self.word_right(),
            KeyCode::Char('d') if control => self.delete(self.cursor, self.right()),
            KeyCode::Char('h') if control => self.delete(self.left(), self.cursor),
            KeyCode::Char('u') if control => self.delete(0, self.cursor),
            KeyCode::Char('k') if control => self.delete(self.cursor, self.text.len()),
            KeyCode::Char('w') if control => self.delete(self.word_left(), self.cursor),
            KeyCode::Backspace if alt || control => self.delete(self.word_left(), self.cursor),
            KeyCode::Char('p') if control => return self.call_back(),
            KeyCode::Char('n') if control => return self.call_forth(),
            KeyCode::Char(c) if !control && !alt && !c.is_control() => self.insert(c.encode_utf8(&mut [0; 4])),
            KeyCode::Backspace => self.delete(self.left(), self.cursor),
            KeyCode::Delete => self.delete(self.cursor, self.right()),
            KeyCode::Left if control || alt => self.cursor = self.word_left(),
            KeyCode::Right if control || alt => self.cursor = self.word_right(),
            KeyCode::Left => self.cursor = self.left(),
            KeyCode::Right => self.cursor = self.right(),
            KeyCode::Home => self.cursor = 0,
            KeyCode::End => self.cursor = self.text.len(),
            KeyCode::Up => return self.call_back(),
            KeyCode::Down => return self.call_forth(),
            _ => return Pressed::Nothing,
        }
        Pressed::Changed
    }

    /// Takes pasted text. Its line ends become spaces: what is pasted is sent only by Enter.
    pub(super) fn paste(&mut self, text: &str) {
        let text = text.trim_end_matches(['\r', '\n']).replace("\r\n", " ");
        let clean: String = text
            .chars()
            .map(|c| if matches!(c, '\r' | '\n' | '\t') { ' ' } else { c })
            .filter(|c| !c.is_control())
            .collect();
        self.insert(&clean);
    }

    /// The part of the line that fits into `width` columns, with the column of the cursor in it.
    pub(super) fn window(&self, width: usize) -> (&str, usize) {
        let width = width.max(2);
        // As much as fits to the left of the cursor, then as much as fits to its right.
        let mut start = self.cursor;
        let mut column = 0;
        for (at, cluster) in self.text[..self.cursor].grapheme_indices(true).rev() {
            if column + cluster.width() >= width {
                break;
            }
            column += cluster.width();
            start = at;
        }
        let mut end = self.cursor;
        let mut used = column;
        for cluster in self.text[self.cursor..].graphemes(true) {
            if used + cluster.width() >= width {
                break;
            }
            used += cluster.width();
            end += cluster.len();
        }
        (&self.text[start..end], column)
    }

    fn insert(&mut self, text: &str) {
        let room = MOST.saturating_sub(self.text.len());
        let end = (0..=room.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        self.text.insert_str(self.cursor, &text[..end]);
        self.cursor += end;
    }

    fn delete(&mut self, from: usize, to: usize) {
        self.text.replace_range(from..to, "");
        self.cursor = from;
    }

    fn complete(&mut self) -> Pressed {
        let line = std::mem::take(&mut self.text);
        (self.cursor, self.called) = (0, None);
        if !line.trim().is_empty() && self.before.last() != Some(&line) {
            if self.before.len() == REMEMBERED {
                self.before.remove(0);
            }
            self.before.push(line.clone());
        }
        Pressed::Line(line)
    }

    fn call_back(&mut self) -> Pressed {
        let at = self.called.as_ref().map_or(self.before.len(), |(at, _)| *at);
        let Some(line) = at.checked_sub(1).and_then(|at| self.before.get(at)) else { return Pressed::Nothing };
        let typed = std::mem::replace(&mut self.text, line.clone());
        let typed = self.called.take().map_or(typed, |(_, typed)| typed);
        self.called = Some((at - 1, typed));
        self.cursor = self.text.len();
        Pressed::Changed
    }

    fn call_forth(&mut self) -> Pressed {
        let Some((at, typed)) = self.called.take() else { return Pressed::Nothing };
        if let Some(line) = self.before.get(at + 1) {
            self.text.clone_from(line);
            self.called = Some((at + 1, typed));
        } else {
            self.text = typed;
        }
        self.cursor = self.text.len();
        Pressed::Changed
    }

    fn left(&self) -> usize {
        let mut cursor = GraphemeCursor::new(self.cursor, self.text.len(), true);
        // The whole text is given: no further chunk can be asked for.
        cursor.prev_boundary(&self.text, 0).ok().flatten().unwrap_or(0)
    }

    fn right(&self) -> usize {
        let mut cursor = GraphemeCursor::new(self.cursor, self.text.len(), true);
        cursor.next_boundary(&self.text, 0).ok().flatten().unwrap_or(self.text.len())
    }

    fn word_left(&self) -> usize {
        let before = self.text[..self.cursor].trim_end();
        before.rfind(' ').map_or(0, |space| space + 1)
    }

    fn word_right(&self) -> usize {
        let rest = &self.text[self.cursor..];
        let skipped = rest.len() - rest.trim_start().len();
        rest[skipped..].find(' ').map_or(self.text.len(), |space| self.cursor + skipped + space)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(code: KeyCode) -> KeyEvent {
        KeyEvent::new(code, KeyModifiers::NONE)
    }

    fn control(c: char) -> KeyEvent {
        KeyEvent::new(KeyCode::Char(c), KeyModifiers::CONTROL)
    }

    fn typed(editor: &mut Editor, text: &str) {
        text.chars().for_each(|c| assert_eq!(editor.press(key(KeyCode::Char(c))), Pressed::Changed));
    }

    fn check(keys: &[KeyEvent], expect: &str, cursor: usize) {
        let mut editor = Editor::default();
        typed(&mut editor, "one two \u{1f468}\u{200d}\u{1f469}");
        keys.iter().for_each(|key| {
            editor.press(*key);
        });
        assert_eq!((editor.text.as_str(), editor.cursor), (expect, cursor), "{keys:?}");
    }

    #[test]
    fn editing() {
        check(&[key(KeyCode::Backspace)], "one two ", 8);
        check(
            &[key(KeyCode::Left), key(KeyCode::Left), key(KeyCode::Char('x'))],
            "one twox \u{1f468}\u{200d}\u{1f469}",
            8,
        );
        check(&[key(KeyCode::Home), key(KeyCode::Delete)], "ne two \u{1f468}\u{200d}\u{1f469}", 0);
        check(&[control('w'), control('w')], "one ", 4);
        check(&[control('a'), control('k')], "", 0);
        check(&[control('u')], "", 0);
        let word = |code| KeyEvent::new(code, KeyModifiers::CONTROL);
        check(&[control('a'), word(KeyCode::Right), control('k')], "one", 3);
    }

    #[test]
    fn lines_interrupt_and_end() {
        let mut editor = Editor::default();
        typed(&mut editor, "hi");
        assert_eq!(editor.press(control('d')), Pressed::Changed);
        assert_eq!(editor.press(key(KeyCode::Enter)), Pressed::Line("hi".into()));
        assert_eq!(editor.press(control('d')), Pressed::End);
        typed(&mut editor, "kept");
        assert_eq!(editor.press(control('z')), Pressed::Suspend);
        assert_eq!(editor.text, "kept");
        assert_eq!(editor.press(control('c')), Pressed::Interrupt);
    }

    #[test]
    fn earlier_lines_come_back_and_what_was_typed_too() {
        let mut editor = Editor::default();
        for line in ["one", "two", "two"] {
            typed(&mut editor, line);
            editor.press(key(KeyCode::Enter));
        }
        typed(&mut editor, "dra");
        let mut shown = |code| {
            editor.press(key(code));
            editor.text.clone()
        };
        assert_eq!([shown(KeyCode::Up), shown(KeyCode::Up), shown(KeyCode::Up)], ["two", "one", "one"]);
        assert_eq!([shown(KeyCode::Down), shown(KeyCode::Down), shown(KeyCode::Down)], ["two", "dra", "dra"]);
    }

    #[test]
    fn a_paste_stays_one_line_and_acts_on_nothing() {
        let mut editor = Editor::default();
        editor.paste("a\r\nb\tc\x1b[31m\n");
        assert_eq!(editor.text, "a b c[31m");
    }

    #[test]
    fn a_long_line_is_shown_around_its_cursor() {
        let mut editor = Editor::default();
        typed(&mut editor, "0123456789");
        assert_eq!(editor.window(5), ("6789", 4));
        editor.press(key(KeyCode::Home));
        assert_eq!(editor.window(5), ("0123", 0));
        assert_eq!(editor.window(20), ("0123456789", 0));
        let mut wide = Editor::default();
        typed(&mut wide, "\u{65e5}\u{672c}\u{8a9e}");
        assert_eq!(wide.window(5), ("\u{672c}\u{8a9e}", 4));
    }

    proptest! {
        #[test]
        fn no_keys_break_it(keys in proptest::collection::vec(0usize..14, 0..60), width in 0usize..12) {
            let mut editor = Editor::default();
            for number in keys {
                match number {
                    0 => editor.paste("e\u{301}\u{1f1e9}\u{1f1ea} x"),
                    1 => drop(editor.press(key(KeyCode::Char('\u{200d}')))),
                    2 => drop(editor.press(key(KeyCode::Char('\u{1f469}')))),
                    3 => drop(editor.press(key(KeyCode::Backspace))),
                    4 => drop(editor.press(key(KeyCode::Delete))),
                    5 => drop(editor.press(key(KeyCode::Left))),
                    6 => drop(editor.press(key(KeyCode::Right))),
                    7 => drop(editor.press(key(KeyCode::Up))),
                    8 => drop(editor.press(key(KeyCode::Down))),
                    9 => drop(editor.press(control('w'))),
                    10 => drop(editor.press(KeyEvent::new(KeyCode::Right, KeyModifiers::CONTROL))),
                    11 => drop(editor.press(KeyEvent::new(KeyCode::Left, KeyModifiers::CONTROL))),
                    12 => drop(editor.press(key(KeyCode::Enter))),
                    _ => drop(editor.press(key(KeyCode::Char(' ')))),
                }
                prop_assert!(editor.text.is_char_boundary(editor.cursor));
                let (shown, column) = editor.window(width);
                prop_assert!(shown.len() <= editor.text.len() && column < width.max(2));
            }
        }
    }
}
