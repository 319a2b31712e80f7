//! `conclave history backup`: a copy that is whole as of one moment, also while the server runs.

use std::path::PathBuf;

use super::Data;
use crate::{
    cli::{
        exit::{Exit, Failure, OrExit, print},
        holdings::holdings_or_age,
    },
    journal::sqlite,
};

#[derive(clap::Args)]
#[command(
    after_help = "The copy is of one moment, and was checked when its name appears. It holds what everybody said: keep it \
where nobody else reads it. conclave history import makes a data directory of it."
)]
pub(super) struct Args {
    /// The copy; there must be no such file yet
    file: PathBuf,
    #[command(flatten)]
    data: Data,
}

pub(super) fn run(args: &Args) -> Result<Exit, Failure> {
    let from = args.data.journal()?;
    let copied = sqlite::backup(&from, &args.file).or_exit(Exit::Failure)?;
    print(format_args!(
        "{} is a good copy of {}: {}\n",
        args.file.display(),
        from.display(),
        holdings_or_age(copied.as_ref())
    ))?;
    Ok(Exit::Ok)
}
