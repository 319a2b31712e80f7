//! The cryptography: aws-lc-rs, always passed explicitly, never a process-wide default.

use std::sync::{Arc, LazyLock};

use rustls::crypto::{
    CryptoProvider,
    aws_lc_rs::{self, kx_group},
};
use thiserror::Error;

/// The system gave no random numbers.
#[derive(Debug, Error)]
#[error("the system's random number generator failed; nothing can be done safely without it")]
pub struct RandomError;

/// What TLS is computed with, on both sides: the post-quantum hybrid X25519MLKEM768 before X25519
/// and P-256. rustls is built without TLS 1.2, so that all its cipher suites are TLS 1.3's.
pub fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: LazyLock<Arc<CryptoProvider>> = LazyLock::new(|| {
        Arc::new(CryptoProvider {
            kx_groups: vec![kx_group::X25519MLKEM768, kx_group::X25519, kx_group::SECP256R1],
            ..aws_lc_rs::default_provider()
        })
    });
    PROVIDER.clone()
}

/// Fills the buffer with random numbers fit for keys.
pub fn random(buffer: &mut [u8]) -> Result<(), RandomError> {
    ::aws_lc_rs::rand::fill(buffer).map_err(|_| RandomError)
}

/// SHA-256.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut digest = [0; 32];
    // SHA-256 has 32 octets: the lengths agree.
    digest.copy_from_slice(::aws_lc_rs::digest::digest(&::aws_lc_rs::digest::SHA256, bytes).as_ref());
    digest
}

#[cfg(test)]
mod tests {
    use rustls::{NamedGroup, SupportedCipherSuite};

    use super::*;

    #[test]
    fn the_hybrid_comes_first_and_only_tls_13_is_there() {
        let provider = provider();
        let groups: Vec<NamedGroup> = provider.kx_groups.iter().map(|group| group.name()).collect();
        assert_eq!(groups, [NamedGroup::X25519MLKEM768, NamedGroup::X25519, NamedGroup::secp256r1]);
        assert!(provider.cipher_suites.iter().all(|suite| matches!(suite, SupportedCipherSuite::Tls13(_))));
    }

    #[test]
    fn sha256_of_nothing() {
        assert_eq!(sha256(b"")[..4], [0xe3, 0xb0, 0xc4, 0x42]);
    }
}
