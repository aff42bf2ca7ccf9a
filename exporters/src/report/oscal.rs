//! The report as assessment results of OSCAL 1.2.1, in JSON.
//!
//! What a control said about a tenant is an observation, the verdict on a requirement a finding, an evidence object a
//! resource with its SHA-256. Texts of the data are escaped, so that none is read as Markdown. Absent: what OSCAL has no
//! place for or keeps elsewhere: single violations, trends, changes since the report before, files that were read; the
//! JSON report has them.

mod controls;
mod document;
mod figures;
mod ids;
mod property;
mod requirements;
mod text;

use std::collections::BTreeSet;

use schemas::{EvidenceObject, Report, rfc3339};

use super::json::pretty;
use super::summary::DISCLAIMER;
use crate::error::ExportError;
use document::{
    AssessmentAssets, AssessmentResult, AssessmentResults, BackMatter, Component, ComponentStatus, Document, Hash,
    ImportAp, InventoryItem, LocalDefinitions, Metadata, Platform, Resource, ResultDefinitions, Rlink, UsesComponent,
};
use ids::Ids;
use property::{figure, known, ours};
use text::line;

/// The version of OSCAL that a document follows.
const OSCAL_VERSION: &str = "1.2.1";

/// The report as OSCAL assessment results. Same report, same bytes.
///
/// # Errors
/// The encoder refuses the document, which no report of auditlake makes it do.
pub fn report_oscal(report: &Report) -> Result<String, ExportError> {
    let ids = Ids::of(report);
    let document = Document {
        assessment_results: AssessmentResults {
            uuid: ids.document(),
            metadata: metadata(report),
            import_ap: ImportAp {
                href: format!("#{}", ids.plan()),
                remarks: "There is no assessment plan but the definition of the job.",
            },
            local_definitions: LocalDefinitions {
                objectives_and_methods: requirements::objectives(report),
                activities: report.controls.iter().map(|control| controls::activity(control, &ids)).collect(),
            },
            results: [result(report, &ids)],
            back_matter: BackMatter { resources: resources(report, &ids) },
        },
    };
    pretty(&document, &report.run.id)
}

fn metadata(report: &Report) -> Metadata {
    Metadata {
        title: title(report),
        last_modified: rfc3339(report.run.instant),
        version: text::value(&report.run.id),
        oscal_version: OSCAL_VERSION,
        props: vec![ours("review", report.run.review().0)],
        remarks: report.run.review().1.to_owned(),
    }
}

fn title(report: &Report) -> String {
    format!("Compliance report of {}, job {}", line(&report.lake), line(&report.run.job))
}

fn result(report: &Report, ids: &Ids<'_>) -> AssessmentResult {
    let observations = report.controls.iter().flat_map(|control| controls::observations(report, control, ids));
    AssessmentResult {
        uuid: ids.result(),
        title: title(report),
        description: line(&report.summary.not_looked_at),
        start: rfc3339(report.interval.start),
        end: rfc3339(report.interval.end),
        props: figures::props(report),
        local_definitions: ResultDefinitions {
            inventory_items: tenants(report, ids),
            assessment_assets: assets(report, ids),
            tasks: report.controls.iter().map(|control| controls::task(control, ids)).collect(),
        },
        reviewed_controls: requirements::reviewed(report),
        observations: observations.collect(),
        findings: requirements::findings(report, ids),
        remarks: format!("{DISCLAIMER} The end is no part of the interval. A score means little without its coverage."),
    }
}

/// Everybody whom a control was asked about.
fn tenants(report: &Report, ids: &Ids<'_>) -> Vec<InventoryItem> {
    let scopes: BTreeSet<&String> =
        report.controls.iter().flat_map(|control| &control.results).map(|row| &row.scope).collect();
    let item = |scope: &String| InventoryItem {
        uuid: ids.tenant(scope),
        description: format!("Tenant {}", line(scope)),
        props: vec![ours("tenant", scope)],
    };
    scopes.into_iter().map(item).collect()
}

fn assets(report: &Report, ids: &Ids<'_>) -> AssessmentAssets {
    AssessmentAssets {
        components: [Component {
            uuid: ids.tool(),
            r#type: "software",
            title: "auditlake",
            description: "Evaluates controls, which are SQL, over audit events.",
            props: vec![known("version", &report.run.version)],
            status: ComponentStatus { state: "operational" },
        }],
        assessment_platforms: [Platform {
            uuid: ids.platform(),
            title: format!("Lake {}", line(&report.lake)),
            uses_components: [UsesComponent { component_uuid: ids.tool() }],
        }],
    }
}

/// The plan, and every evidence object that an observation rests on.
fn resources(report: &Report, ids: &Ids<'_>) -> Vec<Resource> {
    let plan = Resource {
        uuid: ids.plan(),
        title: format!("Definition of job {}", line(&report.run.job)),
        description: "The controls, their parameters and the interval, in the definitions of the lake.".to_owned(),
        props: vec![known("type", "plan"), ours("definitions-sha256", &report.run.definitions_sha256)],
        rlinks: Vec::new(),
    };
    let rests_on = |object: &&EvidenceObject| {
        let first = report.evidence.iter().find(|other| other.control == object.control);
        let control = report.controls.iter().find(|control| control.id == object.control);
        first == Some(*object) && control.is_some_and(|control| control.results.iter().any(|row| row.evidence_rows > 0))
    };
    let objects = report.evidence.iter().filter(rests_on).map(|object| evidence(object, ids));
    std::iter::once(plan).chain(objects).collect()
}

fn evidence(object: &EvidenceObject, ids: &Ids<'_>) -> Resource {
    Resource {
        uuid: ids.evidence(object),
        title: format!("Evidence of {}", line(&object.control)),
        description: format!("Rows that violate the rule, at {} in the store of the lake.", line(&object.path)),
        props: vec![
            known("type", "evidence"),
            ours("control", &object.control),
            ours("path", &object.path),
            figure("bytes", object.bytes),
            figure("rows", object.rows),
            figure("violations", object.violations),
            ours("keep", &object.keep),
        ],
        rlinks: vec![Rlink {
            href: text::reference(&object.path),
            media_type: "application/vnd.apache.parquet",
            hashes: [Hash { algorithm: "SHA-256", value: text::value(&object.sha256) }],
        }],
    }
}

#[cfg(test)]
mod tests;
