//! `conclave cert init`.

use std::path::Path;

use super::{Dir, Rows, failure};
use crate::{
    cli::exit::{Exit, Failure, note, print},
    pki::{Host, Network, directory::InitOptions},
    platform::{clock, files::quoted},
};

#[derive(clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    dir: Dir,
    /// The network's name, which never changes: the part after the @ in im:alice@NETWORK
    /// [default: the first host]
    #[arg(long, value_name = "NAME")]
    network: Option<Network>,
    /// A name or address under which clients reach the server; may be repeated
    /// [default: localhost, 127.0.0.1 and ::1]
    #[arg(long = "host", value_name = "NAME_OR_IP")]
    hosts: Vec<Host>,
}

pub(super) fn run(args: Args) -> Result<Exit, Failure> {
    let directory = args.dir.open();
    let asked = !args.hosts.is_empty();
    let hosts = if asked { args.hosts } else { default_hosts() };
    let options = InitOptions { network: args.network, hosts };
    let init = directory.init(&options, clock::unix_now()).map_err(failure)?;

    let path = |path: &std::path::PathBuf| path.display().to_string();
    let mut rows = Rows::default();
    rows.rows("made", init.made.iter().map(path));
    rows.rows("kept", init.kept.iter().map(path));
    rows.row("network", &init.network).row("server", init.server_names.join(", ")).row("pin", init.pin);
    print(rows)?;

    let dir = option(directory.path());
    if let Some(count) = init.reindexed {
        note(format_args!(
            "the index was missing: it is made anew of the {count} certificates that lie in {}; what lies elsewhere is not in it",
            directory.path().display()
        ));
    }
    let names: Vec<String> = init.server_names.iter().filter_map(|n| Some(n.split_once(':')?.1.to_owned())).collect();
    if asked && options.hosts.iter().any(|host| !names.contains(&host.to_string())) {
        let hosts: String = options.hosts.iter().map(|host| format!(" --host {host}")).collect();
        note(format_args!(
            "the server's certificate keeps its names; to change them: conclave cert renew server{dir}{hosts}"
        ));
    }
    if init.made.is_empty() {
        note("everything is there already; nothing was changed");
    } else if init.made.contains(&directory.ca_key()) {
        note(format_args!(
            "whoever has {} can make certificates for anybody: keep a copy in a safe place",
            directory.ca_key().display()
        ));
    }
    note(format_args!("next: conclave cert issue NAME{dir}"));
    Ok(Exit::Ok)
}

fn default_hosts() -> Vec<Host> {
    use std::net::{Ipv4Addr, Ipv6Addr};
    vec![
        Host::Name("localhost".into()),
        Host::Address(Ipv4Addr::LOCALHOST.into()),
        Host::Address(Ipv6Addr::LOCALHOST.into()),
    ]
}

/// ` --dir DIR` for a command that is shown, unless it is the default.
pub(super) fn option(dir: &Path) -> String {
    if dir == Path::new("certs") { String::new() } else { format!(" --dir {}", quoted(dir)) }
}
