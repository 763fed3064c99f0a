//! One block, from its target to its figures: measured once, or, for a search, as
//! often as the search asks. In: a step of the plan; out: the measurement that
//! counts and the block that is recorded.

use results::{Block, LoadPoint, Missed, Probe, Reuse};

use crate::{
    Error,
    block::{self, Measured},
    marks,
    plan::Plan,
    progress::Progress,
    schedule::Step,
    search::Search,
    summary::{self, Circumstances},
    target::Target,
};

/// What one block is measured with.
pub(crate) struct Measuring<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) step: Step,
    pub(crate) session: u32,
    pub(crate) processors: usize,
    pub(crate) progress: &'a Progress,
}

impl Measuring<'_> {
    pub(crate) async fn take(&self, target: &mut Target) -> Result<(Measured, Block), Error> {
        // A target that has gone since is no block full of failures.
        target.check(self.plan).await?;
        match self.plan.loads[self.step.load] {
            LoadPoint::Search => self.search(target).await,
            load => {
                let measured = self.measure(target, load, 0).await?;
                let block = self.summarise(target, &measured);
                Ok((measured, block))
            }
        }
    }

    /// Every measurement has arrivals of its own, the same in every run with
    /// this seed.
    async fn measure(
        &self,
        target: &mut Target,
        load: LoadPoint,
        probe: usize,
    ) -> Result<Measured, Error> {
        let seed = self.plan.seed() ^ (u64::from(self.step.number) << 32) ^ ((probe as u64) << 16);
        block::measure(self.plan, target, load, seed, self.progress).await
    }

    fn summarise(&self, target: &Target, measured: &Measured) -> Block {
        let circumstances = Circumstances {
            step: self.step,
            session: self.session,
            target: &target.name,
            load: self.plan.loads[self.step.load],
            unpaced: self.plan.experiment.load.pace.is_none(),
            processors: self.processors,
            connections_kept: self.plan.experiment.connections.reuse == Reuse::Keep,
            routes: &routes(self.plan, self.step),
        };
        summary::block(measured, circumstances)
    }

    /// Probes until the search ends. The block is the measurement that confirmed
    /// the rate, or, where no rate held, the one at the lowest, with a rate of 0.
    async fn search(&self, target: &mut Target) -> Result<(Measured, Block), Error> {
        let load = &self.plan.experiment.load;
        let mut search = Search::new(load.rate_start, load.rate_max, load.rate_precision);
        let mut probes: Vec<Probe> = Vec::new();
        let mut result: Option<(Measured, Block)> = None;
        let mut held = false;
        while let Some(rate) = search.next() {
            let confirming = search.is_confirming();
            let measured = self
                .measure(target, LoadPoint::Rate(rate), probes.len())
                .await?;
            let block = self.summarise(target, &measured);
            let missed = self.missed(&block);
            search.record(rate, missed.is_none());
            let objective = self.plan.objective.as_ref();
            probes.push(Probe {
                offered_per_second: rate,
                iterations_per_second: block.iterations_per_second,
                measured: objective.and_then(|objective| objective.measured(&block)),
                missed,
            });
            held |= confirming && missed.is_none();
            let lowest = result
                .as_ref()
                .is_none_or(|(_, lowest)| block.offered_per_second < lowest.offered_per_second);
            if (confirming && missed.is_none()) || lowest {
                result = Some((measured, block));
            }
        }
        let Some((measured, mut block)) = result else {
            return Err(Error::Generator(std::io::Error::other(
                "a search without a rate to try",
            )));
        };
        if !held {
            block.offered_per_second = Some(0.0);
        }
        block
            .marks
            .extend(marks::of_search(&probes, held, load.rate_max));
        block.probes = probes;
        Ok((measured, block))
    }

    fn missed(&self, block: &Block) -> Option<Missed> {
        let objective = self.plan.objective.as_ref();
        if marks::is_generator_bound(block) {
            Some(Missed::Generator)
        } else if objective.is_some_and(|objective| !objective.is_met(block)) {
            Some(Missed::Objective)
        } else if !marks::is_sustained(block) {
            Some(Missed::NotSustained)
        } else {
            None
        }
    }
}

pub(crate) fn routes(plan: &Plan, step: Step) -> Vec<String> {
    let target = &plan.experiment.targets[step.target];
    let routes = plan.experiment.routes(target).into_iter();
    routes.map(str::to_owned).collect()
}
