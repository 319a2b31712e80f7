//! The options by which every client finds its certificate, the server and the server's pin.

use std::path::PathBuf;

use clap::Args;

use super::exit::{Exit, Failure};
use crate::client::{Given, Trust, TrustError};

/// Who you are, and which server you trust.
#[derive(Args, Clone, Debug)]
pub(super) struct Access {
    /// The folder with your certificate and the server's (made by conclave cert) [default: certs]
    #[arg(long, value_name = "DIR")]
    certs: Option<PathBuf>,

    /// Whose certificate in that folder: alice, or alice/phone for one device of several
    #[arg(long = "as", value_name = "NAME", conflicts_with = "cert")]
    name: Option<String>,

    /// The server's public key: sha256:BASE64, or a file with its certificate; may be given again
    #[arg(long = "pin", value_name = "PIN")]
    pins: Vec<String>,

    /// Your certificate
    #[arg(long, value_name = "FILE")]
    cert: Option<PathBuf>,

    /// Your private key [default: beside the certificate, .key instead of .pem]
    #[arg(long, value_name = "FILE", requires = "cert")]
    key: Option<PathBuf>,

    /// The server: HOST or HOST:PORT (an IPv6 address with a port stands in square brackets)
    #[arg(long, value_name = "SERVER", default_value = "localhost:6697")]
    server: String,
}

impl Access {
    /// Finds and loads everything that was named.
    pub(super) fn resolve(self) -> Result<Trust, Failure> {
        let Self { certs, name, pins, cert, key, server } = self;
        let trust = Given { certs, name, pins, cert, key, server }.resolve();
        trust.map_err(|error| {
            let exit = match error {
                TrustError::Address(_) | TrustError::WhichOne { .. } => Exit::Usage,
                _ => Exit::Config,
            };
            Failure { exit, error: error.into() }
        })
    }
}
