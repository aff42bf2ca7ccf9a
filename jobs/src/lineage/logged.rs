//! Everything that is logged, as rows: from the last snapshot and the objects of the log after it.

use std::collections::{BTreeMap, BTreeSet};

use ::lineage::{Event, Merged, Origin, log_rows, log_schema};
use arrow::array::{AsArray, BooleanArray, RecordBatch};
use arrow::compute::{filter_record_batch, interleave_record_batch};
use engine::{EngineError, Lakefront};

use super::log::{LineageLog, events_of, odd};
use super::snapshots::{Base, Snapshots};

/// States of runs that have ended.
const ENDS: [&str; 3] = ["COMPLETE", "FAIL", "ABORT"];

/// The rows of the log, read once.
#[derive(Debug)]
pub(crate) struct Logged {
    batches: Vec<RecordBatch>,
    /// The number of the last object that is among them.
    pub(crate) last: u64,
    /// The snapshot they begin with.
    pub(crate) base: Option<Base>,
    /// What was wrong on the way.
    pub(crate) notes: Vec<String>,
}

impl Logged {
    /// Reads what is logged. A snapshot that is damaged is left out, and said to be.
    pub(crate) async fn read(front: &Lakefront) -> Result<Self, EngineError> {
        let (base, notes) = Snapshots::new(front.clone()).last().await?;
        Self::after(front, base, notes).await
    }

    /// Reads the log alone.
    pub(crate) async fn from_the_log_alone(front: &Lakefront) -> Result<Self, EngineError> {
        Self::after(front, None, Vec::new()).await
    }

    async fn after(front: &Lakefront, mut base: Option<Base>, notes: Vec<String>) -> Result<Self, EngineError> {
        let log = LineageLog::new(front.clone());
        let covered = base.as_ref().map_or(0, |base| base.manifest.log_last);
        let last = log.last(covered).await?;
        let mut batches = base.as_mut().map(|base| std::mem::take(&mut base.events)).unwrap_or_default();
        batches.extend(log.rows(covered, last).await?);
        Ok(Self { batches, last, base, notes })
    }

    /// How many objects of the log no snapshot holds.
    pub(crate) fn tail(&self) -> u64 {
        self.last - self.base.as_ref().map_or(0, |base| base.manifest.log_last)
    }

    /// Logs more, and knows it from then on.
    pub(crate) async fn append(&mut self, front: &Lakefront, events: &[Event]) -> Result<(), EngineError> {
        // Another one may have logged meanwhile what was not read.
        let number = LineageLog::new(front.clone()).append(events, self.last).await?;
        if number > self.last + 1 {
            let between = LineageLog::new(front.clone()).rows(self.last, number - 1).await?;
            self.batches.extend(between);
        }
        self.last = number;
        self.batches.push(log_rows(events).map_err(odd)?);
        Ok(())
    }

    /// Ids of runs: those that have begun, and those that have ended.
    pub(crate) fn runs(&self) -> (BTreeSet<String>, BTreeSet<String>) {
        let (mut begun, mut ended) = (BTreeSet::new(), BTreeSet::new());
        for batch in &self.batches {
            let text = |name: &str| batch.column_by_name(name).and_then(|column| column.as_string_opt::<i32>());
            let (Some(ids), Some(states)) = (text("run_id"), text("event_type")) else { continue };
            for (id, state) in ids.iter().zip(states) {
                let Some(id) = id else { continue };
                let is_end = state.is_some_and(|state| ENDS.contains(&state));
                if is_end { &mut ended } else { &mut begun }.insert(id.to_owned());
            }
        }
        (begun, ended)
    }

    /// Ids of everything that is logged.
    pub(crate) fn ids(&self) -> BTreeSet<Vec<u8>> {
        let mut ids = BTreeSet::new();
        for batch in &self.batches {
            let column = batch.column_by_name("event_id").and_then(|column| column.as_fixed_size_binary_opt());
            ids.extend(column.into_iter().flat_map(|column| column.iter().flatten().map(<[u8]>::to_vec)));
        }
        ids
    }

    /// The events that came by definition.
    pub(crate) fn definitions(&self) -> Result<Vec<Event>, EngineError> {
        let mut events = Vec::new();
        for batch in &self.batches {
            let Some(origins) = batch.column_by_name("origin").and_then(|column| column.as_string_opt::<i32>()) else {
                continue;
            };
            let is_definition: BooleanArray = origins.iter().map(|origin| Some(origin == Some("definition"))).collect();
            if is_definition.true_count() > 0 {
                let rows = filter_record_batch(batch, &is_definition).map_err(odd)?;
                events.extend(events_of("the log of lineage", &rows)?);
            }
        }
        debug_assert!(events.iter().all(|event| event.origin == Origin::Definition), "the rows were chosen by it");
        Ok(events)
    }

    /// Every event once, by its id.
    pub(crate) fn rows(&self) -> Result<RecordBatch, EngineError> {
        let mut places: BTreeMap<Vec<u8>, (usize, usize)> = BTreeMap::new();
        for (at, batch) in self.batches.iter().enumerate() {
            let ids = batch.column_by_name("event_id").and_then(|column| column.as_fixed_size_binary_opt());
            for (row, id) in ids.into_iter().flat_map(|ids| ids.iter().enumerate()) {
                places.entry(id.unwrap_or_default().to_vec()).or_insert((at, row));
            }
        }
        if places.is_empty() {
            return Ok(RecordBatch::new_empty(log_schema()));
        }
        let batches: Vec<&RecordBatch> = self.batches.iter().collect();
        let rows: Vec<(usize, usize)> = places.into_values().collect();
        interleave_record_batch(&batches, &rows).map_err(odd)
    }

    /// Every event once, by its id.
    pub(crate) fn events(&self) -> Result<Vec<Event>, EngineError> {
        events_of("the log of lineage", &self.rows()?)
    }

    /// The events together.
    pub(crate) fn merged(&self) -> Result<Merged, EngineError> {
        let mut merged = Merged::default();
        self.events()?.into_iter().for_each(|event| merged.add(event));
        Ok(merged)
    }
}
