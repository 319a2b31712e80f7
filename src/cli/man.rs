//! `conclave man`: manual pages.

use anyhow::{Context, anyhow};
use clap::CommandFactory;
use clap_mangen::Man;

use super::{
    Cli,
    exit::{Exit, Failure, OrExit, print},
};

/// What `conclave man` is told.
#[derive(clap::Args)]
pub struct Args {
    /// The subcommand whose page is wanted, as in: conclave man cert issue
    #[arg(value_name = "SUBCOMMAND")]
    path: Vec<String>,
}

/// Prints the page.
pub fn run(Args { path }: Args) -> Result<Exit, Failure> {
    print(String::from_utf8_lossy(&page(path)?))?;
    Ok(Exit::Ok)
}

fn page(path: Vec<String>) -> Result<Vec<u8>, Failure> {
    let mut command = Cli::command();
    command.build();
    let mut title = "conclave".to_owned();
    for name in path {
        let Some(found) = command.find_subcommand(&name) else {
            return Err(anyhow!("{title} has no subcommand {name:?}; see: conclave --help")).or_exit(Exit::Usage);
        };
        command = found.clone();
        title = format!("{title}-{name}");
    }
    let mut page = Vec::new();
    Man::new(command).title(title).render(&mut page).context("cannot write the manual page")?;
    Ok(page)
}
