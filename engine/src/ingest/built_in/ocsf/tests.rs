use schemas::IngestFormat;
use serde_json::json;

use super::super::BuiltIn;
use super::super::trial::{Trial, changed, columns_are_fixed};
use super::*;
use crate::ingest::records::RejectKind;

/// An event that fills what every event has, changed as `change` says; a null there removes the key.
fn event(change: &Value) -> Value {
    let event = json!({
        "metadata": {"uid": "e-1", "tenant_uid": "t1", "version": "1.8.0",
            "product": {"name": "shop", "vendor_name": "Example"}},
        "time": 1_714_979_289_123_u64, "class_uid": 6003, "activity_id": 2, "type_uid": 600_302, "category_uid": 6,
        "severity_id": 1, "status_id": 1, "activity_name": "Read",
        "actor": {"user": {"uid": "u-1", "type_id": 1}}, "src_endpoint": {"ip": "192.0.2.7"},
        "api": {"operation": "GetOrder", "request": {"uid": "r-1"}},
    });
    changed(event, change)
}

fn map(records: &[Value], tenant: Option<&str>) -> Trial {
    let mapping = BuiltIn::of(IngestFormat::Ocsf, tenant).expect("no tenant is needed").expect("it is built in");
    Trial::of(&mapping, records)
}

/// The columns named in `want` hold what stands there.
#[track_caller]
fn check(change: Value, want: &[(&str, &str)]) {
    map(&[event(&change)], None).holds(want);
}

#[track_caller]
fn check_refused(change: Value, kind: RejectKind, why: &str) {
    let trial = map(&[event(&json!({})), event(&change), event(&json!({}))], Some("t1"));
    assert_eq!(trial.rows.num_rows(), 2, "the neighbours stay");
    assert_eq!(trial.refused, [(1, kind, why.to_owned(), Some("t1".to_owned()))]);
}

#[test]
fn a_plain_event_fills_the_columns() {
    check(
        json!({}),
        &[
            ("event_id", "e-1"),
            ("time", "2024-05-06T07:08:09.123000Z"),
            ("tenant_id", "t1"),
            ("source", "shop"),
            ("event_type", "api.read"),
            ("class_uid", "6003"),
            ("activity_id", "2"),
            ("severity", "1"),
            ("action", "read"),
            ("outcome", "success"),
            ("actor_id", "u-1"),
            ("actor_type", "user"),
            ("src_ip", "192.0.2.7"),
            ("resource_type", "null"),
            ("actor_roles", "null"),
            ("mfa", "null"),
            ("api_operation", "GetOrder"),
            ("request_id", "r-1"),
            ("data_classes", "null"),
            ("ai_model", "null"),
            ("attributes", "{metadata.version: 1.8.0, metadata.product.vendor_name: Example, activity_name: Read}"),
        ],
    );
}

