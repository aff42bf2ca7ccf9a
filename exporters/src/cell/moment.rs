//! Dates, times, timestamps, durations and intervals as ISO 8601.
//!
//! Decimals are fixed by the unit (0, 3, 6, 9). Years outside 0001 to 9999 print in expanded form: a sign
//! and at least six digits. The calendar is our own arithmetic, since libraries stop long before Arrow
//! does. Absent: zones. A timestamp with a zone prints in UTC with `Z`.

use arrow::array::{Array, AsArray};
use arrow::datatypes::{
    DataType, Date32Type, Date64Type, DurationMicrosecondType, DurationMillisecondType, DurationNanosecondType,
    DurationSecondType, IntervalDayTimeType, IntervalMonthDayNanoType, IntervalUnit, IntervalYearMonthType,
    Time32MillisecondType, Time32SecondType, Time64MicrosecondType, Time64NanosecondType, TimeUnit,
    TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType,
};

use super::{CellKind, push};

const DAY_SECONDS: i64 = 86_400;
const DAY_MILLISECONDS: i64 = 86_400_000;
const NANOS: i128 = 1_000_000_000;

/// Appends a cell of a temporal column.
pub(super) fn push_moment(out: &mut String, array: &dyn Array, row: usize) -> CellKind {
    match array.data_type() {
        DataType::Date32 => push_date(out, array.as_primitive::<Date32Type>().value(row).into()),
        DataType::Date64 => {
            push_date(out, array.as_primitive::<Date64Type>().value(row).div_euclid(DAY_MILLISECONDS));
        }
        DataType::Timestamp(unit, zone) => {
            push_timestamp(out, timestamp(array, *unit, row), *unit);
            if zone.is_some() {
                out.push('Z');
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

fn push_timestamp(out: &mut String, value: i64, unit: TimeUnit) {
    let (seconds, fraction) = (value.div_euclid(per_second(unit)), value.rem_euclid(per_second(unit)));
    push_date(out, seconds.div_euclid(DAY_SECONDS));
    out.push('T');
    push_time(out, seconds.rem_euclid(DAY_SECONDS), fraction, unit);
}

fn push_time(out: &mut String, seconds: i64, fraction: i64, unit: TimeUnit) {
    let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    push(out, format_args!("{hour:02}:{minute:02}:{second:02}"));
    match unit {
        TimeUnit::Second => {}
        TimeUnit::Millisecond => push(out, format_args!(".{fraction:03}")),
        TimeUnit::Microsecond => push(out, format_args!(".{fraction:06}")),
        TimeUnit::Nanosecond => push(out, format_args!(".{fraction:09}")),
    }
}

fn push_date(out: &mut String, days: i64) {
    let (year, month, day) = civil(days);
    if (1..=9_999).contains(&year) {
        push(out, format_args!("{year:04}-{month:02}-{day:02}"));
    } else {
        push(out, format_args!("{year:+07}-{month:02}-{day:02}"));
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
