//! WeeChat: commands for its input line (User's guide, "Connect with TLS", "irc.server.*" options).
//!
//! It takes certificate and key from one file, and knows a server by the SHA-256 of its whole
//! certificate; with that it checks nothing else. Its options were called `ssl_*` before 4.0, and
//! `tls_*` since. Most values are evaluated: `${` begins an expression.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, anyhow};

use super::{Common, Settings, hex, path};
use crate::{
    cli::exit::{Exit, Failure, OrExit, note},
    pki::summary,
    platform::files,
    tls::pem,
};

#[derive(clap::Args, Clone, Debug)]
pub(super) struct Args {
    #[command(flatten)]
    common: Common,

    /// The version of your WeeChat [default: that of the one that is installed here, or 4.0]
    #[arg(long, value_name = "VERSION", value_parser = major)]
    weechat: Option<u32>,

    /// Know the server by its authority, for all of WeeChat's servers, and not by its certificate,
    /// which is another after each renewal
    #[arg(long)]
    by_authority: bool,

    /// Where certificate and key go, in one file [default: beside the certificate, -both.pem]
    #[arg(long, value_name = "FILE")]
    both: Option<PathBuf>,
}

/// The number before the first dot.
fn major(text: &str) -> Result<u32, &'static str> {
    let number = text.split('.').next().unwrap_or_default();
    number.trim_start_matches('v').parse().map_err(|_| "a version such as 3.8 or 4.5.1 is expected")
}

pub(super) fn export(args: Args) -> Result<String, Failure> {
    let Args { common, weechat, by_authority, both } = args;
    let settings = Settings::collect(common)?;
    let both = both.unwrap_or_else(|| {
        let cert = Path::new(&settings.cert);
        let stem = cert.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        cert.with_file_name(format!("{stem}-both.pem"))
    });
    let text = commands(&settings, names(weechat.unwrap_or_else(installed)), &path(&both)?, by_authority)?;
    join(&settings, &both)?;
    Ok(text)
}

/// What its options begin with.
fn names(major: u32) -> &'static str {
    let (names, versions) = if major < 4 { ("ssl", "before 4.0") } else { ("tls", "4.0 and later") };
    note(format_args!("-- paste these into WeeChat; they are for {versions} (--weechat VERSION for another)"));
    names
}

fn installed() -> u32 {
    let ask = |program: &&str| {
        let output = Command::new(program).arg("--version").output().ok()?;
        major(String::from_utf8_lossy(&output.stdout).trim()).ok()
    };
    ["weechat", "weechat-curses", "weechat-headless"].iter().find_map(ask).unwrap_or(4)
}

fn commands(settings: &Settings, names: &str, both: &str, by_authority: bool) -> Result<String, Failure> {
    let Settings { network, host, port, account, lobby, .. } = settings;
    let prints = if by_authority { Vec::new() } else { fingerprints(&settings.server_certs)? };
    let mut lines = vec![format!("/server add {network} {host}/{port} -{names}")];
    let mut set = |option: &str, value: &str| lines.push(format!("/set irc.server.{network}.{option} \"{value}\""));
    // Also where there is a server of this name already.
    set("addresses", &format!("{host}/{port}"));
    set(names, "on");
    set(&format!("{names}_verify"), "on");
    set(&format!("{names}_cert"), &literal(both));
    set(&format!("{names}_fingerprint"), &prints.join(","));
    set("sasl_mechanism", "external");
    set("nicks", account);
    set("username", &settings.username("weechat"));
    set("capabilities", "*");
    set("autojoin", &literal(lobby));
    if prints.is_empty() {
        let ca = settings.authority("WeeChat")?;
        if ca.contains(':') {
            let error = anyhow!("WeeChat divides {ca} at its colon: put ca.pem elsewhere");
            return Err(error).or_exit(Exit::Config);
        }
        lines.push(format!("/set weechat.network.gnutls_ca_user \"{}\"", literal(ca)));
    }
    lines.push(format!("/connect {network}"));
    lines.push("/save".into());
    Ok(lines.join("\n") + "\n")
}

fn fingerprints(files: &[PathBuf]) -> Result<Vec<String>, Failure> {
    let print = |file: &PathBuf| {
        let certificates = pem::certificates(file).or_exit(Exit::Config)?;
        let first = certificates.first().ok_or_else(|| anyhow!("{} holds no certificate", file.display()))?;
        let summary = summary::of(first).or_exit(Exit::Config)?;
        Ok(hex(summary.fingerprint.as_bytes(), ""))
    };
    files.iter().map(print).collect()
}

/// A value that means itself.
fn literal(text: &str) -> String {
    text.replace("${", r"${\x24}{")
}

/// Makes the file with both. One that is there already is replaced only if it is such a file: of
/// the same key.
fn join(settings: &Settings, both: &Path) -> Result<(), Failure> {
    let read = |path: &str| fs::read(path).with_context(|| format!("cannot read {path}")).or_exit(Exit::Config);
    let mut text = read(&settings.cert)?;
    if !text.ends_with(b"\n") {
        text.push(b'\n');
    }
    text.extend(read(&settings.key)?);
    if both.exists() {
        if fs::read(both).is_ok_and(|old| old == text) && files::check_private(both).is_ok() {
            return Ok(());
        }
        let ours = pem::private_key(Path::new(&settings.key)).or_exit(Exit::Config)?;
        if !pem::private_key(both).is_ok_and(|old| old == ours) {
            let error = anyhow!("{} is something else: say with --both FILE where the file shall be", both.display());
            return Err(error).or_exit(Exit::Config);
        }
    }
    files::write_private(both, &text).or_exit(Exit::Config)?;
    note(format_args!("-- made {}, for nobody but you to read", both.display()));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{super::example, *};

    #[test]
    fn options_are_called_as_the_version_calls_them() {
        assert_eq!((major("3.8"), major("4.5.1-dev"), major("v4.0")), (Ok(3), Ok(4), Ok(4)));
        assert!(major("new").is_err());
        let old = commands(&example(), names(3), "/a b/${x}-both.pem", false).unwrap();
        assert!(old.starts_with("/server add conclave chat.example.org/6697 -ssl\n"), "{old}");
        assert!(old.contains("/set irc.server.conclave.ssl_cert \"/a b/${\\x24}{x}-both.pem\"\n"), "{old}");
        assert!(old.contains("/set irc.server.conclave.username \"alice@weechat\"\n"), "{old}");
        // No certificate of the server is known: the authority's it is.
        assert!(old.contains("/set weechat.network.gnutls_ca_user \"/a b/ca.pem\"\n"), "{old}");
        let new = commands(&example(), names(4), "/both.pem", true).unwrap();
        assert!(new.contains("/set irc.server.conclave.tls_cert \"/both.pem\"\n") && !new.contains("ssl"), "{new}");
    }
}
