//! Frameworks and their scores, in whole numbers.
//!
//! A score says how much of what could be judged passes, weighted by severity; coverage says how much of the
//! framework could be judged. They are one figure in two parts: leaving data out can never raise both, because a
//! requirement that is not evaluated leaves the score but lowers the coverage. Absent: the mapping itself, which
//! stands in each control, and any claim that a score makes anyone compliant.

use std::collections::BTreeSet;

use crate::control::{Control, Status};
use crate::report::{RequirementRow, Scorecard, UncoveredRequirements};

/// A framework: every requirement at the level used for mapping, not only those with a control.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Framework {
    /// Key, for example `soc2`.
    pub key: String,
    /// Display name.
    pub name: String,
    /// Edition the ids are of.
    pub edition: String,
    /// Requirements, in the framework's order.
    pub requirements: Vec<Requirement>,
}

impl Framework {
    /// The requirement of that id.
    pub fn requirement(&self, id: &str) -> Option<&Requirement> {
        self.requirements.iter().find(|requirement| requirement.id == id)
    }
}

/// One requirement of a framework.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requirement {
    /// Id in the framework.
    pub id: String,
    /// Our own short title.
    pub title: String,
    /// Why audit events can never show it, where that is so.
    pub never: Option<String>,
}

/// What one control said, tenant by tenant.
#[derive(Debug, Clone, Copy)]
pub struct Judged<'a> {
    /// The control.
    pub control: &'a Control,
    /// Tenant and status; none when the control had no tenant to look at.
    pub results: &'a [(String, Status)],
}

impl Judged<'_> {
    fn speaks_to(&self, framework: &str, requirement: &str) -> bool {
        self.control.frameworks.get(framework).is_some_and(|ids| ids.iter().any(|id| id == requirement))
    }

    /// The worst over all tenants; a control without any result was not evaluated.
    fn status(&self) -> Status {
        Status::worst(self.results.iter().map(|(_, status)| *status)).unwrap_or(Status::NotEvaluated)
    }
}

