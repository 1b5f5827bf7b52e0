//! Ports that stay ours: for a server that must come back where it was.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use tokio::net::TcpSocket;

/// A port of this machine that the system gives to nobody else as long as this value lives.
///
/// It is bound and never listened on. Who says `SO_REUSEADDR` and names the port may listen there, as our nodes and
/// Redis do; while nobody does, connections are refused. So nothing has to be tried again because a port was taken.
#[derive(Debug)]
pub(super) struct Port {
    address: SocketAddr,
    /// Held, not used.
    _socket: TcpSocket,
}

impl Port {
    /// One that was free.
    pub(super) fn reserve() -> io::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.set_reuseaddr(true)?;
        socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
        Ok(Self {
            address: socket.local_addr()?,
            _socket: socket,
        })
    }

    /// E.g. `127.0.0.1:40123`.
    pub(super) const fn address(&self) -> SocketAddr {
        self.address
    }
}
