//! Memory for objects under way: one that does not fit beside the others waits for them.

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::error::EngineError;

/// What is given out at a time.
const UNIT_BYTES: u64 = 64 << 10;
/// As many units as a semaphore can count on any machine.
const UNITS_MAX: u32 = 1 << 28;

/// The memory.
#[derive(Debug)]
pub(super) struct Room {
    units: u32,
    free: Semaphore,
}

impl Room {
    pub(super) fn new(bytes: u64) -> Self {
        let units = units(bytes);
        Self { units, free: Semaphore::new(units as usize) }
    }

    /// Waits until there is memory for an object of this size; one that takes more than there is waits for all of it.
    pub(super) async fn take(&self, object_bytes: u64) -> Result<SemaphorePermit<'_>, EngineError> {
        let taken = self.free.acquire_many(units(needed_bytes(object_bytes)).min(self.units)).await;
        taken.map_err(|error| EngineError::Bug { what: format!("no memory is given out ({error})") })
    }
}

/// Bytes in memory that an object takes: its own, those of the output, and a row group before and after it is written.
pub(super) fn needed_bytes(object_bytes: u64) -> u64 {
    object_bytes.saturating_mul(3)
}

fn units(bytes: u64) -> u32 {
    u32::try_from(bytes.div_ceil(UNIT_BYTES)).unwrap_or(u32::MAX).min(UNITS_MAX)
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[tokio::test]
    async fn what_does_not_fit_beside_the_others_waits_and_what_fits_nowhere_goes_alone() {
        let room = Room::new(30 << 20);
        let first = room.take(6 << 20).await.expect("fits");
        let second = room.take(4 << 20).await.expect("fits beside it");
        let mut third = Box::pin(room.take(1 << 20));
        assert!(third.as_mut().now_or_never().is_none(), "there is no room left");
        drop(second);
        let third = third.await.expect("fits now");
        let mut huge = Box::pin(room.take(1 << 40));
        assert!(huge.as_mut().now_or_never().is_none(), "others are under way");
        drop((first, third));
        assert!(huge.await.is_ok());
    }
}
