//! Events together: what they come to as facts.
//!
//! [`Merged`] keeps every event once, by its id, and [`Merged::facts`] is a function of that set: in which order, how
//! often and in which batches they came changes nothing. Absent: stores, and the graph.

mod alias;
mod columns;
mod interval;
mod run;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use schemas::{Certainty, EdgeKinds, Form, Gap};

use crate::event::{About, Dataset, DatasetFacets, Event, JobPart, Lifecycle, Origin, Source, Sources, State, Way};
use crate::facts::{DatasetName, Facts, JobFact, JobName, Node};

use alias::Aliases;
use columns::Described;
use interval::{Claim, History};
use run::RunEvents;

/// When an event counts, and its id.
type Key = (DateTime<Utc>, [u8; 32]);

/// What decides which of two events is believed: the later one, at one instant that of the later state, then by id.
type Rank = (DateTime<Utc>, State, [u8; 32]);

/// Events, each once.
#[derive(Debug, Clone, Default)]
pub struct Merged {
    /// By job and run: a producer that gives the same id to runs of two jobs is not believed.
    runs: BTreeMap<(JobName, String), RunEvents>,
    jobs: BTreeMap<JobName, BTreeMap<Key, Event>>,
    datasets: BTreeMap<Key, Event>,
}

impl Merged {
    /// Adds an event; one that is there already changes nothing.
    pub fn add(&mut self, event: Event) {
        let key = (event.at, event.id());
        let events = match &event.about {
            About::Run(run, job) => self.runs.entry((job.name.clone(), run.id.clone())).or_default().events_mut(),
            About::Job(job) => self.jobs.entry(job.name.clone()).or_default(),
            About::Dataset(_) => &mut self.datasets,
        };
        let known = events.entry(key).or_insert_with(|| event.clone());
        known.origin = known.origin.max(event.origin);
    }

    /// What the events come to.
    pub fn facts(&self) -> Facts {
        let mut gathered = Gathered {
            aliases: Aliases::of(self.events()),
            jobs: BTreeMap::new(),
            history: History::default(),
            described: Described::default(),
        };
        for (name, events) in &self.jobs {
            gathered.job(name, events);
        }
        for ((name, _), run) in &self.runs {
            gathered.run(name, run);
        }
        gathered.datasets(&self.datasets);
        let mut names = BTreeSet::new();
        for event in self.events() {
            names.extend(event.dataset_names().into_iter().map(|name| gathered.aliases.canonical(name)));
        }
        let Gathered { jobs, history, described, .. } = gathered;
        let mut facts = Facts { datasets: BTreeMap::new(), jobs, edges: history.edges() };
        described.settle(&names, &mut facts);
        facts
    }

    /// Every event, in no order that means anything.
    fn events(&self) -> impl Iterator<Item = &Event> {
        let runs = self.runs.values().flat_map(RunEvents::all);
        runs.chain(self.jobs.values().flat_map(BTreeMap::values)).chain(self.datasets.values())
    }
}

/// Facts in the making.
#[derive(Debug)]
struct Gathered<'a> {
    aliases: Aliases,
    jobs: BTreeMap<JobName, JobFact>,
    history: History,
    described: Described<'a>,
}

impl<'a> Gathered<'a> {
    /// A job as it stands: its last event holds, the others are history.
    fn job(&mut self, name: &JobName, events: &'a BTreeMap<Key, Event>) {
        let mut before: BTreeSet<DatasetName> = BTreeSet::new();
        let mut last_by_origin: BTreeMap<Origin, (Key, &Event)> = BTreeMap::new();
        for (key, event) in events {
            let Some(job) = event.job() else { continue };
            let outputs = self.names(&job.outputs);
            for gone in before.difference(&outputs) {
                self.history.withdraw(name, gone, event.at);
            }
            self.claim(name, job, event.at, false);
            before = outputs;
            last_by_origin.insert(event.origin, (*key, event));
        }
        for (key, event) in last_by_origin.into_values() {
            self.describe(standing(key), event, true);
        }
        if let Some(last) = events.values().next_back().and_then(Event::job) {
            self.know(name, last);
        }
    }

    /// A run: what it described counts whatever became of it, what it claims only if it was completed.
    fn run(&mut self, name: &JobName, run: &'a RunEvents) {
        self.jobs.entry(name.clone()).or_default();
        let end = run.end();
        let is_broken = end.is_some_and(|end| !end.is_complete);
        for (rank, event) in run.in_order() {
            self.describe(rank, event, !is_broken);
        }
        let Some(end) = end.filter(|end| end.is_complete) else { return };
        let job = run.together(name);
        self.claim(name, &job, end.at, true);
        let operations = run.operations();
        let fact = self.know(name, &job);
        match fact.last_run_at {
            // Runs that ended at one instant did all of it.
            Some(last) if last == end.at => fact.operations.extend(operations),
            Some(last) if last > end.at => {}
            _ => {
                fact.operations = operations;
                fact.last_run_at = Some(end.at);
            }
        }
    }

