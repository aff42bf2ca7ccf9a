use schemas::IngestFormat;
use serde_json::json;

use super::super::BuiltIn;
use super::super::trial::{Trial, changed, columns_are_fixed};
use super::*;
use crate::ingest::records::RejectKind;

/// A record that fills what every record has, changed as `change` says; a null there removes the key.
fn record(change: &Value) -> Value {
    let record = json!({
        "eventVersion": "1.08",
        "userIdentity": {"type": "IAMUser", "principalId": "AIDAEXAMPLE", "accountId": "111122223333",
            "arn": "arn:aws:iam::111122223333:user/alice", "accessKeyId": "AKIAEXAMPLE"},
        "eventTime": "2024-05-06T07:08:09Z", "eventSource": "ec2.amazonaws.com", "eventName": "DescribeVpcs",
        "awsRegion": "eu-central-1", "sourceIPAddress": "192.0.2.7", "userAgent": "aws-cli",
        "requestParameters": null, "responseElements": null, "requestID": "r-1", "eventID": "e-1",
        "readOnly": true, "eventType": "AwsApiCall", "recipientAccountId": "111122223333",
    });
    changed(record, change)
}

fn mapping(tenant: Option<&str>) -> BuiltIn {
    BuiltIn::of(IngestFormat::Cloudtrail, tenant).expect("no tenant is needed").expect("it is built in")
}

fn map(records: &[Value], tenant: Option<&str>) -> Trial {
    Trial::of(&mapping(tenant), records)
}

/// The columns named in `want` hold what stands there.
#[track_caller]
fn check(change: Value, want: &[(&str, &str)]) {
    map(&[record(&change)], None).holds(want);
}

#[track_caller]
fn check_refused(change: Value, kind: RejectKind, why: &str) {
    let trial = map(&[record(&json!({})), record(&change), record(&json!({}))], None);
    assert_eq!(trial.rows.num_rows(), 2, "the neighbours stay");
    let [(1, was, detail, tenant)] = &trial.refused[..] else { panic!("exactly one: {:?}", trial.refused) };
    assert_eq!((*was, &detail[..], tenant.as_deref()), (kind, why, Some("111122223333")));
}

#[test]
fn a_plain_record_fills_the_columns() {
    check(
        json!({}),
        &[
            ("event_id", "e-1"),
            ("time", "2024-05-06T07:08:09Z"),
            ("ingested_at", "2024-05-06T12:53:20Z"),
            ("tenant_id", "111122223333"),
            ("source", "ec2.amazonaws.com"),
            ("event_type", "api.read"),
            ("class_uid", "6003"),
            ("activity_id", "2"),
            ("severity", "1"),
            ("action", "read"),
            ("outcome", "success"),
            ("actor_id", "arn:aws:iam::111122223333:user/alice"),
            ("actor_type", "user"),
            ("src_ip", "192.0.2.7"),
            ("resource_type", "null"),
            ("raw_ref", "drop/a.json#0"),
            ("raw_hash", &"07".repeat(32)),
            ("actor_tenant_id", "111122223333"),
            ("actor_roles", "null"),
            ("impersonator_id", "null"),
            ("session_id", "AKIAEXAMPLE"),
            ("mfa", "null"),
            ("src_service", "null"),
            ("user_agent", "aws-cli"),
            ("api_operation", "DescribeVpcs"),
            ("request_id", "r-1"),
            ("correlation_id", "null"),
            ("status_code", "null"),
            ("region", "eu-central-1"),
            ("data_classes", "null"),
            ("transport_encrypted", "null"),
            ("attributes", "{user_identity_type: IAMUser, read_only: true}"),
        ],
    );
}

#[test]
fn the_columns_are_fixed_and_in_the_order_of_the_table() {
    let columns = columns_are_fixed::<CloudTrail>();
    let rows = map(&[], None).rows;
    assert_eq!((rows.num_rows(), rows.num_columns()), (0, columns + 2), "two more say where a row comes from");
}

#[test]
fn the_tenant_is_the_account_of_the_record_then_of_the_caller_then_the_constant() {
    let caller = json!({"recipientAccountId": null, "userIdentity": {"accountId": "444455556666"}});
    let nobody = json!({"recipientAccountId": "", "userIdentity": {"accountId": "ANONYMOUS_PRINCIPAL"}});
    check(caller, &[("tenant_id", "444455556666")]);
    map(&[record(&nobody)], Some("acme")).holds(&[("tenant_id", "acme")]);
    let refused = map(&[record(&nobody)], None).refused;
    assert_eq!(refused, [(0, RejectKind::Missing, "\"recipientAccountId\" has no value".to_owned(), None)]);
}

