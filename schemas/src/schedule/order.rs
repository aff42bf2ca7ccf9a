//! Which job comes before which: those that others wait for come first.

use std::collections::{BTreeMap, BTreeSet};

use crate::definition::Job;
use crate::id::JobId;

/// The jobs, each behind those that it waits for; by id where nothing else decides.
pub fn in_order(jobs: &[Job]) -> Vec<&Job> {
    let mut waiting: BTreeMap<&JobId, &Job> = jobs.iter().map(|job| (&job.id, job)).collect();
    let mut ordered = Vec::with_capacity(waiting.len());
    while !waiting.is_empty() {
        let is_free = |job: &Job| !job.timing.after.iter().any(|after| waiting.contains_key(&after.job));
        let free = waiting.values().copied().find(|job| is_free(job));
        // In a cycle, which no checked lake has, the first by id goes on.
        let Some(next) = free.or_else(|| waiting.values().next().copied()) else { break };
        waiting.remove(&next.id);
        ordered.push(next);
    }
    ordered
}

/// Cycles among `(waits, for)`: each begins with its first name, and every name stands in one at most.
pub(crate) fn cycles<'a>(edges: &[(&'a str, &'a str)]) -> Vec<Vec<&'a str>> {
    let mut upstream: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (waits, awaited) in edges {
        upstream.entry(waits).or_default().insert(awaited);
    }
    let mut found: Vec<Vec<&str>> = Vec::new();
    for start in upstream.keys() {
        if !found.iter().flatten().any(|name| name == start) {
            found.extend(way_back(start, &upstream));
        }
    }
    found
}

/// The shortest way from a name to itself.
fn way_back<'a>(start: &'a str, upstream: &BTreeMap<&'a str, BTreeSet<&'a str>>) -> Option<Vec<&'a str>> {
    let mut ways = vec![vec![start]];
    let mut seen = BTreeSet::new();
    while !ways.is_empty() {
        let mut longer = Vec::new();
        for way in ways {
            for next in way.last().and_then(|last| upstream.get(last)).into_iter().flatten() {
                if *next == start {
                    return Some(way);
                }
                if seen.insert(*next) {
                    longer.push([way.as_slice(), &[*next]].concat());
                }
            }
        }
        ways = longer;
    }
    None
}
