//! The graph of a lake: what was logged, with what the ledger and the definitions say beside it.
//!
//! Whoever asks first makes up for what a crash kept from the log. If that cannot be logged, for example because the
//! store is only read, it counts for the answer all the same.

use std::collections::{BTreeMap, BTreeSet};

use ::lineage::{
    About, Dataset, DatasetFacets, DatasetKind, DatasetName, Event, Graph, Merged, Origin, PRODUCER, SchemaField, Tag,
};
use chrono::{DateTime, TimeDelta, Utc};
use engine::EngineError;
use schemas::INFERRED;

use super::logged::Logged;
use super::naming::Naming;
use super::record::{Ended, events_of};
use super::run_events::{AttemptOf, id_of};
use super::snapshots::{Snapshots, damaged};
use super::walked::line;
use crate::claim::Claim;
use crate::error::JobError;
use crate::lake::OpenLake;
use crate::ledger::{Ledger, RunKey};
use crate::world::World;

/// Objects of the log above which whoever asks writes a snapshot.
const TAIL_MAX: u64 = 1_000;
/// Key of the tag of a column that names a person.
pub(crate) const SUBJECT: &str = "subject";

/// The graph of a lake.
#[derive(Debug)]
pub(crate) struct LakeGraph {
    pub(crate) graph: Graph,
    pub(crate) naming: Naming,
    /// The snapshot it is, if nothing happened after it.
    pub(crate) snapshot: Option<u64>,
    /// What was wrong on the way.
    pub(crate) notes: Vec<String>,
}

impl LakeGraph {
    /// Opens the graph.
    pub(crate) async fn open(lake: &OpenLake, world: &World) -> Result<Self, JobError> {
        let mut logged = Logged::read(&lake.front).await?;
        let unlogged = make_up(lake, world, &mut logged).await?;
        if logged.tail() > TAIL_MAX && unlogged.is_empty() {
            match compacted(lake, world).await {
                Ok(_) => logged = Logged::read(&lake.front).await?,
                Err(error) => logged.notes.push(format!("no snapshot was written ({error})")),
            }
        }
        let naming = Naming::of(&lake.definitions);
        let mut notes = std::mem::take(&mut logged.notes);
        if let Some(base) = logged.base.as_ref().filter(|_| logged.tail() == 0 && unlogged.is_empty()) {
            match Snapshots::new(lake.front.clone()).graph(base).await {
                Ok(graph) => return Ok(Self { graph, naming, snapshot: Some(base.number), notes }),
                Err(error) => notes.push(damaged(base.number, &error)),
            }
        }
        let mut merged = logged.merged()?;
        unlogged.into_iter().for_each(|event| merged.add(event));
        Ok(Self { graph: graph_of(&merged)?, naming, snapshot: None, notes })
    }

    /// Adds what was wrong on the way to an answer.
    pub(crate) fn add_notes(&self, text: &mut String) {
        self.notes.iter().for_each(|note| line(text, format_args!("note: {note}")));
    }
}

/// The graph of events.
pub(crate) fn graph_of(merged: &Merged) -> Result<Graph, JobError> {
    let graph = Graph::of(&merged.facts());
    Ok(graph.map_err(|error| EngineError::Bug { what: format!("the events make no graph ({error})") })?)
}

/// Writes a snapshot of everything that is logged, if the last one is older; gives its number and how many events it has.
pub(crate) async fn compacted(lake: &OpenLake, world: &World) -> Result<Option<(u64, u64)>, JobError> {
    let claim = Claim::take(&lake.front, world, "lineage").await?;
    let written = async {
        let mut logged = Logged::read(&lake.front).await?;
        make_up(lake, world, &mut logged).await?;
        let is_new = logged.tail() > 0 || logged.base.is_none() || !logged.notes.is_empty();
        if is_new { snapshot(lake, &logged).await.map(Some) } else { Ok(None) }
    };
    let written = written.await;
    claim.release().await;
    written
}

/// Writes a snapshot from the log alone.
pub(crate) async fn rebuilt(lake: &OpenLake, world: &World) -> Result<(u64, u64), JobError> {
    let claim = Claim::take(&lake.front, world, "lineage").await?;
    let written = async {
        let mut logged = Logged::from_the_log_alone(&lake.front).await?;
        make_up(lake, world, &mut logged).await?;
        snapshot(lake, &logged).await
    };
    let written = written.await;
    claim.release().await;
    written
}

async fn snapshot(lake: &OpenLake, logged: &Logged) -> Result<(u64, u64), JobError> {
    let rows = logged.rows()?;
    let graph = graph_of(&logged.merged()?)?;
    let number = Snapshots::new(lake.front.clone()).write(&graph, &rows, logged.last).await?;
    Ok((number, rows.num_rows() as u64))
}