#[test]
fn the_actor_is_the_best_name_there_is() {
    #[track_caller]
    fn actor(user: Value, id: &str, kind: &str, through: &str) {
        check(json!({"userIdentity": user}), &[("actor_id", id), ("actor_type", kind), ("impersonator_id", through)]);
    }
    let role = |arn: &str| json!({"sessionIssuer": {"arn": arn, "userName": "deploy"}});
    actor(json!({"type": "Root", "arn": "a", "principalId": "p"}), "a", "admin", "null");
    actor(
        json!({"type": "IAMUser", "arn": "", "principalId": "p", "invokedBy": "AWS Internal"}),
        "p",
        "user",
        "AWS Internal",
    );
    actor(json!({"type": "AWSService", "invokedBy": "rds.amazonaws.com"}), "rds.amazonaws.com", "service", "null");
    actor(json!({"accountId": "111122223333", "invokedBy": "x.amazonaws.com"}), "x.amazonaws.com", "service", "null");
    actor(json!({"type": "AWSAccount", "accountId": "444455556666"}), "444455556666", "unknown", "null");
    actor(
        json!({"type": "AWSAccount", "principalId": "", "accountId": "ANONYMOUS_PRINCIPAL"}),
        "anonymous",
        "anonymous",
        "null",
    );
    actor(json!({"type": "NewKind", "arn": "a"}), "a", "unknown", "null");
    actor(json!({}), "unknown", "unknown", "null");
    actor(Value::Null, "unknown", "unknown", "null");
    let session = role("arn:aws:iam::111122223333:role/deploy");
    actor(json!({"type": "AssumedRole", "arn": "a", "sessionContext": session}), "a", "user", "null");
    let session = role("arn:aws:iam::111122223333:role/aws-service-role/rds.amazonaws.com/x");
    actor(json!({"type": "AssumedRole", "arn": "a", "sessionContext": session}), "a", "service", "null");
    check(json!({"userIdentity": null, "eventType": "AwsServiceEvent"}), &[("actor_type", "service")]);
    check(json!({"userIdentity": {"sessionContext": session}}), &[("actor_roles", "[deploy]")]);
}

#[test]
fn the_outcome_follows_the_error_and_the_answer() {
    #[track_caller]
    fn outcome(change: Value, want: &str, severity: &str) {
        check(change, &[("outcome", want), ("severity", severity)]);
    }
    outcome(json!({"errorCode": ""}), "success", "1");
    outcome(json!({"errorCode": "Client.UnauthorizedOperation"}), "denied", "2");
    outcome(json!({"errorCode": "AccessDeniedException"}), "denied", "2");
    outcome(json!({"errorCode": "Forbidden"}), "denied", "2");
    outcome(json!({"errorCode": "ThrottlingException"}), "failure", "1");
    let login = |said: &str| json!({"eventSource": "signin.amazonaws.com", "eventName": "ConsoleLogin", "responseElements": {"ConsoleLogin": said}});
    outcome(login("Failure"), "failure", "1");
    outcome(login("Success"), "success", "1");
    // `null` and absent are one.
    let mut with_null = record(&json!({}));
    with_null["errorCode"] = Value::Null;
    map(&[with_null], None).holds(&[("outcome", "success")]);
}

#[test]
fn only_an_address_is_an_address() {
    #[track_caller]
    fn from(given: &str, ip: &str, service: &str) {
        check(json!({"sourceIPAddress": given}), &[("src_ip", ip), ("src_service", service)]);
    }
    from("2001:DB8:0:0:0:0:0:1", "2001:db8::1", "null");
    from("::ffff:192.0.2.1", "192.0.2.1", "null");
    from("AWS Internal", "null", "AWS Internal");
    from("rds.amazonaws.com", "null", "rds.amazonaws.com");
    from("06.237.252.245", "null", "06.237.252.245");
    from("192.0.2.256", "null", "192.0.2.256");
    from("", "null", "null");
}

#[test]
fn a_second_factor_is_known_or_not_known() {
    let session = |flag: Value| json!({"sessionContext": {"attributes": {"mfaAuthenticated": flag}}});
    check(json!({"userIdentity": session(json!("true"))}), &[("mfa", "true")]);
    check(json!({"userIdentity": session(json!(false))}), &[("mfa", "false")]);
    check(json!({"userIdentity": session(json!("maybe"))}), &[("mfa", "null")]);
    let said = |used: &str| json!({"additionalEventData": {"MFAUsed": used}, "userIdentity": session(json!("true"))});
    check(said("No"), &[("mfa", "false")]);
    check(said("Yes"), &[("mfa", "true")]);
    check(said("?"), &[("mfa", "true")]);
}

