//! Random patterns around changes of offset, against a walk along the clock on the wall that reads every half minute.
//!
//! A sample of zones and changes is walked; with `AUDITLAKE_ZONES=all` every change from 1970 to 2037 of every zone is.

use chrono::{DateTime, Datelike, Days, Months, NaiveDateTime, Offset, TimeDelta, TimeZone, Timelike, Utc, Weekday};
use chrono_tz::{TZ_VARIANTS, Tz};
use schemas::{Cron, Dialect};

use crate::chance::Chance;

/// Half of what is walked around a change: longer than any jump of a clock.
const AROUND: TimeDelta = TimeDelta::hours(30);
const STEP: TimeDelta = TimeDelta::seconds(30);

fn reads(zone: Tz, at: DateTime<Utc>) -> NaiveDateTime {
    at.with_timezone(&zone).naive_local()
}

fn offset(zone: Tz, at: DateTime<Utc>) -> i32 {
    zone.offset_from_utc_datetime(&at.naive_utc()).fix().local_minus_utc()
}

/// The first instants of other offsets, looked for step by step.
fn changes(zone: Tz, step: TimeDelta) -> Vec<DateTime<Utc>> {
    let mut found = Vec::new();
    let (mut at, end) = (crate::at("1970-01-01T00:00:00Z"), crate::at("2038-01-01T00:00:00Z"));
    while at < end {
        let next = at + step;
        if offset(zone, at) != offset(zone, next) {
            let (mut before, mut after) = (at, next);
            while after - before > TimeDelta::seconds(1) {
                let middle = before + TimeDelta::seconds((after - before).num_seconds() / 2);
                if offset(zone, middle) == offset(zone, at) { before = middle } else { after = middle }
            }
            found.push(after);
        }
        at = next;
    }
    found
}

/// One field: its text, and the numbers it stands for.
struct Field {
    text: String,
    numbers: Vec<u32>,
}

impl Field {
    fn every(from: u32, to: u32) -> Self {
        Self { text: "*".to_owned(), numbers: (from..=to).collect() }
    }

    fn random(from: u32, to: u32, chance: &mut Chance) -> Self {
        let mut number = || from + chance.below(to - from + 1);
        let (a, b, c) = (number(), number(), number());
        let (low, high) = (a.min(b), a.max(b));
        let step = 1 + chance.below(12).min(to - 1);
        match chance.below(6) {
            0 | 1 => Self { text: a.to_string(), numbers: vec![a] },
            2 => Self { text: format!("{a},{b},{c}"), numbers: vec![a, b, c] },
            3 if low < high => Self { text: format!("{low}-{high}"), numbers: (low..=high).collect() },
            4 if low < high => {
                Self { text: format!("{low}-{high}/{step}"), numbers: (low..=high).step_by(step as usize).collect() }
            }
            _ => Self { text: format!("*/{step}"), numbers: (from..=to).step_by(step as usize).collect() },
        }
    }

    fn has(&self, number: u32) -> bool {
        self.numbers.contains(&number)
    }
}

/// Which days: by the field, and in words of its own.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Day {
    Every,
    Number(u32),
    Last,
    Weekdays,
    LastSunday,
    SecondFriday,
    /// The number or the weekday under posix, both under quartz.
    NumberWith(u32, Weekday),
}

impl Day {
    fn random(dialect: Dialect, chance: &mut Chance) -> Self {
        let number = 1 + chance.below(28);
        match (chance.below(10), dialect) {
            (0, _) => Self::Number(number),
            (1, _) => Self::Weekdays,
            (2, _) => Self::NumberWith(number, Weekday::Sun),
            (3, Dialect::Posix) => Self::Last,
            (4, Dialect::Posix) => Self::LastSunday,
            (5, Dialect::Posix) => Self::SecondFriday,
            _ => Self::Every,
        }
    }

    /// The fields of day and weekday.
    fn fields(self) -> (String, String) {
        let (day, weekday) = match self {
            Self::Every => ("*".to_owned(), "*"),
            Self::Number(number) => (number.to_string(), "*"),
            Self::Last => ("L".to_owned(), "*"),
            Self::Weekdays => ("*".to_owned(), "MON-FRI"),
            Self::LastSunday => ("*".to_owned(), "SUNL"),
            Self::SecondFriday => ("*".to_owned(), "FRI#2"),
            Self::NumberWith(number, _) => (number.to_string(), "SUN"),
        };
        (day, weekday.to_owned())
    }

