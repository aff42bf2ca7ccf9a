//! Real tables: bills, logs as CSV, and other people's Parquet, equal to what an independent count says.
//!
//! Figures come from the corpus' `FACTS.json`, or were counted over the same files with another program where the
//! facts have none. Sums are compared as decimals, to the last digit.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::auditlake::{Lake, real_data};
use crate::real::{counted, counts, facts, told};

/// A decimal as text in units of 10^-15.
fn units(text: &str) -> i128 {
    let (text, exponent) = match text.split_once('E') {
        Some((text, exponent)) => (text, exponent.parse::<i32>().expect("an exponent")),
        None => (text, 0),
    };
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits: i128 = format!("{whole}{fraction}").parse().expect("digits");
    let shift = 15 + exponent - i32::try_from(fraction.len()).expect("short");
    let power = 10_i128.pow(shift.unsigned_abs());
    if shift >= 0 { digits * power } else { digits / power }
}

/// The one decimal of a statement, in the same units.
fn sum(lake: &Lake, sql: &str) -> i128 {
    let rows = lake.rows(sql);
    let row = rows.first().and_then(Value::as_object).expect("a row");
    units(row.values().next().and_then(Value::as_str).expect("a text"))
}

fn fact(facts: &Value) -> i128 {
    units(facts.as_str().expect("a text"))
}

fn path(folder: &Path, file: &str) -> String {
    folder.join(file).display().to_string()
}

#[test]
fn a_focus_bill_adds_up_to_the_facts() {
    let Some(data) = real_data("a_focus_bill_adds_up_to_the_facts") else { return };
    let facts = facts(&data, "usage/focus");
    let rows = facts["rows"].as_u64().expect("a count");
    let source = path(&data, "usage/focus");
    let lake = Lake::new();
    assert_eq!(told(&lake.json(&["ingest", "focus", &source, "--into", "usage"])), [rows, rows, 0, 0, 0]);
    for (provider, facts) in facts["by_provider"].as_object().expect("providers") {
        let of = |what: &str| format!("SELECT {what} AS n FROM usage WHERE provider = '{provider}'");
        assert_eq!(lake.figure(&of("count(*)")), facts["rows"]);
        for (column, name) in
            [("billed_cost", "BilledCost"), ("effective_cost", "EffectiveCost"), ("list_cost", "ListCost")]
        {
            let found = sum(&lake, &of(&format!("CAST(sum({column}) AS varchar)")));
            assert_eq!(found, fact(&facts[name]), "{provider} {name}");
        }
    }
    let by = |key: &str| counted(&lake, &format!("SELECT {key} AS k, count(*) AS n FROM usage GROUP BY 1"));
    assert_eq!(by("provider").len(), facts["by_provider"].as_object().expect("providers").len());
    assert_eq!(by("charge_category"), counts(&facts["charge_category"]));
    assert_eq!(by("charge_frequency"), BTreeMap::from([("Usage-Based".to_owned(), rows)]));
    for (of, at) in [("min(period_start)", 0), ("max(period_end)", 1)] {
        let fact = facts["period"][at].as_str().expect("an instant");
        assert_eq!(lake.rows(&format!("SELECT {of} = TIMESTAMP '{fact}Z' AS same FROM usage"))[0]["same"], true);
    }
    // Counted over the same file: no text is the word NULL, and the quantities of all units.
    assert_eq!(lake.figure("SELECT count(*) FROM usage WHERE charge_class IS NOT NULL OR resource_id = 'NULL'"), 0);
    assert_eq!(sum(&lake, "SELECT CAST(sum(quantity) AS varchar) AS n FROM usage"), units("10688.727120164007156"));
    assert_eq!(lake.figure("SELECT count(*) FROM usage WHERE tags[' org'] IS NOT NULL"), 13);
    // Ingest again adds nothing: neither the same object, nor its lines under another name.
    assert_eq!(told(&lake.json(&["ingest", "focus", &source, "--into", "usage"])), [0; 5]);
    lake.write("again.csv.gz", fs::read(data.join("usage/focus/focus_sample.csv.gz")).expect("the bill"));
    assert_eq!(told(&lake.json(&["ingest", "focus", "again.csv.gz", "--into", "usage"])), [rows, 0, rows, 0, 0]);
    assert_eq!(lake.figure("SELECT count(*) FROM usage"), rows);
    goes_out_and_reads_back_equal(&lake);
}

