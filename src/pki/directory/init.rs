//! Makes what the directory lacks: the authority, the server's certificate, the revocation list, the
//! index.

use std::{fs, path::PathBuf};

use rustls::pki_types::CertificateDer;

use super::{CA_DAYS, Directory, Held, SERVER_DAYS, create_directory, exists};
use crate::{
    pki::{
        Host, Key, Network, PkiError,
        ca::{self, Ca},
        index::{Entry, Event, Kind},
        issue::Profile,
        summary,
    },
    platform::files,
    tls::{pem, pin::Pin},
};

/// What to make.
#[derive(Clone, Debug)]
pub struct InitOptions {
    /// The network's name; without one, the first host that can be a name.
    pub network: Option<Network>,
    /// The names and addresses in the server's certificate.
    pub hosts: Vec<Host>,
}

/// What was made and what was there.
#[derive(Clone, Debug)]
pub struct Init {
    /// The network.
    pub network: Network,
    /// The server's pin.
    pub pin: Pin,
    /// The names in the server's certificate, as in `DNS:localhost`.
    pub server_names: Vec<String>,
    /// The files that were made.
    pub made: Vec<PathBuf>,
    /// The files that were there and stay as they are.
    pub kept: Vec<PathBuf>,
    /// How many certificates were found when the index was missing and made anew.
    pub reindexed: Option<usize>,
}

impl Directory {
    /// Makes what is missing and keeps what is there.
    pub fn init(&self, options: &InitOptions, now: i64) -> Result<Init, PkiError> {
        create_directory(&self.path)?;
        let mut held = self.hold()?;
        let files = [
            self.ca_certificate(),
            self.ca_key(),
            self.server_certificate(),
            self.server_key(),
            self.crl(),
            self.index(),
        ];
        let mut present = [false; 6];
        for (there, path) in present.iter_mut().zip(&files) {
            *there = exists(path)?;
        }
        let mut reindexed = None;
        let network = match present {
            // The authority's key may be kept elsewhere as long as nothing has to be signed.
            [true, false, true, true, true, true] => {
                self.same_network(options, ca::network(&self.ca_certificate())?)?
            }
            [has_ca, has_key, has_server, has_server_key, has_crl, has_index] => {
                let ca = match (has_ca, has_key) {
                    (true, _) => self.ca()?,
                    (false, true) => {
                        return Err(PkiError::Half { present: self.ca_key(), missing: self.ca_certificate() });
                    }
                    (false, false) => held.make_ca(options, now)?,
                };
                let network = self.same_network(options, ca.network().clone())?;
                if has_ca && !has_index {
                    reindexed = Some(held.reindex(&ca, now)?);
                }
                match (has_server, has_server_key) {
                    (true, true) if ca.has_signed(&self.server()?) => {}
                    (true, true) => return Err(PkiError::Foreign { path: self.server_certificate() }),
                    (true, false) => {
                        return Err(PkiError::Half { present: self.server_certificate(), missing: self.server_key() });
                    }
                    (false, _) => held.make_server(&ca, &options.hosts, has_server_key, now)?,
                }
                if !has_crl {
                    let (mut crl, _) = held.crl(&ca)?;
                    let event = held.write_crl(&ca, &mut crl, now)?;
                    held.append(vec![event])?;
                }
                network
            }
        };
        let server = summary::of(&self.server()?)?;
        let (kept, made): (Vec<_>, Vec<_>) = files.into_iter().zip(present).partition(|(_, there)| *there);
        let paths = |files: Vec<(PathBuf, bool)>| files.into_iter().map(|(path, _)| path);
        Ok(Init {
            network,
            pin: server.pin,
            server_names: server.names,
            made: paths(made).filter(|path| path.exists()).collect(),
            kept: paths(kept).collect(),
            reindexed,
        })
    }

