use proptest::prelude::*;

use super::*;
use crate::exchange::Observed;

const TIMEOUT: Duration = Duration::from_secs(20);

/// A window from second 10 to second 40 of a clock that starts at `origin`.
fn window(origin: Instant) -> Window {
    Window {
        start: origin + Duration::from_secs(10),
        end: origin + Duration::from_secs(40),
    }
}

fn request(origin: Instant, start: u64, end: u64, failure: Option<Failure>) -> Finished {
    let intended = origin + Duration::from_secs(start);
    Finished {
        route: 0,
        intended,
        begun: intended,
        sent: intended,
        ended: origin + Duration::from_secs(end),
        failure,
    }
}

/// The counts of threads that recorded these requests, each of a route and a thread.
fn counted(origin: Instant, threads: usize, requests: &[(usize, Finished)]) -> Counts {
    let window = window(origin);
    let mut recorders: Vec<_> = (0..threads)
        .map(|_| Recorder::new(window, 2, TIMEOUT))
        .collect();
    for (thread, finished) in requests {
        recorders[*thread].record(finished, &Observed::default());
        recorders[*thread].record_user(finished);
    }
    Counts::of(&window, &recorders.iter().collect::<Vec<_>>())
}

/// Counts one request from `start` to `end` seconds: (latencies, failures,
/// completed, stalled).
fn count(start: u64, end: u64, failure: Option<Failure>) -> (u64, u64, u64, u64) {
    let origin = Instant::now();
    let counts = counted(origin, 1, &[(0, request(origin, start, end, failure))]);
    assert_eq!(
        counts.overall().count(),
        counts.overall_uncorrected().count()
    );
    (
        counts.overall().count(),
        counts.failures().total(),
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
fn what_starts_after_the_window_is_made_for_its_iteration_alone() {
    assert_eq!(count(40, 41, None), (0, 0, 0, 0));
    assert_eq!(count(40, 41, Some(Failure::Status)), (0, 0, 0, 0));
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
fn a_request_that_only_waited_for_its_user_through_the_window_stalled_nobody() {
    let origin = Instant::now();
    let mut late = request(origin, 5, 45, None);
    late.begun = origin + Duration::from_secs(30);
    assert_eq!(counted(origin, 1, &[(0, late)]).stalled, 0);
}

#[test]
fn a_slow_chain_has_both_figures_in_a_long_window_and_none_in_a_short_one() {
    // Answers of 28 s, from a user that starts half a second into the warm-up.
    let at = |ms: u64| Duration::from_millis(ms);
    let origin = Instant::now();
    let rows = [(30, (1, 1, 0)), (5, (0, 0, 1))];
    for (seconds, expected) in rows {
        let window = Window {
            start: origin + at(1_000),
            end: origin + at(1_000) + Duration::from_secs(seconds),
        };
        let mut recorder = Recorder::new(window, 1, TIMEOUT);
        for intended in (500..).step_by(28_000).map(|ms| origin + at(ms)) {
            if intended >= window.end {
                break;
            }
            let finished = Finished {
                route: 0,
                intended,
                begun: intended,
                sent: intended,
                ended: intended + at(28_000),
                failure: None,
            };
            recorder.record(&finished, &Observed::default());
            recorder.record_user(&finished);
        }
        let counts = Counts::of(&window, &[&recorder]);
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
    for kind in [Failure::LocalPort, Failure::Unsent] {
        let origin = Instant::now();
        let own = request(origin, 11, 12, Some(kind));
        let counts = counted(origin, 1, &[(0, own)]);
        assert_eq!(counts.failures().total(), 0);
        assert_eq!(counts.failures().of(kind), 1);
        assert!(counts.intervals.iter().all(|interval| interval.failed == 0));
    }
}

#[test]
fn a_wait_before_sending_is_in_the_corrected_latency_alone() {
    let origin = Instant::now();
    let mut waited = request(origin, 11, 15, None);
    waited.sent = origin + Duration::from_secs(14);
    let counts = counted(origin, 1, &[(0, waited)]);
    let route = &counts.routes[0];
    assert_eq!(route.latency.max(), Some(Duration::from_secs(4)));
    assert_eq!(route.uncorrected.max(), Some(Duration::from_secs(1)));
}

#[test]
fn an_iteration_not_begun_is_a_timeout_when_its_time_ran_out() {
    let origin = Instant::now();
    let window = window(origin);
    let at = |second| origin + Duration::from_secs(second);
    let long = Duration::from_secs(5);
    let mut recorder = Recorder::new(window, 2, long);
    recorder.record_not_begun(at(2)); // Over before the window.
    recorder.record_not_begun(at(6)); // Over in second 1 of the window.
    recorder.record_not_begun(at(39)); // Over after it.
    let counts = Counts::of(&window, &[&recorder]);
    assert_eq!(counts.not_begun, 2);
    assert_eq!(counts.failures().of(Failure::Timeout), 2);
    assert_eq!(counts.routes[0].failures.total(), 2, "of the first request");
    let failed: Vec<_> = counts.intervals.iter().map(|one| one.failed).collect();
    assert_eq!(failed[..3], [0, 1, 0]);
    assert_eq!(failed.iter().sum::<u64>(), 1);
}

#[test]
fn iterations_are_measured_by_start_and_counted_by_end() {
    let origin = Instant::now();
    let window = window(origin);
    let at = |second| origin + Duration::from_secs(second);
    let mut recorder = Recorder::new(window, 1, TIMEOUT);
    let mut record = |intended, free, failures| {
        recorder.record_iteration(&Iteration {
            intended: at(intended),
            free: at(free),
            failures,
        });
    };
    record(8, 11, 0); // Counted.
    record(11, 15, 2); // Both, and a request of it failed, and another.
    record(35, 43, 1); // Measured.
    record(1, 3, 1); // Neither.
    recorder.record_unfinished(at(30));
    recorder.record_unfinished(at(9));
    let iterations = Counts::of(&window, &[&recorder]).iterations;
    assert_eq!((iterations.completed, iterations.failed), (2, 1));
    assert_eq!(iterations.durations.count(), 2);
    assert_eq!(iterations.durations.mean(), Some(Duration::from_secs(6)));
    assert_eq!(iterations.unfinished, 1);
}

#[test]
fn streams_are_measured_by_message_from_the_intended_start() {
    let origin = Instant::now();
    let at = |second| origin + Duration::from_secs(second);
    let mut observed = Observed::default();
    for second in [14, 15, 19] {
        observed.message(at(second));
    }
    let window = window(origin);
    let mut recorder = Recorder::new(window, 1, TIMEOUT);
    let mut late = request(origin, 11, 20, None);
    // It waited for a connection, as its user did.
    late.sent = at(13);
    recorder.record(&late, &observed);
    // In the warm-up: nothing of this.
    recorder.record(&request(origin, 9, 20, None), &observed);
    let route = Counts::of(&window, &[&recorder]).routes[0].clone();
    assert_eq!(route.messages, 3);
    assert_eq!(route.first_message.count(), 1);
    assert_eq!(route.first_message.max(), Some(Duration::from_secs(3)));
    assert_eq!(route.gaps.count(), 2);
    assert_eq!(route.gaps.total(), Duration::from_secs(5));
}

#[test]
fn what_was_seen_of_a_stream_that_failed_counts() {
    let origin = Instant::now();
    let at = |second| origin + Duration::from_secs(second);
    let window = window(origin);
    // Messages, how it ended at second 30: first messages, gaps, the longest gap.
    let check = |messages: &[u64], failure, expected: (u64, u64, Option<u64>)| {
        let mut observed = Observed::default();
        messages
            .iter()
            .for_each(|second| observed.message(at(*second)));
        let mut recorder = Recorder::new(window, 1, TIMEOUT);
        recorder.record(&request(origin, 11, 30, Some(failure)), &observed);
        let route = Counts::of(&window, &[&recorder]).routes[0].clone();
        let (first, gaps) = (route.first_message, route.gaps);
        let longest = gaps.max().map(|gap| gap.as_secs());
        assert_eq!(
            (first.count(), gaps.count(), longest),
            expected,
            "{failure}"
        );
        assert_eq!(route.messages, messages.len() as u64);
        assert_eq!((route.failures.total(), route.latency.count()), (1, 0));
    };
    check(&[12, 15], Failure::Closed, (1, 1, Some(3)));
    check(&[12, 15], Failure::Timeout, (1, 2, Some(15)));
    check(&[12], Failure::Timeout, (1, 1, Some(18)));
    check(&[], Failure::Timeout, (0, 0, None));
}

#[test]
fn a_window_has_intervals_of_whole_seconds_and_at_most_600() {
    let of = |length: Duration| {
        let start = Instant::now();
        let window = Window {
            start,
            end: start + length,
        };
        (window.interval().as_secs(), window.intervals())
    };
    assert_eq!(of(Duration::from_millis(300)), (1, 1));
    assert_eq!(of(Duration::from_secs(1)), (1, 1));
    assert_eq!(of(Duration::from_millis(1_001)), (1, 2));
    assert_eq!(of(Duration::from_secs(600)), (1, 600));
    assert_eq!(of(Duration::from_secs(601)), (2, 301));
    assert_eq!(of(Duration::from_secs(86_400)), (144, 600));
}

fn any_request() -> impl Strategy<Value = (usize, u64, u64, u64, Option<Failure>)> {
    let failure = proptest::option::of(proptest::sample::select(Failure::ALL.to_vec()));
    (0..2usize, 0..40u64, 0..5u64, 0..60u64, failure)
}

proptest! {
    // Each case goes through all intervals of a window, several times.
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn every_request_is_counted_as_what_it_is_by_any_number_of_threads(
        requests in proptest::collection::vec((0..4usize, any_request()), 0..60)
    ) {
        let origin = Instant::now();
        let mut finished = Vec::new();
        let (mut outside, mut waits) = (0, Duration::ZERO);
        for (thread, (route, start, wait, takes, failure)) in &requests {
            let end = start + wait + takes;
            let mut one = request(origin, *start, end, *failure);
            one.route = *route;
            one.sent += Duration::from_secs(*wait);
            finished.push((*thread, one));
            let counted = end >= 10 && (failure.is_some() || *start >= 10);
            outside += u64::from(!counted);
            if counted && failure.is_none() {
                waits += Duration::from_secs(*wait);
            }
        }
        let threads = counted(origin, 4, &finished);
        let alone: Vec<_> = finished.iter().map(|(_, one)| (0, *one)).collect();
        let single = counted(origin, 1, &alone);

        prop_assert_eq!(threads.failures(), single.failures());
        prop_assert_eq!(threads.completed, single.completed);
        prop_assert_eq!(threads.stalled, single.stalled);
        for (threads, single) in threads.routes.iter().zip(&single.routes) {
            prop_assert_eq!(threads.latency.histogram(), single.latency.histogram());
            prop_assert_eq!(threads.latency.total(), single.latency.total());
            prop_assert_eq!(threads.latency.max(), single.latency.max());
            prop_assert_eq!(threads.uncorrected.total(), single.uncorrected.total());
        }
        let failures = single.failures();
        let failures: u64 = Failure::ALL.into_iter().map(|kind| failures.of(kind)).sum();
        let successes = single.overall().count();
        prop_assert_eq!(successes + failures + outside, requests.len() as u64);
        let uncorrected = single.overall_uncorrected().total();
        prop_assert_eq!(single.overall().total() - uncorrected, waits);
        // The intervals hold the same once more.
        let completed: u64 = single.intervals.iter().map(|one| one.completed).sum();
        prop_assert_eq!(completed, single.completed);
        let mut latencies = Latencies::new();
        for (index, interval) in single.intervals.iter().enumerate() {
            prop_assert_eq!(interval.start.as_secs(), index as u64);
            latencies.merge(&interval.overall());
        }
        prop_assert_eq!(latencies.count(), successes);
        prop_assert_eq!(latencies.total(), single.overall().total());
    }

    #[test]
    fn packing_while_it_runs_changes_nothing(
        requests in proptest::collection::vec((10u64..40, 0u64..20_000), 1..80),
        late in 10u64..12,
    ) {
        let origin = Instant::now();
        let window = window(origin);
        let timeout = Duration::from_secs(2);
        let mut packing = Recorder::new(window, 1, timeout);
        packing.pack_early();
        let mut plain = Recorder::new(window, 1, timeout);
        let mut requests = requests;
        requests.sort_unstable();
        // One that comes long after its interval was packed.
        requests.push((late, 7));
        for (start, microseconds) in requests {
            let mut one = request(origin, start, start, None);
            one.ended += Duration::from_micros(microseconds);
            packing.record(&one, &Observed::default());
            plain.record(&one, &Observed::default());
        }
        let packed = Counts::of(&window, &[&packing]);
        let plain = Counts::of(&window, &[&plain]);
        for (packed, plain) in packed.intervals.iter().zip(&plain.intervals) {
            let (packed, plain) = (packed.overall(), plain.overall());
            prop_assert_eq!(packed.count(), plain.count());
            prop_assert_eq!(packed.total(), plain.total());
            prop_assert_eq!(packed.quantile(0.5), plain.quantile(0.5));
        }
    }
}

#[test]
fn old_intervals_are_packed_once_nothing_can_end_in_them() {
    let origin = Instant::now();
    let window = window(origin);
    let mut recorder = Recorder::new(window, 1, Duration::from_secs(2));
    recorder.pack_early();
    for second in 10..20 {
        recorder.record(&request(origin, second, second, None), &Observed::default());
    }
    // At second 19: an interval is over one second after its start, and complete
    // one timeout and one interval later.
    assert_eq!(recorder.packed(), 6);
}
