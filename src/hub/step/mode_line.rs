//! How MODE says what has changed: `+ov-b alice bob mask`, cut where a line would be too long.

use crate::protocol::limits;

/// Changes on their way into MODE lines.
#[derive(Debug, Default)]
pub(super) struct Line {
    full: Vec<Box<str>>,
    letters: String,
    parameters: String,
    on: Option<bool>,
}

impl Line {
    /// One more change.
    pub(super) fn add(&mut self, on: bool, letter: char, parameter: Option<&str>) {
        let more = 2 + parameter.map_or(0, |parameter| parameter.len() + 1);
        if self.letters.len() + self.parameters.len() + more > limits::MODE_CHANGES {
            self.end();
        }
        if self.on != Some(on) {
            self.letters.push(if on { '+' } else { '-' });
            self.on = Some(on);
        }
        self.letters.push(letter);
        if let Some(parameter) = parameter {
            self.parameters.push(' ');
            self.parameters.push_str(parameter);
        }
    }

    fn end(&mut self) {
        if !self.letters.is_empty() {
            let letters = std::mem::take(&mut self.letters);
            self.full.push((letters + &std::mem::take(&mut self.parameters)).into());
        }
        self.on = None;
    }

    /// The lines.
    pub(super) fn finish(mut self) -> Vec<Box<str>> {
        self.end();
        self.full
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_first_then_parameters_and_no_line_too_long() {
        let mut line = Line::default();
        line.add(true, 'o', Some("alice"));
        line.add(true, 'i', None);
        line.add(false, 'b', Some("x!*@*"));
        line.add(true, 'l', Some("5"));
        assert_eq!(line.finish(), ["+oi-b+l alice x!*@* 5".into()]);
        assert!(Line::default().finish().is_empty());
        let mut line = Line::default();
        let mask = "m".repeat(limits::MASK);
        (0..8).for_each(|_| line.add(true, 'b', Some(&mask)));
        let lines = line.finish();
        assert_eq!(lines.len(), 4);
        assert!(lines.iter().all(|line| line.len() <= limits::MODE_CHANGES));
    }
}
