//! What a run came to, for people: a line for each metric, SLA and control.

use super::job::AnomaliesSummary;
use crate::show::{counted, write_line};

/// The alerts of a run, and what they are of.
pub(crate) fn raised(anomalies: &AnomaliesSummary) -> String {
    let mut text = String::new();
    let of = format!("{} high or critical, in dataset {}", anomalies.high, anomalies.dataset);
    write_line(&mut text, &format!("{}: {of}", counted(anomalies.alerts, "alert")));
    for metric in &anomalies.metrics {
        let left_out = match metric.left_out {
            0 => String::new(),
            quiet => format!(", {quiet} of the quietest left out"),
        };
        let line = format!(
            "  {}: {} in {} series judged, {} not judged yet{left_out}",
            metric.metric,
            counted(metric.alerts, "alert"),
            metric.series,
            metric.not_yet
        );
        write_line(&mut text, &line);
    }
    for budget in &anomalies.budgets {
        let line = match &budget.not_evaluated {
            Some(why) => format!("  budgets of sla {}: not watched: {why}", budget.sla),
            None => {
                let silent = match budget.silent {
                    0 => String::new(),
                    silent => format!(", {} had too little to go by at the end", counted(silent, "rule")),
                };
                let raised = counted(budget.alerts, "alert");
                format!(
                    "  budgets of sla {}: {raised} in {} watched{silent}",
                    budget.sla,
                    counted(budget.tenants, "tenant")
                )
            }
        };
        write_line(&mut text, &line);
    }
    for rule in &anomalies.rules {
        let unknown = match (&rule.why, rule.not_evaluated) {
            (_, 0) => String::new(),
            (why, tenants) => {
                format!(", {} not judged: {}", counted(tenants, "tenant"), why.as_deref().unwrap_or("nothing says why"))
            }
        };
        let (alerts, of) = (counted(rule.alerts, "alert"), counted(rule.violations, "violation"));
        write_line(&mut text, &format!("  rule {}: {alerts} of {of}{unknown}", rule.control));
    }
    if anomalies.expired > 0 {
        write_line(
            &mut text,
            &format!("{} expired: nobody resolved them in time", counted(anomalies.expired, "alert")),
        );
    }
    text
}