    /// The server's certificate.
    pub(super) fn server(&self) -> Result<CertificateDer<'static>, PkiError> {
        // A file that holds no certificate is an error of the reader already.
        pem::certificates(&self.server_certificate())?.into_iter().next().ok_or(PkiError::Malformed)
    }

    fn same_network(&self, options: &InitOptions, existing: Network) -> Result<Network, PkiError> {
        match &options.network {
            Some(asked) if *asked != existing => {
                Err(PkiError::NetworkFixed { path: self.ca_certificate(), existing, asked: asked.clone() })
            }
            _ => Ok(existing),
        }
    }
}

impl Held<'_> {
    fn make_ca(&mut self, options: &InitOptions, now: i64) -> Result<Ca, PkiError> {
        if self.index.entries().iter().any(|entry| entry.kind == Kind::Ca) {
            return Err(PkiError::AuthorityGone { index: self.directory.index() });
        }
        let network = options.network.clone().or_else(|| Network::of_hosts(&options.hosts));
        let ca = Ca::generate(&network.ok_or(PkiError::NetworkUnnamed)?, CA_DAYS.from(now))?;
        let entry = Entry::new(Kind::Ca, &summary::of(ca.certificate())?, now);
        files::create_private_new(&self.directory.ca_key(), ca.key_pem().reveal().as_bytes())?;
        self.append(vec![Event::Issued(entry)])?;
        files::write_public(&self.directory.ca_certificate(), ca.certificate_pem().as_bytes())?;
        Ok(ca)
    }

    /// A key that is there already is used, so that the pin stays.
    fn make_server(&mut self, ca: &Ca, hosts: &[Host], has_key: bool, now: i64) -> Result<(), PkiError> {
        self.check_dates(ca, now)?;
        let path = self.directory.server_key();
        let key = if has_key { Key::load(&path)? } else { Key::generate()? };
        let profile = Profile::server(hosts, ca.network(), SERVER_DAYS.from(now).within(ca.validity()));
        let issued = ca.issue(&profile, &key.public()?)?;
        if !has_key {
            files::create_private_new(&path, key.pem().reveal().as_bytes())?;
        }
        self.append(vec![Event::Issued(Entry::new(Kind::Server, &issued.summary()?, now))])?;
        Ok(files::write_public(&self.directory.server_certificate(), issued.pem().as_bytes())?)
    }

    /// Writes a lost index from the certificates that lie here and from the revocation list. The
    /// certificates that lie elsewhere stay unknown.
    fn reindex(&mut self, ca: &Ca, now: i64) -> Result<usize, PkiError> {
        let path = &self.directory.path;
        let failed = |source| PkiError::Io { what: "read", path: path.clone(), source };
        let mut entries = Vec::new();
        for file in fs::read_dir(path).map_err(failed)? {
            let file = file.map_err(failed)?.path();
            if file.extension().is_none_or(|extension| extension != "pem") {
                continue;
            }
            // A file that holds no certificate, such as the revocation list, is not meant.
            for certificate in pem::certificates(&file).unwrap_or_default() {
                if !ca.has_signed(&certificate) {
                    continue;
                }
                let summary = summary::of(&certificate)?;
                let kind = match summary.identity {
                    _ if summary.is_ca => Kind::Ca,
                    Ok(_) if summary.usages.iter().any(|usage| usage == "clientAuth") => Kind::Device,
                    _ => Kind::Server,
                };
                entries.push(Entry::new(kind, &summary, now));
            }
        }
        // In the order of their making, as far as that can be told.
        entries.sort_by_key(|entry| (entry.not_before, entry.kind != Kind::Ca));
        let count = entries.len();
        let (crl, _) = self.crl(ca)?;
        let revoked = crl.revoked.into_iter();
        let revoked = revoked.map(|(serial, r)| Event::Revoked { at: r.at, serial, reason: r.reason });
        let mut events: Vec<Event> = entries.into_iter().map(Event::Issued).chain(revoked).collect();
        events.push(Event::Crl { at: now, number: crl.number });
        self.append(events)?;
        Ok(count)
    }
}
