//! The chat on pipes and files, or on a terminal that cannot be drawn on: lines in, lines out.

use std::io::{self, BufRead, Write};

use tokio::sync::mpsc;

use super::render::Renderer;
use crate::{
    client::{Event, Input, Screen},
    protocol::{Framer, Line, LineLimits},
};

/// How many typed lines wait between the thread that reads them and the chat.
const AHEAD: usize = 16;

/// Lines on stdout (the chat) and stderr (the rest).
#[derive(Debug)]
pub struct Stdio<O, E> {
    out: O,
    err: E,
    renderer: Renderer,
    input: mpsc::Receiver<Input>,
}

impl<O: Write, E: Write> Stdio<O, E> {
    /// Shows the chat on `out` and tells the rest on `err`.
    pub const fn new(out: O, err: E, renderer: Renderer, input: mpsc::Receiver<Input>) -> Self {
        Self { out, err, renderer, input }
    }

    fn tell(&mut self, text: &str) {
        // Whoever closed stderr does not want to hear it.
        let _ = self.err.write_all(text.as_bytes()).and_then(|()| self.err.flush());
    }
}

impl<O: Write, E: Write> Screen for Stdio<O, E> {
    async fn input(&mut self) -> Input {
        match self.input.recv().await {
            Some(input) => input,
            // The reader is gone; it said so before.
            None => std::future::pending().await,
        }
    }

    fn show(&mut self, event: &Event) -> io::Result<()> {
        self.out.write_all(self.renderer.event(event).as_bytes())?;
        self.out.flush()
    }

    fn pending(&mut self, place: usize, typed: &str) -> io::Result<()> {
        self.tell(&Renderer::pending(place, typed));
        Ok(())
    }

    fn note(&mut self, text: &str) -> io::Result<()> {
        self.tell(&Renderer::note(text));
        Ok(())
    }

    fn status(&mut self, _: Option<&str>, _: bool) -> io::Result<()> {
        Ok(())
    }
}

/// Reads lines in a thread of its own, which waits while nobody takes them. A thread, since a read
/// of stdin cannot be called off; it ends with its input or with the program. Memory is bounded by
/// the longest line that is allowed.
pub fn read_lines(mut from: impl BufRead + Send + 'static, limits: LineLimits) -> io::Result<mpsc::Receiver<Input>> {
    let (sender, receiver) = mpsc::channel(AHEAD);
    std::thread::Builder::new().name("input".into()).spawn(move || {
        let mut framer = Framer::new(limits);
        let input = |line: Line<'_>| match line.text() {
            Ok(text) => Input::Line(text.to_owned()),
            Err(bad) => Input::Unfit(bad.to_string()),
        };
        loop {
            let mut bytes = match from.fill_buf() {
                Ok(bytes) if !bytes.is_empty() => bytes,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Ok(_) => break,
                Err(error) => {
                    let _ = sender.blocking_send(Input::Unfit(format!("the input cannot be read: {error}")));
                    break;
                }
            };
            let length = bytes.len();
            while let Some(line) = framer.next_line(&mut bytes) {
                if sender.blocking_send(input(line)).is_err() {
                    return;
                }
            }
            from.consume(length);
        }
        if let Some(line) = framer.finish() {
            let _ = sender.blocking_send(input(line));
        }
        let _ = sender.blocking_send(Input::End);
    })?;
    Ok(receiver)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_to_the_last_one_without_an_end() {
        let text = format!("one\n\nzw\u{f6}\r\n{}\nlast", "x".repeat(5000));
        let mut receiver = read_lines(io::Cursor::new(text), LineLimits::PLAIN).unwrap();
        let all: Vec<Input> = std::iter::from_fn(|| receiver.blocking_recv()).collect();
        let line = |text: &str| Input::Line(text.into());
        let long = Input::Unfit("the line is too long".into());
        assert_eq!(all, [line("one"), line(""), line("zw\u{f6}"), long, line("last"), Input::End]);
    }
}
