//! How values are spread: a count for each range of them, and their sum. Counting is two relaxed
//! additions, whatever the value.

use std::{marker::PhantomData, time::Duration};

use super::counters::Counter;

/// What is measured, and where the ranges end.
pub trait Scale {
    /// The largest value of each range, increasing; a last range takes what is larger.
    const BOUNDS: &'static [u64];
    /// How much of the unit that is reported one is.
    const UNIT: f64;
}

/// Durations; reported in seconds.
#[derive(Debug)]
pub enum Nanoseconds {}

impl Scale for Nanoseconds {
    const BOUNDS: &'static [u64] = &[
        50_000,
        100_000,
        250_000,
        500_000,
        1_000_000,
        2_500_000,
        5_000_000,
        10_000_000,
        25_000_000,
        50_000_000,
        100_000_000,
        250_000_000,
        500_000_000,
        1_000_000_000,
        2_500_000_000,
        10_000_000_000,
    ];
    const UNIT: f64 = 1e-9;
}

/// Things that came together.
#[derive(Debug)]
pub enum Items {}

impl Scale for Items {
    const BOUNDS: &'static [u64] = &[1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 4096];
    const UNIT: f64 = 1.0;
}

/// How values of one scale are spread.
#[derive(Debug)]
pub struct Histogram<S> {
    /// One for each range.
    counts: Box<[Counter]>,
    sum: Counter,
    scale: PhantomData<S>,
}

/// A histogram at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Spread {
    /// The end of each range, and how many values are not larger.
    pub ranges: Vec<(f64, u64)>,
    /// How many values there were.
    pub count: u64,
    /// Their sum.
    pub sum: f64,
}

impl<S: Scale> Default for Histogram<S> {
    fn default() -> Self {
        let counts = (0..=S::BOUNDS.len()).map(|_| Counter::default()).collect();
        Self { counts, sum: Counter::default(), scale: PhantomData }
    }
}

impl<S: Scale> Histogram<S> {
    /// Counts a value `times` times.
    pub fn observe_all(&self, value: u64, times: u64) {
        let range = S::BOUNDS.partition_point(|bound| *bound < value);
        self.counts[range].add(times);
        self.sum.add(value.saturating_mul(times));
    }

    /// The values until now. What is counted meanwhile may be in the sum and not yet in the ranges.
    pub fn spread(&self) -> Spread {
        let mut count = 0;
        let mut so_far = |counter: &Counter| {
            count += counter.get();
            count
        };
        // Decimal fractions as people write them: 0.0025, not 0.0025000000000000001.
        let bounds = S::BOUNDS.iter().map(|bound| *bound as f64 / (1.0 / S::UNIT).round());
        let ranges = bounds.zip(self.counts.iter().map(&mut so_far)).collect();
        let count = self.counts.last().map(&mut so_far).unwrap_or_default();
        Spread { ranges, count, sum: self.sum.get() as f64 * S::UNIT }
    }
}

impl Histogram<Items> {
    /// Counts a number of things that came together.
    pub fn observe(&self, items: usize) {
        self.observe_all(items as u64, 1);
    }
}

impl Histogram<Nanoseconds> {
    /// Counts a duration.
    pub fn observe(&self, took: Duration) {
        self.observe_many(took, 1);
    }

    /// Counts a duration that so many things took.
    pub fn observe_many(&self, took: Duration, things: u64) {
        // 584 years fit.
        self.observe_all(took.as_nanos() as u64, things);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_in_their_ranges() {
        let items = Histogram::<Items>::default();
        for value in [0, 1, 2, 3, 4, 4096, 5000] {
            items.observe(value);
        }
        let spread = items.spread();
        assert_eq!(spread.ranges[..4], [(1.0, 2), (2.0, 3), (4.0, 5), (8.0, 5)]);
        assert_eq!(spread.ranges.last(), Some(&(4096.0, 6)));
        assert_eq!((spread.count, spread.sum), (7, 9106.0));
    }

    #[test]
    fn durations_are_told_in_seconds() {
        let times = Histogram::<Nanoseconds>::default();
        times.observe(Duration::from_micros(2500));
        times.observe_many(Duration::from_secs(60), 2);
        let spread = times.spread();
        let bounds: Vec<String> = spread.ranges.iter().map(|(bound, _)| bound.to_string()).collect();
        assert_eq!(bounds[..6], ["0.00005", "0.0001", "0.00025", "0.0005", "0.001", "0.0025"]);
        let counted: Vec<u64> = spread.ranges.iter().map(|(_, count)| *count).collect();
        assert_eq!(counted, [0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]);
        assert_eq!(spread.count, 3);
        assert!((spread.sum - 120.0025).abs() < 1e-9, "{}", spread.sum);
    }

    #[test]
    fn bounds_increase() {
        for bounds in [Nanoseconds::BOUNDS, Items::BOUNDS] {
            assert!(bounds.is_sorted_by(|a, b| a < b));
        }
    }
}
