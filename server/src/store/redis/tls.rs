//! Who vouches for a Redis server: the certificates of a file that the settings name.

use std::path::Path;

use fred::types::config::TlsConfig;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::{ClientConfig, RootCertStore};

/// Why nobody vouches.
#[derive(Debug, thiserror::Error)]
pub enum AuthoritiesError {
    /// The file cannot be read, or what is in it is no PEM.
    #[error(transparent)]
    Pem(#[from] pem::Error),
    /// One of them is no certificate.
    #[error(transparent)]
    Certificate(#[from] rustls::Error),
    /// None is in it.
    #[error("there is none")]
    None,
}

/// Trusts the certificates in a PEM file and no others.
pub(super) fn trusting(file: &Path) -> Result<TlsConfig, AuthoritiesError> {
    let mut trusted = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(file)? {
        trusted.add(certificate?)?;
    }
    if trusted.is_empty() {
        return Err(AuthoritiesError::None);
    }
    let config = ClientConfig::builder().with_root_certificates(trusted);
    Ok(TlsConfig::from(config.with_no_client_auth()))
}
