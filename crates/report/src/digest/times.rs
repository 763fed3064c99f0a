//! The times of one cell: the raw histograms of its blocks, merged.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;
use results::{Block, Histograms, Latency, Messages, Route, Stream};

/// One distribution as it is shown: from the intended start, and the same
/// requests from the moment of sending.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Times {
    /// From the intended start.
    pub latency: Option<Latency>,
    /// From the moment of sending.
    pub uncorrected: Option<Latency>,
    /// The shortest from the intended start, within the histograms' precision;
    /// known where they are.
    pub min_ms: Option<f64>,
    /// The shortest from the moment of sending.
    pub uncorrected_min_ms: Option<f64>,
}

/// One route of a cell.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RouteTimes<'a> {
    /// Its name.
    pub route: &'a str,
    /// Of its whole answers.
    pub times: Times,
    /// Streams: from sending to the first message.
    pub first_message: Option<Latency>,
    /// Streams: from one message to the next.
    pub gap: Option<Latency>,
    /// Streams both ways: from when a message was due to its answer.
    pub round_trip: Option<Latency>,
    /// Messages that calls sent, a second; the mean of the blocks.
    pub sent_per_second: Option<f64>,
    /// Messages that arrived in answer, a second; the mean of the blocks.
    pub received_per_second: Option<f64>,
}

impl RouteTimes<'_> {
    /// Whether its calls stream, either way.
    pub fn has_messages(&self) -> bool {
        let rates = self.sent_per_second.or(self.received_per_second);
        rates.is_some() || self.round_trip.is_some()
    }
}

/// What [`merge`] finds.
pub(super) struct Merged<'a> {
    pub(super) times: Times,
    pub(super) routes: Vec<RouteTimes<'a>>,
    /// Blocks without histograms.
    pub(super) missing: usize,
}

/// The distributions that the interval log has of a route, and what comes after
/// the route's name in a tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Corrected,
    Uncorrected,
    FirstMessage,
    Gap,
    RoundTrip,
}

impl Kind {
    const ALL: [Kind; 5] = [
        Kind::Corrected,
        Kind::Uncorrected,
        Kind::FirstMessage,
        Kind::Gap,
        Kind::RoundTrip,
    ];

    fn tag(self, route: &str) -> String {
        match self {
            Kind::Corrected => route.to_owned(),
            Kind::Uncorrected => format!("{route}.uncorrected"),
            Kind::FirstMessage => format!("{route}.first_message"),
            Kind::Gap => format!("{route}.gap"),
            Kind::RoundTrip => format!("{route}.round_trip"),
        }
    }

    /// The block's own figures of a route.
    fn of_route(self, route: &Route) -> Option<Latency> {
        match self {
            Kind::Corrected => route.latency,
            Kind::Uncorrected => route.latency_uncorrected,
            Kind::FirstMessage => route
                .stream
                .map(|Stream { first_message, .. }| first_message),
            Kind::Gap => route.stream.and_then(|stream| stream.gap),
            Kind::RoundTrip => route.messages.and_then(|messages| messages.round_trip),
        }
    }

    /// The block's own figures of all requests.
    fn of_block(self, block: &Block) -> Option<Latency> {
        match self {
            Kind::Corrected => block.latency,
            Kind::Uncorrected => block.latency_uncorrected,
            Kind::FirstMessage | Kind::Gap | Kind::RoundTrip => None,
        }
    }
}

