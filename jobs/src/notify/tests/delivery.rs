//! What becomes of a message, by what its endpoint does.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::Ordering;

use chrono::TimeDelta;
use schemas::{ChannelKind, NotifyChannel};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::endpoint::{Endpoint, Names, Reply};
use super::{SECRET, Telling, event, written};
use crate::claim::Claim;
use crate::notify::channel::Ready;
use crate::notify::outbox::{self, Mark, SwitchRecord};
use crate::notify::post::{Posted, posted};
use crate::notify::sign::{Secret, body_signature, signatures};

const ARCHIVE: &str = "  archive: {to: told/, events: [notify.dead]}\n";

#[tokio::test]
async fn a_message_that_arrives_is_signed_and_is_not_sent_again() {
    let endpoint = Endpoint::start(vec![Reply::status(204, "")]).await;
    let telling = Telling::calling(&endpoint, ", body_hmac: true", ARCHIVE);
    telling.publish(&event(1)).await;
    telling.publish(&event(1)).await;
    telling.once().await;
    telling.once().await;
    let got = endpoint.got();
    assert_eq!(got.len(), 1, "the same event is sent once, however often it is published");
    let (got, secret) = (&got[0], Secret::parse(SECRET.as_bytes()).expect("a secret"));
    assert!(got.head.starts_with("POST /al?x=1 HTTP/1.1"), "{}", got.head);
    assert_eq!(got.header("host"), Some(format!("hooks.example:{}", endpoint.port).as_str()));
    assert_eq!(got.header("content-type"), Some("application/cloudevents+json; charset=utf-8"));
    let id = got.header("webhook-id").expect("an id");
    let timestamp = got.header("webhook-timestamp").and_then(|at| at.parse().ok()).expect("a time");
    assert_eq!(timestamp, crate::notify::tests::at("2026-03-29T04:00:00Z").timestamp());
    let signed = signatures(std::slice::from_ref(&secret), id, timestamp, &got.body);
    assert_eq!(got.header("webhook-signature"), Some(signed.as_str()));
    assert_eq!(got.header("x-auditlake-signature"), Some(body_signature(&secret, &got.body).as_str()));
    let body: Value = serde_json::from_slice(&got.body).expect("JSON");
    assert_eq!((body["id"].as_str(), id), (Some(id), event(1).id("hook").as_str()));
    assert_eq!(telling.records("hook").await, ["delivered.json", "event.json"]);
    assert_eq!(telling.marked(Mark::Waiting, "hook").await, 0);
}

/// What a message has come to after one attempt, by what the endpoint did.
async fn after(reply: Reply) -> (Telling, Value) {
    let is_silent = matches!(reply, Reply::Hang);
    let endpoint = Endpoint::start(vec![reply]).await;
    let telling = Telling::calling(&endpoint, "", ARCHIVE);
    let telling = if is_silent { telling.hurried() } else { telling };
    telling.publish(&event(1)).await;
    telling.once().await;
    assert_eq!(telling.records("hook").await, ["attempt-0001.json", "event.json"]);
    assert_eq!(telling.marked(Mark::Waiting, "hook").await, 1, "it is not lost");
    let attempt = telling.record("hook", "attempt-0001.json").await;
    (telling, attempt)
}

/// Seconds from an attempt that failed to the next one.
fn waits(attempt: &Value) -> i64 {
    let instant = |key: &str| super::at(attempt[key].as_str().expect("an instant"));
    (instant("next_try_at") - instant("at")).num_seconds()
}

#[tokio::test]
async fn whatever_is_no_success_is_tried_again() {
    let cut = "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nonly this";
    for (reply, status, why) in [
        (Reply::status(500, ""), Some(500), "answered 500"),
        (Reply::status(404, ""), Some(404), "answered 404"),
        (Reply::status(302, "Location: https://hooks.example/elsewhere\r\n"), Some(302), "answered 302"),
        (Reply::Bytes(cut.to_owned()), None, "the answer cannot be read"),
        (Reply::Bytes("this is no HTTP\r\n\r\n".to_owned()), None, "the answer cannot be read"),
        (Reply::Close, None, "the answer cannot be read"),
        (Reply::Hang, None, "no whole answer within"),
    ] {
        let (_telling, attempt) = after(reply.clone()).await;
        assert_eq!(attempt["status"].as_u64(), status, "{reply:?}: {attempt}");
        assert!(attempt["why"].as_str().is_some_and(|told| told.contains(why)), "{reply:?}: {attempt}");
        assert!((4..=6).contains(&waits(&attempt)), "{reply:?}: {attempt}");
    }
}

