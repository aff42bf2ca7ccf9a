//! `notify:` of `lake.yaml`, checked.

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::IpNet;
use url::{Host, Url};

use super::nearest::nearest;
use super::place::{location_fault, overlaps};
use super::problem::{Place, Problems};
use super::raw_notify::RawChannel;
use super::surroundings::Surroundings;
use super::yaml::At;
use crate::access::SecretSource;
use crate::id::name;
use crate::notify::{ChannelKind, EventPattern, EventType, NotifyChannel, Webhook, why_not_public};

/// Channels of one lake: one event is written once for each.
const CHANNELS_MAX: usize = 100;
/// Secrets of one channel: each is a signature in a header.
const SECRETS_MAX: usize = 8;
/// Calls a minute where a channel says nothing.
const PER_MINUTE: u32 = 60;

pub(super) fn build(
    raw: At<BTreeMap<String, At<RawChannel>>>,
    around: &Surroundings,
    problems: &mut Problems,
) -> Vec<NotifyChannel> {
    if raw.value.len() > CHANNELS_MAX {
        let message = format!("notify has {} channels; name at most {CHANNELS_MAX}", raw.value.len());
        problems.add(raw.place, message);
    }
    let mut channels: Vec<NotifyChannel> = Vec::new();
    for (given, At { value: raw, place }) in raw.value {
        let name = problems.keep(place, name("channel", &given));
        let events = raw.events.as_ref().map(|listed| events(listed, problems));
        let to = match (&raw.url, &raw.to) {
            (Some(_), Some(to)) => {
                problems.add(
                    to.place,
                    format!(
                        "channel {given:?} has both url and to; keep one, and write the other as a channel of its own"
                    ),
                );
                None
            }
            (Some(url), None) => webhook(&given, url, &raw, problems).map(ChannelKind::Webhook),
            (None, Some(to)) => {
                only_of_calls(&given, &raw, problems);
                problems.keep(to.place, elsewhere(&to.value, &channels, around))
            }
            (None, None) => None,
        };
        if let (Some(name), Some(to)) = (name, to) {
            channels.push(NotifyChannel { name, to, events });
        }
    }
    channels
}

/// What is said of a channel that calls nobody, and is about calls.
fn only_of_calls(channel: &str, raw: &RawChannel, problems: &mut Problems) {
    let places = [
        ("secrets", raw.secrets.as_ref().map(|given| given.place)),
        ("per_minute", raw.per_minute.as_ref().map(|given| given.place)),
        ("body_hmac", raw.body_hmac.as_ref().map(|given| given.place)),
        ("allow_addresses", raw.allow_addresses.as_ref().map(|given| given.place)),
        ("ca", raw.ca.as_ref().map(|given| given.place)),
    ];
    for (key, place) in places.into_iter().filter_map(|(key, place)| Some((key, place?))) {
        problems.add(place, format!("{key} is of channels with a url, and channel {channel:?} has none; leave it out"));
    }
}

/// A folder in the store, or standard output.
fn elsewhere(to: &str, others: &[NotifyChannel], around: &Surroundings) -> Result<ChannelKind, String> {
    if to == "stdout" {
        return match others.iter().find(|other| other.to == ChannelKind::Stdout) {
            Some(other) => Err(format!("to \"stdout\" is channel \"{}\" already; keep one", other.name)),
            None => Ok(ChannelKind::Stdout),
        };
    }
    if let Some(fault) = location_fault(to) {
        return Err(format!("to {to:?} {fault}"));
    }
    let datasets = around.datasets.iter().map(|(dataset, _)| dataset).filter(|dataset| dataset.elsewhere.is_none());
    for dataset in datasets {
        if overlaps(to, &dataset.location) {
            return Err(format!(
                "to {to:?} overlaps {:?} of dataset \"{}\"; choose another folder",
                dataset.location, dataset.id
            ));
        }
    }
    let taken = others.iter().find(|other| matches!(&other.to, ChannelKind::Folder(folder) if overlaps(folder, to)));
    match taken {
        Some(other) => {
            Err(format!("to {to:?} overlaps that of channel \"{}\"; give each a folder of its own", other.name))
        }
        None => Ok(ChannelKind::Folder(to.to_owned())),
    }
}

fn webhook(channel: &str, url: &At<String>, raw: &RawChannel, problems: &mut Problems) -> Option<Webhook> {
    let before = problems.len();
    let parsed = problems.keep(url.place, endpoint(&url.value));
    let allow_addresses = raw.allow_addresses.as_ref().map(|listed| networks(listed, problems)).unwrap_or_default();
    let secrets = match &raw.secrets {
        Some(listed) => secrets(listed, problems),
        None => {
            let message = format!(
                "channel {channel:?} has a url and no secrets; add for example secrets: [env:AL_HOOK], whose value is whsec_ and base64 of 24 to 64 bytes"
            );
            problems.add(url.place, message);
            Vec::new()
        }
    };
    let ca = raw.ca.as_ref().and_then(|given| problems.keep(given.place, authorities(&given.value)));
    let webhook = Webhook {
        url: parsed?,
        secrets,
        per_minute: raw.per_minute.as_ref().map_or(PER_MINUTE, |given| given.value),
        body_hmac: raw.body_hmac.as_ref().is_some_and(|given| given.value),
        allow_addresses,
        ca,
    };
    if let Some(why) = address_of(&webhook.url).filter(|address| !webhook.allows(*address)).and_then(why_not_public) {
        let message = format!(
            "url {:?} is an address that is not called: it is {why}; name it in allow_addresses if it is meant",
            url.value
        );
        problems.add(url.place, message);
    }
    (problems.len() == before).then_some(webhook)
}

