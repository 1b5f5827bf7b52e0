//! The load tool at a deployment that speaks TLS, as one that the world can reach does.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;

use tempfile::TempDir;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use zeitnot_loadtest::deployment::{RedisKind, Settings};

use crate::scenarios::{TOOL, server};

/// A certificate for this machine, and the authority that vouches for it.
struct Vouched {
    authority: PathBuf,
    dir: TempDir,
}

impl Vouched {
    fn make() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("ext"), "subjectAltName=IP:127.0.0.1\n").unwrap();
        let curve = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
        for args in [
            &format!("req -x509 {curve} -subj /CN=authority -days 2 -keyout ca.key -out ca.pem"),
            &format!("req {curve} -subj /CN=node -keyout node.key -out node.csr"),
            "x509 -req -in node.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile ext -out node.pem",
        ] {
            let mut openssl = Command::new("openssl");
            let made = openssl.args(args.split(' ')).current_dir(dir.path());
            let made = made.output().expect("openssl is installed");
            assert!(made.status.success(), "{made:?}");
        }
        Self {
            authority: dir.path().join("ca.pem"),
            dir,
        }
    }

    fn acceptor(&self) -> TlsAcceptor {
        let certificate = CertificateDer::from_pem_file(self.dir.path().join("node.pem"));
        let key = PrivateKeyDer::from_pem_file(self.dir.path().join("node.key"));
        let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.unwrap()], key.unwrap());
        TlsAcceptor::from(Arc::new(config.unwrap()))
    }
}

/// Speaks TLS in front of a node, until it is dropped with the runtime; its port.
async fn speak_tls(acceptor: TlsAcceptor, node: String) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, node) = (acceptor.clone(), node.clone());
            tokio::spawn(async move {
                // Whoever does not trust us leaves.
                let Ok(mut outside) = acceptor.accept(stream).await else {
                    return;
                };
                let mut inside = TcpStream::connect(node).await.unwrap();
                let _ = copy_bidirectional(&mut outside, &mut inside).await;
            });
        }
    });
    port
}

async fn play(port: u16, authority: &Path) -> Output {
    let (url, authority) = (format!("wss://127.0.0.1:{port}"), authority.to_owned());
    let tool = tokio::process::Command::new(TOOL)
        .args(["play", "--games", "2", "--think", "200", "--seconds", "1"])
        .args(["--url", &url])
        .env("SSL_CERT_FILE", authority)
        .env_remove("SSL_CERT_DIR")
        .output();
    tool.await.unwrap()
}

#[tokio::test]
async fn a_deployment_that_speaks_tls_is_loaded_if_somebody_vouches_for_it() {
    let settings = Settings::new(&server()).over(RedisKind::Embedded);
    let deployment = settings.start().unwrap();
    let (ours, foreign) = (Vouched::make(), Vouched::make());
    let node = deployment.node(0).address().to_owned();
    let port = speak_tls(ours.acceptor(), node).await;
    let played = play(port, &ours.authority).await;
    let told = String::from_utf8_lossy(&played.stdout);
    assert!(played.status.success(), "{played:?}");
    assert!(told.contains("opponent has it"), "{told}");
    let refused = play(port, &foreign.authority).await;
    let told = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success(), "{told}");
    assert!(told.contains("set table 0 up"), "{told}");
    let nobody = play(port, &ours.dir.path().join("ext")).await;
    let told = String::from_utf8_lossy(&nobody.stderr);
    assert!(told.contains("no certificates are found"), "{told}");
}
