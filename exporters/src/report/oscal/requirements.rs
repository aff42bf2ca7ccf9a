//! Requirements as objectives, those with a verdict as findings.
//!
//! OSCAL knows two verdicts: what warns is not satisfied, and says so with the reason `other`. What was not evaluated,
//! not applicable or failed to run makes no finding. Absent: texts of the frameworks, which are not ours to copy.

use std::collections::HashMap;

use schemas::{ControlReport, Report, RequirementRow, Scorecard, Status};

use super::document::{
    Finding, Objective, Part, Property, RelatedObservation, ReviewedControls, SelectedControl, Selection, Target,
    TargetStatus,
};
use super::ids::Ids;
use super::property::{figure, ours};
use super::text::{line, requirement_token, uuid};
use crate::report::figure::status_word;

/// What stands where no requirement was looked at, since OSCAL wants one.
const NOTHING_REVIEWED: &str = "none";

/// What every requirement of every framework asks for, also of those that nobody looked at.
pub(super) fn objectives(report: &Report) -> Vec<Objective> {
    let rows = report.scorecards.iter().flat_map(|card| card.requirements.iter().map(move |row| (card, row)));
    let objective = |(card, row): (&Scorecard, &RequirementRow)| {
        let token = requirement_token(&card.framework, &row.id);
        Objective {
            control_id: token.clone(),
            props: props(card, row),
            parts: [Part { id: token, name: "objective", prose: line(&row.title) }],
        }
    };
    rows.map(objective).collect()
}

fn props(card: &Scorecard, row: &RequirementRow) -> Vec<Property> {
    let mut props = vec![ours("framework", &card.framework), ours("requirement", &row.id)];
    match (row.status, &row.never_looked_at) {
        (Some(status), _) => props.push(ours("status", status.as_str())),
        (None, Some(_)) => props.push(ours("status", "never_looked_at")),
        (None, None) => props.push(ours("status", "without_control")),
    }
    props.push(figure("failing-tenants", row.failing_tenants));
    props.extend(row.never_looked_at.as_ref().map(|why| ours("never-looked-at", why)));
    props
}

/// The requirements that a control of the report speaks to.
pub(super) fn reviewed(report: &Report) -> ReviewedControls {
    let of = |card: &Scorecard| {
        let rows = card.requirements.iter().filter(|row| row.status.is_some());
        let include_controls: Vec<SelectedControl> =
            rows.map(|row| SelectedControl { control_id: requirement_token(&card.framework, &row.id) }).collect();
        let props = vec![ours("framework", &card.framework), ours("edition", &card.edition)];
        (!include_controls.is_empty()).then_some(Selection { props, include_controls, remarks: None })
    };
    let mut control_selections: Vec<Selection> = report.scorecards.iter().filter_map(of).collect();
    if control_selections.is_empty() {
        control_selections.push(Selection {
            props: Vec::new(),
            include_controls: vec![SelectedControl { control_id: NOTHING_REVIEWED.to_owned() }],
            remarks: Some("No requirement of a framework was reviewed.".to_owned()),
        });
    }
    ReviewedControls { control_selections }
}

/// The verdict on each requirement that has one.
pub(super) fn findings(report: &Report, ids: &Ids<'_>) -> Vec<Finding> {
    let controls: HashMap<&str, &ControlReport> =
        report.controls.iter().map(|control| (control.id.as_str(), control)).collect();
    let mut findings = Vec::new();
    for card in &report.scorecards {
        for row in &card.requirements {
            let Some((status, verdict)) = row.status.and_then(|status| Some((status, verdict(status)?))) else {
                continue;
            };
            let speaking = row.controls.iter().filter_map(|id| controls.get(id.as_str()));
            findings.push(Finding {
                uuid: ids.verdict(&card.framework, &row.id),
                title: format!("{} {}: {}", line(&card.name), line(&row.id), status_word(status)),
                description: format!("{}. Controls: {}.", line(&row.title), line(&row.controls.join(", "))),
                props: props(card, row),
                target: Target {
                    r#type: "objective-id",
                    target_id: requirement_token(&card.framework, &row.id),
                    status: verdict,
                },
                related_observations: speaking
                    .flat_map(|control| &control.results)
                    .map(|result| RelatedObservation { observation_uuid: uuid(&result.result_id) })
                    .collect(),
            });
        }
    }
    findings
}

/// What OSCAL calls a status; none where it has no word.
pub(super) fn verdict(status: Status) -> Option<TargetStatus> {
    match status {
        Status::Pass => Some(TargetStatus { state: "satisfied", reason: "pass" }),
        Status::Warn => Some(TargetStatus { state: "not-satisfied", reason: "other" }),
        Status::Fail => Some(TargetStatus { state: "not-satisfied", reason: "fail" }),
        Status::NotApplicable | Status::NotEvaluated | Status::Error => None,
    }
}
