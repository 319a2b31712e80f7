//! `conclave history`: what a server keeps, for its administrator: one file a subcommand.
//!
//! Everything but `import` only reads, and works while the server runs.

use std::path::{Path, PathBuf};

use anyhow::anyhow;
use clap::Subcommand;

use super::exit::{Exit, Failure, OrExit};
use crate::journal::{self, sqlite::Archive};

mod backup;
mod check;
mod export;
mod import;
mod line;
mod rooms;

/// Arguments of `conclave history`.
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// List the rooms, and how much is kept of each
    Rooms(rooms::Args),
    /// Print what was said in a room, or between two people
    Export(export::Args),
    /// Copy everything that is kept into a file, also while the server runs
    Backup(backup::Args),
    /// Make a data directory of a backup
    Import(import::Args),
    /// Look whether the journal, or a backup, is whole
    Check(check::Args),
}

/// Runs `conclave history`.
pub fn run(args: Args) -> Result<Exit, Failure> {
    match args.command {
        Command::Rooms(args) => rooms::run(&args),
        Command::Export(args) => export::run(&args),
        Command::Backup(args) => backup::run(&args),
        Command::Import(args) => import::run(&args),
        Command::Check(args) => check::run(&args),
    }
}

#[derive(clap::Args)]
struct Data {
    /// The server's data directory
    #[arg(long, value_name = "DIR", env = "CONCLAVE_DATA", default_value = "conclave-data")]
    data: PathBuf,
}

impl Data {
    /// The journal that is there.
    fn journal(&self) -> Result<PathBuf, Failure> {
        let file = journal::journal_in(&self.data);
        let missing = match file.try_exists() {
            Ok(true) => return Ok(file),
            Ok(false) => {
                anyhow!("there is no journal {}; --data DIR names the server's data directory", file.display())
            }
            Err(error) => {
                let data = self.data.display();
                anyhow!(
                    "cannot look into the data directory {data} ({error}); do this as the user that runs the server"
                )
            }
        };
        Err(missing).or_exit(Exit::Config)
    }

    /// What is kept there, for reading.
    fn open(&self) -> Result<Archive, Failure> {
        Archive::open(&self.journal()?).or_exit(Exit::Config)
    }
}

/// A backup that is there.
fn present(file: &Path) -> Result<&Path, Failure> {
    let missing = || anyhow!("there is no file {}", file.display());
    if file.exists() { Ok(file) } else { Err(missing()).or_exit(Exit::Failure) }
}
