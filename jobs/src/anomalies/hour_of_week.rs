//! Distance from what the hour of the week usually is, in robust deviations: for what follows office hours or batch nights.
//!
//! Each of the 168 hours of the week in a zone has a median of its own. Four values tell little of how much they vary, so the
//! deviation of an hour is that of its values or that of all hours together, whichever is more; for the latter, deviations are
//! measured in square roots of the median, as counts vary. Hours in which nothing ever happens say nothing of it.

use chrono::{DateTime, Datelike, Timelike, Weekday};
use chrono_tz::Tz;

use super::detect::{Detector, FIRST, Point, Unfit};
use super::robust::{Middle, WINDOW, Window};

/// Hours of a week.
const HOURS: usize = 7 * 24;
/// Microseconds that it learns before it scores: four weeks.
const LEARNS: i64 = 28 * 86_400 * 1_000_000;
/// Microseconds for which values of an hour count: twelve weeks.
const COUNTS: i64 = 84 * 86_400 * 1_000_000;
/// Values of an hour from which on there is a median to speak of.
const VALUES_MIN: usize = 3;

/// An hour of the week in a zone: Monday from 00:00 is the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct HourOfWeek {
    day: Weekday,
    hour: u32,
}

impl HourOfWeek {
    /// Of an instant, in microseconds since 1970; none of one beyond all years.
    pub(super) fn of(zone: Tz, at: i64) -> Option<Self> {
        let local = DateTime::from_timestamp_micros(at)?.with_timezone(&zone);
        Some(Self { day: local.weekday(), hour: local.hour() })
    }

    fn index(self) -> usize {
        (self.day.num_days_from_monday() * 24 + self.hour) as usize
    }

    /// In words: `on Mondays from 07:00 (Europe/Berlin)`.
    pub(super) fn in_words(self, zone: Tz) -> String {
        let day = match self.day {
            Weekday::Mon => "Mondays",
            Weekday::Tue => "Tuesdays",
            Weekday::Wed => "Wednesdays",
            Weekday::Thu => "Thursdays",
            Weekday::Fri => "Fridays",
            Weekday::Sat => "Saturdays",
            Weekday::Sun => "Sundays",
        };
        format!("on {day} from {:02}:00 ({zone})", self.hour)
    }
}

/// The detector: the values of each hour, and how far values lay from the medians of theirs. What is above the threshold is left
/// out of both.
#[derive(Debug)]
pub(super) struct SeasonalZ {
    zone: Tz,
    hours: Vec<Window>,
    /// Distances of values from medians, in square roots of the median.
    off: Window,
    since: Option<i64>,
    /// Where the last value was put, and whether its distance was as well.
    last: Option<(usize, bool)>,
}

impl SeasonalZ {
    pub(super) fn new(zone: Tz) -> Self {
        let hours = std::iter::repeat_with(|| Window::of(COUNTS)).take(HOURS).collect();
        Self { zone, hours, off: Window::of(WINDOW), since: None, last: None }
    }

    /// How much values of a median vary in all hours together.
    fn common(&self, root: f64) -> f64 {
        let off = self.off.sorted();
        if off.len() < FIRST {
            return 0.0;
        }
        Middle::of(off).map_or(0.0, |middle| Middle { median: 0.0, mad: middle.median }.spread() * root)
    }
}

/// The square root of a level, which is how much counts of it vary; of less than one, one.
fn root(level: f64) -> f64 {
    level.abs().max(1.0).sqrt()
}

impl Detector for SeasonalZ {
    fn score(&mut self, point: Point) -> Result<Option<f64>, Unfit> {
        let since = *self.since.get_or_insert(point.at);
        let Some(hour) = HourOfWeek::of(self.zone, point.at).map(HourOfWeek::index) else {
            return Err(Unfit("the instant is beyond all years"));
        };
        self.hours[hour].forget_before(point.at);
        self.off.forget_before(point.at);
        let of_hour = self.hours[hour].sorted();
        let middle = Middle::of(of_hour).filter(|_| of_hour.len() >= VALUES_MIN);
        let mut score = None;
        let mut has_distance = false;
        if let Some(middle) = middle {
            let distance = (point.value - middle.median).abs();
            if point.at - since >= LEARNS {
                score = Some(distance / middle.deviation().max(self.common(root(middle.median))));
            }
            has_distance = distance > 0.0;
            if has_distance {
                self.off.take(Point { at: point.at, value: distance / root(middle.median) });
            }
        }
        self.hours[hour].take(point);
        self.last = Some((hour, has_distance));
        Ok(score)
    }

