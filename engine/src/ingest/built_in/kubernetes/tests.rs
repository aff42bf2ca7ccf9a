use schemas::IngestFormat;
use serde_json::json;

use super::super::BuiltIn;
use super::super::trial::{Trial, changed, columns_are_fixed};
use super::*;
use crate::ingest::records::RejectKind;

/// An event that fills what every event has, changed as `change` says; a null there removes the key.
fn event(change: &Value) -> Value {
    let event = json!({
        "kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": "Metadata", "auditID": "a-1",
        "stage": "ResponseComplete", "requestURI": "/api/v1/namespaces/shop/pods/web?watch=true", "verb": "get",
        "user": {"username": "alice", "uid": "u-1", "groups": ["dev", "system:authenticated"]},
        "sourceIPs": ["192.0.2.7"], "userAgent": "kubectl/v1.30",
        "objectRef": {"resource": "pods", "namespace": "shop", "name": "web", "apiVersion": "v1"},
        "responseStatus": {"metadata": {}, "code": 200},
        "requestReceivedTimestamp": "2024-05-06T07:08:09.100200Z", "stageTimestamp": "2024-05-06T07:08:09.101300Z",
        "annotations": {"authorization.k8s.io/decision": "allow", "authorization.k8s.io/reason": ""},
    });
    changed(event, change)
}

fn map(records: &[Value]) -> Trial {
    let mapping = BuiltIn::of(IngestFormat::Kubernetes, Some("prod")).expect("a tenant is given").expect("built in");
    Trial::of(&mapping, records)
}

/// The columns named in `want` hold what stands there.
#[track_caller]
fn check(change: Value, want: &[(&str, &str)]) {
    map(&[event(&change)]).holds(want);
}

#[track_caller]
fn check_refused(record: Value, kind: RejectKind, why: &str) {
    let trial = map(&[event(&json!({})), record, event(&json!({}))]);
    assert_eq!(trial.rows.num_rows(), 2, "the neighbours stay");
    assert_eq!(trial.refused, [(1, kind, why.to_owned(), Some("prod".to_owned()))]);
}

#[test]
fn a_plain_event_fills_the_columns() {
    check(
        json!({}),
        &[
            ("event_id", "a-1/ResponseComplete"),
            ("time", "2024-05-06T07:08:09.100200Z"),
            ("tenant_id", "prod"),
            ("source", "kubernetes"),
            ("event_type", "api.read"),
            ("class_uid", "6003"),
            ("activity_id", "2"),
            ("severity", "1"),
            ("action", "read"),
            ("outcome", "success"),
            ("actor_id", "alice"),
            ("actor_type", "user"),
            ("src_ip", "192.0.2.7"),
            ("resource_type", "pods"),
            ("resource_id", "shop/web"),
            ("raw_ref", "drop/a.json#0"),
            ("actor_roles", "[dev, system:authenticated]"),
            ("impersonator_id", "null"),
            ("src_service", "null"),
            ("user_agent", "kubectl/v1.30"),
            ("api_operation", "get"),
            ("request_id", "a-1"),
            ("http_status", "200"),
            ("duration_us", "1100"),
            ("status_code", "null"),
            ("status_detail", "null"),
            ("resource_name", "web"),
            ("data_classes", "null"),
            (
                "attributes",
                "{stage: ResponseComplete, level: Metadata, request_uri: /api/v1/namespaces/shop/pods/web?watch=true, \
                 namespace: shop, user_uid: u-1, authorization.k8s.io/decision: allow, authorization.k8s.io/reason: }",
            ),
        ],
    );
}

#[test]
fn the_columns_are_fixed_and_in_the_order_of_the_table() {
    columns_are_fixed::<Kubernetes>();
}

#[test]
fn a_tenant_must_be_given() {
    let error = BuiltIn::of(IngestFormat::Kubernetes, None).expect_err("nobody knows whose the records are");
    assert!(error.to_string().contains("--tenant"), "{error}");
}

#[test]
fn only_the_stage_in_which_a_request_ended_becomes_a_row() {
    let stages = ["RequestReceived", "ResponseStarted", "ResponseComplete", "Panic", "Odd"];
    let records: Vec<Value> = stages.iter().map(|stage| event(&json!({"stage": stage}))).collect();
    let trial = map(&records);
    assert_eq!((trial.rows.num_rows(), trial.skipped, trial.refused.len()), (2, 3, 0));
    assert_eq!(trial.cell("event_id", 1), "a-1/Panic");
    // What is left out need not be complete; a list without events is nothing.
    let trial = map(&[json!({"stage": "RequestReceived"}), json!({"kind": "EventList", "items": null})]);
    assert_eq!((trial.skipped, trial.refused.len()), (2, 0));
}

