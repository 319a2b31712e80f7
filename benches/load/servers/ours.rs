//! Conclave, and the reference.

use std::{
    path::Path,
    process::{Command, Stdio},
};

use crate::options::Options;

/// The hidden first argument with which this program is the reference.
pub(crate) const REFERENCE: &str = "--serve-as-reference";

pub(super) fn conclave(options: &Options, authority: &Path, data: &str) -> Command {
    let limits = options.limits.as_deref().unwrap_or("off");
    let mut command = Command::new(&options.conclave);
    command
        .args(["serve", "--listen", "127.0.0.1:0", "--log", "error", "--limits", limits])
        .args(["--threads", &options.threads.to_string(), "--data", data, "--certs"])
        .arg(authority)
        .args(&options.server_args)
        .stderr(Stdio::null());
    command
}

pub(super) fn reference(authority: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.arg(REFERENCE).arg(authority);
    command
}
