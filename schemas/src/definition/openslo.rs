//! `slas/*.yaml` in OpenSLO v1: each objective of an SLO becomes an SLA with tiers of its own, or is known as unbound.
//!
//! An indicator whose metric sources are of type `auditlake` says which rows are counted, and whose: its objectives are SLAs
//! like any other, judged by the same code. One of another type is loaded, named, and nothing is judged of it. What an SLA
//! cannot mean (a rolling window) is an error where the SLO is bound and a note where it is not; what is read another way
//! than it is written is a note in either case.
//!
//! Absent: tiers, credits and fees, which OpenSLO has no words for, and alerts.

mod indicator;
mod objective;
mod window;

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use self::indicator::{Indicator, Spec, sources};
use self::objective::{Context, objective};
use super::folder::SourceFile;
use super::problem::{DefinitionError, Place, Problems};
use super::raw_openslo::{
    Free, RawAlertSpec, RawBinding, RawDataSourceSpec, RawDocument, RawIndicator, RawPolicyRef, RawServiceSpec,
    RawSliSpec, RawSloSpec,
};
use super::surroundings::Surroundings;
use super::yaml::{self, At, Node, Tree};
use super::{nearest, raw_of};
use crate::hex;
use crate::sla::UnboundSlo;

/// The version that is read.
const VERSION: &str = "openslo/v1";
/// Kinds of document.
const KINDS: [&str; 7] =
    ["SLO", "SLI", "Service", "DataSource", "AlertPolicy", "AlertCondition", "AlertNotificationTarget"];
/// The type of metric source that says which rows are counted.
const AUDITLAKE: &str = "auditlake";

/// A document with its kind and name.
struct Document {
    file: SourceFile,
    node: Node,
    kind: &'static str,
    name: At<String>,
}

/// What documents name of one another.
#[derive(Default)]
struct Named {
    /// Types of data sources.
    sources: BTreeMap<String, String>,
    /// Indicators; none of one with errors, which are told.
    indicators: BTreeMap<String, Option<Indicator>>,
    policies: BTreeSet<String>,
}

/// What is said of a document: errors, and what somebody may want to know.
pub(super) struct Told {
    problems: Problems,
    notes: Problems,
    /// Whether what cannot be judged is an error.
    is_bound: bool,
}

impl Told {
    fn of(document: &Document) -> Self {
        let path = &document.file.path;
        Self { problems: Problems::of(path), notes: Problems::of(path), is_bound: false }
    }

    /// Something that an SLA cannot mean.
    fn cannot(&mut self, place: Place, message: impl Into<String>) {
        let of = if self.is_bound { &mut self.problems } else { &mut self.notes };
        of.add(place, message);
    }
}

/// Whether a file of `slas/` holds documents of OpenSLO: a line begins with the key that each of them has.
pub(super) fn is_meant(text: &[u8]) -> bool {
    let begins = |line: &str| line.trim_start_matches(['-', ' ', '{', '"', '\'']).starts_with("apiVersion");
    String::from_utf8_lossy(text).lines().any(begins)
}

/// Reads the documents of all files into what is around jobs, and claims the names of what they come to; what is wrong
/// with them.
pub(super) fn read(files: &[&SourceFile], zone: chrono_tz::Tz, around: &mut Surroundings) -> Vec<DefinitionError> {
    let mut errors = Vec::new();
    let documents = documents(files, &mut errors);
    around.sla_names.unknown |= !errors.is_empty();
    let mut named = Named::default();
    // What is named before what names it.
    for kind in ["DataSource", "SLI", "AlertPolicy", "AlertCondition", "AlertNotificationTarget", "Service", "SLO"] {
        for document in documents.iter().filter(|document| document.kind == kind) {
            let mut told = Told::of(document);
            if kind == "SLO" {
                let read = slo(document, (&named, zone), around, &mut told);
                // Any name may be meant by what cannot be read.
                around.sla_names.unknown |= read.is_none() || told.problems.len() > 0;
            } else {
                named.add(document, around, &mut told);
            }
            errors.extend(told.problems.into_errors());
            let mut notes = told.notes.into_errors();
            notes.sort();
            around.openslo_notes.extend(notes.iter().map(ToString::to_string));
        }
    }
    around.unbound.sort_by(|a, b| a.id.cmp(&b.id));
    errors
}