#[test]
fn the_time_is_the_earliest_that_is_told() {
    let (received, ended, old) = ("requestReceivedTimestamp", "stageTimestamp", "timestamp");
    check(json!({old: "2024-05-01T00:00:00Z"}), &[("time", "2024-05-06T07:08:09.100200Z")]);
    check(json!({received: null}), &[("time", "2024-05-06T07:08:09.101300Z"), ("duration_us", "null")]);
    check(json!({received: null, ended: null, old: "2024-05-01T02:00:00+02:00"}), &[("time", "2024-05-01T00:00:00Z")]);
    check(json!({ended: "2024-05-06T07:08:09Z"}), &[("duration_us", "null")]);
    check(json!({ended: ""}), &[("duration_us", "null")]);
}

#[test]
fn the_actor_is_the_impersonated_one() {
    let other = json!({"impersonatedUser": {"username": "bob", "groups": ["ops"], "extra": {"why": ["test"]}}});
    check(
        other,
        &[("actor_id", "bob"), ("actor_roles", "[ops]"), ("impersonator_id", "alice"), ("actor_type", "user")],
    );
    check(json!({"impersonatedUser": {}}), &[("actor_id", "alice"), ("impersonator_id", "null")]);
    #[track_caller]
    fn actor(user: Value, id: &str, kind: &str) {
        check(json!({"user": user}), &[("actor_id", id), ("actor_type", kind)]);
    }
    let masters = json!(["system:masters"]);
    actor(json!({"username": "system:admin", "groups": masters}), "system:admin", "admin");
    actor(json!({"username": "alice", "groups": masters}), "alice", "admin");
    actor(json!({"username": "system:apiserver", "groups": masters}), "system:apiserver", "system");
    actor(json!({"username": "system:node:n1"}), "system:node:n1", "system");
    actor(json!({"username": "system:other"}), "system:other", "system");
    actor(json!({"username": "system:serviceaccount:ns:x"}), "system:serviceaccount:ns:x", "service");
    actor(json!({"username": "system:anonymous", "groups": masters}), "anonymous", "anonymous");
    actor(json!({"groups": null}), "unknown", "unknown");
    actor(Value::Null, "unknown", "unknown");
}

#[test]
fn the_outcome_follows_status_and_decision() {
    #[track_caller]
    fn outcome(change: Value, want: &str, severity: &str) {
        check(change, &[("outcome", want), ("severity", severity)]);
    }
    let code = |code: u64| json!({"responseStatus": {"code": code}});
    outcome(code(201), "success", "1");
    outcome(code(101), "success", "1");
    outcome(code(401), "denied", "2");
    outcome(code(403), "denied", "2");
    outcome(code(404), "failure", "1");
    outcome(code(429), "failure", "1");
    outcome(code(500), "failure", "1");
    outcome(json!({"annotations": {"authorization.k8s.io/decision": "forbid"}}), "denied", "2");
    outcome(json!({"responseStatus": null}), "unknown", "1");
    outcome(json!({"responseStatus": {"status": "Success"}}), "success", "1");
    outcome(json!({"responseStatus": {"status": "Failure"}}), "failure", "1");
    outcome(json!({"responseStatus": null, "stage": "Panic"}), "failure", "1");
    let said = json!({"code": 403, "reason": "Forbidden", "message": "no"});
    check(json!({"responseStatus": said}), &[("status_code", "Forbidden"), ("status_detail", "no")]);
}

