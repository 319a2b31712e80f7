//! The servers under test: each is started as a process of its own, with everything in a directory that
//! is removed afterwards, and ends with it.

pub(crate) mod ours;
pub(crate) mod peers;

use std::{
    io::{BufRead, BufReader},
    net::{SocketAddr, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use conclave::platform::clock::monotonic;

use super::{
    options::Options,
    process::{Memory, Usage},
};

/// Which server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Conclave,
    ConclaveSqlite,
    Reference,
    NgIrcd,
    InspIrcd,
    Ergo,
}

const ALL: [Kind; 6] =
    [Kind::Reference, Kind::Conclave, Kind::ConclaveSqlite, Kind::NgIrcd, Kind::InspIrcd, Kind::Ergo];
/// How long a server may take to listen.
const START: Duration = Duration::from_secs(20);

/// One that runs already.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attached {
    pub(crate) address: SocketAddr,
    pub(crate) pid: u32,
}

/// One that runs.
pub(crate) struct Server {
    child: Option<Child>,
    pub(crate) pid: u32,
    pub(crate) address: SocketAddr,
}

impl Kind {
    pub(crate) fn parse(name: &str) -> Option<Self> {
        ALL.into_iter().find(|kind| kind.name() == name)
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Conclave => "conclave",
            Self::ConclaveSqlite => "conclave-sqlite",
            Self::Reference => "reference",
            Self::NgIrcd => "ngircd",
            Self::InspIrcd => "inspircd",
            Self::Ergo => "ergo",
        }
    }

    /// Those that are there: ours, and the peers that are installed.
    pub(crate) fn installed(ergo: Option<&Path>) -> Vec<Self> {
        let there = |kind: &Self| match kind {
            Self::NgIrcd => Path::new("/usr/sbin/ngircd").exists(),
            Self::InspIrcd => Path::new("/usr/sbin/inspircd").exists(),
            Self::Ergo => ergo.is_some(),
            Self::Reference | Self::Conclave | Self::ConclaveSqlite => true,
        };
        ALL.into_iter().filter(there).collect()
    }
}

impl Server {
    /// Starts one, with its files in the directory.
    pub(crate) fn start(kind: Kind, options: &Options, authority: &Path, directory: &Path) -> Self {
        if let Some(Attached { address, pid }) = options.attached {
            return Self { child: None, pid, address };
        }
        let place = || peers::Place::new(directory, authority);
        match kind {
            Kind::Conclave => Self::that_says_where(ours::conclave(options, authority, "none")),
            Kind::ConclaveSqlite => {
                let data = directory.join("data");
                Self::that_says_where(ours::conclave(options, authority, data.to_str().expect("a name")))
            }
            Kind::Reference => Self::that_says_where(ours::reference(authority)),
            Kind::NgIrcd => Self::that_is_silent(&place(), peers::ngircd),
            Kind::InspIrcd => Self::that_is_silent(&place(), |place| peers::inspircd(place, !options.caps.is_empty())),
            Kind::Ergo => Self::that_is_silent(&place(), |place| {
                peers::ergo(options.ergo.as_deref().expect("--ergo FILE"), place)
            }),
        }
    }

    /// One that listens at the place's port, some time.
    fn that_is_silent(place: &peers::Place, command: impl FnOnce(&peers::Place) -> Command) -> Self {
        let address = SocketAddr::from(([127, 0, 0, 1], place.port));
        let child = command(place).spawn().expect("the server starts");
        let (begin, pid) = (monotonic(), child.id());
        let mut server = Self { child: Some(child), pid, address };
        while TcpStream::connect(address).is_err() {
            let ended = server.child.as_mut().is_some_and(|child| !matches!(child.try_wait(), Ok(None)));
            assert!(!ended && begin.elapsed() < START, "the server does not listen at {address}");
            std::thread::sleep(Duration::from_millis(20));
        }
        server
    }

    /// One that says `listening on ADDRESS`.
    fn that_says_where(mut command: Command) -> Self {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("the server starts");
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let address = lines.find_map(|line| line.unwrap().strip_prefix("listening on ")?.parse().ok());
        // It may go on talking.
        std::thread::spawn(move || lines.for_each(drop));
        let pid = child.id();
        let mut server = Self { child: Some(child), pid, address: SocketAddr::from(([127, 0, 0, 1], 0)) };
        server.address = address.expect("the server listens");
        server
    }

    pub(crate) fn usage(&self) -> Usage {
        Usage::of(self.pid)
    }

    pub(crate) fn memory(&self) -> Memory {
        Memory::of(self.pid)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
