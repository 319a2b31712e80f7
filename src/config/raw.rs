//! Settings as they were given, not yet understood.

use std::{
    ffi::OsString,
    fmt, fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, anyhow, bail};
use serde::{Deserialize, Deserializer, de};

/// One source's settings; what it does not mention is `None`. The names of the fields are the
/// names of the settings in all three sources.
#[derive(Clone, Debug, Default, Deserialize, clap::Args)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Raw {
    /// Directory that `conclave cert init` made: server.pem, server.key, ca.pem, crl.pem (default: certs)
    #[arg(long, value_name = "DIR", conflicts_with_all = ["cert", "key", "client_ca", "crl"])]
    pub certs: Option<Text>,
    /// The server's certificate, followed by intermediate ones if there are any (PEM)
    #[arg(long, value_name = "FILE")]
    pub cert: Option<Text>,
    /// The server's private key (PEM, readable by its owner only)
    #[arg(long, value_name = "FILE")]
    pub key: Option<Text>,
    /// The authority that signs the users' certificates (PEM)
    #[arg(long, value_name = "FILE")]
    pub client_ca: Option<Text>,
    /// The authority's list of revoked certificates (PEM)
    #[arg(long, value_name = "FILE")]
    pub crl: Option<Text>,
    /// Refuse certificates that name their account by the CN alone
    #[arg(long, value_name = "true|false", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub require_san: Option<Text>,
    /// Where to listen; may be given more than once; port 0 takes a free one (default: 127.0.0.1:6697)
    #[arg(long, value_name = "ADDR:PORT", value_delimiter = ',')]
    #[serde(deserialize_with = "one_or_many")]
    pub listen: Option<Vec<Text>>,
    /// Where rooms and history are kept, or none: in memory only (default: conclave-data)
    #[arg(long, value_name = "DIR|none")]
    pub data: Option<Text>,
    /// How long messages are kept: 12h, 30d, 8w, forever, or off: not at all (default: 30d)
    #[arg(long, value_name = "AGE|forever|off")]
    pub history: Option<Text>,
    /// The most messages that are kept of one room, or of what two people say to each other (default: all)
    #[arg(long, value_name = "N")]
    pub history_per_room: Option<Text>,
    /// The most messages that are kept in all; the oldest go first (default: all)
    #[arg(long, value_name = "N")]
    pub history_total: Option<Text>,
    /// The server's name; it has a dot, so that no client takes it for a person (default: conclave.local)
    #[arg(long, value_name = "NAME")]
    pub name: Option<Text>,
    /// The room that everybody is in (default: #lobby)
    #[arg(long, value_name = "ROOM")]
    pub lobby: Option<Text>,
    /// An account that administers the server; may be given more than once
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    #[serde(deserialize_with = "one_or_many")]
    pub admin: Option<Vec<Text>>,
    /// A text file that is shown to who connects (the message of the day)
    #[arg(long, value_name = "FILE")]
    pub motd: Option<Text>,
    /// Whether one address or one session may take only its share; off is for measurements (default: on)
    #[arg(long, value_name = "on|off")]
    pub limits: Option<Text>,
    /// The most connections at one time
    #[arg(long, value_name = "N")]
    pub max_connections: Option<Text>,
    /// The most connections at one time from one address
    #[arg(long, value_name = "N")]
    pub max_per_address: Option<Text>,
    /// The most handshakes under way at one time; an eighth of them from one address
    #[arg(long, value_name = "N")]
    pub max_handshakes: Option<Text>,
    /// New connections that one address may make each second, after twenty times as many at once
    #[arg(long, value_name = "N")]
    pub connect_rate: Option<Text>,
    /// Lines that one account may send each second, after a burst; a costly command counts as several
    #[arg(long, value_name = "N")]
    pub rate: Option<Text>,
    /// Lines that one account may send at once
    #[arg(long, value_name = "N")]
    pub burst: Option<Text>,
    /// MiB that may wait for all who read too slowly together; who has the most waiting is cut first
    #[arg(long, value_name = "MIB")]
    pub max_outbox: Option<Text>,
    /// Threads that serve connections (default: 1)
    #[arg(long, value_name = "N")]
    pub threads: Option<Text>,
    /// Where metrics and health are told, over plain HTTP; on: 127.0.0.1:9697, a port alone: on 127.0.0.1 (default: off)
    #[arg(long, value_name = "ADDR:PORT|on|off", num_args = 0..=1, default_missing_value = "on")]
    pub metrics: Option<Text>,
    /// What is logged to stderr: off, error, warn, info, debug or trace; never what people say (default: info)
    #[arg(long, value_name = "LEVEL")]
    pub log: Option<Text>,
    /// How log lines are written: text or json (default: text)
    #[arg(long, value_name = "FORMAT")]
    pub log_format: Option<Text>,
}

