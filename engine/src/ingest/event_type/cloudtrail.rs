//! From CloudTrail's `eventSource` and `eventName` to an event type.
//!
//! Calls that manage people, keys, rights and the trail itself have a name of their own, by service and call,
//! because `CreateUser` of another service creates no account here. Every other call is `api.*` by its verb.
//! Absent: what a call did beyond its name. Sharing a snapshot and unsharing it are the same call, so both are
//! `api.update`; requests are kept in the source record, which `raw_ref` names.

use super::{Call, lookup};

/// What the call is. `status` is `requestParameters.status`, which tells whether `UpdateAccessKey` revokes a key.
pub(crate) fn call(source: &str, name: &str, status: Option<&str>) -> Option<Call> {
    let service = source.strip_suffix(".amazonaws.com").unwrap_or(source);
    let named = match (service, name) {
        ("iam", "UpdateAccessKey") => (status == Some("Inactive")).then_some("api_key.revoked"),
        ("sts", _) if name.starts_with("AssumeRole") => Some("user.role_assumed"),
        _ => NAMED.iter().find(|(by, call, _)| *by == service && *call == name).map(|(.., event)| *event),
    };
    let (event, action) = match named {
        Some(event) => (lookup(event)?, None),
        None => {
            let (event, action) = by_verb(name);
            (lookup(event)?, Some(action))
        }
    };
    let rule = SEVERITY.iter().find(|(by, call, _)| *by == service && *call == name).map(|(.., severity)| *severity);
    Some(Call { event, action: action.unwrap_or(event.action), severity: rule.unwrap_or(event.severity) })
}

/// Service, call, event type.
///
/// A login profile is the password of a user: making one, like changing it for somebody, is a reset by an
/// administrator. Rights of groups, roles and instance profiles are `role.*`; rights of one user are `user.policy_*`.
/// A federation token is a role assumed under another name; a session token renews one's own session.
static NAMED: &[(&str, &str, &str)] = &[
    ("signin", "ConsoleLogin", "user.login"),
    ("signin", "SwitchRole", "user.role_assumed"),
    ("signin", "CheckMfa", "user.mfa_challenged"),
    ("signin", "PasswordUpdated", "user.password_changed"),
    ("signin", "PasswordRecoveryCompleted", "user.password_reset"),
    ("sso", "Federate", "user.role_assumed"),
    ("sso", "Logout", "user.logout"),
    ("sso", "CreateAccountAssignment", "role.assigned"),
    ("sso", "DeleteAccountAssignment", "role.revoked"),
    ("sts", "GetFederationToken", "user.role_assumed"),
    ("sts", "GetSessionToken", "session.reauthenticated"),
    ("iam", "CreateUser", "user.created"),
    ("iam", "DeleteUser", "user.deleted"),
    ("iam", "AttachUserPolicy", "user.policy_attached"),
    ("iam", "PutUserPolicy", "user.policy_attached"),
    ("iam", "DetachUserPolicy", "user.policy_detached"),
    ("iam", "DeleteUserPolicy", "user.policy_detached"),
    ("iam", "EnableMFADevice", "user.mfa_enabled"),
    ("iam", "DeactivateMFADevice", "user.mfa_disabled"),
    ("iam", "ChangePassword", "user.password_changed"),
    ("iam", "CreateLoginProfile", "user.password_reset"),
    ("iam", "UpdateLoginProfile", "user.password_reset"),
    ("iam", "CreateAccessKey", "api_key.created"),
    ("iam", "DeleteAccessKey", "api_key.revoked"),
    ("iam", "CreateServiceSpecificCredential", "api_key.created"),
    ("iam", "ResetServiceSpecificCredential", "api_key.rotated"),
    ("iam", "DeleteServiceSpecificCredential", "api_key.revoked"),
    ("iam", "UploadSSHPublicKey", "api_key.created"),
    ("iam", "DeleteSSHPublicKey", "api_key.revoked"),
    ("iam", "UploadSigningCertificate", "api_key.created"),
    ("iam", "DeleteSigningCertificate", "api_key.revoked"),
    ("iam", "CreateGroup", "group.created"),
    ("iam", "DeleteGroup", "group.deleted"),
    ("iam", "AddUserToGroup", "group.member_added"),
    ("iam", "RemoveUserFromGroup", "group.member_removed"),
    ("iam", "AttachGroupPolicy", "role.assigned"),
    ("iam", "PutGroupPolicy", "role.assigned"),
    ("iam", "DetachGroupPolicy", "role.revoked"),
    ("iam", "DeleteGroupPolicy", "role.revoked"),
    ("iam", "AttachRolePolicy", "role.assigned"),
    ("iam", "PutRolePolicy", "role.assigned"),
    ("iam", "DetachRolePolicy", "role.revoked"),
    ("iam", "DeleteRolePolicy", "role.revoked"),
    ("iam", "UpdateAssumeRolePolicy", "role.assigned"),
    ("iam", "AddRoleToInstanceProfile", "role.assigned"),
    ("iam", "RemoveRoleFromInstanceProfile", "role.revoked"),
    ("identitystore", "CreateUser", "user.created"),
    ("identitystore", "DeleteUser", "user.deleted"),
    ("identitystore", "CreateGroup", "group.created"),
    ("identitystore", "DeleteGroup", "group.deleted"),
    ("identitystore", "CreateGroupMembership", "group.member_added"),
    ("identitystore", "DeleteGroupMembership", "group.member_removed"),
    ("cloudtrail", "StopLogging", "audit.paused"),
    ("cloudtrail", "StartLogging", "audit.resumed"),
    ("cloudtrail", "StopEventDataStoreIngestion", "audit.paused"),
    ("cloudtrail", "StartEventDataStoreIngestion", "audit.resumed"),
    ("cloudtrail", "CreateTrail", "audit.config_changed"),
    ("cloudtrail", "UpdateTrail", "audit.config_changed"),
    ("cloudtrail", "DeleteTrail", "audit.config_changed"),
    ("cloudtrail", "PutEventSelectors", "audit.config_changed"),
    ("cloudtrail", "PutInsightSelectors", "audit.config_changed"),
    ("cloudtrail", "CreateEventDataStore", "audit.config_changed"),
    ("cloudtrail", "UpdateEventDataStore", "audit.config_changed"),
    ("cloudtrail", "DeleteEventDataStore", "audit.config_changed"),
    ("cloudtrail", "LookupEvents", "audit.viewed"),
    ("cloudtrail", "StartQuery", "audit.viewed"),
    ("config", "StopConfigurationRecorder", "audit.paused"),
    ("config", "StartConfigurationRecorder", "audit.resumed"),
    ("config", "DeleteConfigurationRecorder", "audit.config_changed"),
    ("config", "DeleteDeliveryChannel", "audit.config_changed"),
    ("guardduty", "DeleteDetector", "audit.config_changed"),
    ("guardduty", "UpdateDetector", "audit.config_changed"),
    ("securityhub", "DisableSecurityHub", "audit.paused"),
    ("securityhub", "EnableSecurityHub", "audit.resumed"),
    ("ec2", "CreateFlowLogs", "audit.config_changed"),
    ("ec2", "DeleteFlowLogs", "audit.config_changed"),
    ("s3", "PutBucketLogging", "audit.config_changed"),
    ("logs", "PutRetentionPolicy", "retention.rule_changed"),
    ("logs", "DeleteRetentionPolicy", "retention.rule_changed"),
    ("s3", "PutBucketLifecycle", "retention.rule_changed"),
    ("s3", "PutBucketLifecycleConfiguration", "retention.rule_changed"),
    ("s3", "DeleteBucketLifecycle", "retention.rule_changed"),
];

