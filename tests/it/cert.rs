//! `conclave cert` and `scripts/gen-certs.sh` as they are run, and their certificates as OpenSSL and
//! our own TLS see them.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::Arc,
    time::Duration,
};

use conclave::{
    pki::{Directory, Host, Profile, Usage, Validity, ca::Ca},
    platform::clock,
    tls::{
        accept::Turns,
        client::{ClientIdentity, ClientTls},
        identity::{Identity, Rules},
        server::{Credentials, Files},
        stream::Stream,
    },
};
use tempfile::{TempDir, tempdir};

struct Place(TempDir);

impl Place {
    fn new() -> Self {
        Self(tempdir().unwrap())
    }

    fn with_authority() -> Self {
        let place = Self::new();
        place.ok(&["init"]);
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join("certs").join(name)
    }

    fn directory(&self) -> Directory {
        Directory::new(self.path(""))
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_conclave"));
        command.current_dir(self.0.path()).arg("cert").args(arguments).output().unwrap()
    }

    /// Runs what should succeed, and gives its stdout.
    #[track_caller]
    fn ok(&self, arguments: &[&str]) -> String {
        success(&self.run(arguments))
    }

    /// Runs what should fail with this code and these words.
    #[track_caller]
    fn fails(&self, arguments: &[&str], code: i32, words: &str) {
        let output = self.run(arguments);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{stderr}");
        assert!(stderr.contains(words), "{stderr}\nhas no: {words}");
        assert!(output.stdout.is_empty());
    }

    fn openssl(&self, arguments: &[&str]) -> Output {
        Command::new("openssl").current_dir(self.path("")).args(arguments).output().unwrap()
    }

