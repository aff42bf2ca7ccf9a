//! `auditlake notify`: try a channel, see what was not delivered, send it again, switch a channel on.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use schemas::{ChannelKind, NotifyChannel, Permission};
use serde::Serialize;
use serde_json::{Value, json};

use super::call::{Answered, Caller, Fault, TIMEOUT};
use super::channel::{Ready, file, line};
use super::event::{Told, body};
use super::guard::Machine;
use super::outbox::{self, Letter, Mark, SwitchRecord, marked};
use crate::Answer;
use crate::args::{Cli, NotifyCommand, OutputForm};
use crate::error::JobError;
use crate::lake::{OpenLake, names};
use crate::retention::who;
use crate::show::{counted, write_line};
use crate::world::World;

/// Carries out a command.
pub(crate) async fn command(cli: &Cli, world: &World, command: &NotifyCommand) -> Result<Answer, JobError> {
    let lake = cli.open()?;
    if lake.definitions.notify.is_empty() {
        return Err(JobError::Usage(
            "lake.yaml names nobody to be told; add for example notify: {archive: {to: notifications/}}".to_owned(),
        ));
    }
    match command {
        NotifyCommand::Test { channel, principal } => {
            who(&lake, principal.as_deref(), Permission::NotifyManage, "trying a channel")?;
            test(&lake, world, channel_of(&lake, channel)?, cli.output).await
        }
        NotifyCommand::Dead { channel } => {
            let only = channel.as_deref().map(|name| channel_of(&lake, name)).transpose()?;
            dead(&lake, only).await
        }
        NotifyCommand::Redeliver { id, principal } => {
            let by = who(&lake, principal.as_deref(), Permission::NotifyManage, "sending a message again")?;
            redeliver(&lake, world, id.as_deref(), by.as_deref().unwrap_or("operator")).await
        }
        NotifyCommand::Enable { channel, principal } => {
            let by = who(&lake, principal.as_deref(), Permission::NotifyManage, "switching a channel on")?;
            enable(&lake, world, channel_of(&lake, channel)?, by.as_deref().unwrap_or("operator")).await
        }
    }
}

fn channel_of<'l>(lake: &'l OpenLake, name: &str) -> Result<&'l NotifyChannel, JobError> {
    let found = lake.definitions.notify.iter().find(|channel| channel.name == name);
    found.ok_or_else(|| JobError::Unknown {
        what: "channel",
        name: name.to_owned(),
        remedy: format!("channels of lake.yaml are: {}", names(lake.definitions.notify.iter().map(|of| &of.name))),
    })
}

/// Sends a sample at once, past the outbox.
async fn test(lake: &OpenLake, world: &World, channel: &NotifyChannel, output: OutputForm) -> Result<Answer, JobError> {
    let mut nonce = [0; 16];
    world.fill(&mut nonce);
    let (id, now) = (format!("msg_{}", engine::hex(&nonce)), world.logged_at());
    let told = Told { what: "somebody tries this channel", ..Told::default() };
    let sample = Bytes::from(body(&lake.definitions.id, &id, "notify.test", (&channel.name, now), &told)?);
    let refused = |why: String| JobError::Refused { what: format!("a sample to channel \"{}\"", channel.name), why };
    let (text, status) = match &channel.to {
        ChannelKind::Folder(folder) => {
            let path = file(folder, &id, &sample);
            lake.front.create(&path, sample).await?;
            (format!("channel \"{}\" has the sample as {path}", channel.name), None)
        }
        ChannelKind::Stdout if output == OutputForm::Json => {
            return Err(refused("standard output has the answer of the command; leave --output json out".to_owned()));
        }
        ChannelKind::Stdout => {
            line(&sample)?;
            return Ok(Answer { text: String::new(), json: Value::Null, code: 0 });
        }
        ChannelKind::Webhook(webhook) => {
            let ready = Ready::of(lake, &channel.name, webhook)?;
            let caller = Caller { resolver: Arc::new(Machine), timeout: TIMEOUT };
            let status = answered(ready.call(&caller, (&id, now), sample).await).map_err(refused)?;
            (format!("channel \"{}\" took the sample {id}: the endpoint answered {status}", channel.name), Some(status))
        }
    };
    Ok(Answer::done(text, json!({ "channel": channel.name, "id": id, "status": status })))
}

/// The status of an endpoint that took a sample, or why it did not.
fn answered(answer: Result<Answered, Fault>) -> Result<u16, String> {
    match answer.map_err(|fault| fault.to_string())?.status {
        status @ 200..=299 => Ok(status),
        status @ 300..=399 => {
            Err(format!("the endpoint answered {status}, and no redirect is followed; write the address it leads to"))
        }
        status @ (401 | 403) => Err(format!("the endpoint answered {status}; does it know the secret?")),
        status => Err(format!("the endpoint answered {status}; its own log says why")),
    }
}

/// A message that was given up.
#[derive(Debug, Serialize)]
struct DeadLetter {
    channel: String,
    id: String,
    #[serde(rename = "type")]
    kind: String,
    subject: String,
    attempts: u64,
    /// When the last attempt was made, and why it failed.
    since: Option<String>,
    why: Option<String>,
}