    fn fits(self, wall: NaiveDateTime, dialect: Dialect) -> bool {
        let (day, weekday) = (wall.day(), wall.weekday());
        match self {
            Self::Every => true,
            Self::Number(number) => day == number,
            Self::Last => (wall.date() + Days::new(1)).day() == 1,
            Self::Weekdays => weekday.number_from_monday() <= 5,
            Self::LastSunday => weekday == Weekday::Sun && (wall.date() + Days::new(7)).month() != wall.month(),
            Self::SecondFriday => weekday == Weekday::Fri && (8..=14).contains(&day),
            Self::NumberWith(number, named) if dialect == Dialect::Posix => day == number || weekday == named,
            Self::NumberWith(number, named) => day == number && weekday == named,
        }
    }
}

/// A pattern, and what it means, said a second time.
struct Pattern {
    dialect: Dialect,
    seconds: Field,
    minutes: Field,
    hours: Field,
    day: Day,
}

impl Pattern {
    fn random(chance: &mut Chance) -> Self {
        let dialect = if chance.below(3) == 0 { Dialect::Quartz } else { Dialect::Posix };
        let half = dialect == Dialect::Quartz && chance.below(3) == 0;
        let seconds = if half { ("0,30", vec![0, 30]) } else { ("0", vec![0]) };
        Self {
            dialect,
            seconds: Field { text: seconds.0.to_owned(), numbers: seconds.1 },
            minutes: Field::random(0, 59, chance),
            hours: if chance.below(3) == 0 { Field::every(0, 23) } else { Field::random(0, 23, chance) },
            day: Day::random(dialect, chance),
        }
    }

    fn text(&self) -> String {
        let (day, weekday) = self.day.fields();
        let fields = format!("{} {} {day} * {weekday}", self.minutes.text, self.hours.text);
        match self.dialect {
            Dialect::Posix => fields,
            Dialect::Quartz => format!("{} {fields}", self.seconds.text),
        }
    }

    fn fits(&self, wall: NaiveDateTime) -> bool {
        self.minutes.has(wall.minute())
            && self.hours.has(wall.hour())
            && self.seconds.has(wall.second())
            && self.day.fits(wall, self.dialect)
    }

    /// The fires that a walk comes by, straight from the rule.
    fn walked(&self, zone: Tz, from: DateTime<Utc>, until: DateTime<Utc>) -> Vec<DateTime<Utc>> {
        let mut fires = Vec::new();
        let mut at = from;
        let mut latest_read = reads(zone, from) - STEP;
        let mut read_before = latest_read;
        while at <= until {
            let wall = reads(zone, at);
            let is_first_time = wall > latest_read;
            // What the clock jumps over right now.
            let mut skipped = read_before + STEP;
            let mut skips_fire = false;
            while skipped < wall {
                skips_fire |= self.fits(skipped);
                skipped += STEP;
            }
            if skips_fire || (self.fits(wall) && (is_first_time || self.hours.text == "*")) {
                fires.push(at);
            }
            latest_read = latest_read.max(wall);
            read_before = wall;
            at += STEP;
        }
        fires
    }
}

/// Compares all that a pattern says of the time around a change.
fn compare(zone: Tz, change: DateTime<Utc>, pattern: &Pattern, chance: &mut Chance) {
    let text = pattern.text();
    let cron = Cron::parse(&text, pattern.dialect, zone).expect("reads");
    let (from, until) = (change - AROUND, change + AROUND);
    let walked = pattern.walked(zone, from, until);
    let just_before = from - TimeDelta::seconds(1);
    let told: Vec<_> = cron.between(just_before, until).collect();
    assert_eq!(told, walked, "{text} in {zone} around {change}");
    let back = std::iter::successors(cron.last_until(until), |fire| cron.last_until(*fire - TimeDelta::seconds(1)));
    let mut back: Vec<_> = back.take_while(|fire| *fire > just_before).collect();
    back.reverse();
    assert_eq!(back, walked, "{text} in {zone} around {change}, backwards");
    for _ in 0..8 {
        let at = from + TimeDelta::milliseconds(i64::from(chance.below(60 * 3_600_000)));
        let next = walked.iter().copied().find(|fire| *fire > at);
        assert_eq!(cron.next_after(at).filter(|fire| *fire <= until), next, "{text} in {zone} after {at}");
        let last = walked.iter().copied().rfind(|fire| *fire <= at);
        assert_eq!(cron.last_until(at).filter(|fire| *fire >= from), last, "{text} in {zone} until {at}");
    }
}