    fn names(&self) -> Vec<String> {
        let mut names: Vec<String> =
            fs::read_dir(self.path("")).unwrap().map(|f| f.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

#[track_caller]
fn success(output: &Output) -> String {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// The value in the row of this name.
fn value<'a>(rows: &'a str, name: &str) -> &'a str {
    let row = rows.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_else(|| panic!("no {name} in\n{rows}"));
    row.trim()
}

#[test]
fn an_authority_a_server_and_a_device() {
    let place = Place::new();
    let init = place.ok(&["init", "--host", "Chat.Example", "--host", "10.0.0.1"]);
    assert_eq!(value(&init, "network"), "chat.example");
    assert_eq!(value(&init, "server"), "DNS:chat.example, IP:10.0.0.1");
    place.ok(&["issue", "alice"]);
    let issued = place.ok(&["issue", "alice", "--device", "phone", "--days", "7"]);
    assert_eq!(value(&issued, "key"), "certs/alice+phone.key");

    let shown = place.ok(&["show", "certs/alice+phone.pem"]);
    for (name, expect) in [
        ("subject", "CN=alice"),
        ("account", "alice"),
        ("device", "phone"),
        ("names", "URI:im:alice@chat.example"),
        ("usages", "clientAuth, id-kp-imUri"),
        ("serial", value(&issued, "serial")),
        ("fingerprint", value(&issued, "fingerprint")),
    ] {
        assert_eq!(value(&shown, name), expect);
    }
    assert!(shown.contains("URI:conclave:alice/phone\n"), "{shown}");
    assert!(value(&shown, "valid until").ends_with("(expires soon)"), "{shown}");
    let server = place.ok(&["show", "certs/server.pem"]);
    assert_eq!((value(&server, "kind"), value(&server, "pin")), ("server", value(&init, "pin")));
    assert_eq!(value(&place.ok(&["show", "certs/ca.pem"]), "kind"), "certificate authority");

    let again = place.ok(&["init"]);
    assert_eq!((again.contains("made"), value(&again, "pin")), (false, value(&init, "pin")));
}

#[test]
fn refusals_have_words_and_codes() {
    let place = Place::new();
    place.fails(
        &["issue", "alice"],
        3,
        "certs holds no certificate authority; make one with: conclave cert init --dir certs",
    );
    place.fails(&["init", "--host", "a b"], 2, "neither a host name nor an IP address");
    place.fails(&["init", "--network", "a@b"], 2, "a network's name is written like a host's");
    place.ok(&["init"]);
    place.ok(&["issue", "alice"]);
    place.fails(&["init", "--network", "other"], 3, "never changes");
    place.fails(&["issue", "Alice"], 1, "the account alice exists");
    place.fails(&["issue", "alice"], 1, "alice has a device main already");
    place.fails(&["issue", "NickServ"], 2, "this name is reserved");
    place.fails(&["issue", "../alice"], 2, "a name has only ASCII letters");
    place.fails(&["issue", "bob", "--device", "../x"], 2, "a label has 1 to 32");
    place.fails(&["issue", "bob", "--days", "0"], 2, "0 is not in 1..=36500");
    place.fails(&["revoke"], 2, "required");
    place.fails(&["revoke", "bob"], 1, "the account bob is not in certs/index.jsonl");
    place.fails(&["revoke", "alice", "--serial", "00"], 2, "cannot be used with");
    place.fails(&["show", "certs/alice.key"], 1, "holds no certificate: it holds private key");
    place.fails(&["sign", "certs/alice.pem", "--name", "bob"], 1, "holds no certificate signing request");
    place.fails(&["renew", "alice", "--host", "x"], 2, "--host goes with `renew server` only");
    assert_eq!(place.names().len(), 9, "nothing was left behind: {:?}", place.names());
}

#[test]
fn the_list_says_how_each_certificate_stands() {
    let place = Place::with_authority();
    place.ok(&["issue", "alice"]);
    place.ok(&["issue", "alice", "--device", "phone"]);
    place.ok(&["issue", "bob", "--days", "3"]);
    let revoked = place.ok(&["revoke", "alice/phone", "--reason", "key-compromise"]);
    assert!(revoked.starts_with("revoked alice/phone, serial "), "{revoked}");
    let table = place.ok(&["list"]);
    let cells: Vec<Vec<&str>> =
        table.lines().map(|line| line.split("  ").filter(|c| !c.is_empty()).collect()).collect();
    let columns: Vec<[&str; 3]> = cells.iter().map(|row| [row[0], row[1].trim(), row[2].trim()]).collect();
    assert_eq!(
        columns,
        [
            ["ACCOUNT", "DEVICE", "STATUS"],
            ["(authority)", "-", "valid"],
            ["(server)", "-", "valid"],
            ["alice", "main", "valid"],
            ["alice", "phone", "revoked (key-compromise)"],
            ["bob", "main", "expires soon"],
        ]
    );
    let json = place.ok(&["list", "--json"]);
    let lines: Vec<serde_json::Value> = json.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 5);
    assert_eq!((&lines[3]["status"], &lines[3]["reason"]), (&"revoked".into(), &"key-compromise".into()));
    assert_eq!((&lines[4]["account"], &lines[4]["status"]), (&"bob".into(), &"expires_soon".into()));
}

#[test]
fn openssl_agrees() {
    let place = Place::with_authority();
    place.ok(&["issue", "a[li]ce"]);
    place.ok(&["issue", "bob"]);
    for (kind, device) in [("rsa:2048", "rsa"), ("ed25519", "ed25519"), ("ec", "ec")] {
        let mut request =
            vec!["req", "-new", "-newkey", kind, "-nodes", "-keyout", "k", "-out", "csr", "-subj", "/CN=root"];
        if kind == "ec" {
            request.extend(["-pkeyopt", "ec_paramgen_curve:P-384"]);
        }
        request.extend(["-addext", "subjectAltName=DNS:evil.example", "-addext", "keyUsage=keyCertSign"]);
        success(&place.openssl(&request));
        place.ok(&["sign", "certs/csr", "--name", "bob", "--device", device]);
    }
    let devices = ["a[li]ce.pem", "bob.pem", "bob+rsa.pem", "bob+ed25519.pem", "bob+ec.pem"];
    let strict = ["verify", "-x509_strict", "-CAfile", "ca.pem", "-crl_check", "-CRLfile", "crl.pem"];
    let verify = |more: &[&str]| place.openssl(&[&strict[..], more].concat());
    success(&verify(&[&["-purpose", "sslclient"][..], &devices].concat()));
    for host in [["-verify_hostname", "localhost"], ["-verify_ip", "127.0.0.1"], ["-verify_ip", "::1"]] {
        success(&verify(&[&["-purpose", "sslserver"], &host[..], &["server.pem"]].concat()));
    }
    assert!(!verify(&["-purpose", "sslclient", "server.pem"]).status.success());
    assert!(!verify(&["-purpose", "sslserver", "bob.pem"]).status.success());

    let text = success(&place.openssl(&["x509", "-in", "a[li]ce.pem", "-noout", "-text"]));
    for expect in [
        "Subject: CN = a[li]ce",
        "URI:im:a%5Bli%5Dce@localhost, URI:conclave:a%5Bli%5Dce/main",
        "TLS Web Client Authentication, 1.3.6.1.5.5.7.3.40",
        "X509v3 Key Usage: critical\n                Digital Signature\n",
        "X509v3 Basic Constraints: critical\n                CA:FALSE",
    ] {
        // Versions differ in the spaces around an equals sign.
        assert!(text.replace(" = ", "=").contains(&expect.replace(" = ", "=")), "{text}\nhas no {expect}");
    }
    place.ok(&["revoke", "bob/rsa"]);
    let refused = verify(&["bob+rsa.pem"]);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("certificate revoked"));
    success(&verify(&["bob.pem"]));
    let list = place.openssl(&["crl", "-in", "crl.pem", "-noout", "-text", "-CAfile", "ca.pem"]);
    assert!(String::from_utf8_lossy(&list.stderr).contains("verify OK"));
    let list = success(&list);
    assert!(list.contains("X509v3 CRL Number: \n                2\n"), "{list}");
}

