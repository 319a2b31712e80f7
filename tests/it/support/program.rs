//! Another program under test: its output is waited for, its end is certain.

use std::{
    io::{Read, Write},
    path::Path,
    process::{Child, ChildStdin, Command, ExitStatus, Stdio},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use conclave::platform::clock;
use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use super::PATIENCE;

/// A running program with all that it starts; killed when dropped.
pub(crate) struct Program {
    name: String,
    child: Child,
    stdin: Option<ChildStdin>,
    output: Arc<Output>,
}

#[derive(Default)]
struct Output {
    inner: Mutex<Heard>,
    more: Condvar,
}

/// What the program has said on both ways.
#[derive(Default)]
struct Heard {
    text: String,
    ended: usize,
}

impl Program {
    pub(crate) fn start(name: &str, command: &mut Command) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // A group of its own, so that all of it can be ended.
        std::os::unix::process::CommandExt::process_group(command, 0);
        let mut child = command.spawn().unwrap_or_else(|error| {
            panic!("{name} cannot be started ({error}); scripts/test.sh installs what the tests need")
        });
        let output = Arc::<Output>::default();
        for pipe in [
            child.stdout.take().map(|pipe| Box::new(pipe) as Box<dyn Read + Send>),
            child.stderr.take().map(|pipe| Box::new(pipe) as Box<dyn Read + Send>),
        ] {
            let (output, mut pipe) = (Arc::clone(&output), pipe.unwrap());
            thread::spawn(move || {
                let mut buffer = [0; 4096];
                while let Ok(length @ 1..) = pipe.read(&mut buffer) {
                    output.lock().text.push_str(&String::from_utf8_lossy(&buffer[..length]));
                    output.more.notify_all();
                }
                output.lock().ended += 1;
                output.more.notify_all();
            });
        }
        Self { name: name.into(), stdin: child.stdin.take(), child, output }
    }

    pub(crate) fn openssl(arguments: &[&str], files: &[(&str, &Path)]) -> Self {
        let mut command = Command::new("openssl");
        command.args(arguments);
        for (flag, file) in files {
            command.arg(flag).arg(file);
        }
        Self::start("openssl", &mut command)
    }

    /// `conclave` itself.
    pub(crate) fn conclave(arguments: &[&str], files: &[(&str, &Path)]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_conclave"));
        command.args(arguments);
        for (flag, file) in files {
            command.arg(flag).arg(file);
        }
        Self::start("conclave", &mut command)
    }

    pub(crate) fn send(&mut self, line: &str) {
        let stdin = self.stdin.as_mut().expect("the input is closed");
        // That it is gone shows in what it says.
        let _ = stdin.write_all(format!("{line}\n").as_bytes()).and_then(|()| stdin.flush());
    }

    /// All that was said until now.
    pub(crate) fn said(&self) -> String {
        self.output.lock().text.clone()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits until the program has said this; gives all that it said.
    #[track_caller]
    pub(crate) fn expect(&self, words: &str) -> String {
        let heard = self.wait(|heard| heard.text.contains(words) || heard.ended == 2);
        assert!(heard.contains(words), "{} did not say: {words}\n{heard}", self.name);
        heard
    }

    /// Waits until the program has ended; gives how, and all that it said.
    #[track_caller]
    pub(crate) fn end(mut self) -> (ExitStatus, String) {
        let heard = self.wait(|heard| heard.ended == 2);
        assert!(self.output.lock().ended == 2, "{} does not end\n{heard}", self.name);
        // Its output is closed: it has nothing left to do.
        (self.child.wait().unwrap(), heard)
    }

    fn wait(&self, enough: impl Fn(&Heard) -> bool) -> String {
        let deadline = clock::monotonic() + PATIENCE;
        let mut heard = self.output.lock();
        while !enough(&heard) {
            let left = deadline.saturating_duration_since(clock::monotonic());
            if left == Duration::ZERO {
                break;
            }
            heard = self.output.more.wait_timeout(heard, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        heard.text.clone()
    }
}

impl Output {
    fn lock(&self) -> MutexGuard<'_, Heard> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended by itself; what it has started may not.
        let _ = kill_process_group(Pid::from_child(&self.child), Signal::KILL);
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
