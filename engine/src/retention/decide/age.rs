//! When something is over: instants of columns in microseconds, and lengths of time counted from them.
//!
//! A length in months does not end in the order in which it begins: 30 January 12:00 and a month is 28 February 12:00, and
//! 31 January 10:00 and a month is 28 February 10:00. So there is no one instant before which all is over; there is a day
//! before which all is over and a few days on which the time of day tells.
//!
//! Absent: zones other than UTC, and clocks.

use arrow::array::{Array, ArrowPrimitiveType, AsArray, PrimitiveArray};
use arrow::buffer::BooleanBuffer;
use arrow::datatypes::{
    DataType, Date32Type, Date64Type, TimeUnit, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, TimestampSecondType,
};
use chrono::{DateTime, Months, NaiveDate, Utc};
use schemas::Span;

/// Stands for no instant: NULL, or a number beyond what an instant holds. Nothing that begins there is ever over.
pub(super) const NEVER: i64 = i64::MAX;
/// Microseconds of a day.
const DAY_US: i64 = 86_400_000_000;
/// Microseconds of an hour.
const HOUR_US: i64 = 3_600_000_000;

/// Which instant a value stands for that is coarser or finer than a microsecond: a date, or nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Edge {
    /// The first: what a row cannot be older than.
    First,
    /// The last: what a row cannot be younger than. Ages are counted from it.
    Last,
}

/// Microseconds since the epoch of every row; none of a column that holds no instants.
pub(super) fn instants(array: &dyn Array, edge: Edge) -> Option<Vec<i64>> {
    Some(match array.data_type() {
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            spread::<TimestampMicrosecondType>(array.as_primitive_opt()?, Some)
        }
        DataType::Timestamp(TimeUnit::Nanosecond, _) => {
            spread::<TimestampNanosecondType>(array.as_primitive_opt()?, |at_ns| Some(edge_of_micro(at_ns, edge)))
        }
        DataType::Timestamp(TimeUnit::Millisecond, _) => {
            spread::<TimestampMillisecondType>(array.as_primitive_opt()?, |at_ms| at_ms.checked_mul(1_000))
        }
        DataType::Timestamp(TimeUnit::Second, _) => {
            spread::<TimestampSecondType>(array.as_primitive_opt()?, |at_s| at_s.checked_mul(1_000_000))
        }
        DataType::Date32 => spread::<Date32Type>(array.as_primitive_opt()?, |day| edge_of_day(i64::from(day), edge)),
        DataType::Date64 => {
            let day_ms = DAY_US / 1_000;
            spread::<Date64Type>(array.as_primitive_opt()?, |at_ms| edge_of_day(at_ms.div_euclid(day_ms), edge))
        }
        DataType::Null => vec![NEVER; array.len()],
        _ => return None,
    })
}

/// The last instant stays on its day, as a month counted from the day after may end a day earlier. Cutting it there decides
/// nothing about what is over, as the instant of judgement is of whole milliseconds.
fn edge_of_micro(at_ns: i64, edge: Edge) -> i64 {
    let (first_us, rest_ns) = (at_ns.div_euclid(1_000), at_ns.rem_euclid(1_000));
    let next_us = first_us + 1;
    let is_cut = edge == Edge::First || rest_ns == 0 || next_us.rem_euclid(DAY_US) == 0;
    if is_cut { first_us } else { next_us }
}

fn edge_of_day(day: i64, edge: Edge) -> Option<i64> {
    let start = day.checked_mul(DAY_US)?;
    match edge {
        Edge::First => Some(start),
        Edge::Last => start.checked_add(DAY_US - 1),
    }
}

