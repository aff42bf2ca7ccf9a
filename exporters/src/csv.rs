//! CSV by RFC 4180: a header always, `,`, CRLF, `"` doubled, UTF-8 without a mark, or as the style says otherwise.
//!
//! Null is nothing between the delimiters and the empty text is `""`, so that both read back; in a file of
//! one column, where nothing would be a blank line, null is `\N`. A word for null stands without quotes, and any
//! other field that reads like it in quotes. With the guard, no text of the data begins a formula.

use std::borrow::Cow;

use arrow::datatypes::{Field, Fields, SchemaRef};
use chrono_tz::Tz;
use schemas::CsvStyle;

use crate::cell::{CellKind, Cells, TextStyle, any_byte, is_text, push_cell};
use crate::error::ExportError;
use crate::export::PartBytes;
use crate::export::{Exporter, PartWriter};
use crate::format::{ExportOptions, Format};
use crate::losses::{CellCounts, Loss, Losses};
use crate::rows::at;
use crate::text::{TextFile, TextRows};

/// Null where it is the only field and has no word of its own.
const LONE_NULL: &str = "\\N";
/// The mark of byte order.
const MARK: char = '\u{feff}';

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
        out: &'a mut dyn PartBytes,
    ) -> Result<Box<dyn PartWriter + 'a>, ExportError> {
        let rows =
            CsvRows { guard: options.guard, zone: options.timezone, ..CsvRows::new(schema.fields(), &options.csv) };
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
    records: Records,
    bom: bool,
}

impl CsvRows {
    /// Without the guard, in UTC.
    pub(crate) fn new(fields: &Fields, style: &CsvStyle) -> Self {
        let of = |field: &Field| match field.data_type().is_nested() {
            true => Losses::of(&[Loss::ExpandedYear, Loss::NonFinite, Loss::Beyond2To53, Loss::Guarded]),
            false => Losses::of(&[Loss::ExpandedYear, Loss::Guarded]),
        };
        Self {
            fields: fields.clone(),
            counted: fields.iter().map(|field| of(field)).collect(),
            guard: false,
            zone: None,
            records: Records::new(style, fields.len()),
            bom: style.bom,
        }
    }
}

impl TextRows for CsvRows {
    fn head(&self) -> String {
        let names = self.fields.iter().map(|field| field.name().as_str());
        let names: Vec<_> = names.map(|name| if self.guard { guard(name) } else { Cow::Borrowed(name) }).collect();
        let mut head = String::new();
        if self.bom {
            head.push(MARK);
        }
        self.records.push(&mut head, &names.iter().map(|name| Some(name.as_ref())).collect::<Vec<_>>());
        head
    }

    fn before(&self, _first: bool) -> &'static str {
        ""
    }

    fn push_row(
        &self,
        out: &mut String,
        columns: &[Cells<'_>],
        row: usize,
        number: u64,
        cells: &mut CellCounts,
    ) -> Result<(), ExportError> {
        let records = &self.records;
        let mut buffer = String::new();
        for (index, (field, column)) in self.fields.iter().zip(columns).enumerate() {
            if index > 0 {
                out.push(records.delimiter);
            }
            if let Some(text) = column.text(row) {
                self.push_text(out, text, index, cells);
                continue;
            }
            let array = column.array;
            let (start, mut losses) = (out.len(), Losses::default());
            match push_cell(out, field, array, row, TextStyle::in_zone(self.zone), &mut losses)
                .map_err(|fault| at(fault, field, number))?
            {
                CellKind::Null => records.push_field(out, None),
                // No digits, points or letters of a number need quotes; those of a list or struct do.
                CellKind::Literal if !array.data_type().is_nested() && out[start..] != records.null => {}
                _ => {
                    buffer.clear();
                    buffer.push_str(&out[start..]);
                    out.truncate(start);
                    if is_text(array.data_type()) {
                        self.push_text(out, Some(&buffer), index, cells);
                    } else {
                        records.push_field(out, Some(&buffer));
                    }
                }
            }
            cells.add(index, losses.only(self.counted[index]));
        }
        out.push_str(records.line_end);
        Ok(())
    }

    fn tail(&self, _any_rows: bool) -> &'static str {
        ""
    }
}

impl CsvRows {
    fn push_text(&self, out: &mut String, cell: Option<&str>, column: usize, cells: &mut CellCounts) {
        match cell.filter(|_| self.guard).map(guard) {
            Some(Cow::Owned(guarded)) => {
                self.records.push_field(out, Some(&guarded));
                cells.add(column, Losses::of(&[Loss::Guarded]));
            }
            _ => self.records.push_field(out, cell),
        }
    }
}

/// Keeps a spreadsheet from reading a text as a formula: one `'` in front where, after any run of `'`, a
/// formula could begin. Taking one `'` away restores every value, because the run counts.
pub(crate) fn guard(text: &str) -> Cow<'_, str> {
    let formula = text
        .trim_start_matches('\'')
        .starts_with(['=', '+', '-', '@', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}', '\t', '\r', '\n', '\0']);
    if formula { Cow::Owned(format!("'{text}")) } else { Cow::Borrowed(text) }
}

