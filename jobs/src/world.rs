//! What a run does not decide for itself: the time, chance, and who runs it.

use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};
use rand::{RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;
use schemas::Clock;

use crate::clock::WallClock;

/// The one source of everything that differs between two equal runs.
#[derive(Debug, Clone)]
pub struct World {
    clock: Arc<dyn Clock>,
    /// The one that no command pins.
    log_clock: Arc<dyn Clock>,
    rng: Arc<Mutex<ChaCha8Rng>>,
}

impl World {
    /// The real world: the machine's clock and its source of chance.
    pub fn real() -> Self {
        let clock: Arc<dyn Clock> = Arc::new(WallClock);
        Self { log_clock: Arc::clone(&clock), clock, rng: Arc::new(Mutex::new(ChaCha8Rng::from_os_rng())) }
    }

    /// A world that is the same every time.
    pub fn seeded(clock: Arc<dyn Clock>, seed: u64) -> Self {
        Self { log_clock: Arc::clone(&clock), clock, rng: Arc::new(Mutex::new(ChaCha8Rng::seed_from_u64(seed))) }
    }

    /// This world with another clock; when something is logged, it still says itself.
    #[must_use]
    pub fn at(&self, clock: Arc<dyn Clock>) -> Self {
        Self { clock, log_clock: Arc::clone(&self.log_clock), rng: Arc::clone(&self.rng) }
    }

    /// The instant it is.
    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// The instant at which something is logged: also where a run is pinned to another one.
    pub fn logged_at(&self) -> DateTime<Utc> {
        self.log_clock.now()
    }

    /// Fills `bytes` by chance.
    pub fn fill(&self, bytes: &mut [u8]) {
        self.rng.lock().unwrap_or_else(PoisonError::into_inner).fill_bytes(bytes);
    }
}
