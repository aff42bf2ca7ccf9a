//! `to_timestamp` and its kin over columns of text, in a session that has a time zone.
//!
//! DataFusion 55 promises a time of that zone and hands out one without, which fails the statement. The instant is
//! right, so it only lacks its label.

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::error::Result;
use datafusion::execution::FunctionRegistry;
use datafusion::execution::context::SessionState;
use datafusion::logical_expr::{ColumnarValue, Documentation, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature};

const FUNCTIONS: [&str; 5] =
    ["to_timestamp", "to_timestamp_seconds", "to_timestamp_millis", "to_timestamp_micros", "to_timestamp_nanos"];

/// Replaces the functions of a session whose zone is UTC.
///
/// # Errors
/// When the session has no such function.
pub(crate) fn label_times(state: &mut SessionState) -> Result<()> {
    for name in FUNCTIONS {
        let inner = state.udf(name)?;
        state.register_udf(Arc::new(ScalarUDF::new_from_impl(Labelled { inner })))?;
    }
    Ok(())
}

/// A function whose result is given the type that it promised.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Labelled {
    inner: Arc<ScalarUDF>,
}

impl ScalarUDFImpl for Labelled {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        self.inner.return_type(arguments)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let promised = args.return_field.data_type().clone();
        self.inner.invoke_with_args(args)?.cast_to(&promised, None)
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.inner.documentation()
    }
}
