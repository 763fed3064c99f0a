//! The sums of one moment: what workers and sources tell, added up by metric and labels,
//! and written in Prometheus' text format (version 0.0.4). What differs between workers
//! and is no sum, such as how many endpoints each knows, is merged as its metric says.

use std::collections::BTreeMap;

use prometheus::{
    TextEncoder,
    proto::{Bucket, Counter, Gauge, Histogram, LabelPair, MetricFamily, MetricType},
};

use crate::table::{Kind, Metric};

/// A value of one series.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Of a counter or a gauge.
    Number(f64),
    /// Of a histogram.
    Spread {
        /// The upper bounds of the buckets.
        bounds: &'static [f64],
        /// How many there are in each, and above the last.
        counts: Vec<u64>,
        /// All of them together.
        sum: f64,
    },
}

/// Every series of one moment.
#[derive(Debug, Default)]
pub struct Gathered {
    families: BTreeMap<&'static str, Family>,
}

#[derive(Debug)]
struct Family {
    metric: &'static Metric,
    series: BTreeMap<Vec<String>, Value>,
}

impl Gathered {
    /// Adds to the series of `metric` with these values of its labels, in their order.
    pub fn add(&mut self, metric: &'static Metric, labels: &[&str], value: f64) {
        let known = self.series_of(metric, labels, || Value::Number(metric.beginning(value)));
        if let Value::Number(known) = known {
            *known = match metric.kind {
                Kind::Counter | Kind::Gauge | Kind::Histogram => *known + value,
                Kind::GaugeMost => known.max(value),
                Kind::GaugeLeast => known.min(value),
            };
        }
    }

    /// The same for whole numbers.
    #[allow(clippy::cast_precision_loss)] // A count beyond 2^53 is none.
    pub fn count(&mut self, metric: &'static Metric, labels: &[&str], value: u64) {
        self.add(metric, labels, value as f64);
    }

    /// Adds the counts of a histogram, one for each of its bounds and one more.
    pub fn spread(
        &mut self,
        metric: &'static Metric,
        labels: &[&str],
        bounds: &'static [f64],
        counts: &[u64],
        sum: f64,
    ) {
        let known = self.series_of(metric, labels, || Value::Spread {
            bounds,
            counts: vec![0; counts.len()],
            sum: 0.0,
        });
        if let Value::Spread {
            counts: known_counts,
            sum: known_sum,
            ..
        } = known
        {
            for (known, more) in known_counts.iter_mut().zip(counts) {
                *known += more;
            }
            *known_sum += sum;
        }
    }

    fn series_of(
        &mut self,
        metric: &'static Metric,
        labels: &[&str],
        new: impl FnOnce() -> Value,
    ) -> &mut Value {
        debug_assert_eq!(labels.len(), metric.labels.len(), "{}", metric.name);
        let family = self.families.entry(metric.name).or_insert_with(|| Family {
            metric,
            series: BTreeMap::new(),
        });
        let labels = labels.iter().map(|label| (*label).to_owned()).collect();
        family.series.entry(labels).or_insert_with(new)
    }

    /// The series of a metric: values of its labels, and what they stand at.
    pub fn series(&self, metric: &Metric) -> impl Iterator<Item = (&[String], &Value)> {
        let family = self.families.get(metric.name);
        let series = family.into_iter().flat_map(|family| &family.series);
        series.map(|(labels, value)| (labels.as_slice(), value))
    }

    /// In Prometheus' text format.
    #[must_use]
    pub fn text(&self) -> String {
        let families: Vec<_> = self.families.values().map(Family::message).collect();
        // Names come from the table, every family has a series, and memory takes it all.
        TextEncoder::new()
            .encode_to_string(&families)
            .unwrap_or_default()
    }
}

