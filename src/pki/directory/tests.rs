//! The directory as a person uses it, with the time passed in.

use std::{fs, path::Path};

use tempfile::{TempDir, tempdir};

use super::*;
use crate::pki::{Host, Key, Network, Serial, Validity, crl::Reason, index::Kind};

const NOW: i64 = 1_800_000_000;

struct Bench {
    _temporary: TempDir,
    directory: Directory,
}

impl Bench {
    fn empty() -> Self {
        let temporary = tempdir().unwrap();
        let directory = Directory::new(temporary.path().join("certs"));
        Self { _temporary: temporary, directory }
    }

    fn new() -> Self {
        let bench = Self::empty();
        bench.init().unwrap();
        bench
    }

    fn init(&self) -> Result<Init, PkiError> {
        self.init_at(&["chat.example", "::1"], NOW)
    }

    fn init_at(&self, hosts: &[&str], now: i64) -> Result<Init, PkiError> {
        let hosts = hosts.iter().map(|host| host.parse::<Host>().unwrap()).collect();
        self.directory.init(&InitOptions { network: None, hosts }, now)
    }

    fn issue(&self, name: &str, device: &str) -> Result<IssuedDevice, PkiError> {
        self.issue_at(name, device, NOW)
    }

    fn issue_at(&self, name: &str, device: &str, now: i64) -> Result<IssuedDevice, PkiError> {
        self.directory.issue(&device_of(name, device, 10), now)
    }

    fn revoke(&self, selector: &Selector) -> Result<Revoked, PkiError> {
        self.directory.revoke(selector, Reason::Unspecified, NOW)
    }

    fn crl(&self) -> Crl {
        Crl::load(&self.directory.crl(), &self.directory.ca().unwrap()).unwrap()
    }

    fn files(&self) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(self.directory.path())
            .unwrap()
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .filter(|name| name != ".lock")
            .collect();
        names.sort();
        names
    }

    fn read(&self) -> Vec<Vec<u8>> {
        self.files().iter().map(|name| fs::read(self.directory.path().join(name)).unwrap()).collect()
    }

    fn lose(&self, names: &[&str]) {
        names.iter().for_each(|name| fs::remove_file(self.directory.path().join(name)).unwrap());
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.directory.path().join(name);
        fs::write(&path, text).unwrap();
        path
    }
}

fn device_of(name: &str, device: &str, days: u32) -> NewDevice {
    NewDevice { account: name.parse().unwrap(), device: device.parse().unwrap(), days: Days(days) }
}

fn account(name: &str) -> Selector {
    Selector::Account(name.parse().unwrap())
}

fn device(name: &str, device: &str) -> Selector {
    Selector::Device(name.parse().unwrap(), device.parse().unwrap())
}

#[track_caller]
fn refused<T>(result: Result<T, PkiError>, expect: &str) {
    match result {
        Ok(_) => panic!("this should be refused: {expect}"),
        Err(error) => assert!(error.to_string().contains(expect), "{error}\nhas no: {expect}"),
    }
}

fn holders(entries: &[Entry]) -> Vec<String> {
    entries.iter().map(Entry::holder).collect()
}

#[test]
fn init_and_issue_leave_the_files_of_the_design() {
    let bench = Bench::new();
    bench.issue("alice", "main").unwrap();
    bench.issue("alice", "phone").unwrap();
    assert_eq!(
        bench.files(),
        [
            "alice+phone.key",
            "alice+phone.pem",
            "alice.key",
            "alice.pem",
            "ca.key",
            "ca.pem",
            "crl.pem",
            "index.jsonl",
            "server.key",
            "server.pem"
        ]
    );
    assert_eq!(bench.crl(), Crl { number: 1, ..Crl::default() });
}

