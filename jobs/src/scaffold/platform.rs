//! What jobs say of the demo's platform, beside what must be said: promises that were missed, quotas that were exceeded, and
//! unusual times.

use std::collections::BTreeSet;

use arrow::array::AsArray;
use arrow::compute::cast;
use arrow::datatypes::DataType;
use serde_json::{Value, json};

use crate::demo::{self, Said};
use crate::error::JobError;
use crate::lake::OpenLake;
use crate::show::{counted, write_line};

/// Jobs that say something of the platform, in the order in which they run.
pub(super) const JOBS: [&str; 3] = ["sla", "usage", "watch"];
/// Ingests that they read, with their datasets.
pub(super) const INGESTS: [(&str, &str); 3] =
    [("ingest-probe", "probe"), ("ingest-exclusion", "exclusion"), ("ingest-usage", "usage")];

/// Whom, when and what each job speaks of.
const SAYS: [(&str, &str); 3] = [
    (
        "sla",
        "SELECT tenant_id, to_char(period_start, '%Y-%m'), metric || ' was promised and missed' FROM sla_result \
         WHERE status = 'missed'",
    ),
    (
        "usage",
        "SELECT tenant_id, to_char(period_start, '%Y-%m'), quota || ' over the quota' FROM usage_result \
         WHERE status = 'over'",
    ),
    // Addresses of the network of attackers belong to nobody of the lake.
    (
        "watch",
        "SELECT entity_id, to_char(bucket_start, '%Y-%m-%d'), CASE WHEN metric = 'latency' THEN \
         'answers took six times as long' ELSE metric || ' of somebody of the lake' END FROM alert \
         WHERE NOT (metric = 'failed-logins' AND starts_with(entity_id, '203.0.113.'))",
    ),
];
const ATTACKS: &str =
    "SELECT count(*) FROM alert WHERE metric = 'failed-logins' AND starts_with(entity_id, '203.0.113.')";

/// What was said, beside what must be.
pub(super) struct Platform {
    said: BTreeSet<Said>,
    /// Alerts of failed logins from addresses that nobody of the lake has.
    attacks: u64,
}

impl Platform {
    /// Asks the results of the jobs.
    pub(super) async fn asked(lake: &OpenLake) -> Result<Self, JobError> {
        let session = lake.sessions.session(demo::REPORT_AT)?;
        let mut said = BTreeSet::new();
        for (job, sql) in SAYS {
            for batch in session.query(sql).await? {
                let text = |column: usize| cast(batch.column(column), &DataType::Utf8);
                let (Ok(of), Ok(when), Ok(what)) = (text(0), text(1), text(2)) else { continue };
                let [of, when, what] = [&of, &when, &what].map(|column| column.as_string::<i32>());
                said.extend((0..batch.num_rows()).map(|row| Said {
                    job,
                    of: of.value(row).to_owned(),
                    when: when.value(row).to_owned(),
                    what: what.value(row).to_owned(),
                }));
            }
        }
        let counts = session.query(ATTACKS).await?;
        let count = counts.first().and_then(|batch| cast(batch.column(0), &DataType::UInt64).ok());
        let attacks = count.map_or(0, |count| count.as_primitive::<arrow::datatypes::UInt64Type>().value(0));
        Ok(Self { said, attacks })
    }

    fn not_found(&self) -> Vec<Said> {
        demo::said().into_iter().filter(|one| !self.said.contains(one)).collect()
    }

    fn not_planted(&self) -> Vec<&Said> {
        let planted: BTreeSet<Said> = demo::said().into_iter().collect();
        self.said.iter().filter(|one| !planted.contains(one)).collect()
    }

    /// Whether everything was found that must be, and nothing else.
    pub(super) fn is_as_planted(&self) -> bool {
        self.not_found().is_empty() && self.not_planted().is_empty()
    }

    /// What was planted, line by line, and whether it was found.
    pub(super) fn tell(&self, text: &mut String) {
        let (not_found, planted) = (self.not_found(), demo::said());
        write_line(text, "planted in what the platform did:");
        let of = |one: &Said| format!("{:<10} {:<9} {} ({})", one.job, one.of, one.what, one.when);
        for one in &planted {
            let verdict = if not_found.contains(one) { "NOT FOUND" } else { "found" };
            write_line(text, &format!("  {verdict:<9} {}", of(one)));
        }
        for one in self.not_planted() {
            write_line(text, &format!("  NOT PLANTED {}", of(one)));
        }
        write_line(
            text,
            &format!(
                "{} planted, {} found; {} about logins that failed, from addresses of nobody in the lake",
                planted.len(),
                planted.len() - not_found.len(),
                counted(self.attacks, "alert")
            ),
        );
    }

    /// The same as a document.
    pub(super) fn json(&self) -> Value {
        json!({
            "planted": demo::said(),
            "not_found": self.not_found(),
            "not_planted": self.not_planted(),
            "attacks": self.attacks,
        })
    }
}
