//! `conclave history check`: a verdict about a journal or a backup.

use std::path::PathBuf;

use super::{Data, present};
use crate::{
    cli::{
        exit::{Exit, Failure, OrExit, print},
        holdings::holdings_or_age,
    },
    journal::sqlite,
};

#[derive(clap::Args)]
pub(super) struct Args {
    /// A backup; without it the journal of the data directory is checked
    file: Option<PathBuf>,
    #[command(flatten)]
    data: Data,
}

pub(super) fn run(args: &Args) -> Result<Exit, Failure> {
    let file = match &args.file {
        Some(file) => present(file)?.to_owned(),
        None => args.data.journal()?,
    };
    let found = sqlite::verify(&file).or_exit(Exit::Failure)?;
    print(format_args!("{} is whole: {}\n", file.display(), holdings_or_age(found.as_ref())))?;
    Ok(Exit::Ok)
}
