//! Cuts an object's uncompressed bytes into JSON records, one at a time, with memory for one record.
//!
//! Accepted, in any mixture and however spread over lines: the list that a source wraps around its records, such
//! as `{"Records":[…]}` (other keys around it are passed over), arrays of records, and records one after another,
//! with or without newlines.
//! Every record comes out once, as a record, a bad record or a skipped one; nothing is dropped silently.
//!
//! Where the input is broken, what is lost is kept small. Outside an array the next record is looked for at
//! the next line that is not indented and does not begin with a closing bracket. Inside an array it is looked
//! for by brackets alone, or at the `{` that shows where an unclosed record ended.
//!
//! Deliberately absent: the meaning of a record. [`parse_strict`] reads one; the mapping of its source does the rest.

mod exact;
mod item;
mod scan;
mod strict;
mod waste;
mod window;

use std::io::{self, Read};

pub(crate) use exact::{parse_exact, with_quoted_numbers};
pub(crate) use item::{Again, Bad, Item, Place, RAW_BYTES_MAX, Record, RejectKind};
use scan::{Envelope, Recovery, Scan, Step};
pub(crate) use strict::{Parse, Strict, parse_strict};
pub(crate) use waste::Waste;
pub(crate) use window::Window;

/// Longest record that is read; a longer one is rejected.
pub(crate) const RECORD_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Longest key that is looked at in the rest of an object, behind its list of records.
const TAIL_KEY_BYTES_MAX: usize = 64 * 1024;
/// What UTF-8 text may begin with.
pub(crate) const BOM: &[u8] = b"\xef\xbb\xbf";

/// What the objects of a source look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// `Records` of a top-level object are unwrapped, digests are skipped.
    Cloudtrail,
    /// `items` of an `EventList` are unwrapped.
    Kubernetes,
    /// Every top-level object is a record, whatever its keys.
    Ndjson,
    /// The same, or Parquet, whose rows are the records.
    Ocsf,
}

impl Shape {
    fn envelope(self) -> Option<&'static Envelope> {
        static CLOUDTRAIL: Envelope = Envelope {
            list: "Records",
            record: "eventID",
            waste: &["digestS3Object", "digestPublicKeyFingerprint"],
            waste_is: "CloudTrail digest",
        };
        static KUBERNETES: Envelope = Envelope { list: "items", record: "auditID", waste: &[], waste_is: "" };
        match self {
            Self::Cloudtrail => Some(&CLOUDTRAIL),
            Self::Kubernetes => Some(&KUBERNETES),
            Self::Ndjson | Self::Ocsf => None,
        }
    }
}

/// Where the splitter stands.
#[derive(Debug)]
enum Mode {
    /// Between top-level values.
    Top,
    /// In an array of records; inside the list of an object, with the scan of that object.
    Elements { around: Option<Box<Scan>>, comma: bool },
    /// Behind the list, in the rest of its object.
    Tail(Box<Scan>),
}

/// What one step of the splitter found.
enum Found {
    /// The next `usize` bytes are a record.
    Record(usize),
    Bad(Bad),
    Skipped(usize),
    /// Nothing yet; go on.
    Nothing,
    End,
}

/// Cuts one object into records.
pub(crate) struct Splitter<R> {
    input: Window<R>,
    shape: Shape,
    record_bytes_max: usize,
    mode: Mode,
    /// Bytes of the record given out last, used up at the next call.
    given: usize,
    /// Number of the record found last.
    number: u64,
}

impl<R> std::fmt::Debug for Splitter<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Splitter")
            .field("shape", &self.shape)
            .field("offset", &self.input.offset)
            .finish_non_exhaustive()
    }
}

impl<R: Read> Splitter<R> {
    /// A splitter at the start of `input`.
    pub(crate) fn new(input: R, shape: Shape) -> Self {
        Self::with_limit(input, shape, RECORD_BYTES_MAX)
    }

