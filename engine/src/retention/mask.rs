//! What a policy does to columns in place: as a change of Parquet values, and as a question whether a row would change.
//!
//! A row that would not change is in no plan, or every plan would have it again. Absent: keyed methods.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, TimeUnit, TimestampMicrosecondType};
use schemas::InPlace;

use super::surgery::Mask;
use crate::coarsen::{floor, network};

/// What stands for a hidden character.
const HIDDEN: char = '*';

/// A text after the method; none where it becomes null. Of methods that are no methods of texts, the text.
fn text_after(method: &InPlace, text: &str) -> Option<String> {
    match method {
        InPlace::Redact => None,
        InPlace::Constant { value } => Some(value.clone()),
        InPlace::Mask { keep, last } => Some(masked(text, *keep as usize, *last)),
        InPlace::TruncateIp { v4, v6 } => network(text, *v4, *v6),
        InPlace::Floor { .. } => Some(text.to_owned()),
    }
}

/// The first or last characters, and every other hidden; all of them where nothing would be hidden.
fn masked(text: &str, keep: usize, last: bool) -> String {
    let letters = text.chars().count();
    let is_shown = |at: usize| letters > keep && if last { at >= letters - keep } else { at < keep };
    text.chars().enumerate().map(|(at, letter)| if is_shown(at) { letter } else { HIDDEN }).collect()
}

/// The method as a change of values; `unit` is that of a column of instants.
pub(crate) fn mask_of(method: &InPlace, unit: Option<TimeUnit>) -> Mask {
    match method {
        InPlace::Redact => Mask::Null,
        InPlace::Floor { to } => {
            let (to, per_micro) = (*to, unit.unwrap_or(TimeUnit::Microsecond));
            Mask::Int64(Arc::new(move |at| {
                let micros = match per_micro {
                    TimeUnit::Second => at.checked_mul(1_000_000)?,
                    TimeUnit::Millisecond => at.checked_mul(1_000)?,
                    TimeUnit::Microsecond => at,
                    TimeUnit::Nanosecond => at.div_euclid(1_000),
                };
                let floored = floor(micros, to)?;
                match per_micro {
                    TimeUnit::Second => Some(floored / 1_000_000),
                    TimeUnit::Millisecond => Some(floored / 1_000),
                    TimeUnit::Microsecond => Some(floored),
                    TimeUnit::Nanosecond => floored.checked_mul(1_000),
                }
            }))
        }
        method => {
            let method = method.clone();
            Mask::Text(Arc::new(move |bytes| {
                let text = std::str::from_utf8(bytes).ok()?;
                text_after(&method, text).map(String::into_bytes)
            }))
        }
    }
}

/// Rows of a column that the method would change. A value that cannot be null and is already empty, zero or of zeros, is
/// what `redact` makes of it.
pub(crate) fn changed_rows(
    method: &InPlace,
    column: &ArrayRef,
    nullable: bool,
) -> Result<Vec<bool>, arrow::error::ArrowError> {
    let rows = column.len();
    Ok(match method {
        InPlace::Redact if nullable => (0..rows).map(|row| column.is_valid(row)).collect(),
        InPlace::Redact => {
            let zero = zeros(column)?;
            (0..rows).map(|row| column.is_valid(row) && !zero[row]).collect()
        }
        InPlace::Floor { to } => {
            let micros = cast(column, &DataType::Timestamp(TimeUnit::Microsecond, None))?;
            let micros = micros.as_primitive::<TimestampMicrosecondType>();
            micros.iter().map(|at| at.is_some_and(|at| floor(at, *to) != Some(at))).collect()
        }
        method => {
            let texts = cast(column, &DataType::Utf8)?;
            let after = |text: &str| text_after(method, text).or_else(|| (!nullable).then(String::new));
            texts
                .as_string::<i32>()
                .iter()
                .map(|text| text.is_some_and(|text| after(text).as_deref() != Some(text)))
                .collect()
        }
    })
}

