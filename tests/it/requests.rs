//! Export requests: a file is dropped, and there is one answer, whoever dies meanwhile.

use std::collections::BTreeMap;
use std::time::Duration;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::access::lake;
use crate::auditlake::{Lake, Ran, ended};
use crate::kill::{killed, kills};
use crate::requests_race::each_is_answered_once;

const ONCE: [&str; 5] = ["requests", "run", "--once", "--settle", "0"];

fn drop_file(lake: &Lake, name: &str, text: impl AsRef<[u8]>) {
    lake.write(&format!("data/requests/inbox/{name}"), text);
}

fn once(lake: &Lake) -> Ran {
    let ran = lake.run(&ONCE);
    ran.succeeded();
    ran
}

/// Objects below a folder of the store, by name there.
fn below(lake: &Lake, folder: &str) -> BTreeMap<String, bytes::Bytes> {
    let of = |(name, bytes): (String, bytes::Bytes)| Some((name.strip_prefix(folder)?.to_owned(), bytes));
    lake.objects().into_iter().filter_map(of).collect()
}

fn json(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).expect("JSON")
}

/// The one answer, whose parts are what the manifest says.
fn answer(lake: &Lake, principal: &str) -> (String, Value) {
    let objects = below(lake, &format!("exports/{principal}/"));
    let manifests: Vec<_> = objects.iter().filter(|(name, _)| name.ends_with("/manifest.json")).collect();
    assert_eq!(manifests.len(), 1, "{:?}", objects.keys());
    let (name, manifest) = (manifests[0].0.trim_end_matches("manifest.json"), json(manifests[0].1));
    for part in manifest["parts"].as_array().expect("parts") {
        let bytes = &objects[&format!("{name}{}", part["path"].as_str().expect("a path"))];
        assert_eq!(part["sha256"], engine::hex(&Sha256::digest(bytes)));
    }
    (name.trim_end_matches('/').to_owned(), manifest)
}

#[test]
fn a_request_is_answered_once_with_the_rows_of_whoever_asked() {
    let lake = lake();
    let text = "request: 1\ndataset: audit\ncolumns: [event_id, tenant_id, actor_id]\nformat: csv\n";
    drop_file(&lake, "ann/march.yaml", text);
    let ran = once(&lake);
    assert!(ran.out.starts_with("answered requests/inbox/ann/march.yaml: "), "{}", ran.out);
    let (hash, manifest) = answer(&lake, "ann");
    let own = lake.figure("SELECT count(*) AS n FROM audit WHERE tenant_id = 't0'");
    assert_eq!((&manifest["rows"], &manifest["request"]["principal"]), (&own.into(), &"ann".into()));
    assert_eq!(manifest["format"]["guard"], true, "a person opens it, so texts are guarded");
    assert!(manifest["request"]["expires_at"].is_string());
    assert!(below(&lake, "requests/inbox/").is_empty());
    assert_eq!(below(&lake, "requests/done/ann/")[&format!("{hash}.yaml")], text);
    assert_eq!(json(&lake.object(&format!("exports/ann/{hash}/status.json")))["state"], "done");
    // The same bytes under another name are the same request.
    drop_file(&lake, "ann/again.yaml", text);
    assert!(once(&lake).out.starts_with("known requests/inbox/ann/again.yaml: answered before"));
    assert_eq!(answer(&lake, "ann").1, manifest);
    // Another principal's file of the same bytes is another request, with other rows.
    drop_file(&lake, "rob/march.yaml", text);
    once(&lake);
    let (other, manifest) = answer(&lake, "rob");
    assert!(other != hash && manifest["rows"] != own);
    let listed = lake.run(&["requests", "list"]).out;
    assert_eq!(listed.matches("done").count(), 2, "{listed}");
    let asked = lake.figure("SELECT count(*) AS n FROM auditlake.statements WHERE event_type = 'audit.exported' AND attributes['door'] = 'inbox' AND outcome = 'success'");
    assert_eq!(asked, 2);
}

