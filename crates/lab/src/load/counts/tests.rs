use proptest::prelude::*;

use super::*;

/// A window from second 10 to second 40 of a clock that starts at `origin`.
fn window(origin: Instant) -> Window {
    Window {
        start: origin + Duration::from_secs(10),
        end: origin + Duration::from_secs(40),
    }
}

fn request(origin: Instant, start: u64, end: u64, failure: Option<Failure>) -> Finished {
    Finished {
        route: 0,
        started: origin + Duration::from_secs(start),
        ended: origin + Duration::from_secs(end),
        failure,
    }
}

/// Counts one request from `start` to `end` seconds: (latencies, failures,
/// completed, stalled).
fn count(start: u64, end: u64, failure: Option<Failure>) -> (u64, u64, u64, u64) {
    let origin = Instant::now();
    let mut counts = Counts::new(1);
    counts.record(&window(origin), request(origin, start, end, failure));
    (
        counts.overall().count(),
        counts.failures.total(),
        counts.completed,
        counts.stalled,
    )
}

#[test]
fn latency_goes_by_start_and_throughput_by_end() {
    assert_eq!(count(5, 9, None), (0, 0, 0, 0), "wholly in the warm-up");
    assert_eq!(count(9, 10, None), (0, 0, 1, 0), "ends as the window opens");
    assert_eq!(count(10, 38, None), (1, 0, 1, 0), "wholly inside");
    assert_eq!(count(39, 67, None), (1, 0, 0, 0), "slow, and still counted");
    assert_eq!(
        count(39, 40, None),
        (1, 0, 0, 0),
        "ends as the window closes"
    );
}

#[test]
fn a_request_that_spans_the_window_is_a_stalled_user() {
    assert_eq!(count(5, 45, None), (0, 0, 0, 1));
    assert_eq!(count(5, 45, Some(Failure::Timeout)), (0, 1, 0, 1));
    assert_eq!(count(9, 40, None), (0, 0, 0, 1), "barely");
    assert_eq!(count(10, 45, None), (1, 0, 0, 0), "starts inside");
    assert_eq!(count(5, 39, None), (0, 0, 1, 0), "ends inside");
}

#[test]
fn the_published_rest_column_has_both_figures_and_the_default_window_none() {
    // Answers of 28 s, from a user that starts half a second into the warm-up.
    let at = |ms: u64| Duration::from_millis(ms);
    let origin = Instant::now();
    let rows = [(30, (1, 1, 0)), (5, (0, 0, 1))];
    for (seconds, expected) in rows {
        let window = Window {
            start: origin + at(1_000),
            end: origin + at(1_000) + Duration::from_secs(seconds),
        };
        let mut counts = Counts::new(1);
        for started in (500..).step_by(28_000).map(|ms| origin + at(ms)) {
            if started >= window.end {
                break;
            }
            let ended = started + at(28_000);
            counts.record(
                &window,
                Finished {
                    route: 0,
                    started,
                    ended,
                    failure: None,
                },
            );
        }
        let found = (counts.overall().count(), counts.completed, counts.stalled);
        assert_eq!(found, expected, "a window of {seconds} s");
    }
}

#[test]
fn a_failure_is_neither_a_latency_nor_a_completion() {
    for kind in Failure::ALL
        .into_iter()
        .filter(|kind| kind.is_the_targets())
    {
        assert_eq!(count(11, 12, Some(kind)), (0, 1, 0, 0), "{kind}");
        assert_eq!(
            count(5, 12, Some(kind)),
            (0, 1, 0, 0),
            "{kind}, begun in the warm-up"
        );
        assert_eq!(
            count(5, 9, Some(kind)),
            (0, 0, 0, 0),
            "{kind}, over before the window"
        );
        assert_eq!(
            count(39, 50, Some(kind)),
            (0, 1, 0, 0),
            "{kind}, known after the window"
        );
    }
}