impl Family {
    fn message(&self) -> MetricFamily {
        let mut family = MetricFamily::default();
        family.set_name(self.metric.name.to_owned());
        family.set_help(self.metric.help.to_owned());
        family.set_field_type(match self.metric.kind {
            Kind::Counter => MetricType::COUNTER,
            Kind::Gauge | Kind::GaugeMost | Kind::GaugeLeast => MetricType::GAUGE,
            Kind::Histogram => MetricType::HISTOGRAM,
        });
        let series = self.series.iter();
        let metrics = series.map(|(labels, value)| {
            let pairs = self.metric.labels.iter().zip(labels);
            let pairs = pairs.map(|(name, value)| pair(name, value)).collect();
            let mut metric = prometheus::proto::Metric::from_label(pairs);
            match value {
                Value::Number(number) if self.metric.kind == Kind::Counter => {
                    let mut counter = Counter::default();
                    counter.set_value(*number);
                    metric.set_counter(counter);
                }
                Value::Number(number) => {
                    let mut gauge = Gauge::default();
                    gauge.set_value(*number);
                    metric.set_gauge(gauge);
                }
                Value::Spread {
                    bounds,
                    counts,
                    sum,
                } => metric.set_histogram(histogram(bounds, counts, *sum)),
            }
            metric
        });
        family.set_metric(metrics.collect());
        family
    }
}

fn pair(name: &str, value: &str) -> LabelPair {
    let mut pair = LabelPair::default();
    pair.set_name(name.to_owned());
    pair.set_value(value.to_owned());
    pair
}

fn histogram(bounds: &[f64], counts: &[u64], sum: f64) -> Histogram {
    let mut below = 0;
    let buckets = bounds.iter().zip(counts).map(|(bound, count)| {
        below += count;
        let mut bucket = Bucket::default();
        bucket.set_upper_bound(*bound);
        bucket.set_cumulative_count(below);
        bucket
    });
    let mut histogram = Histogram::default();
    histogram.set_bucket(buckets.collect());
    histogram.set_sample_count(counts.iter().sum());
    histogram.set_sample_sum(sum);
    histogram
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table;

    #[test]
    fn what_workers_tell_is_merged_as_the_metric_says() {
        let mut gathered = Gathered::default();
        for (retries, endpoints, up) in [(2, 3, 1), (5, 4, 0)] {
            let labels = &["shop"];
            gathered.count(&table::UPSTREAM_RETRIES, labels, retries);
            gathered.count(&table::UPSTREAM_ENDPOINTS, labels, endpoints);
            gathered.count(&table::UPSTREAM_UP, labels, up);
        }
        let text = gathered.text();
        for line in [
            "# TYPE pspd_upstream_retries_total counter",
            "pspd_upstream_retries_total{upstream=\"shop\"} 7",
            "pspd_upstream_endpoints{upstream=\"shop\"} 4",
            "pspd_upstream_up{upstream=\"shop\"} 0",
        ] {
            assert!(text.lines().any(|known| known == line), "{line}\n{text}");
        }
    }

    #[test]
    fn buckets_are_cumulative_and_labels_escaped() {
        let mut gathered = Gathered::default();
        let counts: Vec<u64> = (0..18).collect();
        let labels = &["GET", "/a\"\\\n", "200"];
        let metric = &table::HTTP_SERVER_DURATION;
        gathered.spread(metric, labels, &crate::SECONDS, &counts, 1.5);
        gathered.spread(metric, labels, &crate::SECONDS, &counts, 1.0);
        let text = gathered.text();
        let series = |rest: &str| {
            let route = "http_route=\"/a\\\"\\\\\\n\"";
            format!("http_request_method=\"GET\",{route},http_response_status_code=\"200\"{rest}")
        };
        for line in [
            series(",le=\"0.0005\"} 6"),
            series(",le=\"+Inf\"} 306"),
            format!("_sum{{{}", series("} 2.5")),
            format!("_count{{{}", series("} 306")),
        ] {
            assert!(text.contains(&line), "{line}\n{text}");
        }
    }
}
