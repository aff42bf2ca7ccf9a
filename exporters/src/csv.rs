//! CSV by RFC 4180: a header always, `,`, CRLF, `"` doubled, UTF-8 without a mark.
//!
//! Null is nothing between the delimiters and the empty text is `""`, so that both read back; in a file of
//! one column, where nothing would be a blank line, null is `\N`. Absent: other delimiters.

use std::borrow::Cow;
use std::io::Write;

use arrow::array::RecordBatch;
use arrow::datatypes::{Fields, Schema};

use crate::cell::{CellKind, push_cell};
use crate::error::ExportError;
use crate::rows::{RowWriter, at, check_batch};

const LINE_END: &str = "\r\n";
const LONE_NULL: &str = "\\N";
/// Text kept before it is handed on, in bytes.
const BUFFER_BYTES: usize = 1 << 20;

/// Writes batches as CSV.
pub(crate) struct CsvRows<'a> {
    out: &'a mut dyn Write,
    fields: Fields,
    rows: u64,
    buffer: String,
    cell: String,
}

impl<'a> CsvRows<'a> {
    /// Writes the header.
    pub(crate) fn start(schema: &Schema, out: &'a mut dyn Write) -> Result<Self, ExportError> {
        let fields = schema.fields().clone();
        let header: Vec<_> = fields.iter().map(|field| Some(field.name().as_str())).collect();
        let mut buffer = String::new();
        push_record(&mut buffer, &header);
        let mut writer = Self { out, fields, rows: 0, buffer, cell: String::new() };
        writer.hand_on()?;
        Ok(writer)
    }

    fn hand_on(&mut self) -> Result<(), ExportError> {
        self.out.write_all(self.buffer.as_bytes()).map_err(ExportError::Write)?;
        self.buffer.clear();
        Ok(())
    }
}

impl RowWriter for CsvRows<'_> {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), ExportError> {
        check_batch(batch, self.fields.len())?;
        let alone = self.fields.len() == 1;
        for row in 0..batch.num_rows() {
            self.rows += 1;
            for (index, (field, column)) in self.fields.iter().zip(batch.columns()).enumerate() {
                if index > 0 {
                    self.buffer.push(',');
                }
                self.cell.clear();
                let kind = push_cell(&mut self.cell, field, column.as_ref(), row)
                    .map_err(|fault| at(fault, field, self.rows))?;
                let text = (kind != CellKind::Null).then_some(self.cell.as_str());
                push_field(&mut self.buffer, text, alone);
            }
            self.buffer.push_str(LINE_END);
            if self.buffer.len() >= BUFFER_BYTES {
                self.hand_on()?;
            }
        }
        self.hand_on()
    }

    fn finish(&mut self) -> Result<u64, ExportError> {
        self.out.flush().map_err(ExportError::Write)?;
        Ok(self.rows)
    }
}

/// Appends one record with its line end.
pub(crate) fn push_record(out: &mut String, cells: &[Option<&str>]) {
    for (index, cell) in cells.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        push_field(out, *cell, cells.len() == 1);
    }
    out.push_str(LINE_END);
}

/// Keeps a spreadsheet from reading a text as a formula: one `'` in front where, after any run of `'`, a
/// formula could begin. Taking one `'` away restores every value, because the run counts.
pub(crate) fn guard(text: &str) -> Cow<'_, str> {
    let formula = text
        .trim_start_matches('\'')
        .starts_with(['=', '+', '-', '@', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}', '\t', '\r', '\n', '\0']);
    if formula { Cow::Owned(format!("'{text}")) } else { Cow::Borrowed(text) }
}

/// `alone` says that the record has no other field.
fn push_field(out: &mut String, cell: Option<&str>, alone: bool) {
    let Some(text) = cell else {
        if alone {
            out.push_str(LONE_NULL);
        }
        return;
    };
    let quoted = text.is_empty()
        || text.contains([',', '"', '\r', '\n'])
        || text.starts_with([' ', '\t', '\''])
        || text.ends_with([' ', '\t'])
        || (alone && text == LONE_NULL);
    if !quoted {
        out.push_str(text);
        return;
    }
    out.push('"');
    out.push_str(&text.replace('"', "\"\""));
    out.push('"');
}

/// Reads CSV back for tests: null and `""` apart.
#[cfg(test)]
pub(crate) fn read_back(bytes: &[u8]) -> Vec<Vec<Option<String>>> {
    let text = std::str::from_utf8(bytes).expect("is utf-8");
    let mut letters = text.chars().peekable();
    let (mut records, mut record) = (Vec::new(), Vec::new());
    while letters.peek().is_some() {
        let mut cell = None;
        if letters.next_if_eq(&'"').is_some() {
            let mut inner = String::new();
            loop {
                match letters.next().expect("quotes are closed") {
                    '"' if letters.next_if_eq(&'"').is_some() => inner.push('"'),
                    '"' => break,
                    letter => inner.push(letter),
                }
            }
            cell = Some(inner);
        } else {
            while let Some(letter) = letters.next_if(|letter| !matches!(letter, ',' | '\r')) {
                assert!(!matches!(letter, '"' | '\n'), "a bare field holds no quote and no line end");
                cell.get_or_insert_with(String::new).push(letter);
            }
        }
        record.push(cell.filter(|cell| cell != LONE_NULL));
        match letters.next() {
            Some(',') => {}
            Some('\r') => {
                assert_eq!(letters.next(), Some('\n'));
                records.push(std::mem::take(&mut record));
            }
            other => panic!("{other:?} after a field"),
        }
    }
    records
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_and_empty_stay_apart_also_alone() {
        let mut out = String::new();
        push_record(&mut out, &[None, Some(""), Some("a"), None]);
        push_record(&mut out, &[None]);
        push_record(&mut out, &[Some("")]);
        push_record(&mut out, &[Some("\\N")]);
        assert_eq!(out, ",\"\",a,\r\n\\N\r\n\"\"\r\n\"\\N\"\r\n");
    }

    #[test]
    fn a_guarded_text_loses_one_mark_and_is_itself_again() {
        for text in ["=1+1", "''=x", "-1", "@a", "\u{ff1d}x", "\tx", "\0"] {
            let guarded = guard(text);
            assert_eq!(guarded.strip_prefix('\''), Some(text));
            let mut out = String::new();
            push_record(&mut out, &[Some(&guarded)]);
            assert!(out.starts_with("\"'"), "{out:?} is quoted");
        }
        for text in ["", "a=1", "'quoted'", "2026-03-29"] {
            assert_eq!(guard(text), text);
        }
    }
}
