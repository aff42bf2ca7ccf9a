//! `auditlake verify` and the job kind `verify`: everything against the evidence log, and the log against trusted keys and
//! anchors. Nothing is changed; what cannot be checked is told as that, and never as good.
//!
//! ```text
//! log      entries, tree, checkpoints, tiles     anchors  copies in other hands     files    files of datasets
//! records  runs, reports, reviews   retention  holds, plans  chains   chains that producers made
//! indexes  of subjects      alone      one file with its proof, offline   told   for people    events   for controls
//! ```

mod alone;
mod anchors;
mod chains;
mod digest;
mod events;
mod files;
mod finding;
mod indexes;
mod log;
mod records;
mod retention;
mod scope;
#[cfg(test)]
mod tests;
mod told;

use engine::evidence::VerifierKey;
use schemas::VerifySpec;

use crate::Answer;
use crate::args::{Cli, VerifyArgs};
use crate::deliver::Delivery;
use crate::error::JobError;
use crate::evidence_log::{EvidenceFault, LogStore, OpenAnchor, keys_of, open, trusted};
use crate::lake::OpenLake;
use crate::ledger::{OutputRole, RunSummary, VerifySummary};
use crate::lineage::Made;
use crate::runner::{Attempt, Executed};
use crate::world::World;
use scope::{Sample, Scope};

pub(crate) use events::waiting;
pub use finding::{ChainHead, FindingKind, Verified, VerifyFinding};

/// What is trusted, and what the log is compared with beside its own anchors.
struct Against {
    keys: Vec<VerifierKey>,
    /// Where they are from.
    keys_from: String,
    kept: Option<(String, Vec<u8>)>,
    asks_anchors: bool,
}

/// Carries out `auditlake verify`.
pub(crate) async fn command(cli: &Cli, world: &World, args: &VerifyArgs) -> Result<Answer, JobError> {
    let here = std::path::Path::new("");
    let given = args.keys.as_ref().map(|path| trusted(here, &path.to_string_lossy())).transpose()?;
    if !args.files.is_empty() {
        return alone::command(cli, world, args, given).await;
    }
    let lake = cli.open()?;
    let against = against(&lake, args, given).await?;
    let mut seed = [0; 8];
    world.fill(&mut seed);
    let dataset =
        args.dataset.as_deref().map(|name| lake.dataset(name).map(|dataset| dataset.id.clone())).transpose()?;
    let scope = Scope {
        datasets: dataset.into_iter().collect(),
        from: args.from,
        to: args.to,
        sample: Sample { percent: args.sample, seed: u64::from_be_bytes(seed) },
    };
    let verified = everything(&lake, world, &against, &scope).await?;
    Ok(told::answer(&verified))
}

async fn against(lake: &OpenLake, args: &VerifyArgs, given: Option<Vec<VerifierKey>>) -> Result<Against, JobError> {
    let kept = args.checkpoint.as_ref().map(|path| {
        let read = std::fs::read(path).map_err(|source| JobError::Local {
            action: "read the checkpoint",
            path: path.display().to_string(),
            source,
        });
        Ok::<_, JobError>((path.display().to_string(), read?))
    });
    let keys_from = args.keys.as_ref().map(|path| path.display().to_string());
    let (keys, keys_from) = trust(lake, given.zip(keys_from)).await?;
    Ok(Against { keys, keys_from, kept: kept.transpose()?, asks_anchors: !args.offline })
}

/// The keys that were given, or else those that the lake's policy trusts.
async fn trust(
    lake: &OpenLake,
    given: Option<(Vec<VerifierKey>, String)>,
) -> Result<(Vec<VerifierKey>, String), JobError> {
    let Some(policy) = &lake.definitions.evidence else { return Err(EvidenceFault::NoLog.into()) };
    let (keys, from) = match given {
        Some(given) => given,
        None => {
            let mut keys = Vec::new();
            for path in &policy.trust {
                keys.extend(trusted(&lake.folder, path)?);
            }
            (keys, policy.trust.join(", "))
        }
    };
    if keys.is_empty() {
        let offered = keys_of(lake).await?;
        let offered = if offered.is_empty() { "none".to_owned() } else { offered.join("; ") };
        return Err(EvidenceFault::NoTrust { offered }.into());
    }
    Ok((keys, from))
}

