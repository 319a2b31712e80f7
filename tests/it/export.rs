//! The settings of `conclave export`, given to the clients that they are for.

use std::{
    fs::{self, OpenOptions},
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    process::Command,
};

use rustix::fs::OFlags;

use crate::{
    peers::{left_out, serve},
    programs::{Running, conclave},
    support::{Deployment, Program, until, until_or},
};

/// A folder whose name means something in every syntax, with one person's files.
fn odd_folder(deployment: &Deployment, name: &str) -> PathBuf {
    let folder = deployment.root().join("it's \"odd\" $x;y ${z} \\b, (c) [d]!");
    fs::create_dir_all(&folder).unwrap();
    let pair = deployment.issue(name);
    let directory = deployment.directory();
    for file in [&pair.certificate, &pair.key, &directory.ca_certificate(), &directory.server_certificate()] {
        let to = folder.join(file.file_name().unwrap());
        fs::copy(file, &to).unwrap();
        fs::set_permissions(&to, fs::metadata(file).unwrap().permissions()).unwrap();
    }
    folder
}

/// What export prints, and what it says beside that.
#[track_caller]
fn export(client: &str, folder: &Path, address: SocketAddr, arguments: &[&str]) -> (String, String) {
    let server = format!("localhost:{}", address.port());
    let mut command = conclave(folder.parent().unwrap());
    let output = command.args(["export", client, "--server", &server, "--certs"]).arg(folder).args(arguments).output();
    let output = output.unwrap();
    let text = |octets| String::from_utf8(octets).unwrap();
    let (stdout, stderr) = (text(output.stdout), text(output.stderr));
    assert!(output.status.success(), "{stderr}");
    (stdout, stderr)
}

/// A WeeChat into which lines are pasted.
struct WeeChat {
    program: Program,
    home: PathBuf,
}

impl WeeChat {
    fn start(home: PathBuf) -> Self {
        fs::create_dir(&home).unwrap();
        let mut command = Command::new("weechat-headless");
        command.arg("--dir").arg(&home).env("LC_ALL", "C.UTF-8");
        let fifo = format!("/set fifo.file.path {}", home.join("fifo").display());
        command.args(["-r", &fifo, "-r", "/set logger.file.flush_delay 0"]);
        Self { program: Program::start("weechat-headless", &mut command), home }
    }

    fn paste(&self, text: &str) {
        for line in text.lines() {
            until("WeeChat reads its FIFO", || {
                let mut open = OpenOptions::new();
                let fifo = open.write(true).custom_flags(OFlags::NONBLOCK.bits() as i32).open(self.home.join("fifo"));
                fifo.and_then(|mut fifo| fifo.write_all(format!("core.weechat *{line}\n").as_bytes())).is_ok()
            });
        }
    }

    #[track_caller]
    fn shows(&self, place: &str, words: &str) {
        let read = || {
            let log = self.home.join(format!("logs/irc.{place}.weechatlog"));
            fs::read_to_string(log).unwrap_or_default()
        };
        until_or(|| read().contains(words), || format!("{words:?} in {}", read()));
    }
}

/// An irssi at whose terminal lines are typed.
fn irssi(home: &Path) -> Program {
    fs::create_dir(home).unwrap();
    let irssi = format!("stty rows 40 cols 150 && exec irssi --home={}", home.display());
    let mut command = Command::new("script");
    command.args(["-qfec", &irssi, "/dev/null"]).env("TERM", "xterm").env("LC_ALL", "C.UTF-8");
    let program = Program::start("irssi", &mut command);
    program.expect("[(status)]");
    program
}

#[test]
fn weechat_takes_its_settings() {
    if left_out() {
        return;
    }
    let deployment = Deployment::new();
    let (_server, address) = serve(&deployment);
    deployment.issue("alice");
    let mut alice = Running::chat(deployment.root(), address, "alice", &[]);
    alice.expect("#lobby -!- here: ");
    let folder = odd_folder(&deployment, "dave");
    let (by_certificate, notes) = export("weechat", &folder, address, &["--as", "dave"]);
    let both = folder.join("dave-both.pem");
    assert!(notes.contains("-- made ") && fs::metadata(&both).unwrap().permissions().mode() & 0o777 == 0o600);
    let weechat = WeeChat::start(deployment.root().join("weechat"));
    weechat.paste(&by_certificate);
    alice.expect("#lobby -!- dave joined");
    weechat.shows("server.conclave", "certificate fingerprint matches");
    weechat.shows("server.conclave", "SASL authentication successful");
    weechat.paste("/quit");
    weechat.program.end();
    alice.expect("#lobby -!- dave disconnected");

    // The authority instead; its file's name must not mean anything either.
    let arguments = ["--as", "dave", "--by-authority", "--network", "other"];
    let (by_authority, notes) = export("weechat", &folder, address, &arguments);
    assert!(!notes.contains("-- made "), "{notes}");
    let weechat = WeeChat::start(deployment.root().join("second"));
    weechat.paste(&by_authority);
    alice.expect("#lobby -!- dave joined");
    weechat.shows("server.other", "certificate is trusted");

    // Another server, with the certificate of its own.
    let theirs = Deployment::new();
    let (_other, elsewhere) = serve(&theirs);
    let (text, _) = export("weechat", &folder, elsewhere, &["--as", "dave", "--network", "third"]);
    weechat.paste(&text);
    weechat.shows("server.third", "certificate fingerprint does NOT match");
}

