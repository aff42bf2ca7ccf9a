//! What an event holds besides its columns: each value under its path, objects and arrays as JSON text.
//!
//! A value that went into a column as it is does not stand here again. One that was only read to decide something,
//! such as a status of 99, does.

use std::borrow::Cow;

use serde_json::Value;

use super::super::arrays::Attributes;
use super::super::part::{Part, Reject, text_of};
use super::actor::Actor;
use crate::ingest::event_type::Call;

/// Paths whose value is a column.
const COLUMNS: &[&str] = &[
    "actor.invoked_by",
    "ai_model.ai_provider",
    "ai_model.name",
    "ai_model.version",
    "api.operation",
    "api.request.uid",
    "class_uid",
    "activity_id",
    "dst_endpoint.location.region",
    "dst_endpoint.name",
    "duration",
    "http_request.user_agent",
    "http_response.code",
    "message_context.ai_role",
    "message_context.completion_tokens",
    "message_context.prompt_tokens",
    "metadata.correlation_uid",
    "metadata.product.name",
    "metadata.sequence",
    "metadata.tenant_uid",
    "metadata.uid",
    "src_endpoint.autonomous_system.number",
    "src_endpoint.ip",
    "src_endpoint.location.country",
    "src_endpoint.location.lat",
    "src_endpoint.location.long",
    "src_endpoint.svc_name",
    "status_code",
    "status_detail",
    "time",
];

/// Objects that hold a column for some records only, or never one; their values stand one by one all the same.
const OPENED: [&str; 8] =
    ["actor.session", "actor.user", "actor.user.org", "cloud", "session", "user", "user.org", UNMAPPED];
/// Where producers keep what OCSF has no attribute for, often under keys that are paths themselves.
const UNMAPPED: &str = "unmapped";

/// Keys of one entry of `resources` that are columns.
const RESOURCE: [&str; 5] = ["name", "owner", "region", "type", "uid"];

/// Everything that is no column.
pub(super) fn remainder<'a>(event: &Part<'a>, actor: &Actor<'_>, call: &Call) -> Result<Attributes<'a>, Reject> {
    let mut taken = Taken { actor: actor.path, more: Vec::new() };
    taken.decide(event, actor, call)?;
    let mut kept = Vec::new();
    let mut path = String::new();
    for (key, value) in event.entries() {
        taken.gather(&mut path, key, value, &mut kept);
    }
    Ok(kept)
}

/// Which paths became columns in this record.
struct Taken {
    /// Path of the user who acted.
    actor: &'static str,
    more: Vec<&'static str>,
}

impl Taken {
    /// Adds paths that are columns for some values only.
    fn decide(&mut self, event: &Part<'_>, actor: &Actor<'_>, call: &Call) -> Result<(), Reject> {
        let (class, activity) = (i64::from(call.event.class_uid), i64::from(call.event.activity_id));
        let mut take = |path: &'static str, taken: bool| self.more.extend(taken.then_some(path));
        take("type_uid", event.whole("type_uid")? == Some(class * 100 + activity));
        take("category_uid", event.whole("category_uid")? == Some(class / 1_000));
        take("severity_id", event.whole("severity_id")? == Some(i64::from(call.severity)));
        take("status_id", matches!(event.whole("status_id")?, Some(1 | 2)));
        take("metadata.event_code", event.text("metadata.event_code")? == Some(call.event.name));
        take("metadata.labels", labels_are_classes(event)?);
        take("resources", resources_are_columns(event)?);
        take("cloud.region", event.first("resources")?.text("region")?.is_none());
        take("actor.session.uid", true);
        take("session.uid", event.text("actor.session.uid")?.is_none());
        for path in ["is_mfa", "actor.session.is_mfa", "session.is_mfa"] {
            take(path, event.flag(path)? == actor.mfa);
        }
        Ok(())
    }

    fn is_column(&self, path: &str, value: &Value) -> bool {
        if COLUMNS.contains(&path) || self.more.contains(&path) {
            return true;
        }
        match path.strip_prefix(self.actor).and_then(|rest| rest.strip_prefix('.')) {
            Some("uid" | "org.uid") => true,
            Some("type_id") => matches!(value.as_i64(), Some(1..=4)),
            Some("groups") => only_names(value),
            _ => false,
        }
    }

    fn gather<'a>(&self, path: &mut String, key: &str, value: &'a Value, kept: &mut Attributes<'a>) {
        let before = path.len();
        // A key with a dot in it would spell the path of another value.
        let quoted = key.contains(['.', '"']) && path.as_str() != UNMAPPED;
        if before > 0 {
            path.push('.');
        }
        if quoted {
            path.push_str(&Value::from(key).to_string());
        } else {
            path.push_str(key);
        }
        match value {
            Value::Null => {}
            value if self.is_column(path, value) => {}
            Value::Object(entries) if leads_to_column(path) => {
                entries.iter().for_each(|(key, value)| self.gather(path, key, value, kept));
            }
            value => kept.push((Cow::from(path.clone()), text_of(value))),
        }
        path.truncate(before);
    }
}

fn leads_to_column(path: &str) -> bool {
    let below = |column: &&str| column.strip_prefix(path).is_some_and(|rest| rest.starts_with('.'));
    OPENED.contains(&path) || COLUMNS.iter().any(below)
}

fn labels_are_classes(event: &Part<'_>) -> Result<bool, Reject> {
    Ok(event.texts("metadata.labels")?.len() == super::row::data_classes(event)?.len())
}

/// Whether the one resource has nothing that is no column.
fn resources_are_columns(event: &Part<'_>) -> Result<bool, Reject> {
    let one = event.items("resources")?.len() == 1;
    let owner_is_tenant = |owner: &Value| {
        let org = owner.as_object().filter(|owner| owner.len() == 1).and_then(|owner| owner.get("org"));
        org.and_then(Value::as_object).is_some_and(|org| org.len() == 1 && org.contains_key("uid"))
    };
    let plain = |(key, value): (&str, &Value)| {
        value.is_null() || (RESOURCE.contains(&key) && (key != "owner" || owner_is_tenant(value)))
    };
    Ok(one && event.first("resources")?.entries().all(plain))
}

/// Whether each group has a name and nothing else.
fn only_names(groups: &Value) -> bool {
    let named = |group: &Value| group.as_object().is_some_and(|group| group.len() == 1 && group.contains_key("name"));
    groups.as_array().is_some_and(|groups| groups.iter().all(named))
}
