//! `conclave completions`: completion scripts.

use clap::CommandFactory;
use clap_complete::{Shell, generate};

use super::{
    Cli,
    exit::{Exit, Failure, print},
};

/// What `conclave completions` is told.
#[derive(clap::Args)]
pub struct Args {
    /// The shell that shall complete
    #[arg(value_enum)]
    shell: Shell,
}

/// Prints the script.
pub fn run(Args { shell }: Args) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    generate(shell, &mut Cli::command(), "conclave", &mut script);
    print(String::from_utf8_lossy(&script))?;
    Ok(Exit::Ok)
}