#[tokio::test]
async fn an_endpoint_that_asks_to_be_left_alone_is() {
    for (status, headers, seconds) in [
        (429, "Retry-After: 120\r\n", 120..=120),
        (503, "Retry-After: 999999\r\n", 86_400..=86_400),
        (429, "Retry-After: Sun, 29 Mar 2026 05:00:00 GMT\r\n", 3_600..=3_600),
        (429, "", 4..=6),
        (500, "Retry-After: 120\r\n", 4..=6),
    ] {
        let (_telling, attempt) = after(Reply::status(status, headers)).await;
        assert!(seconds.contains(&waits(&attempt)), "{status} {headers}: {attempt}");
    }
}

#[tokio::test]
async fn the_next_attempt_has_the_same_id_and_another_time() {
    let endpoint = Endpoint::start(vec![Reply::status(500, ""), Reply::status(200, "")]).await;
    let telling = Telling::calling(&endpoint, "", "");
    telling.publish(&event(1)).await;
    telling.once().await;
    telling.hand.pass(TimeDelta::seconds(4));
    telling.once().await;
    assert_eq!(endpoint.got().len(), 1, "it is not time yet");
    telling.hand.pass(TimeDelta::seconds(2));
    telling.once().await;
    let got = endpoint.got();
    assert_eq!(got.len(), 2);
    assert_eq!(got[0].header("webhook-id"), got[1].header("webhook-id"));
    assert_ne!(got[0].header("webhook-timestamp"), got[1].header("webhook-timestamp"));
    assert_ne!(got[0].header("webhook-signature"), got[1].header("webhook-signature"));
    assert_eq!(got[0].body, got[1].body);
    assert_eq!(telling.records("hook").await, ["attempt-0001.json", "delivered.json", "event.json"]);
}

#[tokio::test]
async fn a_long_answer_is_not_read_to_its_end() {
    let long = format!("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n{}", "x".repeat(10_000));
    let endpoint = Endpoint::start(vec![Reply::Bytes(long)]).await;
    let telling = Telling::calling(&endpoint, "", "");
    telling.publish(&event(1)).await;
    telling.once().await;
    assert_eq!(telling.records("hook").await, ["delivered.json", "event.json"]);
}

#[tokio::test]
async fn a_channel_whose_endpoint_is_gone_is_off_until_somebody_switches_it_on() {
    let endpoint = Endpoint::start(vec![Reply::status(410, ""), Reply::status(200, "")]).await;
    let telling = Telling::calling(&endpoint, "", "");
    telling.publish(&event(1)).await;
    telling.once().await;
    telling.publish(&event(2)).await;
    telling.hand.pass(TimeDelta::days(30));
    telling.once().await;
    assert_eq!(endpoint.got().len(), 1, "it is off");
    assert_eq!(telling.marked(Mark::Waiting, "hook").await, 2, "and nothing is lost or given up");
    let on = SwitchRecord { is_on: true, by: "omar".to_owned(), at: telling.world.now() };
    outbox::set_switch(&telling.lake.front, "hook", &on).await.expect("switched");
    telling.once().await;
    assert_eq!(endpoint.got().len(), 3);
    assert_eq!(telling.marked(Mark::Waiting, "hook").await, 0);
}

#[tokio::test]
async fn what_is_given_up_is_told_to_the_others_and_can_be_sent_again() {
    let mut replies = vec![Reply::status(500, ""); 10];
    replies.push(Reply::status(200, ""));
    let endpoint = Endpoint::start(replies).await;
    let telling = Telling::calling(&endpoint, "", ARCHIVE);
    telling.publish(&event(1)).await;
    for _ in 0..12 {
        telling.once().await;
        telling.hand.pass(TimeDelta::hours(28));
    }
    assert_eq!(endpoint.got().len(), 10);
    let (front, id) = (&telling.lake.front, event(1).id("hook"));
    assert!(telling.records("hook").await.contains(&"dead.json".to_owned()));
    let (waiting, dead) = (telling.marked(Mark::Waiting, "hook").await, telling.marked(Mark::Dead, "hook").await);
    assert_eq!((waiting, dead), (0, 1));
    let archived = telling.archived().await;
    assert_eq!(archived.len(), 1);
    assert_eq!(archived[0]["type"], "auditlake.notify.dead");
    assert_eq!(archived[0]["subject"].as_str(), Some(id.as_str()));
    let letter = outbox::read(front, "hook", &id).await.expect("readable").expect("there");
    let asked = ("omar", telling.world.now());
    outbox::redeliver(front, ("hook", &id), &letter, asked).await.expect("asked for");
    assert_eq!(telling.marked(Mark::Dead, "hook").await, 0);
    telling.once().await;
    assert_eq!(endpoint.got().len(), 11);
    assert!(telling.records("hook").await.contains(&"delivered-000002.json".to_owned()));
    assert_eq!(telling.marked(Mark::Waiting, "hook").await, 0);
}

