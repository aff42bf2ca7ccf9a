//! A cron pattern in a zone: which instants it fires at.
//!
//! The libraries only list times on the wall (`listing.rs`); which instants those are is decided here, the same way for
//! both dialects. A time that a clock jumps over becomes the first instant after the jump. A time that it reads twice
//! is taken the first time, or both times where the hour field is `*`, so that hourly stays hourly. Equal instants are
//! one fire.

use std::fmt;

use chrono::{DateTime, FixedOffset, Months, NaiveDate, NaiveDateTime, Utc};
use chrono_tz::Tz;
use schemars::JsonSchema;
use serde::Deserialize;

use super::listing::Listing;
use super::pattern;
use super::wall_clock::{Jump, Near, Reading, SPAN, WallClock};

/// How a pattern is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Dialect {
    /// Five fields; a day fits by its number or by its weekday.
    #[default]
    Posix,
    /// Seconds before and a year, which may be left out, behind; a day fits by its number and its weekday.
    Quartz,
}

impl Dialect {
    /// The word in YAML.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Posix => "posix",
            Self::Quartz => "quartz",
        }
    }
}

/// A checked pattern in a zone.
///
/// ```
/// use schemas::{Cron, Dialect, parse_rfc3339, rfc3339};
/// let cron = Cron::parse("30 2 * * *", Dialect::Posix, chrono_tz::Europe::Berlin).unwrap();
/// let fires = cron.between(parse_rfc3339("2026-03-28T12:00:00Z").unwrap(), parse_rfc3339("2026-03-31T00:00:00Z").unwrap());
/// // On the 29th clocks go from 02:00 to 03:00.
/// assert!(fires.map(rfc3339).eq(["2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"]));
/// ```
#[derive(Clone, PartialEq)]
pub struct Cron {
    text: String,
    dialect: Dialect,
    clock: WallClock,
    listing: Listing,
    /// Whether what a clock reads twice fires twice.
    fires_twice: bool,
}

impl fmt::Debug for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cron({:?}, {}, {})", self.text, self.dialect.as_str(), self.clock.0)
    }
}

impl Cron {
    /// Reads a pattern.
    ///
    /// # Errors
    /// A sentence that quotes the pattern and says what to write.
    pub fn parse(text: &str, dialect: Dialect, zone: Tz) -> Result<Self, String> {
        let fields = pattern::fields(text, dialect)?;
        let listing = Listing::parse(&fields.join(" "), dialect)
            .map_err(|why| format!("cron {text:?} is not read as {}: {why}", dialect.as_str()))?;
        let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
        let (hour, has_years) = match (dialect, fields.as_slice()) {
            (Dialect::Posix, [_, hour, ..]) => (*hour, false),
            (Dialect::Quartz, [_, _, hour, _, _, _, year @ ..]) => (*hour, !matches!(year, [] | ["*"])),
            _ => ("", false),
        };
        let cron =
            Self { text: text.trim().to_owned(), dialect, clock: WallClock(zone), fires_twice: hour == "*", listing };
        if !cron.fires_within_ten_years(has_years).unwrap_or(false) {
            return Err(format!(
                "cron {text:?} has no fire in ten years: its days, months and weekdays meet too seldom or never; write \
                 others, for example {:?}",
                pattern::example(dialect)
            ));
        }
        Ok(cron)
    }

    /// The pattern as it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The zone whose clocks are read.
    pub fn zone(&self) -> Tz {
        self.clock.0
    }

    /// How the pattern is read.
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// The first fire that is later; none where the pattern ends before.
    pub fn next_after(&self, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let fire = match self.clock.near(after)? {
            Near::Steady(offset) => {
                let wall = after.naive_utc().checked_add_offset(offset)?;
                let listed = self.listing.after(wall)?;
                steady(wall, listed, offset).or_else(|| Some(self.clock.reading(listed)?.first()))?
            }
            Near::Jump(jump) => self.next_near(jump, after)?,
        };
        Some(fire).filter(|fire| *fire > after)
    }

