//! senpai: `senpai.scm` (senpai(5), written in scfg), and a tunnel.
//!
//! senpai can show no certificate and trusts no authority but the system's, so that it cannot reach
//! the server by itself: socat speaks TLS for it, on this machine only.

use super::{Common, Settings, quoted};
use crate::cli::exit::{Failure, note};

#[derive(clap::Args, Clone, Debug)]
pub(super) struct Args {
    #[command(flatten)]
    common: Common,

    /// The port of this machine at which socat listens for senpai
    #[arg(long, value_name = "PORT", default_value_t = 6667)]
    local_port: u16,
}

pub(super) fn export(args: Args) -> Result<String, Failure> {
    let text = settings(&Settings::collect(args.common)?, args.local_port)?;
    note("-- senpai cannot show a certificate: run the socat command that stands in the comments beside it");
    Ok(text)
}

fn settings(settings: &Settings, local: u16) -> Result<String, Failure> {
    let ca = settings.authority("socat")?;
    let text = |text: &str| quoted(text, &['"', '\\']);
    let lines = [
        "# For senpai.scm. senpai cannot show a certificate: this command, running beside it, speaks TLS for it."
            .into(),
        "# Whoever can use this machine can talk as you while it runs.".into(),
        format!("#   {}", socat(settings, ca, local)),
        format!("address irc+insecure://127.0.0.1:{local}"),
        "tls false".into(),
        format!("nickname {}", text(&settings.account)),
        "# What follows the @ tells the server which of your programs this is.".into(),
        format!("username {}", text(&settings.username("senpai"))),
        format!("channel {}", text(&settings.lobby)),
    ];
    Ok(lines.join("\n") + "\n")
}

/// The tunnel, for a POSIX shell.
fn socat(settings: &Settings, ca: &str, local: u16) -> String {
    let Settings { host, port, cert, key, .. } = settings;
    let host = if host.contains(':') { format!("[{host}]") } else { host.clone() };
    let far = format!(
        "OPENSSL:{host}:{port},openssl-min-proto-version=TLS1.3,cert={},key={},cafile={}",
        value(cert),
        value(key),
        value(ca)
    );
    let far = format!("'{}'", far.replace('\'', r"'\''"));
    format!("socat TCP-LISTEN:{local},bind=127.0.0.1,reuseaddr,fork {far}")
}

/// A value of one of socat's options (socat(1), "Address specifications"), where these characters
/// mean something.
fn value(text: &str) -> String {
    text.chars().fold(String::new(), |mut out, c| {
        if ":,!\"'\\(){}[]".contains(c) {
            out.push('\\');
        }
        out.push(c);
        out
    })
}

#[cfg(test)]
mod tests {
    use super::{super::example, *};

    #[test]
    fn a_hash_begins_no_comment_and_a_comma_no_option() {
        let text = super::settings(&example(), 6668).unwrap();
        assert!(text.contains("channel \"#lobby\"\nchannel") || text.ends_with("channel \"#lobby\"\n"), "{text}");
        assert!(text.contains("address irc+insecure://127.0.0.1:6668\n"), "{text}");
        assert!(text.contains(r#"key=/a b/al\"i\'\''ce\\.key,"#), "{text}");
        assert_eq!(value("a,b:c"), r"a\,b\:c");
    }
}
