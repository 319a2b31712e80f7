//! Counts in the text format of Prometheus: families of metrics, each with its help.

use prometheus::{
    TextEncoder,
    proto::{Bucket, Counter, Gauge, Histogram, LabelPair, Metric, MetricFamily, MetricType},
};
use tracing::error;

use crate::platform::histogram::Spread;

/// All that is told, in order.
#[derive(Default)]
pub(super) struct Families(Vec<MetricFamily>);

impl Families {
    /// A number that only grows.
    pub(super) fn counter(&mut self, name: &str, help: &str, value: u64) {
        self.add(name, help, MetricType::COUNTER, vec![counter(value as f64)]);
    }

    /// The same, where it is no whole number.
    pub(super) fn counter_of(&mut self, name: &str, help: &str, value: f64) {
        self.add(name, help, MetricType::COUNTER, vec![counter(value)]);
    }

    /// A number that only grows, for each kind.
    pub(super) fn counters<const N: usize>(
        &mut self,
        (name, label): (&str, &str),
        help: &str,
        kinds: [&str; N],
        values: [u64; N],
    ) {
        let metric = |(kind, value)| labelled(counter(value as f64), label, kind);
        self.add(name, help, MetricType::COUNTER, kinds.into_iter().zip(values).map(metric).collect());
    }

    /// A number of this moment.
    pub(super) fn gauge(&mut self, name: &str, help: &str, value: f64) {
        self.add(name, help, MetricType::GAUGE, vec![gauge(value)]);
    }

    /// Numbers of this moment, those of them that there are.
    pub(super) fn gauges<const N: usize>(
        &mut self,
        (name, label): (&str, &str),
        help: &str,
        values: [(&str, Option<f64>); N],
    ) {
        let metric = |(kind, value): (&str, Option<f64>)| Some(labelled(gauge(value?), label, kind));
        self.add(name, help, MetricType::GAUGE, values.into_iter().filter_map(metric).collect());
    }

    /// How values are spread.
    pub(super) fn histogram(&mut self, name: &str, help: &str, spread: &Spread) {
        let bucket = |(bound, count): &(f64, u64)| {
            let mut bucket = Bucket::default();
            bucket.set_upper_bound(*bound);
            bucket.set_cumulative_count(*count);
            bucket
        };
        let mut histogram = Histogram::default();
        histogram.set_bucket(spread.ranges.iter().map(bucket).collect());
        histogram.set_sample_count(spread.count);
        histogram.set_sample_sum(spread.sum);
        let mut metric = Metric::default();
        metric.set_histogram(histogram);
        self.add(name, help, MetricType::HISTOGRAM, vec![metric]);
    }

    fn add(&mut self, name: &str, help: &str, kind: MetricType, metrics: Vec<Metric>) {
        // The format has no family without a member.
        if metrics.is_empty() {
            return;
        }
        let mut family = MetricFamily::default();
        family.set_name(name.into());
        family.set_help(help.into());
        family.set_field_type(kind);
        family.set_metric(metrics);
        self.0.push(family);
    }

    /// The text.
    pub(super) fn write(&self) -> String {
        let mut text = String::new();
        if let Err(error) = TextEncoder::new().encode_utf8(&self.0, &mut text) {
            error!(%error, "the metrics cannot be written");
        }
        text
    }
}

fn counter(value: f64) -> Metric {
    let mut counter = Counter::default();
    counter.set_value(value);
    let mut metric = Metric::default();
    metric.set_counter(counter);
    metric
}

fn gauge(value: f64) -> Metric {
    let mut gauge = Gauge::default();
    gauge.set_value(value);
    let mut metric = Metric::default();
    metric.set_gauge(gauge);
    metric
}

fn labelled(mut metric: Metric, label: &str, value: &str) -> Metric {
    let mut pair = LabelPair::default();
    pair.set_name(label.into());
    pair.set_value(value.into());
    metric.set_label(vec![pair]);
    metric
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::platform::histogram::Histogram;

    #[test]
    fn the_format() {
        let mut families = Families::default();
        families.counter("a_total", "How many.", 3);
        families.counters(("b_total", "kind"), "By kind.", ["x", "y"], [1, 0]);
        families.gauge("c", "Now.", 1_795_000_000.0);
        families.gauges(("d", "of"), "Some.", [("x", Some(0.5)), ("y", None)]);
        families.gauges(("e", "of"), "None.", [("x", None)]);
        let spread = Histogram::<crate::platform::histogram::Items>::default();
        spread.observe(3);
        families.histogram("f", "Spread.", &spread.spread());
        let text = families.write();
        let lines: Vec<&str> =
            text.lines().filter(|line| !line.contains("le=\"") || line.contains("le=\"4\"")).collect();
        expect![[r#"
            # HELP a_total How many.
            # TYPE a_total counter
            a_total 3
            # HELP b_total By kind.
            # TYPE b_total counter
            b_total{kind="x"} 1
            b_total{kind="y"} 0
            # HELP c Now.
            # TYPE c gauge
            c 1795000000
            # HELP d Some.
            # TYPE d gauge
            d{of="x"} 0.5
            # HELP f Spread.
            # TYPE f histogram
            f_bucket{le="4"} 1
            f_sum 3
            f_count 1"#]]
        .assert_eq(&lines.join("\n"));
    }
}
