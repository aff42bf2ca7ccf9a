//! Workbooks (ECMA-376): typed cells, a frozen header, sheets of at most 1,048,576 rows, in constant memory.
//!
//! Numbers of up to 15 digits are numbers, because a spreadsheet keeps no more; dates and times are those of the 1900
//! system, to the millisecond. Texts are texts, whatever they begin with. Absent: styles of cells, formulas, links.

mod cell;

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::{Field, FieldRef, Fields, SchemaRef};
use rust_xlsxwriter::{DocProperties, ExcelDateTime, Format as Style, Workbook, Worksheet, XlsxError};

use crate::chunk::value_bytes;
use crate::error::ExportError;
use crate::export::PartBytes;
use crate::export::{Exporter, PartWriter};
use crate::format::{ExportOptions, Format};
use crate::losses::CellCounts;
use cell::{Column, Kind, Place, write_cell};
pub(crate) use cell::{fitting, serial};

/// Rows of a sheet below its header.
const SHEET_ROWS: u32 = 1_048_575;
/// Columns of a sheet.
const SHEET_COLUMNS: usize = 16_384;
/// Bytes of a character at most, when it is escaped.
const ESCAPED_BYTES: usize = 7;
/// Bytes around the value of a cell at most.
const CELL_BYTES: usize = 100;
/// Bytes of a sheet from which on its archive has longer fields.
const LONG_BYTES: u64 = 0xffff_ffff;
/// Rows that decide the widths of columns.
const MEASURED_ROWS: usize = 1_000;
/// Widths of columns, in characters.
const WIDTHS: (usize, usize) = (8, 60);

/// The exporter.
#[derive(Debug)]
pub(crate) struct Xlsx;

impl Exporter for Xlsx {
    fn format(&self) -> Format {
        Format::Xlsx
    }

    fn check(&self, schema: &SchemaRef) -> Result<(), ExportError> {
        if schema.fields().len() > SHEET_COLUMNS {
            return Err(ExportError::TooManyColumns { given: schema.fields().len(), limit: SHEET_COLUMNS });
        }
        Ok(())
    }

    fn written_as(&self, field: &Field) -> String {
        Kind::of(field.data_type()).as_str().to_owned()
    }

    fn start<'a>(
        &self,
        schema: &SchemaRef,
        options: &ExportOptions,
        out: &'a mut dyn PartBytes,
    ) -> Result<Box<dyn PartWriter + 'a>, ExportError> {
        Ok(Box::new(XlsxPart::start(schema.fields(), options, out)?))
    }
}

/// One workbook.
struct XlsxPart<'a> {
    out: &'a mut dyn PartBytes,
    book: Workbook,
    fields: Fields,
    columns: Vec<Column>,
    widths: Vec<usize>,
    about: Vec<(String, String)>,
    /// Sheets begun, and rows in the last of them.
    sheets: usize,
    sheet_rows: u32,
    rows: u64,
    /// At least the bytes of the sheet begun, and of the longest one.
    sheet_bytes: u64,
    longest: u64,
    cells: CellCounts,
}

impl<'a> XlsxPart<'a> {
    fn start(fields: &Fields, options: &ExportOptions, out: &'a mut dyn PartBytes) -> Result<Self, ExportError> {
        let mut book = Workbook::new();
        let created = ExcelDateTime::from_timestamp(options.created).map_err(failed)?;
        book.set_properties(&DocProperties::new().set_creation_datetime(&created));
        book.set_zip_compression_level(3);
        let column = |(index, field): (u16, &FieldRef)| Column {
            index,
            kind: Kind::of(field.data_type()),
            field: Arc::clone(field),
            zone: options.timezone,
        };
        let columns = (0..).zip(fields).map(column).collect();
        let mut part = Self {
            out,
            book,
            fields: fields.clone(),
            columns,
            widths: Vec::new(),
            about: options.about.clone(),
            sheets: 0,
            sheet_rows: 0,
            rows: 0,
            sheet_bytes: 0,
            longest: 0,
            cells: CellCounts::default(),
        };
        part.begin_sheet()?;
        Ok(part)
    }

    /// The next sheet, with its header.
    fn begin_sheet(&mut self) -> Result<(), ExportError> {
        self.end_sheet()?;
        self.sheets += 1;
        self.sheet_rows = 0;
        self.sheet_bytes = 0;
        let sheet = self.book.add_worksheet_with_constant_memory().map_err(failed)?;
        let name = if self.sheets == 1 { "data".to_owned() } else { format!("data ({})", self.sheets) };
        sheet.set_name(name).map_err(failed)?;
        sheet.set_freeze_panes(1, 0).map_err(failed)?;
        let bold = Style::new().set_bold();
        for column in &self.columns {
            if let Some(style) = column.kind.style() {
                sheet.set_column_format(column.index, &Style::new().set_num_format(style)).map_err(failed)?;
            }
            sheet.write_string_with_format(0, column.index, column.field.name(), &bold).map_err(failed)?;
        }
        Ok(())
    }

