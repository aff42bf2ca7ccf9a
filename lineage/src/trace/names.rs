//! Which dataset a table of a plan is.

use std::collections::{BTreeMap, BTreeSet};

use datafusion_common::TableReference;

use crate::facts::DatasetName;

/// Schema of a lake's datasets: their names stand without it.
const DATASETS: &str = "public";

/// Ending of the name by which DataFusion scans the rows that a table function makes.
const MADE_BY_FUNCTION: &str = "()";

/// Names that a plan uses, and what they stand for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    namespace: String,
    tables: BTreeMap<String, DatasetName>,
    passing: BTreeSet<String>,
}

impl Names {
    /// Every table is a dataset of `namespace` under its own name: a dataset as it is declared, a record of ours
    /// with its schema, for example `auditlake.runs`.
    pub fn new(namespace: impl Into<String>) -> Self {
        Self { namespace: namespace.into(), ..Self::default() }
    }

    /// As these names, but `table` is `dataset`.
    #[must_use]
    pub fn with_table(mut self, table: impl Into<String>, dataset: DatasetName) -> Self {
        self.tables.insert(table.into(), dataset);
        self
    }

    /// As these names, and extension nodes called `node` hand their input on, column by column.
    #[must_use]
    pub fn with_passing(mut self, node: impl Into<String>) -> Self {
        self.passing.insert(node.into());
        self
    }

    /// The dataset of a table; none for the rows that a table function makes.
    pub(super) fn dataset(&self, table: &TableReference) -> Option<DatasetName> {
        if table.table().ends_with(MADE_BY_FUNCTION) {
            return None;
        }
        let name = match table.schema() {
            None | Some(DATASETS) => table.table().to_owned(),
            Some(schema) => format!("{schema}.{}", table.table()),
        };
        let known = self.tables.get(&name).cloned();
        Some(known.unwrap_or_else(|| DatasetName { namespace: self.namespace.clone(), name }))
    }

    /// Whether an extension node hands its input on as it is.
    pub(super) fn is_passing(&self, node: &str) -> bool {
        self.passing.contains(node)
    }
}