    /// The last fire that is not later; none where the pattern begins after.
    pub fn last_until(&self, until: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let fire = match self.clock.near(until)? {
            Near::Steady(offset) => {
                let wall = until.naive_utc().checked_add_offset(offset)?;
                let listed = self.listing.until(wall)?;
                steady(wall, listed, offset).or_else(|| self.latest_of(listed, until))?
            }
            Near::Jump(jump) => self.last_near(jump, until)?,
        };
        Some(fire).filter(|fire| *fire <= until)
    }

    /// The fires after one instant and up to another, rising.
    pub fn between(&self, after: DateTime<Utc>, until: DateTime<Utc>) -> impl Iterator<Item = DateTime<Utc>> {
        std::iter::successors(self.next_after(after), |fire| self.next_after(*fire))
            .take_while(move |fire| *fire <= until)
    }

    fn next_near(&self, jump: Jump, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let wall = self.clock.reads(after)?;
        if !self.fires_twice && jump.at <= after && wall < jump.from {
            // What was read the first time is not asked for again.
            return Some(self.clock.reading(self.listing.from(jump.from)?)?.first());
        }
        let ahead = self.listing.after(wall).and_then(|listed| self.clock.reading(listed));
        let ahead = ahead.map(|reading| if reading.first() > after { reading.first() } else { reading.last() });
        if !self.fires_twice || jump.at <= after {
            return ahead;
        }
        let again = self.listing.from(jump.to).filter(|listed| *listed < jump.from);
        let again = again.and_then(|listed| self.clock.reading(listed)).map(Reading::last);
        [ahead, again].into_iter().flatten().min()
    }

    fn last_near(&self, jump: Jump, until: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let wall = self.clock.reads(until)?;
        let is_read_again = jump.at <= until && wall < jump.from;
        if !self.fires_twice && is_read_again {
            return Some(self.clock.reading(self.listing.before(jump.from)?)?.first());
        }
        let behind = self.listing.until(wall).and_then(|listed| self.latest_of(listed, until));
        if !is_read_again {
            return behind;
        }
        let before = self.listing.before(jump.from).filter(|listed| *listed >= jump.to);
        let before = before.and_then(|listed| self.clock.reading(listed)).map(Reading::first);
        [behind, before].into_iter().flatten().max()
    }

    /// The last fire of a listed time up to an instant.
    fn latest_of(&self, listed: NaiveDateTime, until: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let reading = self.clock.reading(listed)?;
        Some(if self.fires_twice && reading.last() <= until { reading.last() } else { reading.first() })
    }

    /// Whether nobody ever waits longer than ten years for a fire; where years are given, whether there is one at all.
    fn fires_within_ten_years(&self, has_years: bool) -> Option<bool> {
        let new_year = |year| NaiveDate::from_ymd_opt(year, 1, 1)?.and_hms_opt(0, 0, 0);
        if has_years {
            return Some(self.listing.from(new_year(1970)?).is_some());
        }
        // Weekdays of days repeat every 28 years.
        let (mut latest, end) = (new_year(2000)?, new_year(2038)?);
        while latest < end {
            let ten_years = latest.checked_add_months(Months::new(120))?;
            match self.listing.until(ten_years).filter(|last| *last > latest) {
                Some(last) => latest = last,
                None => return Some(false),
            }
        }
        Some(true)
    }
}

/// The instant of a listed time, where it is so near that no clock jumps in between. Half the span, for a clock that
/// jumped back just outside of it may have read the first hours inside before.
fn steady(wall: NaiveDateTime, listed: NaiveDateTime, offset: FixedOffset) -> Option<DateTime<Utc>> {
    let is_near = listed.signed_duration_since(wall).abs() < SPAN / 2;
    if is_near { Some(listed.checked_sub_offset(offset)?.and_utc()) } else { None }
}