/// Scores a framework in one interval, without a trend: worst status per requirement over controls and tenants, weight of the most severe control.
///
/// The score is Σ weight × (pass 1000, warn 500, fail and error 0) / Σ weight over requirements with pass, warn, fail
/// or error, rounded down; there is none when no requirement has one of these.
pub fn scorecard(framework: &Framework, judged: &[Judged<'_>]) -> Scorecard {
    let mut points = 0_u64;
    let mut weights = 0_u64;
    let mut covered = 0_u64;
    let mut rows = Vec::with_capacity(framework.requirements.len());
    for requirement in &framework.requirements {
        let speaking: Vec<&Judged<'_>> =
            judged.iter().filter(|one| one.speaks_to(&framework.key, &requirement.id)).collect();
        let status = Status::worst(speaking.iter().map(|one| one.status()));
        if let Some(worth) = status.and_then(worth_permille) {
            let weight = speaking.iter().map(|one| one.control.severity.weight()).max().unwrap_or(0);
            points += weight * worth;
            weights += weight;
        }
        covered += u64::from(status.is_some_and(is_covered));
        rows.push(row(requirement, status, &speaking));
    }
    let requirements_total = framework.requirements.len() as u64;
    Scorecard {
        framework: framework.key.clone(),
        name: framework.name.clone(),
        edition: framework.edition.clone(),
        score_permille: points.checked_div(weights),
        covered,
        requirements_total,
        partial: covered * 2 < requirements_total,
        trend: Vec::new(),
        requirements: rows,
    }
}

/// Counts the requirements a scorecard says nothing about, by reason; each is counted once.
pub fn uncovered(scorecard: &Scorecard) -> UncoveredRequirements {
    let count =
        |wanted: fn(&RequirementRow) -> bool| scorecard.requirements.iter().filter(|row| wanted(row)).count() as u64;
    UncoveredRequirements {
        framework: scorecard.framework.clone(),
        never: count(|row| row.status.is_none() && row.never_looked_at.is_some()),
        without_control: count(|row| row.status.is_none() && row.never_looked_at.is_none()),
        not_judged: count(|row| row.status.is_some_and(|status| !is_covered(status))),
    }
}

/// What a status is worth, per mille; none where it does not enter the score.
fn worth_permille(status: Status) -> Option<u64> {
    match status {
        Status::Pass => Some(1000),
        Status::Warn => Some(500),
        Status::Fail | Status::Error => Some(0),
        Status::NotApplicable | Status::NotEvaluated => None,
    }
}

/// Whether a status counts as coverage.
fn is_covered(status: Status) -> bool {
    matches!(status, Status::Pass | Status::Warn | Status::Fail)
}

fn row(requirement: &Requirement, status: Option<Status>, speaking: &[&Judged<'_>]) -> RequirementRow {
    let failing: BTreeSet<&str> = speaking
        .iter()
        .flat_map(|one| one.results)
        .filter(|(_, status)| *status == Status::Fail)
        .map(|(scope, _)| scope.as_str())
        .collect();
    RequirementRow {
        id: requirement.id.clone(),
        title: requirement.title.clone(),
        status,
        failing_tenants: failing.len() as u64,
        controls: speaking.iter().map(|one| one.control.id.to_string()).collect(),
        never_looked_at: requirement.never.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::definition::{SourceFile, parse_control};

    fn control(number: u32, severity: &str, ids: &[&str]) -> Control {
        let text = format!(
            "control: ACME-TEST-{number:03}\nversion: 1\ntitle: t\nseverity: {severity}\ntype: detective\nowner: o\n\
             rows: {{from: audit, population: 'true', violation: 'true', reason: r, resource: r}}\n\
             evidence: {{columns: [event_id], keep: 1y}}\nframeworks: {{soc2: [{}]}}\nremediation: r\n",
            ids.join(", ")
        );
        let file = SourceFile { path: "controls/test.yaml".to_owned(), text: text.into_bytes() };
        parse_control(&file).expect("the test's own control is right")
    }

    fn soc2(ids: &[&str]) -> Framework {
        let requirements = ids
            .iter()
            .map(|id| Requirement {
                id: (*id).to_owned(),
                title: "t".to_owned(),
                never: (*id == "CC1.1").then(|| "needs interviews".to_owned()),
            })
            .collect();
        Framework { key: "soc2".into(), name: "SOC 2".into(), edition: "2017".into(), requirements }
    }

    fn tenants(statuses: &[Status]) -> Vec<(String, Status)> {
        statuses.iter().enumerate().map(|(index, status)| (format!("t{index}"), *status)).collect()
    }

    use Status::*;

    #[test]
    fn a_scorecard_is_what_a_hand_computes() {
        let framework = soc2(&["CC1.1", "CC6.1", "CC6.6", "CC7.2", "CC7.3", "CC8.1"]);
        let controls = [
            control(1, "critical", &["CC6.1", "CC6.6"]),
            control(2, "low", &["CC6.6"]),
            control(3, "medium", &["CC7.2"]),
            control(4, "high", &["CC7.3"]),
        ];
        let results =
            [tenants(&[Pass, Pass]), tenants(&[Pass, Fail, Fail]), tenants(&[Warn, NotApplicable]), tenants(&[Error])];
        let judged: Vec<Judged<'_>> =
            controls.iter().zip(&results).map(|(control, results)| Judged { control, results }).collect();
        let card = scorecard(&framework, &judged);
        let rows: Vec<_> =
            card.requirements.iter().map(|row| (row.id.as_str(), row.status, row.failing_tenants)).collect();
        assert_eq!(
            rows,
            [
                ("CC1.1", None, 0),
                ("CC6.1", Some(Pass), 0),
                ("CC6.6", Some(Fail), 2),
                ("CC7.2", Some(Warn), 0),
                ("CC7.3", Some(Error), 0),
                ("CC8.1", None, 0)
            ]
        );
        assert_eq!(card.requirements[2].controls, ["ACME-TEST-001", "ACME-TEST-002"]);
        // CC6.1 16 × 1000, CC6.6 16 × 0 (its most severe control is critical), CC7.2 4 × 500, CC7.3 8 × 0: 18000 / 44.
        assert_eq!(card.score_permille, Some(409));
        assert_eq!((card.covered, card.requirements_total, card.partial), (3, 6, false));
        let uncovered = uncovered(&card);
        assert_eq!((uncovered.never, uncovered.without_control, uncovered.not_judged), (1, 1, 1));
    }

    #[test]
    fn nothing_judged_is_no_score_and_not_zero() {
        let framework = soc2(&["CC6.1", "CC6.6", "CC7.2"]);
        let card = scorecard(&framework, &[]);
        assert_eq!((card.score_permille, card.covered, card.partial), (None, 0, true));
        let control = control(1, "high", &["CC6.1"]);
        let silent = scorecard(&framework, &[Judged { control: &control, results: &[] }]);
        assert_eq!(silent.requirements[0].status, Some(NotEvaluated));
        let aside = scorecard(&framework, &[Judged { control: &control, results: &tenants(&[NotApplicable]) }]);
        assert_eq!((aside.score_permille, aside.covered), (None, 0));
        assert_eq!(uncovered(&aside).not_judged, 1);
    }

    #[test]
    fn exactly_half_is_not_partial() {
        let framework = soc2(&["CC6.1", "CC6.6"]);
        let control = control(1, "info", &["CC6.1"]);
        let card = scorecard(&framework, &[Judged { control: &control, results: &tenants(&[Pass]) }]);
        assert_eq!((card.score_permille, card.covered, card.partial), (Some(1000), 1, false));
    }

    #[test]
    fn leaving_results_out_never_raises_score_and_coverage_together() {
        let ids = ["CC6.1", "CC6.6", "CC7.2", "CC7.3", "CC8.1"];
        let framework = soc2(&ids);
        let mut seed = 0x5eed_u64;
        let mut below = |end: usize| {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            (seed % end as u64) as usize
        };
        let severities = ["info", "low", "medium", "high", "critical"];
        for case in 0..300 {
            let controls: Vec<Control> =
                (0..4).map(|number| control(number, severities[below(5)], &ids[below(3)..=3 + below(2)])).collect();
            let full: Vec<Vec<(String, Status)>> = controls
                .iter()
                .map(|_| tenants(&[0; 3].map(|_| Status::WORST_FIRST[below(Status::WORST_FIRST.len())])))
                .collect();
            let mut less = full.clone();
            for _ in 0..=below(5) {
                less[below(4)][below(3)].1 = NotEvaluated;
            }
            let card = |all: &[Vec<(String, Status)>]| {
                let judged: Vec<Judged<'_>> =
                    controls.iter().zip(all).map(|(control, results)| Judged { control, results }).collect();
                scorecard(&framework, &judged)
            };
            let (before, after) = (card(&full), card(&less));
            let higher = after.score_permille > before.score_permille;
            assert!(!(higher && after.covered > before.covered), "case {case}: {before:?} became {after:?}");
            assert!(after.covered <= before.covered, "case {case}: {before:?} became {after:?}");
        }
    }
}
