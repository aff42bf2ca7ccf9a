//! What detectors find, what they let pass, and that they look back only.

use std::path::PathBuf;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::detect::{Detector, DetectorName, Point};
use super::surprise::Surprise;
use super::*;

const ALL: [DetectorName; 6] = [
    DetectorName::Surprise,
    DetectorName::Poisson,
    DetectorName::RobustZ,
    DetectorName::Ewma,
    DetectorName::Cusum,
    DetectorName::ThreeSigma,
];
const MINUTE: i64 = 60_000_000;

fn args(detector: DetectorName) -> ScoreArgs {
    ScoreArgs {
        file: PathBuf::from("series.csv"),
        detector,
        time_column: "timestamp".to_owned(),
        value_column: "value".to_owned(),
        timezone: chrono_tz::UTC,
        log1p: false,
        cool_down: Some(CoolDown::Values(0)),
        threshold: None,
        alerts: true,
    }
}

fn series(values: &[f64]) -> Series {
    let points: Vec<(i64, Option<f64>)> =
        values.iter().zip(0..).map(|(value, at)| (at * 5 * MINUTE, (!value.is_nan()).then_some(*value))).collect();
    let written = values.iter().map(|value| (String::new(), value.to_string())).collect();
    Series { points, written, ..Series::default() }
}

fn scored(values: &[f64], args: &ScoreArgs) -> Vec<Scored> {
    score(&series(values), args).expect("numbers")
}

/// Numbers of the values that raise alerts.
fn alerts_at(values: &[f64], detector: DetectorName) -> Vec<usize> {
    let found = scored(values, &args(detector));
    found.iter().enumerate().filter(|(_, one)| one.is_alert).map(|(at, _)| at).collect()
}

/// Counts around ten, from 7 to 13.
fn around_ten(chance: &mut ChaCha8Rng, count: usize) -> Vec<f64> {
    (0..count).map(|_| f64::from(chance.random_range(7..14_i32))).collect()
}

#[test]
fn a_score_depends_on_nothing_that_comes_later() {
    let mut chance = ChaCha8Rng::seed_from_u64(31);
    for detector in ALL {
        let mut values = around_ten(&mut chance, 400);
        values[300] = 90.0;
        // Nothing is above the threshold, so nothing is left out for it.
        let args = ScoreArgs { threshold: Some(f64::INFINITY), ..args(detector) };
        let whole = scored(&values, &args);
        for end in [1, 40, 299, 301, 350] {
            assert_eq!(scored(&values[..end], &args), whole[..end], "{detector:?} up to {end}");
        }
        assert!(whole[300].score > whole[299].score, "{detector:?}: {:?}", whole[300]);
    }
}

#[test]
fn a_spike_is_an_alert_and_what_is_usual_is_none() {
    let mut chance = ChaCha8Rng::seed_from_u64(32);
    for detector in ALL {
        let mut values = around_ten(&mut chance, 3_000);
        values[2_000] = 60.0;
        let alerts = alerts_at(&values, detector);
        assert!(alerts.contains(&2_000), "{detector:?}: {alerts:?}");
        // A mean as extreme as none before may be told by its rarity alone.
        let false_alarms = alerts.iter().filter(|at| !(2_000..2_050).contains(*at)).count();
        assert!(false_alarms <= if detector == DetectorName::Surprise { 5 } else { 0 }, "{detector:?}: {alerts:?}");
    }
}

#[test]
fn one_spike_out_of_all_measure_does_not_blind() {
    let mut chance = ChaCha8Rng::seed_from_u64(33);
    let mut values: Vec<f64> = (0..4_000).map(|_| chance.random_range(90.0..110.0)).collect();
    values[2_000] = 1e9;
    values[3_000] = 220.0;
    let found = scored(&values, &args(DetectorName::Surprise));
    assert!(found[2_000].is_alert && found[3_000].is_alert, "{:?} {:?}", found[2_000], found[3_000]);
}

