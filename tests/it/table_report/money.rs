//! What is charged, paid and owed, to the last digit and never across currencies.

use super::{OUTPUTS, report, rows, text};
use crate::auditlake::Lake;

/// A charge: id, tenant, category, class, amount, currency.
type Charge = [&'static str; 6];

const CHARGES: [Charge; 9] = [
    ["u-1", "acme", "Usage", "", "100.000000000001", "EUR"],
    ["u-2", "acme", "Purchase", "", "0.1", "EUR"],
    ["u-3", "acme", "Credit", "", "-10", "EUR"],
    ["u-4", "acme", "Usage", "Correction", "-5.5", "EUR"],
    ["u-5", "globex", "Usage", "", "250.25", "USD"],
    ["u-6", "globex", "Tax", "", "47.55", "USD"],
    ["u-7", "globex", "Adjustment", "", "1.1", "USD"],
    ["u-8", "O'Neil", "Purchase", "", "7", "USD"],
    ["u-9", "globex", "Purchase", "", "3", "GBP"],
];

const PAID: [Charge; 3] = [
    ["c-1", "us", "Usage", "", "60.3", "EUR"],
    ["c-2", "us", "Tax", "", "0.000000000002", "EUR"],
    ["c-3", "us", "Usage", "", "11", "CHF"],
];

fn lines(charges: &[Charge], day: &str, more: &str) -> String {
    let line = |[id, tenant, category, class, amount, currency]: &Charge| {
        let class = if class.is_empty() { String::new() } else { format!("\"charge_class\":\"{class}\",") };
        format!(
            "{{\"usage_id\":\"{id}\",\"tenant_id\":\"{tenant}\",\"period_start\":\"{day}T00:00:00Z\",\"period_end\":\"{day}T01:00:00Z\",\
             \"meter\":\"m\",\"unit\":\"one\",{class}{more}\"billed_cost\":\"{amount}\",\"currency\":\"{currency}\",\
             \"charge_category\":\"{category}\",\"service\":\"api\"}}\n"
        )
    };
    charges.iter().map(line).collect()
}

fn ingested(lake: &Lake, into: &str, lines: &str) {
    let file = lake.write(&format!("{into}.ndjson"), lines).display().to_string();
    lake.run(&["ingest", "ndjson", &file, "--into", into]).succeeded();
}

fn lake(more: &str) -> Lake {
    let lake = Lake::new();
    lake.write("datasets/bills.yaml", "dataset: bills\nlocation: bills/\nschema: usage.v1\n");
    ingested(&lake, "usage", &lines(&CHARGES, "2026-09-02", more));
    ingested(&lake, "bills", &lines(&PAID, "2026-09-03", ""));
    // What was charged before and after is of other reports.
    ingested(&lake, "usage", &lines(&[["late", "acme", "Usage", "", "1000", "EUR"]], "2026-10-01", more));
    ingested(&lake, "usage", &lines(&[["early", "acme", "Usage", "", "1000", "EUR"]], "2026-08-31", more));
    let job = "job: financial-monthly\nkind: report\nreport: financial\nwindow: 30d\ndatasets: {usage: usage, costs: bills, results: sla_result, quotas: usage_result}\n";
    lake.write("jobs/financial.yaml", format!("{job}{OUTPUTS}"));
    lake
}

const AT: &str = "--at=2026-10-01T00:00:00Z";

#[test]
fn amounts_are_exact_and_currencies_apart() {
    let lake = lake("");
    let report = report(&lake, "financial-monthly", AT);
    let columns =
        ["tenant_id", "currency", "revenue", "credits", "taxes", "adjustments", "corrections", "billed", "charges"];
    let revenue: Vec<String> =
        rows(&report, "revenue").iter().map(|row| columns.map(|column| text(row, column)).join(" ")).collect();
    assert_eq!(
        revenue,
        [
            "acme EUR 100.100000000001 -10.00   -5.50 84.600000000001 4",
            "globex GBP 3.00     3.00 1",
            "O'Neil USD 7.00     7.00 1",
            "globex USD 250.25  47.55 1.10  298.90 3",
        ]
    );
    let columns = ["currency", "revenue", "credits", "corrections", "cost", "margin"];
    let margin: Vec<String> =
        rows(&report, "margin").iter().map(|row| columns.map(|column| text(row, column)).join(" ")).collect();
    assert_eq!(
        margin,
        [
            "CHF    11.00 -11.00",
            "EUR 100.100000000001 -10.00 -5.50 60.300000000002 39.799999999999",
            "GBP 3.00    3.00",
            "USD 257.25    257.25",
        ]
    );
    let corrections = rows(&report, "corrections");
    assert_eq!(
        (corrections.len(), text(&corrections[0], "usage_id"), text(&corrections[0], "billed_cost")),
        (1, "u-4", "-5.50")
    );
    let costs: Vec<String> =
        rows(&report, "costs").iter().map(|row| format!("{} {}", text(row, "cost"), text(row, "currency"))).collect();
    assert_eq!(costs, ["11.00 CHF", "60.300000000002 EUR"]);
    // What no row says is not made up.
    assert_eq!(report["left_out"].as_array().map(Vec::len), Some(0), "{}", report["left_out"]);
    assert!(
        rows(&report, "prices").iter().all(|row| text(row, "list").is_empty() && text(row, "effective").is_empty())
    );
    assert!(rows(&report, "tiers").iter().all(|row| text(row, "tier").is_empty()));
    assert_eq!((rows(&report, "overage").len(), rows(&report, "credits").len()), (0, 0));
    let page = String::from_utf8(lake.object("reports/financial-monthly/2026-10-01/financial-monthly.html").to_vec())
        .expect("text");
    assert!(page.contains("<h4>EUR</h4>") && page.contains("No rows."), "a picture for each currency");
}

#[test]
fn columns_that_files_have_bring_their_sections() {
    let lake = lake("\"tier\":\"pro\",\"list_cost\":\"2\",\"contracted_cost\":\"1.5\",\"effective_cost\":\"1.25\",");
    let report = report(&lake, "financial-monthly", AT);
    assert_eq!(report["left_out"].as_array().map(Vec::len), Some(0), "{}", report["left_out"]);
    let prices: Vec<String> = rows(&report, "prices")
        .iter()
        .map(|row| ["currency", "list", "contracted", "effective"].map(|column| text(row, column)).join(" "))
        .collect();
    assert_eq!(prices, ["EUR 8.00 6.00 5.00", "GBP 2.00 1.50 1.25", "USD 8.00 6.00 5.00"]);
    let tiers: Vec<String> = rows(&report, "tiers")
        .iter()
        .map(|row| ["tier", "currency", "tenants", "revenue"].map(|column| text(row, column)).join(" "))
        .collect();
    assert_eq!(tiers, ["pro EUR 1 100.100000000001", "pro GBP 1 3.00", "pro USD 2 257.25"]);
}
