//! Dates, times, timestamps, durations and intervals as ISO 8601.
//!
//! Decimals are fixed by the unit (0, 3, 6, 9). Years outside 0001 to 9999 print in expanded form: a sign
//! and at least six digits. The calendar is our own arithmetic, since libraries stop long before Arrow
//! does. A timestamp with a zone prints in UTC with `Z`, or in the zone that is asked for with its offset.

use arrow::array::{Array, AsArray};
use arrow::datatypes::{
    DataType, Date32Type, Date64Type, DurationMicrosecondType, DurationMillisecondType, DurationNanosecondType,
    DurationSecondType, IntervalDayTimeType, IntervalMonthDayNanoType, IntervalUnit, IntervalYearMonthType,
    Time32MillisecondType, Time32SecondType, Time64MicrosecondType, Time64NanosecondType, TimeUnit,
    TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType,
};

use chrono::{DateTime, Offset};
use chrono_tz::Tz;

use super::{CellKind, push};
use crate::losses::{Loss, Losses};

const DAY_SECONDS: i64 = 86_400;
const DAY_MILLISECONDS: i64 = 86_400_000;
const NANOS: i128 = 1_000_000_000;

/// Appends a cell of a temporal column.
pub(super) fn push_moment(
    out: &mut String,
    array: &dyn Array,
    row: usize,
    zone: Option<Tz>,
    losses: &mut Losses,
) -> CellKind {
    match array.data_type() {
        DataType::Date32 => push_date(out, array.as_primitive::<Date32Type>().value(row).into(), losses),
        DataType::Date64 => {
            push_date(out, array.as_primitive::<Date64Type>().value(row).div_euclid(DAY_MILLISECONDS), losses);
        }
        DataType::Timestamp(unit, named) => {
            let value = timestamp(array, *unit, row);
            let minutes = named.as_ref().and(zone).and_then(|zone| offset_minutes(zone, value, *unit)).unwrap_or(0);
            push_timestamp(out, value, minutes, *unit, losses);
            match minutes {
                0 if named.is_none() => {}
                0 => out.push('Z'),
                _ => push_offset(out, minutes),
            }
        }
        DataType::Time32(unit) | DataType::Time64(unit) => {
            let value = time(array, *unit, row);
            let (seconds, fraction) = (value.div_euclid(per_second(*unit)), value.rem_euclid(per_second(*unit)));
            push_time(out, seconds, fraction, *unit);
        }
        DataType::Duration(unit) => {
            let nanos = i128::from(duration(array, *unit, row)) * (NANOS / i128::from(per_second(*unit)));
            push_interval(out, 0, 0, nanos);
        }
        DataType::Interval(IntervalUnit::YearMonth) => {
            push_interval(out, array.as_primitive::<IntervalYearMonthType>().value(row).into(), 0, 0);
        }
        DataType::Interval(IntervalUnit::DayTime) => {
            let value = array.as_primitive::<IntervalDayTimeType>().value(row);
            push_interval(out, 0, value.days.into(), i128::from(value.milliseconds) * 1_000_000);
        }
        _ => {
            let value = array.as_primitive::<IntervalMonthDayNanoType>().value(row);
            push_interval(out, value.months.into(), value.days.into(), value.nanoseconds.into());
        }
    }
    CellKind::Text
}

fn timestamp(array: &dyn Array, unit: TimeUnit, row: usize) -> i64 {
    match unit {
        TimeUnit::Second => array.as_primitive::<TimestampSecondType>().value(row),
        TimeUnit::Millisecond => array.as_primitive::<TimestampMillisecondType>().value(row),
        TimeUnit::Microsecond => array.as_primitive::<TimestampMicrosecondType>().value(row),
        TimeUnit::Nanosecond => array.as_primitive::<TimestampNanosecondType>().value(row),
    }
}

fn time(array: &dyn Array, unit: TimeUnit, row: usize) -> i64 {
    match unit {
        TimeUnit::Second => array.as_primitive::<Time32SecondType>().value(row).into(),
        TimeUnit::Millisecond => array.as_primitive::<Time32MillisecondType>().value(row).into(),
        TimeUnit::Microsecond => array.as_primitive::<Time64MicrosecondType>().value(row),
        TimeUnit::Nanosecond => array.as_primitive::<Time64NanosecondType>().value(row),
    }
}

fn duration(array: &dyn Array, unit: TimeUnit, row: usize) -> i64 {
    match unit {
        TimeUnit::Second => array.as_primitive::<DurationSecondType>().value(row),
        TimeUnit::Millisecond => array.as_primitive::<DurationMillisecondType>().value(row),
        TimeUnit::Microsecond => array.as_primitive::<DurationMicrosecondType>().value(row),
        TimeUnit::Nanosecond => array.as_primitive::<DurationNanosecondType>().value(row),
    }
}

