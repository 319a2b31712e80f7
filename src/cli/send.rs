//! `conclave send`: messages from a script, each acknowledged by the server before the program ends well.

use std::{
    cell::RefCell,
    collections::VecDeque,
    io::{self, IsTerminal, Write},
    time::{Duration, Instant},
};

use anyhow::{Context, anyhow};
use clap::Args as ClapArgs;
use serde::Serialize;
use tokio::{sync::mpsc, time::sleep_until};

use super::{
    access::Access,
    exit::{Exit, Failure, OrExit, note},
    json,
    online::{dial, dice, failure, on_signals, runtime, script},
    target::Target,
};
use crate::{
    client::{
        self, Core, End, Event, Input, Manner, Screen,
        commands::messages,
        pending::{Outcome, Request},
    },
    platform::{clock, stop::Stop},
    protocol::{LineLimits, refusal::Refusal, sanitize::for_terminal},
    ui::{Renderer, read_lines},
};

/// The longest line of the input. It becomes as many messages as it needs.
const INPUT: LineLimits = LineLimits { tags: 0, body: 64 * 1024 };

/// What `conclave send` is told.
#[derive(ClapArgs, Clone, Debug)]
#[command(
    after_help = "Without TEXT every line of the input is a message, sent as it comes. A line that is too long for one \
message is divided between words; empty ones are skipped. Ends with 0 only if the server has acknowledged everything, with 1 if it \
refused something, and with 4 if a message waited for too long."
)]
pub struct Args {
    #[command(flatten)]
    access: Access,

    /// Send notices: messages that no program answers
    #[arg(long, conflicts_with = "action")]
    notice: bool,

    /// Say what you do: * alice waves
    #[arg(long)]
    action: bool,

    /// Print a JSON object for each message that was acknowledged
    #[arg(long)]
    json: bool,

    /// How long a message may wait for its acknowledgement
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    timeout: u64,

    /// A room (quote it for the shell: '#ops') or a person
    #[arg(value_name = "TARGET")]
    target: Target,

    /// The message; without it, each line of the input is one
    #[arg(value_name = "TEXT", trailing_var_arg = true)]
    text: Vec<String>,
}

/// Sends everything.
pub fn run(args: Args) -> Result<Exit, Failure> {
    let manner = match (args.notice, args.action) {
        (true, _) => Manner::Notice,
        (_, true) => Manner::Action,
        _ => Manner::Text,
    };
    let text = args.text.join(" ");
    if !args.text.is_empty() && text.trim().is_empty() {
        return Err(anyhow!("there is no text to send")).or_exit(Exit::Usage);
    }
    let trust = args.access.resolve()?;
    let dial = dial(&trust)?;
    let options = script(&trust, "send", Vec::new())?;
    let timeout = Duration::from_secs(args.timeout);

    let waiting = RefCell::default();
    let mut post = Post::new(args.target.to_string(), manner, args.json, &waiting);
    if args.text.is_empty() {
        if io::stdin().is_terminal() {
            note("-- each line that you type is a message; Ctrl-D ends");
        }
        post.input = Some(read_lines(io::BufReader::new(io::stdin()), INPUT).context("cannot read the input")?);
    } else {
        text.lines().for_each(|line| post.take(line));
    }
    let runtime = runtime()?;
    let ended = runtime.block_on(async {
        let stop = Stop::new();
        on_signals(&stop).context("cannot listen to signals")?;
        let (mut core, mut dial) = (Core::new(options), dial);
        tokio::select! {
            ended = client::run(&mut core, &mut dial, &mut post, &stop, dice) => ended.map_err(failure),
            () = overdue(&waiting, timeout) => {
                let count = waiting.borrow().len();
                let what = if count == 1 { "a message was".into() } else { format!("{count} messages were") };
                let error = anyhow!("{what} not acknowledged within {} s", timeout.as_secs());
                Err(error).or_exit(Exit::Network)
            }
        }
    });
    // A name server that does not answer holds a thread; it is not waited for.
    runtime.shutdown_background();
    match ended? {
        End::Interrupted => Ok(Exit::Interrupted),
        End::Quit if post.refused > 0 => Err(match (post.refused, post.given) {
            (1, 1) => anyhow!("the message was not sent"),
            (refused, given) => anyhow!("{refused} of {given} messages were not sent"),
        })
        .or_exit(Exit::Failure),
        End::Quit => Ok(Exit::Ok),
    }
}

/// Waits until a message has waited too long.
async fn overdue(waiting: &RefCell<VecDeque<Instant>>, timeout: Duration) {
    loop {
        let oldest = waiting.borrow().front().copied();
        let until = oldest.unwrap_or_else(clock::monotonic) + timeout;
        sleep_until(until.into()).await;
        // Meanwhile that one may have been answered, and another be the oldest.
        if waiting.borrow().front().is_some_and(|&since| since + timeout <= clock::monotonic()) {
            return;
        }
    }
}

/// The messages on their way, and what comes of them.
struct Post<'a> {
    to: String,
    manner: Manner,
    json: bool,
    /// Cut and not yet given to the client.
    ready: VecDeque<Request>,
    input: Option<mpsc::Receiver<Input>>,
    line: u64,
    /// Since when each that was given waits. Answers come in the order of the messages.
    waiting: &'a RefCell<VecDeque<Instant>>,
    given: u64,
    refused: u64,
    /// Nobody reads what was acknowledged.
    unread: bool,
}

