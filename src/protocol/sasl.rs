//! SASL with EXTERNAL (IRCv3 `sasl` 3.1 and 3.2; RFC 4422, appendix A): the certificate has proved
//! already who this is, so all that can be asked is whether the client means the same account.

use std::sync::Arc;

use crate::protocol::chat::Source;

/// The most base64 in one AUTHENTICATE; a chunk of exactly so much is followed by another.
const CHUNK: usize = 400;

/// The most chunks of a response that are listened to.
const CHUNKS: usize = 4;

/// The mechanisms that there are.
pub const MECHANISMS: &str = "EXTERNAL";

/// How far an exchange is. It may be begun again at any time (3.2, "SASL Reauthentication").
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sasl {
    /// None is under way.
    #[default]
    Idle,
    /// The mechanism is chosen, and so many whole chunks of the response have come.
    Asked(usize),
}

/// What AUTHENTICATE is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SaslReply {
    /// The response, please (`AUTHENTICATE +`).
    Continue,
    /// 900 and 903: as whom one is logged in.
    LoggedIn(Arc<Source>),
    /// 904: no.
    Failed,
    /// 905: the response is longer than one may be.
    TooLong,
    /// 906: the client did not want to go on.
    Aborted,
    /// 908 and 904: there is no such mechanism.
    NoMechanism,
}

impl Sasl {
    /// Takes the parameter of one AUTHENTICATE of somebody who is `source`; `None` while more of
    /// the response is to come.
    pub fn take(&mut self, given: &str, source: &Arc<Source>) -> Option<SaslReply> {
        let chunks = match std::mem::take(self) {
            _ if given == "*" => return Some(SaslReply::Aborted),
            Self::Idle if given.eq_ignore_ascii_case(MECHANISMS) => {
                *self = Self::Asked(0);
                return Some(SaslReply::Continue);
            }
            Self::Idle => return Some(SaslReply::NoMechanism),
            Self::Asked(chunks) => chunks,
        };
        Some(match given.len() {
            CHUNK if chunks + 1 < CHUNKS => {
                *self = Self::Asked(chunks + 1);
                return None;
            }
            CHUNK.. => SaslReply::TooLong,
            // No account's name is as long as a chunk, so that none of them need be kept.
            _ if chunks == 0 && is_meant(given, source) => SaslReply::LoggedIn(Arc::clone(source)),
            _ => SaslReply::Failed,
        })
    }

    /// The registration is complete while an exchange is under way: it is over then.
    pub fn abort(&mut self) -> Option<SaslReply> {
        matches!(std::mem::take(self), Self::Asked(_)).then_some(SaslReply::Aborted)
    }
}

/// Whether the response names nobody in particular, or the account that the certificate is for.
fn is_meant(response: &str, source: &Source) -> bool {
    use base64::Engine;
    if response == "+" {
        return true;
    }
    let decoded = base64::engine::general_purpose::STANDARD.decode(response);
    decoded.is_ok_and(|name| name.is_empty() || name.eq_ignore_ascii_case(source.nick.as_str().as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_comes_in_chunks_of_400() {
        let source =
            Arc::new(Source { nick: "alice".parse().unwrap(), user: "a".into(), host: "net".into(), bot: false });
        let (full, long) = ("A".repeat(400), "A".repeat(401));
        let logged_in = Some(SaslReply::LoggedIn(Arc::clone(&source)));
        let failed = Some(SaslReply::Failed);
        for (lines, expect) in [
            (&["external", "+"][..], &logged_in),
            (&["EXTERNAL", "QWxpY2U="], &logged_in),
            (&["EXTERNAL", "QWxpY2U"], &failed),
            (&["EXTERNAL", "Ym9i"], &failed),
            (&["EXTERNAL", "!"], &failed),
            (&["EXTERNAL", &full], &None),
            (&["EXTERNAL", &full, "+"], &failed),
            (&["EXTERNAL", &full, &full, &full, &full], &Some(SaslReply::TooLong)),
            (&["EXTERNAL", &long], &Some(SaslReply::TooLong)),
            (&["EXTERNAL", &full, "*"], &Some(SaslReply::Aborted)),
            (&["EXTERNAL", "+", "EXTERNAL", "+"], &logged_in),
            (&["EXTERNAL", "Ym9i", "EXTERNAL"], &Some(SaslReply::Continue)),
            (&["PLAIN"], &Some(SaslReply::NoMechanism)),
            (&["+"], &Some(SaslReply::NoMechanism)),
        ] {
            let mut sasl = Sasl::default();
            let answers: Vec<_> = lines.iter().map(|line| sasl.take(line, &source)).collect();
            assert_eq!(answers.last(), Some(expect), "{lines:?}");
        }
    }
}
