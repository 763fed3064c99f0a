//! What a worker's runtime does with its time, for whoever asks for metrics.

use telemetry::{Gathered, Source, table};
use tokio::runtime::{Runtime, RuntimeMetrics};

/// The figures of one worker's runtime.
pub(crate) struct Figures {
    worker: String,
    metrics: RuntimeMetrics,
}

impl Figures {
    pub(crate) fn of(worker: usize, runtime: &Runtime) -> Self {
        Figures {
            worker: worker.to_string(),
            metrics: runtime.metrics(),
        }
    }
}

impl Source for Figures {
    fn tell(&self, to: &mut Gathered) {
        let Figures { worker, metrics } = self;
        let labels = &[worker.as_str()];
        // Each has one thread.
        let busy = metrics.worker_total_busy_duration(0).as_secs_f64();
        to.add(&table::RUNTIME_BUSY, labels, busy);
        to.count(&table::RUNTIME_PARKS, labels, metrics.worker_park_count(0));
        let tasks = metrics.num_alive_tasks() as u64;
        to.count(&table::RUNTIME_TASKS, labels, tasks);
        let queued = metrics.global_queue_depth() as u64;
        to.count(&table::RUNTIME_QUEUE, labels, queued);
    }
}
