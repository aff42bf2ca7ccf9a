//! Stands in front of an S3 server and lets one conditional write through at a time.
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
    let server = bucket.endpoint.trim_start_matches("http://").to_owned();
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
    let mut reader = BufReader::new(client.try_clone()?);
    let mut head = String::new();
    let (mut length, mut conditional) = (0, false);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        if line.trim().is_empty() {
            break;
        }
        let (name, value) = line.split_once(':').unwrap_or(("", ""));
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse().unwrap_or(0),
            "if-none-match" | "if-match" => conditional = !head.starts_with("GET") && !head.starts_with("HEAD"),
            "connection" => continue,
            _ => {}
        }
        head.push_str(&line);
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let held = conditional.then(|| lock.lock().unwrap_or_else(PoisonError::into_inner));
    let mut upstream = TcpStream::connect(server)?;
    upstream.write_all(format!("{head}Connection: close\r\n\r\n").as_bytes())?;
    upstream.write_all(&body)?;
    let mut answer = Vec::new();
    upstream.read_to_end(&mut answer)?;
    drop(held);
    client.write_all(&answer)
}
