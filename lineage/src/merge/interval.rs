//! When each dependency held.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use schemas::{Certainty, EdgeKinds, Form, Gap};

use crate::facts::{DatasetName, EdgeFact, JobName, Node};

/// A dependency without its time.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Claim {
    pub(super) source: Node,
    pub(super) target: Node,
    pub(super) kinds: EdgeKinds,
    pub(super) cap: Form,
    pub(super) certainty: Certainty,
    pub(super) gap: Option<Gap>,
}

/// What each job said about each of its outputs, by time.
#[derive(Debug, Default)]
pub(super) struct History {
    said: BTreeMap<(JobName, DatasetName), BTreeMap<DateTime<Utc>, Said>>,
    /// When a dataset lost all its rows, whoever did it.
    emptied: BTreeMap<DatasetName, BTreeSet<DateTime<Utc>>>,
}

/// What was said at one instant; what is said twice at one instant holds together.
#[derive(Debug, Default)]
struct Said {
    claims: BTreeSet<Claim>,
    by_run: bool,
    /// Whether the job as it stands no longer named the output.
    is_withdrawn: bool,
}

impl History {
    pub(super) fn claim(
        &mut self,
        job: &JobName,
        output: &DatasetName,
        at: DateTime<Utc>,
        by_run: bool,
        claims: BTreeSet<Claim>,
    ) {
        let said = self.said.entry((job.clone(), output.clone())).or_default().entry(at).or_default();
        said.claims.extend(claims);
        said.by_run |= by_run;
        said.is_withdrawn = false;
    }

    /// The job as it stands no longer names `output`; what its runs said about it since is not affected.
    pub(super) fn withdraw(&mut self, job: &JobName, output: &DatasetName, at: DateTime<Utc>) {
        let said = self.said.entry((job.clone(), output.clone())).or_default();
        said.entry(at).or_insert(Said { is_withdrawn: true, ..Said::default() });
    }

    /// `output` has lost its rows.
    pub(super) fn empty(&mut self, output: &DatasetName, at: DateTime<Utc>) {
        self.emptied.entry(output.clone()).or_default().insert(at);
    }

    /// Every dependency with the times in which it held.
    pub(super) fn edges(mut self) -> BTreeSet<EdgeFact> {
        for ((_, output), said) in &mut self.said {
            for at in self.emptied.get(output).into_iter().flatten() {
                said.entry(*at).or_default();
            }
        }
        self.said.into_iter().flat_map(|((job, _), said)| intervals(&job, said)).collect()
    }
}

/// A dependency opens when it is first said and closes when it is next left out.
fn intervals(job: &JobName, said: BTreeMap<DateTime<Utc>, Said>) -> Vec<EdgeFact> {
    let mut closed = Vec::new();
    let mut open: BTreeMap<Claim, DateTime<Utc>> = BTreeMap::new();
    let mut was_by_run = false;
    for (at, said) in said {
        if said.is_withdrawn && was_by_run {
            continue;
        }
        was_by_run = said.by_run;
        let mut next: BTreeMap<Claim, DateTime<Utc>> = BTreeMap::new();
        for claim in said.claims {
            let since = open.remove(&claim).unwrap_or(at);
            next.insert(claim, since);
        }
        closed.extend(open.into_iter().map(|(claim, from)| edge(job, claim, from, Some(at))));
        open = next;
    }
    closed.extend(open.into_iter().map(|(claim, from)| edge(job, claim, from, None)));
    closed
}

fn edge(job: &JobName, claim: Claim, valid_from: DateTime<Utc>, valid_to: Option<DateTime<Utc>>) -> EdgeFact {
    let Claim { source, target, kinds, cap, certainty, gap } = claim;
    EdgeFact { source, target, job: job.clone(), valid_from, valid_to, kinds, cap, certainty, gap }
}
