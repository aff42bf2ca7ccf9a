//! `controls/*.yaml`, checked.
//!
//! Absent: whether the SQL plans and reads what it says; that is known only where tables are.

use std::collections::{BTreeMap, BTreeSet};

use super::duration;
use super::framework::{filled, title};
use super::nearest::nearest;
use super::problem::{Place, Problems};
use super::raw_control::{RawControl, RawEvidence, RawParam, RawRows, RawRule, RawStatements, RawTest};
use super::sql_params::dollar_names;
use super::yaml::At;
use crate::control::{Control, ControlSql, ControlTest, EvidenceSpec, ParamValue, Status, StatusRule};
use crate::framework::Framework;
use crate::id::ControlId;

/// Names that every SQL of a control may use beside its parameters.
const GIVEN: [&str; 3] = ["start", "end", "timezone"];
/// Evidence rows kept for each tenant unless said otherwise.
const MAX_ROWS_DEFAULT: u64 = 10_000;

/// Checks one control against the frameworks that ship.
pub(super) fn build(raw: RawControl, frameworks: &[Framework], problems: &mut Problems) -> Option<Control> {
    let before = problems.len();
    let id_place = raw.control.place;
    let id = problems.keep(id_place, ControlId::parse(&raw.control.value));
    let mut params = Params::of(raw.params, problems);
    let sql = match (raw.rows, raw.sql) {
        (Some(rows), None) => Some(rows_sql(rows, &mut params, problems)),
        (None, Some(sql)) => Some(statements_sql(sql.value, &mut params, problems)),
        (Some(_), Some(sql)) => {
            problems.add(sql.place, "control has both rows: and sql:; keep one of them");
            None
        }
        (None, None) => {
            problems.add(id_place, "control has neither rows: (predicates over one table) nor sql: (two statements)");
            None
        }
    };
    let status = match raw.status {
        Some(rules) => status_rules(rules, &mut params, problems),
        None => default_rules(&mut params),
    };
    if sql.is_some() {
        params.say_unused(problems);
    }
    let control = Control {
        id: id?,
        version: raw.version,
        title: title(raw.title, problems),
        severity: raw.severity,
        kind: raw.kind,
        owner: filled("owner", raw.owner, problems),
        params: params.values,
        sql: sql?,
        status,
        max_undecided_ppm: raw.max_undecided_ppm.unwrap_or(0),
        evidence: evidence(raw.evidence, problems),
        frameworks: requirements(raw.frameworks, frameworks, problems),
        remediation: filled("remediation", raw.remediation, problems),
        tests: raw.tests.into_iter().map(|test| fixture(test, problems)).collect(),
    };
    (problems.len() == before).then_some(control)
}

/// The parameters of a control, and which of them its SQL has used so far.
struct Params {
    values: BTreeMap<String, ParamValue>,
    unused: BTreeMap<String, Place>,
}

impl Params {
    fn of(raw: BTreeMap<String, RawParam>, problems: &mut Problems) -> Self {
        let mut params = Self { values: BTreeMap::new(), unused: BTreeMap::new() };
        for (name, RawParam { value: At { value, place } }) in raw {
            let fits = name.starts_with(|c: char| c.is_ascii_lowercase())
                && name.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_'));
            if !fits {
                problems.add(place, format!("parameter {name:?} is not a name; use a-z, 0-9 and _, a letter first"));
            } else if GIVEN.contains(&name.as_str()) {
                problems.add(place, format!("parameter {name:?} is given by the run; choose another name"));
            } else {
                params.unused.insert(name.clone(), place);
            }
            params.values.insert(name, value);
        }
        params
    }

    /// A piece of SQL whose `$names` are all known.
    fn sql(&mut self, name: &str, given: At<String>, problems: &mut Problems) -> String {
        let mut unknown = BTreeSet::new();
        for param in dollar_names(&given.value) {
            self.unused.remove(param);
            if !self.values.contains_key(param) && !GIVEN.contains(&param) {
                unknown.insert(param);
            }
        }
        for param in unknown {
            let known = self.values.keys().map(String::as_str).chain(GIVEN);
            let offer = nearest(param, known).map(|near| format!("did you mean ${near}?"));
            let offer = offer.unwrap_or_else(|| format!("add it under params: as {param}: {{value: …}}"));
            problems.add(given.place, format!("{name} uses ${param}, which is no parameter; {offer}"));
        }
        filled(name, given, problems)
    }

    fn say_unused(&self, problems: &mut Problems) {
        for (name, place) in &self.unused {
            problems
                .add(*place, format!("parameter {name:?} is used by no SQL of the control; use ${name} or remove it"));
        }
    }
}

fn rows_sql(raw: RawRows, params: &mut Params, problems: &mut Problems) -> ControlSql {
    ControlSql::Rows {
        from: filled("from", raw.from, problems),
        population: params.sql("population", raw.population, problems),
        violation: params.sql("violation", raw.violation, problems),
        reason: params.sql("reason", raw.reason, problems),
        resource: params.sql("resource", raw.resource, problems),
    }
}

fn statements_sql(raw: RawStatements, params: &mut Params, problems: &mut Problems) -> ControlSql {
    if raw.reads.is_empty() {
        problems.add(raw.population.place, "reads is empty; list the tables that the statements read");
    }
    let lookback = raw.lookback.as_ref().map(|given| {
        let seconds = duration::seconds("lookback", &given.value);
        problems.keep(given.place, seconds).unwrap_or(0)
    });
    ControlSql::Statements {
        reads: unique("reads", raw.reads, problems),
        lookback_seconds: lookback.unwrap_or(0),
        population: params.sql("population", raw.population, problems),
        violations: params.sql("violations", raw.violations, problems),
    }
}

