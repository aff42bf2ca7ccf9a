//! Ingest as a command and as a job kind, under the dataset's claim.

use std::path::Path as FsPath;

use ::lineage::{DatasetName, Statistics};
use engine::evidence::EntryBody;
use engine::retention::{OpenCase, hold_cases};
use engine::subject::{Ledger, erasures};
use engine::{IngestFrom, IngestOutcome, IngestRequest, Suppression};
use object_store::path::Path;
use schemas::{Dataset, DatasetId, IngestFormat, IngestSpec, InputFile, Mapping, RetentionPolicy, StoreUrl};

use crate::claim::Claim;
use crate::error::JobError;
use crate::evidence_log::{Act, Intent, Places, of_files};
use crate::lake::OpenLake;
use crate::ledger::{Output, RunSummary};
use crate::lineage::{Doing, Made, Naming, ReadFile, counted_rows, of_ingest};
use crate::progress::Progress;
use crate::runner::{Attempt, Executed};
use crate::subject::person_keys;
use crate::subject_index;
use crate::world::World;

/// What the command line asks for.
#[derive(Debug)]
pub struct IngestCommand {
    /// Shape of the records.
    pub format: IngestFormat,
    /// What is read.
    pub from: IngestFrom,
    /// The dataset.
    pub into: String,
    /// SQL from record to row.
    pub mapping: Option<Mapping>,
    /// Tenant of records that name none.
    pub tenant: Option<String>,
    /// Accept truncated objects and too many rejects.
    pub partial: bool,
    /// Records per million of an object that may be rejected.
    pub max_rejected_ppm: u64,
}

/// Ingests what the command names.
///
/// # Errors
/// As [`engine::ingest`]; also when the dataset does not exist.
pub async fn ingest(
    lake: &OpenLake,
    world: &World,
    command: &IngestCommand,
    progress: &Progress,
) -> Result<IngestOutcome, JobError> {
    let from = sources(lake, &command.from, &command.into);
    ingest_from(lake, world, command, from, progress).await
}

/// The same where lineage knows what is read by other names than those of files.
pub(crate) async fn ingest_from(
    lake: &OpenLake,
    world: &World,
    command: &IngestCommand,
    from: Vec<DatasetName>,
    progress: &Progress,
) -> Result<IngestOutcome, JobError> {
    let dataset = lake.dataset(&command.into)?;
    if !dataset.is_ours() {
        return Err(JobError::Usage(format!(
            "dataset \"{}\" is made of files others write; ingest into one that has a schema, no map, and a folder of the lake's",
            dataset.id
        )));
    }
    let request = IngestRequest {
        dataset,
        format: command.format,
        mapping: command.mapping.as_ref(),
        tenant: command.tenant.clone(),
        from: command.from.clone(),
        job: "_command".to_owned(),
        instant: world.now(),
        max_rejected_ppm: command.max_rejected_ppm,
        partial: command.partial,
        suppression: suppression(lake, dataset).await?,
    };
    let naming = Naming::of(&lake.definitions);
    let names: Vec<String> = from.iter().map(|name| naming.shown(name)).collect();
    let job = naming.job(format!("ingest {}", names.join(", ")));
    let doing = Doing::begin(lake, world, job, "ingest").await;
    let outcome = claimed(lake, world, dataset, &request, progress).await;
    doing.end(outcome, |outcome| told(&naming, dataset, from, outcome)).await
}

/// Ingests files of lines of JSON that lie in the lake's own store, which lineage knows as `name`; gives how many rows are new.
pub(crate) async fn ingest_own(
    lake: &OpenLake,
    world: &World,
    dataset: &DatasetId,
    files: &[Path],
    name: &str,
) -> Result<u64, JobError> {
    let named = |file: &Path| match &lake.definitions.store {
        // Relative to the folder of lake.yaml, as inputs and the store are.
        StoreUrl::File(folder) => Some(FsPath::new(folder).join(file.as_ref()).display().to_string()),
        StoreUrl::Bucket(url) => Some(format!("{url}/{file}")),
        StoreUrl::Memory => None,
    };
    let command = IngestCommand {
        format: IngestFormat::Ndjson,
        from: IngestFrom::Paths(files.iter().filter_map(named).collect()),
        into: dataset.to_string(),
        mapping: None,
        tenant: None,
        partial: false,
        max_rejected_ppm: 0,
    };
    let from = vec![Naming::of(&lake.definitions).own(name)];
    Ok(ingest_from(lake, world, &command, from, &Progress::silent()).await?.counts.rows)
}

/// What an ingest reads, as datasets: a folder for what lies in it, and the folder of a file.
fn sources(lake: &OpenLake, from: &IngestFrom, dataset: &str) -> Vec<DatasetName> {
    let naming = Naming::of(&lake.definitions);
    match from {
        IngestFrom::Rejected => vec![naming.own(format!("{dataset}_rejected"))],
        IngestFrom::Paths(paths) => {
            let folder = |path: &String| {
                let named = lake.inputs.named(path);
                let name = named.rsplit('/').next().unwrap_or_default();
                let is_file = name.contains('.') && !path.ends_with('/');
                let folder = named.rsplit_once('/').map_or(".", |(folder, _)| folder);
                naming.place(if is_file { folder } else { &named })
            };
            paths.iter().map(folder).collect()
        }
    }
}

/// What an ingest read and filled. One that found nothing new says nothing of what others brought.
fn made(naming: &Naming, dataset: &Dataset, from: Vec<DatasetName>, outcome: &IngestOutcome) -> Made {
    let mut made = of_ingest(naming, dataset, from, outcome.mapped.as_ref());
    if outcome.inputs.is_empty() {
        made.outputs.clear();
    }
    made
}

