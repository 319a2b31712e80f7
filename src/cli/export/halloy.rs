//! Halloy: a table of its `config.toml` (Configuration, "Servers").
//!
//! It has no pins: it knows the server by the authority. It asks for all capabilities that it knows.

use super::{Settings, quoted};
use crate::cli::exit::Failure;

pub(super) fn settings(settings: &Settings) -> Result<String, Failure> {
    let ca = settings.authority("Halloy")?;
    let Settings { network, port, .. } = settings;
    // No text here has control characters, which TOML would want escaped too.
    let text = |text: &str| quoted(text, &['"', '\\']);
    let lines = [
        "# For Halloy's config.toml.".to_owned(),
        format!("[servers.{network}]"),
        format!("server = {}", text(&settings.host)),
        format!("port = {port}"),
        "use_tls = true".to_owned(),
        "# The server is known by its authority.".to_owned(),
        format!("root_cert_path = {}", text(ca)),
        format!("nickname = {}", text(&settings.account)),
        "# What follows the @ tells the server which of your programs this is.".to_owned(),
        format!("username = {}", text(&settings.username("halloy"))),
        format!("channels = [{}]", text(&settings.lobby)),
        String::new(),
        format!("[servers.{network}.sasl.external]"),
        format!("cert = {}", text(&settings.cert)),
        format!("key = {}", text(&settings.key)),
    ];
    Ok(lines.join("\n") + "\n")
}

#[cfg(test)]
mod tests {
    use super::{
        super::{Settings, example},
        *,
    };

    #[test]
    fn paths_are_texts_of_toml() {
        let text = settings(&example()).unwrap();
        assert!(text.contains(r#"key = "/a b/al\"i'ce\\.key""#), "{text}");
        assert!(text.contains("[servers.conclave.sasl.external]\ncert = \"/a b/alice.pem\"\n"), "{text}");
        assert!(settings(&Settings { ca: None, ..example() }).is_err());
    }
}
