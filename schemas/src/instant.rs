//! Instants as auditlake prints them: UTC, microseconds at most, one spelling.

use chrono::{DateTime, NaiveDateTime, SecondsFormat, Timelike, Utc};

/// RFC 3339 in UTC with `Z`: whole seconds without a fraction, else six digits.
pub fn rfc3339(at: DateTime<Utc>) -> String {
    let format = if at.nanosecond() == 0 { SecondsFormat::Secs } else { SecondsFormat::Micros };
    at.to_rfc3339_opts(format, true)
}

/// The form that stands in run ids and paths: `20260329T040000Z`, with microseconds only where there are any.
pub fn compact(at: DateTime<Utc>) -> String {
    if at.nanosecond() == 0 {
        at.format("%Y%m%dT%H%M%SZ").to_string()
    } else {
        at.format("%Y%m%dT%H%M%S%.6fZ").to_string()
    }
}

/// Reads what [`compact`] wrote.
pub fn parse_compact(given: &str) -> Option<DateTime<Utc>> {
    let naive = NaiveDateTime::parse_from_str(given, "%Y%m%dT%H%M%S%.fZ").ok()?;
    Some(naive.and_utc())
}

/// Reads an RFC 3339 instant; anything finer than microseconds is cut toward the past.
///
/// # Errors
/// A sentence that quotes the text and shows an example.
pub fn parse_rfc3339(given: &str) -> Result<DateTime<Utc>, String> {
    let at = DateTime::parse_from_rfc3339(given)
        .map_err(|_| format!("\"{given}\" is not an instant; write for example 2026-03-29T04:00:00Z"))?
        .with_timezone(&Utc);
    DateTime::from_timestamp_micros(at.timestamp_micros()).ok_or_else(|| format!("instant \"{given}\" is out of range"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_in_paths_is_read_back() {
        for micros in [0, 1, 1_774_756_800_000_000, 1_774_756_800_000_250] {
            let at = DateTime::from_timestamp_micros(micros).expect("an instant");
            assert_eq!(parse_compact(&compact(at)), Some(at));
        }
        assert_eq!(parse_compact("2026-03-29"), None);
    }

    #[test]
    fn instants_print_and_read_back() {
        for text in ["2023-07-10T00:00:00Z", "2023-07-10T11:42:18.000001Z", "1969-12-31T23:59:59.999999Z"] {
            assert_eq!(rfc3339(parse_rfc3339(text).expect("reads")), text);
        }
        assert_eq!(compact(parse_rfc3339("2026-03-29T06:00:00+02:00").expect("reads")), "20260329T040000Z");
        assert!(parse_rfc3339("yesterday").expect_err("refused").contains("2026-03-29T04:00:00Z"));
    }
}
