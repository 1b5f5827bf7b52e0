//! Whom we believe that it is the deployment: whom this machine believes, or a file that `SSL_CERT_FILE` names (and the
//! folder of `SSL_CERT_DIR`).

use std::sync::{Arc, LazyLock};

use anyhow::{Context as _, ensure};
use rustls::crypto::ring::default_provider;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// What stands before an address at which TLS is spoken.
pub(crate) const SECURE: &str = "https://";

/// Who is trusted.
struct Trust {
    config: Arc<ClientConfig>,
    /// How many certificates were found.
    found: usize,
    /// What could not be read. Shape: `; open /etc/ca.pem: no such file`.
    trouble: String,
}

/// Read once: that takes longer than to connect.
static TRUST: LazyLock<Trust> = LazyLock::new(|| {
    let found = rustls_native_certs::load_native_certs();
    let mut trusted = RootCertStore::empty();
    let (count, _) = trusted.add_parsable_certificates(found.certs);
    let trouble = found.errors.iter().map(|error| format!("; {error}"));
    Trust {
        config: trusting(trusted),
        found: count,
        trouble: trouble.collect(),
    }
});

/// For lines without TLS.
static NOBODY: LazyLock<Arc<ClientConfig>> = LazyLock::new(|| trusting(RootCertStore::empty()));

fn trusting(trusted: RootCertStore) -> Arc<ClientConfig> {
    let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .expect("the provider has what these versions want")
        .with_root_certificates(trusted)
        .with_no_client_auth();
    Arc::new(config)
}

/// Whom we trust at an address.
pub(crate) fn config(address: &str) -> ClientConfig {
    let is_secure = address.starts_with(SECURE);
    ClientConfig::clone(if is_secure { &TRUST.config } else { &NOBODY })
}

/// Refuses to go on where nobody is trusted.
///
/// # Errors
/// There are no certificates.
pub(crate) fn check() -> anyhow::Result<()> {
    let Trust { found, trouble, .. } = &*TRUST;
    ensure!(
        *found > 0,
        "no certificates are found here: install ca-certificates, or name a file by SSL_CERT_FILE{trouble}"
    );
    Ok(())
}

/// Speaks TLS on a connection to a host. Shape: `chess.example:443`.
///
/// # Errors
/// Nobody whom we trust vouches for it.
pub(crate) async fn speak(
    host: &str,
    stream: TcpStream,
) -> anyhow::Result<Box<TlsStream<TcpStream>>> {
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let name = name.trim_matches(['[', ']']).to_owned();
    let name = ServerName::try_from(name).with_context(|| format!("{host} has no such name"))?;
    let connector = TlsConnector::from(Arc::clone(&TRUST.config));
    let spoken = connector.connect(name, stream).await;
    let spoken = spoken.with_context(|| format!("speak TLS with {host}"))?;
    Ok(Box::new(spoken))
}
