//! `lineage import` and `lineage register`: what others say, and what the lake is told of things outside it.

use std::collections::BTreeSet;
use std::path::PathBuf;

use ::lineage::{DatasetFacets, Event, Tag};
use serde_json::json;

use super::gathered::Gathered;
use super::lake_graph::described;
use super::logged::Logged;
use super::naming::Naming;
use crate::Answer;
use crate::args::RegisterArgs;
use crate::error::JobError;
use crate::lake::OpenLake;
use crate::show::counted;
use crate::world::World;

/// Events of one object of the log.
const BATCH: usize = 5_000;

/// Logs the events of files, each once; the exit code is 1 where a part of the files was refused.
pub(crate) async fn import(
    lake: &OpenLake,
    files: &[PathBuf],
    dbt_namespace: Option<&str>,
) -> Result<Answer, JobError> {
    let naming = Naming::of(&lake.definitions);
    let mut gathered = Gathered::of(files, dbt_namespace, Some(&naming.locations(&lake.definitions)))?;
    let mut logged = Logged::read(&lake.front).await?;
    let mut known = logged.ids();
    let events = std::mem::take(&mut gathered.events);
    let read = events.len() as u64;
    let new: Vec<Event> = events.into_iter().filter(|event| known.insert(event.id().to_vec())).collect();
    for batch in new.chunks(BATCH) {
        logged.append(&lake.front, batch).await?;
    }
    let mut text = format!("{} read, {} of them new", counted(read, "event"), new.len());
    gathered.lines().for_each(|line| text.push_str(&format!("\n{line}")));
    let json = json!({
        "events": read, "new": new.len(), "warnings": gathered.warnings, "refused": gathered.refused,
    });
    Ok(Answer { text, json, code: u8::from(!gathered.refused.is_empty()) })
}

/// Logs what a dataset outside the lake is.
pub(crate) async fn register(lake: &OpenLake, world: &World, args: &RegisterArgs) -> Result<Answer, JobError> {
    let naming = Naming::of(&lake.definitions);
    let name = naming.place(&args.dataset);
    if name.namespace == naming.namespace() {
        return Err(JobError::Usage(format!(
            "\"{}\" is a name of the lake's own, which the definitions tell; give the URL of something outside, for \
             example s3://ml/models/churn or postgres://db.example:5432/shop.orders",
            args.dataset
        )));
    }
    let mut tags = BTreeSet::new();
    for (given, key) in
        args.class.iter().map(|given| (given, Some("class"))).chain(args.tag.iter().map(|given| (given, None)))
    {
        let (left, right) = given.split_once('=').ok_or_else(|| {
            JobError::Usage(format!(
                "\"{given}\" is not NAME=VALUE; write for example --class email=personal --tag team=ml"
            ))
        })?;
        tags.insert(match key {
            Some(key) => Tag { field: Some(left.to_owned()), key: key.to_owned(), value: right.to_owned() },
            None => Tag { field: None, key: left.to_owned(), value: right.to_owned() },
        });
    }
    let facets = DatasetFacets {
        owners: (!args.owner.is_empty()).then(|| args.owner.iter().cloned().collect()),
        tags: (!tags.is_empty()).then_some(tags),
        kind: Some(args.kind.into()),
        ..DatasetFacets::default()
    };
    let event = described(name.clone(), facets, world.now());
    let mut logged = Logged::read(&lake.front).await?;
    logged.append(&lake.front, std::slice::from_ref(&event)).await?;
    let shown = naming.shown(&name);
    Ok(Answer::done(
        format!("registered {shown}"),
        json!({ "dataset": shown, "namespace": name.namespace, "name": name.name }),
    ))
}
