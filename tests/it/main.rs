//! Tests across the floors, in one binary.
//!
//! Absent: tests of one crate, which lie in it.

#![expect(clippy::panic, reason = "a test that cannot go on says why and stops")]

mod access;
mod anomalies;
mod anonymize;
mod auditlake;
mod bucket;
mod bucket_faults;
mod bucket_races;
mod budgets;
mod canned;
mod double;
mod evidence;
mod evidence_race;
mod export;
mod export_faults;
mod faults;
mod faulty_proxy;
mod findings;
mod floors;
mod folders;
mod foreign;
mod formats;
mod guide;
mod hostile;
mod kill;
mod late;
mod lineage;
mod lineage_race;
mod manual;
mod moto;
mod openslo;
mod parts;
mod races;
mod real;
mod real_tables;
mod real_uptime;
mod replace;
mod replaced_bytes;
mod report;
mod requests;
mod requests_race;
mod retention;
mod rules;
mod schedule;
mod schedule_race;
mod schemas_page;
mod serial_proxy;
mod serve;
mod shell;
mod sla;
mod store_versions;
mod streams;
mod subject;
mod subject_faults;
mod subject_index;
mod support;
mod table_report;
mod tables;
mod tenant_names;
mod tidy;
mod tree;
mod trend;
mod usage;
