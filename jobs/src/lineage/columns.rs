//! `lineage columns`: which columns the columns of a statement come from. Nothing is run.

use std::path::Path;

use ::lineage::{FunctionClasses, Traced, trace};
use schemas::{JobId, JobKind};

use super::naming::Naming;
use super::told;
use crate::Answer;
use crate::error::JobError;
use crate::lake::{self, OpenLake};
use crate::world::World;

/// What the columns of a statement come from: that of a job, or one in a file.
pub(crate) async fn columns(
    lake: &OpenLake,
    world: &World,
    job: Option<&str>,
    sql: Option<&Path>,
) -> Result<Answer, JobError> {
    let naming = Naming::of(&lake.definitions);
    let (into, statement) = match (job, sql) {
        (Some(job), _) => {
            let (into, statement) = of_job(lake, job)?;
            (Some(into), statement)
        }
        (None, Some(file)) => (None, read(file)?),
        (None, None) => {
            return Err(JobError::Usage("give a job of kind query, or a file with --sql".to_owned()));
        }
    };
    let session = lake.sessions.session(world.now())?;
    let plan = session.analysed(&statement).await?;
    let traced: Traced = trace(&plan, &naming.of_plans(), &FunctionClasses::default());
    let text = told::text(&traced, naming.namespace(), into.as_deref());
    Ok(Answer::done(text, told::json(&traced, naming.namespace())))
}

/// The dataset that a job fills, and its statement.
fn of_job(lake: &OpenLake, name: &str) -> Result<(String, String), JobError> {
    let jobs = &lake.definitions.jobs;
    let found = JobId::parse(name).ok().and_then(|id| lake.definitions.job(&id));
    let job = found.ok_or_else(|| JobError::Unknown {
        what: "job",
        name: name.to_owned(),
        remedy: format!("jobs are: {}", lake::names(jobs.iter().map(|job| &job.id))),
    })?;
    match &job.kind {
        JobKind::Query(spec) => Ok((spec.into.to_string(), spec.sql.clone())),
        JobKind::Ingest(_)
        | JobKind::Export(_)
        | JobKind::ComplianceReport(_)
        | JobKind::Verify(_)
        | JobKind::Retention(_)
        | JobKind::Anonymize(_)
        | JobKind::Sla(_)
        | JobKind::Usage(_)
        | JobKind::Anomalies(_)
        | JobKind::Report(_) => {
            let of_kind = jobs.iter().filter(|job| matches!(job.kind, JobKind::Query(_))).map(|job| &job.id);
            Err(JobError::Usage(format!(
                "job \"{name}\" is of kind {}, and columns are told of jobs of kind query ({}); or give a statement with \
                 --sql",
                job.kind.as_str(),
                lake::names(of_kind)
            )))
        }
    }
}

fn read(file: &Path) -> Result<String, JobError> {
    if file != Path::new("-") {
        return crate::read_text(file);
    }
    let read = std::io::read_to_string(std::io::stdin().lock());
    read.map_err(|source| JobError::Local { action: "read", path: "standard input".to_owned(), source })
}
