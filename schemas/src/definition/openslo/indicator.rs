//! Indicators: what is measured, and by which rows where the metric source is ours.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use super::super::duration;
use super::super::framework::filled;
use super::super::problem::{Place, Problems};
use super::super::raw_openslo::{Free, RawBinding, RawMetric, RawSliSpec};
use super::super::sla::{self, MAX_UNKNOWN_DEFAULT, SETTLE_SECONDS_DEFAULT};
use super::super::surroundings::Surroundings;
use super::super::yaml::{At, Node, Tree};
use crate::sla::{ExclusionRule, Measured, Share};

/// What may stand in `spec` of a metric source.
pub(super) trait Spec: DeserializeOwned + JsonSchema {
    /// Which rows are counted; none of the source of others.
    fn binding(self) -> Option<RawBinding>;
}

impl Spec for Free {
    fn binding(self) -> Option<RawBinding> {
        None
    }
}

impl Spec for RawBinding {
    fn binding(self) -> Option<RawBinding> {
        Some(self)
    }
}

/// What is measured.
#[derive(Debug, Clone)]
pub(super) struct Indicator {
    /// Whether a figure is compared with a value; else it is a part of a whole.
    pub(super) is_threshold: bool,
    /// Which rows are counted; none where others measure.
    pub(super) binding: Option<Binding>,
    /// Types of its metric sources.
    pub(super) types: Vec<String>,
    /// The document, where it is one of its own.
    pub(super) text: Vec<u8>,
}

/// Which rows are counted, and whose.
#[derive(Debug, Clone)]
pub(super) struct Binding {
    pub(super) service: Option<String>,
    pub(super) measured: Measured,
    pub(super) tenants: BTreeSet<String>,
    pub(super) min_total: Option<u32>,
    pub(super) max_unknown: Share,
    pub(super) exclusions: Option<ExclusionRule>,
    pub(super) settle_seconds: u64,
}

/// A metric source as it stands there.
pub(super) struct Source<'n> {
    pub(super) kind: String,
    pub(super) place: Place,
    /// The data source that it names for its type, and that nobody describes.
    pub(super) lacks: Option<(&'n str, Place)>,
    spec: Option<&'n Node>,
}

/// The metric sources below a node. A type that nobody names is `unnamed`.
pub(super) fn sources<'n>(node: &'n Node, types: &BTreeMap<String, String>) -> Vec<Source<'n>> {
    match &node.value {
        Tree::List(items) => items.iter().flat_map(|item| sources(item, types)).collect(),
        Tree::Map(entries) => {
            let each = entries.iter().flat_map(|(key, value)| match key.value.text() {
                Some("metricSource") => {
                    let text =
                        |key: &str| value.value.get(key).and_then(|found| Some((found.value.text()?, found.place)));
                    let (own, named) = (text("type").map(|(own, _)| own), text("metricSourceRef"));
                    let kind = own.or_else(|| types.get(named?.0).map(String::as_str));
                    let lacks = named.filter(|_| kind.is_none());
                    let kind = kind.unwrap_or("unnamed").to_owned();
                    vec![Source { kind, place: value.place, lacks, spec: value.value.get("spec") }]
                }
                _ => sources(value, types),
            });
            each.collect()
        }
        _ => Vec::new(),
    }
}

