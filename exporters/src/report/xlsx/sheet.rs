//! One table as a sheet: a frozen bold header, columns of fixed widths, typed cells, a filter over all of it.

use std::borrow::Cow;

use rust_xlsxwriter::{Color, Format as Style, FormatAlign, Worksheet};
use schemas::{InputFile, Severity, Status};

use crate::error::ExportError;
use crate::report::figure::status_word;
use crate::report::printable::printable;
use crate::xlsx::{failed, fitting, serial};

/// Width of a column of instants.
const INSTANT_WIDTH: u16 = 23;
/// Points of a line, and of a row at most.
const LINE_HEIGHT: usize = 15;
const ROW_HEIGHT_MAX: usize = 409;
/// Digits that a number of a spreadsheet has.
const DIGITS_MAX: usize = 15;
/// Places that numbers are shown with.
const PLACES_MAX: usize = 12;
/// Width of a column of counts.
const COUNT_WIDTH: u16 = 13;

/// One column.
pub(crate) struct Column {
    name: Cow<'static, str>,
    /// In characters.
    width: u16,
    is_wrapped: bool,
    is_left: bool,
}

impl Column {
    /// Lines that a cell takes.
    fn lines(&self, cell: &Cell<'_>) -> usize {
        let Cell::Text(text) = cell else { return 1 };
        let width = usize::from(self.width).max(1);
        let of_line = |line: &str| printable(line).chars().count().div_ceil(width).max(1);
        if self.is_wrapped { text.lines().map(of_line).sum::<usize>().max(1) } else { 1 }
    }
}

/// A column of short texts.
pub(crate) const fn short(name: &'static str, width: u16) -> Column {
    Column { name: Cow::Borrowed(name), width, is_wrapped: false, is_left: false }
}

/// A column of texts that go on below.
pub(crate) const fn long(name: &'static str, width: u16) -> Column {
    Column { name: Cow::Borrowed(name), width, is_wrapped: true, is_left: false }
}

/// A column of texts, counts and instants, all of which begin on the left.
pub(crate) const fn mixed(name: &'static str, width: u16) -> Column {
    Column { name: Cow::Borrowed(name), width, is_wrapped: true, is_left: true }
}

/// A column whose name is known when it is written; texts of it go on below.
pub(crate) fn named(name: String, width: u16) -> Column {
    Column { name: Cow::Owned(name), width, is_wrapped: true, is_left: false }
}

/// A column of counts.
pub(crate) const fn count(name: &'static str) -> Column {
    short(name, COUNT_WIDTH)
}

/// A column of instants.
pub(crate) const fn instant(name: &'static str) -> Column {
    short(name, INSTANT_WIDTH)
}

/// One cell.
pub(crate) enum Cell<'a> {
    Null,
    Text(Cow<'a, str>),
    Count(u64),
    /// A whole number or a decimal: a number where a spreadsheet has all its digits, else a text.
    Number(Cow<'a, str>),
    /// Shown in percent.
    Permille(u64),
    Flag(bool),
    Status(Status),
    /// With its text, for years that a spreadsheet does not have.
    Instant {
        at_us: i64,
        text: String,
    },
    /// Midnight of a day, with its text.
    Day {
        at_us: i64,
        text: String,
    },
}

impl<'a> From<&'a str> for Cell<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text.into())
    }
}

impl<'a> From<&'a String> for Cell<'a> {
    fn from(text: &'a String) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for Cell<'_> {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}

impl From<u64> for Cell<'_> {
    fn from(count: u64) -> Self {
        Self::Count(count)
    }
}

impl From<bool> for Cell<'_> {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

impl From<Status> for Cell<'_> {
    fn from(status: Status) -> Self {
        Self::Status(status)
    }
}

impl From<Severity> for Cell<'_> {
    fn from(severity: Severity) -> Self {
        Self::Text(severity.as_str().into())
    }
}

impl<'a, T: Into<Cell<'a>>> From<Option<T>> for Cell<'a> {
    fn from(cell: Option<T>) -> Self {
        cell.map_or(Self::Null, Into::into)
    }
}