/// Records of one file.
#[derive(Debug, Clone)]
pub(crate) struct Records {
    delimiter: char,
    line_end: &'static str,
    /// What stands for null.
    null: String,
}

impl Records {
    /// Of so many fields each.
    pub(crate) fn new(style: &CsvStyle, fields: usize) -> Self {
        let null = if fields == 1 && style.null.is_empty() { LONE_NULL } else { &style.null };
        Self { delimiter: style.delimiter.letter(), line_end: style.line_end.letters(), null: null.to_owned() }
    }

    /// Appends one record with its line end.
    pub(crate) fn push(&self, out: &mut String, cells: &[Option<&str>]) {
        for (index, cell) in cells.iter().enumerate() {
            if index > 0 {
                out.push(self.delimiter);
            }
            self.push_field(out, *cell);
        }
        out.push_str(self.line_end);
    }

    fn push_field(&self, out: &mut String, cell: Option<&str>) {
        let Some(text) = cell else { return out.push_str(&self.null) };
        let delimiter = self.delimiter as u8;
        let is_special = |byte| (byte == b'"') | (byte == b'\r') | (byte == b'\n') | (byte == delimiter);
        let (first, last) = (text.bytes().next(), text.bytes().next_back());
        // A mark of byte order at the beginning of a file would be dropped.
        let quoted = matches!(first, None | Some(b' ' | b'\t' | b'\''))
            || matches!(last, Some(b' ' | b'\t'))
            || any_byte(text.as_bytes(), is_special)
            || text.starts_with(MARK)
            || text == self.null;
        if !quoted {
            out.push_str(text);
            return;
        }
        out.push('"');
        out.push_str(&text.replace('"', "\"\""));
        out.push('"');
    }
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
    use std::sync::Arc;

    use arrow::array::RecordBatch;
    use schemas::{Delimiter, LineEnd};

    use super::*;

    fn push(out: &mut String, style: &CsvStyle, cells: &[Option<&str>]) {
        Records::new(style, cells.len()).push(out, cells);
    }

    #[test]
    fn null_and_empty_stay_apart_also_alone() {
        let (mut out, style) = (String::new(), CsvStyle::default());
        push(&mut out, &style, &[None, Some(""), Some("a"), None]);
        push(&mut out, &style, &[None]);
        push(&mut out, &style, &[Some("")]);
        push(&mut out, &style, &[Some("\\N")]);
        assert_eq!(out, ",\"\",a,\r\n\\N\r\n\"\"\r\n\"\\N\"\r\n");
    }

    #[test]
    fn a_guarded_text_loses_one_mark_and_is_itself_again() {
        for text in ["=1+1", "''=x", "-1", "@a", "\u{ff1d}x", "\tx", "\0"] {
            let guarded = guard(text);
            assert_eq!(guarded.strip_prefix('\''), Some(text));
            let mut out = String::new();
            push(&mut out, &CsvStyle::default(), &[Some(&guarded)]);
            assert!(out.starts_with("\"'"), "{out:?} is quoted");
        }
        for text in ["", "a=1", "'quoted'", "2026-03-29"] {
            assert_eq!(guard(text), text);
        }
    }

    #[test]
    fn a_style_changes_what_is_quoted() {
        let style =
            CsvStyle { delimiter: Delimiter::Semicolon, line_end: LineEnd::Lf, null: "NULL".to_owned(), bom: false };
        let mut out = String::new();
        push(&mut out, &style, &[None, Some("NULL"), Some("a,b"), Some("a;b"), Some("")]);
        push(&mut out, &style, &[None]);
        assert_eq!(out, "NULL;\"NULL\";a,b;\"a;b\";\"\"\nNULL\n");
    }

    #[test]
    fn a_number_that_reads_like_null_is_quoted_and_a_file_begins_with_its_mark() {
        let style = CsvStyle { null: "0".to_owned(), bom: true, ..CsvStyle::default() };
        let array: arrow::array::ArrayRef = Arc::new(arrow::array::Int64Array::from(vec![Some(0), None, Some(10)]));
        let batch = RecordBatch::try_from_iter([("n", Arc::clone(&array)), ("m", array)]).expect("is a batch");
        let mut out = Vec::new();
        let options = ExportOptions { csv: style, ..ExportOptions::new(Format::Csv) };
        let mut part = Csv.start(&batch.schema(), &options, &mut out).expect("starts");
        part.write(&batch, 1, &mut CellCounts::default()).expect("is written");
        part.finish().expect("ends");
        assert_eq!(String::from_utf8(out).expect("is text"), "\u{feff}n,m\r\n\"0\",\"0\"\r\n0,0\r\n10,10\r\n");
    }
}
