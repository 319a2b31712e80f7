//! `conclave debug`: how to reach the same server with the same identity by openssl alone.

use std::{net::IpAddr, path::Path};

use clap::Args as ClapArgs;

use super::{
    access::Access,
    exit::{Exit, Failure, note, print},
};
use crate::client::Trust;

/// Print the openssl command that connects with this identity
///
/// The command speaks the plain dialect: type to talk, /help lists the commands.
#[derive(ClapArgs, Clone, Debug)]
pub struct Args {
    #[command(flatten)]
    access: Access,
}

/// Prints the command.
pub fn run(args: Args) -> Result<Exit, Failure> {
    let trust = args.access.resolve()?;
    if trust.ca.is_none() && trust.server_certs.is_empty() {
        note(
            "-- warning: openssl cannot check a sha256: pin, and neither ca.pem nor the server's certificate is at hand: \
             the command below does not check who answers. Give --certs DIR, or --pin FILE.",
        );
    }
    print(format_args!("{}\n", command(&trust)))?;
    Ok(Exit::Ok)
}

/// `-quiet` also keeps openssl from taking lines that start with Q or R as its own commands.
fn command(trust: &Trust) -> String {
    let mut words = vec!["openssl", "s_client", "-connect"].into_iter().map(String::from).collect::<Vec<_>>();
    let mut word = |word: &str| words.push(quoted(word));
    word(&trust.address.to_string());
    for fixed in ["-quiet", "-tls1_3"] {
        word(fixed);
    }
    let host = trust.address.host.as_str();
    if let Some(ca) = &trust.ca {
        word("-CAfile");
        word(&path(ca));
        word("-verify_return_error");
        match host.parse::<IpAddr>() {
            Ok(_) => word("-verify_ip"),
            Err(_) => word("-verify_hostname"),
        }
        word(host);
    } else if let Some(server) = trust.server_certs.first() {
        // No authority at hand: this very certificate is trusted, and no other.
        word("-CAfile");
        word(&path(server));
        word("-partial_chain");
        word("-verify_return_error");
    }
    word("-cert");
    word(&path(&trust.cert));
    word("-key");
    word(&path(&trust.key));
    words.join(" ")
}

/// A path that no program takes for an option.
fn path(path: &Path) -> String {
    let text = path.to_string_lossy();
    if text.starts_with('-') { format!("./{text}") } else { text.into_owned() }
}

/// A word for a POSIX shell.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=+,@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_for_the_shell() {
        for (word, expect) in [
            ("a.pem", "a.pem"),
            ("a b", "'a b'"),
            ("it's", r"'it'\''s'"),
            ("", "''"),
            ("[::1]:1", "'[::1]:1'"),
            ("$x", "'$x'"),
        ] {
            assert_eq!(quoted(word), expect);
        }
        assert_eq!(path(Path::new("-x.pem")), "./-x.pem");
    }
}
