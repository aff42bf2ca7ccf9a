//! From a verb of the Kubernetes API and what it was used on to an event type.
//!
//! Bindings of roles and service accounts have names of their own. Every other request is `api.*` by its verb.
//! Absent: what stands in the object sent, so a role whose rules grow is `api.update` of a role.

use super::{Call, lookup};

/// What a request was about; empty texts where the request does not say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Object<'a> {
    /// API group; empty for the core group.
    pub(crate) group: &'a str,
    /// Kind of thing, in the plural: `pods`.
    pub(crate) resource: &'a str,
    /// Part of it or what is done through it: `exec`, `status`.
    pub(crate) subresource: &'a str,
}

const RBAC: &str = "rbac.authorization.k8s.io";

/// What the request is.
pub(crate) fn call(verb: &str, object: Object<'_>) -> Option<Call> {
    let (plain, action) = by_verb(verb);
    let (name, action, severity) = match (object.group, object.resource, object.subresource) {
        // Whoever gets into a container or a node does there what no audit event shows.
        (_, "pods" | "nodes", "exec" | "attach" | "portforward" | "proxy") => ("api.request", "execute", 2),
        (_, "services", "proxy") => ("api.request", "execute", 1),
        (_, "pods", "eviction") if plain == "api.create" => ("api.delete", "delete", 1),
        ("", "serviceaccounts", "") if plain == "api.create" => ("user.created", "create", 1),
        ("", "serviceaccounts", "") if plain == "api.delete" => ("user.deleted", "delete", 1),
        (RBAC, "rolebindings" | "clusterrolebindings", "") if plain == "api.delete" => ("role.revoked", "update", 1),
        (RBAC, "rolebindings" | "clusterrolebindings", "") if writes(plain) => ("role.assigned", "update", 2),
        (RBAC, "roles" | "clusterroles", "") if writes(plain) => (plain, action, 2),
        // A review is a question that is put by creating it, and leaves nothing behind.
        ("authorization.k8s.io" | "authentication.k8s.io", review, _) if review.ends_with("reviews") => {
            ("api.read", "read", 1)
        }
        _ => (plain, action, 1),
    };
    let event = lookup(name)?;
    Some(Call { event, action, severity: event.severity.max(severity) })
}

fn writes(event: &str) -> bool {
    matches!(event, "api.create" | "api.update")
}

/// Event type and action by the verb; a request that is about no object has that of HTTP.
fn by_verb(verb: &str) -> (&'static str, &'static str) {
    match verb {
        "get" | "list" | "watch" | "head" | "options" => ("api.read", "read"),
        "create" | "post" => ("api.create", "create"),
        "update" | "patch" | "put" | "bind" => ("api.update", "update"),
        "delete" | "deletecollection" => ("api.delete", "delete"),
        "connect" | "proxy" => ("api.request", "execute"),
        _ => ("api.request", "other"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(verb: &str, object: (&str, &str, &str), want: (&str, &str, i16)) {
        let (group, resource, subresource) = object;
        let call = call(verb, Object { group, resource, subresource }).expect("every request has an event type");
        assert_eq!((call.event.name, call.action, call.severity), want);
    }

    #[test]
    fn requests_have_the_event_type_of_their_meaning() {
        check("get", ("", "pods", ""), ("api.read", "read", 1));
        check("watch", ("", "secrets", ""), ("api.read", "read", 1));
        check("create", ("apps", "deployments", ""), ("api.create", "create", 1));
        check("patch", ("", "nodes", "status"), ("api.update", "update", 1));
        check("deletecollection", ("", "pods", ""), ("api.delete", "delete", 1));
        check("create", ("", "pods", "exec"), ("api.request", "execute", 2));
        check("get", ("", "nodes", "proxy"), ("api.request", "execute", 2));
        check("create", ("", "pods", "eviction"), ("api.delete", "delete", 1));
        check("create", ("", "serviceaccounts", ""), ("user.created", "create", 1));
        check("create", ("", "serviceaccounts", "token"), ("api.create", "create", 1));
        check("delete", ("", "serviceaccounts", ""), ("user.deleted", "delete", 1));
        check("patch", (RBAC, "clusterrolebindings", ""), ("role.assigned", "update", 2));
        check("delete", (RBAC, "rolebindings", ""), ("role.revoked", "update", 1));
        check("get", (RBAC, "rolebindings", ""), ("api.read", "read", 1));
        check("update", (RBAC, "clusterroles", ""), ("api.update", "update", 2));
        check("delete", (RBAC, "clusterroles", ""), ("api.delete", "delete", 1));
        check("create", ("authorization.k8s.io", "selfsubjectaccessreviews", ""), ("api.read", "read", 1));
        check("create", ("example.com", "rolebindings", ""), ("api.create", "create", 1));
        check("get", ("", "", ""), ("api.read", "read", 1));
        check("propfind", ("", "", ""), ("api.request", "other", 1));
        check("", ("", "", ""), ("api.request", "other", 1));
    }
}
