//! Instants that move by an offset of their person, so that the time between two of them stays.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use arrow::error::ArrowError;

use super::parts::Parts;
use crate::column_values::instants;
use crate::keyed::Keyed;

/// What the hash is for.
const PURPOSE: &str = "shift";

/// The offsets of one column.
#[derive(Debug, Clone)]
pub(super) struct Shift {
    key: Keyed,
    within_seconds: u64,
}

impl Shift {
    pub(super) fn new(secret: &[u8], within_seconds: u64) -> Self {
        Self { key: Keyed::new(secret, PURPOSE), within_seconds }
    }

    /// Instants after it. Those of nobody move alike, by the offset of an empty name.
    pub(super) fn apply(
        &self,
        column: &ArrayRef,
        subjects: &ArrayRef,
        tenants: Option<&ArrayRef>,
    ) -> Result<ArrayRef, ArrowError> {
        let tenants = Parts::of(tenants)?;
        let subjects = cast(subjects, &DataType::Utf8)?;
        let subjects = subjects.as_string::<i32>();
        instants(column, |row, at| {
            let subject = if subjects.is_valid(row) { subjects.value(row) } else { "" };
            at.checked_add(self.offset(tenants.get(row), subject).checked_mul(1_000_000)?)
        })
    }

    /// Seconds, from the longest one back to the longest one on.
    fn offset(&self, tenant: &str, subject: &str) -> i64 {
        let digest = self.key.with(tenant).with(subject).digest();
        let drawn = digest.iter().take(16).fold(0_u128, |sum, byte| sum << 8 | u128::from(*byte));
        let span = 2 * u128::from(self.within_seconds) + 1;
        // 128 bits over at most ten years in seconds: no offset is likelier than another by any measure.
        let drawn = i64::try_from(drawn % span).unwrap_or_default();
        drawn - i64::try_from(self.within_seconds).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{StringArray, TimestampMicrosecondArray};
    use arrow::datatypes::TimestampMicrosecondType;

    use super::*;

    const DAY: i64 = 86_400_000_000;

    #[test]
    fn gaps_of_a_person_stay_and_offsets_are_within_bounds() {
        let times = [10 * DAY, 11 * DAY, 10 * DAY, 12 * DAY];
        let column: ArrayRef =
            Arc::new(TimestampMicrosecondArray::from(vec![Some(times[0]), Some(times[1]), Some(times[2]), None]));
        let subjects: ArrayRef = Arc::new(StringArray::from(vec![Some("a"), Some("a"), Some("b"), Some("b")]));
        let shift = Shift::new(&[1; 32], 30 * 86_400);
        let made = shift.apply(&column, &subjects, None).expect("instants");
        let made = made.as_primitive::<TimestampMicrosecondType>();
        assert_eq!(made.value(1) - made.value(0), DAY);
        assert_ne!(made.value(0), made.value(2));
        assert!(made.is_null(3));
        for (row, time) in times.iter().enumerate().take(3) {
            assert!((made.value(row) - time).abs() <= 30 * DAY);
        }
        let again = shift.apply(&column, &subjects, None).expect("instants");
        assert_eq!(again.as_primitive::<TimestampMicrosecondType>(), made);
    }

    #[test]
    fn offsets_are_of_key_and_tenant_and_reach_both_ends() {
        let shift = Shift::new(&[1; 32], 2);
        let mut seen: Vec<i64> = (0..200).map(|subject| shift.offset("t1", &subject.to_string())).collect();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen, [-2, -1, 0, 1, 2]);
        let wide = |secret: u8, tenant: &str| Shift::new(&[secret; 32], 1 << 30).offset(tenant, "alice");
        assert_ne!(wide(1, "t1"), wide(2, "t1"));
        assert_ne!(wide(1, "t1"), wide(1, "t2"));
    }
}