/// Files that are wrong, each with what is told about it.
fn wrong() -> Vec<(&'static str, String, &'static str)> {
    let long = format!("request: 1\nsql: \"SELECT '{}' AS x\"\nformat: csv\n", "x".repeat(40_000));
    vec![
        ("huge.yaml", "#".repeat(70_000), "70000 bytes and was not read"),
        ("half.yaml", "request: 1\ndataset: au".to_owned(), "format is required"),
        ("bomb.yaml", "a: &a [x,x]\nb: &b [*a,*a]\nc: [*b,*b]\nrequest: 1\n".to_owned(), "neither anchors nor aliases"),
        ("key.yaml", "request: 1\ndataset: audit\nformat: csv\nformt: csv\n".to_owned(), "did you mean \"format\"?"),
        (
            "column.yaml",
            "request: 1\ndataset: audit\ncolumns: [event_idd]\nformat: csv\n".to_owned(),
            "did you mean \"event_id\"?",
        ),
        (
            "hidden.yaml",
            "request: 1\ndataset: audit\ncolumns: [attributes]\nformat: csv\n".to_owned(),
            "has no column \"attributes\"",
        ),
        (
            "dataset.yaml",
            "request: 1\ndataset: identity\nformat: csv\n".to_owned(),
            "dataset \"identity\" does not exist",
        ),
        ("format.yaml", "request: 1\ndataset: audit\nformat: docx\n".to_owned(), "format \"docx\" does not exist"),
        ("writes.yaml", "request: 1\nsql: DELETE FROM audit\nformat: csv\n".to_owned(), "only reading statements"),
        (
            "copy.yaml",
            "request: 1\nsql: COPY audit TO '/tmp/x.csv'\nformat: csv\n".to_owned(),
            "only reading statements",
        ),
        ("outside.yaml", "request: 1\nsql: SELECT * FROM '/etc/passwd'\nformat: csv\n".to_owned(), "not found"),
        (
            "series.yaml",
            "request: 1\nsql: SELECT * FROM generate_series(1, 1000000000000)\nformat: csv\n".to_owned(),
            "generate_series",
        ),
        ("long.yaml", long, "the limit sql_bytes is 32768"),
        ("filter.yaml", "request: 1\ndataset: audit\nfilter: outcom = 'x'\nformat: csv\n".to_owned(), "outcom"),
        ("dots.yaml", "request: 1\ndataset: ../secret\nformat: csv\n".to_owned(), "does not exist"),
        (
            "to.yaml",
            "request: 1\ndataset: audit\nformat: csv\ndeliver_to: s3://mine/\n".to_owned(),
            "choices are: exports",
        ),
        (
            "fails.yaml",
            "request: 1\ndataset: audit\ncolumns: [{name: n, expr: CAST(event_id AS BIGINT)}]\nformat: csv\n"
                .to_owned(),
            "cannot be cast",
        ),
        ("a b.yaml", "request: 1\nid: odd\ndataset: audit\nformat: csv\n".to_owned(), "letters, digits, points"),
    ]
}

#[test]
fn each_thing_that_is_wrong_is_told_beside_the_file_and_nothing_else_waits() {
    let (lake, cases) = (lake(), wrong());
    for (name, text, _) in &cases {
        drop_file(&lake, &format!("ann/{name}"), text);
    }
    drop_file(&lake, "ann/good.yaml", "request: 1\ndataset: audit\nformat: csv\n");
    drop_file(&lake, "nobody/x.yaml", "request: 1\ndataset: audit\nformat: csv\n");
    once(&lake);
    let told = below(&lake, "requests/rejected/ann/");
    for (name, text, words) in &cases {
        let of = told.iter().find(|(path, bytes)| {
            path.ends_with(".error.json") && json(bytes)["from"].as_str().is_some_and(|from| from.ends_with(name))
        });
        let (path, bytes) = of.unwrap_or_else(|| panic!("{name} is not rejected: {:?}", told.keys()));
        let errors = json(bytes)["errors"].to_string().replace("\\\"", "\"");
        assert!(errors.contains(words), "{name}: {words} is not in {errors}");
        let aside = &told[&path.replace(".error.json", ".yaml")];
        assert_eq!(aside, text.as_bytes(), "{name} is as it was");
    }
    assert_eq!(told.len(), 2 * cases.len());
    answer(&lake, "ann");
    assert_eq!(below(&lake, "requests/inbox/").keys().collect::<Vec<_>>(), ["nobody/x.yaml"]);
    assert!(lake.run(&["requests", "list"]).out.contains("orphan"));
}

