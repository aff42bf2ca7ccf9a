//! A condition in plans: whether a row names one of some persons, of whom only references are known.
//!
//! It never fails. A row of which nobody can tell whom it names counts as naming one of them. Absent: who the persons are, and
//! whether the rows are left out or shown.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray};
use arrow::buffer::BooleanBuffer;
use arrow::datatypes::{DataType, Schema};
use datafusion::catalog::TableProvider;
use datafusion::common::TableReference;
use datafusion::datasource::{ViewTable, provider_as_source};
use datafusion::error::Result;
use datafusion::logical_expr::utils::disjunction;
use datafusion::logical_expr::{
    ColumnarValue, Expr, LogicalPlanBuilder, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
    ident, lit,
};
use schemas::{Dataset, DatasetId};

use crate::subject::{Naming, Persons};

/// Whether a row of the columns of `schema` names one of the persons; none where no row of the dataset names anybody.
pub(crate) fn names_one_of(persons: &Arc<Persons>, dataset: &Dataset, schema: &Schema) -> Option<Expr> {
    if persons.is_empty() {
        return None;
    }
    match Naming::of(dataset) {
        Naming::Nowhere => None,
        Naming::Untold => Some(lit(true)),
        Naming::Columns(columns) => {
            let there = columns.iter().filter(|column| schema.column_with_name(column).is_some());
            disjunction(there.map(|column| {
                // Kinds of columns are those of the dataset, also in its archive.
                let of = DatasetId::archived(dataset.id.as_str()).unwrap_or_else(|| dataset.id.clone());
                let function = NamesPerson::new(persons, &of, column);
                ScalarUDF::new_from_impl(function).call(vec![ident(column)])
            }))
        }
    }
}

/// The rows of a dataset that name none of the persons.
///
/// # Errors
/// When the plan does not fit together.
pub(crate) fn without(
    persons: &Arc<Persons>,
    dataset: &Dataset,
    rows: Arc<dyn TableProvider>,
) -> Result<Arc<dyn TableProvider>> {
    let Some(theirs) = names_one_of(persons, dataset, &rows.schema()) else { return Ok(rows) };
    let name = TableReference::bare(dataset.id.as_str());
    let plan = LogicalPlanBuilder::scan(name, provider_as_source(rows), None)?.filter(!theirs)?.build()?;
    Ok(Arc::new(ViewTable::new(plan, None)))
}

/// Whether values of one column name one of some persons.
#[derive(Clone)]
struct NamesPerson {
    persons: Arc<Persons>,
    dataset: DatasetId,
    column: String,
    signature: Signature,
}

impl NamesPerson {
    fn new(persons: &Arc<Persons>, dataset: &DatasetId, column: &str) -> Self {
        Self {
            persons: Arc::clone(persons),
            dataset: dataset.clone(),
            column: column.to_owned(),
            signature: Signature::any(1, Volatility::Immutable),
        }
    }
}

/// Nobody is to be seen: not in a plan, not in a log.
impl fmt::Debug for NamesPerson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NamesPerson").field("column", &self.column).finish_non_exhaustive()
    }
}

impl PartialEq for NamesPerson {
    fn eq(&self, other: &Self) -> bool {
        (&self.dataset, &self.column) == (&other.dataset, &other.column) && self.persons == other.persons
    }
}

impl Eq for NamesPerson {}

impl Hash for NamesPerson {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (&self.dataset, &self.column).hash(state);
        self.persons.references().for_each(|reference| reference.hash(state));
    }
}

impl ScalarUDFImpl for NamesPerson {
    fn name(&self) -> &'static str {
        "names_person"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let values: Option<ArrayRef> = args.args.first().map(|value| value.to_array(args.number_rows)).transpose()?;
        let named = values.map(|values| self.persons.named(&self.dataset, &self.column, &values).maybe);
        let named = named.unwrap_or_else(|| BooleanBuffer::new_set(args.number_rows));
        Ok(ColumnarValue::Array(Arc::new(BooleanArray::new(named, None))))
    }
}