#[test]
fn what_the_generator_failed_at_is_not_the_targets_failure() {
    let origin = Instant::now();
    let mut counts = Counts::new(1);
    let own = request(origin, 11, 12, Some(Failure::LocalPort));
    counts.record(&window(origin), own);
    assert_eq!(counts.failures.total(), 0);
    assert_eq!(counts.failures.of(Failure::LocalPort), 1);
}

fn any_request() -> impl Strategy<Value = (usize, u64, u64, Option<Failure>)> {
    let failure = proptest::option::of(proptest::sample::select(Failure::ALL.to_vec()));
    (0..2usize, 0..40u64, 0..60u64, failure)
}

proptest! {
    #[test]
    fn every_request_is_counted_as_what_it_is_by_any_number_of_threads(
        requests in proptest::collection::vec((0..4usize, any_request()), 0..60)
    ) {
        let origin = Instant::now();
        let window = window(origin);
        let mut single = Counts::new(2);
        let mut threads = vec![Counts::new(2); 4];
        let mut outside = 0;
        for (thread, (route, start, takes, failure)) in &requests {
            let finished = Finished {
                route: *route,
                ..request(origin, *start, start + takes, *failure)
            };
            single.record(&window, finished);
            threads[*thread].record(&window, finished);
            let end = start + takes;
            let counted = end >= 10 && (failure.is_some() || *start >= 10);
            outside += u64::from(!counted);
        }
        let mut merged = threads.remove(0);
        threads.iter().for_each(|thread| merged.merge(thread));

        prop_assert_eq!(merged.failures, single.failures);
        prop_assert_eq!(merged.completed, single.completed);
        prop_assert_eq!(merged.stalled, single.stalled);
        for (merged, single) in merged.routes.iter().zip(&single.routes) {
            prop_assert_eq!(merged.histogram(), single.histogram());
            prop_assert_eq!(merged.mean(), single.mean());
            prop_assert_eq!(merged.max(), single.max());
        }
        let failures = single.failures.total() + single.failures.of(Failure::LocalPort);
        let successes = single.overall().count();
        prop_assert_eq!(successes + failures + outside, requests.len() as u64);
    }
}

#[test]
fn merged_threads_count_like_one() {
    let mut first = Counts::new(2);
    let mut second = Counts::new(2);
    first.routes[0].record(Duration::from_millis(10));
    second.routes[0].record(Duration::from_millis(30));
    second.routes[1].record(Duration::from_millis(20));
    first.failures.add(Failure::Status);
    second.failures.add(Failure::Status);
    first.completed = 1;
    second.completed = 2;
    first.record_unserved();
    second.record_unserved();
    first.merge(&second);
    assert_eq!(first.unserved, 2);
    assert_eq!(first.failures.of(Failure::Status), 2);
    assert_eq!(first.completed, 3);
    let all = first.overall();
    assert_eq!(all.count(), 3);
    assert_eq!(all.mean(), Some(Duration::from_millis(20)));
    assert_eq!(all.max(), Some(Duration::from_millis(30)));
}

#[test]
fn quantiles_keep_three_digits() {
    let mut latencies = Latencies::new();
    for microseconds in 1..=10_000 {
        latencies.record(Duration::from_micros(microseconds));
    }
    for (quantile, expected) in [(0.5, 5e-3), (0.95, 9.5e-3), (0.99, 9.9e-3), (1.0, 10e-3)] {
        let found = latencies
            .quantile(quantile)
            .expect("not empty")
            .as_secs_f64();
        assert!((found / expected - 1.0).abs() < 1e-3, "{quantile}: {found}");
    }
}

#[test]
fn nothing_recorded_has_no_figures() {
    let latencies = Latencies::new();
    assert_eq!(latencies.mean(), None);
    assert_eq!(latencies.max(), None);
    assert_eq!(latencies.quantile(0.5), None);
}

#[test]
fn a_latency_beyond_the_bounds_is_kept() {
    let mut latencies = Latencies::new();
    latencies.record(Duration::from_secs(7200));
    assert_eq!(latencies.count(), 1);
    assert_eq!(latencies.max(), Some(Duration::from_secs(7200)));
}