#[test]
fn the_script_makes_what_is_missing_from_any_directory() {
    let place = Place::new();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/gen-certs.sh");
    let run = |arguments: &[&str]| {
        let mut command = Command::new(&script);
        let command = command.current_dir(place.0.path()).env("CONCLAVE", env!("CARGO_BIN_EXE_conclave"));
        command.args(arguments).output().unwrap()
    };
    let all = ["--dir", "certs", "--host", "chat.example", "--host=::1", "alice", "bob/phone", "bob/main"];
    let first = success(&run(&all));
    assert_eq!(value(&first, "server"), "DNS:chat.example, IP:::1");
    let content = |place: &Place| -> Vec<Vec<u8>> {
        place.names().iter().map(|name| fs::read(place.path(name)).unwrap()).collect()
    };
    let before = content(&place);
    let second = success(&run(&all));
    assert!(!second.contains("made") && second.contains("kept         certs/bob+phone.pem"), "{second}");
    assert_eq!(content(&place), before);
    assert!(place.names().contains(&"bob.key".to_owned()));
    success(&run(&["--dir", "certs", "carol"]));
    assert!(place.names().contains(&"carol.pem".to_owned()));
    assert_eq!(run(&["--hosts", "x"]).status.code(), Some(2));
    assert_eq!(run(&["--dir"]).status.code(), Some(2));
    assert_eq!(run(&["--dir", "certs", "no spaces"]).status.code(), Some(2));
}

fn files(place: &Place) -> Files {
    Files {
        cert: place.path("server.pem"),
        key: place.path("server.key"),
        client_ca: place.path("ca.pem"),
        crl: Some(place.path("crl.pem")),
    }
}