/// The address, of a URL that names one.
fn address_of(url: &Url) -> Option<IpAddr> {
    match url.host()? {
        Host::Ipv4(four) => Some(four.into()),
        Host::Ipv6(six) => Some(six.into()),
        Host::Domain(_) => None,
    }
}

fn endpoint(given: &str) -> Result<Url, String> {
    let example = "for example https://hooks.acme.example/auditlake";
    let url = Url::parse(given).map_err(|why| format!("url {given:?} is none ({why}); write one, {example}"))?;
    let why = match () {
        () if url.scheme() != "https" => {
            "does not begin with https://, and what is sent is nobody else's to read; write https://"
        }
        () if !url.username().is_empty() || url.password().is_some() => {
            "has a user or a password in it; leave them out, because calls are signed"
        }
        () if url.fragment().is_some() => "has a # in it, which is sent to nobody; leave out what follows it",
        () if url.port() == Some(0) => "names port 0, on which nobody listens; leave it out, or write the right one",
        () => return Ok(url),
    };
    // What stands before an @ may be a password, and is not repeated.
    let shown = if given.contains('@') { String::new() } else { format!(" {given:?}") };
    Err(format!("url{shown} {why}, {example}"))
}

fn networks(listed: &At<Vec<At<String>>>, problems: &mut Problems) -> Vec<IpNet> {
    let network = |given: &At<String>| {
        let read = given.value.parse::<IpNet>().ok().or_else(|| given.value.parse::<IpAddr>().ok().map(IpNet::from));
        let network = read.ok_or_else(|| {
            format!(
                "allow_addresses {:?} is neither an address nor a network; write for example 10.1.2.3/32",
                given.value
            )
        });
        let exact = network.and_then(|network| match network.addr() == network.network() {
            true => Ok(network),
            false => Err(format!(
                "allow_addresses {:?} has more than its network in it; write {}",
                given.value,
                network.trunc()
            )),
        });
        problems.keep(given.place, exact)
    };
    listed.value.iter().filter_map(network).collect()
}

fn secrets(listed: &At<Vec<At<String>>>, problems: &mut Problems) -> Vec<SecretSource> {
    match listed.value.len() {
        0 => problems.add(listed.place, "secrets is empty; name one, for example env:AL_HOOK"),
        1..=SECRETS_MAX => {}
        many => problems.add(listed.place, format!("secrets has {many} entries; name at most {SECRETS_MAX}")),
    }
    let mut secrets: Vec<SecretSource> = Vec::new();
    for At { value: given, place } in &listed.value {
        match SecretSource::parse(given) {
            // What stands there may be the secret itself, and is not repeated.
            Err(why) => problems.add(*place, why.replacen("secret ", "an entry of secrets ", 1)),
            Ok(source) if secrets.contains(&source) => {
                problems.add(*place, format!("secrets names {given:?} twice; keep one"));
            }
            Ok(source) => secrets.push(source),
        }
    }
    secrets
}

fn authorities(given: &str) -> Result<String, String> {
    match given.strip_prefix("file:") {
        Some(path) if !path.is_empty() => Ok(path.to_owned()),
        _ => Err(format!("ca {given:?} is not a file; write file: and its path: file:keys/ca.pem")),
    }
}

fn events(listed: &At<Vec<At<String>>>, problems: &mut Problems) -> Vec<EventPattern> {
    if listed.value.is_empty() {
        problems
            .add(listed.place, "events is empty, so nobody would be told anything; name some, or leave it out for all");
    }
    listed.value.iter().filter_map(|given| event(&given.value, given.place, problems)).collect()
}

fn event(given: &str, place: Place, problems: &mut Problems) -> Option<EventPattern> {
    let names = || EventType::ALL.iter().map(|event| event.as_str());
    let pattern = match given.split_once('*') {
        Some((prefix, "")) if names().any(|name| name.starts_with(prefix)) => {
            return Some(EventPattern::Prefix(prefix.to_owned()));
        }
        Some((_, "")) => Err("begins no name of an event"),
        Some(_) => Err("has a * that does not end it"),
        None => EventType::parse(given).map(EventPattern::Name).ok_or("is no event"),
    };
    let told = pattern.map_err(|why| {
        let near = nearest(given.trim_end_matches('*'), names());
        let offer = near.map(|near| format!("did you mean {near:?}?"));
        let offer = offer.unwrap_or_else(|| format!("events are: {}", names().collect::<Vec<_>>().join(", ")));
        format!("events {given:?} {why}; {offer}")
    });
    problems.keep(place, told)
}