/// An instant as a cell; a macro, so that its type, which is chrono's, need not be named.
macro_rules! moment {
    ($at:expr) => {
        $crate::report::xlsx::sheet::Cell::Instant { at_us: $at.timestamp_micros(), text: schemas::rfc3339($at) }
    };
}
pub(crate) use moment;

/// Columns of the files that were read.
pub(crate) const INPUTS: &[Column] = &[short("Dataset", 20), long("File", 90), count("Rows"), long("Version", 40)];

/// A row for each file that was read.
///
/// # Errors
/// There are more than a sheet has rows.
pub(crate) fn input_rows(inputs: &[InputFile], sheet: &mut Sheet<'_>) -> Result<(), ExportError> {
    for input in inputs {
        sheet.row([(&input.dataset).into(), (&input.path).into(), input.rows.into(), (&input.etag).into()])?;
    }
    Ok(())
}

/// How cells look.
pub(crate) struct Styles {
    header: Style,
    text: Style,
    wrapped: Style,
    count: Style,
    /// Decimals, by their places from 1.
    decimals: [Style; PLACES_MAX],
    percent: Style,
    instant: Style,
    day: Style,
    statuses: [Style; Status::WORST_FIRST.len()],
}

impl Styles {
    pub(crate) fn new() -> Self {
        let top = || Style::new().set_align(FormatAlign::Top);
        let number = |format: &str| top().set_num_format(format);
        Self {
            header: top().set_bold().set_text_wrap(),
            text: top(),
            wrapped: top().set_text_wrap(),
            count: number("#,##0"),
            decimals: std::array::from_fn(|index| number(&format!("#,##0.{}", "0".repeat(index + 1)))),
            percent: number("0.0%"),
            instant: number("yyyy-mm-dd hh:mm:ss.000"),
            day: number("yyyy-mm-dd"),
            statuses: Status::WORST_FIRST.map(|status| coloured(top(), status)),
        }
    }

    /// With as many places as the number has.
    fn number(&self, digits: &str) -> &Style {
        match digits.split_once('.') {
            None => &self.count,
            Some((_, places)) => self.decimals.get(places.len().saturating_sub(1)).unwrap_or(&self.text),
        }
    }

    fn status(&self, status: Status) -> &Style {
        self.statuses.get(status.rank()).unwrap_or(&self.text)
    }
}

/// The word says it, the colour helps to find it.
fn coloured(style: Style, status: Status) -> Style {
    let colours = match status {
        Status::Pass => (0x23704a, 0xe9f4ee),
        Status::Warn => (0x8a5a00, 0xfdf3dc),
        Status::Fail => (0xffffff, 0xa82c22),
        Status::Error => (0xffffff, 0x6f2b63),
        Status::NotEvaluated => (0x566373, 0xeef1f4),
        Status::NotApplicable => return style.set_font_color(Color::RGB(0x566373)),
    };
    style.set_font_color(Color::RGB(colours.0)).set_background_color(Color::RGB(colours.1))
}

/// A sheet that is being written.
pub(crate) struct Sheet<'b> {
    sheet: &'b mut Worksheet,
    columns: &'b [Column],
    styles: &'b Styles,
    /// Rows below the header.
    rows: u32,
}

impl<'b> Sheet<'b> {
    /// Writes the header.
    pub(crate) fn begin(
        sheet: &'b mut Worksheet,
        name: &str,
        columns: &'b [Column],
        styles: &'b Styles,
    ) -> Result<Self, ExportError> {
        sheet.set_name(name).map_err(failed)?;
        sheet.set_freeze_panes(1, 0).map_err(failed)?;
        sheet.set_landscape().set_paper_size(9).set_print_fit_to_pages(1, 0);
        sheet.set_repeat_rows(0, 0).map_err(failed)?;
        for (index, column) in (0_u16..).zip(columns) {
            sheet.set_column_width(index, column.width).map_err(failed)?;
            sheet
                .write_string_with_format(0, index, fitting(&printable(&column.name)), &styles.header)
                .map_err(failed)?;
        }
        Ok(Self { sheet, columns, styles, rows: 0 })
    }

