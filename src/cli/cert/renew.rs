//! `conclave cert renew`.

use super::{Dir, Rows, Target, failure};
use crate::{
    cli::exit::{Exit, Failure, OrExit, note, print},
    pki::{
        Host, day,
        directory::{Days, Renew},
    },
    platform::clock,
};

#[derive(clap::Args)]
pub(super) struct Args {
    /// `server`, all devices of an account, or one of them
    #[arg(value_name = "server|NAME[/DEVICE]")]
    what: What,
    /// With `server`: a name or address under which clients reach it; may be repeated
    /// [default: those of the present certificate]
    #[arg(long = "host", value_name = "NAME_OR_IP")]
    hosts: Vec<Host>,
    /// For how many days it is valid [default: 825]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=36_500))]
    days: Option<u32>,
    #[command(flatten)]
    dir: Dir,
}

#[derive(Clone)]
enum What {
    Server,
    Device(Target),
}

impl std::str::FromStr for What {
    type Err = Box<dyn std::error::Error + Send + Sync>;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // No account is called so: the name is reserved.
        if text == "server" { Ok(Self::Server) } else { text.parse().map(Self::Device) }
    }
}

pub(super) fn run(args: Args) -> Result<Exit, Failure> {
    let directory = args.dir.open();
    let what = match args.what {
        What::Server => Renew::Server(args.hosts),
        What::Device(_) if !args.hosts.is_empty() => {
            return Err(anyhow::anyhow!("--host goes with `renew server` only")).or_exit(Exit::Usage);
        }
        What::Device(target) => Renew::Device(target.account, target.device),
    };
    let renewed = directory.renew(&what, args.days.map(Days), clock::unix_now()).map_err(failure)?;
    for one in renewed {
        let mut rows = Rows::default();
        rows.row("certificate", one.certificate.display());
        rows.rows("names", &one.summary.names);
        rows.row("valid until", day(one.summary.validity.not_after));
        rows.row("serial", &one.summary.serial).row("fingerprint", one.summary.fingerprint);
        rows.row("pin", one.summary.pin);
        print(rows)?;
    }
    note("the key and the pin stay the same; the old certificate is good until it ends");
    Ok(Exit::Ok)
}
