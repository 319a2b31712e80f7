//! Listening sockets: bound here, or handed over by the service manager.

use std::{
    ffi::OsString,
    io,
    net::{IpAddr, SocketAddr, TcpListener},
};

use socket2::{Domain, Protocol, Socket, Type};
use thiserror::Error;

/// Why a socket does not listen.
#[derive(Debug, Error)]
pub enum ListenError {
    /// Another socket has the address.
    #[error("cannot listen on {0}: another program does; end it, or choose another port (0 takes a free one)")]
    InUse(SocketAddr),
    /// The system refuses.
    #[error("cannot listen on {address}")]
    Refused {
        /// Where.
        address: SocketAddr,
        /// The system's reason.
        source: io::Error,
    },
    /// The service manager says that it hands sockets over, but they cannot be used.
    #[error("the service manager's LISTEN_FDS: file {number} is no listening TCP socket that can be taken over")]
    Inherited {
        /// The file's number.
        number: i32,
        /// The system's reason.
        source: io::Error,
    },
}

/// Listens on all of the addresses, or on none. Where IPv4 and IPv6 are asked for with the same
/// port, each socket takes its own family; else `[::]` takes both, as is the system's habit.
pub fn bind(addresses: &[SocketAddr]) -> Result<Vec<TcpListener>, ListenError> {
    let both = |six: &SocketAddr| addresses.iter().any(|a| a.is_ipv4() && a.port() == six.port());
    let bind = |&address: &SocketAddr| {
        let only_v6 = address.is_ipv6() && both(&address);
        open(address, only_v6).map_err(|source| match source.kind() {
            io::ErrorKind::AddrInUse => ListenError::InUse(address),
            _ => ListenError::Refused { address, source },
        })
    };
    addresses.iter().map(bind).collect()
}

/// The most handshakes of TCP that wait for `accept`; the system takes less if it must.
const BACKLOG: i32 = 4096;

fn open(address: SocketAddr, only_v6: bool) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if cfg!(unix) {
        // A restarted server takes its port back at once.
        socket.set_reuse_address(true)?;
    }
    if matches!(address.ip(), IpAddr::V6(ip) if ip.is_unspecified()) {
        socket.set_only_v6(only_v6)?;
    }
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

/// The sockets that the service manager opened for this process (`sd_listen_fds(3)`); none when
/// it did not.
pub fn inherited(environment: impl Fn(&str) -> Option<OsString>) -> Result<Vec<TcpListener>, ListenError> {
    const FIRST: i32 = 3;

    let number = |name: &str| environment(name)?.to_str()?.parse::<i32>().ok();
    let ours = number("LISTEN_PID").is_some_and(|pid| pid.cast_unsigned() == std::process::id());
    let count = number("LISTEN_FDS").filter(|count| ours && (1..=64).contains(count)).unwrap_or(0);
    let take = |number| take(number).map_err(|source| ListenError::Inherited { number, source });
    (FIRST..FIRST + count).map(take).collect()
}

/// Duplicates a file of this process that is known by its number only. The number alone proves no
/// ownership, so the system is asked for a second handle instead of claiming the first.
#[cfg(target_os = "linux")]
fn take(number: i32) -> io::Result<TcpListener> {
    use rustix::process::{PidfdFlags, PidfdGetfdFlags, getpid, pidfd_getfd, pidfd_open};

    let own = pidfd_open(getpid(), PidfdFlags::empty())?;
    let file = pidfd_getfd(own, number, PidfdGetfdFlags::empty())?;
    let socket = Socket::from(file);
    if !socket.is_listener()? || socket.r#type()? != Type::STREAM {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

#[cfg(not(target_os = "linux"))]
fn take(_number: i32) -> io::Result<TcpListener> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_taken_once() {
        let free = "127.0.0.1:0".parse().unwrap();
        let listeners = bind(&[free, free]).unwrap();
        let taken = listeners[0].local_addr().unwrap();
        let error = bind(&[taken]).unwrap_err();
        assert!(matches!(error, ListenError::InUse(address) if address == taken), "{error}");
        let foreign = bind(&["192.0.2.1:0".parse().unwrap()]).unwrap_err();
        assert_eq!(foreign.to_string(), "cannot listen on 192.0.2.1:0");
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_socket_of_the_service_manager_is_taken_over() {
        use std::os::fd::AsRawFd;

        let listener = bind(&["127.0.0.1:0".parse().unwrap()]).unwrap().remove(0);
        let second = take(listener.as_raw_fd()).unwrap();
        assert_eq!(second.local_addr().unwrap(), listener.local_addr().unwrap());
        let file = std::fs::File::open("/dev/null").unwrap();
        assert!(take(file.as_raw_fd()).is_err());
    }

    #[test]
    fn sockets_for_another_process_are_left_alone() {
        let none = inherited(|_| None).unwrap();
        assert!(none.is_empty());
        let other = inherited(|name| Some(if name == "LISTEN_PID" { "1" } else { "3" }.into())).unwrap();
        assert!(other.is_empty());
    }
}
