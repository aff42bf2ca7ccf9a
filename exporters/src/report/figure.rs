//! How the page spells numbers, statuses and instants.
//!
//! Absent: locales. Thousands are separated by commas, decimals by a point, instants are ISO 8601.

use std::str::FromStr;

use arrow::array::timezone::Tz;
use arrow::temporal_conversions::timestamp_us_to_datetime;
use maud::{Markup, html};
use schemas::{Severity, Status, StatusCounts};

/// `48211` as `48,211`.
pub(crate) fn thousands(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1` and `row` as `1 row`, `2` as `2 rows`.
pub(crate) fn counted(count: u64, noun: &str) -> String {
    format!("{} {noun}{}", thousands(count), if count == 1 { "" } else { "s" })
}

/// `-1234567.5` as `-1,234,567.5`; what is no decimal stays as it is.
pub(crate) fn grouped(decimal: &str) -> String {
    let (sign, digits) = decimal.strip_prefix('-').map_or(("", decimal), |digits| ("-", digits));
    let (whole, rest) =
        digits.split_once('.').map_or((digits, String::new()), |(whole, rest)| (whole, format!(".{rest}")));
    whole.parse().map_or_else(|_| decimal.to_owned(), |whole: u64| format!("{sign}{}{rest}", thousands(whole)))
}

/// `914` as `91.4 %`.
pub(super) fn percent(permille: u64) -> String {
    format!("{}.{} %", thousands(permille / 10), permille % 10)
}

/// A length as a count.
pub(super) fn length<T>(items: &[T]) -> u64 {
    items.iter().map(|_| 1).sum()
}

/// A count in a cell of a table.
pub(crate) fn number_cell(count: u64) -> Markup {
    html! { td.num { (thousands(count)) } }
}

/// The word for people.
pub(super) fn status_word(status: Status) -> &'static str {
    match status {
        Status::Pass => "pass",
        Status::Warn => "warn",
        Status::Fail => "fail",
        Status::NotApplicable => "not applicable",
        Status::NotEvaluated => "not evaluated",
        Status::Error => "error",
    }
}

/// A sign that tells statuses apart without colour.
pub(super) fn status_sign(status: Status) -> &'static str {
    match status {
        Status::Pass => "✓",
        Status::Warn => "!",
        Status::Fail => "✗",
        Status::NotApplicable => "–",
        Status::NotEvaluated => "?",
        Status::Error => "⚠",
    }
}

/// Sign and word in the status's colour.
pub(super) fn badge(status: Status) -> Markup {
    let class = format!("badge {}", status.as_str());
    html! { span class=(class) { span.sign aria-hidden="true" { (status_sign(status)) } " " (status_word(status)) } }
}

/// Severity as dots and a word.
pub(super) fn severity(severity: Severity) -> Markup {
    let level = usize::try_from(severity.level()).unwrap_or_default();
    html! { span.severity { span.dots aria-hidden="true" { ("●".repeat(level)) ("○".repeat(5 - level.min(5))) } " " (severity.as_str()) } }
}

/// The counts with their statuses, worst first.
pub(super) fn by_status(counts: &StatusCounts) -> [(Status, u64); 6] {
    Status::WORST_FIRST.map(|status| {
        let count = match status {
            Status::Pass => counts.pass,
            Status::Warn => counts.warn,
            Status::Fail => counts.fail,
            Status::NotApplicable => counts.not_applicable,
            Status::NotEvaluated => counts.not_evaluated,
            Status::Error => counts.error,
        };
        (status, count)
    })
}

/// An instant, microseconds since 1970, in a zone; none when the zone is not known.
pub(crate) fn local(at_us: i64, zone: &str) -> Option<String> {
    let zone = Tz::from_str(zone).ok()?;
    let at = timestamp_us_to_datetime(at_us)?.and_utc().with_timezone(&zone);
    let format = if at_us % 1_000_000 == 0 { "%Y-%m-%d %H:%M:%S %:z" } else { "%Y-%m-%d %H:%M:%S%.6f %:z" };
    Some(at.format(format).to_string())
}

/// The fragment a control is found under; every letter but `a-z`, `A-Z`, `0-9`, `-` and `.` as its number.
pub(super) fn control_anchor(id: &str) -> String {
    let mut anchor = String::from("control-");
    for letter in id.chars() {
        if letter.is_ascii_alphanumeric() || matches!(letter, '-' | '.') {
            anchor.push(letter);
        } else {
            anchor.push_str(&format!("_{:x}_", u32::from(letter)));
        }
    }
    anchor
}

/// A link to a control's findings.
pub(super) fn control_link(id: &str) -> Markup {
    html! { a.id href={ "#" (control_anchor(id)) } { (id) } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_and_shares_keep_one_decimal() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(thousands), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([0, 7, 914, 1_000].map(percent), ["0.0 %", "0.7 %", "91.4 %", "100.0 %"]);
        assert_eq!([counted(1, "row"), counted(2_000, "row")], ["1 row", "2,000 rows"]);
    }

    #[test]
    fn an_instant_shows_its_offset_and_an_unknown_zone_shows_nothing() {
        assert_eq!(local(1_774_756_800_000_000, "+02:00").as_deref(), Some("2026-03-29 06:00:00 +02:00"));
        assert_eq!(local(0, "Nowhere/Land"), None);
    }

    #[test]
    fn no_two_ids_share_an_anchor() {
        assert_eq!(control_anchor("ac-06"), "control-ac-06");
        assert_ne!(control_anchor("a b"), control_anchor("a_20_b"));
    }
}
