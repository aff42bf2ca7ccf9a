//! Functions whose answer is as large as a number says: a principal's session has them with a bound.
//!
//! What a function allocates is no operator's, and no pool of memory knows of it. So the size of the answer is worked out
//! of the arguments before it is made. Absent: functions whose answer is a few times as large as what they are given.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, FieldRef, Int64Type};
use datafusion::common::not_impl_err;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::FunctionRegistry;
use datafusion::execution::context::SessionState;
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
};

/// Bytes that a function may make of the rows it is given at once.
const BYTES_MAX: u128 = 64 << 20;
/// Bytes of one constant: other functions write it out for every row of a batch.
const CONSTANT_BYTES_MAX: u128 = 256 << 10;
/// Steps that it may take for them.
const STEPS_MAX: u128 = 1 << 30;

/// How large an answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Size {
    /// The first argument so often as the second says.
    Repeated,
    /// So many elements as the second argument says.
    Filled,
    /// So many letters as the second argument says.
    Padded,
    /// So many numbers as lie between two of them.
    Series,
    /// As many steps as letters of the first times letters of the second.
    Compared,
}

const BOUNDED: [(&str, Size); 8] = [
    ("repeat", Size::Repeated),
    ("array_repeat", Size::Repeated),
    ("array_resize", Size::Filled),
    ("lpad", Size::Padded),
    ("rpad", Size::Padded),
    ("range", Size::Series),
    ("generate_series", Size::Series),
    ("levenshtein", Size::Compared),
];

/// Puts a bound on these functions of a session.
///
/// # Errors
/// When the session does not take them.
pub(crate) fn bound(state: &mut SessionState) -> Result<()> {
    for (name, size) in BOUNDED {
        // One that this build of the library has not needs no bound.
        let Some(inner) = state.scalar_functions().get(name).cloned() else { continue };
        state.register_udf(Arc::new(ScalarUDF::new_from_impl(Bounded { inner, size })))?;
    }
    Ok(())
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Bounded {
    inner: Arc<ScalarUDF>,
    size: Size,
}

impl ScalarUDFImpl for Bounded {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn aliases(&self) -> &[String] {
        self.inner.aliases()
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        self.inner.return_type(types)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        self.inner.return_field_from_args(args)
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        self.inner.coerce_types(types)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        // A constant stands once: written out for every row it would be what this is to prevent.
        let arrays = args.args.iter().map(|arg| match arg {
            ColumnarValue::Array(array) => Ok(Arc::clone(array)),
            ColumnarValue::Scalar(value) => value.to_array(),
        });
        let arrays = arrays.collect::<Result<Vec<ArrayRef>>>()?;
        let is_constant = args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let (rows, bytes_max) = if is_constant { (1, CONSTANT_BYTES_MAX) } else { (args.number_rows, BYTES_MAX) };
        let (size, allowed) = match self.size {
            Size::Compared => (compared(&arrays, rows), STEPS_MAX),
            Size::Repeated => (times(&arrays, rows, |row| bytes_at(&arrays, 0, row))?, bytes_max),
            Size::Filled => (times(&arrays, rows, |row| bytes_at(&arrays, 2, row).max(8))?, bytes_max),
            Size::Padded => (times(&arrays, rows, |_| 4)?, bytes_max),
            Size::Series => (series(&arrays, rows)?, bytes_max),
        };
        if size > allowed {
            let what = format!("{} would make more than there is room for", self.name());
            return Err(DataFusionError::ResourcesExhausted(what));
        }
        self.inner.invoke_with_args(args)
    }
}

/// Where the value of a row stands: that of a constant stands once.
fn place(array: &ArrayRef, row: usize) -> usize {
    if array.len() == 1 { 0 } else { row }
}

/// Bytes of an argument's value at a row. A text that is null is none, and a list may have many nulls.
fn bytes_at(arrays: &[ArrayRef], argument: usize, row: usize) -> u128 {
    let Some(values) = arrays.get(argument) else { return 0 };
    let at = place(values, row);
    let text = |text: &str, is_valid: bool| if is_valid { text.len().max(1) } else { 0 };
    let bytes = match values.data_type() {
        DataType::Utf8 => text(values.as_string::<i32>().value(at), values.is_valid(at)),
        DataType::LargeUtf8 => text(values.as_string::<i64>().value(at), values.is_valid(at)),
        DataType::Utf8View => text(values.as_string_view().value(at), values.is_valid(at)),
        _ => values.slice(at, 1).to_data().get_slice_memory_size().unwrap_or(usize::MAX).max(8),
    };
    bytes as u128
}

/// The sum over rows of what one costs times the number in the second argument.
fn times(arrays: &[ArrayRef], rows: usize, cost: impl Fn(usize) -> u128) -> Result<u128> {
    let Some(number) = arrays.get(1) else { return Ok(0) };
    let number = whole(number)?;
    let of_row = |row: usize| cost(row).saturating_mul(value(&number, row).max(0) as u128);
    Ok((0..rows).map(of_row).fold(0, u128::saturating_add))
}

/// The number of a row; none is zero.
fn value(numbers: &Int64Array, row: usize) -> i64 {
    let at = if numbers.len() == 1 { 0 } else { row };
    if numbers.is_valid(at) { numbers.value(at) } else { 0 }
}

/// Bytes of the numbers between the first and the second, or from zero to the first.
fn series(arrays: &[ArrayRef], rows: usize) -> Result<u128> {
    if arrays.iter().any(|array| !(array.data_type().is_integer() || array.data_type().is_null())) {
        return not_impl_err!("a series here is of whole numbers");
    }
    let numbers = arrays.iter().map(whole).collect::<Result<Vec<_>>>()?;
    let value = |of: &Int64Array, row: usize| i128::from(value(of, row));
    let of_row = |row: usize| {
        let (start, end, step) = match numbers.as_slice() {
            [end] => (0, value(end, row), 1),
            [start, end] => (value(start, row), value(end, row), 1),
            [start, end, step, ..] => (value(start, row), value(end, row), value(step, row)),
            [] => (0, 0, 1),
        };
        ((end - start).unsigned_abs() / step.unsigned_abs().max(1)).saturating_add(1).saturating_mul(8)
    };
    Ok((0..rows).map(of_row).fold(0, u128::saturating_add))
}

/// Letters of one text times those of the other.
fn compared(arrays: &[ArrayRef], rows: usize) -> u128 {
    let of_row = |row: usize| bytes_at(arrays, 0, row).saturating_mul(bytes_at(arrays, 1, row));
    (0..rows).map(of_row).fold(0, u128::saturating_add)
}

fn whole(array: &ArrayRef) -> Result<Int64Array> {
    Ok(cast(array, &DataType::Int64)?.as_primitive::<Int64Type>().clone())
}