fn status_rules(raw: At<Vec<At<RawRule>>>, params: &mut Params, problems: &mut Problems) -> Vec<StatusRule> {
    let last = raw.value.len().saturating_sub(1);
    if raw.value.is_empty() {
        problems.add(raw.place, "status is empty; write rules that end in {else: fail}, or leave status out");
    }
    let mut rules = Vec::new();
    for (index, At { value: rule, place }) in raw.value.into_iter().enumerate() {
        let parts = (rule.when, rule.is, rule.otherwise, index == last);
        let checked = match parts {
            (Some(when), Some(is), None, false) => Some((Some(params.sql("when", when, problems)), is)),
            (None, None, Some(is), true) => Some((None, is)),
            (_, _, _, true) => {
                problems.add(place, "status must end in a rule without when, for example {else: fail}");
                None
            }
            (_, _, Some(_), false) => {
                problems.add(place, "only the last status rule has an else; write {when: SQL, is: STATUS} here");
                None
            }
            _ => {
                problems.add(place, "a status rule needs when: and is:, for example {when: \"v = 0\", is: pass}");
                None
            }
        };
        let Some((when, is)) = checked else { continue };
        if !matches!(is, Status::Pass | Status::Warn | Status::Fail) {
            let message = format!("a status rule cannot give {}; choices are: pass, warn, fail", is.as_str());
            problems.add(place, message);
        }
        rules.push(StatusRule { when, is });
    }
    rules
}

/// Pass without violations, warn up to `warn_ppm` of the population where the control has that parameter, else fail.
fn default_rules(params: &mut Params) -> Vec<StatusRule> {
    let rule = |when: Option<&str>, is| StatusRule { when: when.map(str::to_owned), is };
    let mut rules = vec![rule(Some("v = 0"), Status::Pass)];
    if params.values.contains_key("warn_ppm") {
        params.unused.remove("warn_ppm");
        rules.push(rule(Some("v * 1000000 <= $warn_ppm * n"), Status::Warn));
    }
    rules.push(rule(None, Status::Fail));
    rules
}

fn evidence(raw: RawEvidence, problems: &mut Problems) -> EvidenceSpec {
    if raw.columns.value.is_empty() {
        problems
            .add(raw.columns.place, "columns is empty; name what is kept of a violation, for example [event_id, time]");
    }
    let columns = unique("column", raw.columns.value, problems);
    let show_places: Vec<At<String>> = raw.show;
    for shown in show_places.iter().filter(|shown| !columns.contains(&shown.value)) {
        let offer = nearest(&shown.value, columns.iter().map(String::as_str));
        let offer = offer.map_or_else(|| "add it there".to_owned(), |near| format!("did you mean \"{near}\"?"));
        problems.add(shown.place, format!("show names {:?}, which is not among columns; {offer}", shown.value));
    }
    problems.keep(raw.keep.place, duration::keep(&raw.keep.value));
    EvidenceSpec {
        show: unique("show column", show_places, problems),
        columns,
        max_rows: raw.max_rows.unwrap_or(MAX_ROWS_DEFAULT),
        keep: raw.keep.value,
    }
}

/// Texts that say something, each once.
pub(super) fn unique(name: &str, given: Vec<At<String>>, problems: &mut Problems) -> Vec<String> {
    let mut kept: Vec<String> = Vec::new();
    for item in given {
        if kept.contains(&item.value) {
            problems.add(item.place, format!("{name} {:?} stands here twice; keep one", item.value));
        } else {
            kept.push(filled(name, item, problems));
        }
    }
    kept
}

fn requirements(
    raw: BTreeMap<String, Vec<At<String>>>,
    frameworks: &[Framework],
    problems: &mut Problems,
) -> BTreeMap<String, Vec<String>> {
    let mut mapped = BTreeMap::new();
    for (key, ids) in raw {
        let Some(framework) = frameworks.iter().find(|framework| framework.key == key) else {
            let place = ids.first().map_or(Place::START, |id| id.place);
            problems.add(place, unknown_framework(&key, frameworks));
            continue;
        };
        for id in ids.iter().filter(|id| framework.requirement(&id.value).is_none()) {
            let offer = nearest(&id.value, framework.requirements.iter().map(|one| one.id.as_str()));
            let offer =
                offer.map_or_else(|| "see its file for the ids".to_owned(), |near| format!("did you mean \"{near}\"?"));
            problems.add(id.place, format!("framework \"{key}\" has no requirement {:?}; {offer}", id.value));
        }
        mapped.insert(key, unique("requirement", ids, problems));
    }
    mapped
}

/// The sentence about a framework that does not exist.
pub(super) fn unknown_framework(given: &str, frameworks: &[Framework]) -> String {
    let keys: Vec<&str> = frameworks.iter().map(|framework| framework.key.as_str()).collect();
    format!("framework {given:?} does not exist; frameworks are: {}", keys.join(", "))
}

fn fixture(raw: RawTest, problems: &mut Problems) -> ControlTest {
    if raw.given.value.contains(['/', '\\']) || !raw.given.value.ends_with(".ndjson") {
        let message = format!("given {:?} is not the name of an NDJSON file beside the control", raw.given.value);
        problems.add(raw.given.place, message);
    }
    for tenant in raw.violations.keys().filter(|tenant| !raw.expect.contains_key(*tenant)) {
        let message =
            format!("violations name tenant {tenant:?}, of which expect says nothing; add its status to expect");
        problems.add(raw.given.place, message);
    }
    ControlTest { given: raw.given.value, expect: raw.expect, violations: raw.violations }
}
