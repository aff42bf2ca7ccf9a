//! Pictures of the series that a run met: which of them are shown, and the pages of each tenant.
//!
//! A page speaks of one tenant alone. Whoever has most alerts is shown first, then whoever has most rows, and a page says how many
//! are not shown; so a lake of any size is drawn in bounded memory. Pages name entities, as their alerts do: an erasure withdraws
//! those that show the person.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use engine::encode_folder_value;
use schemas::{
    AnomaliesSpec, DetectorRule, InputFile, MetricPictures, ReportFormat, SeriesAlert, SeriesPicture, SeriesProvenance,
    SeriesReport, compact,
};

use super::alerts::severity;
use super::measure::{Measured, Series};
use super::picture::picture;
use super::raised::{Alert, Judged, threshold};
use crate::deliver::Delivery;
use crate::error::JobError;
use crate::ledger::Output;
use crate::runner::Attempt;
use crate::sla::files_of_tenant;

/// Most series of a tenant's metric that are shown.
const SERIES_MAX: usize = 12;
/// Most series of a run that are shown.
const SHOWN_MAX: usize = 5_000;

/// The number of a metric in its job.
type MetricNumber = usize;

/// What is to be shown.
#[derive(Debug, Default)]
pub(super) struct Pictures {
    met: BTreeMap<(String, MetricNumber), Met>,
    shown: BTreeMap<Rank, SeriesPicture>,
    /// Those that are shown of the tenant and metric that come at the moment.
    here: BTreeSet<Rank>,
}

/// What a tenant has of a metric.
#[derive(Debug, Default)]
struct Met {
    series: u64,
    not_yet: u64,
    left_out: u64,
}

/// Which series is shown rather than another: the greater one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    alerts: usize,
    rows: u64,
    of: Reverse<(String, MetricNumber, Option<String>)>,
}

