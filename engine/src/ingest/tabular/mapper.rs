//! How rows of a foreign table become rows of a dataset.
//!
//! By name, through SQL of one's own, or through a mapping that is built in. Where the dataset's rows have an id of
//! their own that the source does not give, it is the hash of the object's content and the line: equal lines of an
//! object are separate rows, and the same content under another name gives the same rows again.

use std::sync::Arc;

use arrow::array::{ArrayRef, StringArray};
use arrow::compute::filter;
use arrow::datatypes::{DataType, Field, Fields, Schema};
use arrow::record_batch::RecordBatch;
use datafusion::logical_expr::LogicalPlan;
use schemas::Dataset;
use sha2::{Digest, Sha256};

use super::super::columns::{Columns, Origin, STAMPED};
use super::super::input::InputFolder;
use super::super::mapping::{Mapped, SqlMapping};
use super::super::plan::Plan;
use super::super::records::RejectKind;
use super::super::rejects::Refuse;
use super::super::texts::texts;
use super::built_in::{Built, BuiltIn};
use super::given::Given;
use super::{Chunk, Form, Tables, field};
use crate::error::EngineError;
use crate::lake_session::LakeSession;

/// The column that is filled with hash and line where a mapping leaves it out.
const ID: &str = "usage_id";

/// A mapping of foreign tables.
pub(crate) struct TableMapper {
    tables: Tables,
    fields: Fields,
    /// Hash of each object's content, in the order of the plan, where rows are named after it.
    hashes: Option<Vec<String>>,
    rule: Rule,
}

enum Rule {
    ByName,
    Sql(Box<SqlMapping>),
    /// With the tenant of records that name none.
    BuiltIn(BuiltIn, Option<String>),
}

impl TableMapper {
    /// Looks through the objects of `plan` and plans how they are mapped.
    ///
    /// # Errors
    /// When no object is a table, or the mapping does not fit the dataset.
    pub(crate) async fn plan(
        session: &LakeSession,
        folder: &InputFolder,
        dataset: &Dataset,
        plan: &Arc<Plan>,
        form: Form,
    ) -> Result<(Self, Columns), EngineError> {
        if let Some(built_in) = BuiltIn::of(plan.format) {
            return Self::built_in(folder, dataset, plan, form, built_in).await;
        }
        let tables = Tables::new(folder, form);
        let mut fields = tables.off_thread(plan, Tables::survey).await?;
        if plan.mapping.is_none() {
            // By name, a file could otherwise say where its rows came from and when.
            fields = fields.iter().filter(|field| !STAMPED.contains(&field.name().as_str())).cloned().collect();
        }
        let (rule, mut names) = match &plan.mapping {
            Some((name, sql)) => {
                let mapping = SqlMapping::plan(session, name, sql, &fields).await?;
                let names = mapping.names.clone();
                (Rule::Sql(Box::new(mapping)), names)
            }
            None if fields.is_empty() => (Rule::ByName, super::super::execute::required(dataset)),
            None => (Rule::ByName, fields.iter().map(|field| field.name().clone()).collect()),
        };
        let named = names.iter().any(|name| name == ID) || dataset.schema.column(ID).is_none();
        let hashes = if named { None } else { Some(tables.off_thread(plan, Tables::hashes).await?) };
        if hashes.is_some() {
            names.push(ID.to_owned());
        }
        let columns = Columns::new(dataset.schema, &plan.mapping_name(), &names, plan.instant, plan.tenant.as_deref())?;
        Ok((Self { tables, fields, hashes, rule }, columns))
    }

    /// The mapping in SQL as it was written, where there is one.
    pub(crate) fn analysed(&self) -> Option<&LogicalPlan> {
        match &self.rule {
            Rule::Sql(mapping) => Some(&mapping.analysed),
            Rule::ByName | Rule::BuiltIn(..) => None,
        }
    }

    async fn built_in(
        folder: &InputFolder,
        dataset: &Dataset,
        plan: &Arc<Plan>,
        form: Form,
        built_in: BuiltIn,
    ) -> Result<(Self, Columns), EngineError> {
        let tables = Tables::new(folder, form).that_have(built_in.needed());
        let fields = tables.off_thread(plan, Tables::survey).await?;
        let hashes = if built_in.names_by_line() { Some(tables.off_thread(plan, Tables::hashes).await?) } else { None };
        let columns = Columns::of(dataset.schema, built_in.columns()?, plan.instant);
        Ok((Self { tables, fields, hashes, rule: Rule::BuiltIn(built_in, plan.tenant.clone()) }, columns))
    }

    /// What reads the objects.
    pub(crate) fn tables(&self) -> (Tables, Fields) {
        (self.tables.clone(), self.fields.clone())
    }