    /// Writes the first cells of a row; those behind them stay empty.
    pub(crate) fn row<'c>(&mut self, cells: impl IntoIterator<Item = Cell<'c>>) -> Result<(), ExportError> {
        let cells: Vec<Cell<'_>> = cells.into_iter().collect();
        self.rows += 1;
        let lines = self.columns.iter().zip(&cells).map(|(column, cell)| column.lines(cell)).max().unwrap_or(1);
        if lines > 1 {
            // No reader measures rows of a sheet that it has not made.
            let height = (LINE_HEIGHT * lines).min(ROW_HEIGHT_MAX);
            self.sheet.set_row_height(self.rows, height as f64).map_err(failed)?;
        }
        for ((index, column), cell) in (0_u16..).zip(self.columns).zip(cells) {
            self.cell(index, column, cell)?;
        }
        Ok(())
    }

    fn cell(&mut self, index: u16, column: &Column, cell: Cell<'_>) -> Result<(), ExportError> {
        let style = match &cell {
            Cell::Null => return Ok(()),
            Cell::Text(_) if column.is_wrapped => &self.styles.wrapped,
            Cell::Text(_) | Cell::Flag(_) => &self.styles.text,
            Cell::Count(_) => &self.styles.count,
            Cell::Number(digits) => self.styles.number(digits),
            Cell::Permille(_) => &self.styles.percent,
            Cell::Status(status) => self.styles.status(*status),
            Cell::Instant { .. } => &self.styles.instant,
            Cell::Day { .. } => &self.styles.day,
        };
        let left = column.is_left.then(|| style.clone().set_align(FormatAlign::Left));
        let style = left.as_ref().unwrap_or(style);
        let number = match &cell {
            Cell::Count(count) => exact(*count),
            Cell::Number(digits) => held(digits),
            Cell::Permille(permille) => exact(*permille).map(|permille| permille / 1_000.0),
            Cell::Instant { at_us, .. } | Cell::Day { at_us, .. } => serial(*at_us),
            _ => None,
        };
        let text: Cow<'_, str> = match cell {
            Cell::Flag(flag) => {
                return self.sheet.write_boolean_with_format(self.rows, index, flag, style).map(drop).map_err(failed);
            }
            Cell::Text(text) | Cell::Number(text) => text,
            Cell::Status(status) => status_word(status).into(),
            Cell::Count(count) | Cell::Permille(count) => count.to_string().into(),
            Cell::Instant { text, .. } | Cell::Day { text, .. } => text.into(),
            Cell::Null => return Ok(()),
        };
        let written = match number {
            Some(number) => self.sheet.write_number_with_format(self.rows, index, number, style),
            None => self.sheet.write_string_with_format(self.rows, index, fitting(&printable(&text)), style),
        };
        written.map(drop).map_err(failed)
    }

    /// Lays the filter over what was written.
    pub(crate) fn end(self) -> Result<(), ExportError> {
        let last = u16::try_from(self.columns.len()).unwrap_or(u16::MAX).saturating_sub(1);
        self.sheet.autofilter(0, 0, self.rows, last).map(drop).map_err(failed)
    }
}

/// A number as a spreadsheet keeps it: of up to 15 digits, and with places that it shows.
fn held(text: &str) -> Option<f64> {
    let digits = text.trim_start_matches('-').trim_start_matches(['0', '.']);
    let places = text.split_once('.').map_or(0, |(_, places)| places.len());
    let is_held = digits.bytes().filter(u8::is_ascii_digit).count() <= DIGITS_MAX && places <= PLACES_MAX;
    is_held.then(|| text.parse().ok()).flatten()
}

/// A count as a spreadsheet keeps it: of up to 15 digits.
fn exact(count: u64) -> Option<f64> {
    (count < 1_000_000_000_000_000).then_some(count as f64)
}