impl Pictures {
    /// Takes in a series. Those of a tenant and metric come one after the other.
    pub(super) fn take(&mut self, (number, measured): (MetricNumber, &Measured<'_>), series: &Series, judged: &Judged) {
        let met = self.met.entry((series.tenant.clone(), number)).or_insert_with(|| {
            self.here.clear();
            Met::default()
        });
        met.series += u64::from(judged.is_judged);
        met.not_yet += u64::from(!judged.is_judged);
        let rank = Rank {
            alerts: judged.alerts.len(),
            rows: series.rows,
            of: Reverse((series.tenant.clone(), number, series.entity.clone())),
        };
        if self.here.len() >= SERIES_MAX {
            match self.here.first() {
                Some(least) if rank > *least => {
                    self.shown.remove(least);
                    self.here.pop_first();
                }
                _ => return,
            }
        }
        self.here.insert(rank.clone());
        self.shown.insert(rank, picture(measured, series, &judged.earlier));
        if self.shown.len() > SHOWN_MAX
            && let Some((least, _)) = self.shown.pop_first()
        {
            self.here.remove(&least);
        }
    }

    /// Takes in how many series of tenants a metric leaves out.
    pub(super) fn leave_out(&mut self, number: MetricNumber, left_out: &BTreeMap<String, u64>) {
        for (tenant, series) in left_out {
            self.met.entry((tenant.clone(), number)).or_default().left_out += series;
        }
    }

    /// Writes the pages of every tenant, with the alerts that stand.
    pub(super) async fn publish(
        self,
        attempt: &Attempt<'_>,
        (spec, measured): (&AnomaliesSpec, &[Measured<'_>]),
        (inputs, alerts): (&[InputFile], Vec<Alert>),
    ) -> Result<Vec<Output>, JobError> {
        let (lake, key) = (attempt.lake, attempt.key);
        let mut delivery =
            Delivery { front: &lake.front, fence: attempt.fence, retried: attempt.number > 1, outputs: Vec::new() };
        for (tenant, metrics) in self.by_tenant((spec, measured), alerts) {
            let report = SeriesReport {
                lake: lake.definitions.id.to_string(),
                job: key.job.to_string(),
                timezone: lake.definitions.timezone.to_string(),
                judged: attempt.interval,
                alerts_in: spec.into.to_string(),
                metrics,
                provenance: SeriesProvenance {
                    run: key.id(),
                    at: key.instant,
                    version: env!("CARGO_PKG_VERSION").to_owned(),
                    inputs: files_of_tenant(inputs, &tenant),
                },
                tenant,
            };
            for output in &spec.outputs {
                let folder = output.to.render(&attempt.interval, lake.definitions.timezone);
                let (instant, tenant) = (compact(key.instant), encode_folder_value(&report.tenant));
                write(output.format, &report, &format!("{folder}{}.{instant}.{tenant}", key.job), &mut delivery)
                    .await?;
            }
        }
        Ok(delivery.outputs)
    }

    /// What there is to say of each tenant: its metrics in the order of the job, each with the series that are shown.
    fn by_tenant(
        self,
        (spec, measured): (&AnomaliesSpec, &[Measured<'_>]),
        alerts: Vec<Alert>,
    ) -> BTreeMap<String, Vec<MetricPictures>> {
        let mut raised = Raised::of(alerts);
        let mut shown: BTreeMap<(String, MetricNumber), Vec<SeriesPicture>> = BTreeMap::new();
        for (Rank { of: Reverse((tenant, number, entity)), .. }, mut picture) in self.shown.into_iter().rev() {
            let metric = spec.metrics.get(number).map_or("", |metric| metric.metric.as_str());
            picture.alerts = raised.take(&tenant, metric, entity.as_deref().unwrap_or(&tenant));
            shown.entry((tenant, number)).or_default().push(picture);
        }
        let mut all: BTreeMap<String, Vec<MetricPictures>> = BTreeMap::new();
        for ((tenant, number), met) in self.met {
            let Some(measured) = measured.get(number) else { continue };
            let alerts = raised.count(&tenant, &measured.metric.metric);
            let pictures = shown.remove(&(tenant.clone(), number)).unwrap_or_default();
            all.entry(tenant).or_default().push(metric(measured, &met, alerts, pictures));
        }
        all
    }
}

/// The alerts of a run, by what they are of.
struct Raised {
    of: BTreeMap<[String; 3], Vec<SeriesAlert>>,
    counts: BTreeMap<[String; 2], u64>,
}

impl Raised {
    fn of(mut alerts: Vec<Alert>) -> Self {
        alerts.sort_by(|a, b| (a.bucket_start, &a.detector).cmp(&(b.bucket_start, &b.detector)));
        let (mut of, mut counts) = (BTreeMap::<_, Vec<_>>::new(), BTreeMap::new());
        for alert in alerts {
            *counts.entry([alert.tenant_id.clone(), alert.metric.clone()]).or_default() += 1;
            let shown = SeriesAlert {
                alert_id: alert.alert_id,
                start: alert.bucket_start,
                detector: alert.detector,
                value: alert.value,
                score: alert.score,
                severity: severity(alert.severity).to_owned(),
                explanation: alert.explanation,
            };
            of.entry([alert.tenant_id, alert.metric, alert.entity_id]).or_default().push(shown);
        }
        Self { of, counts }
    }

    fn take(&mut self, tenant: &str, metric: &str, entity: &str) -> Vec<SeriesAlert> {
        self.of.remove(&[tenant, metric, entity].map(str::to_owned)).unwrap_or_default()
    }

    fn count(&self, tenant: &str, metric: &str) -> u64 {
        self.counts.get(&[tenant, metric].map(str::to_owned)).copied().unwrap_or(0)
    }
}

fn metric(measured: &Measured<'_>, met: &Met, alerts: u64, pictures: Vec<SeriesPicture>) -> MetricPictures {
    let metric = measured.metric;
    let detectors = metric.detectors.iter().map(|detector| DetectorRule {
        detector: detector.as_str().to_owned(),
        threshold: threshold(metric, *detector),
    });
    MetricPictures {
        metric: metric.metric.clone(),
        from: metric.from.to_string(),
        condition: metric.condition.clone(),
        value: metric.value.clone(),
        by: metric.by.clone(),
        every_seconds: metric.every_seconds,
        empty: metric.empty,
        min_rows: metric.min_rows,
        log1p: metric.log1p,
        detectors: detectors.collect(),
        cool_down_seconds: metric.cool_down_seconds,
        read: measured.interval(),
        series: met.series,
        not_yet: met.not_yet,
        left_out: met.left_out,
        alerts,
        pictures,
    }
}

async fn write(
    format: ReportFormat,
    report: &SeriesReport,
    stem: &str,
    delivery: &mut Delivery<'_>,
) -> Result<(), JobError> {
    match format {
        ReportFormat::Html => delivery.publish(format!("{stem}.html"), exporters::series_html(report).into()).await,
        ReportFormat::Json => delivery.publish(format!("{stem}.json"), exporters::series_json(report)?.into()).await,
        ReportFormat::Csv => delivery.publish_tables(stem, exporters::series_csv(report)).await,
        // Definitions refuse them.
        ReportFormat::Xlsx | ReportFormat::Oscal => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::anomalies::picture::tests::with_measured;

    /// So many series of each tenant, the later ones with more rows; none is judged unusual.
    fn met(tenants: &[(&str, u64)]) -> Pictures {
        let mut pictures = Pictures::default();
        with_measured(|measured| {
            for (tenant, series) in tenants {
                for rows in 1..=*series {
                    let (tenant, entity) = ((*tenant).to_owned(), Some(format!("u-{rows}")));
                    let series = Series { tenant, entity, first: measured.first, values: vec![Some(1.0)], rows };
                    let judged = Judged { alerts: Vec::new(), earlier: Vec::new(), is_judged: rows > 1 };
                    pictures.take((0, measured), &series, &judged);
                }
            }
        });
        pictures
    }

    #[test]
    fn of_each_tenant_the_series_with_the_most_rows_are_shown_and_all_are_counted() {
        let mut pictures = met(&[("acme", 30), ("globex", 3)]);
        pictures.leave_out(0, &BTreeMap::from([("globex".to_owned(), 4)]));
        let rows = |of: &str| {
            let shown = pictures.shown.iter().filter(|(rank, _)| rank.of.0.0 == of);
            shown.map(|(_, picture)| picture.rows).collect::<Vec<_>>()
        };
        assert_eq!(rows("acme"), (19..=30).collect::<Vec<_>>());
        assert_eq!(rows("globex"), [1, 2, 3]);
        let counts: Vec<_> = pictures.met.values().map(|met| (met.series, met.not_yet, met.left_out)).collect();
        assert_eq!(counts, [(29, 1, 0), (2, 1, 4)]);
    }

    #[test]
    fn a_run_shows_so_many_series_at_most() {
        let names: Vec<String> = (0..600).map(|tenant| format!("t{tenant:03}")).collect();
        let tenants: Vec<(&str, u64)> = names.iter().map(|name| (name.as_str(), 12)).collect();
        let pictures = met(&tenants);
        assert_eq!(pictures.shown.len(), SHOWN_MAX);
        // The quietest of every tenant went, and no tenant went whole.
        let tenants: BTreeSet<&String> = pictures.shown.keys().map(|rank| &rank.of.0.0).collect();
        assert_eq!((tenants.len(), pictures.met.len()), (600, 600));
    }
}