/// Whether a bill that goes out under the names of FOCUS is the same when it is read again.
fn goes_out_and_reads_back_equal(lake: &Lake) {
    let all = "SELECT * EXCEPT (ingested_at, raw_ref, raw_hash) FROM usage ORDER BY tenant_id, period_start, usage_id";
    let out = lake.run(&["usage", "focus"]);
    out.succeeded();
    let second = Lake::new();
    let file = second.write("bill.csv", &out.out).display().to_string();
    second.run(&["ingest", "focus", &file, "--into", "usage"]).succeeded();
    assert!(lake.rows(all) == second.rows(all), "a charge differs");
    assert!(out.out == second.run(&["usage", "focus"]).out, "what is read back goes out as it did");
}

#[test]
fn a_cost_and_usage_report_adds_up_to_the_facts() {
    let Some(data) = real_data("a_cost_and_usage_report_adds_up_to_the_facts") else { return };
    let facts = facts(&data, "usage/aws_cur");
    let rows = facts["rows"].as_u64().expect("a count");
    let source = path(&data, "usage/aws_cur");
    let lake = Lake::new();
    assert_eq!(told(&lake.json(&["ingest", "aws_cur", &source, "--into", "usage"])), [rows, rows, 0, 0, 0]);
    assert_eq!(lake.figure("SELECT count(DISTINCT usage_id) FROM usage"), rows);
    assert_eq!(
        lake.figure("SELECT count(DISTINCT split_part(usage_id, ':', 1)) FROM usage"),
        facts["distinct_LineItemId"]
    );
    assert_eq!(sum(&lake, "SELECT CAST(sum(billed_cost) AS varchar) AS n FROM usage"), fact(&facts["unblended_total"]));
    for (product, cost) in facts["by_product"].as_object().expect("products") {
        let sql = format!(
            "SELECT CAST(sum(billed_cost) AS varchar) AS n FROM usage \
             WHERE attributes['lineItem/ProductCode'] = '{product}'"
        );
        assert_eq!(sum(&lake, &sql), fact(cost), "{product}");
    }
    let by_category = counted(&lake, "SELECT charge_category AS k, count(*) AS n FROM usage GROUP BY 1");
    assert_eq!(by_category, counts(&facts["line_types"]));
    // Counted over the same file: the amounts of lines that are usage.
    assert_eq!(sum(&lake, "SELECT CAST(sum(quantity) AS varchar) AS n FROM usage"), units("128088.5804537469"));
    assert_eq!(lake.figure("SELECT count(*) FROM usage WHERE quantity IS NULL"), facts["line_types"]["Tax"]);
    assert_eq!(told(&lake.json(&["ingest", "aws_cur", &source, "--into", "usage"])), [0; 5]);
    lake.write("again.csv.gz", fs::read(data.join("usage/aws_cur/aws_cur_2023-11.csv.gz")).expect("the report"));
    assert_eq!(told(&lake.json(&["ingest", "aws_cur", "again.csv.gz", "--into", "usage"])), [rows, 0, rows, 0, 0]);
    assert_eq!(lake.figure("SELECT count(*) FROM usage"), rows);
}

/// Ingests with a mapping of one's own.
fn mapped(lake: &Lake, format: &str, source: &str, into: &str, name: &str, sql: &str) -> [u64; 5] {
    let mapping = lake.write(&format!("{name}.sql"), sql).display().to_string();
    let name = format!("{name}@1");
    let command = ["ingest", format, source, "--into", into, "--mapping", &name, "--map-file", &mapping, "--partial"];
    told(&lake.json(&command))
}

const HONEYPOT: &str = r#"
SELECT "Event ID" AS event_id, to_timestamp_micros("Event DateTime") AS time, 'honeypot' AS tenant_id,
       's3.amazonaws.com' AS source,
       CASE "Event Name" WHEN 'PutObject' THEN 'data.created' ELSE 'data.read' END AS event_type,
       'denied' AS outcome,
       coalesce((regexp_match("User ID", '''accountId'': ''([^'']+)'''))[1], 'unknown') AS actor_id,
       'anonymous' AS actor_type, "Source IP" AS src_ip, nullif("Request User Agent", '') AS user_agent,
       "Event Name" AS api_operation, "Request ID" AS request_id, nullif("Repeated Attempts", '') AS row_count,
       (regexp_match("Request Parameters", '''bucketName'': ''([^'']+)'''))[1] AS resource_id
FROM input
"#;