fn per_second(unit: TimeUnit) -> i64 {
    match unit {
        TimeUnit::Second => 1,
        TimeUnit::Millisecond => 1_000,
        TimeUnit::Microsecond => 1_000_000,
        TimeUnit::Nanosecond => 1_000_000_000,
    }
}

/// Minutes by which a zone is ahead of UTC at an instant. None where they are not whole, as before standard time, or
/// where the calendar of zones has no such year: what stands there is UTC.
pub(crate) fn offset_minutes(zone: Tz, value: i64, unit: TimeUnit) -> Option<i64> {
    let at = DateTime::from_timestamp(value.div_euclid(per_second(unit)), 0)?;
    let seconds = at.with_timezone(&zone).offset().fix().local_minus_utc();
    (seconds % 60 == 0).then_some(i64::from(seconds) / 60)
}

/// `+01:00`.
fn push_offset(out: &mut String, minutes: i64) {
    out.push(if minutes < 0 { '-' } else { '+' });
    push(out, format_args!("{:02}:{:02}", minutes.abs() / 60, minutes.abs() % 60));
}

fn push_timestamp(out: &mut String, value: i64, minutes: i64, unit: TimeUnit, losses: &mut Losses) {
    let (seconds, fraction) = (value.div_euclid(per_second(unit)), value.rem_euclid(per_second(unit)));
    // A zone is known only of years that are far from the ends.
    let seconds = seconds.saturating_add(minutes * 60);
    push_date(out, seconds.div_euclid(DAY_SECONDS), losses);
    out.push('T');
    push_time(out, seconds.rem_euclid(DAY_SECONDS), fraction, unit);
}

fn push_time(out: &mut String, seconds: i64, fraction: i64, unit: TimeUnit) {
    let mut text = *b"00:00:00.000000000";
    put_digits(&mut text[0..2], seconds / 3_600);
    put_digits(&mut text[3..5], seconds / 60 % 60);
    put_digits(&mut text[6..8], seconds % 60);
    let length = match unit {
        TimeUnit::Second => 8,
        TimeUnit::Millisecond => 12,
        TimeUnit::Microsecond => 15,
        TimeUnit::Nanosecond => 18,
    };
    if length > 8 {
        put_digits(&mut text[9..length], fraction);
    }
    out.extend(text[..length].iter().map(|byte| char::from(*byte)));
}

fn push_date(out: &mut String, days: i64, losses: &mut Losses) {
    let (year, month, day) = civil(days);
    if (1..=9_999).contains(&year) {
        let mut text = *b"0000-00-00";
        put_digits(&mut text[0..4], year);
        put_digits(&mut text[5..7], month);
        put_digits(&mut text[8..10], day);
        out.extend(text.iter().map(|byte| char::from(*byte)));
    } else {
        losses.note(Loss::ExpandedYear);
        push(out, format_args!("{year:+07}-{month:02}-{day:02}"));
    }
}

/// Fills a place with the digits of a number that is not negative, zeros in front.
fn put_digits(place: &mut [u8], mut value: i64) {
    for digit in place.iter_mut().rev() {
        *digit = b'0' + (value % 10) as u8;
        value /= 10;
    }
}

/// Year, month and day of a count of days since 1970-01-01, in the proleptic Gregorian calendar.
///
/// The year is taken to begin in March, so that the leap day is its last; eras are 400 years long.
fn civil(days: i64) -> (i64, i64, i64) {
    let since_march_0000 = days + 719_468;
    let (era, day_of_era) = (since_march_0000.div_euclid(146_097), since_march_0000.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}

/// The sign stands first when all parts agree on it, else with each part.
fn push_interval(out: &mut String, months: i64, days: i64, nanos: i128) {
    if months <= 0 && days <= 0 && nanos <= 0 && (months, days, nanos) != (0, 0, 0) {
        out.push('-');
        return push_interval(out, -months, -days, -nanos);
    }
    out.push('P');
    for (value, letter) in [(months / 12, 'Y'), (months % 12, 'M'), (days, 'D')] {
        if value != 0 {
            push(out, format_args!("{value}{letter}"));
        }
    }
    if nanos != 0 || (months, days) == (0, 0) {
        let (sign, size) = (if nanos < 0 { "-" } else { "" }, nanos.abs());
        push(out, format_args!("T{sign}{}", size / NANOS));
        let fraction = format!("{:09}", size % NANOS);
        let digits = fraction.trim_end_matches('0');
        if !digits.is_empty() {
            push(out, format_args!(".{digits}"));
        }
        out.push('S');
    }
}
