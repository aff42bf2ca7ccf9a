//! A dataset as a table, whoever wrote its files.
//!
//! ```text
//! ours          the schema's columns, pruned by folder names
//! by name       the schema's columns, taken from the files' columns of the same name; one that no file has is null
//! by map        the schema's columns, made of the files' columns by SELECT … FROM input; one the map leaves out is null
//! inferred      the columns of the files
//! ```
//!
//! Absent: copies. A query reads the files as they are.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{Column, ScalarValue};
use datafusion::datasource::physical_plan::parquet::metadata::DFParquetMetadata;
use datafusion::error::Result as DataFusionResult;
use datafusion::execution::context::SessionState;
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{
    Expr, LogicalPlan, LogicalPlanBuilder, TableProviderFilterPushDown, TableType, cast, col, lit,
};
use datafusion::physical_plan::ExecutionPlan;
use futures::stream::{self, StreamExt, TryStreamExt};
use schemas::Dataset;

use crate::dataset::PinnedFile;
use crate::dataset_store::DatasetStore;
use crate::error::EngineError;
use crate::file_fault::FileFault;
use crate::session::over;
use crate::statement;
use crate::table::{PinnedTable, with_text_views};

/// Footers read side by side.
const FOOTERS_AT_ONCE: usize = 8;

/// A dataset's table, and which of its columns a map fills.
#[derive(Debug)]
pub(crate) struct DatasetTable {
    /// What a query reads.
    pub(crate) provider: Arc<dyn TableProvider>,
    /// The columns that the map names, in its order; none where there is no map.
    pub(crate) mapped: Vec<String>,
}

impl DatasetTable {
    fn unmapped(table: PinnedTable) -> Self {
        Self { provider: Arc::new(table), mapped: Vec::new() }
    }
}

/// The table of `dataset` over its `files`. `planner` plans a map; it needs no tables of its own.
///
/// # Errors
/// When files disagree about a column, or a map does not fit the files or the schema.
pub(crate) async fn dataset_table(
    planner: &SessionState,
    dataset: &Dataset,
    store: &DatasetStore,
    files: &[PinnedFile],
) -> Result<DatasetTable, EngineError> {
    let files = files.to_vec();
    if dataset.is_ours() {
        return Ok(DatasetTable::unmapped(PinnedTable::of(dataset, store, &dataset.schema.arrow(), files)));
    }
    // Without files there are no columns to map, and a dataset without files is empty.
    if !dataset.is_inferred() && (dataset.map.is_none() || files.is_empty()) {
        let schema = nullable(&dataset.schema.arrow());
        return Ok(DatasetTable::unmapped(PinnedTable::of(dataset, store, &schema, files)));
    }
    let schema = columns_of_files(dataset, store, &files).await?;
    let input = PinnedTable::of(dataset, store, &schema, files);
    match &dataset.map {
        None => Ok(DatasetTable::unmapped(input)),
        Some(map) => mapped_table(planner, dataset, map, Arc::new(input)).await,
    }
}

fn nullable(schema: &Schema) -> Schema {
    let fields = schema.fields().iter().map(|field| field.as_ref().clone().with_nullable(true));
    Schema::new(fields.collect::<Vec<_>>())
}

/// The columns that the files have, in the order in which they are first met. A file that lacks one has nulls there.
async fn columns_of_files(
    dataset: &Dataset,
    store: &DatasetStore,
    files: &[PinnedFile],
) -> Result<Schema, EngineError> {
    let schemas: Vec<SchemaRef> =
        stream::iter(files.to_vec()).map(|file| schema_of(store, file)).buffered(FOOTERS_AT_ONCE).try_collect().await?;
    let mut fields: Vec<Field> = Vec::new();
    let mut places: HashMap<String, (usize, &PinnedFile)> = HashMap::new();
    for (file, schema) in files.iter().zip(&schemas) {
        for field in schema.fields() {
            let kind = plain(field.data_type());
            match places.get(field.name()) {
                None => {
                    places.insert(field.name().clone(), (fields.len(), file));
                    fields.push(Field::new(field.name(), kind, true));
                }
                Some((at, first)) if *fields[*at].data_type() != kind => {
                    return Err(EngineError::Input {
                        path: file.path().to_owned(),
                        why: format!(
                            "its column \"{}\" is {kind}, but {} in \"{}\", and both are files of dataset \"{}\"; \
                             put them into folders of two datasets, each with a map",
                            field.name(),
                            fields[*at].data_type(),
                            first.path(),
                            dataset.id
                        ),
                    });
                }
                Some(_) => {}
            }
        }
    }
    Ok(Schema::new(fields))
}