#[test]
fn a_honeypot_comes_in_through_a_mapping() {
    let Some(data) = real_data("a_honeypot_comes_in_through_a_mapping") else { return };
    let lake = Lake::new();
    let source = path(&data, "audit/cloudtrail/otrf/AWS_S3_HoneyBucketLogs.csv");
    assert_eq!(mapped(&lake, "csv", &source, "audit", "honeypot", HONEYPOT), [301, 301, 0, 0, 0]);
    // Counted over the same file.
    let by_name = counted(&lake, "SELECT api_operation AS k, count(*) AS n FROM audit GROUP BY 1");
    let want = [("HeadBucket", 159), ("ListObjects", 138), ("PutObject", 4)];
    assert_eq!(by_name, want.map(|(name, n)| (name.to_owned(), n)).into());
    assert_eq!(lake.figure("SELECT sum(row_count) FROM audit"), 442);
    assert_eq!(lake.figure("SELECT count(*) FROM audit WHERE actor_id = 'ANONYMOUS_PRINCIPAL'"), 284);
    assert_eq!(lake.figure("SELECT count(resource_id) FROM audit"), 301);
    assert_eq!(mapped(&lake, "csv", &source, "audit", "honeypot", HONEYPOT), [0; 5]);
}

#[test]
fn metered_requests_add_up_to_the_facts() {
    let Some(data) = real_data("metered_requests_add_up_to_the_facts") else { return };
    let file = "usage/azure_llm/AzureLLMInferenceTrace_code.csv.gz";
    let facts = facts(&data, file);
    let rows = facts["rows"].as_u64().expect("a count");
    let source = path(&data, file);
    let lake = Lake::new();
    for (meter, column) in [("context_tokens", "ContextTokens"), ("generated_tokens", "GeneratedTokens")] {
        let sql = format!(
            "SELECT concat('{meter}/', \"TIMESTAMP\") AS usage_id, 'llm' AS tenant_id, \
             to_timestamp_micros(\"TIMESTAMP\") AS period_start, to_timestamp_micros(\"TIMESTAMP\") AS period_end, \
             '{meter}' AS meter, 'Tokens' AS unit, \"{column}\" AS quantity, 0 AS billed_cost, 'USD' AS currency, \
             'Usage' AS charge_category, 'inference' AS service FROM input"
        );
        assert_eq!(mapped(&lake, "csv", &source, "usage", meter, &sql), [rows, rows, 0, 0, 0]);
        let total = format!("SELECT CAST(sum(quantity) AS bigint) AS n FROM usage WHERE meter = '{meter}'");
        assert_eq!(lake.figure(&total), facts[meter]);
    }
    let by_ten_minutes = lake.rows(
        "SELECT to_char(date_bin(INTERVAL '10 minutes', period_start), '%Y-%m-%d %H:%M') AS k, count(*) AS n, \
         CAST(sum(quantity) AS bigint) AS tokens FROM usage WHERE meter = 'context_tokens' GROUP BY 1",
    );
    let found: BTreeMap<&str, (u64, u64)> = by_ten_minutes
        .iter()
        .map(|row| (row["k"].as_str().expect("text"), (row["n"].as_u64().unwrap(), row["tokens"].as_u64().unwrap())))
        .collect();
    let want = facts["per_10min_requests_context_generated"].as_object().expect("minutes").iter();
    let want = want.map(|(at, of)| (at.as_str(), (of[0].as_u64().unwrap(), of[1].as_u64().unwrap())));
    assert_eq!(found, want.collect());
}

const AZURE: &str = r#"
SELECT "BillingAccountId" AS tenant_id, to_date("Date", '%m/%d/%Y') AS period_start,
       to_date("Date", '%m/%d/%Y') + INTERVAL '1 day' AS period_end, "MeterName" AS meter, "UnitOfMeasure" AS unit,
       "Quantity" AS quantity, "CostInBillingCurrency" AS billed_cost, "BillingCurrencyCode" AS currency,
       "ChargeType" AS charge_category, "MeterCategory" AS service, concat('{', "Tags", '}') AS tags
FROM input
"#;

#[test]
fn costs_with_too_many_digits_are_rejected_and_no_others() {
    let Some(data) = real_data("costs_with_too_many_digits_are_rejected_and_no_others") else { return };
    let lake = Lake::new();
    let source = path(&data, "usage/azure_ea/azure_ea_2023-09.csv");
    // Two of the 27 costs have 14 digits behind the point, where a cost has 12.
    assert_eq!(mapped(&lake, "csv", &source, "usage", "azure", AZURE), [27, 25, 0, 0, 2]);
    let total = units("1.26136926505726") - units("6.65679E-9") - units("6.19947E-9");
    assert_eq!(sum(&lake, "SELECT CAST(sum(billed_cost) AS varchar) AS n FROM usage"), total);
    assert_eq!(lake.figure("SELECT count(*) FROM usage WHERE tags['tagB'] = 'valueB'"), 25);
}

