//! Small tables with few values, so that what is compared is often equal.

use std::sync::Arc;

use datafusion::arrow::array::{
    ArrayRef, Int64Array, ListArray, RecordBatch, StringArray, StructArray, new_null_array,
};
use datafusion::arrow::datatypes::{DataType, Field, Fields, Int64Type, Schema};
use rand::Rng;
use rand_chacha::ChaCha8Rng;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Holds {
    /// Integers.
    Int,
    /// Texts.
    Text,
    /// Lists of integers.
    List,
    /// `p` of type integer and `q` of type text.
    Struct,
}

/// The tables: name and columns.
pub(crate) const TABLES: [(&str, &[(&str, Holds)]); 3] = [
    ("t", &[("a", Holds::Int), ("b", Holds::Int), ("c", Holds::Int), ("s", Holds::Text), ("l", Holds::List)]),
    ("u", &[("a", Holds::Int), ("x", Holds::Int), ("r", Holds::Text), ("st", Holds::Struct)]),
    ("v", &[("x", Holds::Int), ("z", Holds::Text), ("b", Holds::Int)]),
];

/// Rows of each table.
const ROWS: usize = 7;

/// The rows of every table.
#[derive(Debug, Clone)]
pub(crate) struct Rows {
    tables: Vec<Vec<ArrayRef>>,
}

impl Rows {
    pub(crate) fn drawn(chance: &mut ChaCha8Rng) -> Self {
        let tables = TABLES.iter().map(|(_, columns)| columns.iter().map(|(_, holds)| drawn(*holds, chance)).collect());
        Self { tables: tables.collect() }
    }

    /// The same rows, but one column holds something else.
    pub(crate) fn with_other(&self, table: usize, column: usize, chance: &mut ChaCha8Rng) -> Self {
        let mut other = self.clone();
        other.tables[table][column] = drawn(TABLES[table].1[column].1, chance);
        other
    }

    /// The rows of a table.
    pub(crate) fn batch(&self, table: usize) -> RecordBatch {
        let columns = &self.tables[table];
        let names = TABLES[table].1.iter().zip(columns);
        let fields: Vec<Field> =
            names.map(|((name, _), column)| Field::new(*name, column.data_type().clone(), true)).collect();
        RecordBatch::try_new(Arc::new(Schema::new(fields)), columns.clone()).expect("columns of the schema")
    }
}

fn drawn(holds: Holds, chance: &mut ChaCha8Rng) -> ArrayRef {
    match holds {
        Holds::Int => Arc::new(ints(chance)),
        Holds::Text => Arc::new(texts(chance)),
        Holds::List => {
            let lists = (0..ROWS).map(|_| {
                let some = chance.random_ratio(7, 8);
                some.then(|| {
                    (0..chance.random_range(0..3)).map(|_| Some(chance.random_range(0..4))).collect::<Vec<_>>()
                })
            });
            let lists: Vec<Option<Vec<Option<i64>>>> = lists.collect();
            Arc::new(ListArray::from_iter_primitive::<Int64Type, _, _>(lists))
        }
        Holds::Struct => {
            let fields =
                Fields::from(vec![Field::new("p", DataType::Int64, true), Field::new("q", DataType::Utf8, true)]);
            let columns: Vec<ArrayRef> = vec![Arc::new(ints(chance)), Arc::new(texts(chance))];
            match StructArray::try_new(fields.clone(), columns, None) {
                Ok(structs) => Arc::new(structs),
                Err(_) => new_null_array(&DataType::Struct(fields), ROWS),
            }
        }
    }
}

fn ints(chance: &mut ChaCha8Rng) -> Int64Array {
    (0..ROWS).map(|_| chance.random_ratio(7, 8).then(|| chance.random_range(-1..4))).collect()
}

fn texts(chance: &mut ChaCha8Rng) -> StringArray {
    const WORDS: [&str; 4] = ["p", "q", "rr", "s"];
    (0..ROWS).map(|_| chance.random_ratio(7, 8).then(|| WORDS[chance.random_range(0..WORDS.len())])).collect()
}
