//! `policies/subjects.yaml`, files of identifiers, and what may be taken along.

use expect_test::{Expect, expect};
use schemas::{DatasetId, DefinitionError, Identifier, SecretSource, SubjectPolicy, check};

use crate::acme::{acme, plus, with};

const WHOLE: &str = "subjects:
  key: {id: s26, secret: env:AL_SUBJECT_KEY}
  retired: [{id: s25, secret: file:keys/s25}]
  identities: {dataset: identity, person: person_id, ids: {account_id: user}, depth: 3, limit: 20}
  kinds: {audit.subject_id: customer}
  jurisdiction: gdpr
  approval: {approvers: 2, valid_for: 3d}
";

fn read(text: &str) -> SubjectPolicy {
    let lake = check(&plus("policies/subjects.yaml", text.as_bytes())).expect("is right");
    lake.subjects.expect("is there")
}

#[track_caller]
fn says(text: &str, expected: Expect) {
    let errors = check(&plus("policies/subjects.yaml", text.as_bytes())).map(drop).expect_err("is refused");
    expected.assert_eq(&errors.iter().map(DefinitionError::to_string).collect::<Vec<_>>().join("\n"));
}

#[test]
fn the_file_is_read_whole() {
    let policy = read(WHOLE);
    assert_eq!((policy.key.id.as_str(), &policy.key.secret), ("s26", &SecretSource::Env("AL_SUBJECT_KEY".to_owned())));
    assert_eq!(policy.retired.len(), 1);
    let identities = policy.identities.as_ref().expect("identities");
    assert_eq!((identities.person.as_str(), identities.depth, identities.limit), ("person_id", 3, 20));
    assert_eq!(identities.ids.get("account_id").map(String::as_str), Some("user"));
    let audit = DatasetId::parse("audit").expect("a name");
    assert!(policy.holds(&audit, "subject_id", "customer") && !policy.holds(&audit, "subject_id", "user"));
    assert!(policy.holds(&audit, "actor_id", "user") && !policy.holds(&audit, "actor_id", "customer"));
    let identity = DatasetId::parse("identity").expect("a name");
    assert!(policy.holds(&identity, "person_id", "person") && !policy.holds(&audit, "actor_id", "person"));
    assert_eq!((policy.jurisdiction.as_str(), policy.approval.approvers), ("gdpr", 2));
}

#[test]
fn what_is_left_out_has_a_meaning() {
    let policy = read("subjects: {key: {id: s26, secret: env:AL_SUBJECT_KEY}}\n");
    assert!(policy.identities.is_none() && policy.kinds.is_empty() && policy.retired.is_empty());
    assert_eq!(
        (policy.jurisdiction.as_str(), policy.approval.approvers, policy.approval.not_planner),
        ("house", 1, true)
    );
    let bounds = read(
        "subjects: {key: {id: s, secret: env:K}, identities: {dataset: identity, person: person_id, ids: {account_id: user}}}",
    );
    let identities = bounds.identities.expect("identities");
    assert_eq!((identities.depth, identities.limit), (2, 50));
    assert!(check(&acme()).expect("is right").subjects.is_none());
}

#[test]
fn cases_are_rows_of_a_dataset_of_requests_and_of_no_other() {
    let lake = |requests: &str| {
        let policy = format!("subjects:\n  key: {{id: s26, secret: env:K}}\n  requests: {requests}\n");
        let mut files = plus("policies/subjects.yaml", policy.as_bytes());
        files.extend(plus("datasets/dsr.yaml", b"dataset: dsr\nlocation: dsr/\nschema: dsr.v1\n").pop());
        check(&files)
    };
    let policy = lake("{dataset: dsr, tenant: acme}").expect("is right").subjects.expect("is there");
    let requests = policy.requests.expect("requests");
    assert_eq!((requests.dataset.as_str(), requests.tenant.as_str()), ("dsr", "acme"));
    for (requests, expected) in [
        ("{dataset: dsx, tenant: acme}", "3:23: dataset \"dsx\" does not exist; did you mean \"dsr\"?"),
        (
            "{dataset: audit, tenant: acme}",
            "3:23: dataset \"audit\" has rows of audit.v1, and cases are rows of dsr.v1; name another one, or give it `schema: dsr.v1`",
        ),
        ("{dataset: dsr, tenant: ' '}", "3:36: tenant is empty; name the tenant that the rows belong to"),
    ] {
        let errors = lake(requests).map(drop).expect_err("is refused");
        let said: Vec<String> = errors.iter().map(DefinitionError::to_string).collect();
        assert_eq!(said, [format!("policies/subjects.yaml:{expected}")]);
    }
}

