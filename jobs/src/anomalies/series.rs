//! A series as people have it at hand: a CSV file with instants and values.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use chrono::{DateTime, NaiveDateTime, Utc};
use engine::{EngineError, csv_columns};
use flate2::read::MultiGzDecoder;

use super::detect::Point;
use crate::error::JobError;

/// Where a value is missing, a CSV has one of these.
const MISSING: [&str; 5] = ["", "nan", "null", "na", "none"];

/// A series.
#[derive(Debug, Default)]
pub(super) struct Series {
    /// Instants and values as they are written.
    pub(super) written: Vec<(String, String)>,
    /// The same; no value where it is missing.
    pub(super) points: Vec<(i64, Option<f64>)>,
    /// Records without a value.
    pub(super) missing: usize,
    /// Records whose instant is not later than that of the record before.
    pub(super) not_later: usize,
}

impl Series {
    /// Reads two columns of a file, or of standard input.
    ///
    /// # Errors
    /// When it cannot be read, has no such columns, or a record has no instant or something else than a number.
    pub(super) fn read(path: &Path, time_column: &str, value_column: &str) -> Result<Self, JobError> {
        let local = |source| JobError::Local { action: "read", path: path.display().to_string(), source };
        let input: Box<dyn Read> = if path == Path::new("-") {
            Box::new(std::io::stdin().lock())
        } else {
            let file = BufReader::new(File::open(path).map_err(local)?);
            let is_packed = path.extension().is_some_and(|extension| extension == "gz");
            if is_packed { Box::new(MultiGzDecoder::new(file)) } else { Box::new(file) }
        };
        let mut columns = csv_columns(path, input, &[time_column, value_column])?.into_iter();
        let (Some(times), Some(values)) = (columns.next(), columns.next()) else { return Ok(Self::default()) };
        let refused = |number: usize, why: String| EngineError::Input {
            path: path.display().to_string(),
            why: format!("record {} {why}", number + 1),
        };
        let mut series = Self::default();
        for (number, (time, value)) in times.into_iter().zip(values).enumerate() {
            let at = instant(&time).ok_or_else(|| {
                refused(number, format!("has no instant {time:?}; write 2026-02-10T09:30:00Z or 2026-02-10 09:30:00"))
            })?;
            let read = read_value(&value).map_err(|()| {
                refused(number, format!("has no number {value:?}; leave the value out where there is none"))
            })?;
            series.missing += usize::from(read.is_none());
            series.not_later += usize::from(series.points.last().is_some_and(|(before, _)| *before >= at));
            series.points.push((at, read));
            series.written.push((time, value));
        }
        Ok(series)
    }

    /// The values that are there, up to and without record `end`.
    pub(super) fn before(&self, end: usize) -> Vec<f64> {
        self.points[..end].iter().filter_map(|(_, value)| *value).collect()
    }

    /// A record as a detector takes it.
    pub(super) fn point(&self, number: usize) -> Option<Point> {
        let (at, value) = self.points[number];
        value.map(|value| Point { at, value })
    }
}

/// Microseconds of `2026-02-10T09:30:00Z`, or of `2026-02-10 09:30:00`, which is UTC.
fn instant(text: &str) -> Option<i64> {
    let text = text.trim();
    let with_zone = DateTime::parse_from_rfc3339(text).map(|at| at.with_timezone(&Utc));
    let at = with_zone.or_else(|_| {
        let forms = ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f"];
        let read = forms.iter().map(|form| NaiveDateTime::parse_from_str(text, form)).find(Result::is_ok);
        read.unwrap_or_else(|| NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M")).map(|at| at.and_utc())
    });
    at.ok().map(|at| at.timestamp_micros())
}

fn read_value(text: &str) -> Result<Option<f64>, ()> {
    let text = text.trim();
    if MISSING.iter().any(|missing| text.eq_ignore_ascii_case(missing)) {
        return Ok(None);
    }
    let value: f64 = text.parse().map_err(drop)?;
    if value.is_finite() { Ok(Some(value)) } else { Err(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_and_values_are_read_as_people_write_them() {
        let at = instant("2026-02-10T09:30:00Z");
        for text in
            ["2026-02-10 09:30:00", "2026-02-10T10:30:00+01:00", "2026-02-10 09:30", " 2026-02-10 09:30:00.000 "]
        {
            assert_eq!(instant(text), at, "{text}");
        }
        for text in ["", "yesterday", "2026-02-30 09:30:00", "1770715800"] {
            assert_eq!(instant(text), None, "{text}");
        }
        assert_eq!(read_value("1e3"), Ok(Some(1_000.0)));
        for text in ["", " ", "NaN", "null"] {
            assert_eq!(read_value(text), Ok(None), "{text}");
        }
        for text in ["inf", "1,5", "many"] {
            assert_eq!(read_value(text), Err(()), "{text}");
        }
    }
}
