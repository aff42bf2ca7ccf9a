//! What was measured of a tenant in a period, by statements that name the tenant: no row of another is read.
//!
//! Whether the service was measured at all is the one thing that rows of every tenant say.

use arrow::array::RecordBatch;
use chrono::{DateTime, TimeDelta, Utc};
use engine::LakeSession;
use schemas::{HISTORY_ENDING, Interval, Measured, Sla, rfc3339};

use super::excluded::Window;
use super::fees;
use super::judged::{Measurements, Minute};
use super::probes::{Check, ProbeRule, of_checks};
use super::slices::{Counted, Slices, count, of_requests, slice_at};
use crate::error::JobError;
use crate::row_columns::{bytes, literal, numbers, texts};

/// Longest time that a check speaks for, if no definition says so.
const STALE_MAX: TimeDelta = TimeDelta::days(2);

/// The slices in which something of the service was measured; of probes, none is needed.
pub(super) async fn measured_slices(
    session: &LakeSession,
    sla: &Sla,
    interval: Interval,
) -> Result<Vec<bool>, JobError> {
    let mut measured = vec![false; count(interval, sla.slices)];
    if let Measured::Requests { dataset, .. } = &sla.measured {
        // A row says so in each of its revisions.
        let sql = format!(
            "SELECT DISTINCT CAST(minute AS bigint) AS at FROM \"{dataset}{HISTORY_ENDING}\" WHERE service = {} AND {}",
            literal(&sla.service),
            within("minute", interval)
        );
        for at in numbers(&session.query(&sql).await?, "at")? {
            if let Some(slice) = at.and_then(instant).and_then(|at| slice_at(interval, sla.slices, at)) {
                measured[slice] = true;
            }
        }
    }
    Ok(measured)
}

/// Everything of a tenant's period.
pub(super) async fn measurements(
    session: &LakeSession,
    (sla, measured): (&Sla, &[bool]),
    (tenant, interval): (&str, Interval),
) -> Result<Measurements, JobError> {
    let Counts { slices, minutes, targets } = counts(session, (sla, measured), (tenant, interval)).await?;
    let fees = match &sla.fees {
        Some(rule) => Some(fees::read(session, rule, (tenant, interval)).await?),
        None => None,
    };
    let windows = windows(session, sla, (tenant, interval)).await?;
    Ok(Measurements { slices, windows, fees, minutes, targets })
}

/// What was counted of a tenant.
pub(super) struct Counts {
    pub(super) slices: Slices,
    /// Requests by the minute; none of checks.
    pub(super) minutes: Vec<Minute>,
    /// As in what was measured of a period.
    pub(super) targets: Vec<(usize, Option<i64>)>,
}

/// Requests or checks of a tenant in a time.
pub(super) async fn counts(
    session: &LakeSession,
    (sla, measured): (&Sla, &[bool]),
    (tenant, interval): (&str, Interval),
) -> Result<Counts, JobError> {
    match &sla.measured {
        Measured::Requests { .. } => requests(session, (sla, measured), (tenant, interval)).await,
        Measured::Probes { .. } => {
            let slices = checks(session, sla, (tenant, interval)).await?;
            Ok(Counts { slices, minutes: Vec::new(), targets: Vec::new() })
        }
    }
}

/// Rows of a tenant's requests that an SLA counts, in a time.
fn requests_where(sla: &Sla, tenant: &str, interval: Interval) -> String {
    let mut all = format!(
        "tenant_id = {} AND service = {} AND {}",
        literal(tenant),
        literal(&sla.service),
        within("minute", interval)
    );
    if let Measured::Requests { routes, regions, .. } = &sla.measured {
        for (column, listed) in [("route_group", routes), ("region", regions)] {
            let listed: Vec<String> = listed.iter().map(|one| literal(one)).collect();
            if !listed.is_empty() {
                all.push_str(&format!(" AND {column} IN ({})", listed.join(", ")));
            }
        }
    }
    all
}

