//! One cell of a sheet.

use std::borrow::Cow;

use arrow::array::{Array, AsArray};
use arrow::datatypes::{
    DataType, Date32Type, Date64Type, Field, FieldRef, Time32MillisecondType, Time32SecondType, Time64MicrosecondType,
    Time64NanosecondType, TimeUnit, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
    TimestampSecondType,
};
use chrono_tz::Tz;
use rust_xlsxwriter::Worksheet;

use super::failed;
use crate::cell::{CellKind, Repacked, TextStyle, base64, offset_minutes, plain, push_cell, repacked, text};
use crate::error::ExportError;
use crate::losses::{CellCounts, CutCell, Loss, Losses};
use crate::rows::at;

/// UTF-16 units of a text in a cell.
const CELL_UNITS: usize = 32_767;
/// What a text ends in that was longer.
const CUT: &str = "…[cut]";
/// The largest whole number of 15 digits.
const FIFTEEN_DIGITS: f64 = 999_999_999_999_999.0;
/// Digits of decimals that are numbers.
const DECIMAL_DIGITS: u8 = 15;
/// Days from 1899-12-30, day 0 of the 1900 system from March 1900 on, to 1970-01-01.
const DAYS_TO_1970: i64 = 25_569;
/// 1900-03-01 and the day after 9999-12-31, in days since 1970: before and after there are no dates.
const DATES: std::ops::Range<i64> = -25_508..2_932_897;
const DAY_MS: i64 = 86_400_000;

/// What the cells of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Boolean,
    Whole,
    Float,
    Decimal,
    Date,
    Time,
    Moment,
    Text,
}

impl Kind {
    pub(super) fn of(data_type: &DataType) -> Self {
        match plain(data_type) {
            DataType::Boolean => Self::Boolean,
            DataType::Decimal32(digits, _)
            | DataType::Decimal64(digits, _)
            | DataType::Decimal128(digits, _)
            | DataType::Decimal256(digits, _)
                if *digits <= DECIMAL_DIGITS =>
            {
                Self::Decimal
            }
            DataType::Date32 | DataType::Date64 => Self::Date,
            DataType::Time32(_) | DataType::Time64(_) => Self::Time,
            DataType::Timestamp(_, _) => Self::Moment,
            other if other.is_integer() => Self::Whole,
            other if other.is_floating() => Self::Float,
            _ => Self::Text,
        }
    }

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Boolean => "boolean",
            Self::Whole | Self::Float | Self::Decimal => "number",
            Self::Date => "date",
            Self::Time => "time",
            Self::Moment => "date and time",
            Self::Text => "text",
        }
    }

    /// How its numbers are shown.
    pub(super) fn style(self) -> Option<&'static str> {
        match self {
            Self::Date => Some("yyyy-mm-dd"),
            Self::Time => Some("hh:mm:ss.000"),
            Self::Moment => Some("yyyy-mm-dd hh:mm:ss.000"),
            _ => None,
        }
    }

    /// Characters of the longest of these cells.
    pub(super) fn widest(self, field: &Field, array: &dyn Array) -> usize {
        if let Some(style) = self.style() {
            return style.len();
        }
        let shown = |row: usize| {
            let mut shown = String::new();
            let kind = push_cell(&mut shown, field, array, row, TextStyle::JSON, &mut Losses::default());
            kind.map_or(0, |_| shown.lines().map(|line| line.chars().count()).max().unwrap_or_default())
        };
        (0..array.len()).map(shown).max().unwrap_or_default() + 1
    }
}

/// A column of a sheet.
#[derive(Debug, Clone)]
pub(super) struct Column {
    pub(super) index: u16,
    pub(super) kind: Kind,
    pub(super) field: FieldRef,
    /// The zone of its times, if they have one and it is not UTC.
    pub(super) zone: Option<Tz>,
}

/// The row that a cell stands in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    /// In the sheet.
    pub(super) row: u32,
    /// In the export, from 1.
    pub(super) number: u64,
}

