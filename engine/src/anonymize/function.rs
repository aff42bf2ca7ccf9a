//! What becomes of columns, as functions of plans: the plan of a copy says which column came from which, and in which
//! form.
//!
//! Names are those that lineage knows: `pseudonym`, `mask`, `hierarchy`. `floor_to` and `round_to` are not SQL's own
//! `floor` and `round`, which leave a value what it is.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef};
use arrow::compute::is_null;
use arrow::compute::nullif;
use arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use super::method::{Given, Method};
use super::recode::{LeftOut, Ranges};
use crate::error::EngineError;

/// What a function does with its first column.
#[derive(Debug, Clone)]
pub(super) enum Act {
    /// Null, for the whole column.
    Redact,
    /// The same for every value.
    Constant(ScalarValue),
    /// By itself; beside the column come its tenants and its subjects, where it names them.
    Method { method: Arc<Method>, has_tenants: bool, has_subjects: bool },
    /// The text of the range that the row is in; the columns are the quasi identifiers.
    Range { ranges: Arc<Ranges>, column: usize },
    /// Whether the row is left out; the columns are the quasi identifiers.
    LeftOut(Arc<LeftOut>),
}

/// One function of one column of one copy.
#[derive(Debug, Clone)]
pub(super) struct CopyFunction {
    word: &'static str,
    act: Act,
    policy: String,
    column: String,
    signature: Signature,
}

impl CopyFunction {
    /// A call of the function that does this to a column of a policy's copy.
    pub(super) fn call(word: &'static str, act: Act, (policy, column): (&str, &str), arguments: Vec<Expr>) -> Expr {
        let (policy, column) = (policy.to_owned(), column.to_owned());
        let signature = Signature::variadic_any(Volatility::Immutable);
        ScalarUDF::new_from_impl(Self { word, act, policy, column, signature }).call(arguments)
    }

    fn failed(&self, why: impl std::fmt::Display) -> DataFusionError {
        let (policy, column) = (self.policy.clone(), self.column.clone());
        DataFusionError::External(Box::new(EngineError::CopyValues { policy, column, why: why.to_string() }))
    }
}

/// A policy does one thing to a column.
impl PartialEq for CopyFunction {
    fn eq(&self, other: &Self) -> bool {
        (self.word, &self.policy, &self.column) == (other.word, &other.policy, &other.column)
    }
}

impl Eq for CopyFunction {}

impl Hash for CopyFunction {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.word, &self.policy, &self.column).hash(state);
    }
}

impl ScalarUDFImpl for CopyFunction {
    fn name(&self) -> &str {
        self.word
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, given: &[DataType]) -> Result<DataType> {
        let column = given.first().cloned().unwrap_or(DataType::Null);
        Ok(match &self.act {
            Act::Redact => column,
            Act::Constant(value) => value.data_type(),
            Act::Method { method, .. } => method.returns(&column),
            Act::Range { .. } => DataType::Utf8,
            Act::LeftOut(_) => DataType::Boolean,
        })
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rows = args.number_rows;
        let columns: Vec<ArrayRef> = args.args.iter().map(|value| value.to_array(rows)).collect::<Result<_>>()?;
        let Some(column) = columns.first() else { return Err(self.failed("it names no column")) };
        let made: ArrayRef = match &self.act {
            Act::Redact => arrow::array::new_null_array(column.data_type(), rows),
            Act::Constant(value) => nullif(&value.to_array_of_size(rows)?, &is_null(column)?)?,
            Act::Method { method, has_tenants, has_subjects } => {
                let tenants = columns.get(1).filter(|_| *has_tenants);
                let subjects = columns.get(1 + usize::from(*has_tenants)).filter(|_| *has_subjects);
                method.apply(&Given { column, tenants, subjects }).map_err(|fault| self.failed(fault))?
            }
            Act::Range { ranges, column } => ranges.texts(&columns, *column).map_err(|why| self.failed(why))?,
            Act::LeftOut(left) => Arc::new(left.of(&columns).map_err(|why| self.failed(why))?),
        };
        debug_assert_eq!(made.len(), rows, "rows stay rows");
        Ok(ColumnarValue::Array(made))
    }
}