/// The columns and footer notes of a pinned file.
pub(crate) async fn schema_of(store: &DatasetStore, file: PinnedFile) -> Result<SchemaRef, EngineError> {
    let read = DFParquetMetadata::new(store.pinned.as_ref(), &file.meta)
        .with_file_metadata_cache(Some(Arc::clone(&store.footers)))
        .fetch_schema()
        .await;
    read.map(Arc::new).map_err(|error| FileFault::met(file.path(), error).into())
}

/// The type a column has for a query: how text is stored makes no difference to it.
pub(crate) fn plain(kind: &DataType) -> DataType {
    match kind {
        DataType::LargeUtf8 | DataType::Utf8View => DataType::Utf8,
        DataType::LargeBinary | DataType::BinaryView => DataType::Binary,
        DataType::Dictionary(_, values) => plain(values),
        DataType::Timestamp(TimeUnit::Second, zone) => DataType::Timestamp(TimeUnit::Millisecond, zone.clone()),
        kind => kind.clone(),
    }
}

/// A dataset whose rows are made by SQL of the files' rows, as they are read.
#[derive(Debug)]
struct MappedTable {
    schema: SchemaRef,
    plan: LogicalPlan,
}

async fn mapped_table(
    planner: &SessionState,
    dataset: &Dataset,
    map: &str,
    input: Arc<PinnedTable>,
) -> Result<DatasetTable, EngineError> {
    let plan = map_plan(planner, dataset, map, input).await?;
    let mapped = plan.schema().fields().iter().map(|field| field.name().clone()).collect();
    Ok(DatasetTable { provider: Arc::new(MappedTable::new(dataset, plan)?), mapped })
}

impl MappedTable {
    /// Rows of the dataset's schema, made of those of `mapped`.
    fn new(dataset: &Dataset, mapped: LogicalPlan) -> Result<Self, EngineError> {
        let refused = |why: String| EngineError::Mapping { mapping: format!("dataset {}", dataset.id), why };
        let unknown = mapped.schema().fields().iter().find(|field| dataset.schema.column(field.name()).is_none());
        if let Some(field) = unknown {
            return Err(refused(format!(
                "\"{}\" has no column \"{}\"; map it to one that exists",
                dataset.schema.name,
                field.name()
            )));
        }
        let schema = with_text_views(&nullable(&dataset.schema.arrow()));
        let columns = schema.fields().iter().map(|field| {
            let given = mapped.schema().fields().iter().position(|mapped| mapped.name() == field.name());
            match given {
                None => lit(ScalarValue::Null),
                Some(at) => Expr::Column(Column::from(mapped.schema().qualified_field(at))),
            }
        });
        // Strict: a value that does not fit fails the query, and never becomes a null that a control would miss.
        let columns: Vec<Expr> = columns
            .zip(schema.fields())
            .map(|(value, field)| cast(value, field.data_type().clone()).alias(field.name()))
            .collect();
        let plan = LogicalPlanBuilder::from(mapped).project(columns).and_then(LogicalPlanBuilder::build);
        let plan = plan.map_err(|error| refused(format!("its columns do not fit the schema ({error})")))?;
        Ok(Self { schema: Arc::new(schema), plan })
    }
}

async fn map_plan(
    planner: &SessionState,
    dataset: &Dataset,
    map: &str,
    input: Arc<PinnedTable>,
) -> Result<LogicalPlan, EngineError> {
    let state = over(planner, &[("input", input)])?;
    let named = |error: EngineError| match error {
        EngineError::Sql { source, .. } => {
            EngineError::Mapping { mapping: format!("dataset {}", dataset.id), why: source.find_root().to_string() }
        }
        error => error,
    };
    let statement = statement::reading(&state, map).map_err(named)?;
    state.statement_to_plan(statement).await.map_err(|source| named(EngineError::sql("planned", source)))
}

#[async_trait]
impl TableProvider for MappedTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::View
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> DataFusionResult<Vec<TableProviderFilterPushDown>> {
        // The filter becomes part of the plan below, where the optimizer carries it on to the files.
        Ok(vec![TableProviderFilterPushDown::Exact; filters.len()])
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> DataFusionResult<Arc<dyn ExecutionPlan>> {
        let mut plan = LogicalPlanBuilder::from(self.plan.clone());
        if let Some(filter) = conjunction(filters.iter().cloned()) {
            plan = plan.filter(filter)?;
        }
        if let Some(columns) = projection {
            plan = plan.project(columns.iter().map(|at| col(Column::from_name(self.schema.field(*at).name()))))?;
        }
        state.create_physical_plan(&plan.limit(0, limit)?.build()?).await
    }
}
