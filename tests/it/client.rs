//! `conclave chat` and `conclave debug` as a person and a script run them, against a real server.

use std::{net::SocketAddr, path::Path, process::Command};

use rustix::process::Signal;

use crate::{
    programs::{Running, conclave},
    support::{Deployment, Dice, Pair, Proxy},
};

/// A server, and certificates for these people.
fn world(people: &[&str]) -> (Deployment, Running, SocketAddr) {
    let deployment = Deployment::new();
    for name in people {
        deployment.issue(name);
    }
    let mut server = Running::serve(deployment.root(), &["--listen", "127.0.0.1:0", "--data", "none"]);
    let address = server.listening();
    (deployment, server, address)
}

#[test]
fn what_is_piped_in_reaches_the_others_in_order() {
    let (deployment, _server, address) = world(&["alice", "bob"]);
    let mut bob = Running::chat(deployment.root(), address, "bob", &[]);
    bob.expect("#lobby -!- here: bob");

    let mut alice = Running::chat(deployment.root(), address, "alice", &["--plain"]);
    for number in 0..300 {
        alice.type_line(&format!("line {number}"));
    }
    alice.type_line("/msg bob psst");
    alice.type_line("/me waves");
    alice.type_line("//not a command");
    let (code, stdout, stderr) = alice.end();
    assert_eq!(code, Some(0), "{stderr}");
    for number in 0..300 {
        let words = format!("#lobby <alice> line {number}");
        assert!(bob.expect("<alice>").ends_with(&words));
        assert!(stdout.contains(&format!("{words}\n")), "{words}");
    }
    bob.expect("alice -> you: psst");
    bob.expect("#lobby * alice waves");
    bob.expect("#lobby <alice> /not a command");
    bob.expect("-!- alice disconnected");
    assert!(stdout.contains("you -> bob: psst"), "{stdout}");
    assert!(stderr.contains("you are alice (device main)") && stderr.contains("pinned to sha256:"), "{stderr}");

    let (code, _, stderr) = bob.end();
    assert_eq!(code, Some(0), "{stderr}");
}

#[test]
fn refused_lines_are_told_and_cost_the_exit_code() {
    let (deployment, _server, address) = world(&["alice"]);
    let mut alice = Running::chat(deployment.root(), address, "alice", &["--join", "ops"]);
    alice.type_line("/msg nobody hi");
    alice.type_line("here");
    alice.type_line(&"x".repeat(5000));
    let (code, stdout, stderr) = alice.end();
    assert!(stdout.contains("-!- not sent: /msg nobody hi (nobody is known as nobody"), "{stdout}");
    assert!(stdout.contains("#ops <alice> here"), "{stdout}");
    assert!(stdout.contains("a line was not sent: the line is too long"), "{stdout}");
    assert_eq!(code, Some(1));
    assert!(stderr.contains("2 of the lines that were given were refused"), "{stderr}");
}

#[test]
fn who_runs_a_room_reads_sentences() {
    let (deployment, _server, address) = world(&["alice", "bob"]);
    let mut alice = Running::chat(deployment.root(), address, "alice", &["--join", "#ops"]);
    alice.expect("#ops -!- here: @alice");
    let mut bob = Running::chat(deployment.root(), address, "bob", &[]);
    bob.expect("#lobby -!- here: ");
    for (line, words) in [
        ("/mode +i", "#ops -!- alice set mode +i"),
        ("/invite bob", "-!- bob is invited into #ops"),
        ("/ban", "#ops -!- the list b is empty"),
        ("/ban mallory", "#ops -!- alice set mode +b mallory!*@*"),
        ("/ban", "#ops -!- b: mallory!*@* (set by alice)"),
        ("/unban mallory", "#ops -!- alice set mode -b mallory!*@*"),
        ("/op bob", "-!- bob is not in #ops"),
        ("/mode alice +w", "-!- your modes changed: +w"),
        ("/setname Alice A", "-!- your real name is Alice A now"),
        ("/version", "-!- the server runs "),
        ("/time", "-!- the server's time: "),
        ("/motd", "-!- there is no message of the day"),
        ("/whowas zed", "-!- nobody called zed was here lately"),
        ("/kill bob", "-!- only the administrators of this server may do that"),
        ("/join #a,#b", "-!- #a,#b cannot be a room's name"),
    ] {
        alice.type_line(line);
        alice.expect(words);
    }
    bob.expect("-!- alice invites you into #ops; /join #ops");
    bob.type_line("/invite");
    bob.expect("-!- you are invited into #ops; /join #ops");
    bob.type_line("/join #ops");
    bob.expect("#ops -!- here: @alice bob");
    alice.expect("#ops -!- bob joined");
    alice.type_line("/op bob");
    bob.expect("#ops -!- alice set mode +o bob");
    bob.type_line("/rename #ops #devel");
    alice.expect("#ops -!- bob renamed the room to #devel");
    alice.type_line("/kick bob too loud");
    bob.expect("#devel -!- alice put bob out of the room (too loud)");
    bob.expect("-!- you talk in #lobby now");
    bob.type_line("/invite");
    bob.expect("-!- you are invited into no room");
    bob.type_line("here again");
    bob.expect("#lobby <bob> here again");
    alice.type_line("/notice bob psst");
    bob.expect("alice -> you: psst");
}

