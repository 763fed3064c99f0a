//! What is compared: a figure of each block, in one unit, the same for every
//! output. Latencies are those from the intended start. What a target costs is
//! the cost of all its roles together, the generator apart; where one of them is
//! not known, neither is the sum.

use accounts::GENERATOR;
use results::{Block, LoadPoint};

use crate::{
    Language, component,
    figures::{bytes, milliseconds, plain, rate},
};

/// One kind of figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Metric {
    /// Successes a second.
    RequestsPerSecond,
    /// Mean latency, milliseconds.
    MeanLatency,
    /// Median latency, milliseconds.
    P50,
    /// 99th percentile of latency, milliseconds.
    P99,
    /// Processor time of the target's roles for each success, microseconds.
    Cpu,
    /// Bytes that the target's roles and the generator sent for each success:
    /// every byte once, at its sender.
    Bytes,
    /// Peak memory of the target's roles, summed, MiB.
    Memory,
    /// Context switches of the target's roles for each success.
    Switches,
}

impl Metric {
    /// All, in the order in which they are shown.
    pub const ALL: [Metric; 8] = [
        Metric::RequestsPerSecond,
        Metric::MeanLatency,
        Metric::P50,
        Metric::P99,
        Metric::Cpu,
        Metric::Bytes,
        Metric::Memory,
        Metric::Switches,
    ];

    /// The figure of one block; absent where it is not known or there were no
    /// successes to divide by.
    pub fn of(self, block: &Block) -> Option<f64> {
        match self {
            // Else it would be that of a rate that missed.
            Metric::RequestsPerSecond if held_nothing(block) => Some(0.0),
            Metric::RequestsPerSecond => Some(block.requests_per_second),
            Metric::MeanLatency => block.latency.map(|latency| latency.mean_ms),
            Metric::P50 => block.latency.map(|latency| latency.p50_ms),
            Metric::P99 => block.latency.map(|latency| latency.p99_ms),
            Metric::Cpu => a_request(block, sum_of_roles(block, component::cpu_seconds)? * 1e6),
            Metric::Bytes => {
                let roles = a_request(block, sum_of_roles(block, component::bytes_sent)?)?;
                let generator = a_request_of_window(block, block.generator_bytes_sent)?;
                bytes_are_known(block).then_some(roles + generator)
            }
            Metric::Memory => Some(sum_of_roles(block, component::peak_bytes)? / MIB),
            Metric::Switches => a_request(block, sum_of_roles(block, component::switches)?),
        }
    }

    /// The same of one route, which only latencies have; of all without one.
    pub fn of_route(self, block: &Block, route: Option<&str>) -> Option<f64> {
        let Some(route) = route else {
            return self.of(block);
        };
        let route = block.routes.iter().find(|known| known.route == route)?;
        match self {
            Metric::MeanLatency => Some(route.latency?.mean_ms),
            Metric::P50 => Some(route.latency?.p50_ms),
            Metric::P99 => Some(route.latency?.p99_ms),
            _ => None,
        }
    }

    /// Whether comparing it at such a load says anything of the targets: an open
    /// loop sets the rate, and a search ends at another rate for each target,
    /// where their latencies are not those of the same load.
    pub fn is_compared_at(self, load: LoadPoint) -> bool {
        match load {
            LoadPoint::Users(_) => true,
            LoadPoint::Rate(_) => self != Metric::RequestsPerSecond,
            LoadPoint::Search => !matches!(self, Metric::MeanLatency | Metric::P50 | Metric::P99),
        }
    }

    /// Short, as in gates.
    pub fn key(self) -> &'static str {
        match self {
            Metric::RequestsPerSecond => "rps",
            Metric::MeanLatency => "mean",
            Metric::P50 => "p50",
            Metric::P99 => "p99",
            Metric::Cpu => "cpu",
            Metric::Bytes => "bytes",
            Metric::Memory => "memory",
            Metric::Switches => "switches",
        }
    }

    /// With its unit, as a column of CSV.
    pub fn column(self) -> &'static str {
        match self {
            Metric::RequestsPerSecond => "requests_per_second",
            Metric::MeanLatency => "mean_ms",
            Metric::P50 => "p50_ms",
            Metric::P99 => "p99_ms",
            Metric::Cpu => "cpu_us_per_request",
            Metric::Bytes => "bytes_per_request",
            Metric::Memory => "peak_memory_mib",
            Metric::Switches => "context_switches_per_request",
        }
    }

    /// In words.
    pub fn name(self, language: Language) -> &'static str {
        let (english, portuguese) = match self {
            Metric::RequestsPerSecond => ("requests a second", "requisições por segundo"),
            Metric::MeanLatency => ("mean latency", "latência média"),
            Metric::P50 => ("p50", "p50"),
            Metric::P99 => ("p99", "p99"),
            Metric::Cpu => ("CPU per request", "CPU por requisição"),
            Metric::Bytes => ("bytes per request", "bytes por requisição"),
            Metric::Memory => ("peak memory", "pico de memória"),
            Metric::Switches => (
                "context switches per request",
                "trocas de contexto por requisição",
            ),
        };
        language.choose(english, portuguese)
    }

    /// A value with its unit.
    pub fn figure(self, value: f64, language: Language) -> String {
        language.decimals(&match self {
            Metric::RequestsPerSecond => rate(value),
            Metric::MeanLatency | Metric::P50 | Metric::P99 => milliseconds(value),
            Metric::Cpu => format!("{} us", plain(value)),
            Metric::Bytes => bytes(value),
            Metric::Memory => bytes(value * MIB),
            Metric::Switches => plain(value),
        })
    }
}

