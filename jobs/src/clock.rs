//! The wall clock: the only place that reads it, and the only one that waits.

use std::time::{Duration, Instant};

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

/// Waits; not at all, but lets others go on, where the duration is none.
#[expect(clippy::disallowed_methods, reason = "this is the one place that waits")]
pub(crate) async fn pause(duration: Duration) {
    if duration.is_zero() {
        tokio::task::yield_now().await;
    } else {
        tokio::time::sleep(duration).await;
    }
}

/// How long something takes, told to people and written nowhere.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stopwatch(Instant);

impl Stopwatch {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that measures elapsed time")]
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    pub(crate) fn seconds(&self) -> f64 {
        self.0.elapsed().as_secs_f64()
    }
}

/// Waits between attempts at work whose files were replaced under it: whoever replaces one is about to replace others. Each
/// time is twice as long as the one before.
#[derive(Debug)]
pub(crate) struct Pauses {
    next: Duration,
    left: usize,
}

impl Pauses {
    /// How often the same is begun anew.
    const TIMES: usize = 29;
    const SHORTEST: Duration = Duration::from_millis(20);
    const LONGEST: Duration = Duration::from_secs(2);

    pub(crate) fn new() -> Self {
        Self { next: Self::SHORTEST, left: Self::TIMES }
    }

    /// Waits; `false` at once when it has waited often enough.
    pub(crate) async fn next(&mut self) -> bool {
        if self.left == 0 {
            return false;
        }
        self.left -= 1;
        pause(self.next).await;
        self.next = (self.next * 2).min(Self::LONGEST);
        true
    }
}