/// A handshake between a server of this place and a client with this pair; who came in, or why not.
async fn handshake(place: &Place, certificate: &Path, key: &Path) -> Result<Arc<Identity>, String> {
    let server = Credentials::load(&files(place), Rules { require_san: true }).unwrap();
    let client = ClientTls::new(vec![server.pin()], ClientIdentity::load(certificate, key).unwrap()).unwrap();
    let (near, far) = tokio::io::duplex(1 << 16);
    let turns = Turns::new(1);
    let (accepted, _client) = tokio::join!(
        Box::pin(Stream::accept(far, &server, &turns, Duration::from_secs(10))),
        client.connect(near, "localhost")
    );
    accepted.map(|(_, identity)| identity).map_err(|error| error.to_string())
}

#[tokio::test]
async fn our_tls_lets_in_who_has_a_certificate_until_it_is_revoked() {
    let place = Place::with_authority();
    place.ok(&["issue", "alice", "--device", "laptop"]);
    success(
        &place
            .openssl(&["req", "-new", "-newkey", "ed25519", "-nodes", "-keyout", "b.key", "-out", "csr", "-subj", "/"]),
    );
    place.ok(&["sign", "certs/csr", "--name", "bob"]);
    let alice = (place.path("alice+laptop.pem"), place.path("alice+laptop.key"));

    let identity = handshake(&place, &alice.0, &alice.1).await.unwrap();
    assert_eq!((identity.account.as_str(), identity.label.as_ref().unwrap().as_str()), ("alice", "laptop"));
    let bob = handshake(&place, &place.path("bob.pem"), &place.path("b.key")).await.unwrap();
    assert_eq!((bob.account.as_str(), bob.label.as_ref().unwrap().as_str()), ("bob", "main"));

    place.ok(&["renew", "server"]);
    place.ok(&["renew", "alice"]);
    handshake(&place, &alice.0, &alice.1).await.unwrap();
    place.ok(&["revoke", "alice"]);
    let refused = handshake(&place, &alice.0, &alice.1).await.unwrap_err();
    assert!(refused.contains("revoked"), "{refused}");
    handshake(&place, &place.path("bob.pem"), &place.path("b.key")).await.unwrap();
}

#[tokio::test]
async fn our_tls_refuses_every_other_certificate() {
    let place = Place::with_authority();
    let ca = place.directory().ca().unwrap();
    let now = clock::unix_now();
    let account = "alice".parse().unwrap();
    let good = Profile::device(&account, &"main".parse().unwrap(), ca.network(), Validity::days(now, 1));
    let foreign = Ca::generate(ca.network(), ca.validity()).unwrap();
    let hosts: Vec<Host> = vec!["localhost".parse().unwrap()];

    let cases: [(&str, &Ca, Profile); 7] = [
        ("expired", &ca, Profile { validity: Validity { not_before: now - 99, not_after: now - 9 }, ..good.clone() }),
        ("not yet", &ca, Profile { validity: Validity { not_before: now + 99, not_after: now + 999 }, ..good.clone() }),
        ("clientAuth", &ca, Profile { usages: vec![], ..good.clone() }),
        ("clientAuth", &ca, Profile { usages: vec![Usage::Messaging], ..good.clone() }),
        ("clientAuth", &ca, Profile::server(&hosts, ca.network(), good.validity)),
        ("address", &ca, Profile { names: vec![], ..good.clone() }),
        ("authority", &foreign, good.clone()),
    ];
    let (certificate, key) = (place.path("x.pem"), place.path("x.key"));
    let check = async |ca: &Ca, profile: &Profile| {
        let (issued, pair) = ca.issue_with_key(profile).unwrap();
        fs::write(&certificate, issued.pem()).unwrap();
        conclave::platform::files::write_private(&key, pair.pem().reveal().as_bytes()).unwrap();
        handshake(&place, &certificate, &key).await
    };
    check(&ca, &good).await.unwrap();
    for (words, ca, profile) in cases {
        let refused = check(ca, &profile).await.unwrap_err();
        assert!(refused.contains(words), "{refused}\nhas no: {words}");
    }
}
