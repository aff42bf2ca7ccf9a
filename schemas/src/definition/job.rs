//! `jobs/*.yaml`, checked against the datasets, controls and frameworks around them.

use std::collections::BTreeMap;

use super::checked::{IngestFormat, IngestSpec, JobKind, Mapping};
use super::control::{unique, unknown_framework};
use super::duration;
use super::each_once::each_once;
use super::framework::filled;
use super::later;
use super::nearest::nearest;
use super::path_template::PathTemplate;
use super::problem::{Place, Problems};
use super::raw::{Approval, RawIngest, RawOutput, RawReport, RawSource};
use super::report_spec::{ReportFormat, ReportOutput, ReportSpec};
use super::store_url::BucketUrl;
use super::surroundings::Surroundings;
use super::yaml::At;
use crate::control::ParamValue;
use crate::id::{ControlId, DatasetId, JobId, Purpose};

/// Kinds of job, as in YAML.
pub(super) const KINDS: [&str; 11] = [
    "ingest",
    "query",
    "export",
    "compliance_report",
    "verify",
    "retention",
    "anonymize",
    "sla",
    "usage",
    "anomalies",
    "report",
];
/// Rejected records per million that a run bears unless the job says otherwise: one per cent.
const MAX_REJECTED_PPM_DEFAULT: u64 = 10_000;

/// The sentence about a kind that does not exist.
pub(super) fn unknown_kind(given: &str) -> String {
    let offer = nearest(given, KINDS).filter(|_| !later::KINDS.contains(&given));
    let offer = offer.map(|near| format!("did you mean \"{near}\"? "));
    let kinds = KINDS.join(", ");
    format!("kind {given:?} does not exist in this version; {}kinds are: {kinds}", offer.unwrap_or_default())
}

/// What a job uses rows for.
pub(super) fn purpose(given: Option<At<String>>, problems: &mut Problems) -> Option<Purpose> {
    let given = given?;
    problems.keep(given.place, Purpose::parse(&given.value).map_err(|error| error.to_string()))
}

pub(super) fn build_ingest(raw: RawIngest, around: &Surroundings, problems: &mut Problems) -> Option<(JobId, JobKind)> {
    let before = problems.len();
    let id = problems.keep(raw.job.place, JobId::parse(&raw.job.value))?;
    let into = problems.keep(raw.into.place, into(&raw.into.value, raw.from.format.value, around));
    if raw.tenant.is_none() && raw.from.format.value.needs_tenant() {
        let format = raw.from.format.value.as_str();
        let message = format!("records of {format} name no tenant; add tenant: with the name of whose they are");
        problems.add(raw.from.format.place, message);
    }
    let spec = IngestSpec {
        format: raw.from.format.value,
        mapping: mapping(raw.from.format.value, raw.mapping, raw.map, problems),
        from: source(raw.from, problems),
        into: into?,
        tenant: raw.tenant.map(|tenant| filled("tenant", tenant, problems)),
        max_rejected_ppm: raw.max_rejected_ppm.unwrap_or(MAX_REJECTED_PPM_DEFAULT),
    };
    (problems.len() == before).then_some((id, JobKind::Ingest(spec)))
}

fn into(given: &str, format: IngestFormat, around: &Surroundings) -> Result<DatasetId, String> {
    if let Some(sentence) = around.dataset_names.lacks(given) {
        return Err(format!("into names dataset {given:?}, which does not exist; {sentence}"));
    }
    let id = DatasetId::parse(given).map_err(|error| error.to_string())?;
    match around.datasets.iter().find(|(dataset, _)| dataset.id == id) {
        Some((dataset, _)) if !dataset.is_ours() => Err(format!(
            "into names dataset \"{id}\", whose files others write: it has {}; name one with a schema and a folder of the lake's",
            if dataset.is_inferred() {
                "no schema"
            } else if dataset.map.is_some() {
                "a map"
            } else {
                "a location elsewhere"
            }
        )),
        Some((dataset, _)) => match format.makes().filter(|made| made.name != dataset.schema.name) {
            Some(made) => Err(format!(
                "{} makes rows of {}, but dataset \"{id}\" has schema {}; name a dataset of {}",
                format.as_str(),
                made.name,
                dataset.schema.name,
                made.name
            )),
            None => Ok(id),
        },
        None => Ok(id),
    }
}

