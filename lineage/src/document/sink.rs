//! Text on its way out, gathered into pieces, and what is written again and again kept at hand.

use std::io::{self, Write};

/// How much text is gathered before it is written.
const PIECE_BYTES: usize = 64 << 10;
/// How many pieces of text about attributes are kept at hand. Neighbouring edges mostly share theirs.
const KEPT: usize = 4096;

/// Gathers text and writes it in pieces.
pub(super) struct Sink<'w, W> {
    out: &'w mut W,
    text: String,
}

impl<'w, W: Write> Sink<'w, W> {
    pub(super) fn new(out: &'w mut W) -> Self {
        Self { out, text: String::with_capacity(2 * PIECE_BYTES) }
    }

    /// The text to write into.
    pub(super) fn text(&mut self) -> &mut String {
        &mut self.text
    }

    /// Writes what was gathered if it is enough for a piece.
    pub(super) fn step(&mut self) -> io::Result<()> {
        if self.text.len() >= PIECE_BYTES { self.flush() } else { Ok(()) }
    }

    /// Writes what was gathered.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.out.write_all(self.text.as_bytes())?;
        self.text.clear();
        Ok(())
    }
}

/// What a format writes of an attribute, made once for many edges.
pub(super) struct Fragments<F> {
    slots: Vec<Option<(u32, String)>>,
    make: F,
}

impl<F: Fn(u32) -> String> Fragments<F> {
    pub(super) fn new(make: F) -> Self {
        Self { slots: vec![None; KEPT], make }
    }

    pub(super) fn get(&mut self, attribute: u32) -> &str {
        let slot = &mut self.slots[attribute as usize % KEPT];
        if slot.as_ref().is_none_or(|(kept, _)| *kept != attribute) {
            *slot = Some((attribute, (self.make)(attribute)));
        }
        slot.as_ref().map_or("", |(_, text)| text)
    }
}

/// Tells edges between the same two nodes apart: 0, 1, 2.
#[derive(Default)]
pub(super) struct Parallel {
    last: Option<(u32, u32)>,
    key: u32,
}

impl Parallel {
    pub(super) fn key(&mut self, source: u32, target: u32) -> u32 {
        let is_again = self.last == Some((source, target));
        self.key = if is_again { self.key + 1 } else { 0 };
        self.last = Some((source, target));
        self.key
    }
}