#[tokio::test]
async fn that_a_message_about_one_that_was_given_up_is_given_up_nobody_is_told() {
    let endpoint = Endpoint::start(vec![Reply::status(500, "")]).await;
    let second = format!(
        "  other: {{url: \"https://hooks.example:{}/b\", secrets: [file:secret], allow_addresses: [127.0.0.1/32], ca: file:ca.pem, \
         events: [notify.dead]}}\n",
        endpoint.port
    );
    let telling = Telling::calling(&endpoint, "", &second);
    telling.publish(&event(1)).await;
    for _ in 0..40 {
        telling.once().await;
        telling.hand.pass(TimeDelta::hours(28));
    }
    for channel in ["hook", "other"] {
        let waiting = telling.marked(Mark::Waiting, channel).await;
        assert_eq!((waiting, telling.marked(Mark::Dead, channel).await), (0, 1), "{channel}");
    }
}

#[tokio::test]
async fn a_name_that_leads_elsewhere_a_moment_later_is_not_followed() {
    let endpoint = Endpoint::start(vec![Reply::status(500, ""), Reply::status(200, "")]).await;
    let telling = Telling::calling(&endpoint, "", "");
    let names = Names::of(&[&["127.0.0.1"], &["127.0.0.2"]]);
    let asked = Arc::clone(&names.asked);
    let telling = telling.resolving(names);
    telling.publish(&event(1)).await;
    telling.once().await;
    assert_eq!((endpoint.got().len(), asked.load(Ordering::Relaxed)), (1, 1), "a call asks for the name once");
    telling.hand.pass(TimeDelta::seconds(10));
    telling.once().await;
    assert_eq!(endpoint.got().len(), 1);
    let attempt = telling.record("hook", "attempt-0002.json").await;
    let why = attempt["why"].as_str().expect("a reason");
    assert!(why.starts_with("127.0.0.2 is not called, because it is loopback"), "{why}");
}

#[tokio::test]
async fn one_private_address_among_public_ones_is_enough_to_call_none() {
    let endpoint = Endpoint::start(vec![Reply::status(200, "")]).await;
    for (answer, why) in [
        (&["127.0.0.1", "169.254.169.254"][..], "169.254.169.254 is not called, because it is link-local"),
        (&["::ffff:10.0.0.1"][..], "::ffff:10.0.0.1 is not called, because it is private"),
        (&["64:ff9b::7f00:1"][..], "64:ff9b::7f00:1 is not called, because it is loopback"),
        (&[][..], "the name has no address"),
    ] {
        let telling = Telling::calling(&endpoint, "", "").resolving(Names::of(&[answer]));
        telling.publish(&event(1)).await;
        telling.once().await;
        let attempt = telling.record("hook", "attempt-0001.json").await;
        assert!(attempt["why"].as_str().is_some_and(|told| told.starts_with(why)), "{attempt}");
    }
    assert_eq!(endpoint.got().len(), 0);
}

#[tokio::test]
async fn a_certificate_of_nobody_who_is_trusted_ends_the_call() {
    let (endpoint, other) =
        (Endpoint::start(vec![Reply::status(200, "")]).await, Endpoint::start(vec![Reply::status(200, "")]).await);
    let telling = Telling::calling(&endpoint, "", "");
    std::fs::write(telling.folder.path().join("ca.pem"), &other.authority).expect("written");
    telling.publish(&event(1)).await;
    telling.once().await;
    assert_eq!(endpoint.got().len(), 0);
    let attempt = telling.record("hook", "attempt-0001.json").await;
    assert!(attempt["why"].as_str().is_some_and(|why| why.starts_with("no TLS with 127.0.0.1")), "{attempt}");
}

#[tokio::test]
async fn without_its_secret_nothing_is_sent_and_nothing_is_lost() {
    let endpoint = Endpoint::start(vec![Reply::status(200, "")]).await;
    let telling = Telling::calling(&endpoint, "", "");
    let secret = telling.folder.path().join("secret");
    for (text, why) in
        [(None, "cannot read the secret"), (Some("whsec_AAAA"), "has 3 bytes"), (Some("hush"), "does not begin")]
    {
        std::fs::remove_file(&secret).unwrap_or_default();
        text.into_iter().for_each(|text| std::fs::write(&secret, text).expect("written"));
        let ChannelKind::Webhook(webhook) = &telling.lake.definitions.notify[0].to else { panic!("it has a url") };
        let refused = Ready::of(&telling.lake, "hook", webhook).expect_err("no secret");
        assert!(refused.to_string().contains(why), "{refused}");
        telling.publish(&event(1)).await;
        telling.once().await;
        assert_eq!(telling.records("hook").await, ["event.json"], "that is no attempt");
    }
    std::fs::write(&secret, SECRET).expect("written");
    telling.once().await;
    assert_eq!(endpoint.got().len(), 1);
}

