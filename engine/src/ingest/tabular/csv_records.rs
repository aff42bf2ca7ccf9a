//! Cuts an object's uncompressed bytes into CSV records, one at a time, with memory for one record.
//!
//! The first line names the columns; its most frequent separator among comma, semicolon and tab is that of the object.
//! Records end with a line break outside quotes (LF or CRLF), fields may be quoted, and a quote inside quotes is
//! doubled, as RFC 4180 says. Blank lines are passed over. A byte order mark is none of the first name.
//!
//! Where quotes do not fit, the record is refused up to the end of its first line, and the next line is read as if
//! nothing had been: a stray quote costs its own line and no other. Absent: backslash escapes, comments, and any type
//! but text.

use std::borrow::Cow;
use std::io::{self, Read};

use super::super::records::{
    BOM, Bad, Item, Place, RAW_BYTES_MAX, RECORD_BYTES_MAX, Record, RejectKind, Waste, Window,
};

/// Longest first line that is read.
const HEADER_BYTES_MAX: usize = 1024 * 1024;
/// Separators, in the order in which they win where they are equally frequent.
const SEPARATORS: [u8; 3] = [b',', b';', b'\t'];

/// The records of one object.
pub(crate) struct CsvRecords<R> {
    input: Window<R>,
    separator: u8,
    record_bytes_max: usize,
    /// Bytes of the record given out last, used up at the next call.
    given: usize,
    /// Number of the record found last.
    number: u64,
}

/// What one step found.
enum Found {
    /// The next `usize` bytes are a record.
    Record(usize),
    Bad(Bad),
    End,
}

/// An object at its first record.
pub(crate) enum Opened<R> {
    /// Records, and what their fields are called; none where the object is empty.
    Records(CsvRecords<R>, Vec<String>),
    /// No CSV, and why.
    Unreadable(&'static str),
}

impl<R: Read> CsvRecords<R> {
    /// Reads the first line.
    ///
    /// # Errors
    /// When the input itself cannot be read.
    pub(crate) fn open(input: R) -> io::Result<Opened<R>> {
        Self::open_with_limit(input, RECORD_BYTES_MAX)
    }

    fn open_with_limit(input: R, record_bytes_max: usize) -> io::Result<Opened<R>> {
        let mut records = Self { input: Window::new(input), separator: b',', record_bytes_max, given: 0, number: 0 };
        while records.input.rest().len() < BOM.len() && records.input.fill()? {}
        if records.input.rest().starts_with(b"\xff\xfe") || records.input.rest().starts_with(b"\xfe\xff") {
            return Ok(Opened::Unreadable("it is UTF-16; convert it to UTF-8"));
        }
        if records.input.rest().starts_with(BOM) {
            records.input.advance(BOM.len());
        }
        records.skip_blank_lines()?;
        let Some((length, separator)) = records.first_line()? else {
            return Ok(Opened::Unreadable("its first line is longer than 1 MiB and names no columns"));
        };
        records.separator = separator;
        let line = records.input.rest()[..length].to_vec();
        let line = without_return(&line);
        let Ok(line) = std::str::from_utf8(line) else {
            return Ok(Opened::Unreadable("its first line is no UTF-8 text; convert it to UTF-8"));
        };
        if line.contains(['\0', '\r']) {
            return Ok(Opened::Unreadable(
                "its first line is no text, or ends with a carriage return alone; end lines with LF or CRLF",
            ));
        }
        if records.input.truncated && length == records.input.rest().len() {
            return Ok(Opened::Unreadable("it ends inside its first line"));
        }
        let names = if line.is_empty() { Some(Vec::new()) } else { fields(line, separator) };
        let Some(names) = names else {
            return Ok(Opened::Unreadable("the quotes of its first line do not fit"));
        };
        let names = names.into_iter().map(|name| name.trim().to_owned()).collect();
        records.given = length;
        Ok(Opened::Records(records, names))
    }

    /// Byte between fields.
    pub(crate) fn separator(&self) -> u8 {
        self.separator
    }

    /// Whether the input ended, or its coding broke, where it should have gone on. Final once the end is reached.
    pub(crate) fn truncated(&self) -> bool {
        self.input.truncated
    }