#[cfg(unix)]
#[test]
fn keys_are_private_and_so_is_a_directory_made_here() {
    use std::os::unix::fs::PermissionsExt;

    let bench = Bench::new();
    bench.issue("alice", "main").unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(bench.directory.path()), 0o700);
    for key in ["ca.key", "server.key", "alice.key"] {
        assert_eq!(mode(&bench.directory.path().join(key)), 0o600, "{key}");
    }
    fs::set_permissions(bench.directory.ca_key(), fs::Permissions::from_mode(0o644)).unwrap();
    refused(bench.issue("bob", "main"), "chmod 600");
}

#[test]
fn init_again_keeps_everything() {
    let bench = Bench::new();
    let before = bench.read();
    let again = bench.init_at(&["other.example"], NOW + 9).unwrap();
    assert_eq!((again.made.len(), again.kept.len()), (0, 6));
    assert_eq!((again.network.as_str(), again.server_names.len()), ("chat.example", 2));
    assert_eq!(bench.read(), before);
    let network = Some("other.example".parse::<Network>().unwrap());
    refused(bench.directory.init(&InitOptions { network, hosts: vec![] }, NOW), "never changes");
}

#[test]
fn init_makes_only_what_is_missing() {
    let bench = Bench::new();
    let pin = bench.init().unwrap().pin;
    let made = |bench: &Bench, missing: &[&str]| {
        bench.lose(missing);
        let init = bench.init().unwrap();
        assert_eq!(init.made.iter().map(|p| p.file_name().unwrap().to_str().unwrap()).collect::<Vec<_>>(), missing);
        init
    };
    assert_eq!(made(&bench, &["server.pem"]).pin, pin, "the key stays, and so does the pin");
    assert_ne!(made(&bench, &["server.pem", "server.key"]).pin, pin);
    made(&bench, &["crl.pem"]);
    assert_eq!(bench.crl().number, 2, "the number of a lost list is not used again");

    bench.lose(&["server.key"]);
    refused(bench.init(), "server.key is not; put it back");
    let other = Bench::new();
    fs::copy(other.directory.server_key(), bench.directory.server_key()).unwrap();
    fs::copy(other.directory.server_certificate(), bench.directory.server_certificate()).unwrap();
    refused(bench.init(), "not signed by the authority beside it");
    bench.lose(&["ca.pem"]);
    refused(bench.init(), "ca.pem is not; put it back");
    bench.lose(&["ca.key"]);
    refused(bench.init(), "put them back, or choose a new directory");
}

#[test]
fn the_key_of_the_authority_may_be_kept_elsewhere() {
    let bench = Bench::new();
    bench.lose(&["ca.key"]);
    assert_eq!(bench.init().unwrap().kept.len(), 5);
    refused(bench.issue("alice", "main"), "ca.key is missing, so nothing can be signed here");
    refused(bench.revoke(&account("alice")), "ca.key is missing");
    bench.lose(&["crl.pem"]);
    refused(bench.init(), "ca.key is missing");
}

#[test]
fn a_place_without_authority_is_left_as_it_is() {
    let bench = Bench::empty();
    for result in [bench.issue("a", "main").err(), bench.revoke(&account("a")).err(), bench.directory.list(NOW).err()] {
        refused(Err::<(), _>(result.unwrap()), "make one with: conclave cert init --dir ");
    }
    assert!(!bench.directory.path().exists());
    refused(bench.init_at(&["::1"], NOW), "give one with --network NAME");
}

#[test]
fn names_and_labels_are_unique_without_case() {
    let bench = Bench::new();
    bench.issue("Alice", "main").unwrap();
    refused(bench.issue("alice", "phone"), "the account Alice exists, and alice is the same name");
    refused(bench.issue("Alice", "main"), "has a device main already");
    bench.issue("Alice", "phone").unwrap();
    refused(bench.issue("Alice", "Phone"), "has a device Phone already");
    refused(bench.issue("CRL", "main"), "the directory's own files");
    bench.revoke(&account("alice")).unwrap();
    refused(bench.issue("alice", "main"), "the account Alice exists");
}