#[test]
fn other_tables_come_in_whole() {
    let Some(data) = real_data("other_tables_come_in_whole") else { return };
    let lake = Lake::new();
    // Of the files of benchmarks no row has an id: rows are named after object and line.
    let noise = "SELECT 'vm' AS tenant_id, to_timestamp_micros(starttime) AS period_start, \
                 to_timestamp_micros(starttime) AS period_end, 'transactions' AS meter, 'Transactions' AS unit, \
                 value AS quantity, 0 AS billed_cost, 'USD' AS currency, 'Usage' AS charge_category, \
                 'postgres' AS service, \"VM_id\" AS resource_id FROM input";
    let source = path(&data, "usage/azure_vm_noise");
    assert_eq!(mapped(&lake, "csv", &source, "usage", "noise", noise), [40_497, 40_497, 0, 0, 0]);
    let total: i128 = 51_911_905 + 90_424_110 + 98_583_356 + 110_485_070;
    let found = sum(&lake, "SELECT CAST(sum(quantity) AS varchar) AS n FROM usage");
    assert_eq!(found, total * units("1"));
    // A catalogue of API calls with JSON in its fields.
    let calls = "SELECT concat(\"eventName\", '/', \"eventSource\", '/', \"awsService\") AS event_id, \
                 TIMESTAMP '2026-01-01T00:00:00Z' AS time, 'catalogue' AS tenant_id, \"eventSource\" AS source, \
                 'api.request' AS event_type, 'unknown' AS outcome, 'unknown' AS actor_id, 'unknown' AS actor_type, \
                 \"eventName\" AS api_operation, incidents AS reason, \"usedInWild\" AS mfa FROM input";
    let source = path(&data, "audit/cloudtrail/traildiscover/events.csv.gz");
    let counts = mapped(&lake, "csv", &source, "audit", "calls", calls);
    assert_eq!(counts, [381, 380, 1, 0, 0]);
    assert_eq!(lake.figure("SELECT count(*) FROM audit WHERE mfa"), 275);
}

/// A row of anything: what the file holds is read and hashed, and named after file and row.
const ANYTHING: &str = "\
SELECT 't1' AS tenant_id, TIMESTAMP '2026-01-01T00:00:00Z' AS period_start,
       TIMESTAMP '2026-01-02T00:00:00Z' AS period_end, 'rows' AS meter, 'Rows' AS unit, 1 AS quantity,
       0 AS billed_cost, 'USD' AS currency, 'Usage' AS charge_category, 'corpus' AS service
FROM input
";

#[test]
fn parquet_of_every_writer_gives_rows_or_a_reason() {
    let Some(data) = real_data("parquet_of_every_writer_gives_rows_or_a_reason") else { return };
    let lake = Lake::new();
    let mapping = lake.write("anything.sql", ANYTHING).display().to_string();
    let mut refused = Vec::new();
    let mut files: Vec<_> = fs::read_dir(data.join("parquet_corpus")).expect("the corpus").collect();
    files.sort_by_key(|entry| entry.as_ref().expect("an entry").file_name());
    for entry in files {
        let entry = entry.expect("an entry");
        let source = entry.path().display().to_string();
        let command = [
            "--output",
            "json",
            "ingest",
            "parquet",
            &source,
            "--into",
            "usage",
            "--mapping",
            "any@1",
            "--map-file",
            &mapping,
        ];
        let ran = lake.run(&command);
        assert!(!ran.err.contains("panicked") && !ran.err.contains("bug in auditlake"), "{source}: {}", ran.err);
        if ran.code == Some(0) {
            let answer: Value = serde_json::from_str(&ran.out).expect("JSON");
            let file = fs::File::open(entry.path()).expect("a file");
            let rows = parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(file).expect("a footer");
            let rows = rows.metadata().file_metadata().num_rows();
            assert_eq!(
                told(&answer),
                [u64::try_from(rows).expect("a count"), u64::try_from(rows).unwrap(), 0, 0, 0],
                "{source}"
            );
        } else {
            ran.failed(1, &[&source]);
            refused.push(entry.file_name().display().to_string());
        }
    }
    assert_eq!(refused, REFUSED);
}

/// Files that give no rows, all or in part.
const REFUSED: [&str; 4] = [
    // Its footer has a number of another type than the format says.
    "dict-page-offset-zero.parquet",
    // Each of its two rows is a text of 1 GiB.
    "large_string_map.brotli.parquet",
    // A page is malformed on purpose.
    "nation.dict-malformed.parquet",
    // The library gives none of its six rows and no error: the count tells.
    "repeated_no_annotation.parquet",
];
