//! One CloudTrail record, read as a row: every rule of the mapping, and no Arrow.

use std::borrow::Cow;

use serde_json::Value;

use super::super::arrays::Attributes;
use super::super::part::{Part, Reject, address, denies, text_of};
use super::identity::Identity;
use crate::ingest::event_type::Call;
use crate::ingest::event_type::cloudtrail::call;

/// The columns that a record fills, besides those that name the record itself.
#[derive(Debug)]
pub(in crate::ingest::built_in) struct Row<'a> {
    pub(super) event_id: &'a str,
    pub(super) time_us: i64,
    pub(super) tenant_id: &'a str,
    pub(super) source: &'a str,
    pub(super) call: Call,
    pub(super) outcome: &'static str,
    pub(super) identity: Identity<'a>,
    pub(super) src_ip: Option<String>,
    pub(super) src_service: Option<&'a str>,
    pub(super) resource_type: Option<&'a str>,
    pub(super) resource_id: Option<&'a str>,
    pub(super) resource_tenant_id: Option<&'a str>,
    pub(super) mfa: Option<bool>,
    pub(super) user_agent: Option<&'a str>,
    pub(super) api_operation: &'a str,
    pub(super) request_id: Option<&'a str>,
    pub(super) correlation_id: Option<&'a str>,
    pub(super) status_code: Option<&'a str>,
    pub(super) status_detail: Option<&'a str>,
    pub(super) region: Option<&'a str>,
    /// Whether the call hands out or takes in a secret.
    pub(super) secret: bool,
    pub(super) byte_count: Option<i64>,
    pub(super) transport_encrypted: Option<bool>,
    pub(super) attributes: Attributes<'a>,
}

/// The tenant, as far as the record tells: the account it was written for, else the caller's, else `fallback`.
pub(super) fn tenant<'a>(record: &'a Value, fallback: Option<&'a str>) -> Option<&'a str> {
    let text = |value: Option<&'a Value>| value.and_then(Value::as_str).filter(|text| !text.is_empty());
    let caller = || text(record.pointer("/userIdentity/accountId")).filter(|account| !is_anonymous(account));
    text(record.get("recipientAccountId")).or_else(caller).or(fallback)
}

/// What CloudTrail writes in place of an account when nobody had signed in.
pub(super) fn is_anonymous(account: &str) -> bool {
    matches!(account, "ANONYMOUS_PRINCIPAL" | "anonymous" | "Anonymous")
}

impl<'a> Row<'a> {
    /// Reads one record.
    pub(super) fn read(value: &'a Value, tenant_fallback: Option<&'a str>) -> Result<Self, Reject> {
        let record = Part::of(value)?;
        let event_id = record.required("eventID")?;
        let time_us = record.instant("eventTime")?.ok_or_else(|| Reject::missing("eventTime"))?;
        let (source, name) = (record.required("eventSource")?, record.required("eventName")?);
        record.text("recipientAccountId")?;
        let (user, more) = (record.part("userIdentity")?, record.any("additionalEventData"));
        let identity = Identity::read(&user, record.text("eventType")? == Some("AwsServiceEvent"))?;
        let tenant_id = tenant(value, tenant_fallback).ok_or_else(|| Reject::missing("recipientAccountId"))?;
        let parameters = record.any("requestParameters").and_then(Value::as_object);
        let parameter = |key: &str| parameters.and_then(|parameters| parameters.get(key));
        // Reject::missing cannot happen: every name has an event type.
        let call = call(source, name, parameter("status").and_then(Value::as_str))
            .ok_or_else(|| Reject::missing("eventName"))?;
        let status_code = record.text("errorCode")?;
        let read_only = record.flag("readOnly")?;
        let outcome = outcome(&record, name, status_code);
        let (src_ip, src_service) = address(record.text("sourceIPAddress")?);
        let resource = record.first("resources")?;
        Ok(Self {
            event_id,
            time_us,
            tenant_id,
            source,
            call: Call { severity: severity(&call, &identity, outcome, read_only), ..call },
            outcome,
            src_ip,
            src_service,
            resource_type: resource.text("type")?,
            resource_id: resource.text("ARN")?,
            resource_tenant_id: resource.text("accountId")?,
            mfa: mfa(more).or(identity.mfa),
            user_agent: record.text("userAgent")?,
            api_operation: name,
            request_id: record.text("requestID")?,
            correlation_id: record.text("sharedEventID")?,
            status_code,
            status_detail: record.text("errorMessage")?,
            region: record.text("awsRegion")?,
            secret: handles_secret(source, name, parameter("withDecryption") == Some(&Value::Bool(true))),
            byte_count: byte_count(&record)?,
            transport_encrypted: record.part("tlsDetails")?.has_entries().then_some(true),
            attributes: attributes(identity.type_name, read_only, more),
            identity,
        })
    }
}

