//! The command line: one file a subcommand, and the exit codes.
//!
//! A subcommand's module has `Args` (clap) and `run(Args) -> Result<Exit, Failure>`; the list
//! below is the only place that names it. Results go to stdout, all else to stderr.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use self::exit::{Exit, Failure};

mod access;
pub mod cert;
pub mod chat;
mod columns;
pub mod completions;
pub mod debug;
pub mod exit;
pub mod export;
pub mod history;
mod holdings;
mod json;
pub mod man;
mod online;
pub mod send;
pub mod serve;
pub mod tail;
mod target;
mod when;

/// Private chat over mutual TLS: one server, certificates as identity, any IRC client.
#[derive(Parser)]
#[command(name = "conclave", version, max_term_width = 100, disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

macro_rules! commands {
    ($($(#[$doc:meta])* $name:ident($module:ident),)*) => {
        #[derive(Subcommand)]
        #[allow(clippy::large_enum_variant, reason = "there is one of it, for a moment")]
        enum Command {
            $($(#[$doc])* $name($module::Args),)*
        }

        impl Command {
            fn run(self) -> Result<Exit, Failure> {
                match self {
                    $(Self::$name(args) => $module::run(args),)*
                }
            }
        }
    };
}

commands! {
    /// Certificates: the network's own authority, the server's and the devices'
    Cert(cert),
    /// Run the server
    Serve(serve),
    /// Chat on a terminal, or through a pipe
    Chat(chat),
    /// Send messages; ends well only when the server has acknowledged all of them
    Send(send),
    /// Follow a room, or the messages with a person, line by line
    Tail(tail),
    /// What a server keeps: print it, back it up, bring it back
    History(history),
    /// Print the settings of another client: WeeChat, irssi, Halloy, senpai
    Export(export),
    /// Print the openssl command that connects with your identity
    Debug(debug),
    /// Print a completion script for a shell
    Completions(completions),
    /// Print a manual page, as in: conclave man | man -l -
    Man(man),
}

/// Runs the program.
pub fn main() -> ExitCode {
    match Cli::try_parse() {
        Ok(cli) => exit::conclude(cli.command.run()),
        Err(error) => {
            // Help and version come this way too, with code 0. A reader who left misses nothing.
            let _ = error.print();
            if error.use_stderr() { Exit::Usage.into() } else { Exit::Ok.into() }
        }
    }
}
