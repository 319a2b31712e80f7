//! `conclave history import`: a data directory of a backup.

use std::path::PathBuf;

use anyhow::anyhow;

use super::{Data, present};
use crate::{
    cli::{
        exit::{Exit, Failure, OrExit, print},
        holdings::holdings_or_age,
    },
    journal::{Directory, DirectoryError, sqlite},
    platform::files::quoted,
};

#[derive(clap::Args)]
#[command(
    after_help = "The server must not run on this data directory, and there must be no journal in it: the backup takes nobody's \
place. It is checked before and after it is copied, and stays as it is."
)]
pub(super) struct Args {
    /// What conclave history backup made
    file: PathBuf,
    #[command(flatten)]
    data: Data,
}

pub(super) fn run(args: &Args) -> Result<Exit, Failure> {
    // First: a data directory is not made for a file that is no backup.
    sqlite::verify(present(&args.file)?).or_exit(Exit::Failure)?;
    let directory = Directory::take(&args.data.data).map_err(|error| match error {
        DirectoryError::InUse { .. } => anyhow!("{error}; stop the server first"),
        error => error.into(),
    });
    let directory = directory.or_exit(Exit::Config)?;
    let imported = sqlite::import(&args.file, &directory).or_exit(Exit::Failure)?;
    let data = directory.path();
    print(format_args!(
        "{} has what {} had: {}\n",
        data.display(),
        args.file.display(),
        holdings_or_age(imported.as_ref())
    ))?;
    crate::cli::exit::note(format_args!("start the server with: conclave serve --data {}", quoted(data)));
    Ok(Exit::Ok)
}