#[test]
fn a_killed_server_costs_no_line() {
    let (deployment, server, address) = world(&["alice", "bob"]);
    let mut alice = Running::chat(deployment.root(), address, "alice", &["--join", "#ops"]);
    alice.type_line("before");
    alice.expect("#ops <alice> before");
    server.signal(Signal::KILL);
    server.ended();
    alice.expect_err("-- connection lost");
    // A pipe is not read while nothing can be sent: what is in it is kept there.
    alice.type_line("during");
    alice.type_line("/me too");
    alice.expect_err("-- cannot connect (nobody listens at");

    let mut server = Running::serve(deployment.root(), &["--listen", &address.to_string(), "--data", "none"]);
    assert_eq!(server.listening(), address);
    alice.expect("#ops <alice> during");
    alice.expect("#ops * alice too");
    let (code, _, stderr) = alice.end();
    assert_eq!(code, Some(0), "{stderr}");
}

/// Cut off for a while: what is missed is shown once, in order, between a head and an end.
#[test]
fn what_is_missed_is_shown_once_and_what_waits_is_sent_once() {
    let (deployment, _server, address) = world(&["alice", "bob"]);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let proxy = runtime.block_on(Proxy::start(address, Dice::new(1)));
    // One after the other: they are the same program on the same device, of which the server thinks as one.
    let piped = Running::chat(deployment.root(), proxy.address, "alice", &["--join", "#ops"]);
    let (code, ..) = misses(&deployment, address, &proxy, piped, "on a pipe\n").end();
    assert_eq!(code, Some(0));
    if let Some(terminal) = on_a_terminal(&deployment, proxy.address, 80, "echo ended with $?") {
        let mut terminal = misses(&deployment, address, &proxy, terminal, "on a terminal\r");
        terminal.type_raw("\u{4}");
        terminal.expect("ended with 0");
    }
}

/// alice, who talks in #ops and types so, is cut off for a while.
fn misses(deployment: &Deployment, server: SocketAddr, proxy: &Proxy, mut alice: Running, typed: &str) -> Running {
    let way = typed.trim_end();
    alice.expect("#ops -!- here: ");
    let mut bob = Running::chat(deployment.root(), server, "bob", &["--join", "#ops"]);
    let mut says = |line: &str, echo: &str| {
        bob.type_line(line);
        bob.expect(echo);
    };
    says(&format!("before {way}"), "> before");
    alice.expect(&format!("#ops <bob> before {way}"));
    proxy.close(true);
    says(&format!("missed {way}"), "> missed");
    says(&format!("/msg alice beside {way}"), "-> alice: beside");
    // It waits here until there is a connection again, or is taken and waits there.
    alice.type_raw(typed);
    proxy.close(false);
    alice.expect("-!- said while you were not here:");
    alice.expect(&format!("#ops <bob> missed {way}"));
    alice.expect(&format!("bob -> you: beside {way}"));
    alice.expect("-!- end of the 2 messages that you missed");
    alice.expect(&format!("#ops <alice> {way}"));
    bob.expect(&format!("#ops <alice> {way}"));
    bob.type_line("now");
    alice.expect("#ops <bob> now");
    for words in ["before", "missed", "beside"] {
        assert_eq!(alice.times(&format!(" {words} {way}")), 1, "{words}");
    }
    // What was said on the pipe was confirmed when that ended.
    assert_eq!(alice.times("said while you were not here"), 1);
    assert_eq!((alice.times(&format!("<alice> {way}")), bob.times(&format!("<alice> {way}"))), (1, 1));
    alice
}

