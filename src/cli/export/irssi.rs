//! irssi: commands for its input line (`/help server`, `/help network`).
//!
//! It takes a pin of the server's public key as octets in hexadecimal with colons between them, and
//! only one. The pin is looked at besides the authority, or alone where that is not known. Without
//! `show_server_time` it shows what was missed as said when it came.

use anyhow::anyhow;

use super::{Settings, hex, quoted};
use crate::cli::exit::{Exit, Failure, OrExit};

pub(super) fn settings(settings: &Settings) -> Result<String, Failure> {
    let Settings { network, account, host, port, lobby, .. } = settings;
    let word = |text: &str| quoted(text, &['"', '\\']);
    let mut server = format!("/server add -network {network} -tls");
    let mut option = |name: &str, value: &str| server.push_str(&format!(" -{name} {value}"));
    option("tls_cert", &word(&settings.cert));
    option("tls_pkey", &word(&settings.key));
    match &settings.ca {
        Some(ca) => {
            option("tls_cafile", &word(ca));
            option("tls_verify", "");
        }
        None => option("notls_verify", ""),
    }
    match &settings.pins[..] {
        [pin] => option("tls_pinned_pubkey", &hex(pin.as_bytes(), ":")),
        _ if settings.ca.is_some() => {}
        _ => {
            let error = anyhow!("irssi takes one pin only, and ca.pem is not at hand: give one --pin");
            return Err(error).or_exit(Exit::Config);
        }
    }
    let server = server.replace("  ", " ");
    let user = settings.username("irssi");
    Ok(format!(
        "/network add -nick {account} -user {user} -sasl_mechanism EXTERNAL {network}\n\
         {server} {host} {port}\n\
         /channel add -auto {lobby} {network}\n\
         /set show_server_time on\n\
         /connect {network}\n\
         /save\n"
    ))
}

#[cfg(test)]
mod tests {
    use super::{super::example, *};

    #[test]
    fn with_and_without_the_authority() {
        let text = settings(&example()).unwrap();
        assert!(text.contains(r#" -tls_pkey "/a b/al\"i'ce\\.key" -tls_cafile "/a b/ca.pem" -tls_verify "#), "{text}");
        assert!(text.contains("\n/set show_server_time on\n/connect "), "{text}");
        assert!(text.contains("-user alice@irssi ") && text.contains(" -tls_pinned_pubkey 2d:71:16:"), "{text}");
        let mut alone = super::super::Settings { ca: None, ..example() };
        let text = settings(&alone).unwrap();
        assert!(text.contains(" -notls_verify -tls_pinned_pubkey ") && !text.contains("cafile"), "{text}");
        alone.pins.push(alone.pins[0]);
        assert!(settings(&alone).is_err());
    }
}