#[test]
fn every_path_leads_to_its_column() {
    let full = json!({
        "metadata": {"uid": "e-1", "tenant_uid": "t1", "product": {"name": "shop"}, "event_code": "data.exported",
            "correlation_uid": "c-1", "sequence": 7, "labels": ["pii", "SECRET"]},
        "class_uid": 6005, "activity_id": 1, "type_uid": 600_501, "duration": 12, "status_code": "OK",
        "status_detail": "fine", "is_mfa": true, "auth_protocol_id": 5,
        "actor": {"invoked_by": "svc", "session": {"uid": "s-1"}, "user": {"uid": "u-1", "type_id": 2,
            "org": {"uid": "o-1"}, "groups": [{"name": "ops"}, {"name": "dev"}]}},
        "src_endpoint": {"ip": "2001:DB8::1", "svc_name": "gateway", "location": {"country": "DE", "lat": 52.5,
            "long": 13.4}, "autonomous_system": {"number": 64_500}},
        "http_request": {"user_agent": "curl"}, "http_response": {"code": 200},
        "resources": [{"type": "order", "uid": "o-9", "name": "Nine", "region": "eu", "owner": {"org": {"uid": "t9"}}}],
        "dst_endpoint": {"name": "partner", "location": {"region": "us"}},
        "ai_model": {"ai_provider": "p", "name": "m", "version": "1"},
        "message_context": {"ai_role": "assistant", "prompt_tokens": 3, "completion_tokens": 4},
        "activity_name": null,
    });
    check(
        full,
        &[
            ("event_type", "data.exported"),
            ("class_uid", "6005"),
            ("activity_id", "1"),
            ("action", "export"),
            ("actor_type", "admin"),
            ("src_ip", "2001:db8::1"),
            ("resource_type", "order"),
            ("resource_id", "o-9"),
            ("actor_tenant_id", "o-1"),
            ("actor_roles", "[ops, dev]"),
            ("impersonator_id", "svc"),
            ("session_id", "s-1"),
            ("auth_method", "sso"),
            ("mfa", "true"),
            ("src_service", "gateway"),
            ("src_country", "DE"),
            ("user_agent", "curl"),
            ("src_asn", "64500"),
            ("src_lat", "52.5"),
            ("src_lon", "13.4"),
            ("correlation_id", "c-1"),
            ("http_status", "200"),
            ("duration_us", "12000"),
            ("status_code", "OK"),
            ("status_detail", "fine"),
            ("resource_name", "Nine"),
            ("resource_tenant_id", "t9"),
            ("region", "eu"),
            ("data_classes", "[pii, secret]"),
            ("dest_party", "partner"),
            ("dest_region", "us"),
            ("seq", "7"),
            ("ai_provider", "p"),
            ("ai_model", "m"),
            ("ai_model_version", "1"),
            ("ai_role", "assistant"),
            ("ai_prompt_tokens", "3"),
            ("ai_completion_tokens", "4"),
            ("attributes", "{auth_protocol_id: 5}"),
        ],
    );
}

#[test]
fn the_columns_are_fixed_and_in_the_order_of_the_table() {
    columns_are_fixed::<Ocsf>();
}

#[test]
fn the_tenant_is_that_of_the_record_then_the_constant() {
    let nobody = event(&json!({"metadata": {"uid": "e-1", "product": {"name": "shop"}}}));
    map(std::slice::from_ref(&nobody), Some("acme")).holds(&[("tenant_id", "acme")]);
    let trial = map(&[nobody], None);
    assert_eq!(trial.refused, [(0, RejectKind::Missing, "\"metadata.tenant_uid\" has no value".to_owned(), None)]);
    map(&[event(&json!({}))], Some("acme")).holds(&[("tenant_id", "t1")]);
}

#[test]
fn numbers_of_enums_become_words() {
    for (id, severity) in [(0, "1"), (1, "1"), (2, "2"), (3, "3"), (4, "4"), (5, "5"), (6, "5"), (99, "1"), (77, "1")] {
        check(json!({"severity_id": id}), &[("severity", severity)]);
    }
    // The event type has a severity of its own.
    check(json!({"severity_id": null, "class_uid": 2004, "activity_id": 1}), &[("severity", "3")]);
    for (id, kind) in [(0, "unknown"), (1, "user"), (2, "admin"), (3, "system"), (4, "service"), (99, "unknown")] {
        check(json!({"actor": {"user": {"uid": "u", "type_id": id}}}), &[("actor_type", kind)]);
    }
    check(json!({"actor": {"user": {"uid": "u", "type_id": 99, "type": "Vendor"}}}), &[("actor_type", "vendor")]);
    for (id, method) in [(1, "password"), (2, "sso"), (5, "sso"), (6, "oauth"), (9, "null"), (11, "password")] {
        check(json!({"auth_protocol_id": id}), &[("auth_method", method)]);
    }
    check(json!({"auth_protocol_id": 99, "auth_protocol": "api_key"}), &[("auth_method", "api_key")]);
}