/// A value before it is parsed. The file may write a number or a truth value without quotes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text(pub String);

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl de::Visitor<'_> for Visitor {
            type Value = Text;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("one value")
            }

            fn visit_str<E>(self, text: &str) -> Result<Text, E> {
                Ok(Text(text.into()))
            }

            fn visit_i64<E>(self, number: i64) -> Result<Text, E> {
                Ok(Text(number.to_string()))
            }

            fn visit_bool<E>(self, yes: bool) -> Result<Text, E> {
                Ok(Text(yes.to_string()))
            }
        }

        deserializer.deserialize_any(Visitor)
    }
}

/// Where a value was written, for errors: `--listen`, `CONCLAVE_LISTEN`, `listen in conclave.toml`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin(String);

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A value and its origin.
#[derive(Clone, Debug)]
pub struct Given<T> {
    /// The value.
    pub value: T,
    /// Where it was written.
    pub origin: Origin,
    /// What a relative path starts from: the file's directory, or where the program runs.
    pub base: PathBuf,
}

impl Given<Text> {
    /// The value as a path.
    pub fn path(&self) -> PathBuf {
        self.base.join(&self.value.0)
    }
}

#[derive(Clone, Debug)]
enum Source {
    Flag,
    Environment,
    File(PathBuf),
}

impl Source {
    fn origin(&self, setting: &str) -> Origin {
        Origin(match self {
            Self::Flag => format!("--{setting}"),
            Self::Environment => variable(setting),
            Self::File(file) => format!("{setting} in {}", file.display()),
        })
    }

    fn base(&self) -> PathBuf {
        match self {
            Self::File(file) => file.parent().map(Path::to_owned).unwrap_or_default(),
            _ => PathBuf::new(),
        }
    }
}

/// All sources, the one that wins first.
#[derive(Clone, Debug)]
pub struct Layers(Vec<(Source, Raw)>);

impl Layers {
    /// Collects what the command line, the environment and the file say. The file is named by the
    /// flag or else by `CONCLAVE_CONFIG`; without either there is none.
    pub fn collect(
        flags: Raw,
        file: Option<&Path>,
        environment: impl Fn(&str) -> Option<OsString>,
    ) -> anyhow::Result<Self> {
        let named = environment("CONCLAVE_CONFIG").map(PathBuf::from);
        let variables = from_environment(environment)?;
        let mut layers = vec![(Source::Flag, flags), (Source::Environment, variables)];
        if let Some(file) = file.map(Path::to_owned).or(named) {
            let raw = from_file(&file)?;
            layers.push((Source::File(file), raw));
        }
        Ok(Self(layers))
    }

    /// The value that wins, if any source has one.
    pub fn find<T: Clone>(&self, setting: &str, field: impl Fn(&Raw) -> &Option<T>) -> Option<Given<T>> {
        self.0.iter().find_map(|(source, raw)| {
            let value = field(raw).clone()?;
            Some(Given { value, origin: source.origin(setting), base: source.base() })
        })
    }

    /// These layers from the first one on that fulfils the condition.
    pub fn starting(&self, from: impl Fn(&Raw) -> bool) -> Option<Self> {
        let first = self.0.iter().position(|(_, raw)| from(raw))?;
        Some(Self(self.0[first..].to_vec()))
    }

    /// What the uppermost of these sources says.
    pub fn first(&self) -> &Raw {
        &self.0[0].1
    }
}

fn from_file(file: &Path) -> anyhow::Result<Raw> {
    let text = fs::read_to_string(file).with_context(|| format!("cannot read the configuration {}", file.display()))?;
    toml::from_str(&text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        let line = text[..at.min(text.len())].matches('\n').count() + 1;
        anyhow!("{}:{line}: {}", file.display(), error.message())
    })
}

/// The settings of the environment: a list is written with commas.
fn from_environment(lookup: impl Fn(&str) -> Option<OsString>) -> anyhow::Result<Raw> {
    let mut table = toml::Table::new();
    for setting in settings() {
        let Some(value) = lookup(&variable(&setting)) else { continue };
        let Ok(value) = value.into_string() else { bail!("{} is not UTF-8", variable(&setting)) };
        table.insert(setting, value.into());
    }
    Ok(table.try_into()?)
}

/// The names of all settings, by the flags that `Raw` declares.
fn settings() -> Vec<String> {
    let command = <Raw as clap::Args>::augment_args(clap::Command::new("settings"));
    command.get_arguments().filter_map(|argument| argument.get_long()).map(str::to_owned).collect()
}

fn variable(setting: &str) -> String {
    format!("CONCLAVE_{}", setting.replace('-', "_").to_uppercase())
}

