//! An aligned table for people.
//!
//! Nothing is cut: widths are those of the first rows, and a longer cell further down moves its line.
//! Null prints as `NULL`; control characters and text direction overrides are shown as escapes, so that
//! data cannot move a terminal's cursor. Where a limit is given, rows that are wider stand as records, a column a
//! line. Absent: a form a program could read back; that is CSV or JSON.

use std::io::Write;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Fields, Schema};

use crate::cell::{CellKind, TextStyle, push_cell};
use crate::error::ExportError;
use crate::losses::Losses;
use crate::rows::{RowWriter, at, check_batch};

/// Rows that decide the widths.
const MEASURED_ROWS: usize = 1_000;

/// Writes batches as a table.
pub(crate) struct TableRows<'a> {
    out: &'a mut dyn Write,
    fields: Fields,
    header: Vec<String>,
    right: Vec<bool>,
    /// Rows that wait for the widths.
    waiting: Vec<Vec<String>>,
    /// Known once the header is written.
    widths: Option<Vec<usize>>,
    /// Columns of a terminal that a line may take.
    limit: Option<usize>,
    rows: u64,
    /// Rows written, for the headings of records.
    written: u64,
}

impl<'a> TableRows<'a> {
    /// Writes nothing yet: the header needs the widths.
    pub(crate) fn start(schema: &Schema, limit: Option<usize>, out: &'a mut dyn Write) -> Self {
        let fields = schema.fields().clone();
        let header = fields.iter().map(|field| shown(field.name())).collect();
        let right = fields.iter().map(|field| is_number(field.data_type())).collect();
        Self { out, fields, header, right, waiting: Vec::new(), widths: None, limit, rows: 0, written: 0 }
    }

    fn write_waiting(&mut self) -> Result<(), ExportError> {
        let widths = match self.widths.take() {
            Some(widths) => widths,
            None => {
                let widths = self.measure();
                if !self.is_too_wide(&widths) {
                    let rule: Vec<_> = widths.iter().map(|width| "-".repeat(*width)).collect();
                    write_line(self.out, &self.header, &widths, &self.right, " | ")?;
                    write_line(self.out, &rule, &widths, &self.right, "-+-")?;
                }
                widths
            }
        };
        let records = self.is_too_wide(&widths);
        for row in std::mem::take(&mut self.waiting) {
            self.written += 1;
            if records {
                write_record(self.out, self.written, &self.header, &row)?;
            } else {
                write_line(self.out, &row, &widths, &self.right, " | ")?;
            }
        }
        self.widths = Some(widths);
        Ok(())
    }

    fn measure(&self) -> Vec<usize> {
        let of = |(column, name): (usize, &String)| {
            let cells = self.waiting.iter().map(|row| width(&row[column]));
            cells.chain([width(name)]).max().unwrap_or_default()
        };
        self.header.iter().enumerate().map(of).collect()
    }

    fn is_too_wide(&self, widths: &[usize]) -> bool {
        let between = 3 * widths.len().saturating_sub(1);
        self.limit.is_some_and(|limit| widths.iter().sum::<usize>() + between > limit)
    }
}

impl RowWriter for TableRows<'_> {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), ExportError> {
        check_batch(batch, self.fields.len())?;
        for row in 0..batch.num_rows() {
            self.rows += 1;
            let mut cells = Vec::with_capacity(self.fields.len());
            for (field, column) in self.fields.iter().zip(batch.columns()) {
                let mut cell = String::new();
                let kind = push_cell(&mut cell, field, column.as_ref(), row, TextStyle::JSON, &mut Losses::default())
                    .map_err(|fault| at(fault, field, self.rows))?;
                cells.push(if kind == CellKind::Null { "NULL".to_owned() } else { shown(&cell) });
            }
            self.waiting.push(cells);
            if self.widths.is_some() || self.waiting.len() == MEASURED_ROWS {
                self.write_waiting()?;
            }
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<u64, ExportError> {
        self.write_waiting()?;
        let noun = if self.rows == 1 { "row" } else { "rows" };
        writeln!(self.out, "({} {noun})", self.rows).map_err(ExportError::Write)?;
        self.out.flush().map_err(ExportError::Write)?;
        Ok(self.rows)
    }
}

/// A row, a column a line.
fn write_record(out: &mut dyn Write, row: u64, header: &[String], cells: &[String]) -> Result<(), ExportError> {
    writeln!(out, "-- row {row}").map_err(ExportError::Write)?;
    let widths = [header.iter().map(|name| width(name)).max().unwrap_or_default(), 0];
    for (name, cell) in header.iter().zip(cells) {
        write_line(out, &[name.clone(), cell.clone()], &widths, &[false, false], " | ")?;
    }
    Ok(())
}

fn write_line(
    out: &mut dyn Write,
    cells: &[String],
    widths: &[usize],
    right: &[bool],
    between: &str,
) -> Result<(), ExportError> {
    let mut line = String::new();
    for (index, cell) in cells.iter().enumerate() {
        if index > 0 {
            line.push_str(between);
        }
        let blanks = widths[index].saturating_sub(width(cell));
        if right[index] {
            line.extend(std::iter::repeat_n(' ', blanks));
            line.push_str(cell);
        } else {
            line.push_str(cell);
            line.extend(std::iter::repeat_n(' ', blanks));
        }
    }
    writeln!(out, "{}", line.trim_end()).map_err(ExportError::Write)
}

fn is_number(data_type: &DataType) -> bool {
    match data_type {
        DataType::Dictionary(_, values) => is_number(values),
        DataType::RunEndEncoded(_, values) => is_number(values.data_type()),
        _ => data_type.is_numeric(),
    }
}

/// The text with what a terminal would obey shown as an escape.
fn shown(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\n' | '\r' | '\t' => shown.extend(letter.escape_default()),
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}' => {
                shown.extend(letter.escape_unicode());
            }
            _ if letter.is_control() => shown.extend(letter.escape_unicode()),
            _ => shown.push(letter),
        }
    }
    shown
}

/// Columns on a terminal: two for East Asian wide letters and emoji, none for marks that combine.
fn width(text: &str) -> usize {
    text.chars()
        .map(|letter| match u32::from(letter) {
            0x0300..=0x036f | 0x200b..=0x200f | 0xfe00..=0xfe0f => 0,
            0x1100..=0x115f | 0x2e80..=0xa4cf | 0xac00..=0xd7a3 | 0xf900..=0xfaff | 0xfe30..=0xfe6f => 2,
            0xff00..=0xff60 | 0xffe0..=0xffe6 | 0x1f300..=0x1faff | 0x20000..=0x3fffd => 2,
            _ => 1,
        })
        .sum()
}
