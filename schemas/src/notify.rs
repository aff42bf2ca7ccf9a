//! Who is told what happens: `notify:` of `lake.yaml`, checked.
//!
//! Absent: secrets themselves, of which only the place stands here; and what happens, which records of the lake say.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use url::Url;

use crate::access::SecretSource;

/// Declares the events, so that the list is the one place that knows all of them.
macro_rules! event_types {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// What may happen. Events of features that are not built are names that a definition may use, and nothing raises.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum EventType {
            $($(#[$doc])* $variant,)*
        }

        impl EventType {
            /// Every one, in the order of the guide.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Its name in definitions; with `auditlake.` before it, the type of a CloudEvent.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }
    };
}

event_types! {
    /// A run was committed for the first time.
    RunSucceeded = "run.succeeded",
    /// A run failed and is not tried again by itself.
    RunFailed = "run.failed",
    /// An interval was not computed.
    RunMissed = "run.missed",
    /// An attempt takes long.
    RunSlow = "run.slow",
    /// Somebody stopped a run.
    RunCancelled = "run.cancelled",
    /// A committed run was computed anew.
    RunRevised = "run.revised",
    /// Somebody paused a schedule.
    SchedulePaused = "schedule.paused",
    /// Somebody resumed a schedule.
    ScheduleResumed = "schedule.resumed",
    /// No rows came for too long.
    DatasetLate = "dataset.late",
    /// A file has other bytes than when it was read.
    DatasetFileChanged = "dataset.file_changed",
    /// An export can be collected.
    ExportReady = "export.ready",
    /// A request was refused.
    ExportRejected = "export.rejected",
    /// A request could not be answered.
    ExportFailed = "export.failed",
    /// The time of an answer is over.
    ExportExpired = "export.expired",
    /// A report found what the one before did not.
    FindingOpened = "finding.opened",
    /// A report no longer found what the one before did, or somebody decided so.
    FindingResolved = "finding.resolved",
    /// A detector raised an alert.
    AlertRaised = "alert.raised",
    /// An objective may be missed.
    SlaAtRisk = "sla.at_risk",
    /// An objective was missed.
    SlaMissed = "sla.missed",
    /// A credit is due.
    SlaCreditDue = "sla.credit_due",
    /// A quota is nearly used.
    QuotaWarned = "quota.warned",
    /// A quota is used.
    QuotaExceeded = "quota.exceeded",
    /// A retention plan waits for somebody to agree.
    RetentionApprovalNeeded = "retention.approval_needed",
    /// A retention plan was carried out.
    RetentionApplied = "retention.applied",
    /// A legal hold was placed.
    HoldPlaced = "hold.placed",
    /// A legal hold was released.
    HoldReleased = "hold.released",
    /// The answer to a person is due within days.
    SubjectDueSoon = "subject.due_soon",
    /// The case of a person is over.
    SubjectClosed = "subject.closed",
    /// A verification found that something is wrong.
    VerifyFailed = "verify.failed",
    /// The evidence log was signed.
    EvidenceCheckpoint = "evidence.checkpoint",
    /// A notification could not be delivered.
    NotifyDead = "notify.dead",
}

impl EventType {
    /// The one of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|event| event.as_str() == name)
    }
}

/// A way in which somebody is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotifyChannel {
    /// Its name.
    pub name: String,
    /// How.
    pub to: ChannelKind,
    /// What it is told; all there is where it names none.
    pub events: Option<Vec<EventPattern>>,
}

impl NotifyChannel {
    /// Whether an event goes there.
    pub fn takes(&self, event: EventType) -> bool {
        self.events.as_ref().is_none_or(|patterns| patterns.iter().any(|pattern| pattern.matches(event)))
    }
}

/// How somebody is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChannelKind {
    /// By a call.
    Webhook(Webhook),
    /// By a file for each event, in this folder of the store.
    Folder(String),
    /// By a line on standard output.
    Stdout,
}

impl ChannelKind {
    /// The word for it.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Webhook(_) => "webhook",
            Self::Folder(_) => "folder",
            Self::Stdout => "stdout",
        }
    }
}

