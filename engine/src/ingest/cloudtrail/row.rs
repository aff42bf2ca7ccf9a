//! One CloudTrail record, read as a row: every rule of the mapping, and no Arrow.
//!
//! CloudTrail writes `""` and `null` for what it does not know, so both count as absent. A value of another
//! type than CloudTrail documents rejects its record. Reasons name the place of a value and never the value.

use std::borrow::Cow;
use std::net::IpAddr;

use schemas::parse_rfc3339;
use serde_json::{Map, Value};

use super::super::event_type::cloudtrail::{Call, call};
use super::super::records::RejectKind;
use super::identity::Identity;

/// The columns that a record fills, besides those that name the record itself.
#[derive(Debug)]
pub(super) struct Row<'a> {
    pub(super) event_id: &'a str,
    pub(super) time_us: i64,
    pub(super) tenant_id: &'a str,
    pub(super) source: &'a str,
    pub(super) call: Call,
    pub(super) severity: i16,
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
    pub(super) attributes: Vec<(Cow<'a, str>, Option<Cow<'a, str>>)>,
}

/// A record that fits no row.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Reject {
    pub(super) kind: RejectKind,
    pub(super) detail: String,
}

impl Reject {
    fn missing(what: &str) -> Self {
        Self { kind: RejectKind::Missing, detail: format!("\"{what}\" has no value") }
    }

    fn wrong_type(what: &str, wanted: &str) -> Self {
        Self { kind: RejectKind::Type, detail: format!("\"{what}\" is not {wanted}") }
    }
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
    pub(super) fn read(record: &'a Value, tenant_fallback: Option<&'a str>) -> Result<Self, Reject> {
        let record = Part::of(record)?;
        let event_id = record.required("eventID")?;
        let time = record.required("eventTime")?;
        let time_us =
            parse_rfc3339(time).map_err(|_| Reject::wrong_type("eventTime", "an instant"))?.timestamp_micros();
        let (source, name) = (record.required("eventSource")?, record.required("eventName")?);
        record.text("recipientAccountId")?;
        let (user, more) = (record.part("userIdentity")?, record.any("additionalEventData"));
        let identity = Identity::read(&user, record.text("eventType")? == Some("AwsServiceEvent"))?;
        let tenant_id = tenant(record.value, tenant_fallback).ok_or_else(|| Reject::missing("recipientAccountId"))?;
        let parameters = record.any("requestParameters").and_then(Value::as_object);
        let parameter = |key: &str| parameters.and_then(|parameters| parameters.get(key));
        // Reject::missing cannot happen: every name has an event type.
        let call = call(source, name, parameter("status").and_then(Value::as_str))
            .ok_or_else(|| Reject::missing("eventName"))?;
        let status_code = record.text("errorCode")?;
        let read_only = read_only(&record)?;
        let outcome = outcome(&record, name, status_code);
        let (src_ip, src_service) = address(record.text("sourceIPAddress")?);
        let resource = record.first("resources")?;
        Ok(Self {
            event_id,
            time_us,
            tenant_id,
            source,
            severity: severity(&call, &identity, outcome, read_only),
            call,
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
            byte_count: byte_count(more)?,
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
        Some(code) if ["AccessDenied", "Unauthorized", "Forbidden"].iter().any(|word| code.contains(word)) => "denied",
        Some(_) => "failure",
        // A refused sign-in, role switch or code has no errorCode.
        None if said == Some("Failure") => "failure",
        None => "success",
    }
}

/// An address, or else the service that called. An IPv4 address written as IPv6 is the IPv4 address.
fn address(given: Option<&str>) -> (Option<String>, Option<&str>) {
    match given.map(str::parse::<IpAddr>) {
        Some(Ok(ip)) => (Some(ip.to_canonical().to_string()), None),
        Some(Err(_)) => (None, given),
        None => (None, None),
    }
}

fn mfa(more: Option<&Value>) -> Option<bool> {
    match more?.get("MFAUsed")?.as_str()? {
        "Yes" => Some(true),
        "No" => Some(false),
        _ => None,
    }
}

/// A flag that some services write as text.
pub(super) fn flag(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

fn read_only(record: &Part<'_>) -> Result<Option<bool>, Reject> {
    let wrong = || Reject::wrong_type("readOnly", "true or false");
    record.any("readOnly").map(|value| flag(value).ok_or_else(wrong)).transpose()
}

/// Some services write a whole number of bytes with a fraction: `2500.0`.
fn byte_count(more: Option<&Value>) -> Result<Option<i64>, Reject> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let Some(value) = more.and_then(|more| more.get("bytesTransferredOut")).filter(|value| !value.is_null()) else {
        return Ok(None);
    };
    let float = || value.as_f64().filter(|bytes| bytes.fract() == 0.0 && bytes.abs() < EXACT).map(|bytes| bytes as i64);
    let bytes = value.as_i64().or_else(float).filter(|bytes| *bytes >= 0);
    bytes.map(Some).ok_or_else(|| Reject::wrong_type("additionalEventData.bytesTransferredOut", "a number of bytes"))
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

fn attributes<'a>(
    type_name: Option<&'a str>,
    read_only: Option<bool>,
    more: Option<&'a Value>,
) -> Vec<(Cow<'a, str>, Option<Cow<'a, str>>)> {
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

/// Text as it is, null as null, anything else as JSON.
fn text_of(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(Cow::from(text.as_str())),
        other => Some(Cow::from(other.to_string())),
    }
}

static NULL: Value = Value::Null;

/// An object within the record, or nothing in its place; knows its path for reasons.
pub(super) struct Part<'a> {
    value: &'a Value,
    entries: Option<&'a Map<String, Value>>,
    path: Cow<'static, str>,
}

impl<'a> Part<'a> {
    fn of(record: &'a Value) -> Result<Self, Reject> {
        Self::at(Cow::from(""), Some(record))
    }