#[test]
fn a_label_is_free_again_when_its_certificate_had_its_time() {
    let bench = Bench::new();
    let first = bench.issue("alice", "main").unwrap();
    let key = fs::read(first.key.as_ref().unwrap()).unwrap();
    bench.revoke(&account("alice")).unwrap();
    let second = bench.issue("alice", "main").unwrap();
    let (from, to) = &second.moved[1];
    assert_eq!(Some(from), first.key.as_ref());
    assert_eq!(fs::read(to).unwrap(), key, "the old key is moved and not overwritten");
    refused(bench.issue_at("alice", "main", NOW + 10 * DAY), "already");
    assert_eq!(bench.issue_at("alice", "main", NOW + 10 * DAY + 1).unwrap().moved.len(), 2);
}

#[test]
fn what_lies_in_the_way_is_not_overwritten() {
    let bench = Bench::new();
    let key = bench.write("bob.key", "mine");
    refused(bench.issue("bob", "main"), "not overwritten");
    assert_eq!(fs::read_to_string(key).unwrap(), "mine");
    let foreign = Bench::new();
    fs::copy(foreign.issue("carol", "main").unwrap().certificate, bench.directory.path().join("carol.pem")).unwrap();
    refused(bench.issue("carol", "main"), "carol.pem exists already and is not overwritten");
    assert_eq!(bench.directory.list(NOW).unwrap().len(), 2, "nothing was issued");
}

#[test]
fn no_certificate_outlives_its_authority() {
    let bench = Bench::new();
    let late = NOW + 3650 * DAY - 5 * DAY;
    let issued = bench.issue_at("alice", "main", late).unwrap();
    assert!(issued.shortened);
    assert_eq!(issued.summary.validity.not_after, NOW + 3650 * DAY);
    refused(bench.issue_at("alice", "phone", NOW + 3651 * DAY), "check the clock");
    refused(bench.issue_at("alice", "phone", NOW - DAY), "check the clock");
    // Taking back works for ever.
    bench.directory.revoke(&account("alice"), Reason::Superseded, NOW + 4000 * DAY).unwrap();
}

#[test]
fn revoking_by_name_device_fingerprint_and_serial() {
    let bench = Bench::new();
    let all: Vec<IssuedDevice> =
        ["a", "b", "c", "d"].iter().map(|label| bench.issue("alice", label).unwrap()).collect();
    bench.issue("bob", "main").unwrap();
    let mut number = 1;
    let mut check = |selector: &Selector, now: &[&str], before: usize| {
        let revoked = bench.revoke(selector).unwrap();
        assert_eq!((holders(&revoked.now), revoked.before.len()), (now.iter().map(|s| (*s).into()).collect(), before));
        number += u64::from(!now.is_empty());
        assert_eq!((revoked.crl_number, bench.crl().number), (number, number));
    };
    check(&device("ALICE", "A"), &["alice/a"], 0);
    check(&device("alice", "a"), &[], 1);
    check(&Selector::Fingerprint(all[1].summary.fingerprint), &["alice/b"], 0);
    check(&Selector::Serial(all[2].summary.serial.clone()), &["alice/c"], 0);
    check(&account("alice"), &["alice/d"], 3);
    let on_list: Vec<_> = bench.crl().revoked.into_keys().collect();
    let mut serials: Vec<_> = all.iter().map(|one| one.summary.serial.clone()).collect();
    serials.sort();
    assert_eq!(on_list, serials);
    refused(bench.revoke(&account("carol")), "the account carol is not in");
    refused(bench.revoke(&device("bob", "x")), "the device bob/x is not in");
    let server = bench.directory.list(NOW).unwrap()[1].entry.serial.clone();
    refused(bench.revoke(&Selector::Serial(server)), "is that of the server");
}

#[test]
fn what_other_tools_made_is_revoked_only_on_purpose() {
    let bench = Bench::new();
    let serial: Serial = "0a1b".parse().unwrap();
    refused(bench.revoke(&Selector::Serial(serial.clone())), "not in");
    let revoked = bench.revoke(&Selector::Unlisted(serial.clone())).unwrap();
    assert_eq!((revoked.unlisted.as_ref(), revoked.crl_number), (Some(&serial), 2));
    let again = bench.revoke(&Selector::Unlisted(serial.clone())).unwrap();
    assert_eq!((again.unlisted, again.crl_number), (None, 2));
    assert!(bench.crl().revoked.contains_key(&serial));
}