/// Writes a cell; a null leaves its place empty.
pub(super) fn write_cell(
    sheet: &mut Worksheet,
    place: Place,
    column: &Column,
    (array, row): (&dyn Array, usize),
    counts: &mut CellCounts,
) -> Result<(), ExportError> {
    match repacked(array, row) {
        Repacked::Null => return Ok(()),
        Repacked::Value(values, index) => return write_cell(sheet, place, column, (values, index), counts),
        Repacked::Plain if array.is_null(row) => return Ok(()),
        Repacked::Plain => {}
    }
    if let Some(plain) = text(array, row) {
        return write_text(sheet, place, column, plain, Losses::default(), counts);
    }
    let kind = column.kind;
    let moment = match kind {
        Kind::Boolean => {
            sheet.write_boolean(place.row, column.index, array.as_boolean().value(row)).map_err(failed)?;
            return Ok(());
        }
        Kind::Date => Some(Moment { days: days(array, row), ms: 0, is_rounded: false }),
        Kind::Time | Kind::Moment => Some(Moment::of(array, row, column.zone)),
        _ => None,
    };
    if let Some(moment) = &moment
        && (kind == Kind::Time || DATES.contains(&moment.days))
    {
        write_number(sheet, place, column, moment.serial(kind))?;
        if moment.is_rounded {
            counts.add(column.index.into(), Losses::of(&[Loss::RoundedToMs]));
        }
        return Ok(());
    }
    let (mut shown, mut losses) = (String::new(), Losses::default());
    let shown_as = push_cell(&mut shown, &column.field, array, row, TextStyle::in_zone(column.zone), &mut losses)
        .map_err(|fault| at(fault, &column.field, place.number))?;
    match (kind, shown.parse::<f64>()) {
        _ if shown_as == CellKind::Null => Ok(()),
        (Kind::Whole, Ok(number)) if number.abs() <= FIFTEEN_DIGITS => write_number(sheet, place, column, number),
        (Kind::Decimal, Ok(number)) => write_number(sheet, place, column, number),
        // Spreadsheets know one zero only.
        (Kind::Float, Ok(number)) if number == 0.0 && number.is_sign_negative() => {
            write_text(sheet, place, column, &shown, Losses::of(&[Loss::AsText]), counts)
        }
        (Kind::Float, Ok(number)) if number.is_finite() => write_number(sheet, place, column, number),
        (Kind::Float, _) => write_text(sheet, place, column, &shown, Losses::of(&[Loss::NonFinite]), counts),
        (Kind::Whole | Kind::Date | Kind::Moment, _) => {
            let expanded = losses.only(Losses::of(&[Loss::ExpandedYear]));
            write_text(sheet, place, column, &shown, expanded.with(Loss::AsText), counts)
        }
        _ => {
            let counted = [Loss::ExpandedYear, Loss::NonFinite, Loss::Beyond2To53];
            write_text(sheet, place, column, &shown, losses.only(Losses::of(&counted)), counts)
        }
    }
}

fn write_number(sheet: &mut Worksheet, place: Place, column: &Column, number: f64) -> Result<(), ExportError> {
    sheet.write_number(place.row, column.index, number).map(drop).map_err(failed)
}

fn write_text(
    sheet: &mut Worksheet,
    place: Place,
    column: &Column,
    text: &str,
    losses: Losses,
    counts: &mut CellCounts,
) -> Result<(), ExportError> {
    // A text of three bytes a unit at most: the longest that need not be counted.
    let units = if text.len() <= CELL_UNITS { text.len() } else { text.encode_utf16().count() };
    let mut losses = losses;
    if reads_as_escape(text) {
        let mut coded = String::new();
        base64(&mut coded, text.as_bytes());
        return write_text(sheet, place, column, &coded, losses.with(Loss::Base64), counts);
    }
    if text.is_empty() {
        losses.note(Loss::EmptyAsBlank);
    } else if units > CELL_UNITS {
        losses.note(Loss::Cut);
        let cut = CutCell { column: column.field.name().clone(), row: place.number, units: units as u64 };
        counts.add_cut(cut);
        sheet.write_string(place.row, column.index, shortened(text)).map_err(failed)?;
    } else {
        sheet.write_string(place.row, column.index, text).map_err(failed)?;
    }
    counts.add(column.index.into(), losses);
    Ok(())
}

/// Whether `_x0041` stands before a character that is escaped: the escape begins with the `_` that is missing, so that a
/// reader would take both together for an `A`. The library that writes sheets does not look for it.
fn reads_as_escape(text: &str) -> bool {
    let is_escaped = |letter: char| matches!(letter, '\0'..='\u{8}' | '\u{b}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}');
    text.match_indices("_x").any(|(at, _)| {
        let mut rest = text[at + 2..].chars();
        let digits = rest.by_ref().take(4).filter(char::is_ascii_hexdigit).count();
        digits == 4 && rest.next().is_some_and(is_escaped)
    })
}