/// What an ingest did, for lineage.
fn told(naming: &Naming, dataset: &Dataset, from: Vec<DatasetName>, outcome: &IngestOutcome) -> (Made, Vec<ReadFile>) {
    let mut made = made(naming, dataset, from, outcome);
    if let Some(own) = made.outputs.first_mut() {
        own.statistics = Some(Statistics { rows: Some(counted_rows(outcome.counts.rows)), ..Statistics::default() });
    }
    let read = outcome.inputs.iter().map(|(object, records)| ReadFile {
        dataset: None,
        path: object.path.clone(),
        etag: object.etag.clone(),
        bytes: object.bytes,
        rows: Some(*records),
    });
    (made, read.collect())
}

async fn claimed(
    lake: &OpenLake,
    world: &World,
    dataset: &Dataset,
    request: &IngestRequest<'_>,
    progress: &Progress,
) -> Result<IngestOutcome, JobError> {
    let claim = Claim::take(&lake.front, world, &format!("datasets/{}", dataset.id)).await?;
    let intent = Intent::begin(lake, world, Act::Dataset { dataset: dataset.id.clone() }).await?;
    let fence = claim.fence();
    let shown = progress.ingest();
    let outcome = engine::ingest(&lake.front, &lake.sessions, &lake.inputs, request, &fence, shown.counters()).await;
    shown.end();
    let logged = intent.end(outcome.map_err(JobError::from), async |outcome| logged(lake, dataset, outcome)).await;
    if let Ok(outcome) = &logged {
        subject_index::of_new_files(lake, dataset, &outcome.written).await;
    }
    claim.release().await;
    logged
}

/// Who was erased, as far as rows of a dataset can name them; none where nobody was.
async fn suppression(lake: &OpenLake, dataset: &Dataset) -> Result<Option<Suppression>, JobError> {
    let erasures = erasures(&lake.front).await?;
    if erasures.is_empty() || dataset.subjects.is_empty() {
        return Ok(None);
    }
    let Some(policy) = &lake.definitions.subjects else {
        return Err(JobError::Usage(
            "persons were erased from this lake, and without policies/subjects.yaml nobody knows whether they come back; put \
             it back"
                .to_owned(),
        ));
    };
    let known = person_keys(lake, policy).await?;
    let missing = Ledger::of(erasures.iter().cloned());
    if let [first, ..] = missing.keys_missing(&known.keys).as_slice() {
        return Err(JobError::Usage(format!(
            "persons were erased under key \"{first}\", which policies/subjects.yaml does not name, and nobody would know \
             whether they come back; add it to retired"
        )));
    }
    let stand_in = || RetentionPolicy::keeping_for_ever(&dataset.id);
    let holds = hold_cases(&lake.front).await?;
    let holds = holds.iter().filter_map(|case| OpenCase::of(&case.records, Some(&known))).collect();
    Ok(Some(Suppression {
        erasures,
        known,
        holds,
        policy: lake.definitions.policy_of(&dataset.id).cloned().unwrap_or_else(stand_in),
    }))
}

/// What an ingest wrote, for the evidence log.
fn logged(lake: &OpenLake, dataset: &Dataset, outcome: &IngestOutcome) -> Result<Vec<EntryBody>, JobError> {
    let places = Places::of(lake)?;
    let Some(rejected) = dataset.rejected() else { return Ok(of_files(&places, dataset, &outcome.written)) };
    let is_refused = |file: &&engine::WrittenFile| file.path.starts_with(&rejected.location);
    let (refused, own): (Vec<_>, Vec<_>) = outcome.written.iter().partition(is_refused);
    let mut bodies = of_files(&places, dataset, own);
    bodies.extend(of_files(&places, &rejected, refused));
    Ok(bodies)
}

/// The job kind `ingest`.
pub(crate) async fn execute(attempt: &Attempt<'_>, world: &World, spec: &IngestSpec) -> Result<Executed, JobError> {
    let dataset = attempt.lake.dataset(spec.into.as_str())?;
    let request = IngestRequest {
        dataset,
        format: spec.format,
        mapping: spec.mapping.as_ref(),
        tenant: spec.tenant.clone(),
        from: IngestFrom::Paths(match attempt.batch {
            Some(batch) => batch.files.iter().map(|file| file.path.clone()).collect(),
            None => vec![spec.from.clone()],
        }),
        job: attempt.key.job.to_string(),
        instant: attempt.key.instant,
        max_rejected_ppm: spec.max_rejected_ppm,
        partial: false,
        suppression: suppression(attempt.lake, dataset).await?,
    };
    let outcome = claimed(attempt.lake, world, dataset, &request, attempt.progress).await?;
    let inputs = outcome.inputs.iter().map(|(object, records)| InputFile {
        dataset: String::new(),
        path: object.path.clone(),
        etag: object.etag.clone(),
        bytes: object.bytes,
        rows: *records,
        via: None,
    });
    let outputs = outcome.written.iter().map(Output::of_rows);
    let from = sources(attempt.lake, &request.from, dataset.id.as_str());
    Ok(Executed {
        plan_sha256: None,
        made: made(&Naming::of(&attempt.lake.definitions), dataset, from, &outcome),
        inputs: inputs.collect(),
        reads: std::collections::BTreeMap::new(),
        outputs: outputs.collect(),
        summary: RunSummary { ingest: Some(outcome), ..RunSummary::default() },
    })
}