#[test]
fn a_thing_has_its_kind_and_its_name() {
    #[track_caller]
    fn thing(object: Value, kind: &str, id: &str, classes: &str) {
        let want = [("resource_type", kind), ("resource_id", id), ("data_classes", classes)];
        check(json!({"objectRef": object}), &want);
    }
    thing(json!({"resource": "nodes", "name": "n1"}), "nodes", "n1", "null");
    thing(json!({"resource": "namespaces", "namespace": "shop", "name": "shop"}), "namespaces", "shop", "null");
    thing(
        json!({"resource": "pods", "subresource": "exec", "namespace": "a", "name": "b"}),
        "pods/exec",
        "a/b",
        "null",
    );
    thing(json!({"resource": "secrets", "namespace": "a", "name": "b"}), "secrets", "a/b", "[secret]");
    thing(json!({"resource": "secrets", "namespace": "a"}), "secrets", "null", "[secret]");
    thing(
        json!({"resource": "serviceaccounts", "subresource": "token", "namespace": "a", "name": "b"}),
        "serviceaccounts/token",
        "a/b",
        "[secret]",
    );
    thing(Value::Null, "url", "/api/v1/namespaces/shop/pods/web", "null");
    // The object that was made knows its name.
    let made = json!({"objectRef": {"resource": "pods", "namespace": "a"}, "verb": "create",
        "requestObject": {"metadata": {"generateName": "web-"}}, "responseObject": {"metadata": {"name": "web-7"}}});
    check(made, &[("resource_id", "a/web-7"), ("resource_name", "web-7"), ("event_type", "api.create")]);
    // Bodies are not kept: they may hold secrets.
    let secret = json!({"requestObject": {"data": {"password": "c2VjcmV0"}}});
    assert!(!map(&[event(&secret)]).cell("attributes", 0).contains("c2VjcmV0"));
}

#[test]
fn addresses_and_annotations_are_kept() {
    check(
        json!({"sourceIPs": ["::ffff:192.0.2.1", "10.0.0.1"], "annotations": {"level": "x", "n": {"a": 1}},
            "user": {"username": "a", "extra": {"k": ["v"]}}}),
        &[
            ("src_ip", "192.0.2.1"),
            (
                "attributes",
                "{stage: ResponseComplete, level: Metadata, request_uri: /api/v1/namespaces/shop/pods/web?watch=true, \
                 namespace: shop, user_extra: {\"k\":[\"v\"]}, source_ips: ::ffff:192.0.2.1,10.0.0.1, \
                 annotations.level: x, n: {\"a\":1}}",
            ),
        ],
    );
    check(json!({"sourceIPs": []}), &[("src_ip", "null"), ("src_service", "null")]);
    check(json!({"sourceIPs": ["konnectivity"]}), &[("src_ip", "null"), ("src_service", "konnectivity")]);
}

#[test]
fn an_event_that_does_not_fit_is_refused_alone() {
    use RejectKind::*;
    #[track_caller]
    fn refused(change: Value, kind: RejectKind, why: &str) {
        check_refused(event(&change), kind, why);
    }
    refused(json!({"auditID": null}), Missing, "\"auditID\" has no value");
    refused(json!({"auditID": ""}), Missing, "\"auditID\" has no value");
    refused(json!({"stage": null}), Missing, "\"stage\" has no value");
    refused(json!({"stage": 5}), Type, "\"stage\" is not text");
    let untimed = json!({"requestReceivedTimestamp": null, "stageTimestamp": null});
    refused(untimed, Missing, "\"requestReceivedTimestamp\" has no value");
    refused(json!({"requestReceivedTimestamp": 17}), Type, "\"requestReceivedTimestamp\" is not text");
    refused(
        json!({"requestReceivedTimestamp": "2022-11-29 00:09:04.38"}),
        Type,
        "\"requestReceivedTimestamp\" is not an instant",
    );
    refused(
        json!({"requestReceivedTimestamp": "1989-01-01T00:00:00Z"}),
        Range,
        "column \"time\" is before 1990 or more than a day ahead",
    );
    refused(json!({"kind": "Pod"}), Type, "\"kind\" is not Event");
    refused(json!({"apiVersion": "v1"}), Type, "\"apiVersion\" is not one of audit.k8s.io");
    refused(json!({"user": "alice"}), Type, "\"user\" is not an object");
    refused(json!({"user": {"groups": "dev"}}), Type, "\"user.groups\" is not an array");
    refused(json!({"user": {"groups": [1]}}), Type, "\"user.groups\" is not an array of texts");
    refused(json!({"sourceIPs": "192.0.2.1"}), Type, "\"sourceIPs\" is not an array");
    refused(json!({"objectRef": []}), Type, "\"objectRef\" is not an object");
    refused(json!({"responseStatus": {"code": "200"}}), Type, "\"responseStatus.code\" is not a whole number");
    refused(
        json!({"responseStatus": {"code": 5_000_000_000_u64}}),
        Range,
        "\"responseStatus.code\" lies outside what its column holds",
    );
    refused(json!({"annotations": ["x"]}), Type, "\"annotations\" is not an object");
    check_refused(json!([1]), Type, "\"record\" is not an object");
}
