//! Other people's programs and ours in one conversation: two `conclave chat`, an `openssl s_client`,
//! a WeeChat and an irssi, each with its own certificate, each verifying the server.
//!
//! The settings of WeeChat and irssi are written by hand here; those of `conclave export` are in `export`.

use std::{
    env, fs,
    fs::OpenOptions,
    io::Write,
    net::SocketAddr,
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    process::Command,
};

use rustix::{fs::OFlags, process::Signal};

use crate::support::{Deployment, Pair, Program, until, until_or};

/// Set by `scripts/test.sh --without-peers`.
const WITHOUT: &str = "CONCLAVE_TEST_WITHOUT_PEERS";

/// Somebody in the conversation.
pub(crate) struct Someone {
    pub(crate) name: &'static str,
    pub(crate) program: Program,
    kind: Kind,
}

/// How a program is told what to say, and where it shows what it sees.
pub(crate) enum Kind {
    /// Lines in, lines out.
    Lines,
    /// Commands through its FIFO, and its log files.
    WeeChat { fifo: PathBuf, logs: PathBuf },
    /// Commands typed at its terminal, and its log files.
    Irssi { logs: PathBuf },
}

impl Someone {
    /// Types a command, which is the same for all of them.
    pub(crate) fn types(&mut self, line: &str) {
        match &self.kind {
            Kind::Lines => self.program.send(line),
            Kind::Irssi { .. } => self.program.send(line),
            Kind::WeeChat { fifo, .. } => {
                until("WeeChat reads its FIFO", || {
                    // Without NONBLOCK this would wait for ever where nobody reads.
                    let open = OpenOptions::new().write(true).custom_flags(OFlags::NONBLOCK.bits() as i32).open(fifo);
                    open.and_then(|mut fifo| fifo.write_all(format!("irc.server.conclave *{line}\n").as_bytes()))
                        .is_ok()
                });
            }
        }
    }

    fn says(&mut self, text: &str) {
        match self.kind {
            Kind::Lines => self.types(text),
            _ => self.types(&format!("/msg #lobby {text}")),
        }
    }

    /// All that it has shown of the room, of its talk with one person, or (no place) of the server.
    pub(crate) fn shown(&self, place: &str) -> String {
        let read = |path: PathBuf| fs::read_to_string(path).unwrap_or_default();
        match &self.kind {
            Kind::Lines => self.program.said(),
            Kind::WeeChat { logs, .. } if place.is_empty() => read(logs.join("irc.server.conclave.weechatlog")),
            Kind::WeeChat { logs, .. } => read(logs.join(format!("irc.conclave.{place}.weechatlog"))),
            Kind::Irssi { logs } => read(logs.join(format!("{place}.log"))),
        }
    }

    fn sees(&self, from: &str, place: &str, text: &str) {
        let line = match &self.kind {
            Kind::Lines if place.starts_with('#') => format!("{place} <{from}> {text}\n"),
            Kind::Lines => format!("{from} -> you: {text}\n"),
            Kind::WeeChat { .. } => format!("\t{from}\t{text}\n"),
            Kind::Irssi { .. } => format!("{from}> {text}\n"),
        };
        until_or(
            || self.shown(place).replace('\r', "").contains(&line),
            || format!("{} sees in {place}: {line:?}\n{}", self.name, self.shown(place)),
        );
    }
}

fn chat(deployment: &Deployment, address: SocketAddr, name: &'static str) -> Someone {
    let (certs, server) = (deployment.path(""), format!("localhost:{}", address.port()));
    let program = Program::conclave(&["chat", "--as", name, "--server", &server], &[("--certs", &certs)]);
    Someone { name, program, kind: Kind::Lines }
}

fn openssl(deployment: &Deployment, address: SocketAddr, name: &'static str) -> Someone {
    let (pair, authority) = (deployment.issue(name), deployment.directory().ca_certificate());
    let server = format!("localhost:{}", address.port());
    let arguments =
        ["s_client", "-quiet", "-connect", &server, "-verify_return_error", "-verify_hostname", "localhost"];
    let files = [("-CAfile", &*authority), ("-cert", &*pair.certificate), ("-key", &*pair.key)];
    let mut program = Program::openssl(&arguments, &files);
    program.expect("You are carol");
    program.send("");
    Someone { name, program, kind: Kind::Lines }
}

