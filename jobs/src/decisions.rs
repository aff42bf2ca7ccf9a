//! Decisions on findings in the lake: `_auditlake/findings/<finding>/000001.json` and on, each created once.
//!
//! Whoever is second with a number is told and writes nothing. Absent: changing or removing a decision; a later one
//! takes its place.

use std::collections::BTreeMap;

use engine::{Created, EngineError, Lakefront};
use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;
use schemas::{Decision, FindingId};

use crate::error::JobError;

const FOLDER: &str = "_auditlake/findings";
/// Records read at the same time.
const READ_AT_ONCE: usize = 16;

/// Decisions by finding, in the order of their numbers.
#[derive(Debug, Default)]
pub(crate) struct Decisions(BTreeMap<String, Vec<Decision>>);

impl Decisions {
    /// Every decision of the lake.
    pub(crate) async fn read(front: &Lakefront) -> Result<Self, EngineError> {
        Self::below(front, Path::from(FOLDER)).await
    }

    /// Those on one finding.
    pub(crate) async fn read_on(front: &Lakefront, finding: &FindingId) -> Result<Vec<Decision>, EngineError> {
        let mut all = Self::below(front, Path::from(format!("{FOLDER}/{finding}"))).await?;
        Ok(all.0.remove(finding.as_str()).unwrap_or_default())
    }

    async fn below(front: &Lakefront, folder: Path) -> Result<Self, EngineError> {
        let listed = front.list(&folder).await?;
        let read = |path: Path| async move {
            let decision: Option<Decision> = front.read_json(&path).await?;
            Ok::<_, EngineError>(path.parts().nth(2).map(|part| part.as_ref().to_owned()).zip(decision))
        };
        // Listed by path, so that the numbers of a finding are in order.
        let read = futures::stream::iter(listed).map(|meta| read(meta.location)).buffered(READ_AT_ONCE);
        let mut decisions = Self::default();
        for (finding, decision) in read.try_collect::<Vec<_>>().await?.into_iter().flatten() {
            decisions.0.entry(finding).or_default().push(decision);
        }
        Ok(decisions)
    }

    /// Those on one finding.
    pub(crate) fn on(&self, finding: &str) -> &[Decision] {
        self.0.get(finding).map(Vec::as_slice).unwrap_or_default()
    }

    /// Every finding that was decided about.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&str, &[Decision])> {
        self.0.iter().map(|(finding, decisions)| (finding.as_str(), decisions.as_slice()))
    }
}

/// Where decision `number` on a finding lies.
pub(crate) fn path(finding: &FindingId, number: usize) -> Path {
    Path::from(format!("{FOLDER}/{finding}/{number:06}.json"))
}

/// Writes decision `number` on a finding.
///
/// # Errors
/// When somebody else was first with that number.
pub(crate) async fn record(
    front: &Lakefront,
    finding: &FindingId,
    number: usize,
    decision: &Decision,
) -> Result<(), JobError> {
    let path = path(finding, number);
    if front.create_json(&path, decision).await? == Created::Now {
        return Ok(());
    }
    let first: Option<Decision> = front.read_json(&path).await?;
    Err(JobError::DecidedMeanwhile {
        finding: finding.to_string(),
        number,
        first: first.map_or_else(|| "of another".to_owned(), |first| format!("{} by {}", first.state.word(), first.by)),
    })
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};
    use schemas::{FindingState, derived_id};

    use super::*;

    fn decision(by: &str) -> Decision {
        Decision {
            state: FindingState::Remediated,
            by: by.to_owned(),
            reason: "fixed".to_owned(),
            until: None,
            at: DateTime::<Utc>::UNIX_EPOCH,
        }
    }

    #[tokio::test]
    async fn who_is_second_with_a_number_is_told_and_overwrites_nothing() {
        let lake = Lakefront::memory();
        let finding = FindingId::parse(&derived_id(&["finding", "1"])).expect("an id");
        record(&lake, &finding, 1, &decision("the owner")).await.expect("the number is free");
        let late = record(&lake, &finding, 1, &decision("another")).await.expect_err("the number is taken");
        assert!(late.to_string().contains("remediated by the owner"), "{late}");
        assert_eq!(Decisions::read_on(&lake, &finding).await.expect("reads"), [decision("the owner")]);
    }

    #[tokio::test]
    async fn of_many_who_decide_at_once_one_is_first_and_the_others_follow_in_order() {
        let lake = Lakefront::memory();
        let finding = FindingId::parse(&derived_id(&["finding", "1"])).expect("an id");
        let names: Vec<String> = (0..12).map(|number| format!("person {number}")).collect();
        let deciders = names.iter().map(|name| {
            let (lake, finding, name) = (lake.clone(), finding.clone(), name.clone());
            tokio::spawn(async move {
                loop {
                    let before = Decisions::read_on(&lake, &finding).await.expect("reads");
                    match record(&lake, &finding, before.len() + 1, &decision(&name)).await {
                        Ok(()) => break,
                        Err(error) => assert!(matches!(error, JobError::DecidedMeanwhile { .. }), "{error}"),
                    }
                }
            })
        });
        for decider in deciders.collect::<Vec<_>>() {
            decider.await.expect("it decided");
        }
        let all = Decisions::read(&lake).await.expect("reads");
        let mut by: Vec<&str> = all.on(finding.as_str()).iter().map(|decision| decision.by.as_str()).collect();
        by.sort_unstable_by_key(|name| name.trim_start_matches("person ").parse::<u32>().unwrap_or_default());
        assert_eq!(by, names, "each decision is there once");
    }
}
