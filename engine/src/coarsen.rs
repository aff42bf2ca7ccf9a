//! Values made coarser, so that they say less: addresses to networks, instants to the start of their hour, day, month or year.
//!
//! What is coarse stays as it is the second time. Absent: columns; these are single values.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use chrono::{DateTime, Datelike, NaiveDate, Timelike, Utc};
use schemas::FloorUnit;

/// The first bits of an address, the others zero; an IPv4 address in IPv6 clothes is IPv4. None of what is no address.
pub(crate) fn network(text: &str, v4_bits: u8, v6_bits: u8) -> Option<String> {
    Some(match text.trim().parse::<IpAddr>().ok()?.to_canonical() {
        IpAddr::V4(address) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(v4_bits.min(32))).unwrap_or_default();
            Ipv4Addr::from_bits(address.to_bits() & mask).to_string()
        }
        IpAddr::V6(address) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(v6_bits.min(128))).unwrap_or_default();
            Ipv6Addr::from_bits(address.to_bits() & mask).to_string()
        }
    })
}

/// The start of the unit in UTC that an instant lies in, in microseconds since the epoch; none where that is no instant.
pub(crate) fn floor(micros: i64, unit: FloorUnit) -> Option<i64> {
    let at: DateTime<Utc> = DateTime::from_timestamp_micros(micros)?;
    let (month, day) = match unit {
        FloorUnit::Hour | FloorUnit::Day => (at.month(), at.day()),
        FloorUnit::Month => (at.month(), 1),
        FloorUnit::Year => (1, 1),
    };
    let hour = if unit == FloorUnit::Hour { at.hour() } else { 0 };
    Some(NaiveDate::from_ymd_opt(at.year(), month, day)?.and_hms_opt(hour, 0, 0)?.and_utc().timestamp_micros())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_becomes_its_network_and_anything_else_nothing() {
        let of = |text| network(text, 24, 48);
        assert_eq!(of("203.0.113.77").as_deref(), Some("203.0.113.0"));
        assert_eq!(of("2001:db8:1:2::3").as_deref(), Some("2001:db8:1::"));
        assert_eq!(of("::ffff:203.0.113.77").as_deref(), Some("203.0.113.0"));
        assert_eq!(of("not an address"), None);
        assert_eq!(of("203.0.113.77:443"), None);
        assert_eq!(network("203.0.113.77", 0, 0).as_deref(), Some("0.0.0.0"));
        assert_eq!(network("203.0.113.77", 32, 128).as_deref(), Some("203.0.113.77"));
        assert_eq!(network("2001:db8::1", 0, 0).as_deref(), Some("::"));
    }

    #[test]
    fn a_floor_is_not_above_the_value_and_never_fails() {
        let at = |text: &str| schemas::parse_rfc3339(text).expect("is an instant").timestamp_micros();
        assert_eq!(floor(at("2026-03-29T04:05:06.7Z"), FloorUnit::Hour), Some(at("2026-03-29T04:00:00Z")));
        assert_eq!(floor(at("2026-03-29T04:05:06Z"), FloorUnit::Month), Some(at("2026-03-01T00:00:00Z")));
        assert_eq!(floor(at("1969-12-31T23:59:59Z"), FloorUnit::Year), Some(at("1969-01-01T00:00:00Z")));
        assert!(floor(i64::MIN, FloorUnit::Year).is_none_or(|floor| floor < 0));
    }
}
