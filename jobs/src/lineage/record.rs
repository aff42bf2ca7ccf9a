//! Recording: what a run, a command or a request did goes into the log as events.
//!
//! A run's event is made from its records, so one that a crash kept from the log is made by whoever looks next. A
//! command has no records: its beginning is logged before it does anything, and its end after it. Recording never fails
//! what is recorded.

use std::collections::BTreeSet;

use ::lineage::{Event, JobName, Origin, Reading, RunEvent, State, read, run_id};
use engine::EngineError;

use super::log::LineageLog;
use super::made::Made;
use super::naming::Naming;
use super::run_events::{AttemptOf, ReadFile, inputs};
use super::snapshots::Snapshots;
use crate::error::JobError;
use crate::lake::OpenLake;
use crate::ledger::{CommitRecord, FailRecord, RunKey, StartRecord};
use crate::world::World;

/// How an attempt ended.
pub(crate) enum Ended<'a> {
    Committed(&'a CommitRecord),
    Failed(&'a FailRecord),
    /// It goes on, or died.
    Not,
}

/// Logs an attempt that ended. What fails here is made up for later, and is a warning.
pub(crate) async fn attempt(lake: &OpenLake, key: &RunKey, start: &StartRecord, ended: Ended<'_>) {
    let done = async {
        let naming = Naming::of(&lake.definitions);
        let of = AttemptOf { naming: &naming, lake: lake.definitions.id.as_str(), key, start };
        let events = events_of(lake, of, &ended).await?;
        logged(lake, &events).await
    };
    if let Err(error) = done.await {
        tracing::warn!(run = %key.id(), %error, "lineage not logged, will be when lineage is asked for");
    }
}

async fn logged(lake: &OpenLake, events: &[Event]) -> Result<u64, JobError> {
    let after = Snapshots::new(lake.front.clone()).covered().await?;
    Ok(LineageLog::new(lake.front.clone()).append(events, after).await?)
}

/// The events of an attempt that ended.
pub(crate) async fn events_of(lake: &OpenLake, of: AttemptOf<'_>, ended: &Ended<'_>) -> Result<Vec<Event>, JobError> {
    let mut events = of.started();
    events.extend(match ended {
        Ended::Not => Vec::new(),
        Ended::Failed(fail) => of.failed(fail),
        Ended::Committed(commit) => {
            let kept = match &commit.lineage_sha256 {
                Some(name) => Made::kept(&lake.front, name).await.map(Some),
                None => Ok(None),
            };
            let made = match kept {
                Ok(made) => made,
                // What is lost is a gap of this run, and none of the others.
                Err(error @ EngineError::Damaged { .. }) => {
                    tracing::warn!(run = %commit.run, %error, "lineage of a run is lost, will be a gap");
                    None
                }
                Err(error) => return Err(error.into()),
            };
            of.committed(commit, &made.unwrap_or_else(|| of.untold(commit)))
        }
    });
    events.into_iter().map(as_kept).collect()
}

/// The event as the log gives it back, so that it has one id wherever it was made.
fn as_kept(event: Event) -> Result<Event, JobError> {
    let text = event.to_value(::lineage::Indirect::Dataset).to_string();
    let reading = Reading::kept(Origin::Run);
    let kept = read(text.as_bytes(), &reading);
    let (event, _) =
        kept.map_err(|remark| EngineError::Bug { what: format!("an event of a run is none: {remark}") })?;
    Ok(event)
}

/// Something that is done without records of runs, on its way.
#[derive(Debug)]
pub(crate) struct Doing<'a> {
    lake: &'a OpenLake,
    world: &'a World,
    event: RunEvent,
}

impl<'a> Doing<'a> {
    /// Logs that it begins; `kind` is for example `ingest`.
    pub(crate) async fn begin(lake: &'a OpenLake, world: &'a World, job: JobName, kind: &str) -> Self {
        let mut chance = [0; 4];
        world.fill(&mut chance);
        let event = RunEvent {
            run_id: run_id(lake.definitions.id.as_str(), &job.name, world.now(), u32::from_le_bytes(chance)),
            job,
            job_kind: kind.to_owned(),
            at: world.now(),
            state: State::Start,
            nominal: None,
            parent: None,
            engine_version: env!("CARGO_PKG_VERSION").to_owned(),
            inputs: Vec::new(),
            outputs: Vec::new(),
            error: None,
            sql: None,
            operations: BTreeSet::new(),
        };
        let doing = Self { lake, world, event };
        doing.log(doing.event.clone()).await;
        doing
    }

    /// Logs how it ended, and hands on what came of it.
    pub(crate) async fn end<T>(
        self,
        result: Result<T, JobError>,
        made: impl FnOnce(&T) -> (Made, Vec<ReadFile>),
    ) -> Result<T, JobError> {
        let mut event = RunEvent { at: self.world.now(), ..self.event.clone() };
        match &result {
            Ok(done) => {
                let (made, files) = made(done);
                event.state = State::Complete;
                event.inputs = inputs(&Naming::of(&self.lake.definitions), &made, &files);
                event.outputs = made.outputs;
                event.operations = made.operations;
                event.sql = made.sql;
            }
            Err(error) => {
                event.state = State::Fail;
                event.error = Some(error.remedy().as_str().to_owned());
            }
        }
        self.log(event).await;
        result
    }

    async fn log(&self, event: RunEvent) {
        let events: Result<Vec<Event>, JobError> = event.events().into_iter().map(as_kept).collect();
        let logged = match events {
            Ok(events) => logged(self.lake, &events).await,
            Err(error) => Err(error),
        };
        if let Err(error) = logged {
            tracing::warn!(job = %self.event.job.name, %error, "lineage not logged");
        }
    }
}
