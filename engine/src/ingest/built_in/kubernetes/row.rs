//! One audit event, read as a row: every rule of the mapping, and no Arrow.

use std::borrow::Cow;

use serde_json::Value;

use super::super::arrays::Attributes;
use super::super::part::{Part, Reject, address, text_of};
use crate::ingest::event_type::Call;
use crate::ingest::event_type::kubernetes::{Object, call};

/// The columns that an event fills, besides those that name the record itself.
#[derive(Debug)]
pub(in crate::ingest::built_in) struct Row<'a> {
    pub(super) event_id: String,
    pub(super) audit_id: &'a str,
    pub(super) time_us: i64,
    pub(super) tenant_id: &'a str,
    pub(super) call: Call,
    pub(super) outcome: &'static str,
    pub(super) actor: Actor<'a>,
    pub(super) src_ip: Option<String>,
    pub(super) src_service: Option<&'a str>,
    pub(super) object: Thing<'a>,
    pub(super) user_agent: Option<&'a str>,
    pub(super) verb: Option<&'a str>,
    pub(super) http_status: Option<i32>,
    pub(super) duration_us: Option<i64>,
    pub(super) status_code: Option<&'a str>,
    pub(super) status_detail: Option<&'a str>,
    pub(super) attributes: Attributes<'a>,
}

/// Who asked.
#[derive(Debug)]
pub(super) struct Actor<'a> {
    pub(super) id: &'a str,
    pub(super) kind: &'static str,
    pub(super) groups: Vec<&'a str>,
    /// Who acts through the actor.
    pub(super) impersonator: Option<&'a str>,
}

/// What was acted on.
#[derive(Debug, Default)]
pub(super) struct Thing<'a> {
    /// `pods`, or `pods/exec`; `url` for a request that is about no object.
    pub(super) kind: Option<Cow<'a, str>>,
    /// Namespace and name, or the path of a URL.
    pub(super) id: Option<Cow<'a, str>>,
    pub(super) name: Option<&'a str>,
    /// Whether it is a secret or gives one out.
    pub(super) secret: bool,
}

impl<'a> Row<'a> {
    /// Reads one record; none when the request had not ended.
    pub(super) fn read(record: &'a Value, tenant_id: &'a str) -> Result<Option<Self>, Reject> {
        let event = Part::of(record)?;
        match event.text("kind")? {
            None | Some("Event") => {}
            // A list without `items` holds no event.
            Some("EventList") => return Ok(None),
            Some(_) => return Err(Reject::wrong_type("kind", "Event")),
        }
        if event.text("apiVersion")?.is_some_and(|version| !version.starts_with("audit.k8s.io/")) {
            return Err(Reject::wrong_type("apiVersion", "one of audit.k8s.io"));
        }
        let stage = event.required("stage")?;
        if !matches!(stage, "ResponseComplete" | "Panic") {
            return Ok(None);
        }
        let audit_id = event.required("auditID")?;
        let (received, ended) = (event.instant("requestReceivedTimestamp")?, event.instant("stageTimestamp")?);
        let time_us = match received.or(ended) {
            Some(time) => time,
            None => event.instant("timestamp")?.ok_or_else(|| Reject::missing("requestReceivedTimestamp"))?,
        };
        let object = event.part("objectRef")?;
        let verb = event.text("verb")?;
        let status = event.part("responseStatus")?;
        let http_status = status.whole_32("code")?;
        let outcome = outcome(&event, stage, http_status, status.text("status")?);
        let sources = event.texts("sourceIPs")?;
        let (src_ip, src_service) = address(sources.first().copied());
        Ok(Some(Self {
            event_id: format!("{audit_id}/{stage}"),
            audit_id,
            time_us,
            tenant_id,
            call: what(verb, &object, outcome)?,
            outcome,
            actor: Actor::read(&event)?,
            src_ip,
            src_service,
            object: Thing::read(&event, &object)?,
            user_agent: event.text("userAgent")?,
            verb,
            http_status,
            duration_us: ended.zip(received).map(|(ended, received)| ended - received).filter(|us| *us >= 0),
            status_code: status.text("reason")?,
            status_detail: status.text("message")?,
            attributes: attributes(&event, stage, &sources)?,
        }))
    }
}

fn what(verb: Option<&str>, object: &Part<'_>, outcome: &str) -> Result<Call, Reject> {
    let about = Object {
        group: object.text("apiGroup")?.unwrap_or_default(),
        resource: object.text("resource")?.unwrap_or_default(),
        subresource: object.text("subresource")?.unwrap_or_default(),
    };
    // Reject::missing cannot happen: every request has an event type.
    let call = call(verb.unwrap_or_default(), about).ok_or_else(|| Reject::missing("verb"))?;
    Ok(Call { severity: call.severity.max(if outcome == "denied" { 2 } else { 1 }), ..call })
}

