//! Where a person is looked for, and where not: every dataset with columns that name people, what its ingests refused, and its
//! archive.
//!
//! Absent: what others copied out of the lake, which nobody here knows.

use std::collections::BTreeSet;

use engine::retention::{Person, RetentionPlan};
use engine::{EngineError, PinnedFile};
use object_store::path::Path;
use schemas::{Dataset, ErasureMode, ErasureRule, Identifier, RetentionPolicy, WithinMinimum};
use serde::{Deserialize, Serialize};

use super::desk::Desk;
use crate::error::JobError;
use crate::lake::OpenLake;
use crate::retention::Target;

/// A place that nobody looked into, or that nothing could be done about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Left {
    /// The place.
    pub(super) place: String,
    /// Why.
    pub(super) why: String,
}

impl Left {
    pub(super) fn new(place: impl Into<String>, why: impl Into<String>) -> Self {
        Self { place: place.into(), why: why.into() }
    }
}

/// Where to look.
#[derive(Debug, Default)]
pub(super) struct Places {
    /// Names of datasets, of what was refused and of archives, in order.
    pub(super) searched: Vec<String>,
    /// Where rows of the person may be and are not reached.
    pub(super) not_reached: BTreeSet<Left>,
    /// What is not searched.
    pub(super) not_searched: BTreeSet<Left>,
}

/// The places of a lake.
pub(super) async fn places(lake: &OpenLake) -> Result<Places, JobError> {
    let mut places = Places::default();
    for dataset in &lake.definitions.datasets {
        let name = dataset.id.as_str();
        if dataset.subjects.is_empty() {
            let why = "no column of it is said to name people; name those that do in subjects";
            places.not_searched.insert(Left::new(name, why));
        } else if dataset.elsewhere.is_some() {
            let why = format!("lies at {}, whose files belong to others; ask them", dataset.location);
            places.not_reached.insert(Left::new(name, why));
        } else if dataset.map.is_some() {
            let why =
                "its rows are made of other columns by its map; add a dataset over the same kind of files without one";
            places.not_reached.insert(Left::new(name, why));
        } else {
            places.searched.push(name.to_owned());
            let free = free_text(dataset);
            if !free.is_empty() {
                let why = format!("free text of the rows of others is not searched: {}", free.join(", "));
                places.not_searched.insert(Left::new(name, why));
            }
        }
        if let Some(rejected) = dataset.rejected()
            && !lake.front.list(&Path::from(rejected.location.as_str())).await?.is_empty()
        {
            places.searched.push(rejected.id.to_string());
        }
        let archive = dataset.archive();
        if !dataset.subjects.is_empty() && !lake.front.list(&Path::from(archive.location.as_str())).await?.is_empty() {
            places.searched.push(archive.id.to_string());
        }
    }
    for copy in
        lake.definitions.copies.iter().filter(|copy| places.searched.iter().any(|name| name == copy.from.as_str()))
    {
        let why = format!(
            "is a copy of \"{}\" in which nobody is named: after an erasure, `auditlake anonymize {}` makes it anew without the \
             person",
            copy.from, copy.id
        );
        places.not_searched.insert(Left::new(copy.to.as_str(), why));
    }
    Ok(places)
}

/// What of a person is not looked for: identifiers of a kind that no column holds, and in bytes those that are no more than
/// a short word or a number.
pub(super) fn unsearchable(desk: &Desk<'_>, person: &Person) -> Vec<Left> {
    let kinds: BTreeSet<&str> = person.identifiers().map(Identifier::kind).collect();
    let holds = |kind: &str| {
        let datasets = &desk.lake.definitions.datasets;
        let is_held =
            |dataset: &Dataset| dataset.subjects.iter().any(|column| desk.policy.holds(&dataset.id, column, kind));
        datasets.iter().any(is_held)
    };
    let unheld = kinds.into_iter().filter(|kind| !holds(kind)).map(|kind| {
        let why = "no column is said to hold them; name those that do under kinds in policies/subjects.yaml";
        Left::new(format!("identifiers of kind {kind}"), why)
    });
    let mut left: Vec<Left> = unheld.collect();
    let many = person.untelling();
    if many > 0 {
        let why = format!(
            "{many} of the identifiers are short words or numbers, and not looked for in the middle of other text"
        );
        left.push(Left::new("refused records, exports, reports and requests", why));
    }
    left
}

/// Columns of text that are about people and name nobody by themselves.
fn free_text(dataset: &Dataset) -> Vec<&str> {
    let personal = dataset.classes.keys().filter(|column| dataset.is_personal(column));
    personal.filter(|column| !dataset.subjects.contains(column)).map(String::as_str).collect()
}

/// That folders of a place are named after the person; their objects keep that name whatever is done to their rows.
pub(super) async fn named_folders(
    lake: &OpenLake,
    target: &Target<'_>,
    (place, person): (&str, &Person),
) -> Result<Option<Left>, EngineError> {
    let dataset = &target.dataset;
    if !dataset.subjects.contains(&dataset.tenant) {
        return Ok(None);
    }
    let values = person.values_in(&dataset.id, &dataset.tenant);
    let files = lake.front.list(&Path::from(dataset.location.as_str())).await?;
    let is_named = |file: &PinnedFile| file.tenant.as_ref().is_some_and(|tenant| values.contains(tenant));
    let named = files.into_iter().map(PinnedFile::new).filter(is_named).count();
    let why = format!("{named} of its objects lie in folders that are named after the person, and keep that name");
    Ok((named > 0).then(|| Left::new(place, why)))
}

/// Objects of a plan that could not be looked into.
pub(super) fn unread_objects(plan: &RetentionPlan) -> Vec<Left> {
    let unread = plan.objects.iter().filter_map(|object| Some((object.path.as_str(), object.why.as_deref()?)));
    unread.map(|(path, why)| Left::new(path, why)).collect()
}

/// The policy that an erasure of rows of a dataset goes by; where there is none, rows go and nothing keeps them but a hold.
pub(super) fn policy_of(target: &Target<'_>) -> RetentionPolicy {
    let stand_in = || RetentionPolicy::keeping_for_ever(&target.dataset.id);
    target.policy.cloned().unwrap_or_else(stand_in)
}

/// The words of a rule, for records.
pub(super) fn words_of(rule: ErasureRule) -> (&'static str, &'static str) {
    let mode = match rule.mode {
        ErasureMode::Delete => "delete",
        ErasureMode::Anonymize => "anonymize",
    };
    let within = match rule.within_minimum {
        WithinMinimum::Anonymize => "anonymize",
        WithinMinimum::Refuse => "refuse",
    };
    (mode, within)
}