#[test]
fn the_outcome_is_told_by_status_action_or_code() {
    #[track_caller]
    fn outcome(change: Value, want: &str) {
        check(change, &[("outcome", want)]);
    }
    outcome(json!({"status_id": 1}), "success");
    outcome(json!({"status_id": 2}), "failure");
    outcome(json!({"status_id": 0}), "unknown");
    outcome(json!({"status_id": 99, "status": "Partial"}), "unknown");
    outcome(json!({"status_id": null}), "unknown");
    outcome(json!({"status_id": null, "status": "Success"}), "success");
    outcome(json!({"status_id": null, "status": "failure"}), "failure");
    outcome(json!({"status_id": 2, "status": "Denied"}), "denied");
    outcome(json!({"status_id": 2, "action_id": 2}), "denied");
    outcome(json!({"status_id": 2, "status_code": "AccessDeniedException"}), "denied");
    outcome(json!({"status_id": 2, "http_response": {"code": 403}}), "denied");
    outcome(json!({"status_id": 1, "http_response": {"code": 403}}), "success");
}

#[test]
fn an_unknown_class_is_a_request_that_keeps_its_numbers() {
    check(
        json!({"class_uid": 990_001, "activity_id": 42, "type_uid": 99_000_142, "activity_name": "Odd"}),
        &[("event_type", "api.request"), ("class_uid", "990001"), ("activity_id", "42"), ("action", "other")],
    );
    check(
        json!({"class_uid": null, "activity_id": null, "type_uid": 300_201}),
        &[("event_type", "user.login"), ("class_uid", "3002"), ("activity_id", "1"), ("action", "login")],
    );
}

#[test]
fn in_a_sign_in_the_user_acts() {
    let sign_in = json!({"class_uid": 3002, "activity_id": 1, "type_uid": 300_201, "category_uid": 3, "user": {"uid": "u-9", "type_id": 1},
        "actor": {"user": {"uid": "gateway"}, "process": {"pid": 7}}, "session": {"uid": "s-2", "is_mfa": false}});
    check(
        sign_in,
        &[
            ("event_type", "user.login"),
            ("actor_id", "u-9"),
            ("session_id", "s-2"),
            ("mfa", "false"),
            (
                "attributes",
                "{metadata.version: 1.8.0, metadata.product.vendor_name: Example, activity_name: Read, \
                 actor.user.uid: gateway, actor.process: {\"pid\":7}}",
            ),
        ],
    );
    let change = json!({"class_uid": 3001, "activity_id": 6, "type_uid": 300_106, "user": {"uid": "u-9"}});
    check(
        change,
        &[("event_type", "user.deleted"), ("actor_id", "u-1"), ("resource_type", "user"), ("resource_id", "u-9")],
    );
    check(json!({"actor": {"app_name": "cron"}}), &[("actor_id", "cron"), ("actor_type", "service")]);
    check(
        json!({"actor": {"invoked_by": "x"}}),
        &[("actor_id", "x"), ("actor_type", "service"), ("impersonator_id", "null")],
    );
    check(json!({"actor": null}), &[("actor_id", "unknown"), ("actor_type", "unknown")]);
    check(json!({"actor": {"user": {"name": "al"}}}), &[("actor_id", "al"), ("actor_type", "unknown")]);
}

