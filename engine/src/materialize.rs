//! A statement as a dataset: its rows for one interval, replaced whole when they are computed again.
//!
//! The files of an interval bear its name, `<job>@<start>-<end>-<entry>-<k>.parquet`, so what a second computation
//! replaces is seen in a listing, and needs no record that could be lost. Absent: intervals that overlap. Their rows
//! would count twice, so the second one is refused.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use datafusion::common::Column;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, cast};
use futures::StreamExt;
use schemas::{
    Dataset, DatasetId, HISTORY_ENDING, Incremental, InputFile, Interval, Presence, compact as compact_instant,
};

use crate::compact::stored;
use crate::control::all_input_files;
use crate::dataset::PinnedFile;
use crate::dataset_table::plain;
use crate::error::EngineError;
use crate::export_plan::{bounds, is_volatile};
use crate::incremental::{self, Inputs, Prepared, StatesUsed, UseStates};
use crate::ingest::{Fence, FileSeries, IngestProgress, Layout, WrittenFile, ascending, key_columns};
use crate::lake_session::{LakeSession, stream_error};
use crate::replace::{FilesReplaced, Replacement, files_of};
use crate::session::SessionFactory;
use crate::store::Lakefront;

/// A statement to compute, and where its rows go.
#[derive(Debug)]
pub struct QueryRequest<'a> {
    /// The dataset that holds the rows.
    pub dataset: &'a Dataset,
    /// The job; only its own files are replaced.
    pub job: &'a str,
    /// A reading statement; `$start` and `$end` are the bounds of the interval.
    pub sql: &'a str,
    /// The interval.
    pub interval: Interval,
    /// The instant of the run.
    pub now: DateTime<Utc>,
    /// How long replaced files stay for readers that began before.
    pub grace: TimeDelta,
    /// The dataset whose new files are all that the statement sees of it, of a run for new files.
    pub new_files_of: Option<&'a DatasetId>,
    /// Whether it may be, or must be, folded from states of files.
    pub incremental: Incremental,
    /// Whether states that are kept are used then.
    pub states: UseStates,
}

/// What a computation came to.
#[derive(Debug)]
pub struct QueryOutcome {
    /// Rows of the interval.
    pub rows: u64,
    /// The files that hold them.
    pub written: Vec<WrittenFile>,
    /// How their names begin.
    pub work: String,
    /// Files of an earlier computation that they replace.
    pub replaced: Vec<String>,
    /// Every file of the datasets that were read.
    pub inputs: Vec<InputFile>,
    /// The statement with its values, optimised; the same whether states were used or not.
    pub plan: LogicalPlan,
    /// What was taken from states; none where none may be.
    pub states: Option<StatesUsed>,
}

impl QueryOutcome {
    /// What came in the place of what.
    pub fn commit(&self) -> FilesReplaced {
        FilesReplaced { work: self.work.clone(), adds: self.written.clone(), removes: self.replaced.clone() }
    }
}

/// A plan that gives the rows.
enum Rows {
    /// It is optimised as it is run.
    Planned(LogicalPlan),
    /// It is run as it is.
    Optimized(LogicalPlan),
}

/// The rows with what states give in its place, if the job may use them.
async fn folded(
    lake: &Lakefront,
    (factory, session): (&SessionFactory, &LakeSession),
    request: &QueryRequest<'_>,
    rows: LogicalPlan,
) -> Result<(Rows, Option<StatesUsed>, Inputs), EngineError> {
    if request.incremental == Incremental::Never {
        return Ok((Rows::Planned(rows), None, Inputs::default()));
    }
    Ok(match incremental::prepared(lake, (factory, session), request, &rows).await? {
        Prepared::Folded(plan, used, inputs) => (Rows::Optimized(*plan), Some(used), inputs),
        Prepared::Full(used) => (Rows::Planned(rows), Some(used), Inputs::default()),
    })
}

