//! HTTP as a scraper speaks it, without a library: so that also what is none can be sent.

use std::{
    collections::BTreeMap,
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
};

use super::PATIENCE;

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

/// Asks for a page.
pub(crate) fn get(address: SocketAddr, path: &str) -> Answer {
    ask(address, &format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n")).unwrap_or_else(|| panic!("no answer for {path}"))
}

/// Sends these octets; `None` when the connection ends without an answer.
pub(crate) fn ask(address: SocketAddr, octets: &str) -> Option<Answer> {
    let mut tcp = TcpStream::connect(address).unwrap();
    tcp.set_read_timeout(Some(PATIENCE)).unwrap();
    // It may have closed before it got all.
    let _ = tcp.write_all(octets.as_bytes());
    read(&mut tcp)
}

/// The rest of what comes on a connection.
pub(crate) fn read(tcp: &mut TcpStream) -> Option<Answer> {
    let (mut octets, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        match tcp.read(&mut buffer) {
            Ok(length @ 1..) => octets.extend_from_slice(&buffer[..length]),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => panic!("not in {PATIENCE:?}"),
            // That it was closed with something unread is no matter here.
            Ok(0) | Err(_) => break,
        }
    }
    let text = String::from_utf8(octets).unwrap();
    let (head, body) = text.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().unwrap();
    Some(Answer { status, head: head.to_lowercase(), body: body.into() })
}

/// All numbers of a page of metrics, each under its name with its labels.
pub(crate) fn numbers(address: SocketAddr) -> BTreeMap<String, f64> {
    let page = get(address, "/metrics");
    assert_eq!(page.status, 200, "{}", page.body);
    let rows = page.body.lines().filter(|line| !line.starts_with('#'));
    rows.map(|row| row.rsplit_once(' ').unwrap()).map(|(name, value)| (name.into(), value.parse().unwrap())).collect()
}
