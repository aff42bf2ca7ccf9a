//! Errors as a principal may see them: what it wrote itself is told, what a row held is not.
//!
//! A cast in a condition fails with the value it met, whoever's row that was. So of a statement that runs only the kind
//! of fault is told, and of files and views only that they are there for somebody else to mend.

use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use datafusion::error::DataFusionError;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::StreamExt;
use schemas::{Limit, Principal, Remedy};

use crate::error::EngineError;
use crate::lake_session::OPTIMIZED;

/// The error as `principal` may see it.
pub(crate) fn redacted(principal: &Principal, error: EngineError) -> EngineError {
    match error {
        EngineError::Sql { stage, source } => of_sql(stage, source),
        EngineError::Memory(_) => {
            let allowed = principal.limits.of(Limit::Memory);
            EngineError::limit(Limit::Memory, allowed.saturating_add(1), allowed)
        }
        error @ (EngineError::NotReading { .. }
        | EngineError::NotOfOneRow { .. }
        | EngineError::NoValue { .. }
        | EngineError::Denied { .. }
        | EngineError::Limit { .. }
        | EngineError::Withheld { .. }) => error,
        EngineError::View { dataset, .. } => withheld(
            format!("what you may see of \"{dataset}\" cannot be worked out; ask whoever keeps access.yaml"),
            Remedy::FixConfig,
        ),
        error if error.remedy() == Remedy::Retry => {
            withheld("the data cannot be read now; run the same command again".to_owned(), Remedy::Retry)
        }
        _ => withheld("the data cannot be read; ask whoever runs the lake".to_owned(), Remedy::InspectData),
    }
}

fn withheld(what: String, remedy: Remedy) -> EngineError {
    EngineError::Withheld { what, remedy }
}

fn of_sql(stage: &'static str, source: Box<DataFusionError>) -> EngineError {
    let says_only_what_was_written = matches!(
        source.find_root(),
        DataFusionError::Plan(_)
            | DataFusionError::SQL(..)
            | DataFusionError::SchemaError(..)
            | DataFusionError::NotImplemented(_)
    );
    if matches!(stage, "parsed" | "planned") && says_only_what_was_written {
        return EngineError::Sql { stage, source };
    }
    // It may print the plan, with files and filters.
    if stage == OPTIMIZED && !matches!(source.find_root(), DataFusionError::ArrowError(..)) {
        let what = "the engine finds no way to run the statement as it is written; write it in another way".to_owned();
        return withheld(what, Remedy::FixConfig);
    }
    let kind = match source.find_root() {
        DataFusionError::ArrowError(error, _) => of_arrow(error),
        _ => "a value is not what a function takes",
    };
    withheld(
        format!("the statement failed on a row: {kind}. Which value it was is not told; try_cast gives null instead"),
        Remedy::FixConfig,
    )
}

fn of_arrow(error: &ArrowError) -> &'static str {
    match error {
        ArrowError::CastError(_) | ArrowError::ParseError(_) => "a value cannot be cast to the type asked for",
        ArrowError::DivideByZero => "a division by zero",
        ArrowError::ArithmeticOverflow(_) | ArrowError::ComputeError(_) => "a number is too large for its type",
        _ => "a value is not what a function takes",
    }
}

/// Rows whose errors are [`redacted`].
pub(crate) fn redacted_stream(principal: &Principal, rows: SendableRecordBatchStream) -> SendableRecordBatchStream {
    let (schema, principal): (SchemaRef, Principal) = (rows.schema(), principal.clone());
    let told = rows.map(move |batch| {
        batch.map_err(|source| {
            DataFusionError::External(Box::new(redacted(&principal, EngineError::sql("run", source))))
        })
    });
    Box::pin(RecordBatchStreamAdapter::new(schema, told))
}
