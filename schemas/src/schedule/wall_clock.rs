//! The clock on the wall of a zone: what it reads at an instant, and the instants at which it reads a time.
//!
//! It relies on a zone's changes of offset being more than four days apart, which holds from 1970 on; a test says so of
//! every zone.

use chrono::{DateTime, FixedOffset, NaiveDateTime, NaiveTime, Offset, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

use crate::civil::parse_day;
use crate::instant::parse_rfc3339;

/// How far around an instant changes are looked for: longer than any offset, and than any jump of a clock, of which a
/// whole day is the longest.
pub(super) const SPAN: TimeDelta = TimeDelta::hours(26);

/// The clock of a zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct WallClock(pub(super) Tz);

/// The instant at which a clock jumps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Jump {
    /// The first instant of the later offset.
    pub(super) at: DateTime<Utc>,
    /// What the clock would read at that instant, had it not jumped.
    pub(super) from: NaiveDateTime,
    /// What it reads instead.
    pub(super) to: NaiveDateTime,
}

/// What is known of the time around an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Near {
    /// The offset does not change.
    Steady(FixedOffset),
    /// The clock jumps, once.
    Jump(Jump),
}

/// When a clock reads a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    Once(DateTime<Utc>),
    Twice(DateTime<Utc>, DateTime<Utc>),
    /// It jumps over the time, to land at this instant.
    Never(DateTime<Utc>),
}

impl Reading {
    /// The first instant at which the clock reads the time, or a later one.
    pub(super) fn first(self) -> DateTime<Utc> {
        match self {
            Self::Once(at) | Self::Twice(at, _) | Self::Never(at) => at,
        }
    }

    /// The same; the second time around where there is one.
    pub(super) fn last(self) -> DateTime<Utc> {
        match self {
            Self::Once(at) | Self::Twice(_, at) | Self::Never(at) => at,
        }
    }
}

impl WallClock {
    /// What the clock reads; none at the ends of the calendar.
    pub(super) fn reads(self, at: DateTime<Utc>) -> Option<NaiveDateTime> {
        at.naive_utc().checked_add_offset(self.offset(at))
    }

    /// When the clock reads it; none at the ends of the calendar.
    pub(super) fn reading(self, wall: NaiveDateTime) -> Option<Reading> {
        let of = |offset: FixedOffset| Some(wall.checked_sub_offset(offset)?.and_utc());
        let jump = match self.near(wall.and_utc())? {
            Near::Steady(offset) => return of(offset).map(Reading::Once),
            Near::Jump(jump) => jump,
        };
        let by = |reads: NaiveDateTime| jump.at.checked_add_signed(wall.signed_duration_since(reads));
        let (early, late) = (by(jump.from)?, by(jump.to)?);
        Some(match (early < jump.at, late >= jump.at) {
            (true, true) => Reading::Twice(early, late),
            (true, false) => Reading::Once(early),
            (false, true) => Reading::Once(late),
            (false, false) => Reading::Never(jump.at),
        })
    }

    /// What is known of the time around an instant; none at the ends of the calendar.
    pub(super) fn near(self, at: DateTime<Utc>) -> Option<Near> {
        let (from, until) = (at.checked_sub_signed(SPAN)?, at.checked_add_signed(SPAN)?);
        let (before, after) = (self.offset(from), self.offset(until));
        if before == after {
            return Some(Near::Steady(before));
        }
        let (mut low, mut high) = (from.timestamp(), until.timestamp());
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if self.offset(DateTime::from_timestamp(middle, 0)?) == before { low = middle } else { high = middle }
        }
        let at = DateTime::from_timestamp(high, 0)?;
        let reads = |offset| at.naive_utc().checked_add_offset(offset);
        Some(Near::Jump(Jump { at, from: reads(before)?, to: reads(after)? }))
    }

    fn offset(self, at: DateTime<Utc>) -> FixedOffset {
        self.0.offset_from_utc_datetime(&at.naive_utc()).fix()
    }
}

/// Reads a day, which begins where the zone's clocks say so, or an instant.
///
/// # Errors
/// A sentence that quotes the text and shows an example.
pub fn day_or_instant(given: &str, zone: Tz) -> Result<DateTime<Utc>, String> {
    let day = parse_day(given).ok().map(|day| first_instant(zone, day.and_time(NaiveTime::MIN)));
    day.unwrap_or_else(|| parse_rfc3339(given).ok()).ok_or_else(|| {
        format!("{given:?} is neither a day nor an instant; write for example 2026-01-01 or 2026-01-01T06:00:00Z")
    })
}

/// The first instant at which the clock of a zone reads a time, or a later one; none at the ends of the calendar.
fn first_instant(zone: Tz, wall: NaiveDateTime) -> Option<DateTime<Utc>> {
    WallClock(zone).reading(wall).map(Reading::first)
}