/// Computes a statement for one interval and puts its rows in place of those of an earlier computation.
///
/// # Errors
/// When the statement does not plan, run or fit the dataset; when the interval overlaps another one of the job; when the
/// claim is lost or the store fails. The rows that were there stay then.
pub async fn materialize(
    lake: &Lakefront,
    factory: &SessionFactory,
    request: &QueryRequest<'_>,
    fence: &dyn Fence,
    progress: &IngestProgress,
) -> Result<QueryOutcome, EngineError> {
    // An interval that overlaps another is told before anything is announced.
    earlier(&files_of(lake, request.dataset).await?, (request.job, request.interval), request.dataset)?;
    let session = factory.session(request.now)?;
    let statement = bound(&session, request).await?;
    let (rows, schema) = fitted(request.dataset, statement.clone())?;
    let plan = session.optimized(&statement)?;
    let (rows, states, took_part) = folded(lake, (factory, &session), request, rows).await?;
    let mut inputs = Vec::new();
    for dataset in datasets_read(&statement) {
        inputs.extend(all_input_files(&session, &dataset, &took_part).await?);
    }
    let stem = stem(request.job, request.interval);
    let replacement =
        Replacement::announce(lake, fence, request.dataset, &stem, request.now, request.now - request.grace).await?;
    let work = replacement.work.clone();
    let layout = Layout { table: request.dataset.schema, schema: Arc::clone(&schema), mapping: request.job.to_owned() };
    let written = async {
        let replaced = earlier(&replacement.files().await?, (request.job, request.interval), request.dataset)?;
        let series = FileSeries::new(lake, fence, progress, &work, layout);
        let rows = match &rows {
            Rows::Planned(rows) => session.stream(rows).await?,
            Rows::Optimized(rows) => session.stream_optimized(rows).await?,
        };
        Ok::<_, EngineError>((write(request.dataset, rows, &schema, series).await?, replaced))
    };
    let written = written.await;
    let (written, replaced) = replacement.end(written, request.now).await?;
    Ok(QueryOutcome { rows: written.iter().map(|file| file.rows).sum(), written, work, replaced, inputs, plan, states })
}

/// `<job>@<start>-<end>`.
pub(crate) fn stem(job: &str, interval: Interval) -> String {
    format!("{job}@{}-{}", compact_instant(interval.start), compact_instant(interval.end))
}

/// What stands behind the job in the name of a file of `job`.
pub(crate) fn is_of_job<'a>(job: &str, path: &'a str) -> Option<&'a str> {
    let name = path.rsplit('/').next()?;
    name.split_once('@').filter(|(of, _)| *of == job).map(|(_, rest)| rest)
}

/// The interval in the name of a file of `job`.
fn interval_of(job: &str, path: &str) -> Option<(NaiveDateTime, NaiveDateTime)> {
    let mut parts =
        is_of_job(job, path)?.split('-').map(|part| NaiveDateTime::parse_from_str(part, "%Y%m%dT%H%M%SZ").ok());
    Some((parts.next()??, parts.next()??))
}

/// Files of an earlier computation of the same interval.
pub(crate) fn earlier(
    files: &[PinnedFile],
    (job, Interval { start, end }): (&str, Interval),
    dataset: &Dataset,
) -> Result<Vec<String>, EngineError> {
    let refused = |why: String| EngineError::Mapping { mapping: format!("job {job}"), why };
    if start.timestamp_subsec_nanos() > 0 || end.timestamp_subsec_nanos() > 0 {
        return Err(refused("its interval has fractions of a second; give --at as a whole second".to_owned()));
    }
    let (start, end) = (start.naive_utc(), end.naive_utc());
    let mut same = Vec::new();
    for file in files {
        let Some((from, to)) = interval_of(job, file.path()) else { continue };
        if (from, to) == (start, end) {
            same.push(file.path().to_owned());
        } else if from < end && start < to {
            return Err(refused(format!(
                "the interval from {start}Z to {end}Z overlaps the one from {from}Z to {to}Z, which dataset \"{}\" has, \
                 and rows of both would count twice; give --at so that intervals lie side by side",
                dataset.id
            )));
        }
    }
    Ok(same)
}