#[test]
fn an_older_copy_un_revokes_nobody() {
    let bench = Bench::new();
    let alice = bench.issue("alice", "main").unwrap().summary.serial;
    bench.issue("bob", "main").unwrap();
    let (old_list, old_index) = (fs::read(bench.directory.crl()).unwrap(), fs::read(bench.directory.index()).unwrap());
    bench.revoke(&account("alice")).unwrap();

    fs::write(bench.directory.crl(), &old_list).unwrap();
    assert_eq!(bench.revoke(&account("alice")).unwrap().crl_number, 3, "the list is put right, under a new number");
    assert!(bench.crl().revoked.contains_key(&alice));

    fs::write(bench.directory.index(), &old_index).unwrap();
    assert_eq!(bench.revoke(&account("bob")).unwrap().crl_number, 4);
    assert!(bench.crl().revoked.contains_key(&alice));

    fs::write(bench.directory.crl(), "junk").unwrap();
    refused(bench.revoke(&account("bob")), "holds no certificate revocation list");
}

#[test]
fn a_lost_index_is_made_anew_of_what_is_there() {
    let bench = Bench::new();
    bench.issue("Alice", "main").unwrap();
    bench.issue("Alice", "phone").unwrap();
    bench.revoke(&device("Alice", "phone")).unwrap();
    let before = bench.directory.list(NOW).unwrap();
    bench.lose(&["index.jsonl"]);
    assert_eq!(bench.init().unwrap().reindexed, Some(4));
    let after = bench.directory.list(NOW).unwrap();
    let tell = |listed: &[Listed]| {
        let mut lines: Vec<_> =
            listed.iter().map(|one| (one.entry.holder(), one.status.as_str(), one.entry.serial.clone())).collect();
        lines.sort();
        lines
    };
    assert_eq!(tell(&after), tell(&before));
    assert_eq!(after[0].entry.kind, Kind::Ca);
    refused(bench.issue("alice", "x"), "the account Alice exists");
    assert_eq!(bench.revoke(&account("Alice")).unwrap().crl_number, 3);
}

#[test]
fn a_torn_last_line_does_not_count_and_a_damaged_one_is_named() {
    let bench = Bench::new();
    let whole = fs::read_to_string(bench.directory.index()).unwrap();
    bench.write("index.jsonl", &format!("{whole}{{\"event\":\"issued\",\"at"));
    bench.issue("alice", "main").unwrap();
    assert_eq!(bench.directory.list(NOW).unwrap().len(), 3);
    assert!(fs::read_to_string(bench.directory.index()).unwrap().starts_with(&whole));
    bench.write("index.jsonl", &format!("{whole}junk\n"));
    refused(bench.issue("bob", "main"), "index.jsonl, line 4: ");
}

#[test]
fn the_state_of_each_certificate() {
    let bench = Bench::new();
    let long = NewDevice { days: Days(100), ..device_of("alice", "main", 0) };
    bench.directory.issue(&long, NOW).unwrap();
    bench.issue("bob", "main").unwrap();
    bench.issue("carol", "main").unwrap();
    bench.revoke(&account("carol")).unwrap();
    let states = |now: i64| -> Vec<&str> {
        bench.directory.list(now).unwrap()[2..].iter().map(|listed| listed.status.as_str()).collect()
    };
    assert_eq!(states(NOW), ["valid", "expires soon", "revoked"]);
    assert_eq!(states(NOW - DAY), ["not yet valid", "not yet valid", "revoked"]);
    assert_eq!(states(NOW + 80 * DAY), ["expires soon", "expired", "revoked"]);
}

