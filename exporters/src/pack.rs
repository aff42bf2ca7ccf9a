//! From the text of a part to the bytes that are kept: hashed, compressed, hashed again, on a thread of its own.

use std::io::{self, Write};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use flate2::{Compression as Level, GzBuilder, write::GzEncoder};
use sha2::{Digest, Sha256};

use crate::format::Compression;

/// Bytes of a buffer that is handed on.
const BUFFER_BYTES: usize = 1 << 20;
/// Buffers under way: a chunk of rows in its pieces, so that whoever makes the next one need not wait for this one.
const BUFFERS: usize = 16;
/// Level of gzip, that of most programs.
const GZIP_LEVEL: u32 = 6;
/// Level of zstd, that of most programs.
const ZSTD_LEVEL: i32 = 3;

/// Where the bytes of a part go.
pub trait PartOut: Write + Send {
    /// Takes bytes as they are, without a copy where the place can.
    ///
    /// # Errors
    /// When the place refuses them.
    fn write_vec(&mut self, bytes: Vec<u8>) -> io::Result<()> {
        self.write_all(&bytes)
    }

    /// All bytes are there: the part may be seen from now on.
    ///
    /// # Errors
    /// When the place refuses it.
    fn complete(self: Box<Self>) -> io::Result<()>;
}

/// What became of a part's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Packed {
    pub(crate) bytes: u64,
    pub(crate) sha256: [u8; 32],
    pub(crate) content_sha256: [u8; 32],
}

/// What goes to the thread. Without an end, as when the sender is gone, a part never becomes complete.
enum Message {
    Bytes(Vec<u8>),
    End,
    GivenUp,
}

/// Takes the text of a part.
pub(crate) struct Packer {
    /// Whether a compressor takes the bytes: it gets buffers that are cut at the same places, however the text came.
    is_compressed: bool,
    buffer: Vec<u8>,
    sender: SyncSender<Message>,
    thread: Option<JoinHandle<io::Result<Packed>>>,
}

impl Packer {
    pub(crate) fn start(compression: Option<Compression>, out: Box<dyn PartOut>) -> io::Result<Self> {
        let (sender, receiver) = sync_channel(BUFFERS);
        let thread = std::thread::Builder::new().name("export".to_owned());
        let thread = thread.spawn(move || pack(compression, out, &receiver))?;
        Ok(Self {
            is_compressed: compression.is_some(),
            buffer: Vec::with_capacity(BUFFER_BYTES),
            sender,
            thread: Some(thread),
        })
    }

    /// Takes a text: as it is, where nothing is made of it but its hash.
    pub(crate) fn write_text(&mut self, text: String) -> io::Result<Option<String>> {
        if self.is_compressed {
            self.write_all(text.as_bytes())?;
            return Ok(Some(text));
        }
        self.hand_on()?;
        self.send(Message::Bytes(text.into_bytes()))?;
        Ok(None)
    }

    /// Hands the rest on and waits until the part is complete.
    pub(crate) fn finish(mut self) -> io::Result<Packed> {
        let rest = self.hand_on().and_then(|()| self.send(Message::End));
        // What went wrong on the other side says more than that it is gone.
        let packed = self.joined()?;
        rest.map(|()| packed)
    }

    /// Gives the part up; says what went wrong on the other side, if that is why.
    pub(crate) fn give_up(mut self) -> Option<io::Error> {
        drop(self.send(Message::GivenUp));
        self.joined().err().filter(|error| error.kind() != io::ErrorKind::Interrupted)
    }

    fn joined(&mut self) -> io::Result<Packed> {
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(packed)) => packed,
            Some(Err(panic)) => std::panic::resume_unwind(panic),
            None => Err(io::Error::other("the part has ended")),
        }
    }

    fn hand_on(&mut self) -> io::Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let buffer = std::mem::replace(&mut self.buffer, Vec::with_capacity(BUFFER_BYTES));
        self.send(Message::Bytes(buffer))
    }

    fn send(&self, message: Message) -> io::Result<()> {
        self.sender.send(message).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

impl Write for Packer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.buffer.len() >= BUFFER_BYTES {
            self.hand_on()?;
        }
        let some = bytes.len().min(BUFFER_BYTES - self.buffer.len());
        self.buffer.extend_from_slice(&bytes[..some]);
        Ok(some)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn pack(compression: Option<Compression>, out: Box<dyn PartOut>, messages: &Receiver<Message>) -> io::Result<Packed> {
    let mut content = Sha256::new();
    let mut stored = Compressor::start(compression, Hashed::new(out))?;
    loop {
        let buffer = match messages.recv() {
            Ok(Message::Bytes(buffer)) => buffer,
            Ok(Message::End) => break,
            Ok(Message::GivenUp) | Err(_) => return Err(io::ErrorKind::Interrupted.into()),
        };
        if compression.is_some() {
            content.update(&buffer);
        }
        stored.take(buffer)?;
    }
    let hashed = stored.finish()?;
    let (bytes, sha256) = hashed.complete()?;
    let content_sha256 = if compression.is_some() { content.finalize().into() } else { sha256 };
    Ok(Packed { bytes, sha256, content_sha256 })
}

/// Counts and hashes what is kept.
pub(crate) struct Hashed {
    out: Box<dyn PartOut>,
    sha256: Sha256,
    bytes: u64,
}

impl Hashed {
    pub(crate) fn new(out: Box<dyn PartOut>) -> Self {
        Self { out, sha256: Sha256::new(), bytes: 0 }
    }

    fn write_vec(&mut self, bytes: Vec<u8>) -> io::Result<()> {
        self.sha256.update(&bytes);
        self.bytes += bytes.len() as u64;
        self.out.write_vec(bytes)
    }

    /// Completes it; gives its bytes and their hash.
    pub(crate) fn complete(self) -> io::Result<(u64, [u8; 32])> {
        self.out.complete()?;
        Ok((self.bytes, self.sha256.finalize().into()))
    }
}

impl Write for Hashed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let some = self.out.write(bytes)?;
        self.sha256.update(&bytes[..some]);
        self.bytes += some as u64;
        Ok(some)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

enum Compressor {
    None(Hashed),
    Gzip(GzEncoder<Hashed>),
    Zstd(zstd::Encoder<'static, Hashed>),
}

impl Compressor {
    fn start(compression: Option<Compression>, out: Hashed) -> io::Result<Self> {
        Ok(match compression {
            None => Self::None(out),
            // Neither name nor time, and no system: the same text gives the same bytes.
            Some(Compression::Gzip) => {
                Self::Gzip(GzBuilder::new().mtime(0).operating_system(255).write(out, Level::new(GZIP_LEVEL)))
            }
            Some(Compression::Zstd) => {
                let mut encoder = zstd::Encoder::new(out, ZSTD_LEVEL)?;
                encoder.include_checksum(true)?;
                Self::Zstd(encoder)
            }
        })
    }

    fn take(&mut self, bytes: Vec<u8>) -> io::Result<()> {
        match self {
            Self::None(out) => out.write_vec(bytes),
            Self::Gzip(out) => out.write_all(&bytes),
            Self::Zstd(out) => out.write_all(&bytes),
        }
    }

    fn finish(self) -> io::Result<Hashed> {
        match self {
            Self::None(mut out) => out.flush().map(|()| out),
            Self::Gzip(out) => out.finish(),
            Self::Zstd(out) => out.finish(),
        }
    }
}