/// The version of WeeChat decides how its options are called: `ssl` before 4.0, `tls` since.
fn tls_of_weechat() -> &'static str {
    let version = Command::new("weechat-headless").arg("--version").output();
    let version = version.unwrap_or_else(|error| {
        panic!("weechat-headless cannot be started ({error}); scripts/test.sh installs what the tests need")
    });
    if version.stdout.starts_with(b"3.") { "ssl" } else { "tls" }
}

pub(crate) fn weechat(home: &Path, authority: &Path, pair: &Pair, address: SocketAddr, name: &'static str) -> Someone {
    fs::create_dir(home).unwrap();
    // One file with both.
    let both = home.join("both.pem");
    fs::write(&both, [fs::read(&pair.certificate).unwrap(), fs::read(&pair.key).unwrap()].concat()).unwrap();
    fs::set_permissions(&both, fs::Permissions::from_mode(0o600)).unwrap();
    let (fifo, logs, tls) = (home.join("fifo"), home.join("logs"), tls_of_weechat());
    let no_flood = if tls == "ssl" { "anti_flood_prio_high" } else { "anti_flood" };
    let mut command = Command::new("weechat-headless");
    command.arg("--dir").arg(home).env("LC_ALL", "C.UTF-8");
    for line in [
        format!("/set weechat.network.gnutls_ca_user {}", authority.display()),
        format!("/server add conclave localhost/{} -{tls} -username={name}@weechat -autojoin=#lobby", address.port()),
        format!("/set irc.server.conclave.{tls}_cert {}", both.display()),
        "/set irc.server.conclave.sasl_mechanism external".to_owned(),
        // What only the test needs: its files, and not to wait between lines.
        format!("/set irc.server_default.{no_flood} 0"),
        format!("/set fifo.file.path {}", fifo.display()),
        "/set logger.file.flush_delay 0".to_owned(),
        "/connect conclave".to_owned(),
    ] {
        command.args(["-r", &line]);
    }
    Someone { name, program: Program::start("weechat-headless", &mut command), kind: Kind::WeeChat { fifo, logs } }
}

pub(crate) fn irssi(home: &Path, authority: &Path, pair: &Pair, address: SocketAddr, name: &'static str) -> Someone {
    fs::create_dir(home).unwrap();
    let logs = home.join("log");
    let startup = [
        format!("/network add -sasl_mechanism EXTERNAL -user {name}@irssi conclave"),
        format!(
            "/server add -network conclave -tls -tls_verify -tls_cafile {} -tls_cert {} -tls_pkey {} localhost {}",
            authority.display(),
            pair.certificate.display(),
            pair.key.display(),
            address.port()
        ),
        "/channel add -auto #lobby conclave".to_owned(),
        // What only the test needs: its log, and not to wait between lines.
        format!("/set autolog_path {}/$$0.log", logs.display()),
        "/set autolog on".to_owned(),
        "/set cmd_queue_speed 10msecs".to_owned(),
        "/set cmds_max_at_once 100".to_owned(),
        "/connect conclave".to_owned(),
    ];
    fs::write(home.join("startup"), startup.join("\n") + "\n").unwrap();
    // irssi wants a terminal: script(1) gives it one, and passes on what is typed.
    let irssi = format!("stty rows 40 cols 150 && exec irssi --home={}", home.display());
    assert!(
        Command::new("irssi").arg("--version").output().is_ok(),
        "irssi cannot be started; scripts/test.sh installs what the tests need"
    );
    let mut command = Command::new("script");
    command.args(["-qfec", &irssi, "/dev/null"]).env("TERM", "xterm").env("LC_ALL", "C.UTF-8");
    Someone { name, program: Program::start("irssi", &mut command), kind: Kind::Irssi { logs } }
}

#[expect(clippy::print_stdout, reason = "whoever leaves tests out is told so")]
pub(crate) fn left_out() -> bool {
    let left_out = env::var_os(WITHOUT).is_some_and(|value| value == "1");
    if left_out {
        println!("left out, as {WITHOUT}=1 says: what needs WeeChat, irssi, socat and IRC libraries");
    }
    left_out
}

