//! The values of a column as small numbers: equal values get the same one, NULL included.
//!
//! Numbers are given in the order in which values are met first, so that the same rows always get the same ones.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, UInt32Array};
use arrow::buffer::NullBuffer;
use arrow::compute::{SortOptions, sort_to_indices, take};
use arrow::datatypes::{
    ArrowNativeType, BinaryType, BinaryViewType, ByteArrayType, ByteViewType, DataType, Float16Type, Float32Type,
    Float64Type, LargeBinaryType, LargeUtf8Type, StringViewType, Utf8Type,
};
use arrow::error::ArrowError;
use arrow::row::{RowConverter, SortField};
use arrow::util::display::{ArrayFormatter, FormatOptions};

use super::grouping::Numbers;

/// Rows that can be counted: a code fits 32 bits, and one is kept free.
pub(super) const MAX_ROWS: usize = u32::MAX as usize - 1;

/// A column in codes from 0.
#[derive(Debug, Clone)]
pub(super) struct Coded {
    /// The code of each row.
    pub(super) codes: Vec<u32>,
    /// The row in which each code is met first.
    pub(super) firsts: Vec<usize>,
    /// The code of NULL, if there is one.
    pub(super) null: Option<u32>,
}

impl Coded {
    /// Codes an array of any type whose values can be compared, of at most `MAX_ROWS` rows.
    pub(super) fn of(array: &ArrayRef) -> Result<Self, ArrowError> {
        let nulls = array.logical_nulls();
        let nulls = nulls.as_ref().filter(|nulls| nulls.null_count() > 0);
        Ok(match array.data_type() {
            DataType::Utf8 => of_bytes::<Utf8Type>(array, nulls),
            DataType::LargeUtf8 => of_bytes::<LargeUtf8Type>(array, nulls),
            DataType::Binary => of_bytes::<BinaryType>(array, nulls),
            DataType::LargeBinary => of_bytes::<LargeBinaryType>(array, nulls),
            DataType::Utf8View => of_views::<StringViewType>(array, nulls),
            DataType::BinaryView => of_views::<BinaryViewType>(array, nulls),
            DataType::Float16 => of_floats::<Float16Type>(array, nulls, |value| f64::from(value.to_f32()))?,
            DataType::Float32 => of_floats::<Float32Type>(array, nulls, f64::from)?,
            DataType::Float64 => of_floats::<Float64Type>(array, nulls, |value| value)?,
            DataType::Boolean => {
                let values = array.as_boolean().values();
                of_range(array.len(), nulls, 2, |row| usize::from(values.value(row)))
            }
            DataType::Dictionary(..) => of_dictionary(array, nulls)?,
            other => match other.primitive_width() {
                Some(1) => of_integers::<i8>(array, nulls, i64::from),
                Some(2) => of_integers::<i16>(array, nulls, i64::from),
                Some(4) => of_integers::<i32>(array, nulls, i64::from),
                Some(8) => of_integers::<i64>(array, nulls, |value| value),
                _ => of_rows(array, nulls)?,
            },
        })
    }

    /// How many codes there are.
    pub(super) fn count(&self) -> usize {
        self.firsts.len()
    }

    /// How many rows have each code.
    pub(super) fn counts(&self) -> Vec<u64> {
        let mut counts = vec![0; self.count()];
        for code in &self.codes {
            counts[*code as usize] += 1;
        }
        counts
    }

    /// The text of each code, none for NULL.
    pub(super) fn texts(&self, array: &ArrayRef) -> Result<Vec<Option<String>>, ArrowError> {
        let options = FormatOptions::default();
        let formatter = ArrayFormatter::try_new(array, &options)?;
        let text = |(code, row): (usize, &usize)| match self.null {
            Some(null) if null as usize == code => Ok(None),
            _ => formatter.value(*row).try_to_string().map(Some),
        };
        self.firsts.iter().enumerate().map(text).collect()
    }

    /// The codes in the order of their values, NULL first.
    pub(super) fn in_order(&self, array: &ArrayRef) -> Result<Vec<u32>, ArrowError> {
        let rows = UInt32Array::from_iter_values(self.firsts.iter().map(|row| *row as u32));
        let values = take(array, &rows, None)?;
        let options = SortOptions { descending: false, nulls_first: true };
        Ok(sort_to_indices(&values, Some(options), None)?.values().to_vec())
    }

    /// Gives each code another number.
    pub(super) fn renumber(&mut self, order: &[u32]) {
        let mut place = vec![0_u32; order.len()];
        for (at, code) in order.iter().enumerate() {
            place[*code as usize] = at as u32;
        }
        self.codes.iter_mut().for_each(|code| *code = place[*code as usize]);
        self.firsts = order.iter().map(|code| self.firsts[*code as usize]).collect();
        self.null = self.null.map(|null| place[null as usize]);
    }
}

/// Codes rows by what `number` gives for a row that is not NULL: the code of its value, or else `next`, to be its code.
fn numbered(rows: usize, nulls: Option<&NullBuffer>, mut number: impl FnMut(usize, u32) -> u32) -> Coded {
    let (mut codes, mut firsts, mut null) = (Vec::new(), Vec::new(), None);
    let mut code_of = |row: usize, is_null: bool| {
        let next = firsts.len() as u32;
        let code = if is_null { *null.get_or_insert(next) } else { number(row, next) };
        if code == next {
            firsts.push(row);
        }
        code
    };
    // One loop for each case: most columns have no NULL.
    match nulls {
        None => codes.extend((0..rows).map(|row| code_of(row, false))),
        Some(nulls) => codes.extend((0..rows).map(|row| code_of(row, nulls.is_null(row)))),
    }
    Coded { codes, firsts, null }
}