#[test]
fn a_request_can_be_checked_rejected_and_tried_again() {
    let lake = lake();
    let wrong = lake.write("wrong.yaml", "request: 1\ndataset: audit\ncolumns: [actr_id]\nformat: csv\n");
    let told = lake.run(&["requests", "check", &wrong.display().to_string(), "--as", "ann"]);
    assert_eq!(told.code, Some(1));
    assert!(
        told.out.contains("wrong.yaml:3:11: dataset \"audit\" has no column \"actr_id\"; did you mean \"actor_id\"?"),
        "{}",
        told.out
    );
    let template = lake.run(&["requests", "template"]).out;
    let good = lake.write("good.yaml", &template);
    lake.run(&["requests", "check", &good.display().to_string(), "--as", "ann"]).succeeded();
    drop_file(&lake, "ann/x.yaml", &template);
    lake.run(&["requests", "reject", "ann/x.yaml", "--reason", "asked by mistake"]).succeeded();
    let aside = below(&lake, "requests/rejected/ann/");
    let name =
        aside.keys().find(|name| name.ends_with(".yaml")).expect("is put aside").trim_end_matches(".yaml").to_owned();
    assert!(lake.run(&["requests", "show", &format!("ann/{name}")]).out.contains("asked by mistake"));
    lake.run(&["requests", "retry", &format!("ann/{name}")]).succeeded();
    assert!(below(&lake, "requests/rejected/").is_empty());
    once(&lake);
    answer(&lake, "ann");
    // Who knows a request can stop it, also before anybody has taken it up.
    let text = "request: 1\nid: unwanted\ndataset: audit\nformat: csv\n";
    let hash = engine::hex(&Sha256::digest(format!("ann\n{text}")));
    lake.run(&["requests", "cancel", &format!("ann/{}", &hash[..20])]).succeeded();
    drop_file(&lake, "ann/unwanted.yaml", text);
    assert!(once(&lake).out.contains("the request was cancelled"));
    let told = lake.run(&["requests", "list"]).out;
    assert!(told.contains("failed") && told.contains("cancelled"), "{told}");
    lake.run(&["requests", "show", "ann/0123456789abcdef0123"]).failed(2, &["does not exist"]);
    lake.run(&["requests", "reject", "ann/absent.yaml", "--reason", "x"]).failed(2, &["does not exist"]);
}

#[test]
fn a_signature_is_of_the_file_in_its_place() {
    let lake = lake();
    let access = crate::access::ACCESS.replace(
        "roles: [reader], channels: [inbox]}",
        "roles: [reader], channels: [inbox], signature: {secret: file:secret.key, required: true}}",
    );
    lake.write("access.yaml", access);
    lake.write("secret.key", "0123456789abcdef0123456789abcdef\n");
    let text = "request: 1\ndataset: audit\nformat: csv\n";
    drop_file(&lake, "ann/a.yaml", text);
    once(&lake);
    assert_eq!(below(&lake, "requests/inbox/").len(), 1, "it waits for its signature");
    drop_file(&lake, "ann/late.yaml", "request: 1\ndataset: audit\nformat: json\n");
    lake.run(&[&["--at", "2099-01-01T00:00:00Z"], ONCE.as_slice()].concat()).succeeded();
    let told = below(&lake, "requests/rejected/ann/");
    assert!(
        told.values().any(|bytes| String::from_utf8_lossy(bytes).contains("put late.yaml.sig beside it")),
        "{told:?}"
    );
    drop_file(&lake, "ann/a.yaml", text);
    drop_file(&lake, "ann/a.yaml.sig", "v1,AAAA");
    once(&lake);
    let told = below(&lake, "requests/rejected/ann/");
    assert!(told.values().any(|bytes| String::from_utf8_lossy(bytes).contains("not that of this file")), "{told:?}");
    let signature =
        base64(&hmac(b"0123456789abcdef0123456789abcdef", format!("requests/inbox/ann/b.yaml\n{text}").as_bytes()));
    drop_file(&lake, "ann/b.yaml", text);
    drop_file(&lake, "ann/b.yaml.sig", format!("v1,{signature}"));
    once(&lake);
    answer(&lake, "ann");
    assert!(below(&lake, "requests/inbox/").is_empty());
}

