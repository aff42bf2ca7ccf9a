//! The method of a column.

use super::super::problem::{Place, Problems};
use super::super::raw_anonymize::{RawCopyColumn, RawCopyKey};
use super::super::yaml::At;
use super::super::{duration, later, nearest};
use super::column::Columns;
use crate::access::{FloorUnit, MaskKey, SecretSource};
use crate::anonymize::{CopyMethod, HierarchySource};

/// The word for values that stay as they are.
const KEEP: &str = "keep";
/// Words of methods.
const METHODS: [&str; 15] = [
    KEEP,
    "drop",
    "redact",
    "constant",
    "mask",
    "pseudonym",
    "fpe",
    "floor",
    "shift",
    "bucket",
    "round",
    "clamp",
    "truncate_ip",
    "grid",
    "hierarchy",
];
/// Most characters that mask keeps.
const KEEP_MAX: u32 = 64;
/// Bits of an IPv4 address that stay unless the policy says otherwise.
const V4_DEFAULT: u8 = 24;
/// Bits of an IPv6 address that stay unless the policy says otherwise.
const V6_DEFAULT: u8 = 48;
/// Alphabets that have a name.
const ALPHABETS: [(&str, &str); 6] = [
    ("digits", "0123456789"),
    ("hex", "0123456789abcdef"),
    ("lower", "abcdefghijklmnopqrstuvwxyz"),
    ("upper", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
    ("letters", "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"),
    ("alphanumeric", "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"),
];

pub(super) fn build(
    raw: &RawCopyColumn,
    place: Place,
    (columns, ladder): (Columns<'_>, Option<HierarchySource>),
    problems: &mut Problems,
) -> Option<CopyMethod> {
    let given = raw.method.as_ref()?;
    if given.value == KEEP {
        surplus_without(raw, place, problems);
        return None;
    }
    let before = problems.len();
    let made = method(raw, &given.value, (columns, ladder), problems);
    let made = match made {
        Err(_) if problems.len() > before => None,
        made => problems.keep(given.place, made),
    }?;
    surplus(raw, place, Some(&made), problems);
    Some(made)
}

/// Says which keys are there for a method that is not.
pub(super) fn surplus_without(raw: &RawCopyColumn, place: Place, problems: &mut Problems) {
    surplus(raw, place, None, problems);
}

fn method(
    raw: &RawCopyColumn,
    given: &str,
    (columns, ladder): (Columns<'_>, Option<HierarchySource>),
    problems: &mut Problems,
) -> Result<CopyMethod, String> {
    let lacks = |key: &str, example: &str| format!("method {given:?} needs {key}; add for example {example}");
    let a_number = |key: &str, of: &Option<At<String>>, example: &str, problems: &mut Problems| {
        let of = of.as_ref().ok_or_else(|| lacks(key, example))?;
        number(key, of, problems).ok_or_else(String::new)
    };
    let above_zero = |key: &str, value: f64| {
        if value > 0.0 { Ok(value) } else { Err(format!("{key} {value} is not above 0; write for example 10")) }
    };
    Ok(match given {
        "drop" => CopyMethod::Drop,
        "redact" => CopyMethod::Redact,
        "constant" => {
            CopyMethod::Constant { value: raw.value.clone().ok_or_else(|| lacks("value", "value: anonymous"))? }
        }
        "mask" => {
            let (keep, last) = kept(raw.first, raw.last).ok_or_else(|| lacks("first or last", "last: 4"))??;
            CopyMethod::Mask { keep, last }
        }
        "pseudonym" => CopyMethod::Pseudonym {
            key: key(raw.key.as_ref().ok_or_else(|| lacks("key", "key: {id: p26, secret: env:AL_P26}"))?)?,
            purpose: purpose(raw.purpose.as_ref(), columns.purpose)?,
        },
        "fpe" => CopyMethod::Fpe {
            key: key(raw.key.as_ref().ok_or_else(|| lacks("key", "key: {id: f26, secret: env:AL_F26}"))?)?,
            alphabet: alphabet(raw.alphabet.as_ref().ok_or_else(|| lacks("alphabet", "alphabet: digits"))?)?,
        },
        "floor" => CopyMethod::Floor { to: unit(raw.to.as_ref().ok_or_else(|| lacks("to", "to: day"))?)? },
        "shift" => {
            let within = raw.within.as_ref().ok_or_else(|| lacks("within", "within: 30d"))?;
            let subject = || columns.dataset.and_then(|dataset| dataset.subjects.first().cloned());
            CopyMethod::Shift {
                key: key(raw.key.as_ref().ok_or_else(|| lacks("key", "key: {id: s26, secret: env:AL_S26}"))?)?,
                by: raw
                    .by
                    .as_ref()
                    .map(|by| by.value.clone())
                    .or_else(subject)
                    .ok_or_else(|| lacks("by", "by: user_id"))?,
                within_seconds: duration::seconds("within", &within.value)?,
            }
        }
        "bucket" => {
            CopyMethod::Bucket { width: above_zero("width", a_number("width", &raw.width, "width: 10", problems)?)? }
        }
        "round" => CopyMethod::Round { to: above_zero("to", a_number("to", &raw.to, "to: 100", problems)?)? },
        "clamp" => clamp(raw, problems)?,
        "truncate_ip" => CopyMethod::TruncateIp { v4: raw.v4.unwrap_or(V4_DEFAULT), v6: raw.v6.unwrap_or(V6_DEFAULT) },
        "grid" => CopyMethod::Grid { decimals: raw.decimals.ok_or_else(|| lacks("decimals", "decimals: 2"))? },
        "hierarchy" => CopyMethod::Hierarchy {
            of: match (ladder, &raw.hierarchy) {
                (Some(ladder), _) => ladder,
                (None, None) => return Err(lacks("hierarchy", "hierarchy: {prefix: [5, 3, 0]}")),
                // Why there is none has been said.
                (None, Some(_)) => return Err(String::new()),
            },
            level: raw.level.ok_or_else(|| lacks("level", "level: 1"))?,
        },
        other => return Err(unknown(other)),
    })
}

fn unknown(given: &str) -> String {
    let methods = METHODS.join(", ");
    if let Some((_, instead)) = later::COPY_METHODS.iter().find(|(method, _)| *method == given) {
        return format!("method {given:?} is not in this version; {instead} (methods are: {methods})");
    }
    let offer = nearest::nearest(given, METHODS).map(|near| format!(" did you mean \"{near}\"?"));
    format!("method {given:?} does not exist;{} methods are: {methods}", offer.unwrap_or_default())
}

/// How many characters stay, and whether at the end; none where nobody says.
fn kept(first: Option<u32>, last: Option<u32>) -> Option<Result<(u32, bool), String>> {
    Some(match (first, last) {
        (Some(_), Some(_)) => Err("method \"mask\" keeps first or last; write one of them".to_owned()),
        (None | Some(0), None) | (None, Some(0)) => return None,
        (Some(keep), None) | (None, Some(keep)) if keep > KEEP_MAX => {
            Err(format!("method \"mask\" keeps {keep} characters; write at most {KEEP_MAX}"))
        }
        (Some(keep), None) => Ok((keep, false)),
        (None, Some(keep)) => Ok((keep, true)),
    })
}

fn key(raw: &RawCopyKey) -> Result<MaskKey, String> {
    Ok(MaskKey { id: MaskKey::id(&raw.id.value)?, secret: SecretSource::parse(&raw.secret.value)? })
}

fn purpose(given: Option<&At<String>>, default: &str) -> Result<String, String> {
    match given.map(|given| given.value.as_str()) {
        Some(given) if given.trim().is_empty() => Err("purpose is empty; write what the pseudonyms are for".to_owned()),
        given => Ok(given.unwrap_or(default).to_owned()),
    }
}

fn alphabet(given: &At<String>) -> Result<String, String> {
    if let Some((_, letters)) = ALPHABETS.iter().find(|(name, _)| *name == given.value) {
        return Ok((*letters).to_owned());
    }
    let letters: Vec<char> = given.value.chars().collect();
    let mut once = letters.clone();
    once.sort_unstable();
    once.dedup();
    if once.len() < letters.len() || letters.len() < 2 {
        let names: Vec<&str> = ALPHABETS.iter().map(|(name, _)| *name).collect();
        return Err(format!(
            "alphabet {:?} is neither a name nor two or more characters, each once; names are: {}",
            given.value,
            names.join(", ")
        ));
    }
    Ok(given.value.clone())
}

fn unit(given: &At<String>) -> Result<FloorUnit, String> {
    let units = [FloorUnit::Hour, FloorUnit::Day, FloorUnit::Month, FloorUnit::Year];
    let found = units.into_iter().find(|unit| unit.as_str() == given.value);
    found.ok_or_else(|| format!("to {:?} is no unit; write hour, day, month or year", given.value))
}

fn clamp(raw: &RawCopyColumn, problems: &mut Problems) -> Result<CopyMethod, String> {
    let before = problems.len();
    let min = raw.min.as_ref().and_then(|min| number("min", min, problems));
    let max = raw.max.as_ref().and_then(|max| number("max", max, problems));
    if problems.len() > before {
        return Err(String::new());
    }
    match (min, max) {
        (None, None) => Err("method \"clamp\" needs min or max; add for example max: 90".to_owned()),
        (Some(min), Some(max)) if min > max => {
            Err(format!("min {min} is above max {max}; write the smaller one as min"))
        }
        (min, max) => Ok(CopyMethod::Clamp { min, max }),
    }
}

/// A finite number; `key` is what messages call it.
pub(super) fn number(key: &str, given: &At<String>, problems: &mut Problems) -> Option<f64> {
    match given.value.parse::<f64>() {
        Ok(number) if number.is_finite() => Some(number),
        _ => {
            problems.add(given.place, format!("{key} {:?} is no number; write for example 10 or 0.5", given.value));
            None
        }
    }
}

/// Says which keys a method has no use for.
fn surplus(raw: &RawCopyColumn, place: Place, method: Option<&CopyMethod>, problems: &mut Problems) {
    let is_kept = raw.method.as_ref().is_some_and(|given| given.value == KEEP);
    let word = method.map(CopyMethod::as_str).or(is_kept.then_some(KEEP));
    let keys: [(&str, bool, &[&str]); 16] = [
        ("level", raw.level.is_some(), &["hierarchy"]),
        ("key", raw.key.is_some(), &["pseudonym", "fpe", "shift"]),
        ("purpose", raw.purpose.is_some(), &["pseudonym"]),
        ("alphabet", raw.alphabet.is_some(), &["fpe"]),
        ("value", raw.value.is_some(), &["constant"]),
        ("first", raw.first.is_some(), &["mask"]),
        ("last", raw.last.is_some(), &["mask"]),
        ("to", raw.to.is_some(), &["floor", "round"]),
        ("by", raw.by.is_some(), &["shift"]),
        ("within", raw.within.is_some(), &["shift"]),
        ("width", raw.width.is_some(), &["bucket"]),
        ("min", raw.min.is_some(), &["clamp"]),
        ("max", raw.max.is_some(), &["clamp"]),
        ("v4", raw.v4.is_some(), &["truncate_ip"]),
        ("v6", raw.v6.is_some(), &["truncate_ip"]),
        ("decimals", raw.decimals.is_some(), &["grid"]),
    ];
    for (key, _, methods) in
        keys.into_iter().filter(|(_, is_given, methods)| *is_given && !word.is_some_and(|word| methods.contains(&word)))
    {
        let message = match word {
            Some(word) => format!("method {word:?} has no use for {key}; leave it out"),
            None => format!("{key} is of method {}; add method:, or leave it out", methods.join(" or ")),
        };
        problems.add(place, message);
    }
}
