//! The plan of an ingest's work, and the create-only records that say what became of it.
//!
//! `_auditlake/ingest/<dataset>/<work>/plan.json`, then one of `done.json`, `failed.json`, `abandoned.json`.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, Utc};
use datafusion::logical_expr::LogicalPlan;
use object_store::ObjectMeta;
use object_store::path::Path;
use schemas::IngestFormat;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Fence, IngestCounts, IngestFrom, IngestRequest};
use crate::dataset::PinnedFile;
use crate::error::EngineError;
use crate::replace::{Replacement, files_in_force, is_closed};
use crate::store::Lakefront;

/// One version of one source object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PlannedInput {
    /// Relative to the folder of `lake.yaml`, or absolute.
    pub path: String,
    /// Its ETag.
    pub etag: String,
    /// Its size.
    pub bytes: u64,
}

impl PlannedInput {
    /// A pinned file of a dataset.
    pub fn of(file: &PinnedFile) -> Self {
        Self { path: file.path().to_owned(), etag: file.etag().to_owned(), bytes: file.meta.size }
    }
}

/// A file of the dataset that deduplication may read.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ExistingFile {
    path: String,
    etag: Option<String>,
    bytes: u64,
    last_modified: DateTime<Utc>,
}

impl ExistingFile {
    fn new(file: &PinnedFile) -> Self {
        Self {
            path: file.path().to_owned(),
            etag: file.meta.e_tag.clone(),
            bytes: file.meta.size,
            last_modified: file.meta.last_modified,
        }
    }

    pub(crate) fn pinned(&self) -> PinnedFile {
        PinnedFile::new(ObjectMeta {
            location: Path::parse(&self.path).unwrap_or_default(),
            last_modified: self.last_modified,
            size: self.bytes,
            e_tag: self.etag.clone(),
            version: None,
        })
    }
}

/// Everything that decides which rows come of the work.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Plan {
    pub(crate) work: String,
    pub(crate) job: String,
    pub(crate) format: IngestFormat,
    pub(crate) mapping: Option<(String, String)>,
    pub(crate) tenant: Option<String>,
    pub(crate) instant: DateTime<Utc>,
    pub(crate) max_rejected_ppm: u64,
    /// Whether the inputs are files of refused records, in the lake.
    #[serde(default)]
    pub(crate) rejected: bool,
    pub(crate) inputs: Vec<PlannedInput>,
    pub(crate) existing: Vec<ExistingFile>,
    /// Cases of persons who were erased before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) erasures: Vec<String>,
}

impl Plan {
    /// Name of the mapping, as files and rejects carry it.
    pub(crate) fn mapping_name(&self) -> String {
        match &self.mapping {
            Some((name, _)) => name.clone(),
            None => self.format.built_in_mapping(),
        }
    }

    /// Whether the plan's inputs are exactly these.
    pub(crate) fn covers(&self, found: &[PlannedInput]) -> bool {
        self.inputs == found
    }
}

/// What became of one object.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ObjectCounts {
    pub(crate) path: String,
    pub(crate) etag: String,
    #[serde(flatten)]
    pub(crate) counts: IngestCounts,
}

/// A file that an ingest wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WrittenFile {
    /// Path in the lake.
    pub path: String,
    /// SHA-256 in hex.
    pub sha256: String,
    /// Its size.
    pub bytes: u64,
    /// Its rows.
    pub rows: u64,
}

/// What a finished work did; also the checkpoint of which objects were read.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Done {
    pub(crate) mapping: String,
    /// Tenant of records that name none.
    #[serde(default)]
    pub(crate) tenant: Option<String>,
    pub(crate) instant: DateTime<Utc>,
    pub(crate) objects: Vec<ObjectCounts>,
    pub(crate) files: Vec<WrittenFile>,
    pub(crate) reasons: Vec<(String, u64)>,
    /// Why the run failed, although every good row is written.
    pub(crate) failure: Option<String>,
    /// The mapping in SQL as it was written; of what this process did itself.
    #[serde(skip)]
    pub(crate) mapped: Option<LogicalPlan>,
}

impl Done {
    pub(crate) fn counts(&self) -> IngestCounts {
        let mut counts = IngestCounts::default();
        for object in &self.objects {
            counts.add(&object.counts);
        }
        counts
    }
}

