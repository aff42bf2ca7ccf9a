//! One OCSF event, read as a row: every rule of the mapping, and no Arrow.

use serde_json::Value;

use super::super::arrays::Attributes;
use super::super::part::{Part, Reject, address, denies};
use super::actor::Actor;
use super::remainder::remainder;
use crate::ingest::event_type::Call;
use crate::ingest::event_type::ocsf::call;

/// Class of sign-ins, whose `user` is the one who acts.
pub(super) const AUTHENTICATION: i32 = 3002;
/// Words of `data_classes`.
const DATA_CLASSES: [&str; 9] =
    ["public", "internal", "confidential", "pii", "phi", "pan", "special", "minor", "secret"];

/// The columns that an event fills, besides those that name the record itself.
#[derive(Debug)]
pub(in crate::ingest::built_in) struct Row<'a> {
    pub(super) event_id: &'a str,
    pub(super) time_us: i64,
    pub(super) tenant_id: &'a str,
    pub(super) source: &'a str,
    pub(super) call: Call,
    pub(super) outcome: &'static str,
    pub(super) actor: Actor<'a>,
    pub(super) src: Endpoint<'a>,
    pub(super) resource: Resource<'a>,
    pub(super) user_agent: Option<&'a str>,
    pub(super) api_operation: Option<&'a str>,
    pub(super) request_id: Option<&'a str>,
    pub(super) correlation_id: Option<&'a str>,
    pub(super) http_status: Option<i32>,
    pub(super) duration_us: Option<i64>,
    pub(super) status_code: Option<&'a str>,
    pub(super) status_detail: Option<&'a str>,
    pub(super) region: Option<&'a str>,
    pub(super) data_classes: Vec<&'static str>,
    pub(super) dest_party: Option<&'a str>,
    pub(super) dest_region: Option<&'a str>,
    pub(super) seq: Option<i64>,
    pub(super) ai: Ai<'a>,
    pub(super) attributes: Attributes<'a>,
}

/// Where it came from.
#[derive(Debug)]
pub(super) struct Endpoint<'a> {
    pub(super) ip: Option<String>,
    pub(super) service: Option<&'a str>,
    pub(super) country: Option<&'a str>,
    pub(super) asn: Option<i64>,
    pub(super) lat: Option<f64>,
    pub(super) lon: Option<f64>,
}

/// What was acted on.
#[derive(Debug, Default)]
pub(super) struct Resource<'a> {
    pub(super) kind: Option<&'a str>,
    pub(super) id: Option<&'a str>,
    pub(super) name: Option<&'a str>,
    pub(super) tenant: Option<&'a str>,
    pub(super) region: Option<&'a str>,
}

/// The model that took part.
#[derive(Debug)]
pub(super) struct Ai<'a> {
    pub(super) provider: Option<&'a str>,
    pub(super) model: Option<&'a str>,
    pub(super) version: Option<&'a str>,
    pub(super) role: Option<&'a str>,
    pub(super) prompt_tokens: Option<i64>,
    pub(super) completion_tokens: Option<i64>,
}

/// The tenant, as far as the record tells, else `fallback`.
pub(super) fn tenant<'a>(record: &'a Value, fallback: Option<&'a str>) -> Option<&'a str> {
    let own = record.pointer("/metadata/tenant_uid").and_then(Value::as_str).filter(|tenant| !tenant.is_empty());
    own.or(fallback)
}

impl<'a> Row<'a> {
    /// Reads one record.
    pub(super) fn read(record: &'a Value, tenant_fallback: Option<&'a str>) -> Result<Self, Reject> {
        let event = Part::of(record)?;
        let event_id = event.required("metadata.uid")?;
        let time_us = time(&event)?;
        event.text("metadata.tenant_uid")?;
        let tenant_id = tenant(record, tenant_fallback).ok_or_else(|| Reject::missing("metadata.tenant_uid"))?;
        let (class_uid, call) = what(&event)?;
        let status_code = event.text("status_code")?;
        let http_status = event.whole_32("http_response.code")?;
        let actor = Actor::read(&event, class_uid)?;
        let resource = Resource::read(&event, class_uid)?;
        let data_classes = data_classes(&event)?;
        Ok(Self {
            event_id,
            time_us,
            tenant_id,
            source: source(&event)?,
            call,
            outcome: outcome(&event, status_code, http_status)?,
            attributes: remainder(&event, &actor, &call)?,
            actor,
            src: Endpoint::read(&event)?,
            user_agent: event.text("http_request.user_agent")?,
            api_operation: event.text("api.operation")?,
            request_id: event.text("api.request.uid")?,
            correlation_id: event.text("metadata.correlation_uid")?,
            http_status,
            duration_us: duration(&event)?,
            status_code,
            status_detail: event.text("status_detail")?,
            region: resource.region.or(event.text("cloud.region")?),
            resource,
            data_classes,
            dest_party: event.text("dst_endpoint.name")?,
            dest_region: event.text("dst_endpoint.location.region")?,
            seq: event.whole("metadata.sequence")?,
            ai: Ai::read(&event)?,
        })
    }
}

/// Milliseconds in `time`; some producers write the instant in `time_dt` alone.
fn time(event: &Part<'_>) -> Result<i64, Reject> {
    match event.whole("time")? {
        Some(ms) => ms.checked_mul(1_000).ok_or_else(|| Reject::out_of_range("time")),
        None => event.instant("time_dt")?.ok_or_else(|| Reject::missing("time")),
    }
}