fn outcome(event: &Part<'_>, stage: &str, code: Option<i32>, status: Option<&str>) -> &'static str {
    let decision = event.any("annotations").and_then(|annotations| annotations.get("authorization.k8s.io/decision"));
    match code {
        Some(401 | 403) => "denied",
        _ if decision.and_then(Value::as_str) == Some("forbid") => "denied",
        Some(400..) => "failure",
        _ if stage == "Panic" || status == Some("Failure") => "failure",
        Some(_) => "success",
        None if status == Some("Success") => "success",
        None => "unknown",
    }
}

impl<'a> Actor<'a> {
    fn read(event: &Part<'a>) -> Result<Self, Reject> {
        let (user, impersonated) = (event.part("user")?, event.part("impersonatedUser")?);
        let (actor, impersonator) =
            if impersonated.has_entries() { (impersonated, user.text("username")?) } else { (user, None) };
        let (name, groups) = (actor.text("username")?, actor.texts("groups")?);
        let kind = match name {
            None => "unknown",
            Some("system:anonymous") => "anonymous",
            Some(name) if name.starts_with("system:serviceaccount:") => "service",
            Some(name) if SYSTEM.iter().any(|prefix| name.starts_with(prefix)) => "system",
            // Members of this group may do everything, whatever the roles say.
            Some(_) if groups.contains(&"system:masters") => "admin",
            Some(name) if name.starts_with("system:") => "system",
            Some(_) => "user",
        };
        let id = if kind == "anonymous" { "anonymous" } else { name.unwrap_or("unknown") };
        Ok(Self { id, kind, groups, impersonator })
    }
}

/// Users that are parts of the cluster.
const SYSTEM: [&str; 4] = ["system:node:", "system:kube-", "system:apiserver", "system:bootstrap:"];

impl<'a> Thing<'a> {
    fn read(event: &Part<'a>, object: &Part<'a>) -> Result<Self, Reject> {
        let Some(resource) = object.text("resource")? else {
            let path = event.text("requestURI")?.map(|uri| uri.split('?').next().unwrap_or(uri));
            return Ok(Self { kind: path.map(|_| Cow::from("url")), id: path.map(Cow::from), ..Self::default() });
        };
        let (namespace, subresource) = (object.text("namespace")?, object.text("subresource")?);
        let name = match object.text("name")? {
            // Whoever creates an object names it in its body, or leaves that to the server.
            None => named(event, "responseObject").or_else(|| named(event, "requestObject")),
            name => name,
        };
        let namespace = namespace.filter(|_| resource != "namespaces");
        Ok(Self {
            kind: Some(match subresource {
                Some(subresource) => Cow::from(format!("{resource}/{subresource}")),
                None => Cow::from(resource),
            }),
            id: name.map(|name| match namespace {
                Some(namespace) => Cow::from(format!("{namespace}/{name}")),
                None => Cow::from(name),
            }),
            name,
            secret: resource == "secrets" || (resource, subresource) == ("serviceaccounts", Some("token")),
        })
    }
}

/// The name of an object sent or returned; a list and a status have none.
fn named<'a>(event: &Part<'a>, key: &str) -> Option<&'a str> {
    let name = event.any(key)?.get("metadata")?.get("name")?.as_str();
    name.filter(|name| !name.is_empty())
}

fn attributes<'a>(event: &Part<'a>, stage: &'a str, sources: &[&str]) -> Result<Attributes<'a>, Reject> {
    let mut kept: Attributes<'a> = Vec::new();
    let mut keep = |key: &'static str, value: Option<&'a str>| {
        kept.extend(value.map(|value| (Cow::from(key), Some(Cow::from(value)))));
    };
    keep("stage", Some(stage));
    keep("level", event.text("level")?);
    keep("request_uri", event.text("requestURI")?);
    keep("namespace", event.text("objectRef.namespace")?);
    keep("api_group", event.text("objectRef.apiGroup")?);
    keep("object_uid", event.text("objectRef.uid")?);
    keep("user_uid", event.text("user.uid")?);
    for (key, path) in [("user_extra", "user.extra"), ("impersonated_extra", "impersonatedUser.extra")] {
        kept.extend(event.get(path)?.map(|value| (Cow::from(key), text_of(value))));
    }
    if event.part("impersonatedUser")?.has_entries()
        && let Some(groups) = event.get("user.groups")?
    {
        kept.push((Cow::from("impersonator_groups"), text_of(groups)));
    }
    if sources.len() > 1 {
        kept.push((Cow::from("source_ips"), Some(Cow::from(sources.join(",")))));
    }
    for (key, value) in event.part("annotations")?.entries() {
        let clash = kept.iter().any(|(own, _)| own == key);
        let key = if clash { Cow::from(format!("annotations.{key}")) } else { Cow::from(key) };
        kept.push((key, text_of(value)));
    }
    Ok(kept)
}
