//! Our own programs as they run, server and clients, line by line and with stdout and stderr apart.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::SocketAddr,
    path::Path,
    process::{Child, ChildStdin, Command, ExitStatus, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    thread,
    time::Instant,
};

use rustix::process::{Pid, Signal, kill_process};

use crate::support::PATIENCE;

/// The program, in this directory.
pub(crate) fn conclave(directory: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_conclave"));
    command.current_dir(directory).stdin(Stdio::null());
    command
}

/// A program that runs; ended when dropped. What it prints is collected line by line.
pub(crate) struct Running {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: Lines,
    stderr: Lines,
}

impl Running {
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let stdin = child.stdin.take();
        let stdout = Lines::of(child.stdout.take().unwrap());
        let stderr = Lines::of(child.stderr.take().unwrap());
        Self { child, stdin, stdout, stderr }
    }

    /// Starts a server.
    pub(crate) fn serve(directory: &Path, arguments: &[&str]) -> Self {
        Self::start(conclave(directory).arg("serve").args(arguments))
    }

    /// Starts a chat of the person whose certificate has this name.
    pub(crate) fn chat(directory: &Path, server: SocketAddr, name: &str, arguments: &[&str]) -> Self {
        let server = format!("localhost:{}", server.port());
        Self::start(conclave(directory).args(["chat", "--as", name, "--server", &server]).args(arguments))
    }

    /// The address in the server's next `listening on` line.
    #[track_caller]
    pub(crate) fn listening(&mut self) -> SocketAddr {
        let line = self.stdout.next(|_| true);
        let address = line.strip_prefix("listening on ").unwrap_or_else(|| panic!("{line:?}"));
        address.parse().unwrap()
    }

    /// Types a line.
    pub(crate) fn type_line(&mut self, line: &str) {
        self.type_raw(&format!("{line}\n"));
    }

    /// Types these characters.
    pub(crate) fn type_raw(&mut self, text: &str) {
        let stdin = self.stdin.as_mut().expect("the input was ended");
        stdin.write_all(text.as_bytes()).unwrap();
        stdin.flush().unwrap();
    }

    /// The next line on stdout that contains this.
    #[track_caller]
    pub(crate) fn expect(&mut self, words: &str) -> String {
        self.stdout.next_with(words, &self.stderr)
    }

    /// The next line on stderr that contains this.
    #[track_caller]
    pub(crate) fn expect_err(&mut self, words: &str) -> String {
        self.stderr.next_with(words, &self.stdout)
    }

    /// Whether it says a line that contains this, before it ends.
    pub(crate) fn says(&mut self, words: &str) -> bool {
        self.stdout.find(|line| line.contains(words)).is_some()
    }

    /// How many of the lines that were read from stdout contain this.
    pub(crate) fn times(&self, words: &str) -> usize {
        self.stdout.seen.iter().filter(|line| line.contains(words)).count()
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Ends its input and waits for the end.
    #[track_caller]
    pub(crate) fn end(mut self) -> (Option<i32>, String, String) {
        self.stdin = None;
        self.ended()
    }

    /// Waits for the end: the exit code, and all of stdout and stderr that nobody has read.
    #[track_caller]
    pub(crate) fn ended(mut self) -> (Option<i32>, String, String) {
        let status = self.wait();
        (status.code(), self.stdout.rest(), self.stderr.rest())
    }

    #[track_caller]
    fn wait(&mut self) -> ExitStatus {
        let until = now() + PATIENCE;
        // Its outputs end with it; what is left is only to collect its status.
        self.stdout.read_to_end(until);
        self.stderr.read_to_end(until);
        self.child.wait().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn now() -> Instant {
    conclave::platform::clock::monotonic()
}

/// The lines that a program prints.
struct Lines {
    receiver: Receiver<String>,
    unread: Vec<String>,
    seen: Vec<String>,
}

impl Lines {
    fn of(from: impl Read + Send + 'static) -> Self {
        let (sender, receiver) = channel();
        thread::spawn(move || {
            let mut from = BufReader::new(from);
            let mut line = Vec::new();
            while from.read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
                let text = String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']).to_owned();
                if sender.send(text).is_err() {
                    break;
                }
                line.clear();
            }
        });
        Self { receiver, unread: Vec::new(), seen: Vec::new() }
    }

    #[track_caller]
    fn next(&mut self, fits: impl Fn(&str) -> bool) -> String {
        self.find(fits).unwrap_or_else(|| panic!("nothing came but {:#?}", self.seen))
    }

    #[track_caller]
    fn next_with(&mut self, words: &str, other: &Self) -> String {
        let other: Vec<&String> = other.seen.iter().chain(&other.unread).collect();
        let found = self.find(|line| line.contains(words));
        found.unwrap_or_else(|| panic!("{words:?} did not come, but {:#?}; elsewhere {other:#?}", self.seen))
    }

    fn find(&mut self, fits: impl Fn(&str) -> bool) -> Option<String> {
        let until = now() + PATIENCE;
        loop {
            let line = self.receiver.recv_timeout(until.saturating_duration_since(now())).ok()?;
            self.seen.push(line.clone());
            if fits(&line) {
                return Some(line);
            }
        }
    }

    #[track_caller]
    fn read_to_end(&mut self, until: Instant) {
        loop {
            match self.receiver.recv_timeout(until.saturating_duration_since(now())) {
                Ok(line) => self.unread.push(line),
                Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => {
                    panic!("it does not end; it printed {:#?} {:#?}", self.seen, self.unread)
                }
            }
        }
    }

    fn rest(&mut self) -> String {
        self.unread.drain(..).fold(String::new(), |text, line| text + &line + "\n")
    }
}
