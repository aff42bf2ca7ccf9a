//! `auditlake anonymize`, and the job kind `anonymize`: a policy's copy, under the claim of the dataset that holds it.
//!
//! ```text
//! material   keys and hierarchies, from where the policy says    told    figures for people
//! ```
//!
//! What becomes of a value, how coarse and whether the copy may be seen is `engine::anonymize`'s. Absent: turning a
//! copy back; whoever has the key of a column can, outside of this program.

mod material;
mod told;

use std::sync::Arc;

use chrono::SubsecRound;
use engine::anonymize::{CopyOutcome, CopyRequest, make_copy, preview_copy};
use schemas::{
    AnonymizePolicy, AnonymizeSpec, FixedClock, Interval, Job, JobId, JobKind, Permission, PolicyId, Timing,
};

use crate::Answer;
use crate::access::Asker;
use crate::args::{AnonymizeArgs, AnonymizeCommand, Cli};
use crate::compact::GRACE;
use crate::error::JobError;
use crate::lake::{OpenLake, names};
use crate::ledger::{AnonymizeSummary, Output, RunSummary};
use crate::lineage::of_copy;
use crate::progress::Progress;
use crate::replacing::Replacing;
use crate::runner::{Asked, Attempt, Executed, Revise, interval_of, run};
use crate::show;
use crate::subject::{objecting, without};
use crate::world::World;

pub(crate) use material::check_hierarchies;
pub(crate) use told::summary_text;

/// Makes the copy of the attempt's policy, in place of the one before.
pub(crate) async fn execute(attempt: &Attempt<'_>, world: &World, spec: &AnonymizeSpec) -> Result<Executed, JobError> {
    let lake = attempt.lake;
    let policy = policy(lake, spec.policy.as_str())?;
    let (from, to) = (lake.dataset(policy.from.as_str())?, lake.dataset(policy.to.as_str())?);
    let sessions = without(&lake.sessions, objecting(lake, spec.purpose.as_ref()).await?.as_ref());
    // A key that is not there is told before anything is claimed.
    let material = material::read(lake, policy)?;
    let request = CopyRequest {
        policy,
        from,
        to,
        job: attempt.key.job.as_str(),
        interval: spec.window_seconds.map(|_| attempt.interval),
        material: &material,
        now: attempt.key.instant,
        grace: GRACE,
    };
    let replacing = Replacing::begin(lake, world, to, *attempt.progress).await?;
    let (fence, counters) = (&replacing.fence, replacing.shown.counters());
    let outcome = make_copy(&lake.front, &sessions, &request, fence, counters).await;
    let outcome = replacing.end(outcome, CopyOutcome::commit).await?;
    let session = sessions.session(attempt.key.instant)?;
    let plan = session.optimized(&outcome.plan)?;
    let made = of_copy(lake, policy, &session.analyse(outcome.plan.clone())?);
    let outputs = outcome.written.iter().map(Output::of_rows);
    let outputs = outputs.collect();
    let reads = ::lineage::reads(&plan).tables;
    let summary = AnonymizeSummary::of(policy, &outcome);
    Ok(Executed {
        made,
        plan_sha256: Some(engine::plan_sha256([&plan])),
        reads: reads.into_iter().map(|(table, columns)| (table, columns.into_iter().collect())).collect(),
        outputs,
        inputs: outcome.inputs,
        summary: RunSummary { anonymize: Some(summary), ..RunSummary::default() },
    })
}

/// Carries out a command.
pub(crate) async fn command(cli: &Cli, world: &World, args: &AnonymizeArgs) -> Result<Answer, JobError> {
    if let Some(AnonymizeCommand::Check(args)) = &args.command {
        return told::check(cli, world, args).await;
    }
    let lake = cli.open()?;
    let name = args.policy.as_deref().unwrap_or_default();
    let policy = policy(&lake, name)?;
    if !policy.enabled {
        return Err(JobError::Usage(format!(
            "policy \"{name}\" is not enabled; look through it, and write enabled: true"
        )));
    }
    let asker = Asker::named(&lake, args.principal.as_deref()).await?;
    asker.needs(Permission::AnonymizeRun, "anonymizing needs")?;
    let job = job_of(&lake, policy)?;
    if !args.dry_run {
        let revise = if args.again { Revise::Again } else { Revise::Never };
        let asked = Asked::by(revise, args.principal.as_deref());
        // The instant names the run and ends a job's window, and both are whole seconds.
        let world = world.at(Arc::new(FixedClock(world.now().trunc_subsecs(0))));
        let ran = run(&lake, &world, &job, asked, &Progress::on_terminal()).await?;
        return Ok(show::ran(&lake, &ran));
    }
    let JobKind::Anonymize(spec) = &job.kind else { return Err(not_of_copies(&job.id, policy)) };
    let material = material::read(&lake, policy)?;
    let interval: Interval = interval_of(&job, world.now(), None);
    let request = CopyRequest {
        policy,
        from: lake.dataset(policy.from.as_str())?,
        to: lake.dataset(policy.to.as_str())?,
        job: job.id.as_str(),
        interval: spec.window_seconds.map(|_| interval),
        material: &material,
        now: world.now(),
        grace: GRACE,
    };
    let outcome = preview_copy(&lake.sessions, &request).await?;
    Ok(told::preview(policy, &outcome))
}

/// The policy of that name.
fn policy<'a>(lake: &'a OpenLake, name: &str) -> Result<&'a AnonymizePolicy, JobError> {
    let found = PolicyId::parse(name).ok().and_then(|id| lake.definitions.copy(&id));
    found.ok_or_else(|| JobError::Unknown {
        what: "policy of an anonymized copy",
        name: name.to_owned(),
        remedy: format!("there are: {}", names(lake.definitions.copies.iter().map(|policy| &policy.id))),
    })
}

/// The job that makes the policy's copy; where nobody wrote one, one of the policy's name that copies every row.
fn job_of(lake: &OpenLake, policy: &AnonymizePolicy) -> Result<Job, JobError> {
    let jobs = &lake.definitions.jobs;
    let of = |job: &&Job| matches!(&job.kind, JobKind::Anonymize(spec) if spec.policy == policy.id);
    let of: Vec<&Job> = jobs.iter().filter(of).collect();
    match of.as_slice() {
        [] => {}
        [job] => return Ok((*job).clone()),
        several => {
            return Err(JobError::Usage(format!(
                "several jobs make the copy of policy \"{}\"; name one, for example auditlake run {} --at \
                 2026-03-01T00:00:00Z (there are: {})",
                policy.id,
                several[0].id,
                names(several.iter().map(|job| &job.id))
            )));
        }
    }
    let id = JobId::parse(policy.id.as_str()).map_err(|error| JobError::Usage(error.to_string()))?;
    if lake.definitions.job(&id).is_some() {
        return Err(not_of_copies(&id, policy));
    }
    let spec = AnonymizeSpec { policy: policy.id.clone(), window_seconds: None, purpose: None };
    Ok(Job { id, kind: JobKind::Anonymize(spec), timing: Timing::default(), sha256: policy.sha256.clone() })
}

fn not_of_copies(job: &JobId, policy: &AnonymizePolicy) -> JobError {
    JobError::Usage(format!(
        "job \"{job}\" is of another kind, and its runs have the name that those of policy \"{}\" would have; write a \
         job of \
         kind anonymize for the policy",
        policy.id
    ))
}