#[test]
fn a_store_that_fails_three_times_ends_a_request_and_another_drop_begins_anew() {
    let lake = lake();
    let text = "request: 1\ndataset: audit\nformat: ndjson\n";
    let hash = engine::hex(&Sha256::digest(format!("ann\n{text}")));
    // Files stand where the folders of the first attempts should be.
    let blocked: Vec<String> = (1..=3).map(|epoch| format!("data/exports/ann/{}/e{epoch:06}", &hash[..20])).collect();
    blocked.iter().for_each(|path| drop(lake.write(path, "in the way")));
    drop_file(&lake, "ann/a.yaml", text);
    let told = once(&lake).out;
    assert_eq!((told.matches("will be tried again").count(), told.matches("rejected").count()), (2, 1), "{told}");
    let errors = below(&lake, "requests/rejected/ann/");
    let file =
        errors.iter().find(|(name, _)| name.ends_with(".error.json")).map(|(_, bytes)| json(bytes)).expect("is there");
    assert!(
        file["state"] == "failed" && file["then"].as_str().is_some_and(|then| then.contains("requests retry")),
        "{file}"
    );
    blocked.iter().for_each(|path| std::fs::remove_file(lake.folder().join(path)).expect("is removed"));
    drop_file(&lake, "ann/a.yaml", text);
    once(&lake);
    answer(&lake, "ann");
    assert!(below(&lake, "requests/rejected/").is_empty());
}

#[test]
fn more_files_than_one_look_takes_up_are_all_answered() {
    let lake = lake();
    for number in 0..130 {
        drop_file(&lake, &format!("ann/{number}.yaml"), format!("request: 1\nid: n-{number}\n"));
    }
    assert_eq!(once(&lake).out.matches("rejected").count(), 130);
    assert!(below(&lake, "requests/inbox/").is_empty());
}

/// RFC 2104, written out: whoever signs has another program than ours.
fn hmac(key: &[u8; 32], message: &[u8]) -> [u8; 32] {
    let pad = |byte: u8| {
        let mut block = [byte; 64];
        block.iter_mut().zip(key).for_each(|(padded, key)| *padded ^= key);
        block
    };
    let inner = Sha256::new().chain_update(pad(0x36)).chain_update(message).finalize();
    Sha256::new().chain_update(pad(0x5c)).chain_update(inner).finalize().into()
}

/// RFC 4648, section 4.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let at = |index: usize| u32::from(three.get(index).copied().unwrap_or_default());
        let bits = at(0) << 16 | at(1) << 8 | at(2);
        for digit in 0..4 {
            let is_there = digit <= three.len();
            text.push(if is_there { LETTERS[(bits >> (18 - 6 * digit) & 63) as usize].into() } else { '=' });
        }
    }
    text
}

#[test]
fn an_hour_has_so_many_answers_and_the_rest_waits_for_its_turn() {
    let lake = lake();
    lake.write(
        "access.yaml",
        crate::access::ACCESS.replace("  reader:\n", "  reader:\n    limits: {exports_per_hour: 2}\n"),
    );
    for number in 1..=3 {
        drop_file(
            &lake,
            &format!("ann/{number}.yaml"),
            format!("request: 1\nid: n-{number}\ndataset: audit\nformat: csv\n"),
        );
    }
    let at = |at: &str| {
        let ran = lake.run(&[&["--at", at], ONCE.as_slice()].concat());
        ran.succeeded();
        ran.out
    };
    let told = at("2026-03-05T10:20:00Z");
    assert_eq!(at("2026-03-05T10:30:00Z").matches("deferred").count(), 1);
    assert_eq!((told.matches("answered").count(), told.matches("deferred").count()), (2, 1), "{told}");
    assert!(told.contains("until 2026-03-05T11:00:00"), "{told}");
    assert_eq!(below(&lake, "requests/inbox/").len(), 1);
    assert_eq!(at("2026-03-05T11:00:01Z").matches("answered").count(), 1);
    assert!(below(&lake, "requests/inbox/").is_empty());
}

#[test]
fn an_answer_expires_and_the_same_question_is_then_answered_anew() {
    let lake = lake();
    let text = "request: 1\ndataset: audit\nformat: csv\nexpires_in: 1h\n";
    let at = |at: &str| lake.run(&[&["--at", at], ONCE.as_slice()].concat()).succeeded();
    drop_file(&lake, "ann/a.yaml", text);
    at("2026-03-05T10:00:00Z");
    let (hash, manifest) = answer(&lake, "ann");
    let part = format!("exports/ann/{hash}/{}", manifest["parts"][0]["path"].as_str().expect("a path"));
    at("2026-03-05T11:30:00Z");
    let there = |name: &str| lake.objects().iter().any(|(other, _)| other == name);
    assert!(there(&part), "its parts stay for an hour, for who is reading them");
    assert!(lake.run(&["requests", "list"]).out.contains("expired"));
    at("2026-03-05T12:30:00Z");
    assert!(!there(&part) && there(&format!("exports/ann/{hash}/manifest.json")), "what was given stays known");
    drop_file(&lake, "ann/b.yaml", text);
    at("2026-03-05T13:00:00Z");
    assert!(there(&format!("exports/ann/{hash}-2/manifest.json")));
}

