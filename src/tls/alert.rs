//! What a TLS alert from the server means for the person at the client, and what to do.

use rustls::AlertDescription;

use super::{client::ClientIdentity, server::date};

/// One sentence or two that say what happened and what to do, for an alert by which the server
/// refused us at the time `now` (seconds since 1970).
pub fn sentence(alert: AlertDescription, identity: &ClientIdentity, now: i64) -> String {
    let yours = format!("your certificate ({identity})");
    match alert {
        AlertDescription::CertificateRequired | AlertDescription::NoCertificate => {
            "The server asks for a certificate and got none: give yours with --cert and --key.".into()
        }
        AlertDescription::UnknownCA => format!(
            "The server does not know the authority that signed {yours}: you may have reached another server than the \
             one it is for, or the server's authority was made anew; ask its administrator for a new certificate."
        ),
        AlertDescription::CertificateExpired => out_of_date(&yours, identity, now),
        AlertDescription::CertificateRevoked => {
            format!("The server's administrator revoked {yours}: it lets nobody in any more; ask for a new one.")
        }
        AlertDescription::UnsupportedCertificate => format!(
            "The server does not take {yours}, since it is not made for clients (it lacks the extended key usage \
             clientAuth): give a certificate made with conclave cert issue."
        ),
        AlertDescription::AccessDenied => match identity.identity() {
            Ok(_) => format!(
                "The server trusts {yours}, but not as a name in its chat (it may ask for an im: address in it): ask \
                 its administrator to issue it again."
            ),
            Err(error) => format!("The server does not let you in: {error}; ask its administrator to issue it again."),
        },
        AlertDescription::BadCertificate | AlertDescription::CertificateUnknown => {
            format!("The server cannot read or use {yours}: ask its administrator to issue it again.")
        }
        AlertDescription::DecryptError => format!(
            "The server could not verify that you hold the private key of {yours}: check that --cert and --key belong \
             together, and that nothing changes the connection on its way."
        ),
        AlertDescription::ProtocolVersion => {
            "The server does not speak TLS 1.3, the only version used here: check the address and the port.".into()
        }
        AlertDescription::HandshakeFailure | AlertDescription::InsufficientSecurity => {
            "The server and this client have no cryptographic algorithm in common: update the older of the two.".into()
        }
        AlertDescription::UnrecognisedName => {
            "The server does not go by the name under which you called it: check --server.".into()
        }
        AlertDescription::NoApplicationProtocol => {
            "The server offers other services than this chat at its port: check --server.".into()
        }
        AlertDescription::InternalError => {
            "The server has a problem of its own: try again later, and tell its administrator.".into()
        }
        AlertDescription::UserCanceled => "The server broke off: try again later.".into(),
        alert => format!(
            "The server broke off with the TLS alert {}: check the address and the port, and whether something on the \
             way changes the connection.",
            name(alert)
        ),
    }
}

/// An alert's name in the words of RFC 8446, section 6.
pub fn name(alert: AlertDescription) -> String {
    let camel = match alert {
        AlertDescription::UnknownCA => return "unknown_ca".into(),
        AlertDescription::UnrecognisedName => return "unrecognized_name".into(),
        AlertDescription::UnknownPSKIdentity => return "unknown_psk_identity".into(),
        alert => alert.as_str(),
    };
    let Some(camel) = camel else { return format!("number {}", u8::from(alert)) };
    let mut name = String::new();
    for letter in camel.chars() {
        if letter.is_ascii_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(letter.to_ascii_lowercase());
    }
    name
}

fn out_of_date(yours: &str, identity: &ClientIdentity, now: i64) -> String {
    let validity = identity.validity();
    if now > *validity.end() {
        let end = date(*validity.end());
        format!("The time of {yours} is over: it expired at {end}; ask the server's administrator for a new one.")
    } else if now < *validity.start() {
        let start = date(*validity.start());
        format!("The time of {yours} has not come: it is valid from {start}; wait, or correct this computer's clock.")
    } else {
        format!(
            "The server finds {yours} out of date, though by this computer's clock ({}) it is valid until {}: one of \
             the two clocks is wrong; correct it.",
            date(now),
            date(*validity.end())
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::testing::{Ca, DAY, alice, device, now};

    fn check(alert: AlertDescription, expect: &str) {
        let identity = Ca::new("n").sign(alice()).identity();
        let text = sentence(alert, &identity, now().unix_timestamp());
        assert!(text.contains(expect) && text.ends_with('.'), "{alert:?}: {text}");
    }

    #[test]
    fn each_alert_says_what_to_do() {
        check(AlertDescription::CertificateRequired, "--cert and --key");
        check(AlertDescription::UnknownCA, "signed your certificate (alice/laptop)");
        check(AlertDescription::CertificateRevoked, "revoked your certificate (alice/laptop)");
        check(AlertDescription::CertificateExpired, "one of the two clocks is wrong");
        check(AlertDescription::UnsupportedCertificate, "clientAuth");
        check(AlertDescription::AccessDenied, "issue it again");
        check(AlertDescription::BadCertificate, "issue it again");
        check(AlertDescription::DecryptError, "private key");
        check(AlertDescription::HandshakeFailure, "in common");
        check(AlertDescription::ProtocolVersion, "TLS 1.3");
        check(AlertDescription::InternalError, "try again later");
        check(AlertDescription::RecordOverflow, "the TLS alert record_overflow");
        check(AlertDescription::Unknown(200), "the TLS alert number 200");
    }

    #[test]
    fn out_of_date_is_judged_by_the_certificate() {
        let identity = Ca::new("n").sign(alice()).identity();
        let at = |time: time::OffsetDateTime| {
            sentence(AlertDescription::CertificateExpired, &identity, time.unix_timestamp())
        };
        assert!(at(now() + 40 * DAY).contains("it expired at 20"), "{}", at(now() + 40 * DAY));
        assert!(at(now() - 2 * DAY).contains("it is valid from 20"), "{}", at(now() - 2 * DAY));
    }

    #[test]
    fn an_unfit_certificate_is_explained() {
        let identity = Ca::new("n").sign(device(&["alice", "bob"], &[])).identity();
        let text = sentence(AlertDescription::AccessDenied, &identity, 0);
        assert!(text.contains("2 common names"), "{text}");
    }
}
