//! `notify:` of `lake.yaml` as it is written, before any check. Its rules are those of `raw.rs`.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::yaml::At;

/// What says how somebody is told: one of these keys.
fn url_or_to() -> Value {
    json!([{"required": ["url"]}, {"required": ["to"]}])
}

/// A way in which somebody is told what happens.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "Channel", deny_unknown_fields, extend("anyOf" = url_or_to()))]
pub(super) struct RawChannel {
    /// endpoint that is called, for example https://hooks.acme.example/auditlake; or write to
    pub(super) url: Option<At<String>>,
    /// folder in the store that gets a file for each event, for example notifications/; or stdout, for a line each
    pub(super) to: Option<At<String>>,
    /// what it is told, for example [run.failed, "finding.*"]; all events when left out
    pub(super) events: Option<At<Vec<At<String>>>>,
    /// where the secrets are that sign a call, the newest first, for example [env:AL_HOOK]; required with url
    pub(super) secrets: Option<At<Vec<At<String>>>>,
    /// calls a minute at most; 60 when left out
    #[schemars(range(min = 1, max = 600))]
    pub(super) per_minute: Option<At<u32>>,
    /// true: x-auditlake-signature is sent, too, for receivers that know only that; false when left out
    pub(super) body_hmac: Option<At<bool>>,
    /// networks that may be called although they are not public, for example [10.1.2.3/32]
    pub(super) allow_addresses: Option<At<Vec<At<String>>>>,
    /// PEM file of the authorities that the endpoint's certificate is checked against, for example file:keys/ca.pem; those of the machine when left out
    pub(super) ca: Option<At<String>>,
}
