//! Rows of a statement as texts, each with all its digits. Of the rows that are not shown only their number is kept.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, TimeUnit, TimestampMicrosecondType};
use chrono::DateTime;
use engine::{EngineError, LakeSession, LogicalPlan, stream_error};
use futures::StreamExt;
use schemas::{ValueKind, rfc3339};

use super::columns::Shape;
use crate::error::JobError;

/// The values of rows, and how many rows there are.
type Rows = (Vec<Vec<Option<String>>>, u64);

/// The first rows of a plan, and how many there are.
pub(super) async fn rows(
    (session, plan): (&LakeSession, &LogicalPlan),
    shapes: &[Shape],
    rows_max: u64,
) -> Result<Rows, JobError> {
    let (mut rows, mut total) = (Vec::new(), 0_u64);
    let mut batches = session.stream(plan).await?;
    while let Some(batch) = batches.next().await {
        let batch = batch.map_err(stream_error)?;
        let room = usize::try_from(rows_max.saturating_sub(total)).unwrap_or(usize::MAX).min(batch.num_rows());
        total += batch.num_rows() as u64;
        if room == 0 {
            continue;
        }
        let batch = batch.slice(0, room);
        let columns = shapes.iter().zip(batch.columns()).map(|(shape, column)| texts(shape, column));
        let columns: Vec<Vec<Option<String>>> = columns.collect::<Result<_, _>>()?;
        let mut columns: Vec<_> = columns.into_iter().map(Vec::into_iter).collect();
        rows.extend((0..room).map(|_| columns.iter_mut().map(|column| column.next().flatten()).collect()));
    }
    Ok((rows, total))
}

/// The values of a column.
fn texts(shape: &Shape, column: &ArrayRef) -> Result<Vec<Option<String>>, EngineError> {
    let cast = |kind: DataType| {
        arrow::compute::cast(column, &kind).map_err(|error| EngineError::Bug {
            what: format!("column {:?} cannot be shown ({error})", shape.column.name),
        })
    };
    if shape.column.kind == ValueKind::Instant {
        let instants = cast(DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())))?;
        let instants = instants.as_primitive::<TimestampMicrosecondType>();
        let text = |at: Option<i64>| at.and_then(DateTime::from_timestamp_micros).map(rfc3339);
        return Ok(instants.iter().map(text).collect());
    }
    let texts = cast(DataType::Utf8)?;
    let texts = texts.as_string::<i32>();
    let text = |row: usize| texts.is_valid(row).then(|| texts.value(row));
    let shown = |text: &str| match shape.column.kind {
        ValueKind::Number => number(text, shape),
        _ => text.to_owned(),
    };
    Ok((0..texts.len()).map(|row| text(row).map(shown)).collect())
}

/// A number with its point moved, or without noughts at its end that say nothing.
fn number(digits: &str, shape: &Shape) -> String {
    let (sign, plain) = digits.strip_prefix('-').map_or(("", digits), |plain| ("-", plain));
    match plain.split_once('.') {
        None if shape.shift == 0 => padded(format!("{sign}{plain}"), 0, shape.places),
        None => {
            let filled = format!("{plain:0>width$}", width = shape.shift + 1);
            let (whole, rest) = filled.split_at(filled.len() - shape.shift);
            format!("{sign}{whole}.{rest}")
        }
        Some((whole, rest)) => {
            let kept = rest.trim_end_matches('0').len();
            let text = if kept == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{}", &rest[..kept]) };
            padded(text, kept, shape.places)
        }
    }
}

/// A number with as many places as are wanted at least.
fn padded(text: String, has: usize, wanted: usize) -> String {
    match (has, wanted.saturating_sub(has)) {
        (_, 0) => text,
        (0, missing) => format!("{text}.{}", "0".repeat(missing)),
        (_, missing) => format!("{text}{}", "0".repeat(missing)),
    }
}

#[cfg(test)]
mod tests {
    use schemas::FilledColumn;

    use super::*;

    fn shown(digits: &str, shift: usize, places: usize) -> String {
        let column = FilledColumn { name: "n".to_owned(), title: "N".to_owned(), unit: None, kind: ValueKind::Number };
        number(digits, &Shape { column, shift, places })
    }

    #[test]
    fn points_move_and_no_digit_is_lost() {
        assert_eq!(
            ["12345", "-12345", "5", "-5", "0"].map(|digits| shown(digits, 3, 0)),
            ["12.345", "-12.345", "0.005", "-0.005", "0.000"]
        );
        assert_eq!(shown("-9223372036854775808", 4, 0), "-922337203685477.5808");
        assert_eq!(["7", "-7"].map(|digits| shown(digits, 0, 0)), ["7", "-7"]);
    }

    #[test]
    fn decimals_keep_what_says_something() {
        let given = ["499.000000000000", "0.100000000000", "-0.000000000001", "1.250", "0.00"];
        assert_eq!(given.map(|digits| shown(digits, 0, 0)), ["499", "0.1", "-0.000000000001", "1.25", "0"]);
        assert_eq!(given.map(|digits| shown(digits, 0, 2)), ["499.00", "0.10", "-0.000000000001", "1.25", "0.00"]);
        assert_eq!(shown("12", 0, 2), "12.00", "a decimal without places");
    }
}