/// Service, call, severity where it differs from the event type's: 4 stops the recording of evidence or cannot be
/// undone, 3 weakens a safeguard, 2 opens something up or hands out a secret, 1 turns recording on.
static SEVERITY: &[(&str, &str, i16)] = &[
    ("cloudtrail", "CreateTrail", 1),
    ("cloudtrail", "CreateEventDataStore", 1),
    ("cloudtrail", "DeleteTrail", 4),
    ("cloudtrail", "DeleteEventDataStore", 4),
    ("config", "DeleteConfigurationRecorder", 4),
    ("guardduty", "DeleteDetector", 4),
    ("ec2", "CreateFlowLogs", 1),
    ("kms", "ScheduleKeyDeletion", 4),
    ("organizations", "LeaveOrganization", 4),
    ("iam", "UpdateAssumeRolePolicy", 3),
    ("kms", "DisableKey", 3),
    ("logs", "DeleteLogGroup", 3),
    ("iam", "CreateLoginProfile", 2),
    ("iam", "UpdateLoginProfile", 2),
    ("ec2", "AuthorizeSecurityGroupIngress", 2),
    ("ec2", "GetPasswordData", 2),
    ("ec2", "ModifyImageAttribute", 2),
    ("ec2", "ModifySnapshotAttribute", 2),
    ("rds", "ModifyDBSnapshotAttribute", 2),
    ("s3", "DeleteBucketPolicy", 2),
    ("s3", "PutBucketPolicy", 2),
];