pub(crate) const MIB: f64 = 1_048_576.0;
/// Ends of connections whose bytes nobody counted, for each success: with two of
/// them for each connection, no more than one request in 200 may be missing.
const UNSEEN_SHARE_MAX: f64 = 0.01;

/// A figure of the accounts divided by the successes of the time that they refer
/// to, which is a little shorter than the window.
pub(crate) fn a_request(block: &Block, value: f64) -> Option<f64> {
    let completed = block.requests_per_second * block.accounted_seconds;
    (completed > 0.0).then(|| value / completed)
}

/// A search that found no rate: the figures of the block are those of a rate that
/// missed the objective.
pub(crate) fn held_nothing(block: &Block) -> bool {
    block.load == LoadPoint::Search && block.offered_per_second == Some(0.0)
}

/// A figure of the window divided by its successes.
pub(crate) fn a_request_of_window(block: &Block, value: u64) -> Option<f64> {
    (block.completed > 0).then(|| value as f64 / block.completed as f64)
}

/// Whether the bytes of the roles' sockets are all in the accounts, but for a
/// negligible rest: connections that came and went between two looks are not.
pub(crate) fn bytes_are_known(block: &Block) -> bool {
    let unseen = block.connections_unseen.unwrap_or(0);
    unseen as f64 <= UNSEEN_SHARE_MAX * block.completed as f64
}

/// Whether the accounts have what the metric is made of, served or not.
pub(crate) fn is_accounted(metric: Metric, block: &Block) -> bool {
    let figure: fn(&accounts::Cost) -> Option<f64> = match metric {
        Metric::RequestsPerSecond | Metric::MeanLatency | Metric::P50 | Metric::P99 => return true,
        Metric::Cpu => component::cpu_seconds,
        Metric::Memory => component::peak_bytes,
        Metric::Switches => component::switches,
        // Not all of them, perhaps.
        Metric::Bytes => |cost| cost.bytes.map(|bytes| bytes.sent as f64),
    };
    sum_of_roles(block, figure).is_some()
}

/// Absent when the target has no roles or one of them has no such figure.
fn sum_of_roles(block: &Block, figure: fn(&accounts::Cost) -> Option<f64>) -> Option<f64> {
    let roles = block.costs.iter().filter(|cost| cost.role != GENERATOR);
    let figures = roles.map(figure).collect::<Option<Vec<_>>>()?;
    (!figures.is_empty()).then(|| figures.iter().sum())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[test]
    fn costs_are_those_of_the_targets_roles_for_each_success() {
        let block = testing::block("grpc", LoadPoint::Users(25), 1);
        // Three roles of 1.25 s, 4000 successes.
        assert_eq!(Metric::Cpu.of(&block), Some(3.0 * 1.25e6 / 4000.0));
        assert_eq!(Metric::Memory.of(&block), Some(3.0 * 12.0));
        // Three roles and the generator send 4,000,000 bytes each.
        assert_eq!(Metric::Bytes.of(&block), Some(4000.0));
    }

    #[test]
    fn one_unknown_role_makes_the_sum_unknown() {
        let mut block = testing::block("grpc", LoadPoint::Users(25), 1);
        block.costs[1].cpu_seconds = None;
        assert_eq!(Metric::Cpu.of(&block), None);
        assert!(Metric::Memory.of(&block).is_some());
    }

    #[test]
    fn bytes_that_nobody_counted_make_the_sum_unknown() {
        let mut block = testing::block("grpc", LoadPoint::Users(25), 1);
        block.connections_unseen = Some(40);
        assert!(Metric::Bytes.of(&block).is_some());
        block.connections_unseen = Some(41);
        assert_eq!(Metric::Bytes.of(&block), None);
        block.connections_unseen = None;
        for cost in &mut block.costs[..1] {
            cost.bytes.as_mut().expect("known").complete = false;
        }
        assert_eq!(Metric::Bytes.of(&block), None);
    }

    #[test]
    fn the_accounts_are_divided_by_the_requests_of_their_own_time() {
        let mut block = testing::block("grpc", LoadPoint::Users(25), 1);
        block.accounted_seconds = 2.5;
        assert_eq!(Metric::Cpu.of(&block), Some(3.0 * 1.25e6 / 2000.0));
        // 6000 of the roles, and 1000 of the generator, which counts in the window.
        assert_eq!(Metric::Bytes.of(&block), Some(7000.0));
    }

    #[test]
    fn a_target_without_processes_has_no_costs() {
        let mut block = testing::block("grpc", LoadPoint::Users(25), 1);
        block.costs.retain(|cost| cost.role == GENERATOR);
        for metric in [Metric::Cpu, Metric::Bytes, Metric::Memory, Metric::Switches] {
            assert_eq!(metric.of(&block), None, "{metric:?}");
        }
        assert!(Metric::P99.of(&block).is_some());
    }

    #[test]
    fn without_successes_nothing_is_divided() {
        let mut block = testing::block("grpc", LoadPoint::Users(25), 1);
        block.completed = 0;
        block.requests_per_second = 0.0;
        assert_eq!(Metric::Cpu.of(&block), None);
        assert_eq!(Metric::Bytes.of(&block), None);
    }
}
