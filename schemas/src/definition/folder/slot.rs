//! What a file of a lake's folder is: by where it lies, and where several kinds lie together, by its first key.

use super::super::later;
use super::super::problem::Place;
use super::super::yaml::Node;

/// What a file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Slot {
    Lake,
    Dataset,
    Access,
    Evidence,
    Subjects,
    Retention,
    Anonymize,
    Tiers,
    Sla,
    Calendar,
    Support,
    Quotas,
    Usage,
    Report,
    Control,
    Job,
    /// Not read, and why.
    Refused(String),
}

impl Slot {
    /// What is checked before what may name it.
    pub(super) const IN_ORDER: [Self; 16] = [
        Self::Dataset,
        Self::Lake,
        Self::Evidence,
        Self::Subjects,
        Self::Retention,
        Self::Anonymize,
        Self::Tiers,
        Self::Sla,
        Self::Calendar,
        Self::Support,
        Self::Quotas,
        Self::Usage,
        Self::Report,
        Self::Access,
        Self::Control,
        Self::Job,
    ];
}

/// Which of them a file is, by its path; none of a file that is no definition.
pub(super) fn slot(path: &str) -> Option<Slot> {
    let name = path.rsplit('/').next().unwrap_or(path);
    let stem = name.strip_suffix(".yaml").or_else(|| name.strip_suffix(".yml"))?;
    if name.starts_with('.') {
        return None;
    }
    let folder = path.split_once('/').map(|(folder, _)| folder);
    let later = later::FILES.iter().find(|(file, _)| match file.strip_suffix('/') {
        Some(later_folder) => folder == Some(later_folder),
        None => *file == path,
    });
    if let Some((_, why)) = later {
        return Some(Slot::Refused((*why).to_owned()));
    }
    let slot = match (folder, stem) {
        (None, "lake") => Slot::Lake,
        (None, "access") => Slot::Access,
        (Some("policies"), "evidence") if path.matches('/').count() == 1 => Slot::Evidence,
        (None | Some("policies"), "evidence") => {
            return Some(Slot::Refused("the file is not read; move it to policies/evidence.yaml".to_owned()));
        }
        (Some("policies"), "subjects") if path.matches('/').count() == 1 => Slot::Subjects,
        (None | Some("policies"), "subjects") => {
            return Some(Slot::Refused("the file is not read; move it to policies/subjects.yaml".to_owned()));
        }
        (Some("policies"), _) => Slot::Retention,
        (None, "lakes") => Slot::Refused("the file is not read; it is called lake.yaml".to_owned()),
        (None, "datasets" | "jobs" | "controls" | "policies" | "slas" | "reports") => {
            return Some(Slot::Refused(format!("the file is not read; write one file for each in {stem}/")));
        }
        (Some("datasets"), _) => Slot::Dataset,
        (Some("controls"), _) => Slot::Control,
        (Some("jobs"), _) => Slot::Job,
        (Some("slas"), _) => Slot::Sla,
        (Some("reports"), _) => Slot::Report,
        (Some(single @ ("dataset" | "control" | "job" | "sla" | "report")), _) => {
            return Some(Slot::Refused(format!("the folder {single}/ is not read; it is called {single}s/")));
        }
        (Some("policy"), _) => {
            return Some(Slot::Refused("the folder policy/ is not read; it is called policies/".to_owned()));
        }
        _ => return None,
    };
    Some(if name.ends_with(".yml") {
        Slot::Refused(format!("the file is not read; rename it to {stem}.yaml"))
    } else {
        slot
    })
}

/// What of a file in `slas/` it is, by its first key.
pub(super) fn in_slas(node: &Node) -> Slot {
    let has = |key: &str| node.value.get(key).is_some();
    // An SLA names tiers, a support agreement its calendar, and a contract about usage its quotas: who names something is asked first.
    let firsts = [
        ("sla", Slot::Sla),
        ("support", Slot::Support),
        ("usage", Slot::Usage),
        ("tiers", Slot::Tiers),
        ("calendar", Slot::Calendar),
        ("quotas", Slot::Quotas),
    ];
    firsts.into_iter().find(|(key, _)| has(key)).map_or(Slot::Sla, |(_, slot)| slot)
}

/// What a file in `policies/` is that is no retention policy, and where that shows.
pub(super) fn other_policy(node: &Node) -> Option<(Place, String)> {
    if node.value.get("policy").is_some() {
        return None;
    }
    if let Some(found) = node.value.get("evidence") {
        return Some((
            found.place,
            "evidence is not read from this file; move it to policies/evidence.yaml".to_owned(),
        ));
    }
    if let Some(found) = node.value.get("subjects") {
        return Some((
            found.place,
            "subjects is not read from this file; move it to policies/subjects.yaml".to_owned(),
        ));
    }
    None
}
