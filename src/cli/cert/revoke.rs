//! `conclave cert revoke`.

use clap::ArgGroup;

use super::{Dir, Target, failure};
use crate::{
    cli::exit::{Exit, Failure, note, print},
    ident::Fingerprint,
    pki::{Serial, crl::Reason, directory::Selector, index::Entry},
    platform::clock,
};

#[derive(clap::Args)]
#[command(group(ArgGroup::new("which").required(true).args(["target", "fingerprint", "serial"])))]
pub(super) struct Args {
    /// All devices of an account, or one of them
    #[arg(value_name = "NAME[/DEVICE]")]
    target: Option<Target>,
    /// The certificate with this SHA-256
    #[arg(long, value_name = "HEX")]
    fingerprint: Option<Fingerprint>,
    /// The certificate with this serial number
    #[arg(long, value_name = "HEX")]
    serial: Option<Serial>,
    /// Take the serial number even if it is not in the index: another tool made the certificate
    #[arg(long, requires = "serial")]
    unlisted: bool,
    /// unspecified, key-compromise, affiliation-changed, superseded or cessation-of-operation
    #[arg(long, default_value_t)]
    reason: Reason,
    #[command(flatten)]
    dir: Dir,
}

pub(super) fn run(args: Args) -> Result<Exit, Failure> {
    let directory = args.dir.open();
    let selector = match (args.target, args.fingerprint, args.serial) {
        (Some(Target { account, device: Some(device) }), ..) => Selector::Device(account, device),
        (Some(Target { account, device: None }), ..) => Selector::Account(account),
        (None, Some(fingerprint), _) => Selector::Fingerprint(fingerprint),
        (None, None, Some(serial)) if args.unlisted => Selector::Unlisted(serial),
        (None, None, Some(serial)) => Selector::Serial(serial),
        // The group above lets nothing else through.
        (None, None, None) => return Err(anyhow::anyhow!("say what to revoke").into()),
    };
    let revoked = directory.revoke(&selector, args.reason, clock::unix_now()).map_err(failure)?;
    for entry in &revoked.before {
        note(format_args!("{} was revoked before", describe(entry)));
    }
    if revoked.now.is_empty() && revoked.before.is_empty() && revoked.unlisted.is_none() {
        note("this serial number was revoked before");
    }
    let mut lines: String = revoked.now.iter().map(|entry| format!("revoked {}\n", describe(entry))).collect();
    if let Some(serial) = &revoked.unlisted {
        lines.push_str(&format!("revoked serial {serial}, which is not in the index\n"));
    }
    print(lines)?;
    note(format_args!(
        "list number {} is in {}; a server that uses this file reads it within a second",
        revoked.crl_number,
        directory.crl().display()
    ));
    Ok(Exit::Ok)
}

fn describe(entry: &Entry) -> String {
    format!("{}, serial {}", entry.holder(), entry.serial)
}