fn source(raw: RawSource, problems: &mut Problems) -> String {
    let given = &raw.location.value;
    if BucketUrl::is_meant(given) {
        problems.keep(raw.location.place, BucketUrl::parse(given).map_err(|why| format!("location {why}")));
    } else if let Some((scheme, instead)) = later::STORES.iter().find(|(scheme, _)| given.starts_with(*scheme)) {
        problems.add(raw.location.place, format!("location {given:?}: {scheme} is not in this version; {instead}"));
    } else if raw.location.value.starts_with("file:") {
        problems.add(raw.location.place, "location is a folder, not a URL; leave file: out");
    }
    filled("location", raw.location, problems)
}

fn mapping(
    format: IngestFormat,
    name: Option<At<String>>,
    map: Option<At<String>>,
    problems: &mut Problems,
) -> Option<Mapping> {
    if format.makes().is_some() {
        let format = format.as_str();
        for (key, given) in [("mapping", name), ("map", map)] {
            if let Some(given) = given {
                problems
                    .add(given.place, format!("{key} is not for {format}, whose mapping is built in; leave it out"));
            }
        }
        return None;
    }
    match (name, map) {
        (Some(name), Some(map)) => {
            problems.keep(name.place, mapping_name(&name.value));
            Some(Mapping { name: name.value, sql: filled("map", map, problems) })
        }
        (Some(name), None) => {
            problems.add(name.place, "mapping is named without its SQL; add map: SELECT … FROM input");
            None
        }
        (None, Some(map)) => {
            problems.add(map.place, "map has no name; add mapping: with a name and version, for example app@1");
            None
        }
        (None, None) => None,
    }
}

/// `app@1`: a name and a version from 1.
fn mapping_name(given: &str) -> Result<(), String> {
    let fits = given.split_once('@').is_some_and(|(name, version)| {
        DatasetId::parse(name).is_ok() && !version.starts_with(['0', '+']) && version.parse::<u32>().is_ok()
    });
    if fits { Ok(()) } else { Err(format!("mapping {given:?} is not a name with a version; write for example app@1")) }
}

pub(super) fn build_report(
    raw: RawReport,
    around: &mut Surroundings,
    problems: &mut Problems,
) -> Option<(JobId, JobKind)> {
    let before = problems.len();
    let id_place = raw.job.place;
    let id = problems.keep(id_place, JobId::parse(&raw.job.value))?;
    let window_seconds = duration::given_seconds("window", raw.window, problems);
    for key in raw.frameworks.iter().filter(|key| !around.frameworks.iter().any(|one| one.key == key.value)) {
        problems.add(key.place, unknown_framework(&key.value, around.frameworks));
    }
    if raw.frameworks.is_empty() && raw.controls.is_none() {
        problems.add(id_place, "report has neither frameworks nor controls; add for example frameworks: [soc2]");
    }
    let mut spec = ReportSpec {
        window_seconds,
        frameworks: unique("framework", raw.frameworks, problems),
        controls: raw.controls.map(|listed| controls(listed, id_place, around, problems)),
        params: BTreeMap::new(),
        outputs: outputs(&id, raw.outputs, around, problems),
        approval_required: raw.approval == Some(Approval::Required),
    };
    spec.params = params(raw.params, &spec, around, problems);
    (problems.len() == before).then_some((id, JobKind::ComplianceReport(spec)))
}

pub(super) fn controls(
    listed: Vec<At<String>>,
    job: Place,
    around: &Surroundings,
    problems: &mut Problems,
) -> Vec<ControlId> {
    if listed.is_empty() {
        problems.add(job, "controls is empty; list controls, or leave it out for all of the frameworks");
    }
    each_once("control", listed, |given| known_control(given, around), problems)
}

