//! The events of one run, brought into order.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use super::{Key, Rank};
use crate::event::{Dataset, DatasetFacets, Event, JobPart, State};
use crate::facts::{DatasetName, JobName, Operation};

/// The events of one run.
#[derive(Debug, Clone, Default)]
pub(super) struct RunEvents(BTreeMap<Key, Event>);

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct End {
    pub(super) at: DateTime<Utc>,
    state: State,
    pub(super) is_complete: bool,
}

impl RunEvents {
    pub(super) fn events_mut(&mut self) -> &mut BTreeMap<Key, Event> {
        &mut self.0
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Event> {
        self.0.values()
    }

    /// How it ended: the later of several ends, at one instant the worse.
    pub(super) fn end(&self) -> Option<End> {
        let end = |event: &Event| {
            let state = event.run()?.state;
            (state >= State::Complete).then_some(End { at: event.at, state, is_complete: state == State::Complete })
        };
        self.0.values().filter_map(end).max()
    }

    /// Its events, and when each counts: a beginning after the end counts with the end and before it, however late the
    /// clock that wrote it.
    pub(super) fn in_order(&self) -> Vec<(Rank, &Event)> {
        let end = self.end().map(|end| end.at);
        let mut placed = Vec::with_capacity(self.0.len());
        for ((at, id), event) in &self.0 {
            let state = event.run().map_or(State::Other, |run| run.state);
            let is_before = matches!(state, State::Start | State::Running);
            let at = end.filter(|end| is_before && end < at).unwrap_or(*at);
            placed.push(((at, state, *id), event));
        }
        placed.sort_by_key(|(rank, _)| *rank);
        placed
    }

    /// Inputs, outputs and facets of all its events.
    pub(super) fn together(&self, name: &JobName) -> JobPart {
        let mut inputs: BTreeMap<&DatasetName, DatasetFacets> = BTreeMap::new();
        let mut outputs: BTreeMap<&DatasetName, DatasetFacets> = BTreeMap::new();
        for (_, event) in self.in_order() {
            let Some(job) = event.job() else { continue };
            for (all, some) in [(&mut inputs, &job.inputs), (&mut outputs, &job.outputs)] {
                for dataset in some {
                    all.entry(&dataset.name).or_default().overlay(&dataset.facets);
                }
            }
        }
        let list = |all: BTreeMap<&DatasetName, DatasetFacets>| {
            let dataset = |(name, facets): (&DatasetName, _)| Dataset { facets, ..Dataset::new(name.clone()) };
            all.into_iter().map(dataset).collect()
        };
        JobPart { inputs: list(inputs), outputs: list(outputs), ..JobPart::new(name.clone()) }
    }

    /// What it did, by the last event that tells.
    pub(super) fn operations(&self) -> BTreeSet<Operation> {
        let told = self.in_order().into_iter().rev().find_map(|(_, event)| event.run()?.operations.clone());
        told.unwrap_or_default()
    }
}