    fn at(path: Cow<'static, str>, value: Option<&'a Value>) -> Result<Self, Reject> {
        let value = value.unwrap_or(&NULL);
        match value {
            Value::Null => Ok(Self { value, entries: None, path }),
            Value::Object(entries) => Ok(Self { value, entries: Some(entries), path }),
            _ => Err(Reject::wrong_type(if path.is_empty() { "record" } else { &path }, "an object")),
        }
    }

    fn path_of(&self, key: &'static str) -> Cow<'static, str> {
        if self.path.is_empty() { Cow::from(key) } else { Cow::from(format!("{}.{key}", self.path)) }
    }

    fn has_entries(&self) -> bool {
        self.entries.is_some_and(|entries| !entries.is_empty())
    }

    /// The value of that key, unless null.
    pub(super) fn any(&self, key: &str) -> Option<&'a Value> {
        self.entries?.get(key).filter(|value| !value.is_null())
    }

    /// The text of that key, unless null or empty.
    pub(super) fn text(&self, key: &'static str) -> Result<Option<&'a str>, Reject> {
        match self.any(key) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.as_str()).filter(|text| !text.is_empty())),
            Some(_) => Err(Reject::wrong_type(&self.path_of(key), "text")),
        }
    }

    fn required(&self, key: &'static str) -> Result<&'a str, Reject> {
        self.text(key)?.ok_or_else(|| Reject::missing(&self.path_of(key)))
    }

    /// The object of that key, or nothing in its place.
    pub(super) fn part(&self, key: &'static str) -> Result<Self, Reject> {
        Self::at(self.path_of(key), self.any(key))
    }

    /// The first object of the array of that key, or nothing in its place.
    fn first(&self, key: &'static str) -> Result<Self, Reject> {
        match self.any(key) {
            None => Self::at(self.path_of(key), None),
            Some(Value::Array(items)) => Self::at(Cow::from(format!("{}[0]", self.path_of(key))), items.first()),
            Some(_) => Err(Reject::wrong_type(&self.path_of(key), "an array")),
        }
    }
}