/// The statement with its values.
pub(crate) async fn bound(session: &LakeSession, request: &QueryRequest<'_>) -> Result<LogicalPlan, EngineError> {
    let refused = |why: String| EngineError::Mapping { mapping: format!("job {}", request.job), why };
    let plan = session.plan(request.sql).await?;
    let named = plan.get_parameter_names().map_err(|source| EngineError::sql("planned", source))?;
    if let Some(unknown) = named.iter().find(|name| !matches!(name.as_str(), "$start" | "$end")) {
        return Err(refused(format!("there is no value {unknown}; values are $start and $end")));
    }
    if let Some(source) = request.new_files_of {
        if !datasets_read(&plan).contains(source.as_str()) {
            return Err(refused(format!(
                "the statement does not read dataset \"{source}\", for whose new files it runs; read it, or name another one \
                 in new_files"
            )));
        }
    } else if named.is_empty() {
        let why = "the statement names neither $start nor $end, so every interval would have the same rows";
        return Err(refused(format!("{why}; add for example WHERE time >= $start AND time < $end")));
    }
    let plan =
        plan.with_param_values(bounds(request.interval)).map_err(|source| EngineError::sql("planned", source))?;
    if datasets_read(&plan).contains(request.dataset.id.as_str()) {
        let why = "the statement reads the dataset that it fills; a second computation would read the first one's rows";
        return Err(refused(format!("{why}; fill another dataset")));
    }
    if is_volatile(&plan)? {
        let why = "the statement calls a function that answers differently each time, for example random()";
        return Err(refused(format!("{why}; leave it out, or the same interval has other rows each time")));
    }
    Ok(plan)
}

/// The datasets that a plan reads, histories included.
pub(crate) fn datasets_read(plan: &LogicalPlan) -> BTreeSet<String> {
    let mut read = BTreeSet::new();
    let walked = plan.apply_with_subqueries(|node| {
        if let LogicalPlan::TableScan(scan) = node
            && scan.table_name.schema().is_none_or(|schema| schema == "public")
        {
            let name = scan.table_name.table();
            read.insert(name.strip_suffix(HISTORY_ENDING).unwrap_or(name).to_owned());
        }
        Ok(TreeNodeRecursion::Continue)
    });
    debug_assert!(walked.is_ok(), "the walk itself returns no error");
    read
}

