//! Lengths of time and patterns against what they are defined by: the calendar, and every text there is.

use chrono::{DateTime, Datelike, TimeDelta, Utc};
use schemas::{Pattern, Span, Standard, parse_rfc3339, rfc3339};

use crate::mutation::Xorshift;

fn at(text: &str) -> DateTime<Utc> {
    parse_rfc3339(text).expect("an instant")
}

/// A length from an hour to a hundred years, as text.
fn any_span(chance: &mut Xorshift) -> String {
    let (unit, most) = [("h", 878_400), ("d", 36_600), ("w", 5_228), ("mo", 1_200), ("y", 100)][chance.below(5)];
    // Short ones are as likely as long ones.
    let most = if chance.below(2) == 0 { most } else { 40.min(most) };
    format!("{}{unit}", 1 + chance.below(most))
}

fn any_instant(chance: &mut Xorshift) -> DateTime<Utc> {
    // 1900 to 2100, so that both years are met that could be divided by four and are no leap years.
    let start = at("1900-01-01T00:00:00Z");
    let instant = start + TimeDelta::seconds(i64::try_from(chance.below(200 * 31_556_952)).expect("fits"));
    // The last days of months are where months are clamped.
    if chance.below(2) == 0 { instant } else { instant - TimeDelta::days(i64::from(instant.day())) }
}

#[test]
fn a_length_of_time_lies_within_its_bounds_and_is_read_back() {
    let mut chance = Xorshift(0x5eed_0003);
    for _ in 0..20_000 {
        let (text, from) = (any_span(&mut chance), any_instant(&mut chance));
        let span = Span::parse(&text).expect("a length");
        let hours = u64::try_from((span.after(from).expect("an instant") - from).num_hours()).expect("later");
        let (least, most) = span.hours();
        assert!((least..=most).contains(&hours), "{text} from {} has {hours} hours", rfc3339(from));
        assert_eq!(Span::parse(&span.to_string()), Ok(span), "{text}");
        assert!(!span.is_over(from, from + TimeDelta::hours(1) - TimeDelta::seconds(1)), "{text}");
    }
}

#[test]
fn one_length_outlasts_another_where_it_does_on_every_day() {
    let mut chance = Xorshift(0x5eed_0004);
    let days: Vec<DateTime<Utc>> = (0..36_525).map(|day| at("1970-01-01T07:00:00Z") + TimeDelta::days(day)).collect();
    let (mut outlasted, mut close) = (0, 0);
    for _ in 0..300 {
        let one = Span::parse(&any_span(&mut chance)).expect("a length");
        // Days around as many months, where it depends on the year.
        let (least, most) = one.hours();
        let about =
            least + u64::try_from(chance.below(1 + usize::try_from(most - least).expect("fits"))).expect("fits");
        let other = match chance.below(3) {
            0 => any_span(&mut chance),
            _ => format!("{}d", (about / 24).clamp(1, 36_600)),
        };
        let other = Span::parse(&other).expect("a length");
        for (one, other) in [(one, other), (other, one)] {
            let longer = days.iter().filter(|day| one.after(**day) > other.after(**day)).count();
            assert_eq!(one.always_outlasts(other), longer == days.len(), "{one} and {other}: on {longer} days");
            outlasted += usize::from(longer == days.len());
            close += usize::from(longer > 0 && longer < days.len());
        }
    }
    assert!(outlasted > 100 && close > 10, "{outlasted} outlasted, {close} depended on the day");
}

#[test]
fn months_end_where_the_calendar_says() {
    for (from, span, to) in [
        ("2024-01-31T12:00:00Z", "1mo", "2024-02-29T12:00:00Z"),
        ("2023-01-31T12:00:00Z", "1mo", "2023-02-28T12:00:00Z"),
        ("2023-08-31T00:00:00Z", "6mo", "2024-02-29T00:00:00Z"),
        ("2024-02-29T23:59:59Z", "4y", "2028-02-29T23:59:59Z"),
        ("2024-02-29T23:59:59Z", "6y", "2030-02-28T23:59:59Z"),
        ("2025-03-30T01:30:00Z", "24h", "2025-03-31T01:30:00Z"),
        ("2025-03-30T01:30:00Z", "1d", "2025-03-31T01:30:00Z"),
        ("2025-12-31T00:00:00Z", "2w", "2026-01-14T00:00:00Z"),
    ] {
        let span = Span::parse(span).expect("a length");
        assert_eq!(span.after(at(from)).map(rfc3339).as_deref(), Some(to), "{span} from {from}");
        assert!(span.is_over(at(from), at(to)) && !span.is_over(at(from), at(to) - TimeDelta::seconds(1)));
    }
    assert_eq!(Span::Months(12).after(DateTime::<Utc>::MAX_UTC), None);
    assert!(!Span::Hours(1).is_over(DateTime::<Utc>::MAX_UTC, DateTime::<Utc>::MAX_UTC));
}

#[test]
fn seven_years_are_never_2555_days() {
    let sox = Standard::Sox.minimum();
    let length = |day: i64| {
        let from = at("1970-01-01T00:00:00Z") + TimeDelta::days(day);
        (sox.after(from).expect("an instant") - from).num_days()
    };
    assert!((0..36_525).map(length).all(|days| matches!(days, 2_556 | 2_557)));
}

#[test]
fn a_pattern_may_lie_between_two_texts_where_some_text_does() {
    // Every text of up to four letters out of three; one of them has two bytes.
    let letters = ["a", "b", "\u{e9}"];
    let mut texts = vec![String::new()];
    let mut from = 0;
    for _ in 0..4 {
        let longer: Vec<String> =
            texts[from..].iter().flat_map(|text| letters.iter().map(move |letter| format!("{text}{letter}"))).collect();
        from = texts.len();
        texts.extend(longer);
    }
    let short: Vec<&String> = texts.iter().filter(|text| text.chars().count() <= 2).collect();
    let mut chance = Xorshift(0x5eed_0005);
    let mut excused = 0;
    for text in short.iter().filter(|text| !text.is_empty()) {
        for given in [(*text).clone(), format!("{text}*")] {
            let pattern = Pattern::parse(&given).expect("a pattern");
            for _ in 0..60 {
                let (a, b) = (short[chance.below(short.len())], short[chance.below(short.len())]);
                let (min, max) = if a <= b { (a, b) } else { (b, a) };
                let lies = |text: &&String| *text >= min && (*text <= max || text.starts_with(max.as_str()));
                let may = texts.iter().filter(lies).any(|text| pattern.matches(text));
                assert_eq!(pattern.may_lie_between(min, max), may, "{given} between {min:?} and {max:?}");
                excused += usize::from(!may);
            }
        }
    }
    assert!(excused > 100, "{excused} were excused");
}
