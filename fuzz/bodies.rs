//! What each fuzz target does with its bytes, and the list of them.
//!
//! Shared by `fuzz/targets/*` (cargo-fuzz, a nightly compiler) and `tests/it/fuzz.rs` (the same
//! functions on stable Rust, for a bounded time, and on everything stored in `fuzz/corpus`).

use conclave::protocol::{
    BadLine, FirstLine, Framer, Line, LineLimits, Message, MessageBuf, Tags, sanitize,
    tags::{escape, unescape},
};

/// A target's body. Panics when something is wrong.
pub(crate) type Body = fn(&[u8]);

/// All targets; each has a file in `targets` and a folder in `corpus`.
pub(crate) const ALL: [(&str, Body); 5] =
    [("message", message), ("framing", framing), ("first_line", first_line), ("tags", tags), ("sanitize", sanitize)];

/// What parses is written and read back the same, also part by part.
pub(crate) fn message(data: &[u8]) {
    let Ok(line) = std::str::from_utf8(data) else { return };
    let Ok(message) = Message::parse(line) else { return };
    let written = message.to_string();
    assert!(written.len() <= line.len() + 1, "{line:?} grew to {written:?}");
    assert_eq!(Message::parse(&written).as_ref(), Ok(&message));

    let mut parts = MessageBuf::new(message.command);
    for tag in message.tags.iter() {
        parts = parts.tag(tag.key, &tag.value());
    }
    if let Some(source) = message.source {
        parts = parts.source(source);
    }
    for param in message.params.iter() {
        parts = parts.param(param);
    }
    if let Ok(line) = parts.finish(LineLimits::IRC_SERVER) {
        let again = Message::parse(&line).expect("a written line parses");
        assert_eq!((again.source, again.command), (message.source, message.command));
        assert_eq!(again.params, message.params);
        assert!(again.tags.iter().map(|tag| tag.value()).eq(message.tags.iter().map(|tag| tag.value())));
    }
}

/// The first octet says into which pieces the rest is divided; the division makes no difference,
/// and what is held stays bounded.
pub(crate) fn framing(data: &[u8]) {
    let Some((&first, rest)) = data.split_first() else { return };
    for limits in [LineLimits { tags: 16, body: 24 }, LineLimits::IRC_CLIENT, LineLimits::PLAIN] {
        let whole = lines(limits, rest, rest.len().max(1));
        let divided = lines(limits, rest, usize::from(first) + 1);
        assert_eq!(whole, divided);
        for line in whole.iter().flatten() {
            assert!(line.len() <= limits.tags + limits.body && !line.contains(['\0', '\r', '\n']));
        }
    }
}

fn lines(limits: LineLimits, input: &[u8], piece: usize) -> Vec<Result<String, BadLine>> {
    let mut framer = Framer::new(limits);
    let mut out = Vec::new();
    let own = |line: Line<'_>| line.text().map(ToOwned::to_owned);
    for mut piece in input.chunks(piece) {
        while let Some(line) = framer.next_line(&mut piece) {
            out.push(own(line));
        }
        assert!(piece.is_empty() && framer.held() <= 2 * (limits.tags + limits.body));
    }
    out.extend(framer.finish().map(own));
    out
}

/// Every line is judged, and an IRC one is a message.
pub(crate) fn first_line(data: &[u8]) {
    let Ok(line) = std::str::from_utf8(data) else { return };
    match FirstLine::judge(line) {
        FirstLine::Irc => {
            let message = Message::parse(line).expect("an IRC first line parses");
            assert!(message.command.bytes().all(|b| b.is_ascii_uppercase()));
        }
        FirstLine::Http => assert!(line.contains(" HTTP/")),
        FirstLine::Plain => {}
    }
}

/// Sections are refused or readable to the end; values survive their escapes.
pub(crate) fn tags(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    assert_eq!(unescape(&escape(text)), text);
    let Ok(tags) = Tags::parse(text) else { return };
    for tag in tags.iter() {
        assert!(tags.get(tag.key).is_some());
    }
    let mut relayed = String::new();
    if tags.write_client_only(&mut relayed) {
        let again = Tags::parse(&relayed).expect("relayed tags parse");
        assert!(again.iter().eq(tags.client_only()));
    }
}

/// Nothing that acts on its reader comes out, and nothing changes a second time.
pub(crate) fn sanitize(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let shown = sanitize::for_terminal(text);
    assert!(!shown.contains(char::is_control));
    assert_eq!(sanitize::for_terminal(&shown), shown);
    let sent = sanitize::for_irc(text);
    assert!(!sent.contains(['\0', '\r', '\n', '\x07', '\x1b', '\x7f']) && sent.len() <= text.len());
    assert_eq!(sanitize::for_irc(&sent), sent);
}