fn duration(event: &Part<'_>) -> Result<Option<i64>, Reject> {
    let micros = |ms: i64| ms.checked_mul(1_000).ok_or_else(|| Reject::out_of_range("duration"));
    event.whole("duration")?.map(micros).transpose()
}

/// The product; its name may be left out where it has an id or a vendor.
fn source<'a>(event: &Part<'a>) -> Result<&'a str, Reject> {
    for path in ["metadata.product.name", "metadata.product.uid", "metadata.product.vendor_name"] {
        if let Some(source) = event.text(path)? {
            return Ok(source);
        }
    }
    Err(Reject::missing("metadata.product.name"))
}

/// Class and what happened; `type_uid` tells class and activity where they are left out.
fn what(event: &Part<'_>) -> Result<(i32, Call), Reject> {
    let both = event.whole_32("type_uid")?;
    let class = event.whole_32("class_uid")?.or(both.map(|both| both / 100));
    let class = class.ok_or_else(|| Reject::missing("class_uid"))?;
    let activity = event.whole_32("activity_id")?.or(both.map(|both| both % 100));
    let activity = activity.ok_or_else(|| Reject::missing("activity_id"))?;
    let (code, name) = (event.text("metadata.event_code")?, event.text("activity_name")?);
    // Reject::missing cannot happen: every event has an event type.
    let call = call(code, class, activity, name).ok_or_else(|| Reject::missing("class_uid"))?;
    let severity = match event.whole("severity_id")? {
        None => call.severity,
        Some(2) => 2,
        Some(3) => 3,
        Some(4) => 4,
        // Fatal is more than we have a word for.
        Some(5 | 6) => 5,
        Some(_) => 1,
    };
    Ok((class, Call { severity, ..call }))
}

/// OCSF has no status for a refusal; what says so is an action, a code or a status of HTTP.
fn outcome(event: &Part<'_>, code: Option<&str>, http_status: Option<i32>) -> Result<&'static str, Reject> {
    let said = event.text("status")?;
    let says = |word: &str| said.is_some_and(|said| said.eq_ignore_ascii_case(word));
    let (status, action) = (event.whole("status_id")?, event.whole("action_id")?);
    let refused =
        says("denied") || action == Some(2) || code.is_some_and(denies) || matches!(http_status, Some(401 | 403));
    Ok(match status {
        Some(1) => "success",
        _ if refused => "denied",
        Some(2) => "failure",
        _ if says("success") => "success",
        _ if says("failure") => "failure",
        _ => "unknown",
    })
}

pub(super) fn data_classes(event: &Part<'_>) -> Result<Vec<&'static str>, Reject> {
    let labels = event.texts("metadata.labels")?;
    let known = |label: &&str| DATA_CLASSES.into_iter().find(|class| class.eq_ignore_ascii_case(label));
    Ok(labels.iter().filter_map(known).collect())
}

impl<'a> Endpoint<'a> {
    fn read(event: &Part<'a>) -> Result<Self, Reject> {
        let src = event.part("src_endpoint")?;
        let (ip, service) = address(src.text("ip")?);
        let (lat, lon) = (src.number("location.lat")?, src.number("location.long")?);
        // Before 1.2 a place was a pair, longitude first.
        let pair = src.items("location.coordinates")?;
        let of_pair = |place: usize| pair.get(place).and_then(Value::as_f64);
        Ok(Self {
            ip,
            service: src.text("svc_name")?.or(service),
            country: src.text("location.country")?,
            asn: src.whole("autonomous_system.number")?,
            lat: lat.or_else(|| of_pair(1)),
            lon: lon.or_else(|| of_pair(0)),
        })
    }
}

impl<'a> Resource<'a> {
    fn read(event: &Part<'a>, class_uid: i32) -> Result<Self, Reject> {
        let first = event.first("resources")?;
        if first.has_entries() {
            return Ok(Self {
                kind: first.text("type")?,
                id: first.text("uid")?,
                name: first.text("name")?,
                tenant: first.text("owner.org.uid")?,
                region: first.text("region")?,
            });
        }
        // Classes that have an attribute of their own for what they are about.
        let own: &[&'static str] = match class_uid {
            3001 | 3005 => &["user"],
            3004 => &["entity"],
            3006 => &["group"],
            6005 => &["table", "databucket", "database"],
            _ => &[],
        };
        for &key in own {
            let object = event.part(key)?;
            if object.has_entries() {
                let (id, name) = (object.text("uid")?, object.text("name")?);
                return Ok(Self { kind: object.text("type")?.or(Some(key)), id, name, ..Self::default() });
            }
        }
        Ok(Self::default())
    }
}

impl<'a> Ai<'a> {
    fn read(event: &Part<'a>) -> Result<Self, Reject> {
        let (model, message) = (event.part("ai_model")?, event.part("message_context")?);
        Ok(Self {
            provider: model.text("ai_provider")?,
            model: model.text("name")?,
            version: model.text("version")?,
            role: message.text("ai_role")?,
            prompt_tokens: message.whole("prompt_tokens")?,
            completion_tokens: message.whole("completion_tokens")?,
        })
    }
}