/// Checks an indicator; `node` is where it stands.
pub(super) fn build<S: Spec>(
    raw: RawSliSpec<S>,
    (node, types): (&Node, &BTreeMap<String, String>),
    around: &Surroundings,
    problems: &mut Problems,
) -> Option<Indicator> {
    let found = sources(node, types);
    let (is_threshold, metrics) = match (raw.threshold_metric, raw.ratio_metric) {
        (Some(metric), None) => (true, vec![metric]),
        (None, Some(At { value: ratio, place })) => match (ratio.total, ratio.good, ratio.bad, ratio.raw) {
            (Some(total), Some(part), None, None) | (Some(total), None, Some(part), None) => (false, vec![total, part]),
            (None, None, None, Some(raw)) => (false, vec![raw]),
            _ => {
                problems
                    .add(place, "ratioMetric is a part of a whole; write total with good or with bad, or raw alone");
                return None;
            }
        },
        (Some(_), Some(ratio)) => {
            problems.add(ratio.place, "an SLI is a threshold or a ratio; keep one of thresholdMetric and ratioMetric");
            return None;
        }
        (None, None) => {
            problems.add(node.place, "the indicator measures nothing; add ratioMetric, or thresholdMetric");
            return None;
        }
    };
    let mut kinds: Vec<String> = found.iter().map(|source| source.kind.clone()).collect();
    kinds.dedup();
    let indicator = |binding| Indicator { is_threshold, binding, types: kinds, text: Vec::new() };
    if found.iter().any(|source| source.kind != super::AUDITLAKE) {
        return Some(indicator(None));
    }
    if let Some(lacking) = found.iter().find(|source| source.spec.is_none()) {
        let message = "spec is required of a metric source of type auditlake; write for example \
                       {requests: {dataset: requests}, tenants: [acme]}";
        problems.add(lacking.place, message);
        return None;
    }
    let mut specs = found.iter().filter_map(|source| source.spec);
    let first = specs.next()?;
    if let Some(other) = specs.find(|other| !is_same(other, first)) {
        let message = "spec differs from that of the other metric; auditlake counts good requests and all of them in the \
                       same rows, so write the same one in both, for example by an alias";
        problems.add(other.place, message);
        return None;
    }
    let binding = metrics.into_iter().find_map(bound).and_then(|raw| binding(raw, around, problems))?;
    Some(indicator(Some(binding)))
}

fn bound<S: Spec>(metric: At<RawMetric<S>>) -> Option<At<RawBinding>> {
    let At { value: spec, place } = metric.value.metric_source.value.spec?;
    Some(At { value: spec.binding()?, place })
}

/// Whether two nodes say the same, wherever they stand.
fn is_same(a: &Node, b: &Node) -> bool {
    match (&a.value, &b.value) {
        (Tree::List(a), Tree::List(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| is_same(a, b)),
        (Tree::Map(a), Tree::Map(b)) => {
            let has = |key: &Node, value: &Node| b.iter().any(|(k, v)| is_same(k, key) && is_same(v, value));
            a.len() == b.len() && a.iter().all(|(key, value)| has(key, value))
        }
        (a, b) => !matches!(a, Tree::List(_) | Tree::Map(_)) && a.describe() == b.describe(),
    }
}

fn binding(raw: At<RawBinding>, around: &Surroundings, problems: &mut Problems) -> Option<Binding> {
    let At { value: raw, place } = raw;
    let before = problems.len();
    let service = raw.service.map(|service| filled("service", service, problems));
    let measured = sla::measured((raw.requests, raw.probes), place, around, problems);
    let mut tenants = BTreeSet::new();
    if raw.tenants.value.is_empty() {
        problems.add(raw.tenants.place, "tenants is empty; name whose rows are judged, for example [acme]");
    }
    for tenant in raw.tenants.value {
        let place = tenant.place;
        let tenant = filled("tenants", tenant, problems);
        if !tenants.insert(tenant.clone()) {
            problems.add(place, format!("tenants {tenant:?} stands here twice; keep one"));
        }
    }
    let unknown = raw.max_unknown.unwrap_or(At { value: MAX_UNKNOWN_DEFAULT.to_owned(), place: Place::START });
    let max_unknown = sla::percent("max_unknown", &unknown, problems);
    let exclusions = raw.exclusions.map(|given| sla::exclusions(given, around, problems));
    let settle_seconds = duration::given_seconds("settle", raw.settle, problems).unwrap_or(SETTLE_SECONDS_DEFAULT);
    if problems.len() > before {
        return None;
    }
    Some(Binding {
        service,
        measured: measured?,
        tenants,
        min_total: raw.min_total,
        max_unknown: max_unknown?,
        exclusions: exclusions.flatten(),
        settle_seconds,
    })
}