/// A time of a column, half open.
fn within(column: &str, interval: Interval) -> String {
    let (start, end) = (rfc3339(interval.start), rfc3339(interval.end));
    format!("{column} >= TIMESTAMP '{start}' AND {column} < TIMESTAMP '{end}'")
}

fn instant(micros: i64) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp_micros(micros)
}

async fn requests(
    session: &LakeSession,
    (sla, measured): (&Sla, &[bool]),
    (tenant, interval): (&str, Interval),
) -> Result<Counts, JobError> {
    let dataset = sla.measured.dataset();
    let sql = format!(
        "SELECT CAST(minute AS bigint) AS at, total, err_server, timeout, slow, target_us, latency FROM \"{dataset}\" WHERE {}",
        requests_where(sla, tenant, interval)
    );
    let batches = session.query(&sql).await?;
    let of = |name: &str| numbers(&batches, name);
    let counts = [of("total")?, of("err_server")?, of("timeout")?, of("slow")?];
    let (times, promised) = (of("at")?, of("target_us")?);
    let mut latencies = bytes(&batches, "latency")?.into_iter();
    let mut counted: Vec<Counted> =
        measured.iter().map(|is_measured| Counted { is_measured: *is_measured, ..Counted::default() }).collect();
    let (mut minutes, mut targets) = (Vec::with_capacity(times.len()), Vec::new());
    for (row, at) in times.into_iter().enumerate() {
        let latency = latencies.next().unwrap_or_default();
        let Some(at) = at.and_then(instant) else { continue };
        let Some(slice) = slice_at(interval, sla.slices, at) else { continue };
        let row_counts = counts.each_ref().map(|column| column[row]);
        let minute = minute((at, slice), row_counts, latency).filter(|minute| counted[slice].add(minute));
        let minute = minute.ok_or_else(|| contradicting(dataset.as_str(), tenant, at))?;
        if minute.total > 0 {
            targets.push((slice, promised[row]));
        }
        minutes.push(minute);
    }
    // From the first slice of each on.
    targets.sort_unstable();
    targets.dedup_by_key(|(_, target)| *target);
    Ok(Counts { slices: of_requests(interval, sla.slices, counted), minutes, targets })
}

/// A row of requests; none where its counts contradict each other.
fn minute((at, slice): (DateTime<Utc>, usize), counts: [Option<i64>; 4], latency: Vec<u8>) -> Option<Minute> {
    let count = |at: usize| u64::try_from(counts[at]?).ok();
    let (total, slow) = (count(0)?, count(3)?);
    let failed = count(1)?.checked_add(count(2)?)?;
    (failed <= total && slow <= total).then_some(Minute { at, slice, total, failed, slow, latency })
}

impl Counted {
    /// Adds a row; whether the sums can be counted.
    fn add(&mut self, minute: &Minute) -> bool {
        let sums = (
            self.total.checked_add(minute.total),
            self.failed.checked_add(minute.failed),
            self.slow.checked_add(minute.slow),
        );
        let (Some(total), Some(failed), Some(slow)) = sums else { return false };
        (self.total, self.failed, self.slow) = (total, failed, slow);
        true
    }
}

fn contradicting(dataset: &str, tenant: &str, at: DateTime<Utc>) -> JobError {
    JobError::SlaData(format!(
        "dataset \"{dataset}\" has counts that contradict each other, of tenant \"{tenant}\" at {}: below zero, or more failed \
         or slow requests than there were; correct them with a row of a higher revision",
        rfc3339(at)
    ))
}

/// The time of which rows are read: checks from before a period speak for its first slices.
pub(super) fn read_interval(sla: &Sla, interval: Interval) -> Interval {
    match &sla.measured {
        Measured::Requests { .. } => interval,
        Measured::Probes { stale_after_seconds, .. } => {
            let stale_after = stale_after_seconds.and_then(crate::schedule::seconds);
            Interval { start: interval.start - stale_after.unwrap_or(STALE_MAX), end: interval.end }
        }
    }
}

