//! Paths as listings give them and records keep them.

use object_store::path::Path;

/// The object of a path that a listing gave or a record has, in which nothing is to be encoded any more: `tenant=a%2Fb` is
/// that folder. [`Path::from`] would encode it once more and name another object. What is no path, such as `a/../b`,
/// names nothing that was ever written.
///
/// ```
/// assert_eq!(engine::recorded_path("usage/tenant=a%2Fb/x.parquet").as_ref(), "usage/tenant=a%2Fb/x.parquet");
/// ```
pub fn recorded_path(path: &str) -> Path {
    Path::parse(path).unwrap_or_else(|_| Path::from(path))
}