#[test]
fn corrections_are_rows_of_their_own_schema() {
    let lake = |corrections: &str| {
        let policy = format!("subjects:\n  key: {{id: s26, secret: env:K}}\n  corrections: {corrections}\n");
        let mut files = plus("policies/subjects.yaml", policy.as_bytes());
        let definition = b"dataset: correction\nlocation: correction/\nschema: correction.v1\n";
        files.extend(plus("datasets/correction.yaml", definition).pop());
        check(&files)
    };
    let policy = lake("correction").expect("is right").subjects.expect("is there");
    assert_eq!(policy.corrections, DatasetId::parse("correction").ok());
    let errors = lake("audit").map(drop).expect_err("is refused");
    let said: Vec<String> = errors.iter().map(DefinitionError::to_string).collect();
    assert_eq!(said.len(), 1);
    assert!(
        said[0].contains("dataset \"audit\" has rows of audit.v1, and corrections are rows of correction.v1"),
        "{said:?}"
    );
}

#[test]
fn every_mistake_is_said_at_once_and_at_its_place() {
    says(
        "subjects:
  key: {id: S26, secret: plain}
  retired: [{id: s25, secret: env:A}, {id: s25, secret: env:B}]
  identities: {dataset: identiti, person: person_id, ids: {account_id: user}}
  kinds: {subject_id: user, audit.src_ip: address, audit.actor_id: Nobody}
  jurisdiction: gdpx
  approval: {valid_for: 7}
",
        expect![[r#"
            policies/subjects.yaml:2:13: key id "S26" is not a name; use 1 to 64 of a-z, 0-9, _ and -, a letter first
            policies/subjects.yaml:2:26: secret does not say where it is; write env:NAME of a variable, or file:/path
            policies/subjects.yaml:3:44: key id "s25" stands here twice; every key has its own id
            policies/subjects.yaml:4:25: dataset "identiti" does not exist; did you mean "identity"?
            policies/subjects.yaml:5:23: "subject_id" is no column of a dataset; write for example audit.subject_id
            policies/subjects.yaml:5:43: column "src_ip" of dataset "audit" names nobody; columns that do: actor_id, subject_id; add it to its subjects
            policies/subjects.yaml:5:68: kind "Nobody" is not a name; use 1 to 64 of a-z, 0-9, _ and -, a letter first
            policies/subjects.yaml:6:17: jurisdiction "gdpx" has no rule; did you mean "gdpr"? there are: gdpr, uk_gdpr, ccpa, hipaa, house
            policies/subjects.yaml:7:25: valid_for "7" is not a length of time; write for example 30d, 24h or 15m"#]],
    );
    says(
        "subjects: {key: {id: s, secret: env:K}, identities: {dataset: identity, person: person, ids: {}, depth: 0, limit: 20000}}\n",
        expect![[r#"
            policies/subjects.yaml:1:81: dataset "identity" has no column "person"
            policies/subjects.yaml:1:94: ids has no column; write for example {account_id: user}
            policies/subjects.yaml:1:105: depth 0 is not between 1 and 5
            policies/subjects.yaml:1:115: limit 20000 is not between 1 and 10000"#]],
    );
    says(
        "subjects: {keys: {id: s26}}\n",
        expect![[r#"
        policies/subjects.yaml:1:11: key is required: the key that stands for identifiers in records, for example {id: s26, secret: env:AL_SUBJECT_KEY}
        policies/subjects.yaml:1:12: unknown key "keys"; did you mean "key"? keys are: key, retired, identities, kinds, jurisdiction, approval, requests, corrections"#]],
    );
}

#[test]
fn a_file_of_identifiers_is_read_and_its_values_are_never_told() {
    let read = |text: &str| Identifier::parse_file(text);
    let ids = read("\u{feff}# of a person\nuser-42\r\nemail\tann@acme.example\n\nuser-42\n 7 \n").expect("reads");
    let pairs: Vec<_> = ids.iter().map(|id| (id.kind(), id.value())).collect();
    assert_eq!(pairs, [("user", "user-42"), ("email", "ann@acme.example"), ("user", "7")]);
    for text in [
        "",
        "\n\n",
        "# nobody\n",
        "user\t\n",
        "user-9@x\tsecret-value\n",
        "a\u{7}b secret-value\n",
        "Email\tsecret-value\n",
    ] {
        let why = read(text).expect_err("is refused");
        assert!(!why.contains("secret-value") && !why.contains("user-9"), "{text:?}: {why}");
    }
    assert!(read(&"x".repeat(1_025)).is_err() && read(&"x".repeat(1_024)).is_ok());
}

#[test]
fn what_a_person_may_take_along_is_marked_by_column() {
    let files = with("datasets/audit.yaml", "src_ip: {class: personal}", "src_ip: {class: personal, portable: true}");
    let lake = check(&files).expect("is right");
    let audit = lake.datasets.iter().find(|dataset| dataset.id.as_str() == "audit").expect("there");
    assert_eq!(audit.portable.iter().map(String::as_str).collect::<Vec<_>>(), ["src_ip"]);
}
