//! The part of the input that is held: from the record at hand to the last byte read.

use std::io::{self, Read};

use super::super::decode::input_failed;

const CHUNK_BYTES: usize = 64 * 1024;

/// A view of the input that moves forward only, and knows where it stands.
pub(crate) struct Window<R> {
    input: R,
    buf: Vec<u8>,
    /// Everything in `buf` before this is used up.
    pos: usize,
    /// Bytes before the view.
    pub(crate) offset: u64,
    /// Line of the view's first byte, from 1.
    pub(crate) line: u64,
    /// Whether the input ended, or its coding broke, where it should have gone on.
    pub(crate) truncated: bool,
    ended: bool,
}

impl<R: Read> Window<R> {
    /// An empty view at the start of `input`.
    pub(crate) fn new(input: R) -> Self {
        Self { input, buf: Vec::new(), pos: 0, offset: 0, line: 1, truncated: false, ended: false }
    }

    /// The bytes that are there and not used up.
    pub(crate) fn rest(&self) -> &[u8] {
        &self.buf[self.pos..]
    }

    /// Bytes of memory held.
    #[cfg(test)]
    pub(crate) fn capacity(&self) -> usize {
        self.buf.capacity()
    }

    /// Uses up `bytes`.
    pub(crate) fn advance(&mut self, bytes: usize) {
        let used = &self.buf[self.pos..self.pos + bytes];
        self.line += used.iter().filter(|byte| **byte == b'\n').count() as u64;
        self.offset += bytes as u64;
        self.pos += bytes;
    }

    /// The next byte that is not white space, unused.
    ///
    /// # Errors
    /// As [`Self::fill`].
    pub(crate) fn peek(&mut self) -> io::Result<Option<u8>> {
        loop {
            let rest = self.rest();
            let spaces = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n')).count();
            let byte = rest.get(spaces).copied();
            self.advance(spaces);
            if byte.is_some() || !self.fill()? {
                return Ok(byte);
            }
        }
    }

    /// Reads more behind what is there; false at the end. Damage to the coding is an end, and sets `truncated`.
    ///
    /// # Errors
    /// When the input itself cannot be read.
    pub(crate) fn fill(&mut self) -> io::Result<bool> {
        if self.ended {
            return Ok(false);
        }
        self.buf.drain(..self.pos);
        self.pos = 0;
        let filled = self.buf.len();
        self.buf.resize(filled + CHUNK_BYTES, 0);
        let read = loop {
            match self.input.read(&mut self.buf[filled..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read,
            }
        };
        self.buf.truncate(filled + *read.as_ref().unwrap_or(&0));
        match read {
            Ok(bytes) => self.ended = bytes == 0,
            Err(error) if input_failed(&error) => return Err(error),
            Err(_) => {
                self.ended = true;
                self.truncated = true;
            }
        }
        Ok(!self.ended)
    }
}