fn known_control(given: &str, around: &Surroundings) -> Result<ControlId, String> {
    let id = ControlId::parse(given)?;
    match around.control_names.lacks(given) {
        Some(sentence) => Err(format!("control \"{id}\" does not exist; {sentence}")),
        None => Ok(id),
    }
}

fn params(
    raw: BTreeMap<String, BTreeMap<String, At<ParamValue>>>,
    spec: &ReportSpec,
    around: &Surroundings,
    problems: &mut Problems,
) -> BTreeMap<ControlId, BTreeMap<String, ParamValue>> {
    let mut params = BTreeMap::new();
    for (given, values) in raw {
        let place = values.values().next().map_or(Place::START, |value| value.place);
        let Some(id) = problems.keep(place, known_control(&given, around)) else { continue };
        // A control whose own file is wrong is not there to compare with; its errors are enough.
        let control = around.controls.iter().find(|control| control.id == id && !around.control_names.unknown);
        let Some(control) = control else { continue };
        if !spec.selects(control) {
            problems.add(place, format!("params name control \"{id}\", which is not part of this report; remove them"));
        }
        for (name, value) in &values {
            match control.params.get(name) {
                None => {
                    let known: Vec<&str> = control.params.keys().map(String::as_str).collect();
                    let known = if known.is_empty() {
                        "it has none".to_owned()
                    } else {
                        format!("it has: {}", known.join(", "))
                    };
                    problems.add(value.place, format!("control \"{id}\" has no parameter {name:?}; {known}"));
                }
                Some(default) if !default.same_type(&value.value) => {
                    let message = format!(
                        "parameter {name:?} of control \"{id}\" must be {}, as its default {} is; found {}",
                        type_phrase(default),
                        default.display(),
                        type_phrase(&value.value)
                    );
                    problems.add(value.place, message);
                }
                Some(_) => {}
            }
        }
        params.insert(id, values.into_iter().map(|(name, value)| (name, value.value)).collect());
    }
    params
}

fn type_phrase(value: &ParamValue) -> &'static str {
    match value {
        ParamValue::Bool(_) => "true or false",
        ParamValue::Int(_) => "a whole number",
        ParamValue::Text(_) => "a text",
        ParamValue::Texts(_) => "a list of texts",
    }
}

/// Statements for people; none where nothing is given. `of` is what they are about.
pub(super) fn statement_outputs(
    of: &str,
    (job, raw): (&JobId, Option<At<Vec<RawOutput>>>),
    around: &mut Surroundings,
    problems: &mut Problems,
) -> Vec<ReportOutput> {
    let Some(raw) = raw else { return Vec::new() };
    let place = raw.place;
    let outputs = outputs(job, raw, around, problems);
    if outputs.iter().any(|output| output.format == ReportFormat::Oscal) {
        problems.add(place, format!("format \"oscal\" is for controls; formats of {of} are: html, json, csv, xlsx"));
    }
    outputs
}

pub(super) fn outputs(
    job: &JobId,
    raw: At<Vec<RawOutput>>,
    around: &mut Surroundings,
    problems: &mut Problems,
) -> Vec<ReportOutput> {
    if raw.value.is_empty() {
        problems.add(
            raw.place,
            "outputs is empty; add for example {format: html, to: \"reports/{interval.end:%Y-%m-%d}/\"}",
        );
    }
    let mut outputs = Vec::new();
    for RawOutput { format, to } in raw.value {
        let Some(template) = problems.keep(to.place, PathTemplate::parse(&to.value, job)) else { continue };
        if let Some((dataset, file)) = around.datasets.iter().find(|(dataset, _)| template.meets(&dataset.location)) {
            problems.add(
                to.place,
                format!(
                    "path {:?} lies in {:?}, the location of dataset \"{}\" in {file}; choose another folder",
                    to.value, dataset.location, dataset.id
                ),
            );
        }
        if let Some(other) = around.claim_output(&template, format.value.as_str(), job) {
            let format = format.value.as_str();
            problems.add(
                to.place,
                format!("job \"{other}\" writes {format} to {:?}, too; choose another folder", to.value),
            );
        }
        outputs.push(ReportOutput { format: format.value, to: template });
    }
    outputs
}