/// Logs what the ledger and the definitions say and the log does not; gives what could not be logged.
pub(crate) async fn make_up(lake: &OpenLake, world: &World, logged: &mut Logged) -> Result<Vec<Event>, JobError> {
    let mut events = of_runs(lake, logged).await?;
    events.extend(of_definitions(lake, world.now(), logged)?);
    if events.is_empty() {
        return Ok(events);
    }
    match logged.append(&lake.front, &events).await {
        Ok(()) => Ok(Vec::new()),
        Err(error) => {
            logged.notes.push(format!("what is new was not logged ({error})"));
            Ok(events)
        }
    }
}

/// Events of attempts that are in the ledger and not in the log.
async fn of_runs(lake: &OpenLake, logged: &Logged) -> Result<Vec<Event>, JobError> {
    let ledger = Ledger::new(lake.front.clone());
    let naming = Naming::of(&lake.definitions);
    let id = lake.definitions.id.as_str();
    let (begun, ended) = logged.runs();
    let mut by_run: BTreeMap<String, RunKey> = BTreeMap::new();
    for (key, attempt) in ledger.attempts().await? {
        if !ended.contains(&id_of(id, &key, attempt)) {
            by_run.insert(key.id(), key);
        }
    }
    let mut events = Vec::new();
    for key in by_run.values() {
        let Some(run) = ledger.run_of(key).await? else { continue };
        for start in &run.attempts {
            let of = AttemptOf { naming: &naming, lake: id, key, start };
            if ended.contains(&of.id()) {
                continue;
            }
            let commit = run.commits().find(|commit| commit.attempt == start.attempt);
            let fail = run.failures.iter().find(|fail| fail.attempt == start.attempt);
            match (commit, fail) {
                (Some(commit), _) => events.extend(events_of(lake, of, &Ended::Committed(commit)).await?),
                (None, Some(fail)) => events.extend(events_of(lake, of, &Ended::Failed(fail)).await?),
                // It goes on, or it is dead.
                (None, None) if !begun.contains(&of.id()) => events.extend(events_of(lake, of, &Ended::Not).await?),
                (None, None) => {}
            }
        }
    }
    Ok(events)
}

/// Events of datasets whose definition is not the one that was logged last.
fn of_definitions(lake: &OpenLake, now: DateTime<Utc>, logged: &Logged) -> Result<Vec<Event>, JobError> {
    let naming = Naming::of(&lake.definitions);
    let mut last: BTreeMap<DatasetName, (DateTime<Utc>, DatasetFacets)> = BTreeMap::new();
    for event in logged.definitions()? {
        for dataset in event.datasets() {
            let known = last.get(&dataset.name).is_some_and(|(at, _)| *at > event.at);
            if !known {
                last.insert(dataset.name.clone(), (event.at, dataset.facets.clone()));
            }
        }
    }
    let mut events = Vec::new();
    for dataset in &lake.definitions.datasets {
        let name = naming.own(dataset.id.as_str());
        let facets = declared(&naming, dataset);
        let before = last.get(&name);
        if before.is_none_or(|(_, before)| *before != facets) {
            // A clock that was set back must not make the older definition the later one.
            let at = before.map_or(now, |(at, _)| now.max(*at + TimeDelta::microseconds(1)));
            events.push(described(name, facets, at));
        }
    }
    Ok(events)
}

/// The event that a dataset is so.
pub(crate) fn described(name: DatasetName, facets: DatasetFacets, at: DateTime<Utc>) -> Event {
    let dataset = Dataset { name, facets, partitions: None, statistics: None };
    Event {
        at,
        producer: PRODUCER.to_owned(),
        origin: Origin::Definition,
        about: About::Dataset(dataset),
        dropped: BTreeSet::new(),
    }
}

/// What the definitions say of a dataset.
fn declared(naming: &Naming, dataset: &schemas::Dataset) -> DatasetFacets {
    let columns = dataset.schema.columns.iter().map(|column| SchemaField {
        name: column.name.to_owned(),
        type_word: Some(column.kind.name().into_owned()),
        fields: Vec::new(),
    });
    let tag = |field: &str, key: &str, value: &str| Tag {
        field: Some(field.to_owned()),
        key: key.to_owned(),
        value: value.to_owned(),
    };
    let classes = dataset.classes.iter().map(|(column, class)| tag(column, "class", class.as_str()));
    let subjects = dataset.subjects.iter().map(|column| tag(column, SUBJECT, "true"));
    DatasetFacets {
        schema: (dataset.schema.name != INFERRED.name).then(|| columns.collect()),
        symlinks: naming.location(dataset).map(|location| BTreeSet::from([location])),
        tags: Some(classes.chain(subjects).collect()),
        kind: Some(DatasetKind::Table),
        ..DatasetFacets::default()
    }
}
