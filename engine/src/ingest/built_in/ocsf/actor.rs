//! Who acted, as what, and how that was known.

use super::super::part::{Part, Reject};
use super::row::AUTHENTICATION;

/// What an event says about who acted.
#[derive(Debug)]
pub(super) struct Actor<'a> {
    pub(super) id: &'a str,
    pub(super) kind: &'static str,
    pub(super) tenant: Option<&'a str>,
    /// Names of groups.
    pub(super) roles: Vec<&'a str>,
    pub(super) impersonator: Option<&'a str>,
    pub(super) session: Option<&'a str>,
    pub(super) auth_method: Option<&'static str>,
    pub(super) mfa: Option<bool>,
    /// Path of the user who acted.
    pub(super) path: &'static str,
}

impl<'a> Actor<'a> {
    /// Reads the actor; in a sign-in that is the user who signs in.
    pub(super) fn read(event: &Part<'a>, class_uid: i32) -> Result<Self, Reject> {
        let signed_in = class_uid == AUTHENTICATION && event.part("user")?.has_entries();
        let path = if signed_in { "user" } else { "actor.user" };
        let user = event.part(path)?;
        let invoked_by = event.text("actor.invoked_by")?;
        let named = first(&user, &["uid", "name", "email_addr"])?;
        let app = first(event, &["actor.app_uid", "actor.app_name"])?;
        let id = named.or(app).or(invoked_by);
        let kind = match kind(&user)? {
            // A program or a service acts for itself where there is no user.
            None if named.is_none() && id.is_some() => "service",
            None => "unknown",
            Some(kind) => kind,
        };
        Ok(Self {
            id: id.unwrap_or("unknown"),
            kind,
            tenant: user.text("org.uid")?,
            roles: roles(&user)?,
            impersonator: invoked_by.filter(|by| Some(*by) != id),
            session: first(event, &["actor.session.uid", "session.uid"])?,
            auth_method: auth_method(event)?,
            mfa: event.flag("is_mfa")?.or(event.flag("actor.session.is_mfa")?).or(event.flag("session.is_mfa")?),
            path,
        })
    }
}

/// The first text that is there.
fn first<'a>(part: &Part<'a>, paths: &[&'static str]) -> Result<Option<&'a str>, Reject> {
    for &path in paths {
        if let Some(text) = part.text(path)? {
            return Ok(Some(text));
        }
    }
    Ok(None)
}

fn kind(user: &Part<'_>) -> Result<Option<&'static str>, Reject> {
    const OTHERS: [&str; 7] = ["user", "admin", "system", "service", "vendor", "ai_agent", "anonymous"];
    let said = user.text("type")?;
    Ok(match user.whole("type_id")? {
        Some(1) => Some("user"),
        Some(2) => Some("admin"),
        Some(3) => Some("system"),
        Some(4) => Some("service"),
        _ => said.and_then(|said| OTHERS.into_iter().find(|word| said.eq_ignore_ascii_case(word))),
    })
}

fn roles<'a>(user: &Part<'a>) -> Result<Vec<&'a str>, Reject> {
    let mut roles = Vec::new();
    for group in user.parts("groups")? {
        roles.extend(group.text("name")?);
    }
    Ok(roles)
}

/// How the actor proved who it is, where the protocol tells.
fn auth_method(event: &Part<'_>) -> Result<Option<&'static str>, Reject> {
    const OWN: [&str; 5] = ["password", "sso", "api_key", "oauth", "certificate"];
    let said = event.text("auth_protocol")?;
    Ok(match event.whole("auth_protocol_id")? {
        // NTLM, digest, PAP, CHAP, basic authentication and LDAP all rest on a password.
        Some(1 | 3 | 7 | 8 | 11 | 12) => Some("password"),
        // Kerberos, OpenID and SAML.
        Some(2 | 4 | 5) => Some("sso"),
        Some(6) => Some("oauth"),
        _ => said.and_then(|said| OWN.into_iter().find(|word| said.eq_ignore_ascii_case(word))),
    })
}