#[test]
fn resources_and_details_are_kept() {
    let resources =
        json!([{"ARN": "arn:aws:s3:::b", "accountId": "444455556666", "type": "AWS::S3::Bucket"}, {"ARN": "x"}]);
    let resource = [
        ("resource_type", "AWS::S3::Bucket"),
        ("resource_id", "arn:aws:s3:::b"),
        ("resource_tenant_id", "444455556666"),
    ];
    check(json!({"resources": resources}), &resource);
    check(json!({"resources": []}), &[("resource_id", "null")]);
    check(
        json!({"tlsDetails": {"tlsVersion": "TLSv1.3"}, "sharedEventID": "s"}),
        &[("transport_encrypted", "true"), ("correlation_id", "s")],
    );
    check(json!({"tlsDetails": {}}), &[("transport_encrypted", "null")]);
    let more = json!({"bytesTransferredOut": 2500.0, "x": null, "y": {"z": [1]}, "read_only": "no"});
    let kept = "{user_identity_type: IAMUser, read_only: true, bytesTransferredOut: 2500.0, x: , y: {\"z\":[1]}, additionalEventData.read_only: no}";
    check(json!({"additionalEventData": more}), &[("byte_count", "2500"), ("attributes", kept)]);
    check(
        json!({"additionalEventData": "text", "readOnly": "false"}),
        &[("attributes", "{user_identity_type: IAMUser, read_only: false, additionalEventData: text}")],
    );
    check(json!({"userIdentity": null, "readOnly": null}), &[("attributes", "null")]);
    let secret = json!({"eventSource": "ssm.amazonaws.com", "eventName": "GetParameter", "requestParameters": {"withDecryption": true}});
    check(secret, &[("data_classes", "[secret]")]);
}

#[test]
fn severity_rises_by_rule() {
    let root = json!({"type": "Root", "arn": "a"});
    check(json!({"userIdentity": root, "readOnly": true}), &[("severity", "1")]);
    check(json!({"userIdentity": root, "readOnly": false}), &[("severity", "3")]);
    check(
        json!({"eventSource": "cloudtrail.amazonaws.com", "eventName": "StopLogging"}),
        &[("severity", "4"), ("event_type", "audit.paused")],
    );
}

#[test]
fn times_are_cut_toward_the_past() {
    check(json!({"eventTime": "2024-05-06T07:08:09.123456999+02:00"}), &[("time", "2024-05-06T05:08:09.123456Z")]);
    check(json!({"eventTime": "2024-05-07T12:53:20Z"}), &[("time", "2024-05-07T12:53:20Z")]);
}

#[test]
fn a_record_that_does_not_fit_is_refused_alone() {
    use RejectKind::*;
    check_refused(json!({"eventID": null}), Missing, "\"eventID\" has no value");
    check_refused(json!({"eventID": ""}), Missing, "\"eventID\" has no value");
    check_refused(json!({"eventTime": null}), Missing, "\"eventTime\" has no value");
    check_refused(json!({"eventName": null}), Missing, "\"eventName\" has no value");
    check_refused(json!({"eventSource": null}), Missing, "\"eventSource\" has no value");
    check_refused(json!({"eventTime": 5}), Type, "\"eventTime\" is not text");
    check_refused(json!({"eventTime": "yesterday"}), Type, "\"eventTime\" is not an instant");
    check_refused(
        json!({"eventTime": "1989-12-31T23:59:59Z"}),
        Range,
        "column \"time\" is before 1990 or more than a day ahead",
    );
    check_refused(
        json!({"eventTime": "2024-05-07T12:53:21Z"}),
        Range,
        "column \"time\" is before 1990 or more than a day ahead",
    );
    check_refused(json!({"userIdentity": "alice"}), Type, "\"userIdentity\" is not an object");
    check_refused(json!({"userIdentity": {"arn": 1}}), Type, "\"userIdentity.arn\" is not text");
    check_refused(
        json!({"userIdentity": {"sessionContext": {"sessionIssuer": []}}}),
        Type,
        "\"userIdentity.sessionContext.sessionIssuer\" is not an object",
    );
    check_refused(json!({"resources": {}}), Type, "\"resources\" is not an array");
    check_refused(json!({"resources": ["x"]}), Type, "\"resources[0]\" is not an object");
    check_refused(json!({"readOnly": "perhaps"}), Type, "\"readOnly\" is not true or false");
    check_refused(
        json!({"additionalEventData": {"bytesTransferredOut": -1}}),
        Type,
        "\"additionalEventData.bytesTransferredOut\" is not a number of bytes",
    );
    check_refused(json!({"errorCode": {"a": 1}}), Type, "\"errorCode\" is not text");
}

