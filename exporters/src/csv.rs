//! CSV by RFC 4180: a header always, `,`, CRLF, `"` doubled, UTF-8 without a mark.
//!
//! Null is nothing between the delimiters and the empty text is `""`, so that both read back; in a file of
//! one column, where nothing would be a blank line, null is `\N`. With the guard, no text of the data begins a
//! formula. Absent: other delimiters.

use std::borrow::Cow;
use std::io::Write;

use arrow::array::RecordBatch;
use arrow::datatypes::{Field, Fields, SchemaRef};
use chrono_tz::Tz;

use crate::cell::{CellKind, TextStyle, is_text, push_cell, text};
use crate::error::ExportError;
use crate::export::{Exporter, PartWriter};
use crate::format::{ExportOptions, Format};
use crate::losses::{CellCounts, Loss, Losses};
use crate::rows::at;
use crate::text::{TextFile, TextRows};

const LINE_END: &str = "\r\n";
const LONE_NULL: &str = "\\N";

/// The exporter.
#[derive(Debug)]
pub(crate) struct Csv;

impl Exporter for Csv {
    fn format(&self) -> Format {
        Format::Csv
    }

    fn written_as(&self, field: &Field) -> String {
        if field.data_type().is_nested() { "JSON text" } else { "text" }.to_owned()
    }

    fn start<'a>(
        &self,
        schema: &SchemaRef,
        options: &ExportOptions,
        out: &'a mut (dyn Write + Send),
    ) -> Result<Box<dyn PartWriter + 'a>, ExportError> {
        let rows = CsvRows::new(schema.fields(), options.guard, options.timezone);
        TextFile::part(rows, schema, out)
    }
}

/// Rows as records.
pub(crate) struct CsvRows {
    fields: Fields,
    /// What is counted of the cells of each column.
    counted: Vec<Losses>,
    guard: bool,
    zone: Option<Tz>,
}

impl CsvRows {
    pub(crate) fn new(fields: &Fields, guard: bool, zone: Option<Tz>) -> Self {
        let of = |field: &Field| match field.data_type().is_nested() {
            true => Losses::of(&[Loss::ExpandedYear, Loss::NonFinite, Loss::Beyond2To53, Loss::Guarded]),
            false => Losses::of(&[Loss::ExpandedYear, Loss::Guarded]),
        };
        Self { fields: fields.clone(), counted: fields.iter().map(|field| of(field)).collect(), guard, zone }
    }
}

impl TextRows for CsvRows {
    fn head(&self) -> String {
        let names = self.fields.iter().map(|field| field.name().as_str());
        let names: Vec<_> = names.map(|name| if self.guard { guard(name) } else { Cow::Borrowed(name) }).collect();
        let mut head = String::new();
        push_record(&mut head, &names.iter().map(|name| Some(name.as_ref())).collect::<Vec<_>>());
        head
    }

    fn before(&self, _first: bool) -> &'static str {
        ""
    }

    fn push_row(
        &self,
        out: &mut String,
        batch: &RecordBatch,
        row: usize,
        number: u64,
        cells: &mut CellCounts,
    ) -> Result<(), ExportError> {
        let alone = self.fields.len() == 1;
        let mut buffer = String::new();
        for (index, (field, column)) in self.fields.iter().zip(batch.columns()).enumerate() {
            if index > 0 {
                out.push(',');
            }
            let array = column.as_ref();
            if let Some(plain) = text(array, row) {
                self.push_text(out, (!array.is_null(row)).then_some(plain), alone, index, cells);
                continue;
            }
            let (start, mut losses) = (out.len(), Losses::default());
            match push_cell(out, field, array, row, TextStyle::in_zone(self.zone), &mut losses)
                .map_err(|fault| at(fault, field, number))?
            {
                CellKind::Null => push_field(out, None, alone),
                // No digits, points or letters of a number need quotes; those of a list or struct do.
                CellKind::Literal if !array.data_type().is_nested() => {}
                _ => {
                    buffer.clear();
                    buffer.push_str(&out[start..]);
                    out.truncate(start);
                    if is_text(array.data_type()) {
                        self.push_text(out, Some(&buffer), alone, index, cells);
                    } else {
                        push_field(out, Some(&buffer), alone);
                    }
                }
            }
            cells.add(index, losses.only(self.counted[index]));
        }
        out.push_str(LINE_END);
        Ok(())
    }

    fn tail(&self, _any_rows: bool) -> &'static str {
        ""
    }
}

impl CsvRows {
    fn push_text(&self, out: &mut String, cell: Option<&str>, alone: bool, column: usize, cells: &mut CellCounts) {
        match cell.map(guard) {
            Some(Cow::Owned(guarded)) if self.guard => {
                push_field(out, Some(&guarded), alone);
                cells.add(column, Losses::of(&[Loss::Guarded]));
            }
            _ => push_field(out, cell, alone),
        }
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
        || text.bytes().any(|byte| matches!(byte, b',' | b'"' | b'\r' | b'\n'))
        // A mark of byte order at the beginning of a file would be dropped.
        || text.starts_with([' ', '\t', '\'', '\u{feff}'])
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
