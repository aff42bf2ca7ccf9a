//! The wall clock: the only place that reads it.

use chrono::{DateTime, Utc};
use schemas::Clock;

/// The time of the machine.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WallClock;

impl Clock for WallClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the wall clock")]
    fn now(&self) -> DateTime<Utc> {
        let now = Utc::now();
        // Microseconds are the finest unit of any record.
        DateTime::from_timestamp_micros(now.timestamp_micros()).unwrap_or(now)
    }
}
