//! What a search for the highest rate has to meet: `p99<50ms`, `failed<=0.1%`, or
//! the same of one route, `hello.p99<10ms`, or of single messages,
//! `round-trip-p99<5ms`, which without a route all routes must meet that have any. In: text; out: an [`Objective`] that
//! judges blocks. A failed request counts as slower than any limit, and a rate at
//! which requests fail is not held: no failure at all meets an objective on a
//! latency. Gates ([`crate::Gate`]) follow the same rule, but leave out of account
//! what their percentile does.

use std::fmt;

use results::{Block, Experiment, Request};

use crate::condition::{At, Condition, ConditionError, Figure, Parted};

/// An upper limit on a latency or on the share of failures.
#[derive(Debug, Clone, PartialEq)]
pub struct Objective {
    route: Option<String>,
    figure: Figure,
    condition: Condition,
}

/// Why a text is no objective.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ObjectiveError {
    /// It cannot be read.
    #[error("objective {text:?}: {reason}")]
    Condition {
        /// As written.
        text: String,
        /// What is wrong.
        reason: ConditionError,
    },
    /// Only these grow worse with the rate.
    #[error(
        "objective {text:?}: {figure} is no objective of a search; limit mean, p50, p90, p95, p99, \
         p999, max, one of these after round-trip-, or failed"
    )]
    Figure {
        /// As written.
        text: String,
        /// The figure.
        figure: String,
    },
    /// A search for the highest rate needs a limit from above.
    #[error("objective {text:?}: write < or <=; an objective is what must be met")]
    Lower {
        /// As written.
        text: String,
    },
    /// The route is not in a target's scenario.
    #[error("objective {text:?}: {route:?} is no route of {target}; it has {known}")]
    UnknownRoute {
        /// As written.
        text: String,
        /// The route.
        route: String,
        /// The target that lacks it.
        target: String,
        /// Those it has.
        known: String,
    },
    /// A median of requests of several kinds.
    #[error(
        "objective {text:?}: {target} has several routes, and the median of all their requests \
         says only how many there are of each; name a route: {example}"
    )]
    SeveralRoutes {
        /// As written.
        text: String,
        /// The target.
        target: String,
        /// What could be written.
        example: String,
    },
    /// Nothing goes to and fro.
    #[error(
        "objective {text:?}: {figure} is known of calls that stream both ways, message by message, \
         and {of} makes none; give a gRPC call messages, and every other than 0s, or choose \
         another figure"
    )]
    NoRoundTrips {
        /// As written.
        text: String,
        /// The figure.
        figure: String,
        /// The target, or the route of it.
        of: String,
    },
    /// Failures are not counted by route.
    #[error("objective {text:?}: failures are not known by route; leave the route out")]
    Route {
        /// As written.
        text: String,
    },
}

impl Objective {
    /// Reads `[ROUTE.]FIGURE < VALUE`.
    pub fn parse(text: &str) -> Result<Objective, ObjectiveError> {
        let text = text.trim();
        let unreadable = |reason| ObjectiveError::Condition {
            text: text.to_owned(),
            reason,
        };
        let parted = Parted::new(text).map_err(unreadable)?;
        let (route, name) = match parted.subject.rsplit_once('.') {
            Some((route, name)) => (Some(route.trim()), name.trim()),
            None => (None, parted.subject),
        };
        let figure = Figure::parse(name).map_err(unreadable)?;
        if !figure.is_latency() && figure != Figure::Failed {
            return Err(ObjectiveError::Figure {
                text: text.to_owned(),
                figure: figure.to_string(),
            });
        }
        if route.is_some() && !figure.is_latency() {
            return Err(ObjectiveError::Route {
                text: text.to_owned(),
            });
        }
        let condition = parted.condition(figure).map_err(unreadable)?;
        if condition.operator.is_upward() {
            return Err(ObjectiveError::Lower {
                text: text.to_owned(),
            });
        }
        Ok(Objective {
            route: route.map(str::to_owned),
            figure,
            condition,
        })
    }