pub(crate) fn serve(deployment: &Deployment) -> (Program, SocketAddr) {
    let certs = deployment.path("");
    let server = Program::conclave(&["serve", "--listen", "127.0.0.1:0", "--data", "none"], &[("--certs", &certs)]);
    let said = server.expect("listening on 127.0.0.1:");
    let address = said.split_once("listening on ").unwrap().1.lines().next().unwrap().parse().unwrap();
    (server, address)
}

#[test]
fn everybody_hears_everybody() {
    if left_out() {
        return;
    }
    let deployment = Deployment::new();
    let (server, address) = serve(&deployment);
    let authority = deployment.directory().ca_certificate();
    for name in ["alice", "bob"] {
        deployment.issue(name);
    }
    let (dave, erin) = (deployment.issue("dave"), deployment.issue("erin"));

    let alice = chat(&deployment, address, "alice");
    alice.program.expect("#lobby -!- alice joined");
    let mut people = vec![
        alice,
        chat(&deployment, address, "bob"),
        openssl(&deployment, address, "carol"),
        weechat(&deployment.root().join("weechat"), &authority, &dave, address, "dave"),
        irssi(&deployment.root().join("irssi"), &authority, &erin, address, "erin"),
    ];
    for someone in &people[1..] {
        people[0].program.expect(&format!("#lobby -!- {} joined", someone.name));
    }

    let names: Vec<&str> = people.iter().map(|someone| someone.name).collect();
    for (n, name) in names.iter().enumerate() {
        let text = format!("hello from {name}, größer 😀");
        people[n].says(&text);
        for other in people.iter().filter(|other| other.name != *name) {
            other.sees(name, "#lobby", &text);
        }
    }
    for from in 0..people.len() {
        for to in (0..people.len()).filter(|to| *to != from) {
            let text = format!("psst {}, {} here", names[to], names[from]);
            people[from].types(&format!("/msg {} {text}", names[to]));
            people[to].sees(names[from], names[from], &text);
        }
    }
    // What was said to one was said to no other.
    for someone in &people {
        for from in names.iter().chain(&["#lobby"]) {
            let shown = someone.shown(from);
            for (to, of) in names.iter().flat_map(|to| names.iter().map(move |of| (to, of))) {
                let theirs = format!("psst {to}, {of} here");
                assert!([*to, *of].contains(&someone.name) || !shown.contains(&theirs), "{}: {theirs}", someone.name);
            }
        }
    }

    // The server says goodbye to whoever is left; who leaves by himself is seen to.
    for name in ["erin", "dave", "carol", "bob"] {
        let mut leaving = people.pop().unwrap();
        assert_eq!(leaving.name, name);
        leaving.types("/quit");
        let (status, said) = leaving.program.end();
        assert!(status.success(), "{name}: {status}\n{said}");
        people[0].program.expect(&format!("-!- {name} disconnected"));
    }
    server.signal(Signal::TERM);
    let (status, said) = server.end();
    assert!(status.success(), "{said}");
    people[0].program.expect("The server is shutting down");
}

/// With these settings a server that is another one is not talked to.
#[test]
fn they_verify_the_server() {
    if left_out() {
        return;
    }
    let (ours, theirs) = (Deployment::new(), Deployment::new());
    let (server, address) = serve(&theirs);
    let authority = ours.directory().ca_certificate();
    let (dave, erin) = (theirs.issue("dave"), theirs.issue("erin"));
    let dave = weechat(&ours.root().join("weechat"), &authority, &dave, address, "dave");
    let erin = irssi(&ours.root().join("irssi"), &authority, &erin, address, "erin");
    let Kind::WeeChat { logs, .. } = &dave.kind else { unreachable!() };
    let log = logs.join("irc.server.conclave.weechatlog");
    until_or(
        || fs::read_to_string(&log).unwrap_or_default().contains("certificate is NOT trusted"),
        || fs::read_to_string(&log).unwrap_or_default(),
    );
    erin.program.expect("Could not verify TLS servers certificate");
    // OpenSSL looks at the certificate when the handshake is over: the server saw one come, and go.
    server.expect("disconnected");
    assert_eq!((&*dave.shown("#lobby"), &*erin.shown("#lobby")), ("", ""));
}