/// Event type and action by the verb, which is the first word of the call; `BatchGetItem` and `AdminGetUser` are
/// named by their second. `Put` makes or overwrites and counts as update, `Run` starts new machines and counts as
/// create. Reading with a key (`Decrypt`) is use, not reading.
fn by_verb(name: &str) -> (&'static str, &'static str) {
    let mut words = words(name);
    let mut verb = words.next().unwrap_or_default();
    if matches!(verb, "Batch" | "Admin") {
        verb = words.next().unwrap_or_default();
    }
    match verb {
        "Get" | "List" | "Describe" | "Head" | "Lookup" | "Search" | "Query" | "Scan" | "Select" | "View" | "Check"
        | "Test" | "Validate" | "Verify" | "Preview" | "Estimate" | "Download" | "Read" => ("api.read", "read"),
        "Create" | "Run" | "Allocate" | "Register" | "Import" | "Upload" | "Copy" | "Provision" | "Request"
        | "Issue" => ("api.create", "create"),
        "Update" | "Modify" | "Put" | "Set" | "Change" | "Attach" | "Detach" | "Associate" | "Disassociate" | "Add"
        | "Remove" | "Enable" | "Disable" | "Tag" | "Untag" | "Authorize" | "Revoke" | "Replace" | "Restore"
        | "Reset" | "Rotate" | "Apply" | "Grant" | "Configure" | "Edit" | "Move" | "Merge" | "Promote" | "Accept"
        | "Reject" | "Activate" | "Deactivate" | "Upgrade" | "Patch" | "Write" => ("api.update", "update"),
        "Delete" | "Terminate" | "Deregister" | "Release" | "Purge" | "Destroy" => ("api.delete", "delete"),
        "Invoke" | "Execute" | "Start" | "Stop" | "Reboot" | "Send" | "Publish" | "Submit" | "Decrypt" | "Encrypt"
        | "Sign" | "Generate" | "Assume" => ("api.request", "execute"),
        _ => ("api.request", "other"),
    }
}

/// The words of `CamelCase`; a new one begins at each capital that follows another letter than a capital.
fn words(name: &str) -> impl Iterator<Item = &str> {
    let mut rest = name;
    std::iter::from_fn(move || {
        let bytes = rest.as_bytes();
        if bytes.is_empty() {
            return None;
        }
        let starts = |at: usize| bytes[at].is_ascii_uppercase() && bytes[at - 1].is_ascii_lowercase();
        let end = (1..bytes.len()).find(|at| starts(*at)).unwrap_or(bytes.len());
        let (word, more) = rest.split_at(end);
        rest = more;
        Some(word)
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[track_caller]
    fn check(source: &str, name: &str, want: (&str, &str, i16)) {
        let call = call(source, name, None).expect("every call has an event type");
        assert_eq!((call.event.name, call.action, call.severity), want);
    }

    #[test]
    fn calls_have_the_event_type_of_their_meaning() {
        check("signin.amazonaws.com", "ConsoleLogin", ("user.login", "login", 1));
        check("sts.amazonaws.com", "AssumeRoleWithWebIdentity", ("user.role_assumed", "login", 1));
        check("sts.amazonaws.com", "GetFederationToken", ("user.role_assumed", "login", 1));
        check("iam.amazonaws.com", "CreateUser", ("user.created", "create", 1));
        check("transfer.amazonaws.com", "CreateUser", ("api.create", "create", 1));
        check("iam.amazonaws.com", "UpdateAssumeRolePolicy", ("role.assigned", "update", 3));
        check("iam.amazonaws.com", "UpdateAccessKey", ("api.update", "update", 1));
        check("cloudtrail.amazonaws.com", "StopLogging", ("audit.paused", "update", 4));
        check("cloudtrail.amazonaws.com", "DeleteTrail", ("audit.config_changed", "update", 4));
        check("cloudtrail.amazonaws.com", "CreateTrail", ("audit.config_changed", "update", 1));
    }

    #[test]
    fn a_key_set_inactive_is_revoked() {
        let status = |status| call("iam.amazonaws.com", "UpdateAccessKey", Some(status)).expect("known").event.name;
        assert_eq!((status("Inactive"), status("Active")), ("api_key.revoked", "api.update"));
    }

    #[test]
    fn every_other_call_goes_by_its_verb() {
        check("ec2.amazonaws.com", "RunInstances", ("api.create", "create", 1));
        check("ec2.amazonaws.com", "DescribeVpcs", ("api.read", "read", 1));
        check("dynamodb.amazonaws.com", "BatchGetItem", ("api.read", "read", 1));
        check("cognito-idp.amazonaws.com", "AdminCreateUser", ("api.create", "create", 1));
        check("s3.amazonaws.com", "PutObject", ("api.update", "update", 1));
        check("ec2.amazonaws.com", "ReleaseAddress", ("api.delete", "delete", 1));
        check("kms.amazonaws.com", "Decrypt", ("api.request", "execute", 1));
        check("lambda.amazonaws.com", "GetFunction20150331v2", ("api.read", "read", 1));
        // A word that merely begins like a verb is none.
        check("x.amazonaws.com", "Getaway", ("api.request", "other", 1));
        check("x.amazonaws.com", "", ("api.request", "other", 1));
        check("x", "é", ("api.request", "other", 1));
        check("x", "BatchÉtat", ("api.request", "other", 1));
    }

    #[test]
    fn the_tables_name_each_call_once_and_known_event_types_only() {
        let named: BTreeSet<_> = NAMED.iter().map(|(service, call, _)| (service, call)).collect();
        assert_eq!(named.len(), NAMED.len());
        let rules: BTreeSet<_> = SEVERITY.iter().map(|(service, call, _)| (service, call)).collect();
        assert_eq!(rules.len(), SEVERITY.len());
        for (.., event) in NAMED {
            assert!(lookup(event).is_some(), "{event}");
        }
    }
}