async fn dead(lake: &OpenLake, only: Option<&NotifyChannel>) -> Result<Answer, JobError> {
    let (waiting, given_up) = (marked(&lake.front, Mark::Waiting).await?, marked(&lake.front, Mark::Dead).await?);
    let (mut text, mut letters, mut channels) = (String::new(), Vec::new(), Vec::new());
    for channel in lake.definitions.notify.iter().filter(|of| only.is_none_or(|only| only.name == of.name)) {
        let name = channel.name.as_str();
        let off = outbox::switch(&lake.front, name).await?.map(|(_, last)| last).filter(|last| !last.is_on);
        let many = |all: &BTreeMap<String, BTreeSet<String>>| all.get(name).map_or(0, |ids| ids.len() as u64);
        let state = off.as_ref().map_or_else(
            || "on".to_owned(),
            |off| {
                format!("off since {}, {}; `auditlake notify enable {name}` ends it", schemas::rfc3339(off.at), off.by)
            },
        );
        let kind = channel.to.as_str();
        write_line(
            &mut text,
            &format!("{name}  {kind}  {} waiting, {} given up, {state}", many(&waiting), many(&given_up)),
        );
        channels.push(json!({
            "channel": name, "kind": kind, "waiting": many(&waiting), "dead": many(&given_up), "off": off,
        }));
        for id in given_up.get(name).into_iter().flatten() {
            let letter = dead_letter(lake, name, id).await?;
            let why = letter.why.as_deref().unwrap_or("no record says why");
            let attempts = counted(letter.attempts, "attempt");
            write_line(&mut text, &format!("  {id}  {}  {}  {attempts}: {why}", letter.kind, letter.subject));
            letters.push(letter);
        }
    }
    if !letters.is_empty() {
        write_line(&mut text, "send them again with `auditlake notify redeliver`, or one with its id");
    }
    Ok(Answer::done(text, json!({ "channels": channels, "dead": letters })))
}

async fn dead_letter(lake: &OpenLake, channel: &str, id: &str) -> Result<DeadLetter, JobError> {
    let body = outbox::body(&lake.front, channel, id).await?.unwrap_or_default();
    let event: Value = serde_json::from_slice(&body).unwrap_or_default();
    let of = |key: &str| event.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let letter = outbox::read(&lake.front, channel, id).await?.unwrap_or_default();
    let last = outbox::last_words(&lake.front, (channel, id), letter.round.max(1)).await?;
    Ok(DeadLetter {
        channel: channel.to_owned(),
        id: id.to_owned(),
        kind: of("type").trim_start_matches("auditlake.").to_owned(),
        subject: of("subject"),
        attempts: letter.attempts,
        since: last.as_ref().map(|last| schemas::rfc3339(last.at)),
        why: last.and_then(|last| last.why),
    })
}

async fn redeliver(lake: &OpenLake, world: &World, id: Option<&str>, by: &str) -> Result<Answer, JobError> {
    let mut again: Vec<(String, String, Letter)> = Vec::new();
    match id {
        Some(id) if !is_id(id) => {
            return Err(JobError::Usage(format!("{id:?} is no id of a message; `auditlake notify dead` lists them")));
        }
        Some(id) => {
            for channel in &lake.definitions.notify {
                let letter = outbox::read(&lake.front, &channel.name, id).await?;
                again.extend(letter.map(|letter| (channel.name.clone(), id.to_owned(), letter)));
            }
            if again.is_empty() {
                let remedy = "`auditlake notify dead` lists what was given up".to_owned();
                return Err(JobError::Unknown { what: "message", name: id.to_owned(), remedy });
            }
        }
        None => {
            let dead = marked(&lake.front, Mark::Dead).await?;
            let known = |channel: &String| lake.definitions.notify.iter().any(|of| of.name == *channel);
            for (channel, ids) in dead.into_iter().filter(|(channel, _)| known(channel)) {
                for id in ids {
                    let letter = outbox::read(&lake.front, &channel, &id).await?;
                    again.extend(letter.map(|letter| (channel.clone(), id, letter)));
                }
            }
        }
    }
    for (channel, id, letter) in &again {
        outbox::redeliver(&lake.front, (channel, id), letter, (by, world.logged_at())).await?;
    }
    let text = match again.len() as u64 {
        0 => "nothing was given up".to_owned(),
        many => format!(
            "{} will be sent again, by `auditlake serve` or at the end of the next `auditlake run`",
            counted(many, "message")
        ),
    };
    let ids: Vec<_> = again.iter().map(|(channel, id, _)| json!({ "channel": channel, "id": id })).collect();
    Ok(Answer::done(text, json!({ "redelivered": ids })))
}

/// Whether a text is an id as messages have them: nothing else becomes part of a path.
fn is_id(id: &str) -> bool {
    id.strip_prefix("msg_").is_some_and(|hex| hex.len() == 32 && hex.bytes().all(|digit| digit.is_ascii_hexdigit()))
}

async fn enable(lake: &OpenLake, world: &World, channel: &NotifyChannel, by: &str) -> Result<Answer, JobError> {
    let name = channel.name.as_str();
    let is_off = outbox::switch(&lake.front, name).await?.is_some_and(|(_, last)| !last.is_on);
    if !is_off {
        return Ok(Answer::done(format!("channel \"{name}\" is on"), json!({ "channel": name, "changed": false })));
    }
    let record = SwitchRecord { is_on: true, by: by.to_owned(), at: world.logged_at() };
    outbox::set_switch(&lake.front, name, &record).await?;
    let text = format!(
        "channel \"{name}\" is on again; what waits for it is delivered within a minute of `auditlake serve`, or at the end of the next `auditlake run`"
    );
    Ok(Answer::done(text, json!({ "channel": name, "changed": true })))
}