/// The files that ended works of a dataset wrote, and the works that were given up.
pub(crate) async fn written_by_ingests(
    lake: &Lakefront,
    dataset: &str,
) -> Result<(BTreeMap<String, WrittenFile>, Vec<String>), EngineError> {
    let desk = Desk::new(lake, dataset);
    let (mut written, mut closed) = (BTreeMap::new(), Vec::new());
    for (work, names) in desk.works().await? {
        if names.contains("abandoned") {
            closed.push(work.clone());
        }
        for name in ["done", "failed"].iter().filter(|name| names.contains(**name)) {
            let done: Option<Done> = lake.read_json(&desk.record(&work, name)).await?;
            written.extend(done.into_iter().flat_map(|done| done.files).map(|file| (file.path.clone(), file)));
        }
    }
    Ok((written, closed))
}

/// What a request comes to.
pub(crate) struct DrawnUp {
    pub(crate) work: Option<Plan>,
    pub(crate) seen_before: u64,
    pub(crate) changed: Vec<String>,
}

/// The folder of ingest records of one dataset.
#[derive(Debug)]
pub(crate) struct Desk<'a> {
    lake: &'a Lakefront,
    dataset: &'a str,
}

impl<'a> Desk<'a> {
    pub(crate) fn new(lake: &'a Lakefront, dataset: &'a str) -> Self {
        Self { lake, dataset }
    }

    fn folder(&self) -> Path {
        Path::from(format!("_auditlake/ingest/{}", self.dataset))
    }

    fn record(&self, work: &str, name: &str) -> Path {
        Path::from(format!("_auditlake/ingest/{}/{work}/{name}.json", self.dataset))
    }

    /// Where a plan stands.
    pub(crate) fn plan_path(&self, plan: &Plan) -> Path {
        self.record(&plan.work, "plan")
    }

    /// The records that exist, by work.
    async fn works(&self) -> Result<BTreeMap<String, HashSet<String>>, EngineError> {
        let mut works: BTreeMap<String, HashSet<String>> = BTreeMap::new();
        for meta in self.lake.list(&self.folder()).await? {
            let mut parts = meta.location.parts().skip(3);
            if let (Some(work), Some(name)) = (parts.next(), parts.next()) {
                let name = name.as_ref().trim_end_matches(".json").to_owned();
                works.entry(work.as_ref().to_owned()).or_default().insert(name);
            }
        }
        Ok(works)
    }

    /// Plans that were neither finished nor given up, by work.
    pub(crate) async fn unfinished(&self) -> Result<Vec<Plan>, EngineError> {
        let mut plans = Vec::new();
        for (work, names) in self.works().await? {
            let ended = ["done", "failed", "abandoned"].iter().any(|name| names.contains(*name));
            if !ended && let Some(plan) = self.lake.read_json(&self.record(&work, "plan")).await? {
                plans.push(plan);
            }
        }
        Ok(plans)
    }

    /// Whether files came since the plan looked, other than its own. Then a runner that had lost its claim wrote the plan
    /// down late, and carrying it out would write rows again that others wrote meanwhile.
    pub(crate) async fn is_overtaken(&self, plan: &Plan, location: &str) -> Result<bool, EngineError> {
        let known: HashSet<&str> = plan.existing.iter().map(|file| file.path.as_str()).collect();
        let own = format!("/{}-", plan.work);
        let files =
            files_in_force(self.lake.store(), self.dataset, &Path::from(location.trim_end_matches('/'))).await?;
        Ok(files.iter().any(|file| !known.contains(file.path()) && !file.path().contains(&own)))
    }

    /// Whether a plan was given up by one who did not come to say so here.
    pub(crate) async fn is_closed(&self, plan: &Plan) -> Result<bool, EngineError> {
        is_closed(self.lake, self.dataset, &plan.work).await
    }

    /// Gives a work up: its files stay, nobody continues it, and what its writer may yet write does not count.
    pub(crate) async fn abandon(
        &self,
        plan: &Plan,
        request: &IngestRequest<'_>,
        fence: &dyn Fence,
    ) -> Result<(), EngineError> {
        let refused = request.dataset.rejected();
        for dataset in refused.iter().chain([request.dataset]) {
            // Whoever replaces files knows how long readers need the old ones; here nothing is deleted.
            let (now, nothing) = (request.instant, DateTime::<Utc>::MIN_UTC);
            let closing = Replacement::announce(self.lake, fence, dataset, "close", now, nothing).await?;
            closing.close(&plan.work, now).await?;
        }
        self.lake.create_json(&self.record(&plan.work, "abandoned"), &serde_json::json!({})).await.map(drop)
    }