/// The text as a cell holds it: cut where it is too long.
pub(crate) fn fitting(text: &str) -> Cow<'_, str> {
    // No text has more units than bytes.
    let fits = text.len() <= CELL_UNITS || text.encode_utf16().count() <= CELL_UNITS;
    if fits { Cow::Borrowed(text) } else { Cow::Owned(shortened(text)) }
}

/// The number of an instant in microseconds since 1970, to the millisecond; none where the 1900 system has no date.
pub(crate) fn serial(at_us: i64) -> Option<f64> {
    let (ms, is_rounded) = rounded(at_us, 1_000);
    let day = i128::from(DAY_MS);
    let days = i64::try_from(ms.div_euclid(day)).ok().filter(|days| DATES.contains(days))?;
    Some(Moment { days, ms: ms.rem_euclid(day) as i64, is_rounded }.serial(Kind::Moment))
}

/// As many whole characters as fit with the mark behind them.
fn shortened(text: &str) -> String {
    let mut room = CELL_UNITS - CUT.encode_utf16().count();
    let fits = |letter: &char| match room.checked_sub(letter.len_utf16()) {
        Some(left) => {
            room = left;
            true
        }
        None => false,
    };
    text.chars().take_while(fits).chain(CUT.chars()).collect()
}

/// A date or time to the millisecond.
struct Moment {
    /// Since 1970.
    days: i64,
    /// Of the day.
    ms: i64,
    is_rounded: bool,
}

impl Moment {
    fn of(array: &dyn Array, row: usize, zone: Option<Tz>) -> Self {
        let (value, unit) = match array.data_type() {
            DataType::Timestamp(TimeUnit::Second, _) => {
                (array.as_primitive::<TimestampSecondType>().value(row), TimeUnit::Second)
            }
            DataType::Timestamp(TimeUnit::Millisecond, _) => {
                (array.as_primitive::<TimestampMillisecondType>().value(row), TimeUnit::Millisecond)
            }
            DataType::Timestamp(TimeUnit::Microsecond, _) => {
                (array.as_primitive::<TimestampMicrosecondType>().value(row), TimeUnit::Microsecond)
            }
            DataType::Timestamp(TimeUnit::Nanosecond, _) => {
                (array.as_primitive::<TimestampNanosecondType>().value(row), TimeUnit::Nanosecond)
            }
            DataType::Time32(TimeUnit::Second) => {
                (array.as_primitive::<Time32SecondType>().value(row).into(), TimeUnit::Second)
            }
            DataType::Time32(_) => {
                (array.as_primitive::<Time32MillisecondType>().value(row).into(), TimeUnit::Millisecond)
            }
            DataType::Time64(TimeUnit::Microsecond) => {
                (array.as_primitive::<Time64MicrosecondType>().value(row), TimeUnit::Microsecond)
            }
            _ => (array.as_primitive::<Time64NanosecondType>().value(row), TimeUnit::Nanosecond),
        };
        let (ms, is_rounded) = match unit {
            TimeUnit::Second => (i128::from(value) * 1_000, false),
            TimeUnit::Millisecond => (value.into(), false),
            TimeUnit::Microsecond => rounded(value, 1_000),
            TimeUnit::Nanosecond => rounded(value, 1_000_000),
        };
        let ahead = match array.data_type() {
            DataType::Timestamp(_, Some(_)) => zone.and_then(|zone| offset_minutes(zone, value, unit)).unwrap_or(0),
            _ => 0,
        };
        let ms = ms + i128::from(ahead) * 60_000;
        let day = i128::from(DAY_MS);
        // A second of the far future has no day that fits; it is no date either.
        let days = i64::try_from(ms.div_euclid(day)).unwrap_or(i64::MAX);
        Self { days, ms: (ms.rem_euclid(day)) as i64, is_rounded }
    }

    /// Days of the 1900 system; of a time, the part of a day.
    fn serial(&self, kind: Kind) -> f64 {
        let part = self.ms as f64 / DAY_MS as f64;
        match kind {
            // Rounded up to the end of the day, it is still this day's.
            Kind::Time => part + self.days as f64,
            _ => (self.days + DAYS_TO_1970) as f64 + part,
        }
    }
}

/// To whole units of `of`, half up, and whether anything was lost.
fn rounded(value: i64, of: i64) -> (i128, bool) {
    let half = i128::from(of) / 2;
    ((i128::from(value) + half).div_euclid(of.into()), value % of != 0)
}

fn days(array: &dyn Array, row: usize) -> i64 {
    match array.data_type() {
        DataType::Date32 => array.as_primitive::<Date32Type>().value(row).into(),
        _ => array.as_primitive::<Date64Type>().value(row).div_euclid(DAY_MS),
    }
}