    fn with_limit(input: R, shape: Shape, record_bytes_max: usize) -> Self {
        Self { input: Window::new(input), shape, record_bytes_max, mode: Mode::Top, given: 0, number: 0 }
    }

    /// Whether the input ended, or its coding broke, where it should have gone on. Final once the splitter is at its end.
    pub(crate) fn truncated(&self) -> bool {
        self.input.truncated
    }

    /// The next record, or `None` at the end.
    ///
    /// # Errors
    /// When the input itself cannot be read. Damage to its coding is no error: it sets [`Self::truncated`].
    pub(crate) fn next(&mut self) -> io::Result<Option<Item<'_>>> {
        self.input.advance(std::mem::take(&mut self.given));
        loop {
            let found = match &self.mode {
                Mode::Top => self.top()?,
                Mode::Elements { comma, .. } => {
                    let comma = *comma;
                    self.element(comma)?
                }
                Mode::Tail(_) => self.tail()?,
            };
            match found {
                Found::Nothing => {}
                Found::End => return Ok(None),
                Found::Bad(bad) => return Ok(Some(Item::Bad(bad))),
                Found::Skipped(length) => {
                    let place = self.next_place();
                    self.given = length;
                    let reason = self.shape.envelope().map_or("no record", |envelope| envelope.waste_is);
                    return Ok(Some(Item::Skipped { place, reason }));
                }
                Found::Record(length) => {
                    let place = self.next_place();
                    self.given = length;
                    let bytes = &self.input.rest()[..length];
                    return Ok(Some(Item::Record(Record { place, bytes })));
                }
            }
        }
    }

    /// Between top-level values.
    fn top(&mut self) -> io::Result<Found> {
        while self.input.offset == 0 && self.input.rest().len() < BOM.len() && self.input.fill()? {}
        if self.input.offset == 0 && self.input.rest().starts_with(BOM) {
            self.input.advance(BOM.len());
        }
        match self.input.peek()? {
            None => Ok(Found::End),
            Some(b'{') => self.top_object(),
            Some(b'[') => {
                self.input.advance(1);
                self.mode = Mode::Elements { around: None, comma: false };
                Ok(Found::Nothing)
            }
            Some(_) => {
                let mut bad = self.reject_line(RejectKind::Syntax, "a JSON object or array was expected")?;
                if bad.bytes_total <= RAW_BYTES_MAX as u64 && parse_strict(&bad.bytes).is_ok() {
                    bad.kind = RejectKind::Type;
                    bad.detail = "a record must be an object".into();
                }
                Ok(Found::Bad(bad))
            }
        }
    }

    fn top_object(&mut self) -> io::Result<Found> {
        let mut scan = Scan::new(self.shape.envelope(), Recovery::Stop);
        loop {
            let step = scan.run(self.input.rest());
            match step {
                Step::More if scan.at > self.record_bytes_max => return self.too_large(scan, step),
                Step::More if self.input.fill()? => {}
                Step::More => return Ok(Found::Bad(self.top_unclosed())),
                Step::End | Step::Cut | Step::Broken(_) if scan.at > self.record_bytes_max => {
                    return self.too_large(scan, step);
                }
                Step::End | Step::Cut if scan.keys.waste && !scan.keys.record => {
                    return Ok(Found::Skipped(scan.at));
                }
                Step::End | Step::Cut => return Ok(Found::Record(scan.at)),
                Step::List => {
                    self.input.advance(scan.at);
                    scan.after_list();
                    self.mode = Mode::Elements { around: Some(Box::new(scan)), comma: false };
                    return Ok(Found::Nothing);
                }
                Step::Broken(why) => {
                    return self.reject_line(RejectKind::Syntax, why).map(Found::Bad);
                }
            }
        }
    }

    /// The input ended inside a top-level object. Either it was cut off there, or a broken line swallowed the
    /// lines behind it; a line that begins with `{` tells, and the scan starts over from it.
    fn top_unclosed(&mut self) -> Bad {
        match self.input.rest().windows(2).position(|pair| pair == b"\n{") {
            Some(line) => self.reject(line, RejectKind::Syntax, "the record is never closed"),
            None => self.reject_truncated(),
        }
    }

    /// In an array of records, before an element, or behind one (`comma`: a comma must come first).
    fn element(&mut self, comma: bool) -> io::Result<Found> {
        let Some(byte) = self.input.peek()? else {
            self.input.truncated = true;
            self.mode = Mode::Top;
            return Ok(Found::Nothing);
        };
        match byte {
            b']' => {
                self.input.advance(1);
                let mode = std::mem::replace(&mut self.mode, Mode::Top);
                if let Mode::Elements { around: Some(scan), .. } = mode {
                    self.mode = Mode::Tail(scan);
                }
                Ok(Found::Nothing)
            }
            b',' if comma => {
                self.input.advance(1);
                self.expect_comma(false);
                Ok(Found::Nothing)
            }
            // A missing comma between two whole records costs nothing, so it is passed over.
            b'{' => self.element_value(true),
            _ if comma => self.stray(byte),
            b'}' | b',' | b':' => self.stray(byte),
            _ => self.element_value(false),
        }
    }

    fn element_value(&mut self, object: bool) -> io::Result<Found> {
        self.expect_comma(true);
        let mut scan = Scan::new(None, Recovery::Brackets);
        loop {
            let step = scan.run(self.input.rest());
            match step {
                Step::More if scan.at > self.record_bytes_max => return self.too_large(scan, step),
                Step::More if self.input.fill()? => {}
                Step::More => return Ok(Found::Bad(self.reject_truncated())),
                Step::End | Step::Cut | Step::Broken(_) | Step::List => {
                    if scan.at > self.record_bytes_max {
                        return self.too_large(scan, step);
                    }
                    self.expect_comma(step != Step::Cut || self.input.rest()[scan.at] != b'{');
                    return Ok(match scan.broken {
                        Some(why) => Found::Bad(self.reject(scan.at, RejectKind::Syntax, why)),
                        None if object => Found::Record(scan.at),
                        None => Found::Bad(self.reject(scan.at, RejectKind::Type, "a record must be an object")),
                    });
                }
            }
        }
    }

    /// Text between two elements that belongs to neither: up to the next bracket, comma or line.
    fn stray(&mut self, first: u8) -> io::Result<Found> {
        let mut length = 1;
        if first == b'}' {
            // Only a list stands in an object, whose end this must be.
            if matches!(self.mode, Mode::Elements { around: Some(_), .. }) {
                self.mode = Mode::Top;
            }
        } else if first != b',' {
            loop {
                let stop = |byte: &u8| matches!(byte, b',' | b'[' | b']' | b'{' | b'}' | b'\n');
                let rest = &self.input.rest()[length..];
                match rest.iter().position(stop) {
                    Some(found) => {
                        length += found;
                        break;
                    }
                    None => length += rest.len(),
                }
                if length > self.record_bytes_max || !self.input.fill()? {
                    break;
                }
            }
        }
        Ok(Found::Bad(self.reject(length, RejectKind::Syntax, "a comma or the end of the array was expected")))
    }

    /// In the rest of an object, behind its list of records.
    fn tail(&mut self) -> io::Result<Found> {
        let Mode::Tail(mut scan) = std::mem::replace(&mut self.mode, Mode::Top) else { return Ok(Found::Nothing) };
        loop {
            let step = scan.run(self.input.rest());
            let used = scan.droppable();
            self.input.advance(used);
            scan.dropped(used);
            if scan.at > TAIL_KEY_BYTES_MAX {
                scan.stop_watching();
            }
            match step {
                Step::More if self.input.fill()? => {}
                Step::More => {
                    self.input.truncated = true;
                    self.input.advance(scan.at);
                    return Ok(Found::Nothing);
                }
                Step::End | Step::Cut => return Ok(Found::Nothing),
                Step::List => {
                    scan.after_list();
                    self.mode = Mode::Elements { around: Some(scan), comma: false };
                    return Ok(Found::Nothing);
                }
                Step::Broken(why) => {
                    let list = self.shape.envelope().map_or("the records", |envelope| envelope.list);
                    let detail = format!("{why} behind \"{list}\"");
                    return self.reject_line(RejectKind::Syntax, &detail).map(Found::Bad);
                }
            }
        }
    }

    /// Passes over a record that is longer than the limit, holding its first bytes only.
    fn too_large(&mut self, mut scan: Scan, mut step: Step) -> io::Result<Found> {
        let place = self.next_place();
        let mut waste = Waste::default();
        scan.stop_watching();
        loop {
            let used = scan.at;
            waste.take(&self.input.rest()[..used]);
            self.input.advance(used);
            scan.dropped(used);
            match step {
                Step::More if self.input.fill()? => step = scan.run(self.input.rest()),
                Step::More => {
                    self.input.truncated = true;
                    break;
                }
                Step::Broken(_) => {
                    self.waste_line(&mut waste)?;
                    break;
                }
                Step::End | Step::Cut | Step::List => break,
            }
        }
        let detail = format!("the record is longer than {} bytes", self.record_bytes_max);
        Ok(Found::Bad(waste.rejected(place, RejectKind::TooLarge, detail)))
    }
}