/// An endpoint that is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// Where: `https`, a host, no user and no fragment.
    pub url: Url,
    /// Secrets that sign, the newest first; one signature each.
    pub secrets: Vec<SecretSource>,
    /// Calls within any 60 seconds at most.
    pub per_minute: u32,
    /// Whether `x-auditlake-signature` is sent as well.
    pub body_hmac: bool,
    /// Addresses that may be called although they lie in no public network.
    pub allow_addresses: Vec<IpNet>,
    /// PEM file with the authorities that its certificate is checked against; those of the machine where there is none. The path is
    /// relative to the folder of `lake.yaml`, or absolute.
    pub ca: Option<String>,
}

impl Webhook {
    /// Whether an address may be called although it lies in no public network.
    pub fn allows(&self, address: IpAddr) -> bool {
        self.allow_addresses.iter().any(|network| network.contains(&address.to_canonical()))
    }
}

/// A name of events, or the beginning of names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventPattern {
    /// This one.
    Name(EventType),
    /// Every one whose name begins so; empty, and it is every one.
    Prefix(String),
}

impl EventPattern {
    /// Whether it means an event.
    pub fn matches(&self, event: EventType) -> bool {
        match self {
            Self::Name(name) => *name == event,
            Self::Prefix(prefix) => event.as_str().starts_with(prefix.as_str()),
        }
    }
}

/// Why an address is not called unless a channel allows it: it is none of the public Internet (IANA's registries of addresses of
/// special purpose, RFC 6890). An address of IPv6 that leads to one of IPv4, mapped (RFC 4291) or translated (NAT64, RFC 6052), is
/// what that one is.
pub fn why_not_public(address: IpAddr) -> Option<&'static str> {
    let address = match address {
        IpAddr::V6(six) => four_in(six).map_or(address, IpAddr::V4),
        IpAddr::V4(_) => address,
    };
    let is_in = |network: &str| network.parse::<IpNet>().is_ok_and(|network| network.contains(&address));
    if let Some((_, why)) = NOT_PUBLIC.iter().find(|(network, _)| is_in(network)) {
        return Some(why);
    }
    // Of IPv6, nothing else is given out as unicast.
    (address.is_ipv6() && !is_in("2000::/3")).then_some("reserved")
}

/// The address of IPv4 that a packet to one of IPv6 ends at.
fn four_in(six: Ipv6Addr) -> Option<Ipv4Addr> {
    let [.., a, b, c, d] = six.octets();
    let is_translated = matches!(six.segments(), [0x64, 0xff9b, 0, 0, 0, 0, _, _]);
    six.to_ipv4_mapped().or_else(|| is_translated.then(|| Ipv4Addr::new(a, b, c, d)))
}

/// Networks that are not called, and what they are.
const NOT_PUBLIC: &[(&str, &str)] = &[
    ("0.0.0.0/8", "unspecified"),
    ("10.0.0.0/8", "private"),
    ("100.64.0.0/10", "behind a carrier's NAT"),
    ("127.0.0.0/8", "loopback"),
    ("169.254.0.0/16", "link-local"),
    ("172.16.0.0/12", "private"),
    ("192.0.0.0/24", "reserved"),
    ("192.0.2.0/24", "reserved"),
    ("192.88.99.0/24", "reserved"),
    ("192.168.0.0/16", "private"),
    ("198.18.0.0/15", "reserved"),
    ("198.51.100.0/24", "reserved"),
    ("203.0.113.0/24", "reserved"),
    ("224.0.0.0/4", "multicast"),
    ("240.0.0.0/4", "reserved"),
    ("::/128", "unspecified"),
    ("::1/128", "loopback"),
    ("::ffff:0:0:0/96", "IPv4 in IPv6"),
    ("::/96", "IPv4 in IPv6"),
    ("64:ff9b:1::/48", "translated to IPv4"),
    ("100::/64", "reserved"),
    ("2001::/23", "reserved"),
    ("2001:db8::/32", "reserved"),
    ("2002::/16", "IPv4 in IPv6"),
    ("3fff::/20", "reserved"),
    ("fc00::/7", "unique local"),
    ("fe80::/10", "link-local"),
    ("fec0::/10", "private"),
    ("ff00::/8", "multicast"),
];
