//! What a search found, for rows that come by again: looked up by the values of their quasi identifiers.
//!
//! A search sees the columns of all rows at once, and the copy is written batch by batch. Rows that are equal in every quasi
//! identifier are in one group, so their values are all that must be known of them.

use std::collections::{HashMap, HashSet};

use arrow::array::{ArrayRef, BooleanArray, StringArray, UInt32Array};
use arrow::compute::{cast, take};
use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use arrow::row::{RowConverter, Rows, SortField};

/// Columns as keys of rows, whichever of its forms a text comes in.
#[derive(Debug)]
struct Keys(RowConverter);

impl Keys {
    fn of(columns: &[ArrayRef]) -> Result<(Self, Rows), ArrowError> {
        let columns = plain(columns)?;
        let fields = columns.iter().map(|column| SortField::new(column.data_type().clone())).collect();
        let converter = RowConverter::new(fields)?;
        let rows = converter.convert_columns(&columns)?;
        Ok((Self(converter), rows))
    }

    fn rows(&self, columns: &[ArrayRef]) -> Result<Rows, ArrowError> {
        self.0.convert_columns(&plain(columns)?)
    }
}

fn plain(columns: &[ArrayRef]) -> Result<Vec<ArrayRef>, ArrowError> {
    let plain = columns.iter().map(|column| match column.data_type() {
        DataType::Utf8View | DataType::LargeUtf8 | DataType::Dictionary(..) => cast(column, &DataType::Utf8),
        _ => Ok(ArrayRef::clone(column)),
    });
    plain.collect()
}

/// What arrow says of values may have them in it.
fn unreadable(_: ArrowError) -> &'static str {
    "the quasi identifiers cannot be told apart; give them other types"
}

/// Rows that are not in the copy.
#[derive(Debug)]
pub(super) struct LeftOut {
    keys: Keys,
    left: HashSet<Box<[u8]>>,
}

impl LeftOut {
    /// Of the rows that a search saw, those that it leaves out.
    pub(super) fn new(quasi: &[ArrayRef], suppressed: &BooleanArray) -> Result<Self, &'static str> {
        let (keys, rows) = Keys::of(quasi).map_err(unreadable)?;
        let of = rows.iter().zip(suppressed).filter(|(_, left)| *left == Some(true));
        Ok(Self { keys, left: of.map(|(row, _)| row.as_ref().into()).collect() })
    }

    pub(super) fn of(&self, quasi: &[ArrayRef]) -> Result<BooleanArray, &'static str> {
        let rows = self.keys.rows(quasi).map_err(unreadable)?;
        Ok(rows.iter().map(|row| Some(self.left.contains(row.as_ref()))).collect())
    }
}

/// The range of each row in each quasi identifier.
#[derive(Debug)]
pub(super) struct Ranges {
    keys: Keys,
    places: HashMap<Box<[u8]>, u32>,
    texts: Vec<StringArray>,
}

impl Ranges {
    /// Of the rows that a search saw, the texts it gave them.
    pub(super) fn new(quasi: &[ArrayRef], texts: Vec<StringArray>) -> Result<Self, &'static str> {
        let (keys, rows) = Keys::of(quasi).map_err(unreadable)?;
        let mut places = HashMap::new();
        for (at, row) in rows.iter().enumerate() {
            let at = u32::try_from(at).map_err(|_| "there are too many rows; take a shorter interval")?;
            places.entry(row.as_ref().into()).or_insert(at);
        }
        Ok(Self { keys, places, texts })
    }

    pub(super) fn texts(&self, quasi: &[ArrayRef], column: usize) -> Result<ArrayRef, &'static str> {
        const NEW: &str = "rows came that were not there before; run it again";
        let rows = self.keys.rows(quasi).map_err(unreadable)?;
        let places: Option<Vec<u32>> = rows.iter().map(|row| self.places.get(row.as_ref()).copied()).collect();
        let texts = self.texts.get(column).ok_or(NEW)?;
        take(texts, &UInt32Array::from(places.ok_or(NEW)?), None).map_err(unreadable)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{AsArray, Int64Array, StringViewArray};

    use super::*;

    fn columns(ages: &[Option<i64>], names: &[Option<&str>]) -> [ArrayRef; 2] {
        [Arc::new(Int64Array::from(ages.to_vec())), Arc::new(StringArray::from(names.to_vec()))]
    }

    #[test]
    fn rows_are_known_by_their_values_whatever_form_texts_have() {
        let seen = columns(&[Some(1), None, Some(1)], &[Some("a"), None, Some("b")]);
        let left = LeftOut::new(&seen, &BooleanArray::from(vec![true, true, false])).expect("keys");
        let mut again = columns(&[None, Some(1), Some(1), None], &[None, Some("b"), Some("a"), Some("a")]);
        again[1] = Arc::new(StringViewArray::from_iter(again[1].as_string::<i32>().iter()));
        assert_eq!(left.of(&again).expect("keys"), BooleanArray::from(vec![true, false, true, false]));
    }

    #[test]
    fn a_row_has_the_range_of_its_values_and_an_unknown_one_is_told() {
        let seen = columns(&[Some(21), Some(29)], &[Some("a"), None]);
        let texts = vec![StringArray::from(vec!["[21-25]", "[26-29]"]), StringArray::from(vec!["a", "*"])];
        let ranges = Ranges::new(&seen, texts).expect("keys");
        let made = ranges.texts(&columns(&[Some(29), Some(21)], &[None, Some("a")]), 0).expect("known");
        assert_eq!(made.as_string::<i32>(), &StringArray::from(vec!["[26-29]", "[21-25]"]));
        assert!(ranges.texts(&columns(&[Some(7)], &[None]), 0).is_err_and(|why| !why.contains('7')));
    }
}
