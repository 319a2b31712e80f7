//! Bytes to lines, bounded: what stands between a socket and every parser.
//!
//! Knows no dialect and does no I/O: the caller reads into a buffer of its own and takes the lines
//! out one by one, as many as it wants at a time. A line that is whole in the input is never copied.
//! Only when the input ends within a line is that start kept, never more of it than the limit, and
//! its memory is given back with the line.

use thiserror::Error;

use super::limits::LineLimits;

/// One line, without its line end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line<'a> {
    /// Valid UTF-8 without NUL, CR or LF, within the limits. May be empty.
    Text(&'a str),
    /// A line that no parser shall see.
    Bad(BadLine),
    /// A line that is not UTF-8, as far as it is: enough to tell what it was to be.
    Garbled(&'a str),
}

/// Why a line is refused as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BadLine {
    /// Longer than the limits allow. Told as soon as it is known, not at the line's end, so that
    /// somebody who never ends the line is answered too; the rest of it is skipped.
    #[error("the line is too long")]
    TooLong,
    /// A NUL in it.
    #[error("the line holds a NUL byte")]
    Nul,
    /// A CR anywhere but before the LF.
    #[error("the line holds a carriage return in its middle")]
    StrayCr,
    /// Not UTF-8; told as [`Line::Garbled`].
    #[error("the line is not valid UTF-8")]
    NotUtf8,
}

/// Cuts input into lines; LF or CR LF ends a line.
///
/// The lines that come out are the same however the input was divided.
///
/// ```
/// use conclave::protocol::{Framer, Line, LineLimits};
///
/// let mut framer = Framer::new(LineLimits::PLAIN);
/// let mut input: &[u8] = b"one\ntwo\r\nthr";
/// assert_eq!(framer.next_line(&mut input), Some(Line::Text("one")));
/// assert_eq!(input, b"two\r\nthr"); // whoever stops here goes on with this rest
/// assert_eq!(framer.next_line(&mut input), Some(Line::Text("two")));
/// assert_eq!(framer.next_line(&mut input), None);
/// let mut input: &[u8] = b"ee\n";
/// assert_eq!(framer.next_line(&mut input), Some(Line::Text("three")));
/// ```
#[derive(Debug)]
pub struct Framer {
    limits: LineLimits,
    /// The start of a line whose end has not come yet, or the line given out last.
    partial: Vec<u8>,
    /// `partial` was given out and is to be freed.
    given_out: bool,
    /// Within a line that was already reported as too long.
    skipping: bool,
}

impl Framer {
    /// A framer that has seen nothing yet. Holds no memory.
    pub fn new(limits: LineLimits) -> Self {
        Self { limits, partial: Vec::new(), given_out: false, skipping: false }
    }

    /// Other limits from the next line on (also for a line whose start has come).
    pub fn set_limits(&mut self, limits: LineLimits) {
        self.limits = limits;
    }

    /// The next line of `input`, which is moved on past what was used. `None` when no whole line is
    /// left: then `input` is empty, and the start of a line at its end has been kept here.
    pub fn next_line<'a, 'i: 'a>(&'a mut self, input: &mut &'i [u8]) -> Option<Line<'a>> {
        self.release();
        loop {
            let end = memchr::memchr(b'\n', input);
            let piece = &input[..end.unwrap_or(input.len())];
            *input = &input[end.map_or(input.len(), |at| at + 1)..];

            if self.skipping {
                self.skipping = end.is_none();
                end?;
                continue;
            }
            if end.is_some() && self.partial.is_empty() {
                return Some(self.limits.check(piece));
            }
            // What no line of this dialect could be is not even copied.
            let fits = self.partial.len() + piece.len() <= self.limits.tags + self.limits.body;
            if fits {
                self.partial.extend_from_slice(piece);
            }
            if !fits || !self.limits.allow(&self.partial) {
                self.partial = Vec::new();
                self.skipping = end.is_none();
                return Some(Line::Bad(BadLine::TooLong));
            }
            end?;
            self.given_out = true;
            return Some(self.limits.check(&self.partial));
        }
    }

    /// The line that has started but was never ended, when the input has ended for good.
    pub fn finish(&mut self) -> Option<Line<'_>> {
        self.release();
        self.skipping = false;
        if self.partial.is_empty() {
            return None;
        }
        self.given_out = true;
        Some(self.limits.check(&self.partial))
    }

    /// Whether the input ended within a line so far.
    pub fn is_within_line(&self) -> bool {
        self.skipping || (!self.given_out && !self.partial.is_empty())
    }

    /// The memory held for a line whose end has not come.
    pub fn held(&self) -> usize {
        self.partial.capacity()
    }

    fn release(&mut self) {
        if self.given_out {
            self.partial = Vec::new();
            self.given_out = false;
        }
    }
}

impl<'a> Line<'a> {
    /// The text, or why there is none.
    ///
    /// # Errors
    /// What is wrong with the line.
    pub const fn text(self) -> Result<&'a str, BadLine> {
        match self {
            Self::Text(text) => Ok(text),
            Self::Bad(bad) => Err(bad),
            Self::Garbled(_) => Err(BadLine::NotUtf8),
        }
    }
}

