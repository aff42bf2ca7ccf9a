//! Lists of structs, such as the pauses of a request: fields by name, each value cast, or no list at all.
//!
//! Arrow's own cast takes fields by position when their names differ, and would make an end of a start.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, ListArray, StructArray, new_null_array};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::compute::filter;
use arrow::datatypes::DataType;
use schemas::ColumnType;

use super::columns::to_column;
use crate::error::EngineError;

/// Each list with its values cast. A list is null when a value of it does not fit, a field of it has no place, or an
/// item of it is null: half a list would say something else.
pub(crate) fn to_structs(
    given: &ArrayRef,
    kind: ColumnType,
    fields: &[(&'static str, ColumnType)],
) -> Result<ArrayRef, EngineError> {
    let target = kind.arrow();
    let (Some(lists), DataType::List(item)) = (given.as_list_opt::<i32>(), &target) else {
        return Ok(new_null_array(&target, given.len()));
    };
    let DataType::Struct(into) = item.data_type() else { return Ok(new_null_array(&target, given.len())) };
    let first = lists.value_offsets().first().map_or(0, |first| index(*first));
    let last = lists.value_offsets().last().map_or(0, |last| index(*last));
    let items = lists.values().slice(first, last - first);
    let (columns, fits) = match items.as_struct_opt() {
        Some(objects) => cast_fields(objects, fields)?,
        // Nothing is known of the items of lists that are all empty.
        None => (
            into.iter().map(|field| new_null_array(field.data_type(), items.len())).collect(),
            vec![false; items.len()],
        ),
    };
    let ranges = lists.value_offsets().windows(2).map(|pair| index(pair[0]) - first..index(pair[1]) - first);
    let whole: Vec<bool> = ranges
        .clone()
        .enumerate()
        .map(|(row, range)| lists.is_valid(row) && fits[range].iter().all(|fits| *fits))
        .collect();
    let mut keep = vec![false; items.len()];
    let mut lengths = Vec::with_capacity(lists.len());
    for (range, whole) in ranges.zip(&whole) {
        lengths.push(if *whole { range.len() } else { 0 });
        keep[range].fill(*whole);
    }
    let keep = BooleanArray::from(keep);
    let kept = columns
        .iter()
        .map(|column| filter(column, &keep))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| bug(&error))?;
    let count = lengths.iter().sum();
    let objects = StructArray::try_new_with_length(into.clone(), kept, None, count).map_err(|error| bug(&error))?;
    let nulls = Some(NullBuffer::from(whole));
    let offsets = OffsetBuffer::from_lengths(lengths);
    let list = ListArray::try_new(Arc::clone(item), offsets, Arc::new(objects), nulls).map_err(|error| bug(&error))?;
    Ok(Arc::new(list))
}

/// The fields of the items by name, and which items fit.
fn cast_fields(
    objects: &StructArray,
    fields: &[(&'static str, ColumnType)],
) -> Result<(Vec<ArrayRef>, Vec<bool>), EngineError> {
    let mut fits: Vec<bool> = (0..objects.len()).map(|item| objects.is_valid(item)).collect();
    let mut columns = Vec::with_capacity(fields.len());
    for (name, kind) in fields {
        let Some(given) = objects.column_by_name(name) else {
            columns.push(new_null_array(&kind.arrow(), objects.len()));
            continue;
        };
        let column = to_column(given, *kind)?;
        for (item, fits) in fits.iter_mut().enumerate() {
            *fits &= column.is_valid(item) || given.is_null(item);
        }
        columns.push(column);
    }
    for (name, given) in objects.column_names().into_iter().zip(objects.columns()) {
        if !fields.iter().any(|(known, _)| *known == name) {
            for (item, fits) in fits.iter_mut().enumerate() {
                *fits &= given.is_null(item);
            }
        }
    }
    Ok((columns, fits))
}

fn index(offset: i32) -> usize {
    usize::try_from(offset).unwrap_or_default()
}

fn bug(error: &arrow::error::ArrowError) -> EngineError {
    EngineError::Bug { what: format!("cast values do not form a list ({error})") }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::json_columns::{InferredType, decode};
    use super::*;

    /// The values of key `x` of some records, as a column of pauses.
    fn pauses(values: &[Value]) -> ArrayRef {
        let records: Vec<Value> = values.iter().map(|value| json!({"x": value})).collect();
        let mut inferred = InferredType::default();
        records.iter().for_each(|record| inferred.observe(record));
        let given = decode(&inferred.to_fields(), &records).remove(0);
        to_column(&given, ColumnType::PAUSES).expect("casts")
    }

    #[track_caller]
    fn check(values: &[Value], expected: &[Option<&str>]) {
        let column = pauses(values);
        assert_eq!(column.data_type(), &ColumnType::PAUSES.arrow());
        let options = arrow::util::display::FormatOptions::default();
        let text = arrow::util::display::ArrayFormatter::try_new(column.as_ref(), &options).expect("prints");
        let found: Vec<Option<String>> =
            (0..column.len()).map(|row| column.is_valid(row).then(|| text.value(row).to_string())).collect();
        assert_eq!(found.iter().map(Option::as_deref).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn fields_are_taken_by_name_and_absent_ones_are_null() {
        let open = json!([{"reason": "identity", "from": "2026-01-05T10:00:00+01:00", "to": null}]);
        let two = json!([{"from": "2026-01-01T00:00:00Z", "to": "2026-01-02T00:00:00Z"}, {"reason": "clarification"}]);
        let open_text = "[{from: 2026-01-05T09:00:00Z, to: , reason: identity}]";
        let two_text =
            "[{from: 2026-01-01T00:00:00Z, to: 2026-01-02T00:00:00Z, reason: }, {from: , to: , reason: clarification}]";
        check(&[open, json!(null), json!([]), two], &[Some(open_text), None, Some("[]"), Some(two_text)]);
        check(&[json!([]), json!(null)], &[Some("[]"), None]);
    }

    #[test]
    fn half_a_list_is_no_list() {
        let good = json!([{"from": "2026-01-01T00:00:00Z"}]);
        let shown = Some("[{from: 2026-01-01T00:00:00Z, to: , reason: }]");
        check(&[json!([{"from": "soon"}, {"from": "2026-01-01T00:00:00Z"}]), good.clone()], &[None, shown]);
        check(&[json!([{"until": "2026-01-01T00:00:00Z"}]), good.clone()], &[None, shown]);
        check(&[json!([null]), good.clone()], &[None, shown]);
        check(&[json!("identity"), json!("x")], &[None, None]);
        check(&[json!(["identity"])], &[None]);
    }
}
