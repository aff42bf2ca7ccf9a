//! A model as a workbook: one table a sheet.

use chrono::{DateTime, Utc};
use rust_xlsxwriter::{DocProperties, ExcelDateTime, Workbook};

use super::sheet::{Column, Sheet, Styles};
use crate::error::ExportError;
use crate::xlsx::failed;

/// One sheet: its name, its columns, and what writes its rows.
pub(crate) type Table<M> = (&'static str, &'static [Column], fn(&M, &mut Sheet<'_>) -> Result<(), ExportError>);

/// A workbook of this title, made at an instant. Same model, same bytes.
///
/// # Errors
/// A table has more rows than a sheet, or the writer's temporary files find no room.
pub(crate) fn workbook<M>(
    title: &str,
    at: DateTime<Utc>,
    tables: &[Table<M>],
    model: &M,
) -> Result<Vec<u8>, ExportError> {
    let sheets: Vec<(&str, &[Column])> = tables.iter().map(|(name, columns, _)| (*name, *columns)).collect();
    workbook_of(title, at, &sheets, &|index, sheet| match tables.get(index) {
        Some((_, _, rows)) => rows(model, sheet),
        None => Ok(()),
    })
}

/// A workbook of sheets with these names and columns; `rows` writes those of each, by its number.
///
/// # Errors
/// As [`workbook`].
pub(crate) fn workbook_of(
    title: &str,
    at: DateTime<Utc>,
    sheets: &[(&str, &[Column])],
    rows: &dyn Fn(usize, &mut Sheet<'_>) -> Result<(), ExportError>,
) -> Result<Vec<u8>, ExportError> {
    let mut book = Workbook::new();
    let created = ExcelDateTime::from_timestamp(at.timestamp()).map_err(failed)?;
    let about = DocProperties::new().set_title(title).set_creation_datetime(&created);
    book.set_properties(&about).set_zip_compression_level(6);
    let styles = Styles::new();
    for (index, (name, columns)) in sheets.iter().enumerate() {
        // Not the plain kind of sheet: its shared texts take what stands between <r> and </r> for markup of their own.
        let sheet = book.add_worksheet_with_constant_memory().map_err(failed)?;
        let mut sheet = Sheet::begin(sheet, name, columns, &styles)?;
        rows(index, &mut sheet)?;
        sheet.end()?;
    }
    book.save_to_buffer().map_err(failed)
}
