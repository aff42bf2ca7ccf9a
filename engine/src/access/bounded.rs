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
        let arrays: Vec<ArrayRef> =
            args.args.iter().map(|arg| arg.to_array(args.number_rows)).collect::<Result<_>>()?;
        // Of a constant there is one answer, whatever the number of rows.
        let rows =
            if args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_))) { 1 } else { args.number_rows };
        let (size, allowed) = match self.size {
            Size::Compared => (compared(&arrays, rows), STEPS_MAX),
            Size::Repeated => (times(&arrays, rows, bytes_of)?, BYTES_MAX),
            Size::Filled => (times(&arrays, rows, |_, _| 8)?, BYTES_MAX),
            Size::Padded => (times(&arrays, rows, |_, _| 4)?, BYTES_MAX),
            Size::Series => (series(&arrays, rows)?, BYTES_MAX),
        };
        if size > allowed {
            let what = format!("{} would make more than there is room for", self.name());
            return Err(DataFusionError::ResourcesExhausted(what));
        }
        self.inner.invoke_with_args(args)
    }
}

/// Bytes of the value at a row, at least one.
fn bytes_of(values: &ArrayRef, row: usize) -> u128 {
    let bytes = match values.data_type() {
        DataType::Utf8 => values.as_string::<i32>().value(row).len(),
        DataType::LargeUtf8 => values.as_string::<i64>().value(row).len(),
        DataType::Utf8View => values.as_string_view().value(row).len(),
        _ => values.slice(row, 1).to_data().get_slice_memory_size().unwrap_or(usize::MAX).max(8),
    };
    bytes.max(1) as u128
}

/// The sum over rows of what one costs times the number in the second argument.
fn times(arrays: &[ArrayRef], rows: usize, cost: impl Fn(&ArrayRef, usize) -> u128) -> Result<u128> {
    let [values, number, ..] = arrays else { return Ok(0) };
    let number = whole(number)?;
    let of = |row: &usize| number.is_valid(*row) && values.is_valid(*row);
    Ok((0..rows)
        .filter(of)
        .map(|row| cost(values, row).saturating_mul(number.value(row).max(0) as u128))
        .fold(0, u128::saturating_add))
}

/// Bytes of the numbers between the first and the second, or from zero to the first.
fn series(arrays: &[ArrayRef], rows: usize) -> Result<u128> {
    if arrays.iter().any(|array| !(array.data_type().is_integer() || array.data_type().is_null())) {
        return not_impl_err!("a series here is of whole numbers");
    }
    let numbers = arrays.iter().map(whole).collect::<Result<Vec<_>>>()?;
    let value = |of: &Int64Array, row: usize| if of.is_valid(row) { i128::from(of.value(row)) } else { 0 };
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

fn compared(arrays: &[ArrayRef], rows: usize) -> u128 {
    let [left, right, ..] = arrays else { return 0 };
    let of = |row: usize| {
        if left.is_null(row) || right.is_null(row) {
            0
        } else {
            bytes_of(left, row).saturating_mul(bytes_of(right, row))
        }
    };
    (0..rows).map(of).fold(0, u128::saturating_add)
}

fn whole(array: &ArrayRef) -> Result<Int64Array> {
    Ok(cast(array, &DataType::Int64)?.as_primitive::<Int64Type>().clone())
}