    /// Maps one chunk of the object of this number and name; the second result counts records left out.
    pub(crate) fn map(
        &self,
        columns: &Columns,
        source: (i32, &str),
        chunk: &Chunk,
        refuse: &mut Refuse<'_>,
    ) -> Result<(Vec<RecordBatch>, u64), EngineError> {
        let origins: Vec<Origin> = chunk.records.iter().map(origin).collect();
        match &self.rule {
            Rule::ByName => {
                let arrays = chunk.columns.iter().map(|column| self.empty_as_null(column)).collect();
                let given = batch(self.fields.clone(), arrays, origins.len())?;
                let given = self.with_ids(source.0, chunk, given, None)?;
                let rows =
                    columns.conform(source, &given, &origins, &mut |row, kind, why| refuse(row, kind, why, None))?;
                Ok((vec![rows], 0))
            }
            Rule::BuiltIn(built_in, tenant) => {
                let given = Given::new(&self.fields, &chunk.columns, origins.len(), built_in.nulls());
                let ids = self.ids(source.0, chunk);
                let id = |record: usize| ids.as_ref().map(|ids| ids(record));
                let built = built_in.map(given, &id, tenant.as_deref())?;
                self.kept(columns, source, &built, &origins, refuse).map(|rows| (vec![rows], 0))
            }
            Rule::Sql(mapping) => {
                let arrays = |rows: std::ops::Range<usize>| -> Vec<ArrayRef> {
                    chunk.columns.iter().map(|column| column.slice(rows.start, rows.len())).collect()
                };
                let complete =
                    |mapped: RecordBatch, records: &[usize]| self.with_ids(source.0, chunk, mapped, Some(records));
                let mut mapped = Mapped {
                    mapping,
                    arrays: &arrays,
                    complete: &complete,
                    runtime: &self.tables.runtime,
                    left_out: 0,
                    batches: Vec::new(),
                };
                mapped.run(columns, source, &origins, 0..origins.len(), refuse)?;
                Ok((mapped.batches, mapped.left_out))
            }
        }
    }

    /// Refuses what a built-in mapping refuses, and conforms the rest.
    fn kept(
        &self,
        columns: &Columns,
        source: (i32, &str),
        built: &Built,
        origins: &[Origin],
        refuse: &mut Refuse<'_>,
    ) -> Result<RecordBatch, EngineError> {
        let bug = |error: arrow::error::ArrowError| EngineError::Bug {
            what: format!("mapped rows do not form a batch ({error})"),
        };
        let tenants = built.columns.iter().find(|(name, _)| *name == "tenant_id").and_then(|(_, column)| texts(column));
        let tenant = |row: usize| tenants.and_then(|tenants| tenants.value(row));
        for (row, why) in &built.refused {
            refuse(*row, RejectKind::Type, (*why).to_owned(), tenant(*row))?;
        }
        let (keep, records) = built.kept(origins.len());
        let (mut fields, mut arrays) = (Vec::new(), Vec::new());
        for (name, column) in &built.columns {
            fields.push(field(name, column.data_type().clone()));
            arrays.push(filter(column, &keep).map_err(bug)?);
        }
        let mapped = batch(fields.into(), arrays, records.len())?;
        let origins: Vec<Origin> = records.iter().map(|record| origins[*record].clone()).collect();
        columns.conform(source, &mapped, &origins, &mut |row, kind, why| {
            refuse(records[row], kind, why, tenant(records[row]))
        })
    }

    /// By name there is no mapping that could say what an empty field of text means: it is null.
    fn empty_as_null(&self, column: &ArrayRef) -> ArrayRef {
        match texts(column).filter(|_| self.tables.form == Form::Csv) {
            None => Arc::clone(column),
            Some(texts) => {
                let value = |row| texts.value(row).filter(|text| !text.is_empty());
                Arc::new((0..column.len()).map(value).collect::<StringArray>())
            }
        }
    }

    /// The batch with the id of each row, where it has none; `records` says which of the chunk's records each row is.
    fn with_ids(
        &self,
        source: i32,
        chunk: &Chunk,
        mapped: RecordBatch,
        records: Option<&[usize]>,
    ) -> Result<RecordBatch, EngineError> {
        let Some(ids) = self.ids(source, chunk) else { return Ok(mapped) };
        let id = |row: usize| Some(ids(records.map_or(row, |records| records[row])));
        let ids: StringArray = (0..mapped.num_rows()).map(id).collect();
        let mut fields: Vec<Field> = mapped.schema().fields().iter().map(|field| field.as_ref().clone()).collect();
        fields.push(Field::new(ID, DataType::Utf8, false));
        let mut arrays = mapped.columns().to_vec();
        arrays.push(Arc::new(ids));
        batch(fields.into(), arrays, mapped.num_rows())
    }

    /// What names a record of the chunk after its object, where that is asked for.
    fn ids<'a>(&'a self, source: i32, chunk: &'a Chunk) -> Option<impl Fn(usize) -> String + 'a> {
        let hash = self.hashes.as_ref()?.get(usize::try_from(source).ok()?)?;
        Some(move |record: usize| format!("{}:{}", &hash[..32], chunk.records[record].0.line))
    }
}

impl Tables {
    /// Runs what blocks where it may.
    async fn off_thread<T: Send + 'static>(
        &self,
        plan: &Arc<Plan>,
        work: fn(&Self, &Plan) -> Result<T, EngineError>,
    ) -> Result<T, EngineError> {
        let (tables, plan) = (self.clone(), Arc::clone(plan));
        let done = tokio::task::spawn_blocking(move || work(&tables, &plan)).await;
        done.map_err(|error| EngineError::Bug { what: format!("the reader stopped ({error})") })?
    }

    fn hashes(&self, plan: &Plan) -> Result<Vec<String>, EngineError> {
        plan.inputs.iter().map(|input| self.hash(input)).collect()
    }
}

fn origin((place, bytes): &(super::Place, Vec<u8>)) -> Origin {
    Origin { offset: place.offset, hash: Sha256::digest(bytes).into(), before: None }
}

fn batch(fields: Fields, arrays: Vec<ArrayRef>, rows: usize) -> Result<RecordBatch, EngineError> {
    let options = arrow::record_batch::RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), arrays, &options)
        .map_err(|error| EngineError::Bug { what: format!("records do not form a batch ({error})") })
}
