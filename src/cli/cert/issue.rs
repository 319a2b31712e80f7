//! `conclave cert issue`.

use super::{Dir, Rows, failure};
use crate::{
    cli::exit::{Exit, Failure, note, print},
    ident::{Account, DeviceLabel},
    pki::{
        Directory, day,
        directory::{DEVICE_DAYS, Days, IssuedDevice, NewDevice},
    },
    platform::clock,
    tls::pin::Pin,
};

#[derive(clap::Args)]
pub(super) struct Args {
    /// The account's name
    name: Account,
    #[command(flatten)]
    device: DeviceOptions,
    #[command(flatten)]
    dir: Dir,
}

/// What `issue` and `sign` ask for alike.
#[derive(clap::Args)]
pub(super) struct DeviceOptions {
    /// What the owner calls the device; each device of an account has its own label
    #[arg(long, value_name = "LABEL", default_value = crate::pki::issue::DEFAULT_DEVICE)]
    device: DeviceLabel,
    /// For how many days it is valid
    #[arg(long, value_name = "N", default_value_t = DEVICE_DAYS.0, value_parser = clap::value_parser!(u32).range(1..=36_500))]
    days: u32,
}

pub(super) fn run(args: Args) -> Result<Exit, Failure> {
    let directory = args.dir.open();
    let issued = directory.issue(&args.device.of(args.name), clock::unix_now()).map_err(failure)?;
    print(rows(&issued))?;
    remarks(&directory, &issued);
    Ok(Exit::Ok)
}

impl DeviceOptions {
    pub(super) fn of(self, account: Account) -> NewDevice {
        NewDevice { account, device: self.device, days: Days(self.days) }
    }
}

pub(super) fn rows(issued: &IssuedDevice) -> Rows {
    let mut rows = Rows::default();
    rows.row("certificate", issued.certificate.display());
    if let Some(key) = &issued.key {
        rows.row("key", key.display());
    }
    if let Ok(identity) = &issued.summary.identity {
        rows.row("account", &identity.account);
        rows.rows("device", &identity.label);
    }
    rows.row("valid until", day(issued.summary.validity.not_after));
    rows.row("serial", &issued.summary.serial).row("fingerprint", issued.summary.fingerprint);
    rows
}

pub(super) fn remarks(directory: &Directory, issued: &IssuedDevice) {
    for (from, to) in &issued.moved {
        note(format_args!("{} had its time; it is {} now", from.display(), to.display()));
    }
    if issued.shortened {
        note("it ends with the certificate authority, before the days that were asked for");
    }
    // Without a server's certificate here, there is no pin to tell.
    if let Ok(pin) = Pin::load(&directory.server_certificate().to_string_lossy()) {
        note(format_args!("who gets these files also needs the server's pin: {pin}"));
    }
}
