//! Requests as bytes, for what no client library would send.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, ToSocketAddrs};
use tokio::time::timeout;

use super::client::PATIENCE;

/// Sends some text and reads until the other side closes.
pub(crate) async fn exchange(address: impl ToSocketAddrs, text: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // Some of the server's own bounds are nearly as long as our patience.
    timeout(2 * PATIENCE, stream.read_to_end(&mut answer))
        .await
        .expect("closed in time")
        .unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}