/// Values that are numbers below a bound.
fn of_range(rows: usize, nulls: Option<&NullBuffer>, bound: usize, value: impl Fn(usize) -> usize) -> Coded {
    let mut code_of = vec![u32::MAX; bound];
    numbered(rows, nulls, |row, next| {
        let code = &mut code_of[value(row)];
        if *code == u32::MAX {
            *code = next;
        }
        *code
    })
}

/// Values that are any 64 bits.
fn of_words(rows: usize, nulls: Option<&NullBuffer>, value: impl Fn(usize) -> u64) -> Coded {
    let mut numbers = Numbers::default();
    numbered(rows, nulls, |row, next| numbers.number(value(row), next))
}

fn of_integers<T: ArrowNativeType>(array: &ArrayRef, nulls: Option<&NullBuffer>, wide: impl Fn(T) -> i64) -> Coded {
    let data = array.to_data();
    let values = &data.buffer::<T>(0)[..array.len()];
    // What stands where a value is NULL is not known and may be far from the others, which only costs time.
    let (mut least, mut most) = (i64::MAX, i64::MIN);
    for value in values {
        let value = wide(*value);
        (least, most) = (least.min(value), most.max(value));
    }
    match usize::try_from(i128::from(most) - i128::from(least)) {
        Ok(width) if width < values.len().max(1 << 16) => {
            of_range(values.len(), nulls, width + 1, |row| wide(values[row]).wrapping_sub(least) as usize)
        }
        _ => of_words(values.len(), nulls, |row| wide(values[row]) as u64),
    }
}

fn of_floats<T: ArrowPrimitiveType>(
    array: &ArrayRef,
    nulls: Option<&NullBuffer>,
    wide: impl Fn(T::Native) -> f64,
) -> Result<Coded, ArrowError> {
    let floats = array.as_primitive_opt::<T>().ok_or_else(|| ArrowError::CastError("no floats".to_owned()))?;
    let values = floats.values();
    // Either zero is zero, and what is no number is that.
    Ok(of_words(values.len(), nulls, |row| match wide(values[row]) {
        0.0 => 0,
        value if value.is_nan() => f64::NAN.to_bits(),
        value => value.to_bits(),
    }))
}

fn of_bytes<T: ByteArrayType>(array: &ArrayRef, nulls: Option<&NullBuffer>) -> Coded {
    let values = array.as_bytes::<T>();
    of_slices(values.len(), nulls, |row| values.value(row).as_ref())
}

fn of_views<T: ByteViewType>(array: &ArrayRef, nulls: Option<&NullBuffer>) -> Coded {
    let values = array.as_byte_view::<T>();
    of_slices(values.len(), nulls, |row| values.value(row).as_ref())
}

/// Anything else that can be compared: decimals, lists, structs.
fn of_rows(array: &ArrayRef, nulls: Option<&NullBuffer>) -> Result<Coded, ArrowError> {
    let converter = RowConverter::new(vec![SortField::new(array.data_type().clone())])?;
    let rows = converter.convert_columns(std::slice::from_ref(array))?;
    Ok(of_slices(rows.num_rows(), nulls, |row| rows.row(row).data()))
}

fn of_dictionary(array: &ArrayRef, nulls: Option<&NullBuffer>) -> Result<Coded, ArrowError> {
    let dictionary = array.as_any_dictionary();
    // Two entries of a dictionary may be equal, and some may be in no row.
    let values = Coded::of(dictionary.values())?;
    if values.codes.is_empty() {
        return Ok(of_range(array.len(), nulls, 0, |_| 0));
    }
    let keys = dictionary.normalized_keys();
    Ok(of_range(array.len(), nulls, values.count(), |row| values.codes[keys[row]] as usize))
}

fn of_slices<'a>(rows: usize, nulls: Option<&NullBuffer>, value: impl Fn(usize) -> &'a [u8]) -> Coded {
    let mut code_of: HashMap<&[u8], u32, BuildHasherDefault<Folded>> = HashMap::default();
    numbered(rows, nulls, |row, next| *code_of.entry(value(row)).or_insert(next))
}

/// A hash that multiplies and folds eight bytes at a time. It is quick, and order does not depend on it.
#[derive(Debug, Default)]
struct Folded(u64);

const FACTOR: u64 = 0x9E37_79B9_7F4A_7C15;

pub(super) fn folded(word: u64) -> u64 {
    let product = u128::from(word ^ 0x2545_F491_4F6C_DD1D) * u128::from(FACTOR);
    (product >> 64) as u64 ^ product as u64
}

impl Hasher for Folded {
    fn write(&mut self, bytes: &[u8]) {
        let mut words = bytes.chunks_exact(8);
        for word in &mut words {
            let mut eight = [0; 8];
            eight.copy_from_slice(word);
            self.write_u64(u64::from_le_bytes(eight));
        }
        let rest = words.remainder();
        if !rest.is_empty() {
            let word = rest.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte));
            self.write_u64(word);
        }
    }

    fn write_u64(&mut self, word: u64) {
        self.0 = folded(self.0.rotate_left(23) ^ word);
    }

    fn write_usize(&mut self, length: usize) {
        self.write_u64(length as u64);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// Orders codes by a comparison of their texts.
pub(super) fn sorted_by(count: usize, compare: impl Fn(usize, usize) -> Ordering) -> Vec<u32> {
    let mut order: Vec<u32> = (0..count as u32).collect();
    order.sort_by(|left, right| compare(*left as usize, *right as usize));
    order
}