async fn checks(session: &LakeSession, sla: &Sla, (tenant, interval): (&str, Interval)) -> Result<Slices, JobError> {
    let Measured::Probes { dataset, tenant: of_all, quorum, stale_after_seconds } = &sla.measured else {
        return Ok(of_requests(interval, sla.slices, Vec::new()));
    };
    let stale_after = stale_after_seconds.and_then(crate::schedule::seconds);
    let earlier = read_interval(sla, interval);
    let sql = format!(
        "SELECT CAST(time AS bigint) AS at, probe_id, location, ok, interval_s FROM \"{dataset}\" WHERE tenant_id = {} AND \
         service = {} AND {} ORDER BY time, location, probe_id, ok",
        literal(of_all.as_deref().unwrap_or(tenant)),
        literal(&sla.service),
        within("time", earlier)
    );
    let batches = session.query(&sql).await?;
    let (times, ok, every) = (numbers(&batches, "at")?, numbers(&batches, "ok")?, numbers(&batches, "interval_s")?);
    let text = |name: &str| texts(&batches, name).into_iter().map(Option::unwrap_or_default);
    let named = text("probe_id").zip(text("location"));
    let rows = times.into_iter().zip(ok).zip(every.into_iter().zip(named));
    let checks: Vec<Check> = rows
        .filter_map(|((at, ok), (interval_s, (probe, location)))| {
            Some(Check { at: instant(at?)?, probe, location, ok: ok? != 0, interval_s })
        })
        .collect();
    Ok(of_checks(interval, &ProbeRule { slices: sla.slices, quorum: *quorum, stale_after }, &checks))
}

/// Windows that reach into a time, of the tenant or of all, and of the service or of all.
pub(super) async fn windows(
    session: &LakeSession,
    sla: &Sla,
    (tenant, interval): (&str, Interval),
) -> Result<Vec<Window>, JobError> {
    let Some(rule) = &sla.exclusions else { return Ok(Vec::new()) };
    let sql = format!(
        "SELECT id, revision, kind, CAST(starts_at AS bigint) AS starts, CAST(ends_at AS bigint) AS ends, \
         CAST(announced_at AS bigint) AS announced, approved_by, ticket_ref, region, reason FROM \"{}\" \
         WHERE (tenant_id IS NULL OR tenant_id = {}) AND (service IS NULL OR service = {}) \
         AND starts_at < TIMESTAMP '{}' AND (ends_at > TIMESTAMP '{}' OR ends_at <= starts_at) ORDER BY starts_at, id, ends_at",
        rule.dataset,
        literal(tenant),
        literal(&sla.service),
        rfc3339(interval.end),
        rfc3339(interval.start)
    );
    let batches: Vec<RecordBatch> = session.query(&sql).await?;
    let of = |name: &str| numbers(&batches, name);
    let (revisions, starts, ends, announced) = (of("revision")?, of("starts")?, of("ends")?, of("announced")?);
    let text = |name: &str| texts(&batches, name);
    let (ids, kinds, approved) = (text("id"), text("kind"), text("approved_by"));
    let (tickets, regions, reasons) = (text("ticket_ref"), text("region"), text("reason"));
    let at = |column: &[Option<i64>], row: usize| column[row].and_then(instant);
    let rows = (0..ids.len()).filter_map(|row| {
        Some(Window {
            id: ids[row].clone()?,
            revision: i32::try_from(revisions[row]?).ok()?,
            kind: kinds[row].clone()?,
            starts_at: at(&starts, row)?,
            ends_at: at(&ends, row)?,
            announced_at: at(&announced, row),
            approved_by: approved[row].clone().unwrap_or_default(),
            ticket_ref: tickets[row].clone(),
            region: regions[row].clone(),
            reason: reasons[row].clone().unwrap_or_default(),
        })
    });
    // A window that ends before it begins is told where its beginning lies in the period.
    Ok(rows.filter(|window| window.ends_at > window.starts_at || window.starts_at >= interval.start).collect())
}
