//! Seeded rows with a column of every kind, for tests.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, DictionaryArray, Float64Array, Int64Array,
    Int64Builder, ListBuilder, MapBuilder, RecordBatch, StringArray, StringBuilder, StringViewArray, StructArray,
    TimestampMicrosecondArray, UInt64Array,
};
use arrow::datatypes::{DataType, Field, Int8Type};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Texts that readers take for something else.
pub(crate) const HOSTILE: [&str; 16] = [
    "",
    "=1+1",
    "''+1",
    "@cmd",
    "-",
    "\t",
    "yes",
    "null",
    "~",
    "&anchor <tag> ]]> \"quoted\"",
    "line\r\nbreak",
    " blank ",
    "\u{85}\u{2028}\u{a0}\u{feff}",
    "\u{1b}[31m",
    "_x0041_",
    "😀 é",
];

/// So many rows; the same ones for the same seed.
pub(crate) fn rows_of_all_kinds(seed: u64, rows: usize) -> RecordBatch {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut some = |odds: f64| random.random_bool(odds);
    let valid: Vec<bool> = (0..rows).map(|_| some(0.9)).collect();
    let pick: Vec<usize> = (0..rows).map(|_| random.random_range(0..HOSTILE.len())).collect();
    let wide: Vec<i64> = (0..rows).map(|_| random.random()).collect();
    let kept = |row: usize| valid[row].then_some(row);
    let texts: Vec<Option<&str>> = (0..rows).map(|row| kept(row).map(|row| HOSTILE[pick[row]])).collect();
    let small = |row: usize| wide[row] % 1_000;
    let day = 86_400_000_000_i64;
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("id", Arc::new(Int64Array::from_iter_values(0..rows as i64))),
        ("wide", Arc::new((0..rows).map(|row| kept(row).map(|row| wide[row])).collect::<Int64Array>())),
        ("unsigned", Arc::new(UInt64Array::from_iter_values(wide.iter().map(|value| value.unsigned_abs())))),
        ("share", Arc::new(Float64Array::from_iter_values(wide.iter().map(|value| f64::from_bits(*value as u64))))),
        ("flag", Arc::new((0..rows).map(|row| kept(row).map(|row| wide[row] > 0)).collect::<BooleanArray>())),
        ("note", Arc::new(StringArray::from(texts.clone()))),
        ("kind", Arc::new(texts.iter().copied().collect::<DictionaryArray<Int8Type>>())),
        ("day", Arc::new(Date32Array::from_iter_values((0..rows).map(|row| small(row) as i32)))),
        (
            "at",
            Arc::new(TimestampMicrosecondArray::from_iter_values(wide.iter().map(|us| us % day)).with_timezone("UTC")),
        ),
        ("price", Arc::new(prices(rows, small))),
        ("bytes", Arc::new(BinaryArray::from_iter_values(pick.iter().map(|pick| HOSTILE[*pick].as_bytes())))),
        (
            "view",
            Arc::new(StringViewArray::from(
                texts.iter().map(|text| text.map(|text| text.repeat(3))).collect::<Vec<_>>(),
            )),
        ),
        ("tags", lists(&texts)),
        ("who", structs(&texts, &wide)),
        ("counts", maps(&texts)),
    ];
    let named = columns.into_iter().map(|(name, array)| (name, array, true));
    RecordBatch::try_from_iter_with_nullable(named).expect("is a batch")
}

fn prices(rows: usize, small: impl Fn(usize) -> i64) -> Decimal128Array {
    let values = Decimal128Array::from_iter_values((0..rows).map(|row| small(row).into()));
    values.with_precision_and_scale(10, 2).expect("fits")
}

/// Of each row, the texts of the next few.
fn lists(texts: &[Option<&str>]) -> ArrayRef {
    let mut lists = ListBuilder::new(StringBuilder::new());
    for (row, text) in texts.iter().enumerate() {
        texts.iter().skip(row).take(row % 4).for_each(|text| lists.values().append_option(*text));
        lists.append(text.is_some());
    }
    Arc::new(lists.finish())
}

fn structs(texts: &[Option<&str>], wide: &[i64]) -> ArrayRef {
    let field = |name: &str, data_type| Arc::new(Field::new(name, data_type, true));
    let names: ArrayRef = Arc::new(StringArray::from(texts.to_vec()));
    let numbers: ArrayRef = Arc::new(Int64Array::from(wide.to_vec()));
    Arc::new(StructArray::from(vec![(field("name of", DataType::Utf8), names), (field("n", DataType::Int64), numbers)]))
}

fn maps(texts: &[Option<&str>]) -> ArrayRef {
    let mut maps = MapBuilder::new(None, StringBuilder::new(), Int64Builder::new());
    for (row, text) in texts.iter().enumerate() {
        for (number, key) in HOSTILE.iter().skip(row % 8).take(row % 3).enumerate() {
            maps.keys().append_value(key);
            maps.values().append_option((number > 0).then_some(row as i64));
        }
        maps.append(text.is_some()).expect("appends");
    }
    Arc::new(maps.finish())
}
