//! The catalog of a session: schema `public` has the datasets, schema `auditlake` our own records.
//!
//! A dataset whose rows are revisions shows those in force; under its name with `_history` it shows all of them.

use std::fmt;
use std::sync::Arc;

use arrow::compute::cast;
use arrow::datatypes::{Field, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use datafusion::catalog::{CatalogProvider, MemTable, SchemaProvider, TableProvider};
use datafusion::common::{Column, JoinType, TableReference};
use datafusion::datasource::{ViewTable, provider_as_source};
use datafusion::error::{DataFusionError, Result as DataFusionResult};
use datafusion::functions_aggregate::min_max::max_udaf;
use datafusion::logical_expr::expr::WindowFunction;
use datafusion::logical_expr::{Expr, ExprFunctionExt, LogicalPlanBuilder, ident, when};
use schemas::{Dataset, HISTORY_ENDING};

use crate::dataset::PinnedFile;
use crate::error::EngineError;
use crate::session::DatasetFiles;
use crate::table::PinnedTable;

/// What a table of schema `auditlake` holds.
#[derive(Debug)]
pub enum SystemTable {
    /// Rows at hand.
    Rows(SchemaRef, Vec<RecordBatch>),
    /// Parquet files of committed runs.
    Files(SchemaRef, Vec<PinnedFile>),
    /// Parquet files of committed runs, some columns of which tell how it was when they were written.
    Amended {
        /// Columns of the table.
        schema: SchemaRef,
        /// Its files.
        files: Vec<PinnedFile>,
        /// Column by which `rows` are found; each of its values stands there once.
        key: &'static str,
        /// Columns of the table as they are at the session's instant, for those rows that have others by then.
        rows: RecordBatch,
    },
}

/// Answers for the schema `auditlake`: the ledger knows what was committed, the engine does not.
#[async_trait]
pub trait SystemTables: fmt::Debug + Send + Sync {
    /// Names of the tables, sorted.
    fn names(&self) -> Vec<String>;

    /// The table of that name as it is at `at`, read when a statement names it.
    async fn table(&self, name: &str, at: DateTime<Utc>) -> Result<Option<SystemTable>, EngineError>;
}

/// A lake without records of its own.
#[derive(Debug, Clone, Copy)]
pub struct NoSystemTables;

#[async_trait]
impl SystemTables for NoSystemTables {
    fn names(&self) -> Vec<String> {
        Vec::new()
    }

    async fn table(&self, _: &str, _: DateTime<Utc>) -> Result<Option<SystemTable>, EngineError> {
        Ok(None)
    }
}

#[derive(Debug)]
pub(crate) struct LakeCatalog {
    public: Arc<dyn SchemaProvider>,
    auditlake: Arc<dyn SchemaProvider>,
}

impl LakeCatalog {
    pub(crate) fn new(files: Arc<DatasetFiles>, records: Arc<dyn SystemTables>, instant: DateTime<Utc>) -> Self {
        Self {
            public: Arc::new(PublicSchema { files: Arc::clone(&files) }),
            auditlake: Arc::new(RecordsSchema { files, records, instant }),
        }
    }
}

impl CatalogProvider for LakeCatalog {
    fn schema_names(&self) -> Vec<String> {
        vec!["auditlake".to_owned(), "public".to_owned()]
    }

    fn schema(&self, name: &str) -> Option<Arc<dyn SchemaProvider>> {
        match name {
            "public" => Some(Arc::clone(&self.public)),
            "auditlake" => Some(Arc::clone(&self.auditlake)),
            _ => None,
        }
    }
}

#[derive(Debug)]
struct PublicSchema {
    files: Arc<DatasetFiles>,
}

#[async_trait]
impl SchemaProvider for PublicSchema {
    fn table_names(&self) -> Vec<String> {
        let datasets = self.files.names();
        let histories = datasets.iter().filter(|name| self.has_revisions(name));
        let histories: Vec<String> = histories.map(|name| format!("{name}{HISTORY_ENDING}")).collect();
        let mut names = [datasets, histories].concat();
        names.sort();
        names
    }

    async fn table(&self, name: &str) -> DataFusionResult<Option<Arc<dyn TableProvider>>> {
        let of_history = self.of_history(name);
        let dataset = of_history.unwrap_or(name);
        let Some(table) = self.files.table(dataset).await.map_err(external)? else { return Ok(None) };
        let rows = Arc::clone(&table.provider);
        match self.files.declared(dataset) {
            Some(declared) if of_history.is_none() && declared.schema.has_revisions() => {
                Ok(Some(Arc::new(in_force(declared, rows)?)))
            }
            _ => Ok(Some(rows)),
        }
    }

    fn table_exist(&self, name: &str) -> bool {
        self.files.declared(self.of_history(name).unwrap_or(name)).is_some()
    }
}

impl PublicSchema {
    fn has_revisions(&self, name: &str) -> bool {
        self.files.declared(name).is_some_and(|dataset| dataset.schema.has_revisions())
    }

    /// The dataset whose history is called `name`.
    fn of_history<'a>(&self, name: &'a str) -> Option<&'a str> {
        name.strip_suffix(HISTORY_ENDING).filter(|dataset| self.has_revisions(dataset))
    }
}