impl<R: Read> Splitter<R> {
    fn expect_comma(&mut self, expected: bool) {
        if let Mode::Elements { comma, .. } = &mut self.mode {
            *comma = expected;
        }
    }

    fn next_place(&mut self) -> Place {
        self.number += 1;
        Place { offset: self.input.offset, line: self.input.line, number: self.number }
    }

    /// Refuses the next `length` bytes.
    fn reject(&mut self, length: usize, kind: RejectKind, detail: &str) -> Bad {
        let place = self.next_place();
        let bytes = &self.input.rest()[..length];
        let bytes = bytes.trim_ascii_end();
        let bytes = bytes.strip_suffix(b",").filter(|rest| !rest.is_empty()).unwrap_or(bytes);
        let mut waste = Waste::default();
        waste.take(bytes);
        self.input.advance(length);
        waste.rejected(place, kind, detail.to_owned())
    }

    /// Refuses the rest of the input, which ends inside a record.
    fn reject_truncated(&mut self) -> Bad {
        self.input.truncated = true;
        self.reject(self.input.rest().len(), RejectKind::Truncated, "the object ends inside this record")
    }

    /// Refuses everything up to the next line on which a record can begin.
    fn reject_line(&mut self, kind: RejectKind, detail: &str) -> io::Result<Bad> {
        let place = self.next_place();
        let mut waste = Waste::default();
        self.waste_line(&mut waste)?;
        Ok(waste.rejected(place, kind, detail.to_owned()))
    }

    /// Gives `waste` everything up to the next line that is not indented and begins with no closing bracket.
    fn waste_line(&mut self, waste: &mut Waste) -> io::Result<()> {
        loop {
            let rest = self.input.rest();
            match rest.iter().position(|byte| *byte == b'\n') {
                None => {
                    let length = rest.len();
                    waste.take(rest);
                    self.input.advance(length);
                    if !self.input.fill()? {
                        return Ok(());
                    }
                }
                Some(newline) if newline + 1 == rest.len() && self.input.fill()? => {}
                Some(newline) => {
                    let rest = self.input.rest();
                    let goes_on = rest.get(newline + 1).is_some_and(|byte| b" \t\r\n}]".contains(byte));
                    let length = newline + usize::from(goes_on);
                    waste.take(&rest[..length]);
                    self.input.advance(length);
                    if !goes_on {
                        return Ok(());
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
