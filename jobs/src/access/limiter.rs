//! What principals have used of this process in this minute and this hour.
//!
//! Minutes and hours are those of the clock in UTC, as for exports: what is used up comes back when the next begins.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};
use engine::{EngineError, ScanMeter};
use schemas::{Limit, Principal};

/// Counts what principals use; one for all doors of a process.
#[derive(Debug, Default)]
pub(crate) struct Limiter {
    by_principal: Mutex<HashMap<String, Used>>,
}

#[derive(Debug, Default)]
struct Used {
    minute: i64,
    statements: u64,
    hour: i64,
    scanned_bytes: Arc<AtomicU64>,
}

impl Limiter {
    /// Counts a statement.
    ///
    /// # Errors
    /// When it is one more than a minute has.
    pub(crate) fn statement(&self, principal: &Principal, now: DateTime<Utc>) -> Result<(), EngineError> {
        let (limit, minute) = (Limit::StatementsPerMinute, now.timestamp().div_euclid(60));
        let allowed = principal.limits.of(limit);
        self.with(principal, |used| {
            if used.minute != minute {
                (used.minute, used.statements) = (minute, 0);
            }
            used.statements = used.statements.saturating_add(1);
            if used.statements > allowed { Err(EngineError::limit(limit, used.statements, allowed)) } else { Ok(()) }
        })
    }

    /// Counts what a statement or an export that begins now will read.
    ///
    /// # Errors
    /// When the hour's bytes are used up.
    pub(crate) fn meter(&self, principal: &Principal, now: DateTime<Utc>) -> Result<ScanMeter, EngineError> {
        let (limit, hour) = (Limit::ScannedBytesPerHour, now.timestamp().div_euclid(3_600));
        let allowed = principal.limits.of(limit);
        self.with(principal, |used| {
            if used.hour != hour {
                (used.hour, used.scanned_bytes) = (hour, Arc::default());
            }
            let scanned = used.scanned_bytes.load(Ordering::Relaxed);
            if scanned > allowed {
                return Err(EngineError::limit(limit, allowed.saturating_add(1), allowed));
            }
            Ok(ScanMeter::new(Arc::clone(&used.scanned_bytes)))
        })
    }

    fn with<T>(&self, principal: &Principal, what: impl FnOnce(&mut Used) -> T) -> T {
        let mut by_principal = self.by_principal.lock().unwrap_or_else(PoisonError::into_inner);
        what(by_principal.entry(principal.name.clone()).or_default())
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::access::stand_in;

    #[test]
    fn a_minute_has_so_many_statements_and_the_next_has_its_own() {
        let limits = schemas::Limits::largest([vec![(Limit::StatementsPerMinute, 2)]].iter());
        let (alice, bob) = (stand_in("alice", limits.clone()), stand_in("bob", limits));
        let (limiter, now) = (Limiter::default(), DateTime::<Utc>::UNIX_EPOCH + TimeDelta::seconds(90));
        let ask = |who: &Principal, at| limiter.statement(who, at).map_err(|error| error.to_string());
        assert_eq!((ask(&alice, now), ask(&alice, now)), (Ok(()), Ok(())));
        let told = ask(&alice, now).expect_err("the third");
        assert!(told.contains("statements_per_minute is 2, and this takes 3"), "{told}");
        assert_eq!(ask(&bob, now), Ok(()), "others have their own");
        assert_eq!(ask(&alice, now + TimeDelta::seconds(30)), Ok(()), "the next minute begins");
    }
}
