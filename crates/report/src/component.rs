//! What each role of a target cost, and the generator, on average over the
//! repetitions of a cell. Figures that some repetitions lack are means of the
//! others.

use accounts::{Bytes, Cost, GENERATOR};
use results::Block;
use serde::Serialize;

use crate::metric::{a_request, a_request_of_window, bytes_are_known};

/// One role in one cell. Plain means over the repetitions, so that the roles add
/// up.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Component {
    /// The role, or `generator`.
    pub role: String,
    /// Processor time for each success.
    pub cpu_us_per_request: Option<f64>,
    /// Resident memory over the window.
    pub mean_bytes: Option<f64>,
    /// Peak of resident memory since the block began.
    pub peak_bytes: Option<f64>,
    /// In some repetition the peak is that since the process started.
    pub peak_since_start: bool,
    /// Context switches for each success.
    pub switches_per_request: Option<f64>,
    /// Those of them that the kernel forced.
    pub involuntary_per_request: Option<f64>,
    /// On its sockets, for each success.
    pub bytes_sent_per_request: Option<f64>,
    /// See `bytes_sent_per_request`.
    pub bytes_received_per_request: Option<f64>,
}

impl Component {
    /// The roles of these blocks in the order in which a request meets them
    /// where known, the generator last.
    pub(crate) fn of(blocks: &[&Block]) -> Vec<Component> {
        let mut roles: Vec<&str> = Vec::new();
        for cost in blocks.iter().flat_map(|block| &block.costs) {
            if !roles.contains(&cost.role.as_str()) {
                roles.push(&cost.role);
            }
        }
        roles.sort_by_key(|role| (*role == GENERATOR, !role.starts_with("gateway"), *role));
        roles
            .into_iter()
            .map(|role| Component::of_role(role, blocks))
            .collect()
    }

    fn of_role(role: &str, blocks: &[&Block]) -> Component {
        let costs: Vec<(&Block, &Cost)> = blocks
            .iter()
            .filter_map(|block| {
                let cost = block.costs.iter().find(|cost| cost.role == role)?;
                Some((*block, cost))
            })
            .collect();
        let average = |figure: fn(&Cost) -> Option<f64>| {
            mean(costs.iter().filter_map(|(_, cost)| figure(cost)))
        };
        let average_a_request = |figure: fn(&Cost) -> Option<f64>| {
            let figures = costs
                .iter()
                .filter_map(|(block, cost)| a_request(block, figure(cost)?));
            mean(figures)
        };
        // The generator counts its own bytes, exactly.
        let bytes = |of_role: fn(&Cost) -> Option<f64>, of_generator: fn(&Block) -> u64| {
            let figures = costs.iter().filter_map(|(block, cost)| match role {
                GENERATOR => a_request_of_window(block, of_generator(block)),
                _ if !bytes_are_known(block) => None,
                _ => a_request(block, of_role(cost)?),
            });
            mean(figures)
        };
        Component {
            role: role.to_owned(),
            cpu_us_per_request: average_a_request(|cost| Some(cpu_seconds(cost)? * 1e6)),
            mean_bytes: average(mean_bytes),
            peak_bytes: average(peak_bytes),
            peak_since_start: costs.iter().any(|(_, cost)| cost.peak_since_start),
            switches_per_request: average_a_request(switches),
            involuntary_per_request: average_a_request(involuntary),
            // The generator counts its own bytes, exactly.
            bytes_sent_per_request: bytes(bytes_sent, |block| block.generator_bytes_sent),
            bytes_received_per_request: bytes(bytes_received, |block| {
                block.generator_bytes_received
            }),
        }
    }
}

pub(crate) fn cpu_seconds(cost: &Cost) -> Option<f64> {
    cost.cpu_seconds
}

pub(crate) fn peak_bytes(cost: &Cost) -> Option<f64> {
    cost.peak_bytes.map(|bytes| bytes as f64)
}

fn mean_bytes(cost: &Cost) -> Option<f64> {
    cost.mean_bytes.map(|bytes| bytes as f64)
}

pub(crate) fn switches(cost: &Cost) -> Option<f64> {
    let switches = cost.context_switches?;
    Some((switches.voluntary + switches.involuntary) as f64)
}

pub(crate) fn bytes_sent(cost: &Cost) -> Option<f64> {
    complete(cost).map(|bytes| bytes.sent as f64)
}

pub(crate) fn bytes_received(cost: &Cost) -> Option<f64> {
    complete(cost).map(|bytes| bytes.received as f64)
}

/// Absent where not all of them were seen.
fn complete(cost: &Cost) -> Option<Bytes> {
    cost.bytes.filter(|bytes| bytes.complete)
}

fn involuntary(cost: &Cost) -> Option<f64> {
    Some(cost.context_switches?.involuntary as f64)
}

/// Absent of nothing.
pub(crate) fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = values.fold((0.0, 0u32), |(sum, count), value| (sum + value, count + 1));
    (count > 0).then(|| sum / f64::from(count))
}