    /// Whether every target of the experiment can have the figure.
    pub fn check(&self, experiment: &Experiment) -> Result<(), ObjectiveError> {
        for target in &experiment.targets {
            let routes = experiment.routes(target);
            match &self.route {
                Some(route) if !routes.contains(&route.as_str()) => {
                    return Err(ObjectiveError::UnknownRoute {
                        text: self.to_string(),
                        route: route.clone(),
                        target: target.name.clone(),
                        known: routes.join(", "),
                    });
                }
                route if self.figure.is_round_trip() => {
                    let requests = experiment.requests_of(target).iter();
                    let of_route = |request: &&Request| {
                        route.as_ref().is_none_or(|route| *route == request.name)
                    };
                    let mut requests = requests.filter(of_route);
                    if !requests.any(Request::may_converse) {
                        return Err(self.no_round_trips(&target.name));
                    }
                }
                None if self.figure == Figure::Latency(At::P50) && routes.len() > 1 => {
                    return Err(ObjectiveError::SeveralRoutes {
                        text: self.to_string(),
                        target: target.name.clone(),
                        example: format!("{}.{self}", routes[0]),
                    });
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn no_round_trips(&self, target: &str) -> ObjectiveError {
        ObjectiveError::NoRoundTrips {
            text: self.to_string(),
            figure: self.figure.to_string(),
            of: match &self.route {
                Some(route) => format!("{route} of {target}"),
                None => target.to_owned(),
            },
        }
    }

    /// Whether a target can have the figure whose `conversing` routes are those that
    /// stream both ways, message by message.
    pub fn check_conversing(
        &self,
        target: &str,
        conversing: &[&str],
    ) -> Result<(), ObjectiveError> {
        let known = match &self.route {
            Some(route) => conversing.contains(&route.as_str()),
            None => !conversing.is_empty(),
        };
        match self.figure.is_round_trip() && !known {
            false => Ok(()),
            true => Err(self.no_round_trips(target)),
        }
    }

    /// The route it is about; absent, all requests.
    pub fn route(&self) -> Option<&str> {
        self.route.as_deref()
    }

    /// The figure in milliseconds, or the share of failures; absent where the
    /// block has none.
    pub fn measured(&self, block: &Block) -> Option<f64> {
        if self.figure == Figure::Failed {
            let failed = block.failures.total;
            let all = failed + block.latency.map_or(0, |latency| latency.count);
            return (all > 0).then(|| failed as f64 / all as f64);
        }
        if self.figure.is_round_trip() {
            let routes = block.routes.iter();
            let routes = routes.filter(|of| {
                let name = self.route.as_ref();
                name.is_none_or(|name| *name == of.route)
            });
            let trips = routes.filter_map(|of| of.messages?.round_trip);
            // The worst, as each must meet it.
            return trips
                .filter_map(|trips| self.figure.of_latency(trips))
                .reduce(f64::max);
        }
        let latency = match &self.route {
            None => block.latency,
            Some(name) => {
                let route = block.routes.iter().find(|route| route.route == *name);
                route.and_then(|route| route.latency)
            }
        };
        self.figure.of_latency(latency?)
    }

    /// A figure of [`Objective::measured`] as readers write it.
    pub fn write(&self, measured: f64) -> String {
        self.figure.write(measured)
    }

    /// Whether the block meets it. Without successes nothing is met. A latency
    /// objective is not met either by a block with failures: a failure is slower
    /// than any limit.
    pub fn is_met(&self, block: &Block) -> bool {
        let is_served = block.latency.is_some_and(|latency| latency.count > 0);
        let may_count = self.figure == Figure::Failed || block.failures.total == 0;
        let holds = |figure| self.condition.holds(figure);
        is_served && may_count && self.measured(block).is_some_and(holds)
    }
}

impl fmt::Display for Objective {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(route) = &self.route {
            write!(f, "{route}.")?;
        }
        write!(f, "{} {}", self.figure, self.condition)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use results::LoadPoint;

    use super::*;
    use crate::testing;

    #[test]
    fn a_block_is_judged_by_its_figure() {
        let block = testing::block("grpc", LoadPoint::Rate(200.0), 1);
        let check = |text: &str, expected: bool| {
            let objective = Objective::parse(text).expect("well formed");
            assert_eq!(objective.is_met(&block), expected, "{objective}");
        };
        // All: 26 ms at p50, 78 ms at p99; hello 1.2 ms at p50.
        check("p99<78.1ms", true);
        check("p99<78ms", false);
        check("p99 <= 78ms", true);
        check("p50 < 0.1s", true);
        check("hello.p50<1300us", true);
        check("hello.p50 < 1.1 ms", false);
        check("other.p50<1s", false);
        check("failed<=0", true);
        check("failed<1%", true);
        check("failed<0", false);
    }

    #[test]
    fn failures_and_silence_meet_no_latency_objective() {
        let mut block = testing::block("grpc", LoadPoint::Rate(200.0), 1);
        let p99 = Objective::parse("p99<1s").expect("well formed");
        let failed = Objective::parse("failed<1%").expect("well formed");
        assert!(p99.is_met(&block));
        block.failures.total = 1;
        assert!(!p99.is_met(&block));
        assert!(failed.is_met(&block), "one of 4001");
        assert!(p99.measured(&block).is_some());
        block.failures.total = 0;
        block.latency = None;
        assert!(!p99.is_met(&block));
        assert!(!failed.is_met(&block));
        assert_eq!(failed.measured(&block), None);
    }

    #[test]
    fn every_target_must_have_what_is_asked_for() {
        let mut experiment = Experiment::default();
        let check = |text: &str, experiment: &Experiment| {
            let objective = Objective::parse(text).expect("well formed");
            objective
                .check(experiment)
                .map_err(|error| error.to_string())
        };
        assert_eq!(check("hello.p50<10ms", &experiment), Ok(()));
        assert_eq!(check("p99<10ms", &experiment), Ok(()));
        assert_eq!(
            check("p50<10ms", &experiment).expect_err("two routes"),
            "objective \"p50 < 10ms\": grpc has several routes, and the median of all their \
             requests says only how many there are of each; name a route: hello.p50 < 10ms"
        );
        experiment.targets[1].requests = vec![experiment.requests[1].clone()];
        assert_eq!(
            check("hello.p99<10ms", &experiment).expect_err("rest has numbers alone"),
            "objective \"hello.p99 < 10ms\": \"hello\" is no route of rest; it has numbers"
        );
        experiment.requests.truncate(1);
        assert_eq!(check("p50<10ms", &experiment), Ok(()));
    }

    #[test]
    fn round_trips_are_met_by_all_routes_that_have_some() {
        let mut block = testing::block("grpc", LoadPoint::Rate(200.0), 1);
        let judged = |text: &str, block: &Block| {
            let objective = Objective::parse(text).expect("well formed");
            (objective.measured(block), objective.is_met(block))
        };
        assert_eq!(judged("round-trip-p50<1s", &block), (None, false));
        for (route, ms) in [(0, 2.0), (1, 4.0)] {
            block.routes[route].messages = Some(results::Messages {
                sent_per_second: None,
                received_per_second: None,
                round_trip: Some(testing::latency(ms, 10)),
            });
        }
        assert_eq!(judged("round-trip-p50<5ms", &block), (Some(4.0), true));
        assert_eq!(judged("round-trip-p50<3ms", &block), (Some(4.0), false));
        assert!(judged("hello.round-trip-p50<3ms", &block).1);
        block.failures.total = 1;
        assert!(!judged("round-trip-p50<5ms", &block).1);
    }

    #[test]
    fn an_objective_on_round_trips_needs_calls_that_have_some() {
        let mut experiment = Experiment::default();
        let objective = Objective::parse("round-trip-p99<5ms").expect("well formed");
        let error = objective.check(&experiment).expect_err("HTTP");
        let expected = "objective \"round-trip-p99 < 5ms\": round-trip-p99 is known of calls that \
                        stream both ways, message by message, and grpc makes none; give a gRPC \
                        call messages, and every other than 0s, or choose another figure";
        assert_eq!(error.to_string(), expected);
        for request in &mut experiment.requests {
            (request.http, request.grpc) = (None, Some("a.B/C".to_owned()));
            request.messages = Some(2);
        }
        assert_eq!(objective.check(&experiment), Ok(()));
        assert_eq!(objective.check_conversing("grpc", &["hello"]), Ok(()));
        let error = objective.check_conversing("grpc", &[]).expect_err("none");
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn what_is_wrong_is_said_with_the_remedy() {
        let texts = [
            "",
            "p99",
            "p98<5ms",
            "p99<5",
            "p99<ms",
            "p99>5ms",
            "rps<5",
            "hello.failed<1%",
            "failed<1",
            "failed<101%",
        ];
        let errors = texts.map(|text| Objective::parse(text).expect_err(text).to_string());
        insta::assert_snapshot!(errors.join("\n"));
    }

    proptest! {
        #[test]
        fn no_text_is_a_panic_and_what_is_read_writes_itself(text in ".*") {
            if let Ok(objective) = Objective::parse(&text) {
                prop_assert_eq!(Objective::parse(&objective.to_string()), Ok(objective));
            }
        }

        #[test]
        fn every_objective_reads_back(
            route in prop::option::of("[a-z][a-z0-9_-]{0,8}"),
            figure in "(round-trip-)?(mean|p50|p90|p95|p99|p999|max)",
            operator in "<=?",
            number in 0.0..1e9f64,
            unit in "us|ms|s",
            space in " {0,2}",
        ) {
            let route = route.map_or(String::new(), |route| format!("{route}."));
            let text = format!("{route}{figure}{space}{operator}{space}{number}{unit}");
            let objective = Objective::parse(&text).expect("well formed");
            prop_assert_eq!(Objective::parse(&objective.to_string()), Ok(objective));
        }
    }
}