/// The documents of all files, of which no two are of one kind and name.
fn documents(files: &[&SourceFile], errors: &mut Vec<DefinitionError>) -> Vec<Document> {
    let mut documents: Vec<Document> = Vec::new();
    for file in files {
        let mut problems = Problems::of(&file.path);
        for text in problems.keep_placed(yaml::documents(&file.text)).unwrap_or_default() {
            let file = SourceFile { path: file.path.clone(), text };
            let Some(document) = opened(file, &mut problems) else { continue };
            let Document { kind, name: At { value: name, place }, .. } = &document;
            let is_same = |other: &&Document| !name.is_empty() && other.kind == *kind && other.name.value == *name;
            match documents.iter().find(is_same) {
                Some(Document { file: SourceFile { path, .. }, .. }) => {
                    problems.add(*place, format!("{kind} {name:?} is already described in {path}; rename one of them"))
                }
                None => documents.push(document),
            }
        }
        errors.extend(problems.into_errors());
    }
    documents
}

/// Reads an SLO; none where its objectives have no names yet.
fn slo(document: &Document, with: (&Named, chrono_tz::Tz), around: &mut Surroundings, told: &mut Told) -> Option<()> {
    if is_auditlake(document, with.0, told)? {
        slo_of::<RawBinding>(document, with, around, told)
    } else {
        slo_of::<Free>(document, with, around, told)
    }
}

fn slo_of<S: Spec>(
    document: &Document,
    (named, zone): (&Named, chrono_tz::Tz),
    around: &mut Surroundings,
    told: &mut Told,
) -> Option<()> {
    let raw: RawDocument<RawSloSpec<S>> = raw_of("SLO", &document.file, &document.node, &mut told.problems)?;
    let spec = raw.spec;
    let whose = document.node.value.get("spec");
    let nodes = whose.and_then(|spec| spec.value.get("objectives"));
    let of_all = chosen((spec.indicator, spec.indicator_ref), (document, whose), (named, around), told)?;
    let mut objectives = Vec::new();
    let several = spec.objectives.value.len() > 1;
    for (number, At { value: mut raw, place }) in spec.objectives.value.into_iter().enumerate() {
        let node = match nodes.map(|nodes| &nodes.value) {
            Some(Tree::List(nodes)) => nodes.get(number),
            _ => None,
        };
        let own = (raw.indicator.take(), raw.indicator_ref.take());
        let indicator = chosen(own, (document, node), (named, around), told)?.or_else(|| of_all.clone());
        let Some(indicator) = indicator else {
            told.problems
                .add(place, "the SLO has no indicator; add indicator, or indicatorRef with the name of an SLI");
            return None;
        };
        objectives.push((At { value: raw.into(), place }, number, indicator));
    }
    if objectives.is_empty() {
        told.problems.add(spec.objectives.place, "objectives is empty; add for example {target: 0.999}");
    }
    told.is_bound = objectives.iter().any(|(_, _, indicator)| indicator.binding.is_some());
    policies(spec.alert_policies, named, told);
    let window = window::build(spec.time_window, zone, told);
    let context = Context {
        name: &raw.metadata.name,
        service: &spec.service,
        method: spec.budgeting_method,
        window,
        several,
        text: unpadded(&document.file.text),
    };
    for (raw, number, indicator) in objectives {
        claimed(&context, (raw, number, indicator), around, told);
    }
    Some(())
}

