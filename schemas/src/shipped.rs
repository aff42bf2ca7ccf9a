//! What ships: controls, frameworks, reports of tables and templates of policies, part of the binary.
//!
//! The lists are written out, so that nothing in the folders is shipped by accident; `tests/definitions.rs` compares them
//! with the folders and refuses a file that does not check. Absent: fixtures, which tests read from disk.

use std::sync::LazyLock;

use crate::control::Control;
use crate::definition::{SourceFile, parse_control, parse_framework, parse_quotas, parse_report, parse_tiers};
use crate::framework::Framework;
use crate::sla::Tiers;
use crate::table_report::TableReport;
use crate::usage::Quotas;

/// The controls that ship, by id.
pub fn shipped_controls() -> &'static [Control] {
    static CONTROLS: LazyLock<Vec<Control>> = LazyLock::new(|| {
        // A file that does not check is our bug; the test names it, and a lake meets one control fewer.
        let mut controls: Vec<Control> =
            shipped_control_files().iter().filter_map(|file| parse_control(file).ok()).collect();
        controls.sort_by(|a, b| a.id.cmp(&b.id));
        controls
    });
    &CONTROLS
}

/// The frameworks that ship, by key.
pub fn shipped_frameworks() -> &'static [Framework] {
    static FRAMEWORKS: LazyLock<Vec<Framework>> =
        LazyLock::new(|| shipped_framework_files().iter().filter_map(|file| parse_framework(file).ok()).collect());
    &FRAMEWORKS
}

/// What tiers are promised where nobody says otherwise.
pub fn shipped_tiers() -> &'static [Tiers] {
    static TIERS: LazyLock<Vec<Tiers>> =
        LazyLock::new(|| sources(TIER_FILES).iter().filter_map(|file| parse_tiers(file).ok()).collect());
    &TIERS
}

/// How much tiers may use where nobody says otherwise.
pub fn shipped_quotas() -> &'static [Quotas] {
    static QUOTAS: LazyLock<Vec<Quotas>> =
        LazyLock::new(|| sources(QUOTA_FILES).iter().filter_map(|file| parse_quotas(file).ok()).collect());
    &QUOTAS
}

/// The reports of tables that ship, by name.
pub fn shipped_reports() -> &'static [TableReport] {
    static REPORTS: LazyLock<Vec<TableReport>> =
        LazyLock::new(|| shipped_report_files().iter().filter_map(|file| parse_report(file).ok()).collect());
    &REPORTS
}

/// The files of the reports of tables that ship; paths are relative to the crate.
pub fn shipped_report_files() -> Vec<SourceFile> {
    sources(REPORT_FILES)
}

/// The files of the controls that ship; paths are relative to the crate.
pub fn shipped_control_files() -> Vec<SourceFile> {
    sources(CONTROL_FILES)
}

/// The files of the frameworks that ship; paths are relative to the crate.
pub fn shipped_framework_files() -> Vec<SourceFile> {
    sources(FRAMEWORK_FILES)
}

/// Policies to begin with, as [name](crate::RetentionPolicy::id) and text: none is enabled, so that nothing goes before
/// somebody has looked.
pub fn shipped_policy_templates() -> &'static [(&'static str, &'static str)] {
    POLICY_FILES
}

fn sources(files: &[(&str, &str)]) -> Vec<SourceFile> {
    files.iter().map(|(path, text)| SourceFile { path: (*path).to_owned(), text: text.as_bytes().to_vec() }).collect()
}

/// Path and text of files of this crate: the lists of controls and frameworks use it.
macro_rules! files {
    ($($path:literal),* $(,)?) => {
        &[$(($path, include_str!(concat!("../", $path)))),*]
    };
}

const POLICY_FILES: &[(&str, &str)] = &[
    ("analytics", include_str!("../policies/analytics.yaml")),
    ("audit", include_str!("../policies/audit.yaml")),
    ("prediction-logs", include_str!("../policies/prediction-logs.yaml")),
    ("user-data", include_str!("../policies/user-data.yaml")),
];

const TIER_FILES: &[(&str, &str)] = files!["slas/standard.yaml"];

const QUOTA_FILES: &[(&str, &str)] = files!["slas/machine-learning.yaml", "slas/platform.yaml"];

const REPORT_FILES: &[(&str, &str)] =
    files!["reports/financial.yaml", "reports/operations.yaml", "reports/performance.yaml"];

const FRAMEWORK_FILES: &[(&str, &str)] = files![
    "frameworks/aiact.yaml",
    "frameworks/ccpa.yaml",
    "frameworks/gdpr.yaml",
    "frameworks/hipaa.yaml",
    "frameworks/iso.yaml",
    "frameworks/pci.yaml",
    "frameworks/soc2.yaml",
    "frameworks/sox.yaml",
];

const CONTROL_FILES: &[(&str, &str)] = files![
    "controls/acc/AL-ACC-001.yaml",
    "controls/acc/AL-ACC-002.yaml",
    "controls/acc/AL-ACC-003.yaml",
    "controls/acc/AL-ACC-004.yaml",
    "controls/acc/AL-ACC-008.yaml",
    "controls/auth/AL-AUTH-001.yaml",
    "controls/auth/AL-AUTH-002.yaml",
    "controls/auth/AL-AUTH-003.yaml",
    "controls/auth/AL-AUTH-004.yaml",
    "controls/auth/AL-AUTH-006.yaml",
    "controls/auth/AL-AUTH-007.yaml",
    "controls/auth/AL-AUTH-008.yaml",
    "controls/auth/AL-AUTH-009.yaml",
    "controls/auth/AL-AUTH-010.yaml",
    "controls/auth/AL-AUTH-011.yaml",
    "controls/con/AL-CON-001.yaml",
    "controls/con/AL-CON-002.yaml",
    "controls/data/AL-DATA-002.yaml",
    "controls/data/AL-DATA-005.yaml",
    "controls/dsr/AL-DSR-001.yaml",
    "controls/log/AL-LOG-001.yaml",
    "controls/log/AL-LOG-002.yaml",
    "controls/log/AL-LOG-003.yaml",
    "controls/log/AL-LOG-008.yaml",
    "controls/log/AL-LOG-010.yaml",
    "controls/log/AL-LOG-011.yaml",
];
