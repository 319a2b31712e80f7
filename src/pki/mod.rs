//! The deployment's own certificate authority: who may be on the network, and who no longer.
//!
//! [`ca`] signs, [`issue`] says what a certificate holds, [`csr`] takes keys that never left their
//! owner, [`crl`] takes certificates back, [`index`] remembers all of it, and [`directory`] is the
//! `certs/` directory where they work together under one lock. Time is passed in. What TLS does with
//! the certificates is not known here.

pub mod ca;
pub mod crl;
pub mod csr;
pub mod directory;
mod error;
pub mod index;
pub mod issue;
mod key;
mod names;
pub mod summary;
mod validity;

pub use directory::Directory;
pub use error::PkiError;
pub use issue::{Profile, Usage};
pub use key::{Key, PublicKey};
pub use names::{Host, NameError, Network, Serial};
pub use validity::{BACKDATE, DAY, Validity, day};
