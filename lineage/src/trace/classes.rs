//! What each function leaves of its arguments, by name.

use std::collections::BTreeMap;

use schemas::FunctionClass;

/// Every function that is not [`FunctionClass::Carry`]. SQL's own `floor` and `round` are no masks: they carry. Those
/// of anonymized copies are called `floor_to` and `round_to`.
const LISTED: [(FunctionClass, &[&str]); 6] = [
    (
        FunctionClass::Pseudonymise,
        &["pseudonym", "fpe", "seal", "md5", "sha224", "sha256", "sha384", "sha512", "digest"],
    ),
    (
        FunctionClass::Mask,
        &["mask", "truncate_ip", "grid", "shift", "bucket", "clamp", "hierarchy", "floor_to", "round_to"],
    ),
    (
        FunctionClass::Measure,
        &[
            "sum",
            "avg",
            "var",
            "var_pop",
            "stddev",
            "stddev_pop",
            "covar_samp",
            "covar_pop",
            "corr",
            "regr_slope",
            "regr_intercept",
            "regr_r2",
            "regr_avgx",
            "regr_avgy",
            "regr_sxx",
            "regr_syy",
            "regr_sxy",
            "bool_and",
            "bool_or",
        ],
    ),
    (FunctionClass::Count, &["count", "approx_distinct", "regr_count"]),
    (
        FunctionClass::Pick,
        &[
            "min",
            "max",
            "first_value",
            "last_value",
            "nth_value",
            "any_value",
            "median",
            "approx_median",
            "percentile_cont",
            "approx_percentile_cont",
            "approx_percentile_cont_with_weight",
            "latency_sketch",
            "sketch_merge",
            "array_agg",
            "string_agg",
            "bit_and",
            "bit_or",
            "bit_xor",
        ],
    ),
    (FunctionClass::Blind, &["arrow_typeof", "redact", "constant"]),
];

/// The class of each function; one that is not named carries all of its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionClasses {
    by_name: BTreeMap<String, FunctionClass>,
}

impl Default for FunctionClasses {
    /// The functions of DataFusion, the methods of anonymisation, and the aggregates of our own.
    fn default() -> Self {
        let named = LISTED.iter().flat_map(|(class, names)| names.iter().map(|name| ((*name).to_owned(), *class)));
        Self { by_name: named.collect() }
    }
}

impl FunctionClasses {
    /// As these classes, but `function` is of `class`.
    #[must_use]
    pub fn with(mut self, function: impl Into<String>, class: FunctionClass) -> Self {
        self.by_name.insert(function.into(), class);
        self
    }

    /// The class of a function, by the name that plans give it.
    pub fn of(&self, function: &str) -> FunctionClass {
        self.by_name.get(function).copied().unwrap_or(FunctionClass::Carry)
    }

    /// Every function with a class of its own, sorted.
    pub fn named(&self) -> impl Iterator<Item = (&str, FunctionClass)> {
        self.by_name.iter().map(|(name, class)| (name.as_str(), *class))
    }
}
