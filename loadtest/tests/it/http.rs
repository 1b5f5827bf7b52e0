//! The least of HTTP: a server that says its name, and a request.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread::JoinHandle;

/// Answers each request with its name and the request's own headers, one connection at a time, until it is dropped.
pub(crate) struct Named {
    address: String,
    served: Option<JoinHandle<()>>,
}

impl Named {
    pub(crate) fn start(name: &'static str) -> Self {
        Self::answering(200, name)
    }

    /// The same with another status.
    pub(crate) fn answering(status: u16, name: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let served = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if !serve(stream.unwrap(), (status, name)) {
                    return;
                }
            }
        });
        Self {
            address,
            served: Some(served),
        }
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }
}

impl Drop for Named {
    fn drop(&mut self) {
        // An empty request ends it.
        let _ = TcpStream::connect(&self.address);
        self.served.take().unwrap().join().unwrap();
    }
}

fn serve(mut stream: TcpStream, (status, name): (u16, &str)) -> bool {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
    let head: Vec<String> = lines
        .by_ref()
        .map_while(Result::ok)
        .take_while(|line| !line.is_empty())
        .collect();
    if head.is_empty() {
        return false;
    }
    let body = format!("{name}\n{}", head.join("\n"));
    let length = body.len();
    let answer = format!(
        "HTTP/1.1 {status} So\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    );
    stream.write_all(answer.as_bytes()).unwrap();
    true
}

/// Sends a request without a body; the status and the body of the answer.
pub(crate) fn request(address: &str, line: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    let request = format!(
        "{line} HTTP/1.1\r\nHost: {address}\r\nX-Forwarded-For: 6.6.6.6\r\n\
        Content-Length: 0\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    (status, body.to_owned())
}