#[test]
fn a_link_in_the_inbox_leads_nowhere() {
    let lake = lake();
    let inbox = lake.data().join("requests/inbox/ann");
    std::fs::create_dir_all(&inbox).expect("is made");
    let secret = lake.write("secret.yaml", "request: 1\nsecret: marked\n");
    std::os::unix::fs::symlink(&secret, inbox.join("link.yaml")).expect("is made");
    std::os::unix::fs::symlink(lake.data().join("audit"), inbox.join("folder")).expect("is made");
    let files = lake.count("audit");
    assert_eq!(once(&lake).out, "");
    assert_eq!((lake.count("audit"), lake.count("requests/rejected")), (files, 0), "nothing was moved or copied");
    assert!(secret.exists());
    assert!(lake.run(&["requests", "list"]).out.contains("link: it is not followed"));
}

#[test]
fn a_request_at_which_processes_end_is_put_aside() {
    let lake = lake();
    let text = "request: 1\ndataset: audit\nformat: csv\n";
    drop_file(&lake, "ann/poison.yaml", text);
    let hash = &engine::hex(&Sha256::digest(format!("ann\n{text}")))[..20];
    let claim =
        |name: String, text: &str| lake.write(&format!("data/_auditlake/claims/requests/ann/{hash}/{name}"), text);
    for epoch in 1..=9 {
        claim(
            format!("epoch-{epoch:06}"),
            r#"{"runner":"process 1","nonce":"00","boot":null,"process":1,"process_start":null}"#,
        );
    }
    // Who had it last handed it back; the eight before did not.
    claim("epoch-000009.released".to_owned(), "");
    let ran = once(&lake);
    assert!(ran.out.starts_with("rejected requests/inbox/ann/poison.yaml: 8 processes ended"), "{}", ran.out);
    let error = json(&lake.object(&format!("requests/rejected/ann/{hash}.error.json")));
    assert_eq!(error["state"], "failed");
    assert!(
        below(&lake, "requests/inbox/").is_empty()
            && below(&lake, "exports/ann/").keys().all(|name| !name.contains("part"))
    );
}

/// Requests of each principal in a round.
const EACH: u64 = 3;

#[test]
fn workers_that_are_killed_leave_each_request_answered_once() {
    let lake = lake();
    let unlimited = crate::access::ACCESS
        .replace("  reader:\n", "  reader:\n    limits: {exports_per_hour: 1000}\n")
        .replace("  denials: {", "  denials: {limits: {exports_per_hour: 1000}, ");
    lake.write("access.yaml", unlimited);
    let drop_round = |round: u64| {
        for (who, number) in ["ann", "rob"].into_iter().flat_map(|who| (0..EACH).map(move |number| (who, number))) {
            let text =
                format!("request: 1\nid: n-{round}-{number}\ndataset: audit\nformat: ndjson\nsplit: {{rows: 500}}\n");
            drop_file(&lake, &format!("{who}/{round}-{number}.yaml"), text);
        }
    };
    let mut chance = ChaCha8Rng::seed_from_u64(2_026_129);
    for round in 0..kills() {
        drop_round(round);
        // Every other time somebody else looks at the same files, and goes on.
        let other = (round % 2 == 0).then(|| lake.start(&ONCE));
        killed(&lake, &ONCE, &mut chance, Duration::from_millis(900));
        if let Some(other) = other {
            ended(other.wait_with_output().expect("has ended")).succeeded();
        }
    }
    once(&lake);
    // What was answered before is not answered again.
    (0..kills()).for_each(drop_round);
    once(&lake);
    each_is_answered_once(&lake, 2 * kills() * EACH);
    let of = |who: &str| below(&lake, &format!("requests/done/{who}/")).len() as u64;
    assert_eq!((of("ann"), of("rob")), (kills() * EACH, kills() * EACH));
}