    /// The next record, or `None` at the end.
    ///
    /// # Errors
    /// When the input itself cannot be read. Damage to its coding is no error: it sets [`Self::truncated`].
    pub(crate) fn next(&mut self) -> io::Result<Option<Item<'_>>> {
        self.input.advance(std::mem::take(&mut self.given));
        self.skip_blank_lines()?;
        Ok(match self.find()? {
            Found::End => None,
            Found::Bad(bad) => Some(Item::Bad(bad)),
            Found::Record(length) => {
                let place = self.next_place();
                self.given = length;
                let bytes = without_return(&self.input.rest()[..length]);
                Some(Item::Record(Record { place, bytes }))
            }
        })
    }

    fn find(&mut self) -> io::Result<Found> {
        if self.input.rest().is_empty() && !self.input.fill()? {
            return Ok(Found::End);
        }
        let mut scan = Scan::new(self.separator);
        loop {
            match scan.run(self.input.rest()) {
                step @ (Step::More | Step::End) if scan.at > self.record_bytes_max => {
                    return self.too_large(scan, step).map(Found::Bad);
                }
                Step::End => return Ok(Found::Record(scan.at)),
                Step::Broken => {
                    let why = "text follows a closing quote; inside quotes a quote is doubled";
                    return self.reject_line(why).map(Found::Bad);
                }
                Step::More if self.input.fill()? => {}
                Step::More => return self.last(&scan),
            }
        }
    }

    /// The input ended, and no line break with it.
    fn last(&mut self, scan: &Scan) -> io::Result<Found> {
        let cut = self.input.truncated;
        let quoted = scan.state == State::Quoted;
        if quoted && !cut && self.input.rest().contains(&b'\n') {
            return self.reject_line("a quote is never closed").map(Found::Bad);
        }
        if cut || quoted {
            self.input.truncated = true;
            let length = self.input.rest().len();
            let mut waste = Waste::default();
            waste.take(self.input.rest());
            let place = self.next_place();
            self.input.advance(length);
            let why = "the object ends inside this record".to_owned();
            return Ok(Found::Bad(waste.rejected(place, RejectKind::Truncated, why)));
        }
        Ok(Found::Record(self.input.rest().len()))
    }

    /// Refuses the rest of the line.
    fn reject_line(&mut self, why: &str) -> io::Result<Bad> {
        let place = self.next_place();
        let mut waste = Waste::default();
        self.waste_line(&mut waste)?;
        Ok(waste.rejected(place, RejectKind::Syntax, why.to_owned()))
    }

    fn waste_line(&mut self, waste: &mut Waste) -> io::Result<()> {
        loop {
            let rest = self.input.rest();
            if let Some(newline) = rest.iter().position(|byte| *byte == b'\n') {
                waste.take(without_return(&rest[..newline]));
                self.input.advance(newline);
                return Ok(());
            }
            let length = rest.len();
            waste.take(rest);
            self.input.advance(length);
            if !self.input.fill()? {
                return Ok(());
            }
        }
    }

    /// Passes over a record that is longer than the limit, holding its first bytes only.
    ///
    /// It is passed over up to where its quotes say it ends: were its lines read as records, whoever writes a long
    /// text could put rows into the dataset.
    fn too_large(&mut self, mut scan: Scan, mut step: Step) -> io::Result<Bad> {
        let place = self.next_place();
        let mut waste = Waste::default();
        loop {
            waste.take(&self.input.rest()[..scan.at]);
            self.input.advance(scan.at);
            scan.at = 0;
            match step {
                Step::More if self.input.fill()? => step = scan.run(self.input.rest()),
                Step::More => {
                    self.input.truncated |= scan.state == State::Quoted;
                    break;
                }
                Step::End => break,
                Step::Broken => {
                    self.waste_line(&mut waste)?;
                    break;
                }
            }
        }
        let why = format!("the record is longer than {} bytes", self.record_bytes_max);
        Ok(waste.rejected(place, RejectKind::TooLarge, why))
    }

    fn next_place(&mut self) -> Place {
        self.number += 1;
        Place { offset: self.input.offset, line: self.input.line, number: self.number }
    }

    /// Passes over line breaks: the one behind the last record, and those of blank lines.
    fn skip_blank_lines(&mut self) -> io::Result<()> {
        loop {
            match self.input.rest() {
                [b'\n', ..] => self.input.advance(1),
                [b'\r', b'\n', ..] => self.input.advance(2),
                [] | [b'\r'] => {
                    if !self.input.fill()? {
                        let length = self.input.rest().len();
                        self.input.advance(length);
                        return Ok(());
                    }
                }
                _ => return Ok(()),
            }
        }
    }