#[test]
fn a_request_gives_its_key_and_nothing_else() {
    let bench = Bench::new();
    let key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::new(["evil.example".to_owned()]).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    params.distinguished_name.push(rcgen::DnType::CommonName, "root");
    let request = params.serialize_request(&key).unwrap();
    let file = bench.write("a.csr", &request.pem().unwrap());

    let issued = bench.directory.sign(&file, &device_of("alice", "laptop", 10), None, NOW).unwrap();
    assert_eq!((issued.summary.subject.as_str(), issued.summary.is_ca), ("CN=alice", false));
    assert_eq!(issued.summary.names, ["URI:im:alice@chat.example", "URI:conclave:alice/laptop"]);
    assert_eq!(issued.certificate, bench.directory.path().join("alice+laptop.pem"));
    assert_eq!(issued.key, None);

    let sign = |name: &str, device: &str| bench.directory.sign(&file, &device_of(name, device, 10), None, NOW);
    refused(sign("alice", "laptop"), "has a device laptop already");
    refused(sign("bob", "main"), "is that of alice/laptop already");
    bench.revoke(&account("alice")).unwrap();
    refused(sign("alice", "laptop"), "belongs to a revoked certificate (alice/laptop)");

    let mut damaged = request.der().to_vec();
    *damaged.last_mut().unwrap() ^= 1;
    assert!(crate::pki::csr::public_key(&damaged.into()).unwrap().unwrap_err().contains("does not fit its key"));
    refused(bench.directory.sign(&bench.directory.ca_certificate(), &device_of("x", "main", 1), None, NOW), "holds no");
}

#[test]
fn a_renewal_keeps_the_key() {
    let bench = Bench::new();
    let pin = bench.init().unwrap().pin;
    let later = NOW + 5 * DAY;
    let server = bench.directory.renew(&Renew::Server(vec![]), None, later).unwrap().remove(0).summary;
    assert_eq!((server.pin, server.names.len()), (pin, 2));
    assert_eq!(server.validity, Validity::days(later, 825));
    let hosts = vec!["new.example".parse().unwrap()];
    let server = bench.directory.renew(&Renew::Server(hosts), None, later).unwrap().remove(0).summary;
    assert_eq!((server.pin, server.names), (pin, vec!["DNS:new.example".to_owned()]));

    let old = bench.issue("alice", "main").unwrap();
    bench.issue("alice", "phone").unwrap();
    let renew = |device: Option<&str>| {
        let what = Renew::Device("alice".parse().unwrap(), device.map(|label| label.parse().unwrap()));
        bench.directory.renew(&what, Some(Days(20)), later)
    };
    let renewed = renew(Some("main")).unwrap().remove(0);
    assert_eq!((renewed.summary.pin, &renewed.certificate), (old.summary.pin, &old.certificate));
    assert_ne!(renewed.summary.fingerprint, old.summary.fingerprint);
    Key::load(&bench.directory.device_key(&"alice".parse().unwrap(), &"main".parse().unwrap())).unwrap();
    assert_eq!(renew(None).unwrap().len(), 2);

    let revoked = bench.revoke(&device("alice", "main")).unwrap();
    assert_eq!(revoked.now.len(), 3, "all certificates that the device ever had");
    assert_eq!(renew(None).unwrap().len(), 1);
    refused(renew(Some("main")), "the device alice/main is revoked");
    refused(renew(Some("tablet")), "is not in");
    bench.lose(&["alice+phone.pem"]);
    refused(renew(None), "the certificate of alice/phone is not in");
}

#[test]
fn many_at_once_lose_nothing() {
    let bench = Bench::new();
    std::thread::scope(|scope| {
        for i in 0..8 {
            let bench = &bench;
            scope.spawn(move || {
                bench.issue(&format!("user{i}"), "main").unwrap();
                bench.revoke(&account(&format!("user{i}"))).unwrap();
            });
        }
    });
    assert_eq!(bench.directory.list(NOW).unwrap().len(), 10);
    assert_eq!((bench.crl().number, bench.crl().revoked.len()), (9, 8));
}