#[test]
fn a_certificate_that_is_revoked_during_the_chat_ends_it() {
    let (deployment, _server, address) = world(&["alice"]);
    let mut alice = Running::chat(deployment.root(), address, "alice", &[]);
    alice.expect("#lobby -!- here: alice");
    deployment.revoke("alice");
    alice.expect_err("revoked your certificate (alice/main)");
    let (code, _, _) = alice.ended();
    assert_eq!(code, Some(6));
}

#[test]
fn an_interrupt_ends_it() {
    let (deployment, _server, address) = world(&["alice", "bob"]);
    let mut bob = Running::chat(deployment.root(), address, "bob", &[]);
    bob.expect("#lobby -!- here: bob");
    let mut alice = Running::chat(deployment.root(), address, "alice", &[]);
    alice.expect("#lobby -!- here: ");
    bob.expect("alice joined");
    alice.signal(Signal::INT);
    let (code, _, stderr) = alice.ended();
    assert_eq!(code, Some(130), "{stderr}");
    bob.expect("alice disconnected");
}

/// Chats with these arguments, which must end with this code and these words.
#[track_caller]
fn ends(directory: &Path, server: &str, arguments: &[&str], code: i32, words: &str) {
    let output = conclave(directory).args(["chat", "--server", server]).args(arguments).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {stderr}");
    assert!(stderr.contains(words), "{arguments:?}: {words:?} is not in {stderr}");
    assert!(!stderr.contains("connected as"), "{stderr}");
}

#[test]
fn every_refusal_has_its_sentence_and_its_code() {
    let (deployment, _server, address) = world(&["alice", "carol"]);
    let path = deployment.root();
    deployment.revoke("carol");
    let server = format!("localhost:{}", address.port());
    // The server watches its files; a revocation is in force within a second.
    let chat = || conclave(path).args(["chat", "--as", "carol", "--server", &server]).output().unwrap();
    assert!((0..100).any(|_| chat().status.code() == Some(6)), "{:?}", chat());

    let refused = |pair: &Pair, words: &str| {
        let files = ["--cert", pair.certificate.to_str().unwrap(), "--key", pair.key.to_str().unwrap()];
        ends(path, &server, &files, 6, words);
    };
    ends(path, &server, &["--as", "carol"], 6, "revoked your certificate (carol/main)");
    refused(&deployment.expired(), "it expired at");
    refused(&deployment.not_yet_valid(), "it is valid from");
    refused(&deployment.not_for_clients(), "it is not made for clients");
    refused(&deployment.server(), "it is not made for clients");
    refused(&deployment.foreign(), "does not know the authority");
    refused(&deployment.odd(|profile| profile.common_name = None), "0 common names");

    let pin = "sha256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    ends(path, &server, &["--as", "alice", "--pin", pin], 5, pin);
    ends(path, &server, &["--as", "alice", "--pin", pin], 5, "it shows sha256:");
    ends(path, "localhost:1", &["--as", "alice"], 4, "nobody listens at localhost:1");
    ends(path, "host.invalid", &["--as", "alice"], 4, "host.invalid is not known");
    ends(path, &server, &["--as", "zed"], 3, "certs/zed.pem");
    ends(path, &server, &[], 2, "--as NAME");
    ends(path, "a b", &["--as", "alice"], 2, "HOST:PORT");
    // Any of several pins will do.
    let both = ["chat", "--as", "alice", "--server", &server, "--pin", pin, "--pin", "certs/server.pem"];
    let output = conclave(path).args(both).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
}

#[test]
fn the_command_of_debug_works_as_printed() {
    let (deployment, _server, address) = world(&["alice", "bob"]);
    let server = format!("localhost:{}", address.port());
    let mut bob = Running::chat(deployment.root(), address, "bob", &[]);
    bob.expect("#lobby -!- here: bob");
    let certificate = &["--cert", "certs/alice.pem", "--pin", "certs/server.pem", "--certs", "nowhere"][..];
    for (number, identity) in [&["--as", "alice"][..], certificate].into_iter().enumerate() {
        let output = conclave(deployment.root()).args(["debug", "--server", &server]).args(identity).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        let command = String::from_utf8(output.stdout).unwrap();
        assert!(command.starts_with("openssl s_client ") && command.contains(" -verify_return_error "), "{command}");
        let mut shell = Command::new("sh");
        let mut openssl = Running::start(shell.args(["-c", &command]).current_dir(deployment.root()));
        openssl.expect("You are alice (device main)");
        openssl.type_line(&format!("number {number} by openssl"));
        openssl.expect("#lobby <alice> number");
        bob.expect(&format!("#lobby <alice> number {number} by openssl"));
        openssl.type_line("/quit");
        let (code, _, stderr) = openssl.end();
        assert_eq!(code, Some(0), "{stderr}");
    }
}

