//! What can go wrong with the authority, its certificates and its directory.

use std::{io, path::PathBuf};

use thiserror::Error;

use crate::{
    ident::{Account, DeviceLabel},
    pki::{Network, Serial, Validity, day},
    platform::files::{self, FilesError},
    tls::pem::PemError,
};

/// What went wrong, with what, and what to do.
#[derive(Debug, Error)]
pub enum PkiError {
    /// A file could not be written, locked, or is open to others.
    #[error(transparent)]
    Files(#[from] FilesError),
    /// A PEM file was not taken.
    #[error(transparent)]
    Pem(#[from] PemError),
    /// A file or directory could not be used.
    #[error("cannot {what} {}", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The random number generator failed.
    #[error("the system's random number generator failed; no key can be made safely")]
    Random,
    /// The certificate library refused.
    #[error("the certificate cannot be made: {0}")]
    Library(#[from] rcgen::Error),
    /// A time that no certificate can hold.
    #[error("no certificate can hold the time {0} (seconds after 1970)")]
    Time(i64),
    /// A certificate is no DER.
    #[error("the certificate is malformed; copy it again from where it was made")]
    Malformed,
    /// The private key is damaged or of an unknown kind.
    #[error("{}: the private key cannot be used", path.display())]
    Key {
        /// Its file.
        path: PathBuf,
        /// The library's reason.
        source: rcgen::Error,
    },
    /// A key of a kind that is not taken.
    #[error(
        "the public key is of a kind that is not taken; make an ECDSA P-256 key (or P-384, Ed25519, RSA with 2048 bits or more)"
    )]
    KeyKind,
    /// The directory holds no authority.
    #[error("{} holds no certificate authority; make one with: conclave cert init --dir {}", directory.display(), files::quoted(directory))]
    NoAuthority {
        /// The directory.
        directory: PathBuf,
    },
    /// The authority's certificate is there and its key is not.
    #[error(
        "{} is missing, so nothing can be signed here; put the key of ca.pem back for as long as it is needed",
        path.display()
    )]
    NoAuthorityKey {
        /// The missing file.
        path: PathBuf,
    },
    /// A key without the certificate that belongs to it, or the other way round.
    #[error("{} is there and {} is not; put it back, or move the other one away too", present.display(), missing.display())]
    Half {
        /// The file that exists.
        present: PathBuf,
        /// The file that does not.
        missing: PathBuf,
    },
    /// A certificate that cannot be an authority here.
    #[error("{} cannot be used as certificate authority: {reason}", path.display())]
    Authority {
        /// Its file.
        path: PathBuf,
        /// Why not.
        reason: &'static str,
    },
    /// The authority's time is over, or has not begun.
    #[error(
        "the certificate authority is valid from {} to {}, and not now; check the clock, or make a new authority in another directory",
        day(.0.not_before), day(.0.not_after)
    )]
    AuthorityDates(Validity),
    /// The directory had an authority once.
    #[error(
        "{} speaks of a certificate authority whose ca.pem and ca.key are gone; put them back, or choose a new directory",
        index.display()
    )]
    AuthorityGone {
        /// The index.
        index: PathBuf,
    },
    /// A certificate that another authority signed.
    #[error("{} is not signed by the authority beside it; move it away (with its key in place, it is made again with the same pin)", path.display())]
    Foreign {
        /// The certificate.
        path: PathBuf,
    },
    /// The network cannot be named after any of the hosts.
    #[error("the network needs a name that is not an IPv6 address; give one with --network NAME")]
    NetworkUnnamed,
    /// Another network was asked for than the authority's.
    #[error(
        "{} is the authority of the network {existing}, which never changes; choose another directory for {asked}",
        path.display()
    )]
    NetworkFixed {
        /// The authority's certificate.
        path: PathBuf,
        /// Its network.
        existing: Network,
        /// The one asked for.
        asked: Network,
    },
    /// The name is spelled otherwise in the index.
    #[error("the account {existing} exists, and {asked} is the same name; write it {existing}")]
    OtherCase {
        /// As it was asked for.
        asked: Account,
        /// As it was first written.
        existing: Account,
    },
    /// The name belongs to a file that is not a device's.
    #[error("the name {0} cannot be used: the directory's own files are called so (ca, crl)")]
    OwnFile(Account),
    /// The device has a certificate already.
    #[error(
        "{account} has a device {device} already, valid until {}; choose another label with --device, renew it with: \
         conclave cert renew {account}/{device}, or revoke it first",
        day(*not_after)
    )]
    DeviceInUse {
        /// Whose.
        account: Account,
        /// Which.
        device: DeviceLabel,
        /// Until when it is valid.
        not_after: i64,
    },
    /// The request's signature does not fit its key.
    #[error("{}: {reason}", path.display())]
    Request {
        /// Its file.
        path: PathBuf,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The key was taken back earlier.
    #[error("the key in {} belongs to a revoked certificate ({whose}); make a new key and a new request", path.display())]
    RevokedKey {
        /// The request's file.
        path: PathBuf,
        /// Whose it was.
        whose: String,
    },
    /// The key is another's.
    #[error("the key in {} is that of {whose} already; each device has a key of its own", path.display())]
    KeyInUse {
        /// The request's file.
        path: PathBuf,
        /// Whose it is.
        whose: String,
    },
    /// Nothing of that name was ever issued.
    #[error("{what} is not in {}; see what is with: conclave cert list --dir {}", index.display(), files::quoted(directory))]
    NotFound {
        /// What was looked for.
        what: String,
        /// The index.
        index: PathBuf,
        /// Its directory.
        directory: PathBuf,
    },
    /// The authority's or the server's certificate was to be taken back.
    #[error("the certificate {serial} is that of {whose} and not of a device; the revocation list is for devices only")]
    NotDevice {
        /// Which.
        serial: Serial,
        /// Whose.
        whose: String,
    },
    /// A certificate that the index knows otherwise.
    #[error("{} is not the certificate that the index knows of {what}", path.display())]
    Unknown {
        /// The certificate's file.
        path: PathBuf,
        /// Whose it should be.
        what: String,
    },
    /// A certificate whose file was taken away, so that its key is not known.
    #[error(
        "the certificate of {what} is not in {}; put it there, or sign its owner's request under a new label",
        path.display()
    )]
    Elsewhere {
        /// Where it would be.
        path: PathBuf,
        /// Whose it is.
        what: String,
    },
    /// Renewal of something that is not valid any more for good.
    #[error("{what} is revoked and is not renewed; issue a new certificate")]
    RenewRevoked {
        /// What.
        what: String,
    },
    /// A line of the index cannot be read.
    #[error("{}, line {line}: {reason}; the file is only ever appended to: restore it from a copy", path.display())]
    Index {
        /// The index.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// The revocation list cannot be read.
    #[error("{}: {reason}; move it away, and conclave cert init makes it anew from the index", path.display())]
    Crl {
        /// Its file.
        path: PathBuf,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The address space of CRL numbers is used up by a foreign list.
    #[error("{}: the number of the revocation list cannot grow any more", path.display())]
    CrlNumber {
        /// Its file.
        path: PathBuf,
    },
}
