//! Time as an argument: leaves take an instant, only loops hold a [`Clock`].

use std::fmt;

use chrono::{DateTime, Utc};

/// Where the time comes from.
pub trait Clock: fmt::Debug + Send + Sync {
    /// The instant it is now.
    fn now(&self) -> DateTime<Utc>;
}

/// A clock that stands still: for `--at`, for tests and for the demo.
#[derive(Debug, Clone, Copy)]
pub struct FixedClock(pub DateTime<Utc>);

impl Clock for FixedClock {
    fn now(&self) -> DateTime<Utc> {
        self.0
    }
}
