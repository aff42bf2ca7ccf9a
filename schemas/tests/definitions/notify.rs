//! Who is told what happens, as `lake.yaml` says it, and which addresses are called.

use schemas::{ChannelKind, EventType, NotifyChannel, SecretSource, check, why_not_public};

use crate::acme::{acme, with};

fn channels() -> Vec<NotifyChannel> {
    check(&acme()).expect("is right").notify
}

#[test]
fn a_channel_says_who_is_told_and_what() {
    let channels = channels();
    let names: Vec<&str> = channels.iter().map(|channel| channel.name.as_str()).collect();
    assert_eq!(names, ["archive", "lines", "security-webhook"]);
    assert_eq!(channels[0].to, ChannelKind::Folder("notifications/".to_owned()));
    assert_eq!(channels[1].to, ChannelKind::Stdout);
    let ChannelKind::Webhook(webhook) = &channels[2].to else { panic!("it has a url") };
    assert_eq!(webhook.url.as_str(), "https://hooks.acme.example/al");
    let secret = |name: &str| SecretSource::Env(name.to_owned());
    assert_eq!(webhook.secrets, [secret("AL_HOOK_NEW"), secret("AL_HOOK_OLD")]);
    assert_eq!((webhook.per_minute, webhook.body_hmac), (30, true));
    assert_eq!(webhook.ca.as_deref(), Some("keys/ca.pem"));
    for (address, is_allowed) in
        [("10.1.2.3", true), ("10.1.2.4", false), ("::ffff:10.1.2.3", true), ("fd00::1", true), ("fe80::1", false)]
    {
        assert_eq!(webhook.allows(address.parse().expect("an address")), is_allowed, "{address}");
    }
}

#[test]
fn what_is_left_out_has_a_default() {
    let short = with("lake.yaml", "    per_minute: 30\n    body_hmac: true", "    body_hmac: false");
    let channels = check(&short).expect("is right").notify;
    let ChannelKind::Webhook(webhook) = &channels[2].to else { panic!("it has a url") };
    assert_eq!((webhook.per_minute, webhook.body_hmac), (60, false));
}

#[test]
fn a_channel_takes_what_it_names_and_all_there_is_where_it_names_nothing() {
    let channels = channels();
    for event in EventType::ALL {
        assert!(channels[0].takes(*event), "no events are named, so {} goes there", event.as_str());
        assert!(channels[1].takes(*event), "* is every event, {} too", event.as_str());
        let is_named = ["run.failed", "run.missed", "alert.raised"].contains(&event.as_str());
        assert_eq!(channels[2].takes(*event), is_named, "{}", event.as_str());
        assert_eq!(EventType::parse(event.as_str()), Some(*event));
    }
}

/// Addresses, and why they are not called.
const ADDRESSES: &[(&str, Option<&str>)] = &[
    ("0.0.0.0", Some("unspecified")),
    ("0.1.2.3", Some("unspecified")),
    ("10.0.0.1", Some("private")),
    ("10.255.255.255", Some("private")),
    ("11.0.0.0", None),
    ("100.63.255.255", None),
    ("100.64.0.0", Some("behind a carrier's NAT")),
    ("100.127.255.255", Some("behind a carrier's NAT")),
    ("100.128.0.0", None),
    ("127.0.0.1", Some("loopback")),
    ("127.255.255.254", Some("loopback")),
    ("128.0.0.1", None),
    ("169.253.255.255", None),
    ("169.254.0.1", Some("link-local")),
    ("169.254.169.254", Some("link-local")),
    ("172.15.255.255", None),
    ("172.16.0.1", Some("private")),
    ("172.31.255.255", Some("private")),
    ("172.32.0.0", None),
    ("192.0.0.8", Some("reserved")),
    ("192.0.2.1", Some("reserved")),
    ("192.167.255.255", None),
    ("192.168.0.1", Some("private")),
    ("192.169.0.0", None),
    ("198.18.0.1", Some("reserved")),
    ("198.19.255.255", Some("reserved")),
    ("198.51.100.1", Some("reserved")),
    ("203.0.113.1", Some("reserved")),
    ("223.255.255.255", None),
    ("224.0.0.1", Some("multicast")),
    ("239.255.255.255", Some("multicast")),
    ("240.0.0.1", Some("reserved")),
    ("255.255.255.255", Some("reserved")),
    ("1.1.1.1", None),
    ("8.8.8.8", None),
    ("::", Some("unspecified")),
    ("::1", Some("loopback")),
    ("::7f00:1", Some("IPv4 in IPv6")),
    ("::ffff:127.0.0.1", Some("loopback")),
    ("::ffff:10.0.0.1", Some("private")),
    ("::ffff:169.254.169.254", Some("link-local")),
    ("::ffff:8.8.8.8", None),
    ("64:ff9b::7f00:1", Some("loopback")),
    ("64:ff9b::a9fe:a9fe", Some("link-local")),
    ("64:ff9b::808:808", None),
    ("64:ff9b:1::808:808", Some("translated to IPv4")),
    ("100::1", Some("reserved")),
    ("2001::1", Some("reserved")),
    ("2001:db8::1", Some("reserved")),
    ("2001:4860:4860::8888", None),
    ("2002:7f00:1::", Some("IPv4 in IPv6")),
    ("2606:4700::1111", None),
    ("3fff::1", Some("reserved")),
    ("4000::1", Some("reserved")),
    ("fc00::1", Some("unique local")),
    ("fdff::1", Some("unique local")),
    ("fe80::1", Some("link-local")),
    ("fec0::1", Some("private")),
    ("ff02::1", Some("multicast")),
];

#[test]
fn addresses_of_no_public_network_are_not_called() {
    for (address, why) in ADDRESSES {
        assert_eq!(why_not_public(address.parse().expect("an address")), *why, "{address}");
    }
}
