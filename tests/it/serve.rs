//! `conclave serve` as whoever starts it sees it: what it prints, how it ends.

use std::{
    io::{BufRead, BufReader, Read},
    net::{SocketAddr, TcpListener},
    path::Path,
    process::{Child, ChildStderr, ChildStdout, Command, Output, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::{TempDir, tempdir};

use crate::support::http;

fn conclave(directory: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_conclave"));
    command.current_dir(directory).stdin(Stdio::null());
    command
}

/// A directory with `certs` as `conclave cert init` makes it.
fn deployment() -> TempDir {
    let directory = tempdir().unwrap();
    let made = conclave(directory.path()).args(["cert", "init"]).output().unwrap();
    assert!(made.status.success(), "{made:?}");
    directory
}

fn output(directory: &Path, arguments: &[&str]) -> Output {
    conclave(directory).arg("serve").args(arguments).output().unwrap()
}

/// A server that runs; ended when dropped.
struct Running {
    child: Child,
    stdout: BufReader<ChildStdout>,
    stderr: BufReader<ChildStderr>,
}

impl Running {
    fn start(directory: &Path, arguments: &[&str]) -> Self {
        let mut command = conclave(directory);
        command.arg("serve").args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let stderr = BufReader::new(child.stderr.take().unwrap());
        Self { child, stdout, stderr }
    }

    fn listening(&mut self) -> SocketAddr {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        let address = line.strip_prefix("listening on ").unwrap_or_else(|| panic!("{line:?}"));
        address.trim_end().parse().unwrap()
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    fn read_stderr_until(&mut self, words: &str) {
        let mut line = String::new();
        while !line.contains(words) {
            line.clear();
            assert_ne!(self.stderr.read_line(&mut line).unwrap(), 0, "{words:?} was not said");
        }
    }

    /// Waits for the end: the exit code, what was left on stdout, and all of stderr.
    fn end(mut self) -> (Option<i32>, String, String) {
        let (mut rest, mut stderr) = (String::new(), String::new());
        self.stderr.read_to_string(&mut stderr).unwrap();
        self.stdout.read_to_string(&mut rest).unwrap();
        (self.child.wait().unwrap().code(), rest, stderr)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn one_line_for_each_listener_and_a_clean_end() {
    let directory = deployment();
    for signal in [Signal::TERM, Signal::INT] {
        let listen = ["--listen", "127.0.0.1:0", "--listen", "127.0.0.1:0", "--history", "off", "--data", "none"];
        let mut server = Running::start(directory.path(), &listen);
        let (first, second) = (server.listening(), server.listening());
        assert!(first.port() != 0 && first != second);
        server.signal(signal);
        let (code, stdout, stderr) = server.end();
        assert_eq!((code, stdout.as_str()), (Some(0), ""), "{stderr}");
        assert!(stderr.contains("what is said is kept nowhere"), "{stderr}");
        assert!(stderr.contains("clients pin sha256:"), "{stderr}");
        assert!(!directory.path().join("conclave-data").exists());
    }
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let directory = deployment();
    let mut server = Running::start(directory.path(), &["--listen", "127.0.0.1:0"]);
    let address = server.listening();
    // Somebody who has come and does not take his goodbye: he never reads.
    let issued = conclave(directory.path()).args(["cert", "issue", "alice"]).output().unwrap();
    assert!(issued.status.success(), "{issued:?}");
    let certs = directory.path().join("certs");
    let mut openssl = Command::new("openssl")
        .args(["s_client", "-quiet", "-connect", &address.to_string(), "-cert"])
        .args([certs.join("alice.pem"), "-key".into(), certs.join("alice.key")])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut greeting = [0; 1];
    openssl.stdout.as_mut().unwrap().read_exact(&mut greeting).unwrap();
    kill_process(Pid::from_child(&openssl), Signal::STOP).unwrap();
    server.signal(Signal::INT);
    server.read_stderr_until("stopping");
    server.signal(Signal::INT);
    let (code, _, stderr) = server.end();
    openssl.kill().unwrap();
    openssl.wait().unwrap();
    assert_eq!(code, Some(130), "{stderr}");
}

#[test]
fn more_threads_and_json() {
    let directory = deployment();
    let mut server =
        Running::start(directory.path(), &["--listen", "127.0.0.1:0", "--threads", "2", "--log-format", "json"]);
    server.listening();
    server.signal(Signal::TERM);
    let (code, _, stderr) = server.end();
    assert_eq!(code, Some(0));
    assert!(stderr.contains("rooms are kept in conclave-data, and messages for 30 days"), "{stderr}");
    for line in stderr.lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(line["message"].is_string() && line["level"].is_string(), "{line}");
    }
}

#[test]
fn metrics_are_told_where_it_says() {
    let directory = deployment();
    let listen = ["--listen", "127.0.0.1:0", "--data", "none", "--metrics"];
    for (given, shown, open) in
        [("0", "127.0.0.1:", false), ("[::1]:0", "[::1]:", false), ("0.0.0.0:0", "0.0.0.0:", true)]
    {
        let mut server = Running::start(directory.path(), &[&listen[..], &[given]].concat());
        server.listening();
        let mut line = String::new();
        server.stdout.read_line(&mut line).unwrap();
        let address = line.trim_end().strip_prefix("metrics on http://").and_then(|rest| rest.strip_suffix("/metrics"));
        let address = address.unwrap_or_else(|| panic!("{line:?}"));
        assert!(address.starts_with(shown), "{address}");
        let port = address.parse::<SocketAddr>().unwrap().port();
        let here = SocketAddr::new(if given.starts_with('[') { "::1" } else { "127.0.0.1" }.parse().unwrap(), port);
        assert_eq!(http::get(here, "/healthz").status, 200);
        server.signal(Signal::TERM);
        let (code, _, stderr) = server.end();
        assert_eq!(code, Some(0), "{stderr}");
        assert_eq!(stderr.contains("to everybody who can reach it"), open, "{stderr}");
        assert!(TcpListener::bind(here).is_ok(), "the port is given back");
    }

    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let busy = output(directory.path(), &[&listen[..], &[&address]].concat());
    assert_eq!((busy.status.code(), &*busy.stdout), (Some(4), &b""[..]));
    let said = String::from_utf8_lossy(&busy.stderr);
    assert!(said.contains(&format!("--metrics: cannot listen on {address}: another program does")), "{said}");
}

#[test]
fn check_tells_what_is_wrong_and_opens_no_port() {
    let directory = deployment();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let good = output(directory.path(), &["--check", "--listen", &address]);
    assert_eq!(good.status.code(), Some(0), "{good:?}");
    assert_eq!(good.stdout, b"the configuration is good; no port was opened\n");

    let busy = output(directory.path(), &["--listen", &address]);
    assert_eq!((busy.status.code(), &*busy.stdout), (Some(4), &b""[..]));
    assert!(String::from_utf8_lossy(&busy.stderr).contains(&format!("cannot listen on {address}")), "{busy:?}");

    std::fs::write(directory.path().join("certs/server.pem"), "nothing").unwrap();
    let bad = output(directory.path(), &["--check"]);
    assert_eq!((bad.status.code(), &*bad.stdout), (Some(3), &b""[..]));
    assert!(String::from_utf8_lossy(&bad.stderr).contains("certs/server.pem"), "{bad:?}");
}