#[test]
fn what_has_no_column_is_kept_under_its_path() {
    #[track_caller]
    fn kept(change: Value, want: &str) {
        let plain = json!({"metadata": {"uid": "e", "tenant_uid": "t1", "product": {"name": "p"}},
            "activity_name": null});
        check(changed(plain, &change), &[("attributes", want)]);
    }
    kept(json!({"a": {"b": [1, {"c": null}]}, "n": null}), "{a: {\"b\":[1,{\"c\":null}]}}");
    kept(json!({"unmapped": {"x": 1, "p.q": "r"}}), "{unmapped.x: 1, unmapped.p.q: r}");
    kept(json!({"severity_id": 6, "status_id": 99}), "{severity_id: 6, status_id: 99}");
    kept(json!({"type_uid": 5}), "{type_uid: 5}");
    kept(json!({"status_code": "x", "status": "Success"}), "{status: Success}");
    // A key may spell the path of a column, or of something else.
    kept(json!({"metadata.uid": "x", "a\"b": 1}), r#"{"metadata.uid": x, "a\"b": 1}"#);
    let two = json!([{"uid": "a"}, {"uid": "b"}]);
    kept(json!({"resources": two}), "{resources: [{\"uid\":\"a\"},{\"uid\":\"b\"}]}");
    kept(json!({"resources": [{"uid": "a", "labels": ["x"]}]}), "{resources: [{\"uid\":\"a\",\"labels\":[\"x\"]}]}");
    let groups = json!({"user": {"uid": "u", "groups": [{"name": "g", "uid": "1"}]}});
    kept(json!({"actor": groups}), "{actor.user.groups: [{\"name\":\"g\",\"uid\":\"1\"}]}");
    let mixed = json!({"uid": "e", "tenant_uid": "t1", "product": {"name": "p"}, "labels": ["pii", "mine"],
        "event_code": "4624"});
    kept(json!({"metadata": mixed}), "{metadata.labels: [\"pii\",\"mine\"], metadata.event_code: 4624}");
    kept(json!({"cloud": {"region": "eu", "account": {"uid": "1"}}}), "{cloud.account: {\"uid\":\"1\"}}");
    check(json!({"cloud": {"region": "eu"}}), &[("region", "eu")]);
}

#[test]
fn places_and_times_of_older_versions_are_read() {
    let place = json!({"ip": "gateway.internal", "location": {"coordinates": [13.4, 52.5]}});
    check(
        json!({"src_endpoint": place}),
        &[("src_ip", "null"), ("src_service", "gateway.internal"), ("src_lat", "52.5"), ("src_lon", "13.4")],
    );
    check(json!({"time": null, "time_dt": "2024-05-06T07:08:09.5Z"}), &[("time", "2024-05-06T07:08:09.500000Z")]);
    let product = json!({"uid": "e-1", "tenant_uid": "t1", "product": {"vendor_name": "Example"}});
    check(json!({"metadata": product}), &[("source", "Example")]);
}

#[test]
fn an_event_that_does_not_fit_is_refused_alone() {
    use RejectKind::*;
    let metadata =
        |uid: Value, product: Value| json!({"metadata": {"uid": uid, "tenant_uid": "t1", "product": product}});
    let shop = || json!({"name": "shop"});
    check_refused(metadata(Value::Null, shop()), Missing, "\"metadata.uid\" has no value");
    check_refused(metadata(json!(17), shop()), Type, "\"metadata.uid\" is not text");
    check_refused(metadata(json!("e"), json!({})), Missing, "\"metadata.product.name\" has no value");
    check_refused(metadata(json!("e"), json!("shop")), Type, "\"metadata.product\" is not an object");
    check_refused(json!({"time": null}), Missing, "\"time\" has no value");
    check_refused(json!({"time": "2024-05-06T07:08:09Z"}), Type, "\"time\" is not a whole number");
    check_refused(json!({"time": 1.5}), Type, "\"time\" is not a whole number");
    check_refused(json!({"time": i64::MAX}), Range, "\"time\" lies outside what its column holds");
    check_refused(json!({"time": 17}), Range, "column \"time\" is before 1990 or more than a day ahead");
    check_refused(json!({"time": null, "time_dt": "now"}), Type, "\"time_dt\" is not an instant");
    check_refused(json!({"class_uid": null, "type_uid": null}), Missing, "\"class_uid\" has no value");
    check_refused(json!({"activity_id": null, "type_uid": null}), Missing, "\"activity_id\" has no value");
    check_refused(json!({"class_uid": "6003"}), Type, "\"class_uid\" is not a whole number");
    check_refused(json!({"class_uid": 1_u64 << 40}), Range, "\"class_uid\" lies outside what its column holds");
    check_refused(json!({"duration": i64::MAX}), Range, "\"duration\" lies outside what its column holds");
    check_refused(json!({"actor": {"user": []}}), Type, "\"actor.user\" is not an object");
    check_refused(json!({"actor": {"user": {"groups": ["g"]}}}), Type, "\"actor.user.groups[0]\" is not an object");
    check_refused(json!({"resources": {"uid": "x"}}), Type, "\"resources\" is not an array");
    check_refused(json!({"is_mfa": "perhaps"}), Type, "\"is_mfa\" is not true or false");
    check_refused(
        json!({"src_endpoint": {"location": {"lat": "north"}}}),
        Type,
        "\"src_endpoint.location.lat\" is not a number",
    );
}