    /// Records how a work ended.
    pub(crate) async fn finish(&self, plan: &Plan, done: &Done, accepted: bool) -> Result<(), EngineError> {
        let name = if done.failure.is_some() && !accepted { "failed" } else { "done" };
        self.lake.create_json(&self.record(&plan.work, name), done).await.map(drop)
    }

    /// How a work ended that wrote all its rows but failed.
    pub(crate) async fn failed(&self, work: &str) -> Result<Option<Done>, EngineError> {
        self.lake.read_json(&self.record(work, "failed")).await
    }

    /// ETags of the objects that finished works read with this mapping and tenant, by path.
    async fn seen(&self, mapping: &str, tenant: Option<&str>) -> Result<HashMap<String, HashSet<String>>, EngineError> {
        let mut seen: HashMap<String, HashSet<String>> = HashMap::new();
        for (work, names) in self.works().await? {
            if !names.contains("done") {
                continue;
            }
            let Some(done) = self.lake.read_json::<Done>(&self.record(&work, "done")).await? else { continue };
            if done.mapping == mapping && done.tenant.as_deref() == tenant {
                for object in done.objects {
                    seen.entry(object.path).or_default().insert(object.etag);
                }
            }
        }
        Ok(seen)
    }

    /// Writes the plan for what is new among `found`; another's plan of the same work is adopted whole.
    pub(crate) async fn draw_up(
        &self,
        request: &IngestRequest<'_>,
        found: Vec<PlannedInput>,
        just_done: &[String],
    ) -> Result<DrawnUp, EngineError> {
        let mapping = request.mapping.map(|mapping| (mapping.name.clone(), mapping.sql.clone()));
        let rejected = matches!(request.from, IngestFrom::Rejected);
        let mut plan = Plan {
            work: String::new(),
            job: request.job.clone(),
            format: request.format,
            mapping,
            tenant: request.tenant.clone(),
            instant: request.instant,
            // Most of what was refused is refused again; that is no reason to fail.
            max_rejected_ppm: if rejected { 1_000_000 } else { request.max_rejected_ppm },
            rejected,
            inputs: Vec::new(),
            existing: Vec::new(),
            erasures: request.suppression.as_ref().map(super::Suppression::cases).unwrap_or_default(),
        };
        let seen = self.seen(&plan.mapping_name(), plan.tenant.as_deref()).await?;
        let mut drawn = DrawnUp { work: None, seen_before: 0, changed: Vec::new() };
        for input in found {
            match seen.get(&input.path) {
                Some(etags) if etags.contains(&input.etag) => drawn.seen_before += 1,
                known => {
                    if known.is_some() {
                        drawn.changed.push(input.path.clone());
                    }
                    plan.inputs.push(input);
                }
            }
        }
        if plan.inputs.is_empty() {
            return Ok(drawn);
        }
        self.name_work(&mut plan, just_done).await?;
        let prefix = Path::from(request.dataset.location.trim_end_matches('/'));
        let existing = files_in_force(self.lake.store(), self.dataset, &prefix).await?;
        plan.existing = existing.iter().map(ExistingFile::new).collect();
        let path = self.record(&plan.work, "plan");
        self.lake.create_json(&path, &plan).await?;
        // Whoever created it first decides; ours may have lost a race or met a finished, failed work.
        drawn.work = self.lake.read_json(&path).await?;
        Ok(drawn)
    }

    /// Names the work after its inputs and mapping; a given-up work of that name leads to the next one.
    async fn name_work(&self, plan: &mut Plan, just_done: &[String]) -> Result<(), EngineError> {
        let works = self.works().await?;
        for generation in 0_u32.. {
            plan.work = work_id(plan, generation);
            let taken = works.get(&plan.work).is_some_and(|names| names.contains("abandoned"))
                || just_done.contains(&plan.work);
            if !taken {
                break;
            }
        }
        Ok(())
    }
}

fn work_id(plan: &Plan, generation: u32) -> String {
    let mut hash = Sha256::new();
    hash.update(format!("{}\n{:?}\n{generation}\n", plan.mapping_name(), plan.tenant));
    for input in &plan.inputs {
        hash.update(format!("{}\n{}\n", input.path, input.etag));
    }
    crate::hex(&hash.finalize())[..16].to_owned()
}