/// A chat on a terminal of this width. `None` where that cannot be tested: a terminal needs a program
/// that makes one, `script`, which the tests with other people's clients need too.
#[expect(clippy::print_stderr, reason = "a test that is left out says so")]
fn on_a_terminal(deployment: &Deployment, server: SocketAddr, columns: usize, after: &str) -> Option<Running> {
    if std::env::var_os("CONCLAVE_WITHOUT_PEERS").is_some() {
        eprintln!("left out: this needs the program script");
        return None;
    }
    let chat = format!("{} chat --as alice --server localhost:{}", env!("CARGO_BIN_EXE_conclave"), server.port());
    // With jobs of its own the shell is told when the chat is suspended.
    let commands = format!("stty rows 24 columns {columns}; set -m; {chat}; {after}");
    let mut script = Command::new("script");
    let script = script.args(["-qefc", &commands, "/dev/null"]).current_dir(deployment.root());
    Some(Running::start(script.env("TERM", "xterm").env("SHELL", "/bin/sh")))
}

#[test]
fn on_a_terminal_the_typed_line_stays_whole() {
    let (deployment, _server, address) = world(&["alice", "bob"]);
    let Some(mut alice) = on_a_terminal(&deployment, address, 80, "echo ended with $?; stty -a") else { return };
    alice.expect("connected as alice");
    alice.type_raw("half of a li");
    let mut bob = Running::chat(deployment.root(), address, "bob", &[]);
    bob.type_line("in between");
    // What comes is above the typed line, which is drawn again below it.
    alice.expect("#lobby <bob> in between");
    alice.type_raw("ne\r");
    let echo = alice.expect("#lobby <alice> half of a line");
    assert!(echo.contains("#lobby> half of a li"), "{echo:?}");
    bob.expect("#lobby <alice> half of a line");
    alice.type_raw("\u{4}");
    alice.expect("ended with 0");
    // The terminal is what it was.
    let settings = alice.expect("icanon");
    assert!(!settings.contains("-icanon"), "{settings}");
    drop(alice);
    let (code, ..) = bob.end();
    assert_eq!(code, Some(0));
}

#[test]
fn on_a_terminal_lines_are_divided_between_words() {
    let (deployment, _server, address) = world(&["alice", "bob"]);
    let Some(mut alice) = on_a_terminal(&deployment, address, 40, "echo ended with $?") else { return };
    alice.expect("connected as alice");
    let mut bob = Running::chat(deployment.root(), address, "bob", &[]);
    bob.type_line("many words that are wider than a terminal of forty columns can be");
    assert!(alice.expect("<bob>").ends_with("#lobby <bob> many words that"));
    assert_eq!(alice.expect("wider"), "  are wider than a terminal of forty");
    assert_eq!(alice.expect("columns"), "  columns can be");
    // A pipe has no width.
    bob.expect("<bob> many words that are wider than a terminal of forty columns can be");
    alice.type_raw("\u{4}");
    alice.expect("ended with 0");
}

#[test]
fn a_suspended_chat_gives_the_terminal_back_and_goes_on() {
    let (deployment, _server, address) = world(&["alice", "bob"]);
    let after = "stty -a; echo its turn; read word; echo the shell has read $word; fg; echo ended with $?";
    let Some(mut alice) = on_a_terminal(&deployment, address, 80, after) else { return };
    // Suspended before, it would come into the room only afterwards.
    alice.expect("#lobby -!- here: alice");
    alice.type_raw("half of a li\u{1a}");
    let settings = alice.expect("icanon");
    assert!(!settings.contains("-icanon"), "{settings}");
    alice.expect("its turn");
    let mut bob = Running::chat(deployment.root(), address, "bob", &[]);
    bob.type_line("meanwhile");
    bob.expect("<bob> meanwhile");
    alice.type_line("something");
    alice.expect("the shell has read something");
    // What was typed before is still there, and what was said in between comes.
    alice.expect("<bob> meanwhile");
    alice.type_raw("ne\r");
    bob.expect("#lobby <alice> half of a line");
    alice.expect("#lobby <alice> half of a line");
    alice.type_raw("\u{4}");
    alice.expect("ended with 0");
}