/// Which values are empty text, zero, false, or bytes of zero. Of lists and the like, those without elements.
fn zeros(column: &ArrayRef) -> Result<Vec<bool>, arrow::error::ArrowError> {
    let rows = 0..column.len();
    Ok(match column.data_type() {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Dictionary(..) => {
            cast(column, &DataType::Utf8)?
                .as_string::<i32>()
                .iter()
                .map(|text| text.is_some_and(str::is_empty))
                .collect()
        }
        DataType::FixedSizeBinary(_) => {
            let bytes = column.as_fixed_size_binary();
            rows.map(|row| bytes.value(row).iter().all(|byte| *byte == 0)).collect()
        }
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => {
            let bytes = cast(column, &DataType::Binary)?;
            bytes.as_binary::<i32>().iter().map(|bytes| bytes.is_some_and(<[u8]>::is_empty)).collect()
        }
        DataType::List(_) => {
            let lists = column.as_list::<i32>();
            rows.map(|row| lists.value_length(row) == 0).collect()
        }
        DataType::Map(..) => {
            let maps = column.as_map();
            rows.map(|row| maps.value_length(row) == 0).collect()
        }
        _ => {
            let texts = cast(column, &DataType::Utf8)?;
            let zero = |text: &str| matches!(text, "0" | "0.0" | "false") || text.starts_with("1970-01-01T00:00:00");
            texts.as_string::<i32>().iter().map(|text| text.is_some_and(zero)).collect()
        }
    })
}

#[cfg(test)]
mod tests {
    use arrow::array::StringArray;
    use schemas::FloorUnit;

    use super::*;

    fn text(method: &InPlace, text: &str) -> Option<String> {
        text_after(method, text)
    }

    #[test]
    fn a_mask_hides_the_rest_and_all_of_what_is_short() {
        let mask = |keep, last| InPlace::Mask { keep, last };
        assert_eq!(text(&mask(2, false), "alice").as_deref(), Some("al***"));
        assert_eq!(text(&mask(2, true), "alice").as_deref(), Some("***ce"));
        assert_eq!(text(&mask(2, true), "ab").as_deref(), Some("**"));
        assert_eq!(text(&mask(0, false), "äö").as_deref(), Some("**"));
    }

    #[test]
    fn every_method_changes_nothing_the_second_time() {
        let methods = [
            InPlace::Redact,
            InPlace::Constant { value: "erased".to_owned() },
            InPlace::Mask { keep: 3, last: false },
            InPlace::Mask { keep: 3, last: true },
            InPlace::TruncateIp { v4: 24, v6: 48 },
        ];
        let texts = ["", "a", "abc", "abcd", "203.0.113.77", "2001:db8:1:2::3", "no address", "***", "ab*"];
        for (method, nullable) in methods.iter().flat_map(|method| [(method, true), (method, false)]) {
            let after = |text: &str| text_after(method, text).or_else(|| (!nullable).then(String::new));
            let once: Vec<Option<String>> = texts.iter().map(|text| after(text)).collect();
            let column: ArrayRef = Arc::new(StringArray::from(once));
            let changed = changed_rows(method, &column, nullable).expect("texts");
            assert!(!changed.contains(&true), "{method:?} {nullable} {changed:?}");
        }
    }

    #[test]
    fn instants_go_down_in_the_unit_of_their_column() {
        let at = |text: &str| schemas::parse_rfc3339(text).expect("is an instant");
        let (day, then) = (at("2026-03-29T00:00:00Z"), at("2026-03-29T04:05:06Z"));
        let of = |unit, value: i64| match mask_of(&InPlace::Floor { to: FloorUnit::Day }, Some(unit)) {
            Mask::Int64(floor) => floor(value),
            other => panic!("{other:?}"),
        };
        assert_eq!(of(TimeUnit::Second, then.timestamp()), Some(day.timestamp()));
        assert_eq!(of(TimeUnit::Millisecond, then.timestamp_millis()), Some(day.timestamp_millis()));
        assert_eq!(of(TimeUnit::Nanosecond, then.timestamp_micros() * 1_000 + 7), Some(day.timestamp_micros() * 1_000));
    }
}