/// The rows of the highest revision of each key and tenant. Two rows of one revision both stay: hiding one would be a
/// choice that nobody made. Conditions on key and tenant reach the scan, as the window is partitioned by them.
fn in_force(dataset: &Dataset, rows: Arc<dyn TableProvider>) -> DataFusionResult<ViewTable> {
    const HIGHEST: &str = "auditlake_highest";
    let key = std::iter::once(dataset.tenant.as_str()).chain(dataset.schema.key.iter().copied());
    let highest = Expr::from(WindowFunction::new(max_udaf(), vec![ident("revision")]))
        .partition_by(key.map(ident).collect())
        .build()?
        .alias(HIGHEST);
    let columns: Vec<Expr> = rows.schema().fields().iter().map(|field| ident(field.name())).collect();
    let plan = LogicalPlanBuilder::scan(TableReference::bare(dataset.id.as_str()), provider_as_source(rows), None)?
        .window(vec![highest])?
        .filter(ident("revision").eq(ident(HIGHEST)))?
        .project(columns)?
        .build()?;
    Ok(ViewTable::new(plan, None))
}

#[derive(Debug)]
struct RecordsSchema {
    files: Arc<DatasetFiles>,
    records: Arc<dyn SystemTables>,
    /// Instant of the session.
    instant: DateTime<Utc>,
}

#[async_trait]
impl SchemaProvider for RecordsSchema {
    fn table_names(&self) -> Vec<String> {
        self.records.names()
    }

    async fn table(&self, name: &str) -> DataFusionResult<Option<Arc<dyn TableProvider>>> {
        let table: Arc<dyn TableProvider> = match self.records.table(name, self.instant).await.map_err(external)? {
            None => return Ok(None),
            Some(SystemTable::Rows(schema, rows)) => Arc::new(MemTable::try_new(schema, vec![rows])?),
            Some(SystemTable::Files(schema, files)) => self.pinned(&schema, files),
            Some(SystemTable::Amended { schema, files, key, rows }) => {
                Arc::new(amended(self.pinned(&schema, files), key, &rows)?)
            }
        };
        Ok(Some(table))
    }

    fn table_exist(&self, name: &str) -> bool {
        self.records.names().iter().any(|known| known == name)
    }
}

impl RecordsSchema {
    fn pinned(&self, schema: &Schema, files: Vec<PinnedFile>) -> Arc<dyn TableProvider> {
        self.files.lake.pin(&files);
        Arc::new(PinnedTable::new(&self.files.lake, schema, files))
    }
}

/// The rows of `table`; where `rows` has one of the same key, its other columns stand in place of theirs.
fn amended(table: Arc<dyn TableProvider>, key: &str, rows: &RecordBatch) -> DataFusionResult<ViewTable> {
    const WRITTEN: &str = "auditlake_written";
    const AMENDED: &str = "auditlake_amended";
    let of = |table: &str, column: &str| Expr::Column(Column::new(Some(TableReference::bare(table)), column));
    let schema = table.schema();
    let mut fields = Vec::new();
    let mut values = Vec::new();
    for (field, value) in rows.schema().fields().iter().zip(rows.columns()) {
        // Both sides of a comparison and of a choice have one type.
        let kind = schema.field_with_name(field.name())?.data_type();
        values.push(cast(value, kind)?);
        fields.push(Field::new(field.name(), kind.clone(), true));
    }
    let rows = RecordBatch::try_new(Arc::new(Schema::new(fields)), values)?;
    let columns = schema.fields().iter().map(|field| {
        let written = of(WRITTEN, field.name());
        if field.name() == key || rows.column_by_name(field.name()).is_none() {
            return Ok(written);
        }
        let found = of(AMENDED, key).is_not_null();
        Ok(when(found, of(AMENDED, field.name())).otherwise(written)?.alias(field.name()))
    });
    let columns = columns.collect::<DataFusionResult<Vec<Expr>>>()?;
    let rows: Arc<dyn TableProvider> = Arc::new(MemTable::try_new(rows.schema(), vec![vec![rows]])?);
    let rows = LogicalPlanBuilder::scan(TableReference::bare(AMENDED), provider_as_source(rows), None)?.build()?;
    let by = (vec![Column::new(Some(WRITTEN), key)], vec![Column::new(Some(AMENDED), key)]);
    let plan = LogicalPlanBuilder::scan(TableReference::bare(WRITTEN), provider_as_source(table), None)?
        .join(rows, JoinType::Left, by, None)?
        .project(columns)?
        .build()?;
    Ok(ViewTable::new(plan, None))
}

fn external(error: EngineError) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}
