//! A mask, checked against its column.

use super::super::problem::Problems;
use super::super::raw_access::{RawMask, RawMaskKey};
use super::super::yaml::At;
use crate::access::{Mask, MaskKey, SecretSource};
use crate::table::{Column, ColumnType, Presence};

/// Words of masks.
const MASKS: [&str; 7] = ["nothing", "constant", "partial", "truncate_ip", "floor", "bucket", "pseudonym"];
/// Letters that partial may keep at either end.
const LETTERS_MAX: u32 = 64;

/// `column` is that of the schema, where it is known.
pub(super) fn build(given: &At<RawMask>, name: &str, column: Option<&Column>, problems: &mut Problems) -> Option<Mask> {
    let raw = &given.value;
    let mask = problems.keep(raw.mask.place, mask(raw))?;
    surplus(given, &mask, problems);
    if let Some(column) = column {
        problems.keep(raw.mask.place, fits(&mask, name, column))?;
    }
    Some(mask)
}

fn mask(raw: &RawMask) -> Result<Mask, String> {
    let lacks = |key: &str, example: &str| format!("mask {:?} needs {key}; add for example {example}", raw.mask.value);
    Ok(match raw.mask.value.as_str() {
        "nothing" => Mask::Null,
        "constant" => Mask::Constant(raw.value.clone().ok_or_else(|| lacks("value", "value: hidden"))?),
        "partial" => {
            let (first, last) = (raw.first.unwrap_or(0), raw.last.unwrap_or(0));
            if first == 0 && last == 0 {
                return Err(lacks("first or last", "last: 4"));
            }
            if first.max(last) > LETTERS_MAX {
                return Err(format!("mask \"partial\" keeps at most {LETTERS_MAX} letters at either end"));
            }
            Mask::Partial { first, last }
        }
        "truncate_ip" => Mask::TruncateIp,
        "floor" => Mask::Floor(raw.unit.ok_or_else(|| lacks("unit", "unit: day"))?),
        "bucket" => Mask::Bucket(raw.width.ok_or_else(|| lacks("width", "width: 1000"))?),
        "pseudonym" => {
            let RawMaskKey { id, secret } =
                raw.key.as_ref().ok_or_else(|| lacks("key", "key: {id: a26, secret: env:AL_A26}"))?;
            Mask::Pseudonym(MaskKey { id: MaskKey::id(&id.value)?, secret: SecretSource::parse(&secret.value)? })
        }
        other => {
            let near = super::super::nearest::nearest(other, MASKS);
            let offer = near.map_or_else(String::new, |near| format!(" did you mean \"{near}\"?"));
            return Err(format!("mask {other:?} does not exist;{offer} masks are: {}", MASKS.join(", ")));
        }
    })
}

/// Says which keys a mask has no use for.
fn surplus(given: &At<RawMask>, mask: &Mask, problems: &mut Problems) {
    let raw = &given.value;
    let keys = [
        ("value", raw.value.is_some(), matches!(mask, Mask::Constant(_))),
        ("first", raw.first.is_some(), matches!(mask, Mask::Partial { .. })),
        ("last", raw.last.is_some(), matches!(mask, Mask::Partial { .. })),
        ("unit", raw.unit.is_some(), matches!(mask, Mask::Floor(_))),
        ("width", raw.width.is_some(), matches!(mask, Mask::Bucket(_))),
        ("key", raw.key.is_some(), matches!(mask, Mask::Pseudonym(_))),
    ];
    for (key, _, _) in keys.into_iter().filter(|(_, is_given, is_used)| *is_given && !is_used) {
        problems.add(given.place, format!("mask {:?} has no use for {key}; leave it out", mask.as_str()));
    }
}

fn fits(mask: &Mask, name: &str, column: &Column) -> Result<(), String> {
    let kind = column.kind;
    let is_fit = match mask {
        Mask::Null if column.presence == Presence::Required => {
            return Err(format!("column \"{name}\" is never null, so mask \"nothing\" would change it; use constant"));
        }
        Mask::Null => true,
        Mask::Constant(_) | Mask::Partial { .. } | Mask::TruncateIp | Mask::Pseudonym(_) => kind == ColumnType::Str,
        Mask::Floor(_) => kind == ColumnType::Ts,
        Mask::Bucket(_) => matches!(kind, ColumnType::I16 | ColumnType::I32 | ColumnType::I64),
    };
    let wanted = match mask {
        Mask::Floor(_) => "ts",
        Mask::Bucket(_) => "i16, i32 or i64",
        _ => "str",
    };
    if is_fit {
        Ok(())
    } else {
        let mask = mask.as_str();
        Err(format!(
            "column \"{name}\" is of type {}, and mask {mask:?} is for {wanted}; use nothing, or hide it",
            kind.name()
        ))
    }
}
