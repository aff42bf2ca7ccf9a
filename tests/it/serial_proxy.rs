//! Stands in front of an S3 server and lets one write through at a time.
//!
//! The server that tests start checks a condition and writes without a lock between the two, so two writers can both
//! hear that they came first. A real store decides once. With this in front, races of processes mean something.
//! Absent: keeping connections, and anything that needs to understand a request beyond its head.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

use crate::moto::Bucket;

/// The bucket as it is reached through a proxy, which ends with the test binary.
pub(crate) fn serialised(bucket: &Bucket) -> Bucket {
    let server = bucket.server().to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        let one_at_a_time = Arc::new(Mutex::new(()));
        for stream in listener.incoming().map_while(Result::ok) {
            let (server, lock) = (server.clone(), Arc::clone(&one_at_a_time));
            // A process that was killed leaves half a request, which is nobody's failure.
            std::thread::spawn(move || drop(pass_on(stream, &server, &lock)));
        }
    });
    Bucket { endpoint: format!("http://{address}"), ..bucket.clone() }
}

fn pass_on(mut client: TcpStream, server: &str, lock: &Mutex<()>) -> std::io::Result<()> {
    let Some(request) = Request::receive(&client)? else { return Ok(()) };
    let held = request.writes().then(|| lock.lock().unwrap_or_else(PoisonError::into_inner));
    let answer = request.pass_on(server)?;
    drop(held);
    client.write_all(&answer)
}

/// A request as it came.
#[derive(Debug)]
pub(crate) struct Request {
    /// The first line and the headers, without the one about the connection.
    head: String,
    body: Vec<u8>,
}

impl Request {
    /// Reads one from a connection; none where it was closed before one was whole.
    pub(crate) fn receive(client: &TcpStream) -> std::io::Result<Option<Self>> {
        let mut reader = BufReader::new(client);
        let mut head = String::new();
        let mut length = 0;
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line)? == 0 {
                return Ok(None);
            }
            if line.trim().is_empty() {
                break;
            }
            let (name, value) = line.split_once(':').unwrap_or(("", ""));
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = value.trim().parse().unwrap_or(0),
                "connection" => continue,
                // S3 takes the checksum itself; the server that tests start looks whether it is announced.
                "x-amz-checksum-sha256" => head.push_str("x-amz-sdk-checksum-algorithm: SHA256\r\n"),
                _ => {}
            }
            head.push_str(&line);
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        Ok(Some(Self { head, body }))
    }

    /// Method and target.
    pub(crate) fn line(&self) -> &str {
        self.head.lines().next().unwrap_or_default().trim_end_matches(" HTTP/1.1")
    }

    /// Whether the store may be another one afterwards.
    pub(crate) fn writes(&self) -> bool {
        !self.head.starts_with("GET") && !self.head.starts_with("HEAD")
    }

    /// Whether it asks which objects or versions there are.
    pub(crate) fn lists(&self) -> bool {
        self.head.starts_with("GET") && ["list-type=", "versions"].iter().any(|list| self.line().contains(list))
    }

    /// The server's answer, whole.
    pub(crate) fn pass_on(&self, server: &str) -> std::io::Result<Vec<u8>> {
        let mut upstream = TcpStream::connect(server)?;
        upstream.write_all(format!("{}Connection: close\r\n\r\n", self.head).as_bytes())?;
        upstream.write_all(&self.body)?;
        let mut answer = Vec::new();
        upstream.read_to_end(&mut answer)?;
        Ok(answer)
    }
}
