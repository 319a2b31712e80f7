//! Settings understood and checked: what `serve` runs with.

use std::{
    fs,
    net::SocketAddr,
    num::NonZero,
    path::{Path, PathBuf},
};

use anyhow::{Context, anyhow, bail, ensure};
use tracing::level_filters::LevelFilter;

use super::{
    raw::{Given, Layers, Raw, Text},
    values,
};
use crate::{
    ident::{Nick, RoomName},
    pki::Directory,
    server::{Flow, History, Limits, Options},
    tls::{identity::Rules, server::Files},
};

/// What the server runs with.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Its certificate, its key, the authority and the revocation list.
    pub files: Files,
    /// What it asks of the users' certificates beyond that.
    pub rules: Rules,
    /// Where it listens.
    pub listen: Vec<SocketAddr>,
    /// Where it keeps things.
    pub data: Data,
    /// What it is and allows.
    pub options: Options,
    /// Where it tells how it is, if anywhere.
    pub metrics: Option<SocketAddr>,
    /// Threads that serve connections.
    pub threads: NonZero<usize>,
    /// What is logged, and how.
    pub log: Log,
}

/// Where rooms and history are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Data {
    /// In memory: at the end of the process they are gone.
    Memory,
    /// In a directory.
    Directory(PathBuf),
}

/// What is logged, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Log {
    /// The least important level that is logged.
    pub level: LevelFilter,
    /// How a line is written.
    pub format: LogFormat,
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For a person.
    Text,
    /// One JSON object a line.
    Json,
}

/// The message of the day is sent to everybody who connects.
const MOTD_MAX: u64 = 16 * 1024;

impl Settings {
    /// Understands and checks what was given.
    pub fn resolve(layers: &Layers) -> anyhow::Result<Self> {
        let setting = |name, field: fn(&Raw) -> &Option<Text>| Setting(layers.find(name, field));
        let data = setting("data", |r| &r.data).map(|given| match given.value.0.as_str() {
            "none" => Ok(Data::Memory),
            "" => bail!("a directory or none is expected"),
            _ => Ok(Data::Directory(given.path())),
        })?;
        let history = setting("history", |r| &r.history).parse(|text| match text {
            "forever" => Ok(History::Forever),
            "off" => Ok(History::Off),
            age => values::age(age).map(History::For),
        })?;
        let most = |text: &str| values::number(text, 1..=1_000_000_000).map(|number| number as u64);
        let history_per_room = setting("history-per-room", |r| &r.history_per_room).parse(most)?;
        let history_total = setting("history-total", |r| &r.history_total).parse(most)?;
        let level = setting("log", |r| &r.log).parse(|text| match text {
            "off" | "error" | "warn" | "info" | "debug" | "trace" => Ok(text.parse::<LevelFilter>()?),
            _ => bail!("off, error, warn, info, debug or trace is expected"),
        })?;
        let format = setting("log-format", |r| &r.log_format).parse(|text| match text {
            "text" => Ok(LogFormat::Text),
            "json" => Ok(LogFormat::Json),
            _ => bail!("text or json is expected"),
        })?;
        let name = setting("name", |r| &r.name).parse(values::server_name)?;
        let lobby = setting("lobby", |r| &r.lobby).parse(|text| Ok(text.parse::<RoomName>()?))?;
        let motd = setting("motd", |r| &r.motd).map(|given| motd(&given.path()))?;
        let limits = setting("limits", |r| &r.limits).parse(values::switch)?;
        let require_san = setting("require-san", |r| &r.require_san).parse(values::switch)?;
        let threads = setting("threads", |r| &r.threads).parse(|text| {
            let threads = values::number(text, 1..=1024)?;
            NonZero::new(threads).context("at least one thread is needed")
        })?;
        let metrics = setting("metrics", |r| &r.metrics).parse(values::metrics)?;
        let count = |text: &str| values::number(text, 1..=10_000_000);
        let listen = list(layers.find("listen", |r| &r.listen), values::listen)?;
        let admins = list(layers.find("admin", |r| &r.admin), |text| Ok(text.parse::<Nick>()?))?;
        let lobby = lobby.map_or_else(|| "#lobby".parse(), Ok)?;
        let defaults = Options::new(lobby.clone());
        let limits = if limits.unwrap_or(true) { defaults.limits } else { defaults.limits.without_shares() };
        let limits = Limits {
            connections: setting("max-connections", |r| &r.max_connections).parse(count)?.unwrap_or(limits.connections),
            per_address: setting("max-per-address", |r| &r.max_per_address).parse(count)?.unwrap_or(limits.per_address),
            handshakes: setting("max-handshakes", |r| &r.max_handshakes).parse(count)?.unwrap_or(limits.handshakes),
            arrivals: arrivals(setting("connect-rate", |r| &r.connect_rate), limits.arrivals)?,
            lines: lines(setting("rate", |r| &r.rate), setting("burst", |r| &r.burst), limits.lines)?,
            outboxes: setting("max-outbox", |r| &r.max_outbox).parse(mebibytes)?.unwrap_or(limits.outboxes),
            ..limits
        };
        let (files, index) = files(layers)?;
        Ok(Self {
            files,
            rules: Rules { require_san: require_san.unwrap_or(false) },
            listen: listen.unwrap_or_else(|| vec![SocketAddr::from(([127, 0, 0, 1], 6697))]),
            data: data.unwrap_or_else(|| Data::Directory("conclave-data".into())),
            options: Options {
                name: name.unwrap_or(defaults.name),
                lobby,
                admins: admins.unwrap_or_default(),
                motd,
                history: history.unwrap_or(defaults.history),
                history_per_room,
                history_total,
                index,
                limits,
            },
            metrics: metrics.flatten(),
            threads: threads.unwrap_or(NonZero::<usize>::MIN),
            log: Log { level: level.unwrap_or(LevelFilter::INFO), format: format.unwrap_or(LogFormat::Text) },
        })
    }
}