    /// Length of the first line and its separator; none where the line does not end within reason.
    fn first_line(&mut self) -> io::Result<Option<(usize, u8)>> {
        let mut at = 0;
        let mut quoted = false;
        let mut found = [0_usize; SEPARATORS.len()];
        loop {
            let rest = self.input.rest();
            while let Some(&byte) = rest.get(at) {
                match byte {
                    b'"' => quoted = !quoted,
                    b'\n' if !quoted => return Ok(Some((at, most_frequent(found)))),
                    _ if quoted => {}
                    _ => {
                        if let Some(which) = SEPARATORS.iter().position(|one| *one == byte) {
                            found[which] += 1;
                        }
                    }
                }
                at += 1;
            }
            if at > HEADER_BYTES_MAX {
                return Ok(None);
            }
            if !self.input.fill()? {
                return Ok(Some((at, most_frequent(found))));
            }
        }
    }
}

fn most_frequent(found: [usize; SEPARATORS.len()]) -> u8 {
    let most = found.iter().max().copied().unwrap_or_default();
    let which = found.iter().position(|count| *count == most).unwrap_or_default();
    SEPARATORS[which]
}

fn without_return(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// The fields of a record; none where its quotes do not fit.
pub(crate) fn fields(record: &str, separator: u8) -> Option<Vec<Cow<'_, str>>> {
    let separator = char::from(separator);
    let mut fields = Vec::new();
    let mut rest = record;
    loop {
        let (field, behind) = match rest.strip_prefix('"') {
            Some(quoted) => unquoted(quoted)?,
            None => {
                let end = rest.find(separator).unwrap_or(rest.len());
                (Cow::Borrowed(&rest[..end]), &rest[end..])
            }
        };
        fields.push(field);
        match behind.strip_prefix(separator) {
            Some(more) => rest = more,
            None if behind.is_empty() => return Some(fields),
            None => return None,
        }
    }
}

/// The text up to the closing quote, and what stands behind it.
fn unquoted(quoted: &str) -> Option<(Cow<'_, str>, &str)> {
    let end = quoted.find('"')?;
    let behind = &quoted[end + 1..];
    if !behind.starts_with('"') {
        return Some((Cow::Borrowed(&quoted[..end]), behind));
    }
    let mut text = quoted[..=end].to_owned();
    let mut rest = &behind[1..];
    loop {
        let end = rest.find('"')?;
        text.push_str(&rest[..end]);
        let behind = &rest[end + 1..];
        match behind.strip_prefix('"') {
            Some(more) => {
                text.push('"');
                rest = more;
            }
            None => return Some((Cow::Owned(text), behind)),
        }
    }
}

/// Looks for the end of one record.
struct Scan {
    /// Bytes looked at.
    at: usize,
    state: State,
    separator: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Before the first byte of a field.
    Start,
    Plain,
    Quoted,
    /// Behind a quote inside quotes: the closing one, or the first of two.
    Quote,
    /// Behind a carriage return behind a closing quote.
    Return,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// All bytes were looked at.
    More,
    /// The record ends before the next byte.
    End,
    /// The next byte cannot follow.
    Broken,
}

impl Scan {
    fn new(separator: u8) -> Self {
        Self { at: 0, state: State::Start, separator }
    }

    fn run(&mut self, bytes: &[u8]) -> Step {
        while let Some(&byte) = bytes.get(self.at) {
            self.state = match (self.state, byte) {
                (State::Quoted, b'"') => State::Quote,
                (State::Quoted, _) => State::Quoted,
                (_, b'\n') => return Step::End,
                (State::Start | State::Quote, b'"') => State::Quoted,
                (State::Return, _) => return Step::Broken,
                (_, byte) if byte == self.separator => State::Start,
                (State::Quote, b'\r') => State::Return,
                (State::Quote, _) => return Step::Broken,
                (State::Start | State::Plain, _) => State::Plain,
            };
            self.at += 1;
        }
        Step::More
    }
}

/// The object as one refused record: what stands for it where it is no table.
pub(crate) fn whole(mut stored: impl Read, place: Place, why: String) -> io::Result<Bad> {
    let mut waste = Waste::default();
    let mut chunk = vec![0; RAW_BYTES_MAX];
    loop {
        match stored.read(&mut chunk) {
            Ok(0) => return Ok(waste.rejected(place, RejectKind::Syntax, why)),
            Ok(read) => waste.take(&chunk[..read]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests;
