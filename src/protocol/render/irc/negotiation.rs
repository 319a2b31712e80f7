//! CAP (IRCv3 Capability Negotiation 3.2) and AUTHENTICATE (SASL 3.1).

use std::fmt::Write;

use super::{Writer, end, line, push_trailing};
use crate::protocol::{
    caps::CapVersion,
    reply::CapReply,
    sasl::{MECHANISMS, SaslReply},
};

impl Writer<'_> {
    pub(super) fn cap(&mut self, reply: CapReply, list: &str) {
        let (verb, version) = match reply {
            CapReply::Ls(version) => ("LS", Some(version)),
            CapReply::List(version) => ("LIST", Some(version)),
            CapReply::Ack => ("ACK", None),
            CapReply::Nak => ("NAK", None),
        };
        // What stands in front of a word that says that more lines follow.
        let room = self.room(&["CAP", verb, "*"]);
        match version {
            _ if list.len() <= room => self.cap_line(verb, false, list),
            // One line is all that there is: what is no draft comes first.
            Some(CapVersion::V301) => {
                let (drafts, settled): (Vec<&str>, _) = list.split(' ').partition(|word| word.starts_with("draft/"));
                let rows = rows([settled, drafts].concat(), room);
                self.cap_line(verb, false, rows.first().map_or("", String::as_str));
            }
            // One NAK says enough, whole or not.
            None if reply == CapReply::Nak => self.cap_line(verb, false, list),
            _ => {
                let rows = rows(list.split(' ').collect(), room);
                for (number, row) in rows.iter().enumerate() {
                    self.cap_line(verb, version.is_some() && number + 1 < rows.len(), row);
                }
            }
        }
    }

    fn cap_line(&mut self, verb: &str, more: bool, list: &str) {
        let more = if more { " *" } else { "" };
        let out = self.lines.begin();
        // Writing to a String cannot fail.
        let _ = write!(out, ":{} CAP {} {verb}{more} :", self.server.name, self.me);
        push_trailing(out, list);
        end(self.lines);
    }

    pub(super) fn sasl(&mut self, reply: &SaslReply) {
        match reply {
            SaslReply::Continue => line(self.lines, None, "AUTHENTICATE", &["+"]),
            SaslReply::LoggedIn(source) => {
                let name = source.nick.as_str();
                self.num(900, &[&source.mask(), name], Some(&format!("You are now logged in as {name}")));
                self.num(903, &[], Some("SASL authentication successful"));
            }
            SaslReply::Failed => self.num(904, &[], Some("SASL authentication failed")),
            SaslReply::TooLong => self.num(905, &[], Some("SASL message too long")),
            SaslReply::Aborted => self.num(906, &[], Some("SASL authentication aborted")),
            SaslReply::NoMechanism => {
                self.num(908, &[MECHANISMS], Some("are available SASL mechanisms"));
                self.sasl(&SaslReply::Failed);
            }
        }
    }
}

/// The words in rows of at most `room` octets.
fn rows(words: Vec<&str>, room: usize) -> Vec<String> {
    let mut rows: Vec<String> = Vec::new();
    for word in words {
        match rows.last_mut() {
            Some(row) if row.len() + 1 + word.len() <= room => {
                row.push(' ');
                row.push_str(word);
            }
            _ => rows.push(word.to_owned()),
        }
    }
    rows
}
