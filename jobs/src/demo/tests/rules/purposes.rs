//! Rules over what data is used for.

use super::{Lake, Row};

pub(super) fn sensitive_read(row: &Row) -> bool {
    let sensitive = ["minor", "pan", "phi", "secret", "special"];
    row.is("data.read")
        && row.succeeded()
        && row
            .data_classes
            .as_ref()
            .expect("a read names its classes")
            .iter()
            .any(|class| sensitive.contains(&class.as_str()))
}

pub(super) fn blank(text: &Option<String>) -> bool {
    text.as_deref().is_none_or(|text| ["", "-", "n/a", "none", "null", "unknown"].contains(&text))
}

pub(super) fn incomplete(row: &Row) -> bool {
    shared(row) && (blank(&row.dest_party) || blank(&row.purpose) || blank(&row.legal_basis))
}

pub(super) fn shared(row: &Row) -> bool {
    row.is("data.shared") && row.succeeded()
}

/// Processing that relies on consent, and uses that a person had stopped.
pub(super) fn consents(lake: &Lake) -> Vec<(&'static str, &Row)> {
    let mut found = Vec::new();
    for row in lake.rows.iter().filter(|row| row.is("data.processed") || shared(row)) {
        assert!(row.succeeded(), "nothing is undecided: {row:?}");
        let subject = row.subject_id.as_ref().expect("a use says whose data");
        let purpose = row.purpose.as_ref().expect("a use says what for");
        let last = lake
            .statements
            .iter()
            .filter(|one| one.tenant_id == row.tenant_id && one.subject_id == *subject && one.purpose == *purpose)
            .filter(|one| one.time <= row.time)
            .max_by_key(|one| one.time);
        let granted = last.is_some_and(|last| {
            last.state == "granted" && last.expires_at.is_none_or(|expires_at| expires_at > row.time)
        });
        let on_consent = row.legal_basis.as_deref().expect("a use has a basis") == "consent";
        if row.is("data.processed") && on_consent && !granted {
            found.push(("AL-CON-001", row));
        }
        if last.is_some_and(|last| ["withdrawn", "opt_out", "opt_out_effective"].contains(&last.state.as_str())) {
            found.push(("AL-CON-002", row));
        }
    }
    found
}
