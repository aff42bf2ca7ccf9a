//! A file of events: one, a list of them, or one a line.

use super::read::{Reading, read};
use super::{Event, Remark};

/// What a file held.
#[derive(Debug, Default)]
pub struct Batch {
    /// Events that were read, in their order.
    pub events: Vec<Event>,
    /// What was assumed, and of which event.
    pub warnings: Vec<(Position, Remark)>,
    /// What was refused; the others are not affected.
    pub refused: Vec<Refused>,
}

/// Where an event stood: its line where there is one a line, else its number in the list; the first is 1.
pub type Position = usize;

/// An event that was not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Where it stood.
    pub position: Position,
    /// The place in it, and why.
    pub remark: Remark,
}

/// Reads every event of a file; those that cannot be read are listed, the others are there.
pub fn read_all(bytes: &[u8], reading: &Reading<'_>) -> Batch {
    let mut batch = Batch::default();
    let (pieces, is_cut) = pieces(bytes);
    if is_cut {
        let remark = Remark { pointer: String::new(), reason: "is missing: the list is not closed".to_owned() };
        batch.refused.push(Refused { position: pieces.len() + 1, remark });
    }
    for (position, piece) in pieces {
        match read(piece, reading) {
            Ok((event, remarks)) => {
                batch.events.push(event);
                batch.warnings.extend(remarks.into_iter().map(|remark| (position, remark)));
            }
            Err(remark) => batch.refused.push(Refused { position, remark }),
        }
    }
    batch
}

/// Texts of single events, and whether a list was cut off.
fn pieces(bytes: &[u8]) -> (Vec<(Position, &[u8])>, bool) {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii();
    let pieces = match bytes.first() {
        None => Vec::new(),
        Some(b'[') => return elements(bytes),
        Some(_) if is_by_lines(bytes) => {
            let lines = bytes.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
            lines.enumerate().filter(|(_, line)| !line.is_empty()).map(|(at, line)| (at + 1, line)).collect()
        }
        Some(_) => vec![(1, bytes)],
    };
    (pieces, false)
}

/// Whether some line is an object by itself, and there are several. One object over many lines has no such line: what
/// closes it stands last, what opens it first.
fn is_by_lines(bytes: &[u8]) -> bool {
    let mut lines = bytes.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let is_object = |line: &[u8]| {
        line.starts_with(b"{") && line.ends_with(b"}") && serde_json::from_slice::<serde::de::IgnoredAny>(line).is_ok()
    };
    bytes.contains(&b'\n') && lines.any(is_object) && serde_json::from_slice::<serde::de::IgnoredAny>(bytes).is_err()
}

/// The elements of a list, cut at the commas of its first level, so that a broken one does not take the others along.
fn elements(bytes: &[u8]) -> (Vec<(Position, &[u8])>, bool) {
    let mut found = Vec::new();
    let (mut depth, mut start, mut is_text, mut is_escaped) = (0_u64, 1, false, false);
    let mut end = bytes.len();
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_text => is_escaped = true,
            b'"' => is_text = !is_text,
            _ if is_text => {}
            b'[' | b'{' => depth += 1,
            b']' | b'}' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    end = at;
                    break;
                }
            }
            b',' if depth == 1 => {
                found.push(bytes.get(start..at).unwrap_or_default());
                start = at + 1;
            }
            _ => {}
        }
    }
    found.push(bytes.get(start..end).unwrap_or_default());
    // What follows the list belongs to nothing; it is refused as one more event.
    found.push(bytes.get(end + 1..).unwrap_or_default());
    let found = found.into_iter().map(<[u8]>::trim_ascii).enumerate();
    let found = found.filter(|(_, piece)| !piece.is_empty()).map(|(at, piece)| (at + 1, piece)).collect();
    (found, end == bytes.len())
}