/// The statement as rows of the dataset, in the order of its files, and the schema of the files.
pub(crate) fn fitted(dataset: &Dataset, plan: LogicalPlan) -> Result<(LogicalPlan, SchemaRef), EngineError> {
    let refused = |why: String| EngineError::Mapping { mapping: format!("dataset {}", dataset.id), why };
    let mut named = BTreeMap::new();
    for field in plan.schema().fields() {
        let plain_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        if !field.name().bytes().all(plain_name) {
            let name = field.name();
            return Err(refused(format!("the statement returns \"{name}\"; give it a plain name with AS")));
        }
        if named.insert(field.name().clone(), field.data_type().clone()).is_some() {
            return Err(refused(format!("the statement returns two columns \"{}\"; rename one", field.name())));
        }
    }
    let needed: Vec<&str> = if dataset.is_inferred() {
        std::iter::once(dataset.tenant.as_str())
            .chain(dataset.time.as_deref())
            .filter(|name| !name.is_empty())
            .collect()
    } else {
        let required = dataset.schema.columns.iter().filter(|column| column.presence == Presence::Required);
        required.map(|column| column.name).collect()
    };
    if let Some(missing) = needed.iter().find(|name| !named.contains_key(**name)) {
        return Err(refused(format!("it needs column \"{missing}\", which the statement does not return")));
    }
    let unknown = named.keys().find(|name| !dataset.is_inferred() && dataset.schema.column(name).is_none());
    if let Some(unknown) = unknown {
        return Err(refused(format!("\"{}\" has no column \"{unknown}\"; leave it out", dataset.schema.name)));
    }
    let fields: Vec<Field> = if dataset.is_inferred() {
        let fields = plan.schema().fields().iter();
        fields.map(|field| Field::new(field.name(), plain(field.data_type()), true)).collect()
    } else {
        let columns = dataset.schema.columns.iter().filter(|column| named.contains_key(column.name));
        columns.map(schemas::Column::field).collect()
    };
    let schema = Arc::new(Schema::new(fields));
    let column = |name: &str| Expr::Column(Column::from_name(name));
    let values = schema.fields().iter().map(|field| {
        let value = column(field.name());
        let same = named.get(field.name()).is_some_and(|kind| plain(kind) == *field.data_type());
        if same { value } else { cast(value, field.data_type().clone()).alias(field.name()) }
    });
    let values: Vec<Expr> = values.collect();
    let fitted = LogicalPlanBuilder::from(plan)
        .project(values)
        .and_then(|rows| rows.sort(order(dataset, &schema).iter().map(|name| ascending(name))))
        .and_then(LogicalPlanBuilder::build)
        .map_err(|source| EngineError::sql("planned", source))?;
    Ok((fitted, schema))
}

/// The order of rows in files: the schema's, else by tenant and time, and by the others so that nothing is left open.
fn order(dataset: &Dataset, schema: &Schema) -> Vec<String> {
    let mut order: Vec<String> = if dataset.is_inferred() {
        std::iter::once(dataset.tenant.clone()).chain(dataset.time.clone()).collect()
    } else {
        key_columns(dataset).into_iter().map(str::to_owned).collect()
    };
    order.retain(|name| schema.index_of(name).is_ok());
    let nested = |kind: &DataType| kind.is_nested();
    for field in schema.fields().iter().filter(|field| !nested(field.data_type())) {
        if !order.contains(field.name()) {
            order.push(field.name().clone());
        }
    }
    order
}

/// Writes the rows as files, whatever the dataset says is never null being so.
pub(crate) async fn write(
    dataset: &Dataset,
    mut rows: SendableRecordBatchStream,
    schema: &SchemaRef,
    mut series: FileSeries<'_>,
) -> Result<Vec<WrittenFile>, EngineError> {
    while let Some(batch) = rows.next().await {
        let batch = batch.map_err(stream_error)?;
        for (field, column) in schema.fields().iter().zip(batch.columns()) {
            if !field.is_nullable() && column.null_count() > 0 {
                return Err(EngineError::Mapping {
                    mapping: format!("dataset {}", dataset.id),
                    why: format!("column \"{}\" is never null, and the statement returns null there", field.name()),
                });
            }
        }
        series.write_into(dataset, &stored(schema, &batch)?).await?;
    }
    series.finish().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_tells_job_and_interval() {
        let at = |text: &str| schemas::parse_rfc3339(text).expect("an instant");
        let interval = Interval { start: at("2026-02-01T00:00:00Z"), end: at("2026-03-01T00:00:00Z") };
        let path = format!("month/{}-000003-00000.parquet", stem("tenant-month", interval));
        assert_eq!(path, "month/tenant-month@20260201T000000Z-20260301T000000Z-000003-00000.parquet");
        let found = Some((interval.start.naive_utc(), interval.end.naive_utc()));
        assert_eq!(interval_of("tenant-month", &path), found);
        assert_eq!(interval_of("month", &path), None);
        for other in ["month/0123456789abcdef-00000.parquet", "a@b-c", "tenant-month@20260201T000000Z.parquet"] {
            assert_eq!(interval_of("tenant-month", other), None, "{other}");
        }
    }
}