#[test]
fn the_first_other_value_of_a_constant_series_is_an_alert() {
    for detector in [DetectorName::Surprise, DetectorName::Ewma, DetectorName::ThreeSigma] {
        let mut values = vec![5.0; 2_000];
        values[1_900] = 5.5;
        let found = scored(&values, &args(detector));
        assert!(found[1_900].is_alert, "{detector:?}: {:?}", found[1_900]);
        assert!(!found[1_899].is_alert && !found[1_000].is_alert, "{detector:?}");
    }
}

#[test]
fn a_shift_too_small_for_one_point_is_found_by_adding_up() {
    let mut chance = ChaCha8Rng::seed_from_u64(34);
    let mut values: Vec<f64> =
        (0..2_000).map(|_| chance.random_range(0.0..10.0) + chance.random_range(0.0..10.0)).collect();
    values[1_500..].iter_mut().for_each(|value| *value += 5.0);
    assert_eq!(alerts_at(&values, DetectorName::RobustZ), Vec::<usize>::new());
    let found = alerts_at(&values, DetectorName::Cusum);
    assert!(found.first().is_some_and(|at| (1_500..1_540).contains(at)), "{found:?}");
}

#[test]
fn what_only_teaches_and_what_lacks_a_value_raises_no_alert() {
    let mut values = around_ten(&mut ChaCha8Rng::seed_from_u64(35), 1_000);
    values[100] = 500.0;
    values[600] = f64::NAN;
    values[700] = 500.0;
    let found = scored(&values, &args(DetectorName::RobustZ));
    // 15 % of them teach.
    assert!(!found[100].is_alert && found[100].score > Some(6.0), "{:?}", found[100]);
    assert_eq!(found[600], Scored::default());
    assert!(found[700].is_alert);
    let higher = ScoreArgs { threshold: Some(1e6), ..args(DetectorName::RobustZ) };
    assert!(scored(&values, &higher).iter().all(|one| !one.is_alert));
}

#[test]
fn a_histogram_of_any_series_takes_less_than_4_kib() {
    let bytes = size_of::<Surprise>() + 2 * size_of::<[u32; 256]>() + 64 * size_of::<f64>() + 2 * 32 * size_of::<f64>();
    assert!(bytes <= 4_096, "{bytes}");
}

#[test]
fn a_value_is_explained_by_those_before_it() {
    let before: Vec<f64> = (0..100).map(|at| f64::from(at % 5)).collect();
    for (value, words) in [
        (41.0, "expected 2 ± 1.483, saw 41; nothing above 4 in 100 values before"),
        (-3.0, "expected 2 ± 1.483, saw -3; nothing below 0 in 100 values before"),
        (0.0, "expected 2 ± 1.483, saw 0; 40 of 100 values before were as far off"),
    ] {
        assert_eq!(Expected::of(before.clone(), value).sentence(value), words);
    }
    let close = [0.012_345_678, 0.012_4];
    assert_eq!(
        Expected::of(close.to_vec(), 123_456.7).sentence(123_456.7),
        "expected 0.01237 ± 0.00004027, saw 123457; nothing above 0.0124 in 2 values before"
    );
}

#[test]
fn logarithms_are_of_what_is_not_below_nought() {
    let logarithms = ScoreArgs { log1p: true, ..args(DetectorName::Surprise) };
    let error = score(&series(&[1.0, -1.0]), &logarithms).expect_err("below nought").to_string();
    assert!(
        error.contains("series.csv") && error.contains("record 2: the logarithm takes values from 0 on"),
        "{error}"
    );
    let mut surprise = Surprise::default();
    for at in 0..31 {
        let met = surprise.score(Point { at, value: 1.0 }).expect("a value");
        assert_eq!(met, None, "value {at}");
    }
    assert!(surprise.score(Point { at: 31, value: 1.0 }).expect("a value").is_some());
}