/// The real corpus against the facts counted beside it.
mod real {
    use std::collections::BTreeMap;
    use std::fs;
    use std::path::Path;

    use arrow::array::{Array, AsArray};

    use super::super::super::trial::RUN_S;
    use super::*;
    use crate::ingest::decode::decoded;
    use crate::ingest::records::{Item, Shape, Splitter, parse_strict};

    fn counted(trials: &[Trial], of: impl Fn(&Trial, usize) -> String) -> Value {
        let mut counts: BTreeMap<String, u64> = BTreeMap::new();
        for trial in trials {
            for row in 0..trial.rows.num_rows() {
                *counts.entry(of(trial, row)).or_default() += 1;
            }
        }
        json!(counts)
    }

    fn attribute(trial: &Trial, row: usize, key: &str) -> String {
        let entries = trial.rows.column_by_name("attributes").expect("a column").as_map().value(row);
        let (keys, values) = (entries.column(0).as_string::<i32>(), entries.column(1).as_string::<i32>());
        let found = (0..entries.len()).find(|entry| keys.value(*entry) == key);
        found.map_or("None".to_owned(), |entry| values.value(entry).to_owned())
    }

    /// Every file below `folder` as rows; nothing may be refused.
    fn read(folder: &Path) -> BTreeMap<String, Trial> {
        let mut trials = BTreeMap::new();
        for file in fs::read_dir(folder).expect("lists") {
            let file = file.expect("lists").path();
            let mut splitter = Splitter::new(
                decoded(Box::new(fs::File::open(&file).expect("opens"))).expect("opens"),
                Shape::Cloudtrail,
            );
            let mut values = Vec::new();
            while let Some(item) = splitter.next().expect("reads") {
                let Item::Record(record) = item else { panic!("{item:?} in {}", file.display()) };
                values.push(parse_strict(record.bytes).expect("parses"));
            }
            assert!(!splitter.truncated());
            let trial = Trial::at(RUN_S + 10 * 365 * 86_400, &mapping(None), &values);
            assert_eq!(trial.refused, [], "{}", file.display());
            trials.insert(file.file_name().expect("named").to_string_lossy().into_owned(), trial);
        }
        trials
    }

    #[test]
    fn real_records_count_up_to_the_facts() {
        let Some(data) = std::env::var_os("AUDITLAKE_REAL_DATA") else {
            eprintln!("SKIPPED: set AUDITLAKE_REAL_DATA to the folder of the real corpus");
            return;
        };
        let data = Path::new(&data);
        let facts: Value = serde_json::from_slice(&fs::read(data.join("FACTS.json")).expect("reads")).expect("parses");
        let want = &facts["audit/cloudtrail/invictus"];
        let trials: Vec<Trial> = read(&data.join("audit/cloudtrail/invictus")).into_values().collect();
        let rows: usize = trials.iter().map(|trial| trial.rows.num_rows()).sum();
        assert_eq!(json!(rows), want["records"]);
        // The facts name the most frequent sources only.
        let sources = counted(&trials, |trial, row| trial.cell("source", row));
        for (source, count) in want["by_source"].as_object().expect("an object") {
            assert_eq!(sources[source], *count, "{source}");
        }
        assert_eq!(counted(&trials, |trial, row| trial.cell("time", row)[..10].to_owned()), want["by_day"]);
        let types = counted(&trials, |trial, row| attribute(trial, row, "user_identity_type"));
        assert_eq!(types, want["by_identity_type"]);
        let read_only = counted(&trials, |trial, row| attribute(trial, row, "read_only"));
        assert_eq!(read_only["true"], want["read_only_true"]);
        let errors = counted(&trials, |trial, row| (trial.cell("status_code", row) != "null").to_string());
        assert_eq!(errors["true"], want["with_error_code"]);
        let names = counted(&trials, |trial, row| trial.cell("api_operation", row));
        assert_eq!(json!(names.as_object().map(serde_json::Map::len)), want["distinct_event_names"]);

        let files = read(&data.join("audit/cloudtrail/stratus"));
        let counts: BTreeMap<String, usize> =
            files.into_iter().map(|(name, trial)| (name, trial.rows.num_rows())).collect();
        assert_eq!(json!(counts), facts["audit/cloudtrail/stratus"]);
    }
}
