//! `conclave cert sign`.

use std::path::PathBuf;

use super::{Dir, failure, issue};
use crate::{
    cli::exit::{Exit, Failure, print},
    ident::Account,
    platform::clock,
};

#[derive(clap::Args)]
pub(super) struct Args {
    /// The signing request (PEM); only its key is taken, the names in it are not read
    #[arg(value_name = "CSR.pem")]
    request: PathBuf,
    /// The account's name
    #[arg(long)]
    name: Account,
    #[command(flatten)]
    device: issue::DeviceOptions,
    /// Where the certificate is written [default: into the directory, as `issue` names it]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    dir: Dir,
}

pub(super) fn run(args: Args) -> Result<Exit, Failure> {
    let directory = args.dir.open();
    let new = args.device.of(args.name);
    let issued = directory.sign(&args.request, &new, args.out, clock::unix_now()).map_err(failure)?;
    print(issue::rows(&issued))?;
    issue::remarks(&directory, &issued);
    Ok(Exit::Ok)
}
