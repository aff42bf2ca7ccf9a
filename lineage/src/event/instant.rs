//! Instants as producers write them.

use chrono::{DateTime, NaiveDateTime, Utc};

/// Reads an instant, and tells what had to be assumed or cut.
///
/// # Errors
/// A sentence, if the text is none.
pub(crate) fn instant(given: &str) -> Result<(DateTime<Utc>, Vec<&'static str>), String> {
    let mut remarks = Vec::new();
    let zoned =
        DateTime::parse_from_rfc3339(given).or_else(|_| DateTime::parse_from_str(given, "%Y-%m-%dT%H:%M:%S%.f%z"));
    let exact = match zoned {
        Ok(zoned) => zoned.with_timezone(&Utc),
        Err(_) => {
            let naive = given.replacen(' ', "T", 1).parse::<NaiveDateTime>();
            let naive =
                naive.map_err(|_| format!("{given:?} is not an instant; write for example 2026-03-29T04:00:00Z"))?;
            remarks.push("has no zone; taken as UTC");
            naive.and_utc()
        }
    };
    let cut = DateTime::from_timestamp_micros(exact.timestamp_micros());
    let cut = cut.ok_or_else(|| format!("{given:?} is out of range"))?;
    if cut != exact {
        remarks.push("is finer than microseconds; cut");
    }
    Ok((cut, remarks))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_of_many_spellings_are_one() {
        for (given, remarks) in [
            ("2026-03-29T06:00:00.5+02:00", vec![]),
            ("2026-03-29T06:00:00.5+0200", vec![]),
            ("2026-03-29T04:00:00.500000Z", vec![]),
            ("2026-03-29T04:00:00.500000123Z", vec!["is finer than microseconds; cut"]),
            ("2026-03-29T04:00:00.5", vec!["has no zone; taken as UTC"]),
            ("2026-03-29 04:00:00.500000001", vec!["has no zone; taken as UTC", "is finer than microseconds; cut"]),
        ] {
            let (at, told) = instant(given).expect(given);
            assert_eq!((schemas::rfc3339(at).as_str(), told), ("2026-03-29T04:00:00.500000Z", remarks), "{given}");
        }
        for given in ["yesterday", "", "2026-03-29", "2026-13-29T04:00:00Z", "{{ any(result) }}"] {
            assert!(instant(given).expect_err(given).contains("2026-03-29T04:00:00Z"));
        }
    }
}
