//! Amounts of a policy that are no ages: how long to wait, and which share of the rows.

use super::super::duration;

/// How long what was replaced or dropped is still there unless the policy says otherwise: a day.
pub(super) const GRACE_SECONDS_DEFAULT: u64 = 86_400;
/// Longest: three months, for what is kept after its time is kept too long.
const GRACE_SECONDS_MAX: u64 = 90 * 86_400;
/// How long an approval holds unless the policy says otherwise: a week.
pub(super) const VALID_FOR_SECONDS_DEFAULT: u64 = 7 * 86_400;
/// Shortest: somebody has to type the command.
const VALID_FOR_SECONDS_MIN: u64 = 60;
/// Longest: a year, after which nobody remembers what was approved.
const VALID_FOR_SECONDS_MAX: u64 = 366 * 86_400;
/// Share of the rows above which their number must be named unless the policy says otherwise: a fifth.
pub(super) const BRAKE_PPM_DEFAULT: u32 = 200_000;
/// All of them.
const PPM_MAX: u32 = 1_000_000;

/// Seconds of `1d`; `0h` is allowed.
pub(super) fn grace(given: &str) -> Result<u64, String> {
    if matches!(given, "0s" | "0m" | "0h" | "0d" | "0w") {
        return Ok(0);
    }
    match duration::seconds("grace", given)? {
        seconds @ ..=GRACE_SECONDS_MAX => Ok(seconds),
        _ => Err(format!("grace {given:?} is longer than 90 days; write at most 90d")),
    }
}

/// Seconds of `7d`.
pub(super) fn valid_for(given: &str) -> Result<u64, String> {
    match duration::seconds("valid_for", given)? {
        seconds @ VALID_FOR_SECONDS_MIN..=VALID_FOR_SECONDS_MAX => Ok(seconds),
        0..VALID_FOR_SECONDS_MIN => Err(format!("valid_for {given:?} is shorter than a minute; write 1m or more")),
        _ => Err(format!("valid_for {given:?} is longer than a year; write at most 366d")),
    }
}

/// Parts per million of `20%` or `0.5%`.
pub(in super::super) fn ppm(name: &str, given: &str) -> Result<u32, String> {
    let Some(number) = given.strip_suffix('%') else {
        return Err(format!("{name} {given:?} is no share; write a number and %, for example 20%"));
    };
    let wrong = || format!("{name} {given:?} is no share; write for example 20% or 0.5%, with at most four decimals");
    let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
    let is_number = |text: &str| (1..=4).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    if !is_number(whole) || !is_number(part) {
        return Err(wrong());
    }
    // One per cent is 10,000 parts, so the fourth decimal is one part.
    let digits = format!("{whole}{part:0<4}");
    match digits.parse() {
        Ok(ppm @ 0..=PPM_MAX) => Ok(ppm),
        _ => Err(format!("{name} {given:?} is more than everything; write at most 100%")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_read_exactly() {
        for (given, expected) in
            [("20%", 200_000), ("0.5%", 5_000), ("0%", 0), ("100%", 1_000_000), ("0.0001%", 1), ("12.34%", 123_400)]
        {
            assert_eq!(ppm("brake", given), Ok(expected), "{given}");
        }
        for given in ["20", "%", "-1%", "+1%", "1,5%", ".5%", "5.%", "0.00001%", "100.0001%", "101%", "1e1%", "20 %"] {
            assert!(ppm("brake", given).is_err(), "{given}");
        }
    }

    #[test]
    fn waits_have_bounds() {
        assert_eq!((grace("0h"), grace("90d"), grace("36h")), (Ok(0), Ok(GRACE_SECONDS_MAX), Ok(129_600)));
        assert!([grace("0"), grace("1"), grace("91d"), grace("")].iter().all(Result::is_err));
        assert_eq!((valid_for("1m"), valid_for("366d")), (Ok(60), Ok(VALID_FOR_SECONDS_MAX)));
        assert!([valid_for("0d"), valid_for("59s"), valid_for("367d"), valid_for("7")].iter().all(Result::is_err));
    }
}