/// The ids stay; a denied call is worth a look, and the root user should do nothing but look.
fn severity(call: &Call, identity: &Identity<'_>, outcome: &str, read_only: Option<bool>) -> i16 {
    let root = identity.type_name == Some("Root") && read_only != Some(true);
    call.severity.max(if root { 3 } else { 1 }).max(if outcome == "denied" { 2 } else { 1 })
}

fn outcome(record: &Part<'_>, name: &str, code: Option<&str>) -> &'static str {
    let said = record.any("responseElements").and_then(|response| response.get(name)).and_then(Value::as_str);
    match code {
        Some(code) if denies(code) => "denied",
        Some(_) => "failure",
        // A refused sign-in, role switch or code has no errorCode.
        None if said == Some("Failure") => "failure",
        None => "success",
    }
}

fn mfa(more: Option<&Value>) -> Option<bool> {
    match more?.get("MFAUsed")?.as_str()? {
        "Yes" => Some(true),
        "No" => Some(false),
        _ => None,
    }
}

fn byte_count(record: &Part<'_>) -> Result<Option<i64>, Reject> {
    let path = "additionalEventData.bytesTransferredOut";
    // Some services write text in place of the object, and no count with it.
    if !record.any("additionalEventData").is_some_and(Value::is_object) {
        return Ok(None);
    }
    match record.whole(path)? {
        Some(bytes) if bytes < 0 => Err(Reject::wrong_type(path, "a number of bytes")),
        bytes => Ok(bytes),
    }
}

fn handles_secret(source: &str, name: &str, with_decryption: bool) -> bool {
    match (source, name) {
        ("secretsmanager.amazonaws.com", "GetSecretValue" | "BatchGetSecretValue") => true,
        ("secretsmanager.amazonaws.com", "PutSecretValue" | "CreateSecret" | "UpdateSecret") => true,
        ("ssm.amazonaws.com", "GetParameter" | "GetParameters" | "GetParametersByPath") => with_decryption,
        ("ec2.amazonaws.com", "GetPasswordData") => true,
        _ => false,
    }
}

fn attributes<'a>(type_name: Option<&'a str>, read_only: Option<bool>, more: Option<&'a Value>) -> Attributes<'a> {
    const OWN: [&str; 2] = ["user_identity_type", "read_only"];
    let mut kept = Vec::new();
    kept.extend(type_name.map(|name| (Cow::from(OWN[0]), Some(Cow::from(name)))));
    kept.extend(read_only.map(|flag| (Cow::from(OWN[1]), Some(Cow::from(if flag { "true" } else { "false" })))));
    match more {
        None => {}
        Some(Value::Object(entries)) => kept.extend(entries.iter().map(|(key, value)| {
            let clash = OWN.contains(&key.as_str());
            let key = if clash { Cow::from(format!("additionalEventData.{key}")) } else { Cow::from(key.as_str()) };
            (key, text_of(value))
        })),
        Some(other) => kept.push((Cow::from("additionalEventData"), text_of(other))),
    }
    kept
}
