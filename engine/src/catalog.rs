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
use crate::dataset_files::DatasetFiles;
use crate::error::EngineError;
use crate::named_rows::without;
use crate::subject::Persons;
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
    /// Rows that name one of `without` do not exist in it.
    pub(crate) fn new(
        files: Arc<DatasetFiles>,
        records: Arc<dyn SystemTables>,
        instant: DateTime<Utc>,
        without: Option<&Arc<Persons>>,
    ) -> Self {
        Self {
            public: Arc::new(PublicSchema { files: Arc::clone(&files), without: without.cloned() }),
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
    /// Persons whose rows are left out.
    without: Option<Arc<Persons>>,
}

#[async_trait]
impl SchemaProvider for PublicSchema {
    fn table_names(&self) -> Vec<String> {
        let datasets = self.files.names();
        let histories = datasets.iter().filter(|name| has_revisions(&self.files, name));
        let histories: Vec<String> = histories.map(|name| format!("{name}{HISTORY_ENDING}")).collect();
        let mut names = [datasets, histories].concat();
        names.sort();
        names
    }

    async fn table(&self, name: &str) -> DataFusionResult<Option<Arc<dyn TableProvider>>> {
        let Some((dataset, rows)) = public_table(&self.files, name).await.map_err(external)? else { return Ok(None) };
        match &self.without {
            Some(persons) => without(persons, dataset, rows).map(Some),
            None => Ok(Some(rows)),
        }
    }

    fn table_exist(&self, name: &str) -> bool {
        self.files.declared(history_of(&self.files, name).unwrap_or(name)).is_some()
    }
}

fn has_revisions(files: &DatasetFiles, name: &str) -> bool {
    files.declared(name).is_some_and(|dataset| dataset.schema.has_revisions())
}

/// The dataset whose history is called `name`.
fn history_of<'a>(files: &DatasetFiles, name: &'a str) -> Option<&'a str> {
    name.strip_suffix(HISTORY_ENDING).filter(|dataset| has_revisions(files, dataset))
}

/// The table of schema `public` that is called `name`, with the dataset whose rows it shows.
pub(crate) async fn public_table<'a>(
    files: &'a DatasetFiles,
    name: &str,
) -> Result<Option<(&'a Dataset, Arc<dyn TableProvider>)>, EngineError> {
    let of_history = history_of(files, name);
    let dataset = of_history.unwrap_or(name);
    let Some(table) = files.table(dataset).await? else { return Ok(None) };
    let Some(declared) = files.declared(dataset) else { return Ok(None) };
    let rows = Arc::clone(&table.provider);
    if of_history.is_some() || !declared.schema.has_revisions() {
        return Ok(Some((declared, rows)));
    }
    let in_force = in_force(declared, rows).map_err(|source| EngineError::sql("planned", source))?;
    Ok(Some((declared, Arc::new(in_force))))
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
        record_table(&self.files, self.records.as_ref(), name, self.instant).await
    }

    fn table_exist(&self, name: &str) -> bool {
        self.records.names().iter().any(|known| known == name)
    }
}

/// The table of schema `auditlake` that is called `name`, as it is at `instant`.
pub(crate) async fn record_table(
    files: &DatasetFiles,
    records: &dyn SystemTables,
    name: &str,
    instant: DateTime<Utc>,
) -> DataFusionResult<Option<Arc<dyn TableProvider>>> {
    let pinned = |schema: &Schema, of: Vec<PinnedFile>| -> Arc<dyn TableProvider> {
        files.lake.pin(&of);
        Arc::new(PinnedTable::new(&files.lake, schema, of))
    };
    let table: Arc<dyn TableProvider> = match records.table(name, instant).await.map_err(external)? {
        None => return Ok(None),
        Some(SystemTable::Rows(schema, rows)) => Arc::new(MemTable::try_new(schema, vec![rows])?),
        Some(SystemTable::Files(schema, of)) => pinned(&schema, of),
        Some(SystemTable::Amended { schema, files: of, key, rows }) => {
            Arc::new(amended(pinned(&schema, of), key, &rows)?)
        }
    };
    Ok(Some(table))
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