#[derive(Serialize)]
struct Acknowledged<'a> {
    msgid: Option<&'a str>,
    time: Option<String>,
    target: &'a str,
    text: &'a str,
}

impl<'a> Post<'a> {
    fn new(to: String, manner: Manner, json: bool, waiting: &'a RefCell<VecDeque<Instant>>) -> Self {
        let (ready, input) = (VecDeque::new(), None);
        Self { to, manner, json, ready, input, line: 0, waiting, given: 0, refused: 0, unread: false }
    }

    /// A line that is to be sent; empty ones are skipped.
    fn take(&mut self, text: &str) {
        if !text.trim().is_empty() {
            self.ready.extend(messages(&self.to, self.manner, text));
        }
    }

    fn not_sent(&mut self, what: &str, why: &str) {
        self.refused += 1;
        note(format_args!("conclave: {} was not sent: {}", for_terminal(what), for_terminal(why)));
    }

    fn acknowledged(&mut self, outcome: &Outcome) -> io::Result<()> {
        let (id, time) = match &outcome.echo {
            Some(echo) => (echo.id.as_deref(), Some(json::time(echo.at))),
            None => (None, None),
        };
        let line = Acknowledged { msgid: id, time, target: &self.to, text: &outcome.request.typed };
        let line = json::line(&line)?;
        let mut stdout = io::stdout().lock();
        match stdout.write_all(line.as_bytes()).and_then(|()| stdout.flush()) {
            // That nobody reads it takes nothing from the messages.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => self.unread = true,
            written => written?,
        }
        Ok(())
    }
}

impl Screen for Post<'_> {
    async fn input(&mut self) -> Input {
        loop {
            if let Some(request) = self.ready.pop_front() {
                self.given += 1;
                self.waiting.borrow_mut().push_back(clock::monotonic());
                return Input::Ask(request);
            }
            let Some(input) = &mut self.input else { return Input::End };
            let came = input.recv().await;
            self.line += 1;
            match came {
                Some(Input::Line(text)) => self.take(&text),
                Some(Input::Unfit(why)) => {
                    self.given += 1;
                    self.not_sent(&format!("line {}", self.line), &why);
                }
                _ => self.input = None,
            }
        }
    }

    fn answered(&mut self, outcome: &Outcome) -> io::Result<()> {
        self.waiting.borrow_mut().pop_front();
        match &outcome.refused {
            Some(reason) => self.not_sent(&short(&outcome.request.typed), &advice(&self.to, reason)),
            None if self.json && !self.unread => self.acknowledged(outcome)?,
            None => {}
        }
        Ok(())
    }

    fn show(&mut self, _: &Event) -> io::Result<()> {
        Ok(())
    }

    fn pending(&mut self, _: usize, _: &str) -> io::Result<()> {
        Ok(())
    }

    fn note(&mut self, text: &str) -> io::Result<()> {
        note(Renderer::note(text).trim_end());
        Ok(())
    }

    fn status(&mut self, _: Option<&str>, _: bool) -> io::Result<()> {
        Ok(())
    }
}

/// Enough of a message to know it again.
fn short(text: &str) -> String {
    const MOST: usize = 40;
    match text.char_indices().nth(MOST) {
        Some((at, _)) => format!("\"{}…\"", &text[..at]),
        None => format!("\"{text}\""),
    }
}

/// A refusal with what to do here: the server's words are for somebody in a chat.
fn advice(to: &str, reason: &str) -> String {
    let is = |refusal: Refusal| refusal.sentence().eq_ignore_ascii_case(reason);
    if is(Refusal::CannotSpeak(to.into())) {
        format!(
            "only members speak in {to}; become one with: conclave chat --join '{to}' (if you are one, ask its operators)"
        )
    } else if is(Refusal::NoSuchRoom(to.into())) {
        format!("there is no room {to}; make it with: conclave chat --join '{to}'")
    } else if is(Refusal::NoSuchNick(to.into())) {
        format!("nobody is known as {to}: nobody of that name has a certificate, or was ever here")
    } else {
        reason.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_tell_what_to_do_in_a_shell() {
        let check = |reason: &str, words: &str| assert!(advice("#ops", reason).contains(words), "{reason}");
        check("you cannot speak in #Ops; /join #Ops first, or ask its operators", "conclave chat --join '#ops'");
        check(&Refusal::NoSuchRoom("#ops".into()).sentence(), "make it with: conclave chat --join '#ops'");
        check("the house is on fire", "the house is on fire");
    }

    #[test]
    fn a_text_is_quoted_at_a_length_that_can_be_read() {
        assert_eq!(short("hi"), "\"hi\"");
        assert_eq!(short(&"\u{e9}".repeat(41)), format!("\"{}…\"", "\u{e9}".repeat(40)));
    }

    #[tokio::test(start_paused = true)]
    async fn the_oldest_message_decides_when_it_is_too_late() {
        let start = clock::monotonic();
        let waiting = RefCell::new(VecDeque::from([start]));
        tokio::select! {
            () = overdue(&waiting, Duration::from_secs(30)) => {}
            () = tokio::time::sleep(Duration::from_secs(31)) => panic!("nobody has noticed"),
        }
        assert!(clock::monotonic() - start >= Duration::from_secs(30));
        waiting.borrow_mut().clear();
        tokio::select! {
            () = overdue(&waiting, Duration::from_secs(30)) => panic!("nothing waits"),
            () = tokio::time::sleep(Duration::from_secs(300)) => {}
        }
    }
}