    /// What is known of a sheet when it is whole.
    fn end_sheet(&mut self) -> Result<(), ExportError> {
        if self.sheets == 0 {
            return Ok(());
        }
        let (rows, columns) = (self.sheet_rows, u16::try_from(self.fields.len()).unwrap_or(u16::MAX));
        let widths = self.widths.clone();
        let sheet = self.sheet()?;
        for (column, width) in (0_u16..).zip(widths) {
            sheet.set_column_width(column, width as f64).map_err(failed)?;
        }
        if columns > 0 {
            sheet.autofilter(0, 0, rows, columns - 1).map_err(failed)?;
        }
        Ok(())
    }

    fn sheet(&mut self) -> Result<&mut Worksheet, ExportError> {
        self.book.worksheet_from_index(self.sheets - 1).map_err(failed)
    }

    /// The widths that the first rows ask for.
    fn measure(&mut self, chunk: &RecordBatch) {
        let first = chunk.slice(0, chunk.num_rows().min(MEASURED_ROWS));
        let of = |(cells, column): (&ArrayRef, &Column)| {
            let widest = column.kind.widest(&column.field, cells.as_ref());
            // A mark of the filter stands beside the name.
            widest.max(column.field.name().chars().count() + 3).clamp(WIDTHS.0, WIDTHS.1)
        };
        self.widths = first.columns().iter().zip(&self.columns).map(of).collect();
    }

    fn write_about(&mut self) -> Result<(), ExportError> {
        let counts = self.cells.by_name(&self.fields);
        let counted = counts.iter().flat_map(|(loss, columns)| {
            columns.iter().map(move |(column, count)| (format!("cells {loss}: {column}"), count.to_string()))
        });
        let mut lines = std::mem::take(&mut self.about);
        lines.push(("rows".to_owned(), self.rows.to_string()));
        lines.extend(counted);
        let sheet = self.book.add_worksheet_with_constant_memory().map_err(failed)?;
        sheet.set_name("about").map_err(failed)?;
        let bold = Style::new().set_bold();
        for (row, (name, value)) in (0_u32..).zip(&lines) {
            sheet.write_string_with_format(row, 0, name, &bold).map_err(failed)?;
            sheet.write_string(row, 1, value).map_err(failed)?;
        }
        sheet.set_column_width(0, 28).map_err(failed)?;
        sheet.set_column_width(1, 80).map_err(failed)?;
        Ok(())
    }
}

impl PartWriter for XlsxPart<'_> {
    fn write(&mut self, chunk: &RecordBatch, first_row: u64, cells: &mut CellCounts) -> Result<(), ExportError> {
        if self.widths.is_empty() {
            self.measure(chunk);
        }
        let mut counts = CellCounts::default();
        let columns = self.columns.clone();
        for row in 0..chunk.num_rows() {
            if self.sheet_rows == SHEET_ROWS {
                self.begin_sheet()?;
            }
            self.sheet_rows += 1;
            let place = Place { row: self.sheet_rows, number: first_row + row as u64 };
            let sheet = self.sheet()?;
            for (column, cells) in columns.iter().zip(chunk.columns()) {
                write_cell(sheet, place, column, (cells.as_ref(), row), &mut counts)?;
            }
        }
        self.rows += chunk.num_rows() as u64;
        // A chunk that two sheets share counts for both.
        let values: usize = chunk.columns().iter().map(|column| value_bytes(column.as_ref())).sum();
        let around = chunk.num_rows() * chunk.num_columns() * CELL_BYTES;
        self.sheet_bytes += (values * ESCAPED_BYTES + around) as u64;
        self.longest = self.longest.max(self.sheet_bytes);
        self.cells.merge(counts.clone());
        cells.merge(counts);
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<(), ExportError> {
        self.end_sheet()?;
        if !self.about.is_empty() {
            self.write_about()?;
        }
        // Some readers refuse the marks of long files at short ones.
        self.book.use_zip_large_file(self.longest >= LONG_BYTES);
        self.book.save_to_writer(&mut self.out).map_err(failed)?;
        self.out.flush().map_err(ExportError::Write)
    }
}

pub(crate) fn failed(error: XlsxError) -> ExportError {
    match error {
        XlsxError::IoError(error) => ExportError::Write(error),
        other => ExportError::Workbook(Box::new(other)),
    }
}
