//! Whom we believe that it is the deployment: whom this machine believes, or a file that `SSL_CERT_FILE` names (and the folder of `SSL_CERT_DIR`).

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
#[derive(Debug)]
pub(crate) struct Trust {
    pub(crate) config: Arc<ClientConfig>,
    /// How many certificates were found, and what could not be read.
    found: usize,
    trouble: String,
}

/// Read once: that takes longer than to connect.
static TRUST: LazyLock<Trust> = LazyLock::new(|| {
    let found = rustls_native_certs::load_native_certs();
    let mut trusted = RootCertStore::empty();
    let (count, _) = trusted.add_parsable_certificates(found.certs);
    let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .expect("the provider has what these versions want");
    let config = config.with_root_certificates(trusted).with_no_client_auth();
    let trouble = found.errors.iter().map(ToString::to_string);
    Trust {
        config: Arc::new(config),
        found: count,
        trouble: Vec::from_iter(trouble).join("; "),
    }
});

/// Whom we trust.
pub(crate) fn trust() -> &'static Trust {
    &TRUST
}

/// Refuses to go on where nobody is trusted.
///
/// # Errors
/// There are no certificates.
pub(crate) fn check() -> anyhow::Result<()> {
    let Trust { found, trouble, .. } = trust();
    ensure!(
        *found > 0,
        "no certificates are found here: install ca-certificates, or name a file by SSL_CERT_FILE {trouble}"
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
    let connector = TlsConnector::from(Arc::clone(&trust().config));
    let spoken = connector.connect(name, stream).await;
    Ok(Box::new(
        spoken.with_context(|| format!("speak TLS with {host}"))?,
    ))
}