/// Checks the log of a lake alone: entries, tree, checkpoints and tiles, against trusted keys.
///
/// # Errors
/// When the store fails.
pub async fn verify_log(lake: &OpenLake, world: &World, keys: &[VerifierKey]) -> Result<Verified, JobError> {
    let mut verified = Verified::default();
    log::check(&LogStore::of_lake(lake.front.clone()), keys, world.logged_at(), &mut verified).await?;
    Ok(verified.sorted())
}

/// Checks everything that a scope has.
async fn everything(lake: &OpenLake, world: &World, against: &Against, scope: &Scope) -> Result<Verified, JobError> {
    let Some(policy) = &lake.definitions.evidence else { return Err(EvidenceFault::NoLog.into()) };
    let now = world.logged_at();
    let mut verified = Verified::default();
    let open = open(lake).await?;
    let log = log::check(&LogStore::of_lake(lake.front.clone()), &against.keys, now, &mut verified).await?;
    let ids: Vec<String> = against.keys.iter().map(|key| key.id().to_string()).collect();
    verified.looked_at("trust", format!("key {} of {}", ids.join(", "), against.keys_from));
    let opened: Vec<OpenAnchor> = policy.anchors.iter().map(|anchor| OpenAnchor::open(&lake.folder, anchor)).collect();
    if against.asks_anchors {
        anchors::check(&lake.front, &opened, &log, now, &mut verified).await;
    }
    if let Some((name, bytes)) = &against.kept
        && anchors::kept(&format!("in \"{name}\""), bytes, &log, &mut verified)
    {
        verified.looked_at("checkpoint", format!("{name}: the log grew from it"));
    }
    if against.kept.is_none() && (opened.is_empty() || !against.asks_anchors) {
        verified.not_checked(
            "whether the whole log was written anew, or its end cut, by somebody with its key: no copy elsewhere was asked \
             (anchors in policies/evidence.yaml, or --checkpoint with one that you kept)",
        );
    }
    files::check(lake, &log, (scope, &open), &mut verified).await?;
    indexes::check(lake, scope, &mut verified).await?;
    if scope.has_runs() {
        records::check(lake, &log, (scope, &open), &mut verified).await?;
        retention::check(lake, &log, &open, &mut verified).await?;
    } else {
        verified.not_checked("runs, reports and reviews: only datasets were asked for");
    }
    chains::check(lake, &log, scope, world.now(), &mut verified).await?;
    if !scope.is_whole() {
        let Sample { percent, seed } = scope.sample;
        verified.not_checked(match percent {
            100 => "what lies outside of the datasets and days that were asked for".to_owned(),
            percent => {
                format!("what was not asked for, and the bytes of files not drawn: {percent} % were, with seed {seed}")
            }
        });
    }
    Ok(verified.sorted())
}

/// The job kind `verify`: what was found is a file of the run, and the ends of chains go into the log.
pub(crate) async fn execute(attempt: &Attempt<'_>, world: &World, spec: &VerifySpec) -> Result<Executed, JobError> {
    let lake = attempt.lake;
    let (keys, keys_from) = trust(lake, None).await?;
    let against = Against { keys, keys_from, kept: None, asks_anchors: true };
    let scope = Scope { datasets: spec.datasets.clone(), ..Scope::default() };
    let verified = everything(lake, world, &against, &scope).await?;
    let mut delivery =
        Delivery { front: &lake.front, fence: attempt.fence, retried: attempt.number > 1, outputs: Vec::new() };
    let folder =
        format!("_auditlake/evidence/{}/{}/{}", attempt.key.job, schemas::compact(attempt.key.instant), attempt.number);
    let bytes = serde_json::to_vec_pretty(&verified)
        .map_err(|source| engine::EngineError::Record { path: format!("{folder}/verified.json"), source })?;
    let rows = verified.findings.len() as u64;
    delivery.create(format!("{folder}/verified.json"), OutputRole::Verified, bytes.into(), Some(rows)).await?;
    events::write(attempt, world.now(), &verified).await?;
    let summary = RunSummary {
        findings: rows,
        verify: Some(VerifySummary { not_checked: verified.not_checked.len() as u64 }),
        ..RunSummary::default()
    };
    Ok(Executed {
        inputs: Vec::new(),
        reads: std::collections::BTreeMap::new(),
        outputs: delivery.outputs,
        summary,
        made: Made::default(),
        plan_sha256: None,
    })
}