fn spread<T: ArrowPrimitiveType>(array: &PrimitiveArray<T>, micros: impl Fn(T::Native) -> Option<i64>) -> Vec<i64> {
    let (first, last) = (DateTime::<Utc>::MIN_UTC.timestamp_micros(), DateTime::<Utc>::MAX_UTC.timestamp_micros());
    let instant = |value: &T::Native| match micros(*value) {
        Some(at) if first <= at && at <= last => at,
        _ => NEVER,
    };
    let mut all: Vec<i64> = array.values().iter().map(instant).collect();
    if let Some(nulls) = array.nulls() {
        for (at, is_valid) in all.iter_mut().zip(nulls.iter()) {
            if !is_valid {
                *at = NEVER;
            }
        }
    }
    all
}

/// The instant to judge at: whole milliseconds, cut toward the past. So no instant of data lies so close to it that one of
/// nanoseconds must be told from its microsecond.
pub(super) fn judged_at(now: DateTime<Utc>) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(now.timestamp_millis()).unwrap_or(now)
}

/// The instant in microseconds; finer parts are cut toward the past.
pub(super) fn micros(at: DateTime<Utc>) -> i64 {
    at.timestamp_micros()
}

/// The instant of microseconds; none of [`NEVER`].
pub(super) fn instant(at_us: i64) -> Option<DateTime<Utc>> {
    if at_us == NEVER { None } else { DateTime::from_timestamp_micros(at_us) }
}

/// When something that is counted per row is over, judged at one instant.
#[derive(Debug, Clone)]
pub(super) enum Term {
    /// A length of time after each row's own.
    Age(Age),
    /// At one instant, the same for every row that has a time; [`NEVER`] for one that does not come.
    At {
        /// The instant.
        end_us: i64,
        /// Whether it has come.
        is_over: bool,
    },
}

impl Term {
    /// An instant that is the same for every row.
    pub(super) fn at(end: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Self {
        Self::At { end_us: end.map_or(NEVER, micros), is_over: end.is_some_and(|end| end <= now) }
    }

    /// For which rows it is over.
    pub(super) fn over(&self, instants: &[i64]) -> BooleanBuffer {
        match self {
            Self::Age(age) => age.over(instants),
            Self::At { is_over: false, .. } => BooleanBuffer::new_unset(instants.len()),
            Self::At { is_over: true, .. } => BooleanBuffer::collect_bool(instants.len(), |row| instants[row] != NEVER),
        }
    }

    /// Whether it can be over for a row that is not older than `earliest_us`.
    pub(super) fn may_be_over(&self, earliest_us: i64) -> bool {
        match self {
            Self::Age(age) => age.may_be_over(earliest_us),
            Self::At { is_over, .. } => *is_over,
        }
    }

    /// Computes ends.
    pub(super) fn ends(&self) -> Ends {
        match self {
            Self::Age(age) => Ends::new(age.span),
            Self::At { end_us, .. } => Ends::At(*end_us),
        }
    }

    /// The length of time; none of an instant.
    pub(super) fn span(&self) -> Option<Span> {
        match self {
            Self::Age(age) => Some(age.span),
            Self::At { .. } => None,
        }
    }
}

/// A length of time, and what begins early enough for it to be over at one instant.
#[derive(Debug, Clone)]
pub(super) struct Age {
    span: Span,
    /// What begins before is over.
    all_before_us: i64,
    /// What begins from there on is not. Between the two, the time of day tells.
    none_from_us: i64,
    /// The last time of day that counts as over between the two, in microseconds.
    clock_us: i64,
}

impl Age {
    pub(super) fn new(span: Span, now: DateTime<Utc>) -> Self {
        let now_us = micros(now);
        match span {
            Span::Hours(hours) => {
                let before_us = i128::from(now_us) - i128::from(hours) * i128::from(HOUR_US) + 1;
                let before_us = i64::try_from(before_us).unwrap_or(i64::MIN);
                Self { span, all_before_us: before_us, none_from_us: before_us, clock_us: 0 }
            }
            Span::Months(months) => {
                let today = now.date_naive();
                let days = first_days(today, Months::new(months));
                let (all_before_us, none_from_us) = days.map_or((i64::MIN, i64::MIN), |(reaching, passing)| {
                    (start_of_day(reaching), start_of_day(passing))
                });
                Self { span, all_before_us, none_from_us, clock_us: now_us.rem_euclid(DAY_US) }
            }
        }
    }