/// An objective as an SLA, or as one that is not bound; its name is claimed.
fn claimed(
    context: &Context<'_>,
    (raw, number, indicator): (At<objective::Given>, usize, Indicator),
    around: &mut Surroundings,
    told: &mut Told,
) {
    let place = if context.several { raw.place } else { context.name.place };
    let Some(id) = told.problems.keep(place, context.id(&raw.value, number)) else { return };
    if let Some(earlier) = around.sla_names.claim(id.as_str(), Some(told.problems.file())) {
        told.problems.add(place, format!("sla \"{id}\" is already described in {earlier}; rename one of them"));
    }
    let types = indicator.types.join(", ");
    let is_unbound = indicator.binding.is_none();
    around.slas.extend(objective(context, id.clone(), (raw, indicator), told));
    if is_unbound {
        let why = format!(
            "no dataset is bound to it, as its metric sources are of type {types}; give them type: {AUDITLAKE}, with the \
             dataset and the tenants in spec"
        );
        told.notes.add(place, format!("sla \"{id}\" is not evaluated: {why}"));
        around.unbound.push(UnboundSlo { id, service: context.service.value.clone(), why });
    }
}

impl Named {
    /// Reads what is no SLO, and keeps what others name of it.
    fn add(&mut self, document: &Document, around: &Surroundings, told: &mut Told) {
        let name = document.name.value.clone();
        match document.kind {
            "DataSource" => {
                let spec = checked::<RawDataSourceSpec>("DataSource", document, told);
                self.sources.extend(spec.map(|spec| (name, spec.r#type.value)));
            }
            "SLI" => {
                let indicator = match is_auditlake(document, self, told) {
                    Some(true) => self.sli::<RawBinding>(document, around, told),
                    Some(false) => self.sli::<Free>(document, around, told),
                    None => None,
                };
                self.indicators.insert(name, indicator);
            }
            "Service" => drop(checked::<Option<RawServiceSpec>>("Service", document, told)),
            "AlertPolicy" => {
                checked::<RawAlertSpec>("AlertPolicy", document, told);
                self.policies.insert(name);
            }
            "AlertCondition" => drop(checked::<RawAlertSpec>("AlertCondition", document, told)),
            "AlertNotificationTarget" => drop(checked::<RawAlertSpec>("AlertNotificationTarget", document, told)),
            _ => {}
        }
    }

    fn sli<S: Spec>(&self, document: &Document, around: &Surroundings, told: &mut Told) -> Option<Indicator> {
        let spec: RawSliSpec<S> = checked("SLI", document, told)?;
        let node = document.node.value.get("spec")?;
        let mut found = indicator::build(spec, (node, &self.sources), around, &mut told.problems)?;
        found.text = unpadded(&document.file.text).to_vec();
        Some(found)
    }
}

/// The typed reading of what a document says.
fn checked<T: DeserializeOwned + JsonSchema>(kind: &'static str, document: &Document, told: &mut Told) -> Option<T> {
    raw_of::<RawDocument<T>>(kind, &document.file, &document.node, &mut told.problems).map(|raw| raw.spec)
}

/// A document with its kind and name, or what is wrong with it.
fn opened(file: SourceFile, problems: &mut Problems) -> Option<Document> {
    let node = without_nulls(problems.keep_placed(yaml::tree(&file.text))?);
    match node.value.get("apiVersion") {
        Some(given) if given.value.text() == Some(VERSION) => {}
        Some(given) => {
            let found = given.value.describe();
            problems.add(given.place, format!("apiVersion {found} is not read; write {VERSION}"));
            return None;
        }
        None => {
            problems.add(node.place, format!("apiVersion is required of each document here; write {VERSION}"));
            return None;
        }
    }
    let given = node.value.get("kind");
    let text = given.and_then(|kind| kind.value.text()).unwrap_or_default();
    let Some(kind) = KINDS.into_iter().find(|kind| *kind == text) else {
        let near = nearest(text, KINDS).map(|near| format!(" did you mean {near:?}?")).unwrap_or_default();
        let place = given.map_or(node.place, |given| given.place);
        problems
            .add(place, format!("kind {text:?} does not exist in {VERSION};{near} kinds are: {}", KINDS.join(", ")));
        return None;
    };
    let given = node.value.get("metadata").and_then(|metadata| metadata.value.get("name"));
    let text = given.and_then(|name| name.value.text()).unwrap_or_default().to_owned();
    let name = At { value: text, place: given.map_or(node.place, |given| given.place) };
    Some(Document { file, node, kind, name })
}

/// Keys without a value are as if they were left out: examples of OpenSLO have them.
fn without_nulls(node: Node) -> Node {
    let value = match node.value {
        Tree::Map(entries) => Tree::Map(
            entries
                .into_iter()
                .filter(|(_, value)| !matches!(value.value, Tree::Null))
                .map(|(key, value)| (key, without_nulls(value)))
                .collect(),
        ),
        Tree::List(items) => Tree::List(items.into_iter().map(without_nulls).collect()),
        other => other,
    };
    At { value, place: node.place }
}

/// Whether the metric sources of a document are ours. All of them are, or none: a part of a whole is counted in one place.
fn is_auditlake(document: &Document, named: &Named, told: &mut Told) -> Option<bool> {
    let found = sources(&document.node, &named.sources);
    for (name, place) in found.iter().filter_map(|source| source.lacks) {
        let near = nearest(name, named.sources.keys().map(String::as_str));
        let what = near.map_or("write type beside it".to_owned(), |near| format!("did you mean \"{near}\"?"));
        told.notes.add(place, format!("DataSource {name:?} does not exist; {what}"));
    }
    let is_ours = |kind: &str| kind == AUDITLAKE;
    let ours = found.iter().filter(|source| is_ours(&source.kind)).count();
    match found.iter().find(|source| !is_ours(&source.kind)) {
        Some(other) if ours > 0 => {
            let message = format!(
                "metric sources of type {AUDITLAKE} and of type {} stand in one document; write type: {AUDITLAKE} in each",
                other.kind
            );
            told.problems.add(other.place, message);
            None
        }
        _ => Some(ours > 0),
    }
}

/// The indicator that stands there, or the SLI that is named; the inner one is none where there is neither.
fn chosen<S: Spec>(
    given: (Option<At<RawIndicator<S>>>, Option<At<String>>),
    (document, whose): (&Document, Option<&Node>),
    (named, around): (&Named, &Surroundings),
    told: &mut Told,
) -> Option<Option<Indicator>> {
    match given {
        (Some(_), Some(name)) => {
            told.problems.add(name.place, "an indicator stands here and an SLI is named; keep one of the two");
            None
        }
        (Some(own), None) => {
            let node = whose.and_then(|whose| whose.value.get("indicator")).unwrap_or(&document.node);
            indicator::build(own.value.spec, (node, &named.sources), around, &mut told.problems).map(Some)
        }
        (None, Some(name)) => match named.indicators.get(&name.value) {
            Some(found) => found.clone().map(Some),
            None => {
                let near = nearest(&name.value, named.indicators.keys().map(String::as_str));
                let what = near.map_or("describe it in slas/".to_owned(), |near| format!("did you mean \"{near}\"?"));
                told.problems.add(name.place, format!("SLI {:?} does not exist; {what}", name.value));
                None
            }
        },
        (None, None) => Some(None),
    }
}

/// Alert policies must exist, and raise nothing.
fn policies(given: Option<At<Vec<At<RawPolicyRef>>>>, named: &Named, told: &mut Told) {
    let Some(At { value: given, place }) = given else { return };
    let name = |one: RawPolicyRef| match one {
        RawPolicyRef::Name(name) => Some(name),
        RawPolicyRef::Policy(policy) => policy.alert_policy_ref,
    };
    if !given.is_empty() {
        let message = "alert policies are not watched in this version; a job of kind anomalies raises alerts";
        told.notes.add(place, message);
    }
    for one in given {
        if let Some(name) = name(one.value).filter(|name| !named.policies.contains(name)) {
            told.cannot(
                one.place,
                format!("AlertPolicy {name:?} does not exist; describe it in slas/, or leave it out"),
            );
        }
    }
}

/// A document without the empty lines for those before it.
fn unpadded(text: &[u8]) -> &[u8] {
    text.trim_ascii()
}

/// SHA-256 over texts, in hex.
fn sha256_of(texts: [&[u8]; 2]) -> String {
    let mut hash = Sha256::new();
    for text in texts {
        hash.update((text.len() as u64).to_be_bytes());
        hash.update(text);
    }
    hex(&hash.finalize())
}
