//! The table that the original study published for its own system, to be set
//! beside ours. Its gRPC column is headed "ms" throughout; the means from 400
//! users on are plainly seconds and are given as such here.

use std::time::Duration;

use results::{Experiment, LoadPoint, OwnChain, Request, Target};
use stats::little::{self, Little};

use crate::{Digest, Language, figures::percent};

/// Users, gRPC mean and REST mean in milliseconds, gRPC and REST requests a second.
const TABLE: [(u32, f64, f64, f64, f64); 8] = [
    (25, 76.13, 28_210.0, 342.29, 0.44),
    (50, 150.9, 28_430.0, 351.05, 0.88),
    (100, 292.57, 28_410.0, 348.52, 1.76),
    (200, 549.61, 28_240.0, 362.04, 3.53),
    (400, 1_070.0, 28_370.0, 359.29, 7.05),
    (800, 2_140.0, 28_350.0, 345.54, 14.12),
    (1600, 5_180.0, 28_230.0, 269.23, 28.24),
    (3200, 10_480.0, 28_260.0, 242.82, 56.76),
];

/// The delays of one iteration, 10 x 5 ms, which no system can shorten.
const ITERATION_MIN: Duration = Duration::from_millis(50);
/// One greeting and one stream of numbers.
const REQUESTS_PER_ITERATION: f64 = 2.0;

/// What the original reached in one cell.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Published {
    /// Of a request.
    pub mean_ms: f64,
    /// As published.
    pub requests_per_second: f64,
    /// What Little's law makes of the two: users = requests a second x mean.
    pub little: Little,
}

/// Whether a target of an experiment is what the study measured: our own chain
/// under its requests, in a closed loop without pauses.
pub(crate) fn applies(experiment: &Experiment, target: &Target) -> bool {
    !experiment.load.users.is_empty()
        && experiment.load.pace.is_none()
        && target.chain.is_some()
        && experiment.requests_of(target) == Request::published()
}

impl Published {
    /// The figures of a chain at a load, where the study has any.
    pub fn of(chain: OwnChain, load: LoadPoint) -> Option<Published> {
        let LoadPoint::Users(users) = load else {
            return None;
        };
        let (_, grpc_mean, rest_mean, grpc_rate, rest_rate) =
            TABLE.into_iter().find(|row| row.0 == users)?;
        let (mean_ms, requests_per_second) = match chain {
            OwnChain::Grpc => (grpc_mean, grpc_rate),
            OwnChain::Rest => (rest_mean, rest_rate),
        };
        Some(Published {
            mean_ms,
            requests_per_second,
            little: little::check(
                users,
                requests_per_second / REQUESTS_PER_ITERATION,
                REQUESTS_PER_ITERATION * mean_ms / 1e3,
                little::TOLERANCE,
            ),
        })
    }

    /// Every number of users that the study has.
    pub fn users() -> [u32; 8] {
        TABLE.map(|row| row.0)
    }

    /// Whether Little's law would hold if the rate counted iterations of two
    /// requests.
    pub(crate) fn holds_in_iterations(&self, users: u32) -> bool {
        let seconds = REQUESTS_PER_ITERATION * self.mean_ms / 1e3;
        little::check(users, self.requests_per_second, seconds, little::TOLERANCE).holds
    }
}

/// The requests a second that no system can pass with so many users.
pub(crate) fn ceiling_per_second(load: LoadPoint) -> Option<f64> {
    match load {
        LoadPoint::Users(users) => {
            Some(REQUESTS_PER_ITERATION * f64::from(users) / ITERATION_MIN.as_secs_f64())
        }
        LoadPoint::Rate(_) | LoadPoint::Search => None,
    }
}

/// What Little's law makes of the published rows beside these cells; nothing
/// where none stands there.
pub fn note(digest: &Digest<'_>, language: Language) -> Option<String> {
    let shown: Vec<(u32, Published)> = digest
        .cells
        .iter()
        .filter_map(|cell| match cell.load {
            LoadPoint::Users(users) => Some((users, cell.published?)),
            LoadPoint::Rate(_) | LoadPoint::Search => None,
        })
        .collect();
    let broken = shown.iter().filter(|(_, row)| !row.little.holds).count();
    let in_iterations = shown
        .iter()
        .filter(|(users, row)| !row.little.holds && row.holds_in_iterations(*users))
        .count();
    let all = shown.len();
    let tolerance = percent(little::TOLERANCE);
    (all > 0).then(|| match language {
        Language::English => format!(
            "published: what the original study has for its own system, not measured here; in \
             seconds where its gRPC column is headed ms. implies: the users that its rate x mean \
             speak of (Little's law); ! where they are more than {tolerance} off: {broken} of \
             {all}, of which {in_iterations} would fit if the rate counted iterations of two \
             requests."
        ),
        Language::Portuguese => format!(
            "publicado: o que o estudo original traz do seu próprio sistema, não medido aqui; em \
             segundos onde a coluna gRPC dele diz ms. implica: os usuários de que falam taxa x \
             média (lei de Little); ! onde a diferença passa de {}: {broken} de {all}, dos quais \
             {in_iterations} fechariam se a taxa contasse iterações de duas requisições.",
            language.decimals(&tolerance)
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twenty_five_users_cannot_pass_a_thousand_requests_a_second() {
        assert_eq!(ceiling_per_second(LoadPoint::Users(25)), Some(1000.0));
        assert_eq!(ceiling_per_second(LoadPoint::Rate(25.0)), None);
    }

    /// Users that rate and mean speak of, and whether the row passes.
    #[test]
    fn what_littles_law_says_of_each_published_row() {
        let implied = |chain| {
            Published::users().map(|users| {
                let row = Published::of(chain, LoadPoint::Users(users)).expect("published");
                (row.little.implied_users.round() as u32, row.little.holds)
            })
        };
        assert_eq!(
            implied(OwnChain::Grpc),
            [
                (26, true),
                (53, false),
                (102, true),
                (199, true),
                (384, true),
                (739, false),
                (1395, false),
                (2545, false),
            ]
        );
        assert_eq!(
            implied(OwnChain::Rest).map(|(users, _)| users),
            [12, 25, 50, 100, 200, 400, 797, 1604]
        );
        assert!(implied(OwnChain::Rest).iter().all(|(_, holds)| !holds));
    }

    #[test]
    fn the_rest_column_would_hold_if_it_counted_iterations() {
        for users in Published::users() {
            let of = |chain| Published::of(chain, LoadPoint::Users(users)).expect("published");
            assert!(of(OwnChain::Rest).holds_in_iterations(users), "{users}");
            assert!(!of(OwnChain::Grpc).holds_in_iterations(users), "{users}");
        }
    }

    #[test]
    fn other_user_counts_have_no_published_figures() {
        assert_eq!(Published::of(OwnChain::Rest, LoadPoint::Users(30)), None);
        assert_eq!(Published::of(OwnChain::Rest, LoadPoint::Rate(25.0)), None);
    }
}
