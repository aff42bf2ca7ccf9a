//! Where values and instants stand on a picture, and which of them are written beside it.

use chrono::{DateTime, Datelike, TimeDelta, Utc};
use schemas::{CivilZone, SeriesPicture, short_number};

/// Ticks of values, about.
const VALUE_TICKS: f64 = 5.0;
/// Most ticks of instants.
const TIME_TICKS_MAX: i64 = 8;
/// Steps between ticks of instants: seconds, up to a quarter of a day.
const HOURS: [i64; 7] = [60, 300, 900, 3_600, 2 * 3_600, 3 * 3_600, 6 * 3_600];
/// The same in days.
const DAYS: [i64; 9] = [1, 2, 4, 7, 14, 28, 91, 182, 364];

/// The values of a picture, from the lowest to the highest.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct ValueAxis {
    low: f64,
    high: f64,
    log1p: bool,
}

impl ValueAxis {
    /// Of everything that is drawn: values, and the band as far as it is near them.
    pub(super) fn of(picture: &SeriesPicture, log1p: bool) -> Self {
        let of = |value: f64| if log1p { value.max(0.0).ln_1p() } else { value };
        let (least, greatest) = (of(picture.least.unwrap_or(0.0)), of(picture.greatest.unwrap_or(0.0)));
        let columns = || picture.columns.iter();
        let lowest = columns().filter_map(|column| column.low).map(of).fold(least, f64::min);
        let highest = columns().filter_map(|column| column.high).map(of).fold(greatest, f64::max);
        Self::around(least, (lowest, highest), log1p)
    }

    /// Of values between two, of which there are some.
    pub(crate) fn between(least: f64, greatest: f64) -> Self {
        Self::around(least, (least, greatest), false)
    }

    fn around(least: f64, (lowest, highest): (f64, f64), log1p: bool) -> Self {
        // Of what is never below nought, the band is cut off there, and nought is shown unless all of it is far away.
        let low = match least >= 0.0 {
            true if lowest < highest / 2.0 => 0.0,
            _ => lowest,
        };
        let high = if highest > low { highest } else { low + 1.0 };
        let room = (high - low) * 0.04;
        Self { low: if low == 0.0 { low } else { low - room }, high: high + room, log1p }
    }

    /// How high a value stands, from 0 to 1.
    pub(crate) fn height(&self, value: f64) -> f64 {
        let value = if self.log1p { value.max(0.0).ln_1p() } else { value };
        ((value - self.low) / (self.high - self.low)).clamp(0.0, 1.0)
    }

    /// Round values with how they are written, from below.
    pub(crate) fn ticks(&self) -> Vec<(f64, String)> {
        let values = if self.log1p { self.powers() } else { self.steps() };
        values.into_iter().map(|value| (value, grouped(value))).collect()
    }

    fn steps(&self) -> Vec<f64> {
        let raw = (self.high - self.low) / VALUE_TICKS;
        let power = 10_f64.powf(raw.log10().floor());
        let step =
            [1.0, 2.0, 5.0].into_iter().map(|part| part * power).find(|step| *step >= raw).unwrap_or(10.0 * power);
        let first = (self.low / step).ceil();
        // Rounded once more, as a sum of tenths is no tenth.
        let at = |number: f64| ((first + number) * step / power).round() * power;
        (0..16).map(f64::from).map(at).take_while(|value| *value <= self.high).collect()
    }

    /// Nought and powers of ten, every second or third of them where there are many.
    fn powers(&self) -> Vec<f64> {
        let (least, greatest) = (self.low.exp_m1(), self.high.exp_m1());
        let all = std::iter::once(0.0).chain((0..300).map(|power| 10_f64.powi(power)));
        let all: Vec<f64> = all.filter(|value| (least..=greatest).contains(value)).collect();
        let every = all.len().div_ceil(5).max(1);
        all.into_iter().step_by(every).collect()
    }
}

/// A number as it stands at an axis: `20,000`, `0.25`, `3e9`.
pub(super) fn grouped(value: f64) -> String {
    if value.abs() >= 1e9 {
        return format!("{value:e}");
    }
    let text = short_number(value);
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => ("−", digits),
        None => ("", text.as_str()),
    };
    let (whole, rest) =
        digits.split_once('.').map_or((digits, String::new()), |(whole, rest)| (whole, format!(".{rest}")));
    let whole = whole.parse().map_or_else(|_| whole.to_owned(), crate::report::figure::thousands);
    format!("{sign}{whole}{rest}")
}

