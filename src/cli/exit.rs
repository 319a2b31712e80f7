//! How the program ends: exit codes, failures, and results on stdout.

use std::{
    fmt::Display,
    io::{self, Write},
    process::ExitCode,
};

use anyhow::anyhow;

/// The exit codes. Scripts rely on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// All went well.
    Ok = 0,
    /// Something went wrong that has no code of its own.
    Failure = 1,
    /// The command line was wrong.
    Usage = 2,
    /// The configuration, a certificate or a key on our side is wrong.
    Config = 3,
    /// The network: nobody answers, or the connection was lost.
    Network = 4,
    /// The server is not the one that was pinned.
    ServerIdentity = 5,
    /// The server refused our certificate.
    Refused = 6,
    /// The invitation is wrong or used up.
    Invite = 7,
    /// Interrupted from the keyboard.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why a subcommand failed, and the exit code that says so.
#[derive(Debug)]
pub struct Failure {
    /// The exit code. With [`Exit::Ok`] the program ends quietly.
    pub exit: Exit,
    /// What is told on stderr.
    pub error: anyhow::Error,
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self { exit: Exit::Failure, error }
    }
}

/// Gives an error its exit code.
pub trait OrExit<T> {
    /// The value, or a failure that ends the program with this code.
    fn or_exit(self, exit: Exit) -> Result<T, Failure>;
}

impl<T, E: Into<anyhow::Error>> OrExit<T> for Result<T, E> {
    fn or_exit(self, exit: Exit) -> Result<T, Failure> {
        self.map_err(|error| Failure { exit, error: error.into() })
    }
}

/// Writes a result, as it is, to stdout. Where the reader has gone (`conclave ... | head -1`) the
/// program ends quietly.
pub fn print(text: impl Display) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    printed(write!(stdout, "{text}").and_then(|()| stdout.flush()))
}

/// What became of a result that was written to stdout piece by piece.
pub fn printed(written: io::Result<()>) -> Result<(), Failure> {
    written.map_err(|error| match error.kind() {
        io::ErrorKind::BrokenPipe => Failure { exit: Exit::Ok, error: anyhow!("nobody reads the output") },
        _ => anyhow::Error::new(error).context("cannot write to stdout").into(),
    })
}

/// Writes a line of progress or advice to stderr. If even that fails, there is nobody to tell.
pub fn note(text: impl Display) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Ends the program: tells the failure on stderr, and gives the exit code.
pub(super) fn conclude(result: Result<Exit, Failure>) -> ExitCode {
    match result {
        Ok(exit) => exit.into(),
        Err(Failure { exit, error }) => {
            if exit != Exit::Ok {
                note(format_args!("conclave: {error:#}"));
            }
            exit.into()
        }
    }
}

#[cfg(test)]
mod tests {
    use anyhow::Context;

    use super::*;

    #[test]
    fn a_failure_keeps_its_code_and_its_causes() {
        let cause = || Err::<(), _>(io::Error::other("disk full"));
        let failure = cause().context("cannot write a.key").or_exit(Exit::Config).unwrap_err();
        assert_eq!(failure.exit, Exit::Config);
        assert_eq!(format!("{:#}", failure.error), "cannot write a.key: disk full");
        let failure: Failure = anyhow!("x").into();
        assert_eq!(failure.exit, Exit::Failure);
    }
}