/// A setting that may have been given.
struct Setting(Option<Given<Text>>);

impl Setting {
    fn map<T>(self, understand: impl FnOnce(&Given<Text>) -> anyhow::Result<T>) -> anyhow::Result<Option<T>> {
        let Some(given) = self.0 else { return Ok(None) };
        understand(&given).map(Some).map_err(|error| blame(&given.origin, &given.value, &error))
    }

    fn parse<T>(self, parse: impl FnOnce(&str) -> anyhow::Result<T>) -> anyhow::Result<Option<T>> {
        self.map(|given| parse(&given.value.0))
    }
}

/// The most of what comes in a second or at once.
const FLOW_MAX: usize = 1_000_000;

fn flow_part(text: &str) -> anyhow::Result<u32> {
    // A number that is not greater fits.
    values::number(text, 1..=FLOW_MAX).map(|number| number as u32)
}

/// How fast one address may come. What is given holds also where the other limits are off.
fn arrivals(rate: Setting, otherwise: Option<Flow>) -> anyhow::Result<Option<Flow>> {
    let flow = |per_second| Flow { per_second, burst: per_second * 20 };
    Ok(rate.parse(flow_part)?.map(flow).or(otherwise))
}

/// How much one account may say; likewise.
fn lines(rate: Setting, burst: Setting, otherwise: Option<Flow>) -> anyhow::Result<Option<Flow>> {
    let (rate, burst) = (rate.parse(flow_part)?, burst.parse(flow_part)?);
    if rate.is_none() && burst.is_none() {
        return Ok(otherwise);
    }
    let flow = otherwise.unwrap_or(Flow::LINES);
    Ok(Some(Flow { per_second: rate.unwrap_or(flow.per_second), burst: burst.unwrap_or(flow.burst) }))
}

fn mebibytes(text: &str) -> anyhow::Result<usize> {
    values::number(text, 16..=1_000_000).map(|number| number << 20)
}

fn blame(origin: &impl std::fmt::Display, Text(value): &Text, error: &anyhow::Error) -> anyhow::Error {
    anyhow!("{origin}: {value:?}: {error:#}")
}