    fn is_over(&self, begin_us: i64) -> bool {
        begin_us < self.all_before_us || (begin_us < self.none_from_us && begin_us.rem_euclid(DAY_US) <= self.clock_us)
    }

    /// For which beginnings it is over.
    pub(super) fn over(&self, instants: &[i64]) -> BooleanBuffer {
        BooleanBuffer::collect_bool(instants.len(), |row| self.is_over(instants[row]))
    }

    fn may_be_over(&self, earliest_us: i64) -> bool {
        // Midnight of the day after is the first instant with an earlier time of day.
        let next_day_us = earliest_us.div_euclid(DAY_US).saturating_add(1).saturating_mul(DAY_US);
        self.is_over(earliest_us) || self.is_over(next_day_us)
    }

    /// Computes ends.
    pub(super) fn ends(&self) -> Ends {
        Ends::new(self.span)
    }

    /// The length of time.
    pub(super) fn span(&self) -> Span {
        self.span
    }
}

/// The first day from which the months reach `today`, and the first from which they go beyond; none before the calendar.
fn first_days(today: NaiveDate, months: Months) -> Option<(NaiveDate, NaiveDate)> {
    let target = |day: NaiveDate| day.checked_add_months(months);
    // Going back clamps as well, so it leads to the first such day or before it.
    let mut day = today.checked_sub_months(months)?;
    while target(day)? < today {
        day = day.succ_opt()?;
    }
    let reaching = day;
    while target(day)? <= today {
        day = day.succ_opt()?;
    }
    Some((reaching, day))
}

fn start_of_day(day: NaiveDate) -> i64 {
    i64::from(day.to_epoch_days()) * DAY_US
}

/// Computes where a length of time ends; it keeps the calendar's answer for a day, as neighbours often share one.
#[derive(Debug, Clone)]
pub(super) enum Ends {
    /// The same for every row.
    At(i64),
    /// A fixed length.
    Plain {
        /// The length.
        shift_us: i128,
    },
    /// A length that differs by day.
    Calendar {
        /// Its months.
        months: Months,
        /// The day last asked about, in days since the epoch.
        day: i64,
        /// How far months reach from it; none beyond the calendar.
        shift_us: Option<i64>,
    },
}

impl Ends {
    fn new(span: Span) -> Self {
        match span {
            Span::Hours(hours) => Self::Plain { shift_us: i128::from(hours) * i128::from(HOUR_US) },
            Span::Months(months) => Self::Calendar { months: Months::new(months), day: i64::MAX, shift_us: None },
        }
    }

    /// Where it ends when it begins there; [`NEVER`] beyond what an instant holds.
    pub(super) fn of(&mut self, begin_us: i64) -> i64 {
        if begin_us == NEVER && !matches!(self, Self::At(_)) {
            return NEVER;
        }
        let end_us = match self {
            Self::At(end_us) => return *end_us,
            Self::Plain { shift_us } => i64::try_from(i128::from(begin_us) + *shift_us).ok(),
            Self::Calendar { months, day, shift_us } => {
                let begins_on = begin_us.div_euclid(DAY_US);
                if *day != begins_on {
                    (*day, *shift_us) = (begins_on, months_from(begins_on, *months));
                }
                shift_us.and_then(|shift_us| begin_us.checked_add(shift_us))
            }
        };
        end_us.filter(|end_us| *end_us <= DateTime::<Utc>::MAX_UTC.timestamp_micros()).unwrap_or(NEVER)
    }
}

fn months_from(day: i64, months: Months) -> Option<i64> {
    let from = NaiveDate::from_epoch_days(i32::try_from(day).ok()?)?;
    let to = from.checked_add_months(months)?;
    (i64::from(to.to_epoch_days()) - day).checked_mul(DAY_US)
}
