//! Which names are one dataset.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::event::{Event, Lifecycle};
use crate::facts::DatasetName;

/// Scheme of names that are no locations.
const LOGICAL: &str = "auditlake://";

/// Names that mean the same dataset, and the one of them that stands for all: a logical name, by which people know it,
/// before a location, then the one first heard of, then one that a dataset bore itself before one that only linked to it, then by the alphabet.
#[derive(Debug, Default)]
pub(super) struct Aliases {
    canonical: BTreeMap<DatasetName, DatasetName>,
}

/// What decides which of several names stands for all; the least.
type Rank = (bool, DateTime<Utc>, bool);

impl Aliases {
    pub(super) fn of<'a>(events: impl Iterator<Item = &'a Event>) -> Self {
        let mut ranks: BTreeMap<&DatasetName, Rank> = BTreeMap::new();
        let mut pairs: Vec<(&DatasetName, &DatasetName)> = Vec::new();
        for event in events {
            let mut see = |name: &'a DatasetName, is_link: bool| {
                let rank = (!name.namespace.starts_with(LOGICAL), event.at, is_link);
                let known = ranks.entry(name).or_insert(rank);
                *known = rank.min(*known);
            };
            event.dataset_names().into_iter().for_each(|name| see(name, false));
            for dataset in event.datasets() {
                let before = match &dataset.facets.lifecycle {
                    Some(Lifecycle::Rename(before)) => before.as_ref(),
                    _ => None,
                };
                for other in dataset.facets.symlinks.iter().flatten().chain(before) {
                    see(other, true);
                    pairs.push((&dataset.name, other));
                }
            }
        }
        if pairs.is_empty() { Self::default() } else { Self::united(&ranks, &pairs) }
    }

    fn united(ranks: &BTreeMap<&DatasetName, Rank>, pairs: &[(&DatasetName, &DatasetName)]) -> Self {
        let names: Vec<&DatasetName> = ranks.keys().copied().collect();
        let number = |name: &DatasetName| names.binary_search(&name).ok();
        let mut above: Vec<usize> = (0..names.len()).collect();
        for (a, b) in pairs {
            if let (Some(a), Some(b)) = (number(a), number(b)) {
                let (a, b) = (root(&mut above, a), root(&mut above, b));
                if let Some(place) = above.get_mut(a.max(b)) {
                    *place = a.min(b);
                }
            }
        }
        let mut best: BTreeMap<usize, (&Rank, &DatasetName)> = BTreeMap::new();
        for (at, (name, rank)) in ranks.iter().enumerate() {
            let of = best.entry(root(&mut above, at)).or_insert((rank, name));
            *of = (rank, *name).min(*of);
        }
        let canonical = names.iter().enumerate().filter_map(|(at, name)| {
            let (_, best) = best.get(&root(&mut above, at))?;
            (best != name).then(|| ((*name).clone(), (*best).clone()))
        });
        Self { canonical: canonical.collect() }
    }

    /// The name that stands for `name`.
    pub(super) fn canonical(&self, name: &DatasetName) -> DatasetName {
        self.canonical.get(name).unwrap_or(name).clone()
    }
}

/// The least member known of a set; ways are halved as they are gone.
fn root(above: &mut [usize], mut at: usize) -> usize {
    while let Some(&next) = above.get(at).filter(|next| **next != at) {
        let after = above.get(next).copied().unwrap_or(next);
        if let Some(place) = above.get_mut(at) {
            *place = after;
        }
        at = after;
    }
    at
}
