//! `userIdentity`: who acted, as what, through whom.

use super::super::part::{Part, Reject, flag};
use super::row::is_anonymous;

/// What `userIdentity` says.
#[derive(Debug)]
pub(super) struct Identity<'a> {
    pub(super) type_name: Option<&'a str>,
    pub(super) actor_id: &'a str,
    pub(super) actor_type: &'static str,
    pub(super) account_id: Option<&'a str>,
    /// Name of the role whose session it is.
    pub(super) role: Option<&'a str>,
    /// The service that acts for the actor; none when it is the actor itself.
    pub(super) impersonator: Option<&'a str>,
    pub(super) access_key_id: Option<&'a str>,
    pub(super) mfa: Option<bool>,
}

impl<'a> Identity<'a> {
    /// Reads `userIdentity`; `service_event` says that the record is one of a service, on nobody's call.
    pub(super) fn read(user: &Part<'a>, service_event: bool) -> Result<Self, Reject> {
        let (type_name, account_id) = (user.text("type")?, user.text("accountId")?);
        let (arn, principal, invoked_by) = (user.text("arn")?, user.text("principalId")?, user.text("invokedBy")?);
        let session = user.part("sessionContext")?;
        let issuer = session.part("sessionIssuer")?;
        let anonymous = account_id.is_some_and(is_anonymous);
        let actor_id = match arn.or(principal) {
            None if anonymous => "anonymous",
            named => named.or(invoked_by).or(account_id).unwrap_or("unknown"),
        };
        let service_role = issuer.text("arn")?.is_some_and(|arn| arn.contains(":role/aws-service-role/"));
        Ok(Self {
            type_name,
            actor_id,
            actor_type: match type_name {
                _ if anonymous => "anonymous",
                Some("Root") => "admin",
                Some("AWSService") => "service",
                // Nobody but its service can assume a role under this path.
                Some("AssumedRole" | "Role") if service_role => "service",
                Some(
                    "IAMUser" | "AssumedRole" | "Role" | "FederatedUser" | "SAMLUser" | "WebIdentityUser" | "Directory"
                    | "IdentityCenterUser",
                ) => "user",
                None if service_event || invoked_by.is_some() => "service",
                // Another account, or a type that is new: a person or a machine, nobody can tell.
                Some(_) | None => "unknown",
            },
            account_id: account_id.filter(|account| !is_anonymous(account)),
            role: issuer.text("userName")?,
            impersonator: invoked_by.filter(|service| *service != actor_id),
            access_key_id: user.text("accessKeyId")?,
            mfa: session.part("attributes")?.any("mfaAuthenticated").and_then(flag),
        })
    }
}
