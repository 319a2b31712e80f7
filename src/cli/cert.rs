//! `conclave cert`: the network's own certificate authority, one file a subcommand.

use std::{fmt, path::PathBuf, str::FromStr};

use clap::Subcommand;

use crate::{
    cli::exit::{Exit, Failure},
    ident::{Account, DeviceLabel},
    pki::{Directory, PkiError},
    platform::files::FilesError,
    tls::pem::PemError,
};

mod init;
mod issue;
mod list;
mod renew;
mod revoke;
mod show;
mod sign;

/// Arguments of `conclave cert`.
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make the certificate authority, the server's certificate and the revocation list
    Init(init::Args),
    /// Make a key and a certificate for a device of an account
    Issue(issue::Args),
    /// Sign the request of a device whose key never left its owner
    Sign(sign::Args),
    /// Take certificates back: of an account, of a device, or a single one
    Revoke(revoke::Args),
    /// Sign a certificate anew for the same key: the server's, or a device's
    Renew(renew::Args),
    /// List what was issued and how it stands
    List(list::Args),
    /// Show what a certificate says
    Show(show::Args),
}

/// Runs `conclave cert`.
pub fn run(args: Args) -> Result<Exit, Failure> {
    match args.command {
        Command::Init(args) => init::run(args),
        Command::Issue(args) => issue::run(args),
        Command::Sign(args) => sign::run(args),
        Command::Revoke(args) => revoke::run(args),
        Command::Renew(args) => renew::run(args),
        Command::List(args) => list::run(&args),
        Command::Show(args) => show::run(&args),
    }
}

#[derive(clap::Args)]
struct Dir {
    /// The directory of the certificates
    #[arg(long, value_name = "DIR", default_value = "certs")]
    dir: PathBuf,
}

impl Dir {
    fn open(self) -> Directory {
        Directory::new(self.dir)
    }
}

/// `NAME` or `NAME/DEVICE`.
#[derive(Clone, Debug)]
struct Target {
    account: Account,
    device: Option<DeviceLabel>,
}

impl FromStr for Target {
    type Err = Box<dyn std::error::Error + Send + Sync>;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text.split_once('/') {
            Some((account, device)) => Self { account: account.parse()?, device: Some(device.parse()?) },
            None => Self { account: text.parse()?, device: None },
        })
    }
}

/// What is wrong with the directory is a matter of configuration; a refusal is a failure.
fn failure(error: PkiError) -> Failure {
    let exit = match &error {
        PkiError::NoAuthority { .. }
        | PkiError::NoAuthorityKey { .. }
        | PkiError::Half { .. }
        | PkiError::Authority { .. }
        | PkiError::AuthorityDates(_)
        | PkiError::AuthorityGone { .. }
        | PkiError::Foreign { .. }
        | PkiError::NetworkFixed { .. }
        | PkiError::Key { .. }
        | PkiError::Index { .. }
        | PkiError::Crl { .. }
        | PkiError::CrlNumber { .. }
        | PkiError::Files(FilesError::NotPrivate { .. })
        | PkiError::Pem(PemError::Files(_)) => Exit::Config,
        _ => Exit::Failure,
    };
    Failure { exit, error: error.into() }
}

/// A column of names and values.
#[derive(Default)]
struct Rows(String);

impl Rows {
    fn row(&mut self, name: &str, value: impl fmt::Display) -> &mut Self {
        // What others wrote into a certificate must not reach the terminal as commands.
        let value: String = value.to_string().chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
        self.0.push_str(&format!("{name:<12} {value}\n"));
        self
    }

    fn rows<T: fmt::Display>(&mut self, name: &str, values: impl IntoIterator<Item = T>) -> &mut Self {
        values.into_iter().fold((self, name), |(rows, name), value| (rows.row(name, value), "")).0
    }
}

impl fmt::Display for Rows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
