//! The parts of OSCAL's assessment results 1.2.1 that a report fills, as they stand in JSON.
//!
//! A list of OSCAL is never empty: an empty one is left out. Absent: risks, attestations, logs, parties, which a report
//! has nothing to say about.

use serde::Serialize;

/// The whole document.
#[derive(Serialize)]
pub(super) struct Document {
    #[serde(rename = "assessment-results")]
    pub(super) assessment_results: AssessmentResults,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct AssessmentResults {
    pub(super) uuid: String,
    pub(super) metadata: Metadata,
    pub(super) import_ap: ImportAp,
    #[serde(skip_serializing_if = "LocalDefinitions::is_empty")]
    pub(super) local_definitions: LocalDefinitions,
    pub(super) results: [AssessmentResult; 1],
    pub(super) back_matter: BackMatter,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Metadata {
    pub(super) title: String,
    pub(super) last_modified: String,
    pub(super) version: String,
    pub(super) oscal_version: &'static str,
    pub(super) props: Vec<Property>,
    pub(super) remarks: String,
}

#[derive(Serialize)]
pub(super) struct ImportAp {
    pub(super) href: String,
    pub(super) remarks: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct LocalDefinitions {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) objectives_and_methods: Vec<Objective>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) activities: Vec<Activity>,
}

impl LocalDefinitions {
    fn is_empty(&self) -> bool {
        self.objectives_and_methods.is_empty() && self.activities.is_empty()
    }
}

/// What a requirement of a framework asks for.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Objective {
    pub(super) control_id: String,
    pub(super) props: Vec<Property>,
    pub(super) parts: [Part; 1],
}

#[derive(Serialize)]
pub(super) struct Part {
    pub(super) id: String,
    pub(super) name: &'static str,
    pub(super) prose: String,
}

/// A control of ours.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Activity {
    pub(super) uuid: String,
    pub(super) title: String,
    pub(super) description: String,
    pub(super) props: Vec<Property>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) steps: Vec<Step>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) related_controls: Option<ReviewedControls>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) remarks: Option<String>,
}

#[derive(Serialize)]
pub(super) struct Step {
    pub(super) uuid: String,
    pub(super) title: &'static str,
    pub(super) description: String,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct AssessmentResult {
    pub(super) uuid: String,
    pub(super) title: String,
    pub(super) description: String,
    pub(super) start: String,
    pub(super) end: String,
    pub(super) props: Vec<Property>,
    pub(super) local_definitions: ResultDefinitions,
    pub(super) reviewed_controls: ReviewedControls,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) observations: Vec<Observation>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) findings: Vec<Finding>,
    pub(super) remarks: String,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct ResultDefinitions {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) inventory_items: Vec<InventoryItem>,
    pub(super) assessment_assets: AssessmentAssets,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) tasks: Vec<Task>,
}

/// A tenant.
#[derive(Serialize)]
pub(super) struct InventoryItem {
    pub(super) uuid: String,
    pub(super) description: String,
    pub(super) props: Vec<Property>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct AssessmentAssets {
    pub(super) components: [Component; 1],
    pub(super) assessment_platforms: [Platform; 1],
}

#[derive(Serialize)]
pub(super) struct Component {
    pub(super) uuid: String,
    pub(super) r#type: &'static str,
    pub(super) title: &'static str,
    pub(super) description: &'static str,
    pub(super) props: Vec<Property>,
    pub(super) status: ComponentStatus,
}

#[derive(Serialize)]
pub(super) struct ComponentStatus {
    pub(super) state: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Platform {
    pub(super) uuid: String,
    pub(super) title: String,
    pub(super) uses_components: [UsesComponent; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct UsesComponent {
    pub(super) component_uuid: String,
}

/// That a control was evaluated.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Task {
    pub(super) uuid: String,
    pub(super) r#type: &'static str,
    pub(super) title: String,
    pub(super) associated_activities: [AssociatedActivity; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct AssociatedActivity {
    pub(super) activity_uuid: String,
    pub(super) subjects: [AllSubjects; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct AllSubjects {
    pub(super) r#type: &'static str,
    pub(super) include_all: Empty,
}

#[derive(Serialize)]
pub(super) struct Empty {}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct ReviewedControls {
    pub(super) control_selections: Vec<Selection>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Selection {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) props: Vec<Property>,
    pub(super) include_controls: Vec<SelectedControl>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) remarks: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct SelectedControl {
    pub(super) control_id: String,
}

/// What a control said about a tenant.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Observation {
    pub(super) uuid: String,
    pub(super) title: String,
    pub(super) description: String,
    pub(super) props: Vec<Property>,
    pub(super) methods: [&'static str; 1],
    pub(super) types: [&'static str; 1],
    pub(super) origins: [Origin; 1],
    pub(super) subjects: [Subject; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) relevant_evidence: Option<[Evidence; 1]>,
    pub(super) collected: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) expires: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Origin {
    pub(super) actors: [Actor; 1],
    pub(super) related_tasks: [RelatedTask; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Actor {
    pub(super) r#type: &'static str,
    pub(super) actor_uuid: String,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct RelatedTask {
    pub(super) task_uuid: String,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Subject {
    pub(super) subject_uuid: String,
    pub(super) r#type: &'static str,
}

#[derive(Serialize)]
pub(super) struct Evidence {
    pub(super) href: String,
    pub(super) description: String,
}

/// The verdict on a requirement.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Finding {
    pub(super) uuid: String,
    pub(super) title: String,
    pub(super) description: String,
    pub(super) props: Vec<Property>,
    pub(super) target: Target,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) related_observations: Vec<RelatedObservation>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Target {
    pub(super) r#type: &'static str,
    pub(super) target_id: String,
    pub(super) status: TargetStatus,
}

#[derive(Serialize, Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TargetStatus {
    pub(super) state: &'static str,
    pub(super) reason: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct RelatedObservation {
    pub(super) observation_uuid: String,
}

#[derive(Serialize)]
pub(super) struct BackMatter {
    pub(super) resources: Vec<Resource>,
}

#[derive(Serialize)]
pub(super) struct Resource {
    pub(super) uuid: String,
    pub(super) title: String,
    pub(super) description: String,
    pub(super) props: Vec<Property>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) rlinks: Vec<Rlink>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Rlink {
    pub(super) href: String,
    pub(super) media_type: &'static str,
    pub(super) hashes: [Hash; 1],
}

#[derive(Serialize)]
pub(super) struct Hash {
    pub(super) algorithm: &'static str,
    pub(super) value: String,
}

#[derive(Serialize)]
pub(super) struct Property {
    pub(super) name: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ns: Option<&'static str>,
    pub(super) value: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) group: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) remarks: Option<String>,
}
