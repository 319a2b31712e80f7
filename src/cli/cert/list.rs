//! `conclave cert list`.

use anyhow::Context;
use jiff::Timestamp;
use serde::Serialize;

use super::{Dir, failure};
use crate::{
    cli::{
        columns::columns,
        exit::{Exit, Failure, print},
    },
    pki::{
        Directory,
        crl::{Reason, Revocation},
        day,
        directory::Listed,
        index::{Entry, Kind, Status},
    },
    platform::clock,
};

#[derive(clap::Args)]
pub(super) struct Args {
    /// One JSON object a line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    dir: Dir,
}

pub(super) fn run(args: &Args) -> Result<Exit, Failure> {
    let listed = Directory::new(&args.dir.dir).list(clock::unix_now()).map_err(failure)?;
    print(if args.json { json(&listed)? } else { table(&listed) })?;
    Ok(Exit::Ok)
}

fn table(listed: &[Listed]) -> String {
    let head = ["ACCOUNT", "DEVICE", "STATUS", "UNTIL", "SERIAL"].map(str::to_owned);
    let rows: Vec<[String; 5]> = std::iter::once(head).chain(listed.iter().map(row)).collect();
    columns(&rows)
}

fn row(listed: &Listed) -> [String; 5] {
    let Entry { account, device, kind, .. } = &listed.entry;
    let account = match kind {
        Kind::Ca => "(authority)".into(),
        Kind::Server => "(server)".into(),
        Kind::Device => account.as_ref().map_or_else(|| "-".into(), ToString::to_string),
    };
    let status = match listed.revocation {
        Some(Revocation { reason: Reason::Unspecified, .. }) | None => listed.status.as_str().into(),
        Some(Revocation { reason, .. }) => format!("{} ({reason})", listed.status.as_str()),
    };
    [
        account,
        device.as_ref().map_or_else(|| "-".into(), ToString::to_string),
        status,
        day(listed.entry.not_after),
        listed.entry.serial.to_string(),
    ]
}

#[derive(Serialize)]
struct Line<'a> {
    #[serde(flatten)]
    entry: &'a Entry,
    status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    revoked_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<Reason>,
}

fn json(listed: &[Listed]) -> Result<String, Failure> {
    let mut lines = String::new();
    for Listed { entry, status, revocation } in listed {
        let revoked_at = revocation.and_then(|r| Timestamp::from_second(r.at).ok()).map(|at| at.to_string());
        let line = Line { entry, status: *status, revoked_at, reason: revocation.map(|r| r.reason) };
        lines.push_str(&serde_json::to_string(&line).context("cannot write the list as JSON")?);
        lines.push('\n');
    }
    Ok(lines)
}