impl LineLimits {
    fn check(self, line: &[u8]) -> Line<'_> {
        if !self.allow(line) {
            return Line::Bad(BadLine::TooLong);
        }
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        match memchr::memchr2(0, b'\r', line) {
            Some(at) if line[at] == 0 => Line::Bad(BadLine::Nul),
            Some(_) => Line::Bad(BadLine::StrayCr),
            None => match std::str::from_utf8(line) {
                Ok(text) => Line::Text(text),
                Err(_) => Line::Garbled(line.utf8_chunks().next().map_or("", |chunk| chunk.valid())),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SMALL: LineLimits = LineLimits { tags: 8, body: 12 };

    #[derive(Clone, Debug, PartialEq)]
    enum Owned {
        Text(String),
        Bad(BadLine),
    }

    impl From<Line<'_>> for Owned {
        fn from(line: Line<'_>) -> Self {
            line.text().map_or_else(Self::Bad, |text| Self::Text(text.to_owned()))
        }
    }

    fn lines(limits: LineLimits, pieces: &[&[u8]]) -> Vec<Owned> {
        let mut framer = Framer::new(limits);
        let mut out = Vec::new();
        for piece in pieces {
            let mut input = *piece;
            while let Some(line) = framer.next_line(&mut input) {
                out.push(line.into());
            }
            assert!(input.is_empty());
            assert!(framer.held() <= 2 * (limits.tags + limits.body), "{} bytes held", framer.held());
        }
        out.extend(framer.finish().map(Owned::from));
        out
    }

    fn check(input: &[u8], expect: &[Result<&str, BadLine>]) {
        let expect: Vec<Owned> =
            expect.iter().map(|line| line.map_or_else(Owned::Bad, |text| Owned::Text(text.to_owned()))).collect();
        assert_eq!(lines(SMALL, &[input]), expect, "{input:?}");
        let bytes: Vec<&[u8]> = input.chunks(1).collect();
        assert_eq!(lines(SMALL, &bytes), expect, "{input:?} byte by byte");
    }

    #[test]
    fn good_and_bad_lines() {
        use BadLine::{NotUtf8, Nul, StrayCr, TooLong};
        check(b"", &[]);
        check(b"\n\r\n", &[Ok(""), Ok("")]);
        check(b"a\nb\r\nc", &[Ok("a"), Ok("b"), Ok("c")]);
        check(b"0123456789\r\nx\n", &[Ok("0123456789"), Ok("x")]);
        check(b"0123456789a\nx\n", &[Err(TooLong), Ok("x")]);
        check(b"0123456789a without end", &[Err(TooLong)]);
        check(b"@234567 0123456789\n", &[Ok("@234567 0123456789")]);
        check(b"@2345678 a\nb\n", &[Err(TooLong), Ok("b")]);
        check(b"a\0b\nc\n", &[Err(Nul), Ok("c")]);
        check(b"a\rb\n\r\r\n", &[Err(StrayCr), Err(StrayCr)]);
        check(b"\xff\n\xc3\xa9\n", &[Err(NotUtf8), Ok("\u{e9}")]);
    }

    #[test]
    fn a_line_that_is_not_utf8_tells_its_start() {
        for (line, start) in [(&b"PING \xff x\n"[..], "PING "), (b"\xc3\n", ""), (b"\xc3\xa9\xc3\r\n", "\u{e9}")] {
            let mut input = line;
            assert_eq!(Framer::new(SMALL).next_line(&mut input), Some(Line::Garbled(start)), "{line:?}");
        }
    }

    #[test]
    fn a_line_without_end_holds_no_memory_once_it_is_too_long() {
        let mut framer = Framer::new(LineLimits::IRC_CLIENT);
        let mut told = 0;
        for _ in 0..1000 {
            let mut input: &[u8] = &[b'x'; 300];
            while let Some(line) = framer.next_line(&mut input) {
                assert_eq!(line, Line::Bad(BadLine::TooLong));
                told += 1;
            }
        }
        assert_eq!((told, framer.held()), (1, 0));
        let mut input: &[u8] = b"\nPING x\n";
        assert_eq!(framer.next_line(&mut input), Some(Line::Text("PING x")));
    }

    #[test]
    fn a_kept_start_is_freed_with_its_line() {
        let mut framer = Framer::new(SMALL);
        let mut input: &[u8] = b"ab";
        assert_eq!(framer.next_line(&mut input), None);
        assert!(framer.is_within_line() && framer.held() > 0);
        input = b"c\nd\n";
        assert_eq!(framer.next_line(&mut input), Some(Line::Text("abc")));
        assert!(!framer.is_within_line());
        assert_eq!(framer.next_line(&mut input), Some(Line::Text("d")));
        assert_eq!(framer.held(), 0);
    }

    proptest! {
        #[test]
        fn division_makes_no_difference(
            input in proptest::collection::vec(
                prop_oneof![Just(b'\n'), Just(b'\r'), Just(b'@'), Just(b' '), Just(0u8), Just(0xc3), Just(0xa9), Just(b'a'), any::<u8>()],
                0..200,
            ),
            cuts in proptest::collection::vec(any::<proptest::sample::Index>(), 0..20),
        ) {
            let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(input.len() + 1)).collect();
            at.extend([0, input.len()]);
            at.sort_unstable();
            let pieces: Vec<&[u8]> = at.windows(2).map(|pair| &input[pair[0]..pair[1]]).collect();
            prop_assert_eq!(lines(SMALL, &pieces), lines(SMALL, &[&input]));
        }
    }
}