#[test]
fn no_fire_is_lost_or_doubled_where_clocks_jump() {
    let mut chance = Chance(0x5eed_0017);
    let walks_all = std::env::var("AUDITLAKE_ZONES").is_ok_and(|zones| zones == "all");
    let zones: Vec<Tz> = if walks_all {
        TZ_VARIANTS.to_vec()
    } else {
        (0..24).map(|_| TZ_VARIANTS[chance.below(TZ_VARIANTS.len() as u32) as usize]).collect()
    };
    // Zones whose clocks do what few others do: half an hour, two hours, a day, midnight, half a minute.
    let odd = [Tz::Australia__Lord_Howe, Tz::Antarctica__Troll, Tz::Pacific__Apia, Tz::America__Santiago];
    let odd = odd.into_iter().chain([Tz::Africa__Monrovia, Tz::Africa__Casablanca, Tz::Asia__Gaza]);
    let mut compared = 0;
    for zone in odd.chain(zones) {
        let mut changes = changes(zone, TimeDelta::hours(12));
        if !walks_all {
            while changes.len() > 12 {
                changes.swap_remove(chance.below(changes.len() as u32) as usize);
            }
        }
        for change in changes {
            for _ in 0..3 {
                compare(zone, change, &Pattern::random(&mut chance), &mut chance);
                compared += 1;
            }
        }
    }
    assert!(compared > 300, "{compared} were compared");
}

/// What the reading of clocks relies on: between two changes lie more than the four days and eight hours around an
/// instant that are looked at.
#[test]
fn changes_of_offset_are_days_apart() {
    let mut chance = Chance(0x5eed_0018);
    let walks_all = std::env::var("AUDITLAKE_ZONES").is_ok_and(|zones| zones == "all");
    let zones: Vec<Tz> = if walks_all {
        TZ_VARIANTS.to_vec()
    } else {
        (0..8).map(|_| TZ_VARIANTS[chance.below(TZ_VARIANTS.len() as u32) as usize]).collect()
    };
    for zone in zones {
        let changes = changes(zone, TimeDelta::hours(1));
        let nearest = changes.windows(2).map(|pair| pair[1] - pair[0]).min();
        assert!(nearest.is_none_or(|nearest| nearest > TimeDelta::days(5)), "{zone}: {nearest:?} apart");
        let jumps = changes.iter().map(|at| reads(zone, *at) - reads(zone, *at - TimeDelta::seconds(1)));
        assert!(jumps.into_iter().all(|jump| jump.abs() < TimeDelta::hours(26)), "{zone}");
    }
}

/// Far from any change, too, next and last agree, and every fire is later than the one before.
#[test]
fn next_and_last_agree_everywhere() {
    let mut chance = Chance(0x5eed_0019);
    // Under quartz nothing fires before 1970.
    let start = crate::at("1973-01-01T00:00:00Z");
    for _ in 0..4_000 {
        let pattern = Pattern::random(&mut chance);
        let zone = TZ_VARIANTS[chance.below(TZ_VARIANTS.len() as u32) as usize];
        let cron = Cron::parse(&pattern.text(), pattern.dialect, zone).expect("reads");
        let at = start + TimeDelta::milliseconds(i64::from(chance.below(u32::MAX)) * 470);
        let (last, next) = (cron.last_until(at).expect("a fire"), cron.next_after(at).expect("a fire"));
        let what = format!("{} in {zone} at {at}", pattern.text());
        assert!(last <= at && at < next, "{what}: {last} and {next}");
        assert_eq!(cron.next_after(last), Some(next), "{what}");
        assert_eq!(cron.last_until(next), Some(next), "{what}");
        assert_eq!(cron.last_until(next - TimeDelta::nanoseconds(1)), Some(last), "{what}");
        assert_eq!(cron.next_after(last - TimeDelta::nanoseconds(1)), Some(last), "{what}");
        assert!(cron.between(last, next).eq([next]), "{what}");
        assert_eq!(cron.between(next, last).next(), None, "{what}");
        let month = Months::new(1);
        let fires: Vec<_> = cron.between(at, at + month).take(200).collect();
        assert!(fires.is_sorted_by(|a, b| a < b), "{what}");
    }
}
