//! `conclave export`: the settings by which another client reaches the same server with the same
//! identity. One file a client; each writes what its client's own documentation names.

use std::{
    fmt::Write,
    path::{Path, PathBuf, absolute},
};

use anyhow::{Context, anyhow};
use clap::{Args as ClapArgs, Subcommand};

use super::{
    access::Access,
    exit::{Exit, Failure, OrExit, note, print},
};
use crate::{
    client::Trust,
    ident::{Account, RoomName},
    tls::pin::Pin,
};

mod halloy;
mod irssi;
mod senpai;
mod weechat;

/// What `conclave export` is told.
#[derive(ClapArgs, Clone, Debug)]
pub struct Args {
    #[command(subcommand)]
    client: Client,
}

#[derive(Subcommand, Clone, Debug)]
enum Client {
    /// Commands for WeeChat; also makes the file with certificate and key that it wants
    Weechat(weechat::Args),
    /// Commands for irssi
    Irssi(Common),
    /// A part of Halloy's config.toml
    Halloy(Common),
    /// senpai.scm, and the command that speaks TLS for it
    Senpai(senpai::Args),
}

#[derive(ClapArgs, Clone, Debug)]
struct Common {
    #[command(flatten)]
    access: Access,

    /// What the client shall call the server
    #[arg(long, value_name = "NAME", default_value = "conclave", value_parser = network)]
    network: String,

    /// The room to be in
    #[arg(long, value_name = "ROOM", default_value = "#lobby")]
    lobby: RoomName,
}

/// Words that every client takes for one name.
fn network(text: &str) -> Result<String, &'static str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    match !text.is_empty() && text.chars().all(plain) {
        true => Ok(text.to_owned()),
        false => Err("letters, digits, - and _ are expected"),
    }
}

/// What the settings are made of. Paths are absolute and can be written.
#[derive(Clone, Debug)]
struct Settings {
    network: String,
    lobby: String,
    account: String,
    host: String,
    port: u16,
    cert: String,
    key: String,
    /// The authority's certificate.
    ca: Option<String>,
    /// The files of the server's certificates.
    server_certs: Vec<PathBuf>,
    pins: Vec<Pin>,
}

impl Settings {
    fn collect(common: Common) -> Result<Self, Failure> {
        let Common { access, network, lobby } = common;
        let trust = access.resolve()?;
        let account = trust.account().or_exit(Exit::Config)?;
        // A file's name may have come in its place, which no client would take.
        let account = account.parse::<Account>().context("the certificate names nobody").or_exit(Exit::Config)?;
        let Trust { address, pins, cert, key, ca, server_certs, .. } = trust;
        Ok(Self {
            network,
            lobby: lobby.to_string(),
            account: account.to_string(),
            host: address.host,
            port: address.port,
            cert: path(&cert)?,
            key: path(&key)?,
            ca: ca.as_deref().map(path).transpose()?,
            server_certs,
            pins,
        })
    }

    /// The name by which the server tells this account's programs apart.
    fn username(&self, client: &str) -> String {
        format!("{}@{client}", self.account)
    }

    /// The authority's certificate for a client that has no other way to know the server.
    fn authority(&self, client: &str) -> Result<&str, Failure> {
        let missing = || {
            anyhow!(
                "{client} knows the server only by its authority, and ca.pem is not at hand: put it beside {}",
                self.cert
            )
        };
        self.ca.as_deref().ok_or_else(missing).or_exit(Exit::Config)
    }
}

/// A path as a setting, from wherever the client is started.
fn path(path: &Path) -> Result<String, Failure> {
    let absolute = absolute(path).with_context(|| format!("where is {}", path.display())).or_exit(Exit::Config)?;
    match absolute.to_str() {
        Some(text) if !text.chars().any(char::is_control) => Ok(text.to_owned()),
        _ => Err(anyhow!("{absolute:?} cannot be written in settings: rename it")).or_exit(Exit::Config),
    }
}

/// A text between double quotes, in which a backslash takes away what `special` would mean.
fn quoted(text: &str, special: &[char]) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        if special.contains(&c) {
            out.push('\\');
        }
        out.push(c);
    }
    out + "\""
}

fn hex(octets: &[u8], between: &str) -> String {
    octets.iter().enumerate().fold(String::new(), |mut out, (at, octet)| {
        // Writing to a String cannot fail.
        let _ = write!(out, "{}{octet:02x}", if at == 0 { "" } else { between });
        out
    })
}

/// Prints the settings.
pub fn run(args: Args) -> Result<Exit, Failure> {
    let text = match args.client {
        Client::Weechat(args) => weechat::export(args)?,
        Client::Irssi(common) => {
            note("-- type or paste these into irssi; they are for 1.4 and later");
            irssi::settings(&Settings::collect(common)?)?
        }
        Client::Halloy(common) => halloy::settings(&Settings::collect(common)?)?,
        Client::Senpai(args) => senpai::export(args)?,
    };
    print(text)?;
    Ok(Exit::Ok)
}

#[cfg(test)]
fn example() -> Settings {
    Settings {
        network: "conclave".into(),
        lobby: "#lobby".into(),
        account: "alice".into(),
        host: "chat.example.org".into(),
        port: 6697,
        cert: "/a b/alice.pem".into(),
        key: "/a b/al\"i'ce\\.key".into(),
        ca: Some("/a b/ca.pem".into()),
        server_certs: Vec::new(),
        pins: vec![Pin::of_public_key(b"x")],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_quoted_and_octets_written() {
        assert_eq!(quoted("a \"b\\", &['"', '\\']), r#""a \"b\\""#);
        assert_eq!((hex(&[1, 0xab], ":").as_str(), hex(&[1, 0xab], "").as_str()), ("01:ab", "01ab"));
        assert!(path(Path::new("a\nb")).is_err());
        assert!(path(Path::new("x.pem")).unwrap().starts_with('/'));
        assert!(network("my-net_1").is_ok() && network("a b").is_err() && network("").is_err());
    }
}