    /// Datasets as they stand: the last event of each origin replaces the others.
    fn datasets(&mut self, events: &'a BTreeMap<Key, Event>) {
        let mut last: BTreeMap<(DatasetName, Origin), (Key, &Dataset)> = BTreeMap::new();
        for (key, event) in events {
            for dataset in event.datasets() {
                last.insert((self.aliases.canonical(&dataset.name), event.origin), (*key, dataset));
            }
        }
        for ((name, origin), (key, dataset)) in last {
            self.described.add(&name, origin, standing(key), &dataset.facets);
        }
    }

    fn names(&self, datasets: &[Dataset]) -> BTreeSet<DatasetName> {
        datasets.iter().map(|dataset| self.aliases.canonical(&dataset.name)).collect()
    }

    fn know(&mut self, name: &JobName, job: &JobPart) -> &mut JobFact {
        let (inputs, outputs) = (self.names(&job.inputs), self.names(&job.outputs));
        let fact = self.jobs.entry(name.clone()).or_default();
        fact.inputs.extend(inputs);
        fact.outputs.extend(outputs);
        fact
    }

    /// What an event says of its datasets; an output that was never written is known by its name alone.
    fn describe(&mut self, rank: Rank, event: &'a Event, with_outputs: bool) {
        let Some(job) = event.job() else { return };
        let outputs = job.outputs.iter().filter(|_| with_outputs);
        for dataset in job.inputs.iter().chain(outputs) {
            self.described.add(&self.aliases.canonical(&dataset.name), event.origin, rank, &dataset.facets);
        }
    }

    /// What a job says at `at` about each of its outputs.
    fn claim(&mut self, name: &JobName, job: &JobPart, at: DateTime<Utc>, by_run: bool) {
        let inputs = self.names(&job.inputs);
        for output in &job.outputs {
            let target = self.aliases.canonical(&output.name);
            let is_emptied = matches!(output.facets.lifecycle, Some(Lifecycle::Drop | Lifecycle::Truncate));
            let claims = if is_emptied {
                self.history.empty(&target, at);
                BTreeSet::new()
            } else {
                claims(&inputs, &output.facets, &target, &self.aliases)
            };
            self.history.claim(name, &target, at, by_run, claims);
        }
    }
}

/// The rank of what is said of a thing as it stands.
fn standing((at, id): Key) -> Rank {
    (at, State::Other, id)
}

/// What a job says of one output.
fn claims(
    inputs: &BTreeSet<DatasetName>,
    facets: &DatasetFacets,
    output: &DatasetName,
    aliases: &Aliases,
) -> BTreeSet<Claim> {
    let whole = |target: &Node, certainty, gap| {
        let (target, kinds, cap) = (target.clone(), EdgeKinds::default(), Form::Raw);
        let claim = move |input: &DatasetName| {
            let (source, target) = (Node::Dataset(input.clone()), target.clone());
            Claim { source, target, kinds, cap, certainty, gap }
        };
        inputs.iter().map(claim).collect::<Vec<_>>()
    };
    let whole_output = Node::Dataset(output.clone());
    let Some(lineage) = &facets.lineage else {
        return whole(&whole_output, Certainty::Opaque, Some(Gap::JobLevel)).into_iter().collect();
    };
    let mut claims = BTreeSet::new();
    let columns = lineage.fields.iter().map(|(field, sources)| (Node::Column(output.clone(), field.clone()), sources));
    for (target, sources) in columns.chain([(whole_output, &lineage.dataset)]) {
        let (certainty, gap) = (sources.certainty, sources.gap);
        // What nobody knows the sources of may come from anything that was read.
        if sources.from.is_empty() && certainty != Certainty::Exact {
            claims.extend(whole(&target, certainty, gap));
        }
        // Ways from several names of one dataset are one way.
        let mut joined = Sources::default();
        for (source, way) in &sources.from {
            joined.add(Source { dataset: aliases.canonical(&source.dataset), field: source.field.clone() }, *way);
        }
        for (Source { dataset, field }, Way { kinds, cap }) in joined.from {
            let source = match field {
                Some(field) => Node::Column(dataset, field),
                None => Node::Dataset(dataset),
            };
            claims.insert(Claim { source, target: target.clone(), kinds, cap, certainty, gap });
        }
    }
    claims
}

#[cfg(test)]
mod tests;