fn list<T>(
    given: Option<Given<Vec<Text>>>,
    parse: impl Fn(&str) -> anyhow::Result<T>,
) -> anyhow::Result<Option<Vec<T>>> {
    let Some(given) = given else { return Ok(None) };
    let parse = |text: &Text| parse(&text.0).map_err(|error| blame(&given.origin, text, &error));
    let list = given.value.iter().map(parse).collect::<Result<Vec<_>, _>>()?;
    ensure!(!list.is_empty(), "{}: at least one value is expected", given.origin);
    Ok(Some(list))
}

/// Either a directory with fixed names, or each file by itself. The uppermost source that says
/// anything about it decides which; single files may then be spread over the sources below it. Only a
/// directory has the authority's index.
fn files(layers: &Layers) -> anyhow::Result<(Files, Option<PathBuf>)> {
    let single = |r: &Raw| r.cert.is_some() || r.key.is_some() || r.client_ca.is_some() || r.crl.is_some();
    let Some(layers) = layers.starting(|r| r.certs.is_some() || single(r)) else {
        return directory(Path::new("certs"));
    };
    let first = layers.first();
    if let Some(given) = layers.find("certs", |r| &r.certs).filter(|_| first.certs.is_some()) {
        ensure!(!single(first), "{}: give either a directory of certificates or single files", given.origin);
        return directory(&given.path()).map_err(|error| anyhow!("{}: {error:#}", given.origin));
    }
    let file = |name, field: fn(&Raw) -> &Option<Text>| {
        Setting(layers.find(name, field)).map(|given| {
            let path = given.path();
            readable(&path)?;
            Ok(path)
        })
    };
    let needed = |name, field| {
        file(name, field)?.with_context(|| {
            format!("--{name} is missing: a certificate, a key and an authority go together, or give --certs DIR alone")
        })
    };
    let files = Files {
        cert: needed("cert", |r| &r.cert)?,
        key: needed("key", |r| &r.key)?,
        client_ca: needed("client-ca", |r| &r.client_ca)?,
        crl: file("crl", |r| &r.crl)?,
    };
    Ok((files, None))
}

fn directory(directory: &Path) -> anyhow::Result<(Files, Option<PathBuf>)> {
    let file = |name| {
        let path = directory.join(name);
        readable(&path).with_context(|| {
            format!(
                "{} is no directory of certificates; make one with: conclave cert init --dir DIR",
                directory.display()
            )
        })?;
        Ok::<_, anyhow::Error>(path)
    };
    let files = Files {
        cert: file("server.pem")?,
        key: file("server.key")?,
        client_ca: file("ca.pem")?,
        crl: Some(file("crl.pem")?),
    };
    Ok((files, Some(Directory::new(directory).index())))
}

fn readable(path: &Path) -> anyhow::Result<()> {
    fs::File::open(path).map(drop).with_context(|| format!("cannot read {}", path.display()))
}