#[test]
fn a_variable_that_is_not_set_is_named() {
    let notify = "  hook: {url: https://hooks.example/al, secrets: [env:AL_NOT_SET]}\n";
    let telling = Telling::of(written(notify, &[]));
    let NotifyChannel { to: ChannelKind::Webhook(webhook), .. } = &telling.lake.definitions.notify[0] else {
        panic!("it has a url")
    };
    let refused = Ready::of(&telling.lake, "hook", webhook).expect_err("no secret").to_string();
    assert_eq!(refused, "the variable AL_NOT_SET is not set, and channel \"hook\" of lake.yaml says a secret is there");
}

#[test]
fn authorities_that_are_none_are_refused() {
    let notify = "  hook: {url: https://hooks.example/al, secrets: [file:secret], ca: file:ca.pem}\n";
    for (text, why) in
        [("", "has no certificate"), ("-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n", "is not PEM")]
    {
        let telling = Telling::of(written(notify, &[("ca.pem", text)]));
        let ChannelKind::Webhook(webhook) = &telling.lake.definitions.notify[0].to else { panic!("it has a url") };
        let refused = Ready::of(&telling.lake, "hook", webhook).expect_err("no authority").to_string();
        assert!(refused.starts_with("ca \"ca.pem\"") && refused.contains(why), "{refused}");
    }
}

#[tokio::test]
async fn what_is_over_the_minute_waits_for_the_next_one() {
    let endpoint = Endpoint::start(vec![Reply::status(200, "")]).await;
    let telling = Telling::calling(&endpoint, ", per_minute: 3", "");
    for number in 1..=7 {
        telling.publish(&event(number)).await;
    }
    for (sent, waiting) in [(3, 4), (3, 4)] {
        // Another runner, a moment later, counts what the one before did.
        telling.once().await;
        assert_eq!((endpoint.got().len(), telling.marked(Mark::Waiting, "hook").await), (sent, waiting));
        telling.hand.pass(TimeDelta::seconds(20));
    }
    for sent in [6, 7] {
        telling.hand.pass(TimeDelta::seconds(60));
        telling.once().await;
        assert_eq!(endpoint.got().len(), sent);
    }
}

#[tokio::test]
async fn what_somebody_else_delivers_is_left_to_them() {
    let endpoint = Endpoint::start(vec![Reply::status(200, "")]).await;
    let telling = Telling::calling(&endpoint, "", "");
    telling.publish(&event(1)).await;
    let claim = Claim::take(&telling.lake.front, &telling.world, "notifications/hook").await.expect("free");
    telling.once().await;
    assert_eq!(endpoint.got().len(), 0);
    claim.release().await;
    telling.once().await;
    assert_eq!(endpoint.got().len(), 1);
}

#[tokio::test]
async fn a_folder_gets_a_file_for_each_event() {
    let telling = Telling::of(written("  archive: {to: told/}\n", &[]));
    telling.publish(&event(1)).await;
    telling.publish(&event(2)).await;
    telling.once().await;
    let listed = telling.lake.front.list(&object_store::path::Path::from("told")).await.expect("listed");
    let names: Vec<&str> = listed.iter().filter_map(|meta| meta.location.filename()).collect();
    assert_eq!(names.len(), 2);
    for (name, number) in names.iter().zip([1, 2]) {
        assert!(name.starts_with("20260329T040007Z-run.failed-msg_"), "{name}, of {number}");
    }
    assert_eq!(telling.archived().await[0]["type"], "auditlake.run.failed");
    assert_eq!(telling.marked(Mark::Waiting, "archive").await, 0);
}

#[tokio::test]
async fn whoever_stays_delivers_what_comes_and_counts_it() {
    let endpoint = Endpoint::start(vec![Reply::status(500, ""), Reply::status(200, "")]).await;
    let telling = Telling::calling(&endpoint, "", "");
    telling.publish(&event(1)).await;
    telling.publish(&event(2)).await;
    let (closing, told) = (CancellationToken::new(), Mutex::new(Vec::new()));
    let tell = |posted: &Posted<'_>| {
        told.lock().expect("whole").push(format!("{posted:?}"));
        if matches!(posted, Posted::Delivered(_)) {
            closing.cancel();
        }
    };
    posted(&telling.lake, &telling.world, &telling.caller, &closing, &tell).await;
    let told = told.into_inner().expect("whole");
    for wanted in ["Waiting(\"hook\", 2)", "GivenUp(\"hook\", 0)", "Failed(\"hook\")", "Delivered(\"hook\")"] {
        assert!(told.iter().any(|one| one == wanted), "{wanted}: {told:?}");
    }
    assert_eq!(telling.marked(Mark::Waiting, "hook").await, 1, "the one that failed waits");
    telling.once().await;
    assert_eq!(endpoint.got().len(), 2, "and its time has not come");
}