fn one_or_many<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<Text>>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "expected one value or a list of them")]
    enum OneOrMany {
        One(Text),
        Many(Vec<Text>),
    }

    Ok(Some(match OneOrMany::deserialize(deserializer)? {
        OneOrMany::One(Text(text)) => text.split(',').map(|part| Text(part.trim().into())).collect(),
        OneOrMany::Many(many) => many,
    }))
}

#[cfg(test)]
mod tests {
    use tempfile::tempdir;

    use super::*;

    fn collect(flags: &[&str], variables: &[(&str, &str)], file: Option<&str>) -> anyhow::Result<Layers> {
        use clap::FromArgMatches;

        let command = <Raw as clap::Args>::augment_args(clap::Command::new("serve"));
        let matches = command.try_get_matches_from([&["serve"], flags].concat())?;
        let lookup = |name: &str| variables.iter().find(|(n, _)| *n == name).map(|(_, value)| value.into());
        let dir = tempdir()?;
        let path = dir.path().join("conclave.toml");
        if let Some(text) = file {
            fs::write(&path, text)?;
        }
        let layers = Layers::collect(Raw::from_arg_matches(&matches)?, file.map(|_| path.as_path()), lookup);
        layers.map_err(|e| anyhow!(e.to_string().replace(&format!("{}/", dir.path().display()), "")))
    }

    fn won<T: Clone>(layers: &Layers, setting: &str, field: impl Fn(&Raw) -> &Option<T>) -> (T, String) {
        let given = layers.find(setting, field).unwrap();
        (given.value, given.origin.to_string())
    }

    #[test]
    fn the_flag_wins_over_the_variable_and_that_over_the_file() {
        let file = "max-connections = 3\nthreads = \"3\"\nname = \"c.example\"\nadmin = [\"alice\", \"bob\"]";
        let variables = [("CONCLAVE_MAX_CONNECTIONS", "2"), ("CONCLAVE_THREADS", "2"), ("CONCLAVE_LISTEN", "a, b")];
        let layers = collect(&["--max-connections", "1"], &variables, Some(file)).unwrap();
        let max = |raw: &Raw| raw.max_connections.clone();
        assert_eq!(layers.0.iter().filter_map(|(_, raw)| max(raw)).count(), 3);
        let text = |text: &str| Text(text.into());
        assert_eq!(won(&layers, "max-connections", |r| &r.max_connections), (text("1"), "--max-connections".into()));
        assert_eq!(won(&layers, "threads", |r| &r.threads), (text("2"), "CONCLAVE_THREADS".into()));
        assert_eq!(won(&layers, "listen", |r| &r.listen).0, [text("a"), text("b")]);
        assert_eq!(won(&layers, "admin", |r| &r.admin).0, [text("alice"), text("bob")]);
        let (name, origin) = won(&layers, "name", |r| &r.name);
        assert_eq!(name, text("c.example"));
        assert!(origin.starts_with("name in ") && origin.ends_with("conclave.toml"), "{origin}");
        assert!(layers.find("motd", |r| &r.motd).is_none());
    }

    #[test]
    fn a_file_is_refused_by_name_and_line() {
        let check = |text: &str, expect: &str| {
            let error = collect(&[], &[], Some(text)).unwrap_err().to_string();
            assert!(error.starts_with(expect), "{error:?} for {text:?}");
        };
        check(
            "name = \"c.example\"\n\nlisten_on = 1\n",
            "conclave.toml:3: unknown field `listen_on`, expected one of ",
        );
        check("name = \n", "conclave.toml:1: ");
        check("threads = 1.5\n", "conclave.toml:1: invalid type: floating point `1.5`, expected one value");
        check("# x\nlisten = { a = 1 }\n", "conclave.toml:2: expected one value or a list of them");
        check("a = 1\n[server]\n", "conclave.toml:1: unknown field `a`");
    }

    #[test]
    fn a_file_that_is_missing_is_an_error() {
        let lookup = |name: &str| (name == "CONCLAVE_CONFIG").then(|| "/nonexistent/c.toml".into());
        let error = Layers::collect(Raw::default(), None, lookup).unwrap_err().to_string();
        assert_eq!(error, "cannot read the configuration /nonexistent/c.toml");
    }

    #[test]
    fn paths_of_a_file_start_from_its_directory() {
        let dir = tempdir().unwrap();
        let file = dir.path().join("c.toml");
        fs::write(&file, "certs = \"certs\"\nmotd = \"/etc/motd\"").unwrap();
        let layers = Layers::collect(Raw::default(), Some(&file), |_| None).unwrap();
        assert_eq!(layers.find("certs", |r| &r.certs).unwrap().path(), dir.path().join("certs"));
        assert_eq!(layers.find("motd", |r| &r.motd).unwrap().path(), Path::new("/etc/motd"));
    }
}