fn motd(path: &Path) -> anyhow::Result<String> {
    let length = fs::metadata(path).with_context(|| format!("cannot read {}", path.display()))?.len();
    ensure!(length <= MOTD_MAX, "the message of the day has more than {MOTD_MAX} octets");
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tempfile::{TempDir, tempdir};

    use super::*;
    use crate::journal::Retention;

    fn certs() -> TempDir {
        let dir = tempdir().unwrap();
        for name in ["server.pem", "server.key", "ca.pem", "crl.pem"] {
            fs::write(dir.path().join(name), "").unwrap();
        }
        dir
    }

    fn resolve(variables: &[(&str, &str)]) -> anyhow::Result<Settings> {
        let layers = Layers::collect(Raw::default(), None, |name| {
            variables.iter().find(|(n, _)| *n == name).map(|(_, value)| value.into())
        });
        Settings::resolve(&layers?)
    }

    #[test]
    fn defaults() {
        let dir = certs();
        let settings = resolve(&[("CONCLAVE_CERTS", dir.path().to_str().unwrap())]).unwrap();
        assert_eq!(settings.listen, ["127.0.0.1:6697".parse().unwrap()]);
        assert_eq!(settings.data, Data::Directory("conclave-data".into()));
        let options = &settings.options;
        assert_eq!(options.history, History::For(Duration::from_secs(30 * 86_400)));
        assert_eq!((options.name.as_str(), options.lobby.as_str()), ("conclave.local", "#lobby"));
        assert_eq!((settings.threads.get(), settings.rules.require_san), (1, false));
        assert_eq!(settings.files.crl, Some(dir.path().join("crl.pem")));
    }

    #[test]
    fn what_is_kept_of_messages() {
        let dir = certs();
        let certs = ("CONCLAVE_CERTS", dir.path().to_str().unwrap());
        let check = |variables: &[(&str, &str)], age_ms, per_conversation, total| {
            let settings = resolve(&[&[certs], variables].concat()).unwrap();
            assert_eq!(settings.options.retention(), Retention { age_ms, per_conversation, total });
        };
        check(&[], Some(30 * 86_400_000), None, None);
        check(&[("CONCLAVE_HISTORY", "forever")], None, None, None);
        let counts = [("CONCLAVE_HISTORY_PER_ROOM", "5"), ("CONCLAVE_HISTORY_TOTAL", "9"), ("CONCLAVE_HISTORY", "1h")];
        check(&counts, Some(3_600_000), Some(5), Some(9));
        check(&[("CONCLAVE_HISTORY", "off"), counts[0]], Some(0), Some(0), Some(0));
    }

    #[test]
    fn a_limit_that_is_given_holds_also_where_the_others_are_off() {
        let dir = certs();
        let certs = ("CONCLAVE_CERTS", dir.path().to_str().unwrap());
        let limits = resolve(&[certs, ("CONCLAVE_LIMITS", "off"), ("CONCLAVE_MAX_CONNECTIONS", "7")]);
        let limits = limits.unwrap().options.limits;
        assert_eq!((limits.connections, limits.per_address, limits.lines), (7, usize::MAX, None));
    }

    #[test]
    fn how_much_one_may_say_and_how_fast_one_may_come() {
        let dir = certs();
        let certs = ("CONCLAVE_CERTS", dir.path().to_str().unwrap());
        let limits = |given: &[(&str, &str)]| resolve(&[&[certs], given].concat()).unwrap().options.limits;
        let flow = |per_second, burst| Some(Flow { per_second, burst });
        let all = limits(&[]);
        assert_eq!((all.lines, all.arrivals, all.handshakes), (flow(10, 500), flow(50, 1000), 1024));
        assert_eq!(all.outboxes, 256 << 20);
        assert_eq!(limits(&[("CONCLAVE_RATE", "3")]).lines, flow(3, 500));
        let off = limits(&[("CONCLAVE_LIMITS", "off"), ("CONCLAVE_BURST", "9")]);
        assert_eq!((off.lines, off.arrivals, off.handshakes, off.outboxes), (flow(10, 9), None, usize::MAX, 256 << 20));
        assert_eq!(limits(&[("CONCLAVE_CONNECT_RATE", "2")]).arrivals, flow(2, 40));
        assert_eq!(limits(&[("CONCLAVE_MAX_OUTBOX", "64")]).outboxes, 64 << 20);
        assert_eq!(limits(&[("CONCLAVE_MAX_HANDSHAKES", "8")]).handshakes, 8);
    }

    #[test]
    fn a_bad_value_is_blamed_on_its_source() {
        let dir = certs();
        let dir = dir.path().to_str().unwrap();
        let check = |name: &str, value: &str, expect: &str| {
            let error = resolve(&[("CONCLAVE_CERTS", dir), (name, value)]).unwrap_err();
            let error = format!("{error:#}");
            assert!(error.starts_with(&format!("{name}: {expect}")), "{error}");
        };
        check("CONCLAVE_LISTEN", "127.0.0.1:1,6697", "\"6697\": an address and a port are expected");
        check("CONCLAVE_LISTEN", "", "\"\": an address and a port are expected");
        check("CONCLAVE_HISTORY", "30", "\"30\": an age such as");
        check("CONCLAVE_HISTORY_PER_ROOM", "0", "\"0\": a number from 1 to");
        check("CONCLAVE_HISTORY_TOTAL", "many", "\"many\": a number from 1 to");
        check("CONCLAVE_DATA", "", "\"\": a directory or none");
        check("CONCLAVE_NAME", "local", "\"local\": a name such as");
        check("CONCLAVE_LOBBY", "lobby", "\"lobby\": a room's name starts with #");
        check("CONCLAVE_ADMIN", "alice,1", "\"1\": a name has only");
        check("CONCLAVE_ADMIN", "NickServ", "\"NickServ\": this name is reserved");
        check("CONCLAVE_LIMITS", "perhaps", "\"perhaps\": on or off");
        check("CONCLAVE_REQUIRE_SAN", "2", "\"2\": on or off");
        check("CONCLAVE_THREADS", "0", "\"0\": a number from 1 to");
        check("CONCLAVE_MAX_CONNECTIONS", "-1", "\"-1\": a number");
        check("CONCLAVE_MAX_PER_ADDRESS", "x", "\"x\": a number");
        check("CONCLAVE_METRICS", "localhost", "\"localhost\": an address and a port");
        check("CONCLAVE_MAX_HANDSHAKES", "0", "\"0\": a number from 1 to");
        check("CONCLAVE_CONNECT_RATE", "off", "\"off\": a number from 1 to");
        check("CONCLAVE_RATE", "0", "\"0\": a number from 1 to 1000000");
        check("CONCLAVE_BURST", "1000001", "\"1000001\": a number from 1 to");
        check("CONCLAVE_MAX_OUTBOX", "1", "\"1\": a number from 16 to");
        check("CONCLAVE_LOG", "loud", "\"loud\": off, error");
        check("CONCLAVE_LOG_FORMAT", "xml", "\"xml\": text or json");
        check("CONCLAVE_MOTD", "/nonexistent", "\"/nonexistent\": cannot read /nonexistent: ");
    }

    #[test]
    fn certificates_come_from_a_directory_or_one_by_one() {
        let dir = certs();
        let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
        let (cert, key, ca) = (path("server.pem"), path("server.key"), path("ca.pem"));
        let three = [("CONCLAVE_CERT", &*cert), ("CONCLAVE_KEY", &*key), ("CONCLAVE_CLIENT_CA", &*ca)];
        assert_eq!(resolve(&three).unwrap().files.crl, None);
        let check = |variables: &[(&str, &str)], expect: &str| {
            let error = format!("{:#}", resolve(variables).unwrap_err());
            assert!(error.contains(expect), "{error}");
        };
        check(&three[..2], "--client-ca is missing");
        check(&[&three[..], &[("CONCLAVE_CERTS", "x")]].concat(), "CONCLAVE_CERTS: give either a directory");
        check(&[("CONCLAVE_CERTS", "/nonexistent")], "CONCLAVE_CERTS: /nonexistent is no directory of certificates");
        check(
            &[&three[..], &[("CONCLAVE_CRL", "/nonexistent")]].concat(),
            "CONCLAVE_CRL: \"/nonexistent\": cannot read",
        );
    }

    #[test]
    fn the_uppermost_source_decides_between_directory_and_files() {
        let dir = certs();
        let file = dir.path().join("conclave.toml");
        fs::write(&file, "cert = \"server.pem\"\nkey = \"server.key\"\nclient-ca = \"ca.pem\"").unwrap();
        let with = |flags: Raw| Settings::resolve(&Layers::collect(flags, Some(&file), |_| None).unwrap());
        assert_eq!(with(Raw::default()).unwrap().files.cert, dir.path().join("server.pem"));
        let text = |path: &str| Some(Text(dir.path().join(path).to_str().unwrap().into()));
        let files = with(Raw { certs: text(""), ..Raw::default() }).unwrap().files;
        assert!(files.crl.is_some());
        let files = with(Raw { crl: text("crl.pem"), ..Raw::default() }).unwrap().files;
        assert_eq!((files.crl, files.key), (Some(dir.path().join("crl.pem")), dir.path().join("server.key")));
    }
}
