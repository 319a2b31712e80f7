//! The chat on a terminal, line by line, with the typed line kept whole below it.
//!
//! The terminal is in raw mode while a [`Terminal`] exists, and what it was before when it is gone or
//! the program is suspended.

use std::io::{self, IsTerminal, Write};

use crossterm::{
    cursor::MoveToColumn,
    event::{self, DisableBracketedPaste, EnableBracketedPaste, Event as Happening, KeyEventKind},
    execute, queue,
    style::Print,
    terminal::{self, Clear, ClearType},
};
use tokio::sync::mpsc;
use unicode_width::UnicodeWidthStr;

use super::{
    editor::{Editor, Pressed},
    render::Renderer,
    wrap::wrap,
};
use crate::{
    client::{Event, Input, Screen},
    protocol::sanitize::for_terminal,
};

/// A person at a terminal.
#[derive(Debug)]
pub struct Terminal {
    renderer: Renderer,
    editor: Editor,
    prompt: String,
    keys: mpsc::Receiver<Happening>,
    suspend: Suspend,
    /// Gives the terminal back. Dropped last.
    raw: Raw,
}

/// Stops the program until it is continued.
type Suspend = fn() -> io::Result<()>;

/// Whether both ends are a terminal that can be drawn on.
fn is_usable() -> bool {
    let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    io::stdin().is_terminal() && io::stdout().is_terminal() && !dumb
}

impl Terminal {
    /// Takes the terminal over; `None` where there is none that can be drawn on. `suspend` is what
    /// Ctrl-Z does once the terminal is given back.
    pub fn open(renderer: Renderer, suspend: Suspend) -> io::Result<Option<Self>> {
        if !is_usable() {
            return Ok(None);
        }
        let raw = Raw::enter()?;
        let (sender, keys) = mpsc::channel(64);
        // A thread, since waiting for a key cannot be called off; it ends with the program.
        std::thread::Builder::new().name("keys".into()).spawn(move || {
            while let Ok(happening) = event::read() {
                if sender.blocking_send(happening).is_err() {
                    break;
                }
            }
        })?;
        let editor = Editor::default();
        Ok(Some(Self { renderer, editor, prompt: String::new(), keys, suspend, raw }))
    }

    /// Puts lines above the typed one.
    fn above(&self, out: &mut impl Write, text: &str) -> io::Result<()> {
        execute!(io::stdout(), MoveToColumn(0), Clear(ClearType::FromCursorDown))?;
        // In raw mode a line feed only goes down.
        out.write_all(wrap(text, columns()).replace('\n', "\r\n").as_bytes())?;
        out.flush()?;
        self.draw()
    }

    /// Tells what is not the chat itself: above the typed line too, unless it goes elsewhere.
    fn tell(&self, text: &str) -> io::Result<()> {
        let mut stderr = io::stderr();
        if stderr.is_terminal() {
            return self.above(&mut stderr, text);
        }
        // Whoever closed stderr does not want to hear it.
        let _ = stderr.write_all(text.as_bytes());
        Ok(())
    }

    /// Gives the terminal back, stops, and takes it over again.
    fn suspend(&self) -> io::Result<()> {
        self.raw.leave();
        let stopped = (self.suspend)();
        self.raw.take()?;
        stopped?;
        self.draw()
    }

    fn draw(&self) -> io::Result<()> {
        let columns = columns();
        let prompt = if self.prompt.width() + 10 < columns { self.prompt.as_str() } else { "> " };
        let (text, cursor) = self.editor.window(columns.saturating_sub(prompt.width()));
        let mut stdout = io::stdout().lock();
        // A column is no more than the columns, which are 16 bits.
        let column = u16::try_from(prompt.width() + cursor).unwrap_or(u16::MAX);
        queue!(
            stdout,
            MoveToColumn(0),
            Print(prompt),
            Print(text),
            Clear(ClearType::UntilNewLine),
            MoveToColumn(column)
        )?;
        stdout.flush()
    }
}

impl Screen for Terminal {
    async fn input(&mut self) -> Input {
        loop {
            let Some(happening) = self.keys.recv().await else { return Input::Interrupt };
            let pressed = match happening {
                Happening::Key(key) if key.kind != KeyEventKind::Release => self.editor.press(key),
                Happening::Paste(text) => {
                    self.editor.paste(&text);
                    Pressed::Changed
                }
                Happening::Resize(..) => Pressed::Changed,
                _ => Pressed::Nothing,
            };
            let drawn = match pressed {
                Pressed::Nothing => Ok(()),
                Pressed::Changed => self.draw(),
                Pressed::Clear => execute!(io::stdout(), Clear(ClearType::All), crossterm::cursor::MoveTo(0, 0))
                    .and_then(|()| self.draw()),
                Pressed::Suspend => self.suspend(),
                Pressed::Interrupt => return Input::Interrupt,
                Pressed::End => return Input::End,
                Pressed::Line(line) => {
                    // What was typed is shown again by the server's echo, or as pending.
                    if self.draw().is_err() {
                        return Input::Interrupt;
                    }
                    return Input::Line(line);
                }
            };
            if drawn.is_err() {
                return Input::Interrupt;
            }
        }
    }

    fn show(&mut self, event: &Event) -> io::Result<()> {
        let text = self.renderer.event(event);
        self.above(&mut io::stdout(), &text)
    }

    fn pending(&mut self, place: usize, typed: &str) -> io::Result<()> {
        self.tell(&Renderer::pending(place, typed))
    }

    fn note(&mut self, text: &str) -> io::Result<()> {
        self.tell(&Renderer::note(text))
    }

    fn status(&mut self, room: Option<&str>, connected: bool) -> io::Result<()> {
        let prompt = match (room.map(for_terminal), connected) {
            (Some(room), true) => format!("{room}> "),
            (Some(room), false) => format!("(offline) {room}> "),
            (None, true) => "(no room)> ".into(),
            (None, false) => "(offline)> ".into(),
        };
        if prompt == self.prompt {
            return Ok(());
        }
        self.prompt = prompt;
        self.draw()
    }
}

/// How wide the terminal is; 80 columns where it does not tell.
fn columns() -> usize {
    terminal::size().ok().map(|(columns, _)| usize::from(columns)).filter(|columns| *columns > 0).unwrap_or(80)
}

/// The terminal's raw mode.
#[derive(Debug)]
struct Raw;

impl Raw {
    fn enter() -> io::Result<Self> {
        // Dropping it gives the terminal back, also when not all could be taken.
        let raw = Self;
        raw.take()?;
        Ok(raw)
    }

    fn take(&self) -> io::Result<()> {
        terminal::enable_raw_mode()?;
        execute!(io::stdout(), EnableBracketedPaste)
    }

    fn leave(&self) {
        // There is nobody to tell.
        let _ = execute!(io::stdout(), DisableBracketedPaste, MoveToColumn(0), Clear(ClearType::UntilNewLine));
        let _ = terminal::disable_raw_mode();
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        self.leave();
    }
}
