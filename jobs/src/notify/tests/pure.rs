//! Ids, bodies, signatures, times of attempts, calls within a minute: without a store and without a network.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use schemas::LakeId;
use serde_json::{Value, json};

use super::{SECRET, at, event};
use crate::notify::event::Told;
use crate::notify::sign::{Secret, body_signature, signatures};
use crate::notify::slow::median;
use crate::notify::timetable::{Minute, next_try, retry_after};

fn secret(text: &str) -> Secret {
    Secret::parse(text.as_bytes()).expect("a secret")
}

#[test]
fn a_signature_is_that_of_the_specification() {
    let (id, body) = ("msg_p5jXN8AQM9LWM0D4loKWxJek", br#"{"test": 2432232314}"#);
    let expected = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
    assert_eq!(signatures(&[secret(SECRET)], id, 1_614_265_330, body), expected);
    let both = signatures(&[secret("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"), secret(SECRET)], id, 1_614_265_330, body);
    let all: Vec<&str> = both.split(' ').collect();
    assert_eq!((all.len(), all[1]), (2, expected), "one for each secret, so that either is enough");
    assert_ne!(all[0], all[1]);
}

#[test]
fn the_signature_of_a_body_alone_takes_the_secret_as_it_is_written() {
    // printf '{}' | openssl dgst -sha256 -hmac whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw
    let expected = "sha256=6cbbcdf2c8016ca85b50543b19e8e121ef16137967bdfa3ce660972922bafaeb";
    assert_eq!(body_signature(&secret(SECRET), b"{}"), expected);
}

#[test]
fn what_is_no_secret_is_refused_and_not_repeated() {
    for (given, why) in [
        ("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "does not begin with whsec_"),
        ("whsec_!", "is not base64"),
        ("whsec_AAAA", "has 3 bytes behind whsec_"),
        ("", "does not begin with whsec_"),
    ] {
        let refused = Secret::parse(given.as_bytes()).expect_err("no secret");
        assert!(refused.starts_with(why), "{given}: {refused}");
        assert!(given.is_empty() || given.starts_with("whsec_!") || !refused.contains(given), "{refused}");
    }
    let long = format!("whsec_{}", "A".repeat(88));
    assert!(Secret::parse(long.as_bytes()).is_err(), "66 bytes");
    assert!(!format!("{:?}", secret(SECRET)).contains("MfKQ"));
}

#[test]
fn an_event_is_a_cloud_event_of_ids_and_counts() {
    let lake = LakeId::parse("acme").expect("a name");
    let body: Value = serde_json::from_slice(&event(1).body(&lake, "hook").expect("a body")).expect("JSON");
    let expected = json!({
        "specversion": "1.0",
        "id": event(1).id("hook"),
        "source": "/lakes/acme",
        "type": "auditlake.run.failed",
        "subject": "soc2-daily@20260329T040000Z",
        "time": "2026-03-29T04:00:07Z",
        "datacontenttype": "application/json",
        "data": {"what": "a run failed", "job": "soc2-daily"},
    });
    assert_eq!(body, expected);
}

#[test]
fn an_event_is_short_however_much_there_is_to_name() {
    let paths = (0..10_000).map(|number| format!("reports/{number}/{}", "x".repeat(number))).collect();
    let long = crate::notify::event::Event { data: Told { paths, ..event(1).data }, ..event(1) };
    let lake = LakeId::parse("acme").expect("a name");
    let body = long.body(&lake, "hook").expect("a body");
    assert!(body.len() < 20_000, "{} bytes", body.len());
    let body: Value = serde_json::from_slice(&body).expect("JSON");
    assert_eq!(body["data"]["paths"].as_array().map(Vec::len), Some(20));
}

#[test]
fn an_id_follows_from_what_happened_and_where_it_goes() {
    assert_eq!(event(1).id("hook"), event(1).id("hook"));
    assert!(event(1).id("hook").starts_with("msg_") && event(1).id("hook").len() == 36);
    let other = crate::notify::event::Event { kind: schemas::EventType::RunMissed, ..event(1) };
    let ids = BTreeSet::from([event(1).id("hook"), event(2).id("hook"), event(1).id("archive"), other.id("hook")]);
    assert_eq!(ids.len(), 4);
}

#[test]
fn a_message_is_tried_ten_times_within_about_three_days() {
    let begun = at("2026-03-29T04:00:00Z");
    let seconds = [5.0, 300.0, 1_800.0, 7_200.0, 18_000.0, 36_000.0, 50_400.0, 72_000.0, 86_400.0];
    let mut spread = BTreeSet::new();
    for number in 0..200 {
        let id = format!("msg_{number}");
        let mut now = begun;
        for (failed, wanted) in (1..).zip(seconds) {
            let next = next_try(&id, failed, now, None).expect("another attempt");
            assert_eq!(next_try(&id, failed, now, None), Some(next), "two runners draw alike");
            let waited = (next - now).num_milliseconds() as f64 / 1_000.0;
            assert!((wanted * 0.9..=wanted * 1.1).contains(&waited), "{waited} s after attempt {failed}");
            spread.insert((waited * 1_000.0 / wanted) as i64);
            now = next;
        }
        assert_eq!(next_try(&id, 10, now, None), None, "the tenth attempt is the last");
        let hours = (now - begun).num_minutes() as f64 / 60.0;
        assert!((68.0..=83.2).contains(&hours), "{hours} h");
    }
    assert!(spread.len() > 100, "not all at the same moment");
}

#[test]
fn a_receiver_may_ask_to_be_left_alone_for_longer_and_not_for_ever() {
    let now = at("2026-03-29T04:00:00Z");
    for (given, seconds) in [
        ("120", Some(120)),
        (" 120 ", Some(120)),
        ("0", Some(0)),
        ("999999999999999999999", Some(86_400)),
        ("172800", Some(86_400)),
        ("Sun, 29 Mar 2026 04:10:00 GMT", Some(600)),
        ("Sun, 29 Mar 2026 03:10:00 GMT", Some(0)),
        ("Sun, 29 Mar 2099 03:10:00 GMT", Some(86_400)),
        ("soon", None),
        ("-5", None),
        ("", None),
    ] {
        assert_eq!(retry_after(given, now), seconds.map(TimeDelta::seconds), "{given:?}");
    }
    let tried = |ask| (next_try("msg_1", 1, now, Some(TimeDelta::seconds(ask))).expect("another") - now).num_seconds();
    assert_eq!(tried(120), 120);
    assert!(tried(1) >= 4, "a short wait makes no attempt earlier");
    assert_eq!(tried(1_000_000), 86_400);
}

#[test]
fn within_any_minute_no_more_calls_are_begun_than_there_may_be() {
    for most in [1, 3, 60] {
        let (mut minute, mut now, mut begun) =
            (Minute::default(), at("2026-03-29T04:00:00Z"), Vec::<DateTime<Utc>>::new());
        for turn in 0_i64..2_000 {
            match minute.begin(now, most) {
                Ok(()) => begun.push(now),
                Err(at) => {
                    assert!(at > now, "it says when to come again");
                    assert_eq!(minute.clone().begin(at, most), Ok(()), "and then there is room");
                }
            }
            now += TimeDelta::milliseconds(turn * 7_919 % 4_000);
        }
        for first in &begun {
            let within = begun.iter().filter(|at| *at >= first && **at - *first < TimeDelta::seconds(60)).count();
            assert!(within <= most as usize, "{within} within a minute");
        }
        assert!(begun.len() > 60, "what waits is not forgotten");
    }
}

#[test]
fn calls_of_whoever_delivered_before_count_and_a_clock_that_goes_back_stops_nobody() {
    let now = at("2026-03-29T04:00:00Z");
    let mut minute = Minute::of([now - TimeDelta::seconds(30), now - TimeDelta::seconds(10)]);
    assert_eq!(minute.begin(now, 2), Err(now + TimeDelta::seconds(30)));
    assert_eq!(minute.begin(now - TimeDelta::hours(1), 2), Ok(()));
}

#[test]
fn what_is_usual_is_the_median_of_enough_successes() {
    let seconds = |all: &[u64]| all.iter().map(|one| Duration::from_secs(*one)).collect::<Vec<_>>();
    assert_eq!(median(seconds(&[1, 2, 3, 4])), None);
    assert_eq!(median(seconds(&[900, 10, 20, 30, 40])), Some(Duration::from_secs(30)));
}
