//! Carrying out a plan: read, sort, merge, write, account for every record.

use std::collections::{BTreeMap, HashSet};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use arrow::datatypes::Fields;
use chrono::SubsecRound;
use futures::{StreamExt, TryStreamExt};
use schemas::Dataset;

use super::built_in::{BuiltIn, shape};
use super::by_name::ByName;
use super::columns::{Columns, OFFSET, SOURCE};
use super::input::InputFolder;
use super::mapping::SqlMapping;
use super::merge::{Conflict, Merge, Merged, Touched, key_columns};
use super::plan::{Desk, Done, ObjectCounts, Plan, WrittenFile};
use super::read::{Inputs, Mapper, ReadOut, Reader, parse, parts};
use super::records::{Again, Item, Record, RejectKind};
use super::rejects::Rejects;
use super::replay;
use super::sort::sorted;
use super::suppress::{Suppression, Suppressor};
use super::tabular::{Form, TableMapper, Tables};
use super::write::{FileSeries, Layout, create_file};
use super::{Fence, IngestCounts, IngestProgress, first_pass};
use crate::error::EngineError;
use crate::lake_session::LakeSession;
use crate::session::SessionFactory;
use crate::store::Lakefront;

/// Reasons of rejects that are recorded and shown.
const REASONS: usize = 5;
/// Inputs that are looked at side by side, because a bucket takes its time to answer.
const CHECKS_AT_ONCE: usize = 16;

/// Carries out plans on one dataset.
pub(crate) struct Worker<'a> {
    pub(crate) lake: &'a Lakefront,
    pub(crate) factory: &'a SessionFactory,
    pub(crate) folder: &'a InputFolder,
    pub(crate) dataset: &'a Dataset,
    pub(crate) suppression: Option<&'a Suppression>,
    pub(crate) fence: &'a dyn Fence,
    pub(crate) progress: &'a Arc<IngestProgress>,
}

