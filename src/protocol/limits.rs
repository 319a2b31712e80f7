//! How long a line and its parts may be: numbers only, no parsing.
//!
//! RFC 1459 section 2.3 (512 octets, 15 parameters) and the IRCv3 `message-tags` specification
//! (sizes of the tag section). Our own: the length of a plain line.

/// The most octets of an IRC line without its tags, CR LF counted (RFC 1459, section 2.3).
pub const IRC_BODY: usize = 512;

/// The most octets of tags that a client may send, the `@` and the space counted.
pub const CLIENT_TAGS: usize = 4096;

/// The most octets of tags that a server may send, the `@` and the space counted: 4094 of what
/// the sender's client gave and 4095 of the server's own.
pub const SERVER_TAGS: usize = 8191;

/// The most octets of a plain line, its line end counted as two.
pub const PLAIN_LINE: usize = 4096;

/// The most parameters of an IRC message; the last of them takes the rest of the line.
pub const MAX_PARAMS: usize = 15;

/// The most octets of the name by which a message is known when it is sent again (ours:
/// `conclave.chat/id`).
pub const SENT_ID: usize = 64;

/// The most private messages of one sender that wait for a person who is not here.
pub const WAITING_FROM_ONE: usize = 500;

/// The most of all senders together.
pub const WAITING: usize = 5000;

/// The most octets of a label (IRCv3 `labeled-response`).
pub const MAX_LABEL: usize = 64;

/// The most octets of one page of what is kept, about as its reader gets them: whoever asks for one
/// must not be sent more than his outbox holds, whatever others filled the room with.
pub const PAGE: usize = 512 << 10;

/// The most octets of a topic (ISUPPORT `TOPICLEN`); a longer one is refused. With the longest
/// names that there can be, TOPIC and 332 still fit into a line.
pub const TOPIC: usize = 300;

/// The most octets of an away, part or quit reason (ISUPPORT `AWAYLEN`); a longer one is cut.
pub const REASON: usize = 300;

/// The most octets of a username (ISUPPORT `USERLEN`); a longer one is cut.
pub const USER: usize = 20;

/// The most octets of a message of several lines (IRCv3 `draft/multiline`, `max-bytes`).
pub const MULTILINE_OCTETS: usize = 4096;

/// The most lines of such a message (`max-lines`).
pub const MULTILINE_LINES: usize = 32;

/// The most octets of a kick's reason (ISUPPORT `KICKLEN`); a longer one is cut.
pub const KICK: usize = 270;

/// The most octets of the reason of a room's renaming; a longer one is cut.
pub const RENAME: usize = 200;

/// The most octets of a room's key (ISUPPORT `KEYLEN`).
pub const KEY: usize = 32;

/// The most masks on all lists of a room together (ISUPPORT `MAXLIST`).
pub const LISTED: usize = 100;

/// The most octets of a mask on a list of a room.
pub const MASK: usize = 120;

/// The most changes with a parameter in one MODE (ISUPPORT `MODES`).
pub const MODES: usize = 8;

/// The most octets of changes that one MODE line says: with the longest names that there can be,
/// it still fits.
pub const MODE_CHANGES: usize = 300;

/// The most people whom one session watches (ISUPPORT `MONITOR`).
pub const MONITOR: usize = 100;

/// How many of those who were here WHOWAS remembers.
pub const WHOWAS: usize = 1000;

/// The most octets of a key of metadata (IRCv3 `draft/metadata-3`, `max-key-bytes`).
pub const METADATA_KEY: usize = 32;

/// The most octets of a value (`max-value-bytes`). With the longest names that there can be, 761
/// still fits into a line.
pub const METADATA_VALUE: usize = 300;

/// The most keys that a person or a room has (`max-keys`).
pub const METADATA_KEYS: usize = 32;

/// The most keys to which one session is subscribed (`max-subs`).
pub const METADATA_SUBS: usize = 50;

/// The most conversations of which an account has marked how far it has read.
pub const MARKS: usize = 500;

/// The most octets of the network's id, which everybody's host is.
pub const NETWORK: usize = 63;

/// The most devices and programs of one account of which is known up to where they have read; the
/// one that is furthest behind goes when another comes.
pub const CURSORS: usize = 64;

/// The most octets of a real name; a longer one is cut.
pub const REALNAME: usize = 150;

/// The line end that [`LineLimits::body`] counts: CR LF, also where only LF is sent.
const LINE_END: usize = 2;

/// As much of the text as fits into `most` octets, whole characters.
pub fn cut(text: &str, most: usize) -> &str {
    &text[..text.floor_char_boundary(most)]
}

/// How long a line of one dialect may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineLimits {
    /// The tag section of a line that starts with `@`: `@`, tags and one space. 0 means that the
    /// dialect has no tags, so that `@` is a character like any other.
    pub tags: usize,
    /// Everything after the tag section, two octets for the line end counted.
    pub body: usize,
}

impl LineLimits {
    /// The first line, before the dialect is known: whatever either dialect would allow.
    pub const FIRST: Self = Self { tags: CLIENT_TAGS, body: PLAIN_LINE };
    /// What an IRC client may send.
    pub const IRC_CLIENT: Self = Self { tags: CLIENT_TAGS, body: IRC_BODY };
    /// What an IRC server may send. Its body is not held to 512 octets: some servers send more,
    /// and a client has no reason to lose such a line.
    pub const IRC_SERVER: Self = Self { tags: SERVER_TAGS, body: PLAIN_LINE };
    /// What a person or a script may send in the plain dialect.
    pub const PLAIN: Self = Self { tags: 0, body: PLAIN_LINE };

    /// Whether a line, or the start of one that still lacks its line end, is within the limits.
    ///
    /// Never true again for a line of which a start was already too long. A CR at the end is taken
    /// for the first half of the line end.
    pub fn allow(self, line: &[u8]) -> bool {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let body = self.body.saturating_sub(LINE_END);
        if self.tags == 0 || line.first() != Some(&b'@') {
            return line.len() <= body;
        }
        match memchr::memchr(b' ', &line[..line.len().min(self.tags)]) {
            Some(space) => line.len() - (space + 1) <= body,
            None => line.len() < self.tags,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn body_and_tags_are_counted_apart() {
        let irc = LineLimits::IRC_CLIENT;
        let body = |n: usize| "x".repeat(n);
        assert!(irc.allow(body(510).as_bytes()));
        assert!(irc.allow((body(510) + "\r").as_bytes()));
        assert!(!irc.allow(body(511).as_bytes()));
        assert!(irc.allow(format!("@{} {}", body(4094), body(510)).as_bytes()));
        assert!(!irc.allow(format!("@{} {}", body(4095), body(1)).as_bytes()));
        assert!(!irc.allow(format!("@{} {}", body(1), body(511)).as_bytes()));
        assert!(irc.allow(format!("@{}", body(4094)).as_bytes()));
        assert!(!irc.allow(format!("@{}", body(4095)).as_bytes()));
    }

    #[test]
    fn plain_lines_have_no_tags() {
        assert!(LineLimits::PLAIN.allow(format!("@{}", "x".repeat(4093)).as_bytes()));
        assert!(!LineLimits::PLAIN.allow(format!("@{} y", "x".repeat(4092)).as_bytes()));
    }
}