    fn exceeded(&mut self) {
        let Some((hour, has_distance)) = self.last.take() else { return };
        self.hours[hour].leave_out();
        if has_distance {
            self.off.leave_out();
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    const HOUR: i64 = 3_600 * 1_000_000;
    /// A Monday, 2026-01-05T00:00:00Z.
    const MONDAY: i64 = 1_767_571_200 * 1_000_000;

    /// Requests of an hour: a hundred in office hours, a few else.
    fn usual(chance: &mut ChaCha8Rng, zone: Tz, at: i64) -> f64 {
        let hour = HourOfWeek::of(zone, at).expect("an hour");
        let is_office = (8..17).contains(&hour.hour) && !matches!(hour.day, Weekday::Sat | Weekday::Sun);
        let level = if is_office { 100 } else { 2 };
        // A sum of coins varies as counts do.
        f64::from((0..2 * level).filter(|_| chance.random_ratio(1, 2)).count() as u32)
    }

    #[test]
    fn the_hour_is_that_of_the_zone_also_when_clocks_change() {
        let words = |zone: Tz, at: i64| HourOfWeek::of(zone, at).expect("an hour").in_words(zone);
        assert_eq!(words(Tz::UTC, MONDAY), "on Mondays from 00:00 (UTC)");
        assert_eq!(words(chrono_tz::Europe::Berlin, MONDAY - HOUR), "on Mondays from 00:00 (Europe/Berlin)");
        assert_eq!(words(chrono_tz::Asia::Kolkata, MONDAY), "on Mondays from 05:00 (Asia/Kolkata)");
        // From 29 March 2026 on, 06:00 UTC is eight o'clock there and not seven.
        let sunday = 1_774_764_000 * 1_000_000;
        assert_eq!(words(chrono_tz::Europe::Berlin, sunday), "on Sundays from 08:00 (Europe/Berlin)");
    }

    #[test]
    fn office_hours_are_usual_and_the_same_at_night_is_not() {
        let zone = chrono_tz::Europe::Berlin;
        let mut chance = ChaCha8Rng::seed_from_u64(5);
        let mut detector = SeasonalZ::new(zone);
        let (mut scored, mut above) = (0, 0);
        for hour in 0..26 * 7 * 24 {
            let at = MONDAY + hour * HOUR;
            let value = usual(&mut chance, zone, at);
            let score = detector.score(Point { at, value }).expect("a value");
            assert_eq!(score.is_some(), hour >= 28 * 24, "it learns four weeks: {hour}");
            scored += usize::from(score.is_some());
            if score.is_some_and(|score| score > 6.0) {
                above += 1;
                detector.exceeded();
            }
        }
        assert_eq!(scored, 22 * 7 * 24);
        assert!(above <= 3, "{above} of {scored} are false alarms, in almost half a year");
        // A hundred at noon on Monday are usual, at three in the night they are not, and nothing at noon is not either.
        let monday = MONDAY + 26 * 7 * 24 * HOUR;
        let mut score = |hour: i64, value: f64| {
            let score = detector.score(Point { at: monday + hour * HOUR, value }).expect("a value");
            score.expect("a score")
        };
        assert!(score(1, 100.0) > 20.0 && score(10, 100.0) < 3.0 && score(11, 0.0) > 6.0);
    }

    #[test]
    fn what_is_above_the_threshold_teaches_nothing() {
        let mut detector = SeasonalZ::new(Tz::UTC);
        for week in 0..8 {
            for hour in 0..HOURS as i64 {
                let at = MONDAY + (week * HOURS as i64 + hour) * HOUR;
                detector.score(Point { at, value: 10.0 + (week % 3) as f64 }).expect("a value");
            }
        }
        let counts = |detector: &SeasonalZ| (detector.hours[0].sorted().len(), detector.off.sorted().len());
        let before = counts(&detector);
        detector.score(Point { at: MONDAY + 8 * 7 * 24 * HOUR, value: 900.0 }).expect("a value");
        assert_eq!(detector.hours[0].sorted().last(), Some(&900.0));
        detector.exceeded();
        assert_eq!(detector.hours[0].sorted().last(), Some(&12.0));
        assert_eq!(counts(&detector).0, before.0);
    }
}