impl Worker<'_> {
    /// Carries out `plan` and records how it ended.
    pub(crate) async fn carry_out(&self, desk: &Desk<'_>, plan: &Plan, partial: bool) -> Result<Done, EngineError> {
        let done = match desk.failed(&plan.work).await? {
            // All its good rows are written; only the verdict is open.
            Some(done) => done,
            None => self.execute(plan).await?,
        };
        self.fence.check().await?;
        desk.finish(plan, &done, partial).await?;
        match &done.failure {
            Some(why) if !partial => Err(EngineError::Rejected { why: why.clone() }),
            _ => Ok(done),
        }
    }

    async fn execute(&self, plan: &Plan) -> Result<Done, EngineError> {
        let bytes = plan.inputs.iter().map(|input| input.bytes).sum();
        self.progress.bytes_expected.fetch_add(bytes, Ordering::Relaxed);
        let session = self.factory.spilling_session(plan.instant)?;
        let plan = Arc::new(plan.clone());
        let (mapper, columns) = self.mapper(&session, &plan).await?;
        let mapped = mapper.analysed().cloned();
        let mut order = key_columns(self.dataset);
        order.extend([SOURCE, OFFSET]);
        // What merges the new rows with those that are there needs memory of its own while the sort hands them out.
        let sorting = self.factory.spilling_session(plan.instant)?;
        let (sender, new) = sorted(&sorting, Arc::clone(columns.sorted()), &order).await?;
        let touched: Touched = Arc::default();
        let suppressor = self.suppressor(&plan)?;
        let reader = |part: Range<usize>, mapper: Mapper| Reader {
            part,
            inputs: self.inputs(&plan),
            runtime: tokio::runtime::Handle::current(),
            plan: Arc::clone(&plan),
            dataset: self.dataset.clone(),
            columns: columns.clone(),
            suppressor: suppressor.clone(),
            mapper,
            rows: sender.clone(),
            touched: Arc::clone(&touched),
            progress: Arc::clone(self.progress),
        };
        let twin = mapper.twin(&session, &plan).await?;
        let readers = match (parts(&plan.inputs).as_slice(), twin) {
            ([first, second], Some(twin)) => vec![reader(first.clone(), mapper), reader(second.clone(), twin)],
            _ => vec![reader(0..plan.inputs.len(), mapper)],
        };
        let reading = self.read(readers, sender.clone(), &plan);
        drop(sender);
        let merge = Merge { session: &session, dataset: self.dataset, plan: &plan, columns: &columns, touched };
        let mut files = FileSeries::new(
            self.lake,
            self.fence,
            self.progress,
            &plan.work,
            Layout { table: self.dataset.schema, schema: Arc::clone(columns.file()), mapping: plan.mapping_name() },
        );
        let (read, merged) = tokio::join!(reading, merge.run(new, &mut files));
        // The reader's error explains why the merge got nothing.
        let (mut read, merged) = (read?, merged?);
        let files = files.finish().await?;
        self.reject_conflicts(&plan, &merged, &mut read.rejects).await?;
        Ok(Done { mapped, ..self.account(&plan, read, merged, files).await? })
    }

    /// What is done to rows of persons whom the plan knows to be erased.
    fn suppressor(&self, plan: &Plan) -> Result<Option<Suppressor>, EngineError> {
        match self.suppression {
            Some(suppression) => Ok(suppression.of(self.dataset, &plan.erasures, plan.instant)),
            None if plan.erasures.is_empty() => Ok(None),
            None => {
                Err(EngineError::Bug { what: format!("work {} knows of erasures, and nobody gave them", plan.work) })
            }
        }
    }

    async fn mapper(&self, session: &LakeSession, plan: &Arc<Plan>) -> Result<(Mapper, Columns), EngineError> {
        let table = self.dataset.schema;
        let tenant = plan.tenant.as_deref();
        if let Some(mapping) = BuiltIn::of(plan.format, tenant)? {
            let columns = Columns::of(table, mapping.columns(), plan.instant);
            return Ok((Mapper::BuiltIn(mapping), columns));
        }
        if let Some(form) = Form::of(plan.format) {
            let (mapper, columns) = TableMapper::plan(session, self.folder, self.dataset, plan, form).await?;
            return Ok((Mapper::Table(Box::new(mapper)), columns));
        }
        let (inputs, runtime, planned) = (self.inputs(plan), tokio::runtime::Handle::current(), Arc::clone(plan));
        let parse = parse(table);
        let stopped = |error| EngineError::Bug { what: format!("the reader stopped ({error})") };
        match &plan.mapping {
            Some((name, sql)) => {
                let fields = move || first_pass::types(&inputs, &runtime, &planned, parse);
                let fields: Fields = tokio::task::spawn_blocking(fields).await.map_err(stopped)??;
                let mapping = SqlMapping::plan(session, name, sql, &fields).await?;
                let columns = Columns::new(table, name, &mapping.names, plan.instant, tenant)?;
                Ok((Mapper::Sql(Box::new(mapping), fields), columns))
            }
            None => {
                let names = move || first_pass::names(&inputs, &runtime, &planned, parse);
                let names = tokio::task::spawn_blocking(names).await.map_err(stopped)??;
                // Nothing to read decides nothing about columns.
                let needed = if names.as_slice().is_empty() { required(self.dataset) } else { Vec::new() };
                let given = if needed.is_empty() { names.as_slice() } else { needed.as_slice() };
                let columns = Columns::new(table, &plan.mapping_name(), given, plan.instant, tenant)?;
                Ok((Mapper::ByName(ByName::new(table, names)), columns))
            }
        }
    }

    /// Reads on blocking threads, then makes sure that nothing changed meanwhile; only then does the sort
    /// hear the end of its input, so a changed object never leaves a row behind.
    async fn read(
        &self,
        readers: Vec<Reader>,
        sender: tokio::sync::mpsc::Sender<super::sort::Handed>,
        plan: &Plan,
    ) -> Result<ReadOut, EngineError> {
        let parts: Vec<_> =
            readers.into_iter().map(|reader| tokio::task::spawn_blocking(move || reader.read())).collect();
        let mut read: Option<Result<ReadOut, EngineError>> = None;
        for part in parts {
            let stopped = |error| EngineError::Bug { what: format!("the reader stopped ({error})") };
            let part = part.await.map_err(stopped).and_then(|read| read);
            read = Some(match read {
                None => part,
                Some(before) => before.and_then(|before| before.then(part?)),
            });
        }
        let none = || Err(EngineError::Bug { what: "nothing was to be read".to_owned() });
        let checked = match read.unwrap_or_else(none) {
            Ok(read) => self.unchanged(plan).await.map(|()| read),
            Err(error) => Err(error),
        };
        if checked.is_err() {
            let end = EngineError::Bug { what: "the inputs could not be read whole".to_owned() };
            drop(sender.send(Err(end)).await);
        }
        checked
    }

    async fn unchanged(&self, plan: &Plan) -> Result<(), EngineError> {
        let inputs = self.inputs(plan);
        let checks = plan.inputs.iter().map(|input| inputs.unchanged(input));
        futures::stream::iter(checks).buffer_unordered(CHECKS_AT_ONCE).try_collect().await
    }

    /// Where the plan's inputs lie.
    fn inputs(&self, plan: &Plan) -> Inputs {
        if plan.rejected { Inputs::Rejected(self.lake.clone()) } else { Inputs::Folder(self.folder.clone()) }
    }

    /// Reads conflicting records once more, for their bytes, and rejects them.
    async fn reject_conflicts(&self, plan: &Plan, merged: &Merged, rejects: &mut Rejects) -> Result<(), EngineError> {
        let mut by_source: BTreeMap<usize, Vec<&Conflict>> = BTreeMap::new();
        for conflict in &merged.conflicts {
            by_source.entry(conflict.source).or_default().push(conflict);
        }
        let shape = shape(plan.format);
        let (inputs, runtime) = (self.inputs(plan), tokio::runtime::Handle::current());
        for (source, conflicts) in by_source {
            let input = &plan.inputs[source];
            tracing::warn!(path = %input.path, records = conflicts.len(), "same id as another record, other content");
            let mut reject = |record: Record<'_>| {
                let Some(conflict) = conflicts.iter().find(|other| other.offset == record.place.offset) else {
                    return Ok(());
                };
                let why = "another record has this id, tenant and time, with other content; the first one stays";
                let bad = record.rejected(RejectKind::IdConflict, why.to_owned());
                rejects.push((&input.path, &input.etag), Some(&conflict.tenant), &bad)
            };
            tokio::task::block_in_place(|| match Form::of(plan.format) {
                Some(form) => Tables::new(self.folder, form).each_record(input, &mut reject),
                None => inputs
                    .each_item(&runtime, input, shape, &mut |item| match item {
                        Item::Record(record) | Item::Again(Again { record, .. }) => reject(record),
                        Item::Bad(_) | Item::Skipped { .. } => Ok(()),
                    })
                    .map(drop),
            })?;
        }
        Ok(())
    }

    async fn account(
        &self,
        plan: &Plan,
        read: ReadOut,
        merged: Merged,
        mut files: Vec<WrittenFile>,
    ) -> Result<Done, EngineError> {
        let mut objects = Vec::new();
        for (number, (input, counts)) in plan.inputs.iter().zip(read.counts).enumerate() {
            let conflicts = merged.conflicts.iter().filter(|conflict| conflict.source == number).count();
            let counts = IngestCounts {
                rows: merged.counts[number].rows,
                duplicates: merged.counts[number].duplicates,
                rejected: counts.rejected + conflicts as u64,
                ..counts
            };
            if !counts.balances() {
                return Err(EngineError::Bug {
                    what: format!("records of \"{}\" do not add up: {counts:?}", input.path),
                });
            }
            objects.push(ObjectCounts { path: input.path.clone(), etag: input.etag.clone(), counts });
        }
        let reasons = read.rejects.reasons(REASONS);
        let failure = failure(plan, &objects, &read.truncated, &reasons);
        for (number, file) in read.rejects.into_files()?.enumerate() {
            let (bytes, rows) = file?;
            self.fence.check().await?;
            let path = format!("{}{}-{number:05}.parquet", replay::folder(self.dataset), plan.work);
            files.push(create_file(self.lake, &path, bytes, rows).await?);
        }
        Ok(Done {
            mapping: plan.mapping_name(),
            tenant: plan.tenant.clone(),
            instant: plan.instant.trunc_subsecs(6),
            objects,
            files,
            reasons,
            failure,
            mapped: None,
        })
    }
}

