//! A report of one tenant: its rows, all of them, and no others, whatever the tenant is called and whatever a statement says.

use std::collections::BTreeSet;

use super::{AT, OUTPUTS, TENANTS, lake, performance, report, requests, rows, text};

/// What its folder is called.
fn job(number: usize) -> String {
    format!("of-{number}")
}

#[test]
fn a_tenant_gets_its_rows_and_nothing_of_others() {
    let lake = lake();
    lake.write("jobs/all.yaml", performance("all", ""));
    for (number, tenant) in TENANTS.iter().enumerate() {
        let quoted = format!("tenant: \"{tenant}\"\n");
        lake.write(&format!("jobs/{}.yaml", job(number)), performance(&job(number), &quoted));
    }
    let all = rows(&report(&lake, "all", AT), "services");
    for (number, tenant) in TENANTS.iter().enumerate() {
        let ran = lake.run(&["run", &job(number), AT]);
        ran.said(0, &[&format!("report performance of tenant {tenant}: 3 sections")]);
        let own = report(&lake, &job(number), AT);
        assert_eq!(own["tenant"], *tenant);
        let wanted: Vec<_> = all.iter().filter(|row| text(row, "tenant_id") == *tenant).cloned().collect();
        assert_eq!(rows(&own, "services"), wanted, "{tenant}");
        let total: usize =
            rows(&own, "slowest").iter().map(|row| text(row, "requests").parse::<usize>().expect("digits")).sum();
        assert_eq!(total, requests().iter().filter(|one| one.tenant == *tenant).count());
        // Routes are named for their tenants, and so are folders of files.
        let others: BTreeSet<String> =
            (0..TENANTS.len()).filter(|other| *other != number).map(|other| format!("route-of-{other}")).collect();
        let written =
            lake.objects().into_iter().filter(|(name, _)| name.starts_with(&format!("reports/{}/", job(number))));
        let mut pages = 0;
        for (name, bytes) in written.filter(|(name, _)| !name.ends_with(".xlsx") && !name.ends_with(".tlog-proof")) {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            assert!(others.iter().all(|other| !text.contains(other)), "{name}");
            assert!(!text.contains("globex") || *tenant == "globex", "{name}");
            pages += 1;
        }
        assert!(pages >= 7, "a page, a document and tables");
        // Its statements name it, and give the same rows again.
        for section in own["sections"].as_array().expect("sections") {
            let sql = section["source"]["sql"].as_str().expect("a statement");
            assert!(sql.contains(&format!("WHERE tenant_id = '{}'", tenant.replace('\'', "''"))), "{sql}");
            assert_eq!(lake.rows(sql).len() as u64, section["rows_total"].as_u64().expect("a count"), "{sql}");
        }
    }
    let told = lake.json(&["verify", "--at=2026-09-05T00:00:00Z"]);
    assert_eq!(told["findings"].as_array().map(Vec::len), Some(0), "{told}");
}

#[test]
fn a_tenant_without_rows_has_none() {
    let lake = lake();
    lake.write("jobs/nobody.yaml", performance("nobody", "tenant: nobody\n"));
    let report = report(&lake, "nobody", AT);
    assert!(
        report["sections"].as_array().expect("sections").iter().all(|section| section["rows_total"] == 0),
        "{report}"
    );
    assert_eq!(report["provenance"]["inputs"].as_array().map(Vec::len), Some(0), "{report}");
}

#[test]
fn no_statement_reaches_around_its_tables() {
    let lake = lake();
    let own = |sql: &str| {
        format!(
            "report: own\ntitle: Own\ndatasets: {{requests: request_1m.v1}}\nsections:\n  - section: s\n    title: S\n    reads: [requests]\n    \
             rows: 10000\n    sql: {}\n",
            serde_json::Value::from(sql)
        )
    };
    let job = "job: own\nkind: report\nreport: own\nwindow: 3d\ntenant: \"O'Neil\"\ndatasets: {requests: request_1m}\n";
    lake.write("jobs/own.yaml", format!("{job}{OUTPUTS}"));
    let around = [
        "SELECT tenant_id FROM request_1m ORDER BY 1",
        "SELECT tenant_id FROM public.request_1m ORDER BY 1",
        "SELECT tenant_id FROM lake.public.request_1m ORDER BY 1",
        "SELECT run FROM auditlake.runs",
        "SELECT run FROM lake.auditlake.runs",
        "SELECT tenant_id FROM request_1m_history ORDER BY 1",
        "SELECT tenant_id FROM requests_history ORDER BY 1",
        "SELECT tenant_id FROM requests WHERE tenant_id IN (SELECT tenant_id FROM audit)",
        "SELECT * FROM 'request_1m/tenant=acme/'",
    ];
    for sql in around {
        lake.write("reports/own.yaml", own(sql));
        lake.run(&["check"])
            .failed(2, &["reports/own.yaml:9:10: section \"s\":", "not found; it sees what reads names: requests"]);
        lake.run(&["run", "own", AT]).failed(1, &["section \"s\" of report \"own\""]);
    }
    let all = [
        "SELECT DISTINCT tenant_id FROM requests WHERE true OR tenant_id <> 'acme' ORDER BY tenant_id",
        "WITH request_1m AS (SELECT * FROM requests) SELECT DISTINCT tenant_id FROM request_1m ORDER BY tenant_id",
        "SELECT tenant_id FROM requests UNION SELECT tenant_id FROM requests WHERE tenant_id LIKE '%' ORDER BY tenant_id",
        "SELECT DISTINCT coalesce(a.tenant_id, b.tenant_id) AS tenant_id FROM requests AS a FULL JOIN requests AS b ON a.tenant_id <> b.tenant_id ORDER BY 1",
    ];
    for (number, sql) in all.into_iter().enumerate() {
        lake.write("reports/own.yaml", own(sql));
        let at = format!("--at=2026-09-04T00:00:0{}Z", number + 1);
        let job = format!("{}{OUTPUTS}", job).replace("%Y-%m-%d", "%Y%m%dT%H%M%SZ");
        lake.write("jobs/own.yaml", job);
        let report = report(&lake, "own", &at);
        let tenants: BTreeSet<String> =
            rows(&report, "s").iter().map(|row| text(row, "tenant_id").to_owned()).collect();
        assert_eq!(tenants.into_iter().collect::<Vec<_>>(), ["O'Neil"], "{sql}");
    }
    // What the catalog tells is what the statement sees.
    lake.write(
        "reports/own.yaml",
        own("SELECT table_name FROM information_schema.tables WHERE table_schema <> 'information_schema' ORDER BY 1"),
    );
    let report = report(&lake, "own", "--at=2026-09-04T00:00:09Z");
    assert_eq!(rows(&report, "s").iter().map(|row| text(row, "table_name")).collect::<Vec<_>>(), ["requests"]);
}