/// Every distribution of the cell. A block without histograms leaves the cell
/// without percentiles, unless it is the only one and so has them itself.
pub(super) fn merge<'a>(
    routes: &[&'a str],
    blocks: &[&Block],
    histograms: &mut dyn FnMut(&Block) -> Option<Histograms>,
) -> Merged<'a> {
    let mut sums = Sums::default();
    let mut missing = 0;
    for block in blocks {
        match histograms(block) {
            Some(of_block) => sums.add(routes, &of_block),
            None => missing += 1,
        }
    }
    let min = |histogram: Option<&Histogram<u64>>| {
        let histogram = histogram.filter(|histogram| missing == 0 && !histogram.is_empty());
        histogram.map(|histogram| histogram.min() as f64 / 1e6)
    };
    let whole = |kind: Kind| {
        let own = blocks.iter().filter_map(|block| kind.of_block(block));
        let own: Vec<Latency> = own.collect();
        match missing {
            0 => latency(sums.overall.get(&kind)?, &own),
            _ => only(&own, blocks),
        }
    };
    let of_route = |route: &str, kind: Kind| {
        let own = blocks.iter().filter_map(|block| {
            let route = block.routes.iter().find(|known| known.route == route)?;
            kind.of_route(route)
        });
        let own: Vec<Latency> = own.collect();
        match missing {
            0 => latency(sums.routes.get(&kind.tag(route))?, &own),
            _ => only(&own, blocks),
        }
    };
    let routes = routes.iter().map(|route| RouteTimes {
        route,
        times: Times {
            latency: of_route(route, Kind::Corrected),
            uncorrected: of_route(route, Kind::Uncorrected),
            min_ms: min(sums.routes.get(&Kind::Corrected.tag(route))),
            uncorrected_min_ms: min(sums.routes.get(&Kind::Uncorrected.tag(route))),
        },
        first_message: of_route(route, Kind::FirstMessage),
        gap: of_route(route, Kind::Gap),
        round_trip: of_route(route, Kind::RoundTrip),
        sent_per_second: messages(blocks, route, |of| of.sent_per_second),
        received_per_second: messages(blocks, route, |of| of.received_per_second),
    });
    Merged {
        routes: routes.collect(),
        times: Times {
            latency: whole(Kind::Corrected),
            uncorrected: whole(Kind::Uncorrected),
            min_ms: min(sums.overall.get(&Kind::Corrected)),
            uncorrected_min_ms: min(sums.overall.get(&Kind::Uncorrected)),
        },
        missing,
    }
}

/// The mean over the blocks in which there were any.
fn messages(blocks: &[&Block], route: &str, rate: fn(&Messages) -> Option<f64>) -> Option<f64> {
    let routes = blocks.iter().flat_map(|block| &block.routes);
    let of_route = routes.filter(|known| known.route == route);
    let rates: Vec<f64> = of_route
        .filter_map(|route| rate(route.messages.as_ref()?))
        .collect();
    (!rates.is_empty()).then(|| rates.iter().sum::<f64>() / rates.len() as f64)
}

fn only(own: &[Latency], blocks: &[&Block]) -> Option<Latency> {
    match (own, blocks.len()) {
        ([own], 1) => Some(*own),
        _ => None,
    }
}

#[derive(Default)]
struct Sums {
    /// By tag.
    routes: BTreeMap<String, Histogram<u64>>,
    /// Over the routes.
    overall: BTreeMap<Kind, Histogram<u64>>,
}

impl Sums {
    fn add(&mut self, routes: &[&str], histograms: &Histograms) {
        for route in routes {
            for kind in Kind::ALL {
                let tag = kind.tag(route);
                let Some(merged) = histograms.merged(&tag) else {
                    continue;
                };
                add(self.overall.entry(kind), &merged);
                add(self.routes.entry(tag), &merged);
            }
        }
    }
}

fn add<K: Ord>(
    entry: std::collections::btree_map::Entry<'_, K, Histogram<u64>>,
    histogram: &Histogram<u64>,
) {
    let sum = entry.or_insert_with(|| {
        let mut empty = Histogram::new_from(histogram);
        empty.auto(true);
        empty
    });
    // It resizes itself and so cannot fail.
    let _ = sum.add(histogram);
}

/// Percentiles of the merged histogram; mean and maximum of the blocks' exact
/// ones. Absent of nothing.
fn latency(histogram: &Histogram<u64>, own: &[Latency]) -> Option<Latency> {
    let count: u64 = own.iter().map(|latency| latency.count).sum();
    if histogram.is_empty() || count == 0 {
        return None;
    }
    let sum: f64 = own.iter().map(|own| own.mean_ms * own.count as f64).sum();
    let max_ms = own.iter().map(|own| own.max_ms).fold(0.0, f64::max);
    // A bucket's highest value may lie above the highest that is in it.
    let at = |quantile: f64| (histogram.value_at_quantile(quantile) as f64 / 1e6).min(max_ms);
    Some(Latency {
        count: histogram.len(),
        mean_ms: sum / count as f64,
        p50_ms: at(0.5),
        p90_ms: at(0.9),
        p95_ms: at(0.95),
        p99_ms: at(0.99),
        p999_ms: at(0.999),
        max_ms,
    })
}