pub(crate) fn required(dataset: &Dataset) -> Vec<String> {
    let columns = dataset.schema.columns.iter();
    columns
        .filter(|column| column.presence != schemas::Presence::Optional)
        .map(|column| column.name.to_owned())
        .collect()
}

/// Why the run fails although every good row is written.
fn failure(plan: &Plan, objects: &[ObjectCounts], truncated: &[String], reasons: &[(String, u64)]) -> Option<String> {
    let cut: HashSet<&String> = truncated.iter().collect();
    if let Some(path) = truncated.first() {
        let others = cut.len() - 1;
        let more = if others == 0 { String::new() } else { format!(" and {others} more") };
        return Some(format!(
            "object \"{path}\"{more} ends in the middle of a record or is damaged; what could be read is kept; fetch it again, or accept the loss with --partial"
        ));
    }
    let worst = objects.iter().find(|object| {
        u128::from(object.counts.rejected) * 1_000_000
            > u128::from(object.counts.read) * u128::from(plan.max_rejected_ppm)
    })?;
    let why: Vec<String> = reasons.iter().map(|(reason, count)| format!("{reason} ({count})")).collect();
    Some(format!(
        "object \"{}\": {} of {} records were rejected, more than {} per million; the commonest reasons over all objects: {}; the good rows are kept, the bad ones are in the dataset's _rejected; correct the mapping, or accept with --partial",
        worst.path,
        worst.counts.rejected,
        worst.counts.read,
        plan.max_rejected_ppm,
        why.join("; ")
    ))
}
