//! Masks: `*` stands for anything and `?` for one character, without case (Modern IRC, section
//! "Wildcard Expressions"); and the masks on the lists of rooms.

use crate::protocol::{chat::Source, limits};

/// In front of a mask: who fits the rest may come in, but not speak (ISUPPORT `EXTBAN`).
const MUTE: &str = "m:";
/// In front of an account's name (ISUPPORT `ACCOUNTEXTBAN`, IRCv3 `account-extban`).
const ACCOUNT: &str = "account:";

/// Whether a name fits a mask. Takes time in proportion to the product of their lengths at most.
pub(super) fn fits(mask: &str, name: &str) -> bool {
    let (mask, name) = (mask.as_bytes(), name.as_bytes());
    let after = |at: usize| (at + 1..name.len()).find(|&n| name[n] & 0xc0 != 0x80).unwrap_or(name.len());
    let (mut m, mut n) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while n < name.len() {
        match mask.get(m) {
            Some(b'*') => {
                retry = Some((m + 1, n));
                m += 1;
            }
            Some(b'?') => (m, n) = (m + 1, after(n)),
            Some(b) if b.eq_ignore_ascii_case(&name[n]) => (m, n) = (m + 1, n + 1),
            _ => match retry {
                Some((after_star, from)) => {
                    retry = Some((after_star, after(from)));
                    (m, n) = (after_star, after(from));
                }
                None => return false,
            },
        }
    }
    mask[m..].iter().all(|&b| b == b'*')
}

/// What an entry of a list is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Concern {
    /// Coming in and speaking.
    Entry,
    /// Speaking only.
    Speech,
}

/// What an entry is about, and whether it means this person.
pub(super) fn means(entry: &str, who: &Source) -> (Concern, bool) {
    let (concern, mask) = match entry.strip_prefix(MUTE) {
        Some(rest) => (Concern::Speech, rest),
        None => (Concern::Entry, entry),
    };
    let meant = match mask.strip_prefix(ACCOUNT) {
        Some(name) => fits(name, who.nick.as_str()),
        None => fits(mask, &who.mask()),
    };
    (concern, meant)
}

/// The whole of a mask that a person wrote: `bob` is `bob!*@*`. Why it can be none, otherwise.
pub(super) fn complete(written: &str) -> Result<Box<str>, &'static str> {
    if written.starts_with(':') || written.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err("a mask has no blank, no control character and no colon in front");
    }
    let (mute, mask) = match written.strip_prefix(MUTE) {
        Some(rest) => (MUTE, rest),
        None => ("", written),
    };
    if mask.is_empty() || mask == ACCOUNT {
        return Err("a mask names somebody: nick!user@host, or account:NAME");
    }
    let mask = if mask.starts_with(ACCOUNT) { format!("{mute}{mask}") } else { mute.to_owned() + &parts(mask) };
    if mask.len() > limits::MASK { Err("a mask has at most 120 octets") } else { Ok(mask.into()) }
}

/// Nick, user and host, of which some may be left out.
fn parts(mask: &str) -> String {
    let or_any = |part: &'_ str| if part.is_empty() { "*".to_owned() } else { part.to_owned() };
    let (front, host) = match mask.split_once('@') {
        Some((front, host)) => (Some(front), host),
        None => (None, ""),
    };
    let (nick, user) = match (front.unwrap_or(mask).split_once('!'), front) {
        (Some((nick, user)), _) => (nick, user),
        (None, Some(user)) => ("", user),
        (None, None) => (mask, ""),
    };
    format!("{}!{}@{}", or_any(nick), or_any(user), or_any(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks() {
        for (mask, name, expect) in [
            ("alice", "Alice", true),
            ("al*", "alice", true),
            ("*ice", "alice", true),
            ("a*i*e", "alice", true),
            ("a?ice", "alice", true),
            ("z?rich", "zürich", true),
            ("*?rich", "zürich", true),
            ("z??rich", "zürich", false),
            ("*", "x", true),
            ("a*b", "alice", false),
            ("", "alice", false),
            ("alice?", "alice", false),
        ] {
            assert_eq!(fits(mask, name), expect, "{mask} {name}");
        }
    }

    #[test]
    fn what_is_left_out_of_a_mask_is_anything() {
        for (written, whole) in [
            ("bob", "bob!*@*"),
            ("b?b*", "b?b*!*@*"),
            ("bob!b", "bob!b@*"),
            ("b@host", "*!b@host"),
            ("@host", "*!*@host"),
            ("bob!b@host", "bob!b@host"),
            ("!", "*!*@*"),
            ("m:bob", "m:bob!*@*"),
            ("account:bob", "account:bob"),
            ("m:account:bob", "m:account:bob"),
        ] {
            assert_eq!(complete(written).as_deref(), Ok(whole), "{written}");
        }
        for bad in ["", "a b", ":bob", "m:", "account:", "a\u{7}", &"x".repeat(118)] {
            assert!(complete(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn entries_mean_people() {
        let who = Source { nick: "Bob".parse().unwrap(), user: "b".into(), host: "net".into(), bot: false };
        for (entry, expect) in [
            ("bob!*@*", (Concern::Entry, true)),
            ("*!b@NET", (Concern::Entry, true)),
            ("*!c@*", (Concern::Entry, false)),
            ("m:*!*@net", (Concern::Speech, true)),
            ("account:BOB", (Concern::Entry, true)),
            ("account:bo", (Concern::Entry, false)),
            ("m:account:bob", (Concern::Speech, true)),
        ] {
            assert_eq!(means(entry, &who), expect, "{entry}");
        }
    }
}