#[test]
fn irssi_takes_its_settings() {
    if left_out() {
        return;
    }
    let deployment = Deployment::new();
    let (_server, address) = serve(&deployment);
    deployment.issue("alice");
    let mut alice = Running::chat(deployment.root(), address, "alice", &[]);
    alice.expect("#lobby -!- here: ");
    let folder = odd_folder(&deployment, "erin");
    let (text, _) = export("irssi", &folder, address, &["--as", "erin"]);
    let mut first = irssi(&deployment.root().join("first"));
    text.lines().for_each(|line| first.send(line));
    alice.expect("#lobby -!- erin joined");
    first.send("/msg #lobby hello from irssi");
    alice.expect("#lobby <erin> hello from irssi");
    first.send("/quit");
    first.end();
    alice.expect("#lobby -!- erin disconnected");

    // Without the authority, the pin alone; and the pin of another server.
    fs::remove_file(folder.join("ca.pem")).unwrap();
    let (text, _) = export("irssi", &folder, address, &["--as", "erin"]);
    assert!(text.contains("-notls_verify"), "{text}");
    let mut second = irssi(&deployment.root().join("second"));
    text.lines().for_each(|line| second.send(line));
    alice.expect("#lobby -!- erin joined");
    let pin = "sha256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    let (text, _) = export("irssi", &folder, address, &["--as", "erin", "--pin", pin, "--network", "wrong"]);
    let mut third = irssi(&deployment.root().join("third"));
    text.lines().for_each(|line| third.send(line));
    third.expect("Pinned public key mismatch");
}

#[test]
fn the_tunnel_of_senpai_carries_the_certificate() {
    if left_out() {
        return;
    }
    let deployment = Deployment::new();
    let (_server, address) = serve(&deployment);
    let folder = odd_folder(&deployment, "frank");
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    let (text, notes) = export("senpai", &folder, address, &["--as", "frank", "--local-port", &free]);
    assert!(notes.contains("run the socat command"), "{notes}");
    for line in [&*format!("address irc+insecure://127.0.0.1:{free}"), "nickname \"frank\"", "channel \"#lobby\""] {
        assert!(text.lines().any(|own| own == line), "{line}\n{text}");
    }
    let socat = text.lines().find_map(|line| line.strip_prefix("#   ")).unwrap();
    let _tunnel = Program::start("socat", Command::new("sh").args(["-c", &format!("exec {socat}")]));
    let mut greeting = [0; 64];
    until("the tunnel is open", || {
        let stream = TcpStream::connect(("127.0.0.1", free.parse().unwrap()));
        stream.and_then(|mut stream| stream.read_exact(&mut greeting)).is_ok()
    });
    assert!(String::from_utf8_lossy(&greeting).contains("You are frank"), "{greeting:?}");
}

#[test]
fn halloy_gets_toml() {
    let deployment = Deployment::new();
    let folder = odd_folder(&deployment, "gina");
    let address = "127.0.0.1:7000".parse().unwrap();
    let (text, _) = export("halloy", &folder, address, &["--as", "gina", "--lobby", "#ops"]);
    let settings: toml::Table = text.parse().unwrap();
    let server = &settings["servers"]["conclave"];
    let is = |value: &toml::Value, file: &str| assert_eq!(Path::new(value.as_str().unwrap()), folder.join(file));
    is(&server["root_cert_path"], "ca.pem");
    is(&server["sasl"]["external"]["cert"], "gina.pem");
    is(&server["sasl"]["external"]["key"], "gina.key");
    assert_eq!((server["server"].as_str(), server["port"].as_integer()), (Some("localhost"), Some(7000)));
    assert_eq!((server["username"].as_str(), server["channels"][0].as_str()), (Some("gina@halloy"), Some("#ops")));
}

#[test]
fn what_cannot_be_exported_is_refused() {
    let deployment = Deployment::new();
    let folder = odd_folder(&deployment, "hugo");
    let refused = |arguments: &[&str], code, words: &str| {
        let mut command = conclave(&folder);
        let output = command.arg("export").args(arguments).args(["--certs", ".", "--as", "hugo"]).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(code), 0), "{stderr}");
        assert!(stderr.contains(words), "{words:?} is not in {stderr}");
    };
    // A file of somebody's is not written over.
    let other = folder.join("other.pem");
    fs::write(&other, "something else").unwrap();
    refused(&["weechat", "--both", "other.pem"], 3, "something else: say with --both FILE");
    assert_eq!(fs::read_to_string(&other).unwrap(), "something else");
    refused(&["weechat", "--network", "a b"], 2, "letters, digits, - and _");
    refused(&["weechat", "--weechat", "new"], 2, "3.8 or 4.5.1");
    fs::remove_file(folder.join("ca.pem")).unwrap();
    refused(&["halloy"], 3, "ca.pem is not at hand");
    refused(&["senpai"], 3, "ca.pem is not at hand");
    refused(&["weechat", "--by-authority"], 3, "ca.pem is not at hand");
}
