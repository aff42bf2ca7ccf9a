//! How the values of a column become coarser: a file, prefixes, or widths.

use super::super::problem::Problems;
use super::super::raw_anonymize::{RawHierarchy, RawLevels};
use super::super::yaml::At;
use crate::anonymize::HierarchySource;

/// Most levels of a hierarchy.
const LEVELS_MAX: usize = 64;

pub(super) fn build(given: &At<RawHierarchy>, problems: &mut Problems) -> Option<HierarchySource> {
    problems.keep(given.place, source(&given.value))
}

fn source(raw: &RawHierarchy) -> Result<HierarchySource, String> {
    match raw {
        RawHierarchy::Path(path) => match path.strip_prefix("file:") {
            Some(path) => file(path, None),
            None => Err(format!(
                "hierarchy {path:?} does not say where it is; write for example file:hierarchies/age.csv, or {{prefix: \
                 [5, 3, 0]}}"
            )),
        },
        RawHierarchy::Levels(RawLevels { file: Some(path), unknown, prefix: None, width: None }) => {
            file(path.strip_prefix("file:").unwrap_or(path), unknown.as_deref())
        }
        RawHierarchy::Levels(RawLevels { file: None, unknown: None, prefix: Some(lengths), width: None }) => {
            prefix(lengths)
        }
        RawHierarchy::Levels(RawLevels { file: None, unknown: None, prefix: None, width: Some(widths) }) => {
            width(widths)
        }
        RawHierarchy::Levels(RawLevels { file: None, unknown: Some(_), .. }) => {
            Err("unknown is about values that a file lacks; leave it out".to_owned())
        }
        RawHierarchy::Levels(_) => {
            Err("hierarchy is one of file, prefix and width; write one of them, for example {prefix: [5, 3, 0]}"
                .to_owned())
        }
    }
}

fn file(path: &str, unknown: Option<&str>) -> Result<HierarchySource, String> {
    if path.is_empty() {
        return Err("hierarchy names no file; write for example file:hierarchies/age.csv".to_owned());
    }
    match unknown {
        None => Ok(HierarchySource::File { path: path.to_owned(), unknown: false }),
        Some("*") => Ok(HierarchySource::File { path: path.to_owned(), unknown: true }),
        Some(other) => Err(format!("unknown {other:?} does not exist; write \"*\", or leave it out")),
    }
}

/// The first length need not be the whole value: what is shorter than a length stays.
fn prefix(lengths: &[u32]) -> Result<HierarchySource, String> {
    let falls = lengths.windows(2).all(|pair| matches!(pair, [one, next] if next < one));
    if lengths.is_empty() || lengths.len() > LEVELS_MAX || !falls {
        return Err("prefix lists lengths, each shorter than the one before; write for example [5, 3, 2, 0]".to_owned());
    }
    Ok(HierarchySource::Prefix(lengths.to_vec()))
}

/// Each width is a multiple of the one before, so that an interval lies in one of the next level.
fn width(widths: &[u64]) -> Result<HierarchySource, String> {
    let nests = widths.windows(2).all(|pair| matches!(pair, [one, next] if next > one && next % one.max(&1) == 0));
    if widths.is_empty() || widths.len() > LEVELS_MAX || widths.contains(&0) || !nests {
        return Err("width lists widths, each a multiple of the one before; write for example [5, 10, 20]".to_owned());
    }
    if widths.iter().any(|width| i64::try_from(*width).is_err()) {
        return Err("a width is larger than every number; leave it out".to_owned());
    }
    Ok(HierarchySource::Width(widths.to_vec()))
}
