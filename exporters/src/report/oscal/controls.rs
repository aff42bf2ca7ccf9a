//! Controls as activities, their evaluations as tasks, and what each said about a tenant as an observation.
//!
//! A status that OSCAL has no word for is a property of the observation. Absent: single violations, which are in the
//! evidence, and earlier intervals.

use schemas::{ControlReport, EvidenceObject, Report, ResultRow, Status, kept_until, rfc3339};

use super::document::{
    Activity, Actor, AllSubjects, AssociatedActivity, Empty, Evidence, Observation, Origin, Property, RelatedTask,
    ReviewedControls, SelectedControl, Selection, Step, Subject, Task,
};
use super::ids::Ids;
use super::property::{figure, ours};
use super::text::{line, requirement_token, sql, uuid};
use crate::report::figure::{counted, status_word, thousands};

/// What tenants are to OSCAL.
pub(super) const TENANT: &str = "inventory-item";

/// A control with its statements.
pub(super) fn activity(control: &ControlReport, ids: &Ids<'_>) -> Activity {
    let step = |name, title, statement: &str| Step {
        uuid: ids.step(&control.id, control.version, name),
        title,
        description: sql(statement),
    };
    let steps = [
        ("counts", "Count the population and its violations, tenant by tenant", &control.counts_sql),
        ("violations", "List the violations", &control.violations_sql),
    ];
    Activity {
        uuid: ids.activity(&control.id, control.version),
        title: line(&control.title),
        description: format!("Control {} of auditlake, version {}.", line(&control.id), control.version),
        props: control_props(control),
        steps: steps
            .into_iter()
            .filter(|(_, _, statement)| !statement.is_empty())
            .map(|(name, title, statement)| step(name, title, statement))
            .collect(),
        related_controls: speaks_to(control),
        remarks: (!control.remediation.is_empty()).then(|| format!("What to do: {}", line(&control.remediation))),
    }
}

fn control_props(control: &ControlReport) -> Vec<Property> {
    let mut props = vec![
        ours("control", &control.id),
        figure("control-version", control.version.into()),
        ours("severity", control.severity.as_str()),
        ours("status", control.status.as_str()),
        figure("findings", control.findings),
        figure("decided", control.decided),
    ];
    for param in &control.params {
        let about = [
            ours("parameter", &param.name),
            ours("parameter-value", &param.value),
            ours("parameter-default", &param.default),
        ];
        props.extend(about.map(|property| property.of(&param.name)));
    }
    props.extend(control.plan_sha256.as_ref().map(|hash| ours("plan-sha256", hash)));
    props
}

fn speaks_to(control: &ControlReport) -> Option<ReviewedControls> {
    let selection = |(framework, requirements): (&String, &Vec<String>)| Selection {
        props: vec![ours("framework", framework)],
        include_controls: requirements
            .iter()
            .map(|requirement| SelectedControl { control_id: requirement_token(framework, requirement) })
            .collect(),
        remarks: None,
    };
    let selections = control.frameworks.iter().filter(|(_, requirements)| !requirements.is_empty()).map(selection);
    let control_selections: Vec<Selection> = selections.collect();
    (!control_selections.is_empty()).then_some(ReviewedControls { control_selections })
}

/// That a control was evaluated for every tenant.
pub(super) fn task(control: &ControlReport, ids: &Ids<'_>) -> Task {
    Task {
        uuid: ids.task(&control.id),
        r#type: "action",
        title: format!("Evaluate {}", line(&control.id)),
        associated_activities: [AssociatedActivity {
            activity_uuid: ids.activity(&control.id, control.version),
            subjects: [AllSubjects { r#type: TENANT, include_all: Empty {} }],
        }],
    }
}

/// What a control said about each tenant.
pub(super) fn observations(report: &Report, control: &ControlReport, ids: &Ids<'_>) -> Vec<Observation> {
    let object = report.evidence.iter().find(|object| object.control == control.id);
    let of = |row: &ResultRow| {
        let object = object.filter(|_| row.evidence_rows > 0);
        let expires = object.and_then(|object| kept_until(report.run.instant, &object.keep));
        Observation {
            uuid: uuid(&row.result_id),
            title: format!("{} for tenant {}: {}", line(&control.id), line(&row.scope), status_word(row.status)),
            description: sentence(control, row),
            props: result_props(control, row),
            methods: ["TEST"],
            types: ["control-objective"],
            origins: [Origin {
                actors: [Actor { r#type: "tool", actor_uuid: ids.tool() }],
                related_tasks: [RelatedTask { task_uuid: ids.task(&control.id) }],
            }],
            subjects: [Subject { subject_uuid: ids.tenant(&row.scope), r#type: TENANT }],
            relevant_evidence: object.map(|object| [relevant(object, row, ids)]),
            collected: rfc3339(report.run.instant),
            expires: expires.map(rfc3339),
        }
    };
    control.results.iter().map(of).collect()
}

/// Counts only where there is a verdict: no violations among rows nobody could judge would read like a pass.
fn sentence(control: &ControlReport, row: &ResultRow) -> String {
    let title = line(&control.title);
    let why = row.reason.as_ref().map(|reason| format!(" {}.", line(reason))).unwrap_or_default();
    match row.status {
        Status::Pass | Status::Warn | Status::Fail => {
            let (violations, population) = (thousands(row.violations), thousands(row.population));
            format!("{title}: {violations} of {population} violate the rule.{why}")
        }
        Status::NotApplicable => format!("{title}: nothing in the data was subject to the rule.{why}"),
        Status::NotEvaluated => format!("{title}: no verdict, the data cannot tell.{why}"),
        Status::Error => format!("{title}: no verdict, the evaluation failed.{why}"),
    }
}

fn result_props(control: &ControlReport, row: &ResultRow) -> Vec<Property> {
    let mut props = vec![
        ours("control", &control.id),
        ours("tenant", &row.scope),
        ours("status", row.status.as_str()),
        figure("population", row.population),
        figure("violations", row.violations),
        figure("decided", row.decided),
        figure("undecided-violation", row.undecided_violation),
        figure("undecided-population", row.undecided_population),
        figure("evidence-rows", row.evidence_rows),
    ];
    props.extend(row.warnings.map(|count| figure("warnings", count)));
    props.extend(row.reason.as_ref().map(|reason| ours("reason", reason)));
    props
}

fn relevant(object: &EvidenceObject, row: &ResultRow, ids: &Ids<'_>) -> Evidence {
    let (kept, found) = (counted(row.evidence_rows, "row"), counted(row.violations, "violation"));
    Evidence {
        href: format!("#{}", ids.evidence(object)),
        description: format!("{kept} of {found} of tenant {}.", line(&row.scope)),
    }
}
