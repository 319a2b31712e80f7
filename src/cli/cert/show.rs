//! `conclave cert show`.

use std::path::PathBuf;

use super::{Rows, failure};
use crate::{
    cli::exit::{Exit, Failure, print},
    ident::DeviceLabel,
    pki::{
        PkiError, day,
        index::SOON,
        summary::{self, Summary},
    },
    platform::clock,
    tls::pem,
};

#[derive(clap::Args)]
pub(super) struct Args {
    /// A file with certificates (PEM)
    file: PathBuf,
}

pub(super) fn run(args: &Args) -> Result<Exit, Failure> {
    let now = clock::unix_now();
    let certificates = pem::certificates(&args.file).map_err(|e| failure(e.into()))?;
    let summaries: Vec<Summary> =
        certificates.iter().map(summary::of).collect::<Result<_, PkiError>>().map_err(failure)?;
    let texts: Vec<String> = summaries.iter().map(|summary| describe(summary, now)).collect();
    print(texts.join("\n"))?;
    Ok(Exit::Ok)
}

fn describe(summary: &Summary, now: i64) -> String {
    let mut rows = Rows::default();
    rows.row("subject", &summary.subject).row("issuer", &summary.issuer);
    let has = |usage: &str| summary.usages.iter().any(|u| u == usage);
    if summary.is_ca {
        rows.row("kind", "certificate authority");
    } else if has("serverAuth") && !has("clientAuth") {
        rows.row("kind", "server");
    } else {
        match &summary.identity {
            Ok(identity) => {
                rows.row("account", &identity.account);
                rows.row("device", identity.label.as_ref().map_or("-", DeviceLabel::as_str));
            }
            Err(error) => {
                rows.row("account", format_args!("none: {error}"));
            }
        }
        if !has("clientAuth") {
            rows.row("", "a server refuses it: the usage clientAuth is missing");
        }
    }
    rows.rows("names", &summary.names);
    rows.row("usages", if summary.usages.is_empty() { "-".into() } else { summary.usages.join(", ") });
    let validity = summary.validity;
    rows.row("valid from", note(validity.not_before, now < validity.not_before, "not yet valid"));
    rows.row(
        "valid until",
        if now > validity.not_after {
            note(validity.not_after, true, "expired")
        } else {
            note(validity.not_after, now > validity.not_after - SOON, "expires soon")
        },
    );
    rows.row("serial", &summary.serial).row("fingerprint", summary.fingerprint).row("pin", summary.pin);
    rows.to_string()
}

fn note(moment: i64, applies: bool, remark: &str) -> String {
    if applies { format!("{} ({remark})", day(moment)) } else { day(moment) }
}
