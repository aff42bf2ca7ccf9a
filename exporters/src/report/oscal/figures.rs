//! Figures over the whole report, as properties of its result.
//!
//! What belongs together is of one group: the score and the coverage of a framework.

use schemas::{Report, Scorecard, StatusCounts};

use super::document::Property;
use super::property::{figure, ours};

/// Every figure of the summary, the scorecards and of what was not looked at.
pub(super) fn props(report: &Report) -> Vec<Property> {
    let summary = &report.summary;
    let mut props = vec![
        ours("lake", &report.lake),
        ours("job", &report.run.job),
        ours("run", &report.run.id),
        ours("timezone", &report.run.timezone),
        figure("rows", summary.rows).by(&summary.rows_sql),
        figure("tenants", summary.tenants),
    ];
    props.extend(controls(&summary.controls));
    props.push(figure("findings", summary.findings));
    props.push(figure("decided", summary.decided).by(&summary.decided_sql));
    props.push(figure("expired", summary.expired));
    props.extend(summary.worst.iter().map(|id| ours("worst-control", id)));
    props.extend(report.scorecards.iter().flat_map(score));
    props.extend(gaps(report));
    for (name, version) in &report.provenance.versions {
        props.push(ours("version-of", name).of(name));
        props.push(ours("version", version).of(name));
    }
    props
}

fn controls(counts: &StatusCounts) -> [Property; 6] {
    [
        figure("controls-pass", counts.pass),
        figure("controls-warn", counts.warn),
        figure("controls-fail", counts.fail),
        figure("controls-not-applicable", counts.not_applicable),
        figure("controls-not-evaluated", counts.not_evaluated),
        figure("controls-error", counts.error),
    ]
}

fn score(card: &Scorecard) -> Vec<Property> {
    let score = card.score_permille.map(|score| figure("score-permille", score));
    let rest = [
        ours("framework", &card.framework),
        ours("framework-name", &card.name),
        ours("edition", &card.edition),
        figure("requirements-covered", card.covered),
        figure("requirements-total", card.requirements_total),
        ours("partial", if card.partial { "true" } else { "false" }),
    ];
    score.into_iter().chain(rest).map(|property| property.of(&card.framework)).collect()
}

fn gaps(report: &Report) -> Vec<Property> {
    let gaps = &report.not_looked_at;
    let requirements = gaps.requirements.iter().flat_map(|gap| {
        let counts = [
            figure("requirements-never-looked-at", gap.never),
            figure("requirements-without-control", gap.without_control),
            figure("requirements-not-judged", gap.not_judged),
        ];
        counts.map(|property| property.of(&gap.framework))
    });
    let silent = gaps.silent_tenants.iter().map(|tenant| ours("silent-tenant", tenant));
    let rejected = gaps.rejected.iter().flat_map(|gap| {
        let count = figure("records-rejected", gap.rows).by(&gap.sql);
        [ours("dataset", &gap.dataset), count].map(|property| property.of(&gap.dataset))
    });
    requirements.chain(silent).chain(rejected).collect()
}