/// Instants between two, with how they are written: days and hours begin in the zone, and what is more than a year has years.
pub(crate) fn time_ticks(start: DateTime<Utc>, end: DateTime<Utc>, zone: &str) -> Vec<(DateTime<Utc>, String)> {
    let seconds = (end - start).num_seconds().max(1);
    let Some(civil) = CivilZone::parse(zone).or_else(|| CivilZone::parse("UTC")) else { return Vec::new() };
    let first = civil.day_of(start);
    if let Some(step) = HOURS.into_iter().find(|step| seconds / step <= TIME_TICKS_MAX) {
        let midnight = civil.start_of(first).unwrap_or(start);
        let over = ((start - midnight).num_seconds() + step - 1).div_euclid(step);
        let all = (0..=TIME_TICKS_MAX).map(|number| midnight + TimeDelta::seconds((over + number) * step));
        return all.take_while(|at| *at < end).map(|at| (at, hour(at, zone))).collect();
    }
    let days = seconds / 86_400;
    let step = DAYS.into_iter().find(|step| days / step <= TIME_TICKS_MAX).unwrap_or(days / TIME_TICKS_MAX + 1);
    let last = civil.day_of(end);
    let of_step = first.iter_days().take_while(|day| *day <= last);
    let of_step = of_step.filter(|day| i64::from(day.num_days_from_ce()) % step == 0);
    let starts = of_step.filter_map(|day| civil.start_of(day)).filter(|at| (start..end).contains(at));
    let part = if days > 366 { 0..10 } else { 5..10 };
    starts.map(|at| (at, written(at, zone, part.clone()))).collect()
}

/// An hour; the day instead where it begins.
fn hour(at: DateTime<Utc>, zone: &str) -> String {
    match written(at, zone, 11..16) {
        midnight if midnight == "00:00" => written(at, zone, 5..10),
        hour => hour,
    }
}

/// A part of an instant as it is written in a zone.
fn written(at: DateTime<Utc>, zone: &str, part: std::ops::Range<usize>) -> String {
    let micros = (at - DateTime::UNIX_EPOCH).num_microseconds().unwrap_or_default();
    let text = crate::report::figure::local(micros, zone).unwrap_or_else(|| schemas::rfc3339(at));
    text.get(part).unwrap_or_default().to_owned()
}

/// How much of a time is over at an instant, from 0 to 1.
pub(crate) fn passed(at: DateTime<Utc>, start: DateTime<Utc>, end: DateTime<Utc>) -> f64 {
    let micros = |length: TimeDelta| length.num_microseconds().unwrap_or(i64::MAX) as f64;
    (micros(at - start) / micros(end - start).max(1.0)).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use schemas::parse_rfc3339;

    use super::*;
    use crate::series::sample::picture_of;

    #[track_caller]
    fn check_values(values: &[f64], log1p: bool, expected: &str) {
        let axis = ValueAxis::of(&picture_of(values), log1p);
        let ticks: Vec<String> = axis.ticks().into_iter().map(|(_, text)| text).collect();
        assert_eq!(ticks.join(" "), expected, "{values:?}");
        for value in values {
            assert!((0.0..=1.0).contains(&axis.height(*value)), "{value}");
        }
    }

    #[test]
    fn ticks_are_round_and_begin_at_nought_where_it_is_near() {
        check_values(&[0.0, 41.0], false, "0 10 20 30 40");
        check_values(&[1_000.0, 1_010.0], false, "1,000 1,005 1,010");
        check_values(&[-3.0, 3.0], false, "−2 0 2");
        check_values(&[0.1, 0.35], false, "0 0.1 0.2 0.3");
        check_values(&[5.0, 5.0], false, "5 5.5 6");
        check_values(&[0.0, 0.0], false, "0 0.5 1");
        check_values(&[0.0, 5e9], false, "0 2e9 4e9");
        check_values(&[0.0, 3e6], true, "0 10 1,000 100,000");
        check_values(&[], false, "0 0.5 1");
    }

    #[track_caller]
    fn check_times(start: &str, end: &str, zone: &str, expected: &str) {
        let at = |text: &str| parse_rfc3339(text).expect("an instant");
        let ticks: Vec<String> = time_ticks(at(start), at(end), zone).into_iter().map(|(_, text)| text).collect();
        assert_eq!(ticks.join(" "), expected, "{start} {end}");
    }

    #[test]
    fn days_and_hours_begin_in_the_zone_also_where_clocks_change() {
        check_times(
            "2026-03-26T00:00:00Z",
            "2026-04-02T00:00:00Z",
            "Europe/Berlin",
            "03-27 03-28 03-29 03-30 03-31 04-01 04-02",
        );
        check_times("2026-03-01T00:00:00Z", "2026-03-29T00:00:00Z", "UTC", "03-01 03-05 03-09 03-13 03-17 03-21 03-25");
        check_times(
            "2026-03-01T00:00:00Z",
            "2026-03-01T07:30:00Z",
            "UTC",
            "03-01 01:00 02:00 03:00 04:00 05:00 06:00 07:00",
        );
        check_times(
            "2026-03-01T00:00:00Z",
            "2026-03-01T07:30:00Z",
            "Europe/Berlin",
            "01:00 02:00 03:00 04:00 05:00 06:00 07:00 08:00",
        );
        check_times("2026-03-01T00:00:00Z", "2026-03-01T00:00:00Z", "UTC", "");
        check_times(
            "2000-01-01T00:00:00Z",
            "2026-01-01T00:00:00Z",
            "UTC",
            "2001-05-15 2004-08-15 2007-11-16 2011-02-16 2014-05-19 2017-08-19 2020-11-19 2024-02-20",
        );
    }
}
