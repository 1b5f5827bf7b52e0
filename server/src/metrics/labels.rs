//! Labels whose values are known beforehand, and one metric for each of them.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use prometheus_client::encoding::{EncodeMetric, MetricEncoder};
use prometheus_client::metrics::{MetricType, TypedMetric};

/// A label.
pub trait Label: Copy + fmt::Debug + Send + Sync + 'static {
    /// Its name.
    const NAME: &'static str;
    /// Its values, each at its index.
    const VALUES: &'static [&'static str];

    /// The place of this value.
    fn index(self) -> usize;
}

/// One label, or two.
pub trait Labels: Copy + fmt::Debug + Send + Sync + 'static {
    /// Every combination of values, each at its place.
    fn all() -> Vec<Vec<(&'static str, &'static str)>>;

    /// The place of this one.
    fn place(self) -> usize;
}

impl<L: Label> Labels for L {
    fn all() -> Vec<Vec<(&'static str, &'static str)>> {
        L::VALUES
            .iter()
            .map(|value| vec![(L::NAME, *value)])
            .collect()
    }

    fn place(self) -> usize {
        self.index()
    }
}

impl<A: Label, B: Label> Labels for (A, B) {
    fn all() -> Vec<Vec<(&'static str, &'static str)>> {
        let pair = |a| {
            B::VALUES
                .iter()
                .map(move |b| vec![(A::NAME, a), (B::NAME, *b)])
        };
        A::VALUES.iter().flat_map(|a| pair(*a)).collect()
    }

    fn place(self) -> usize {
        self.0.index() * B::VALUES.len() + self.1.index()
    }
}

/// One metric for each value of its labels, all made at once. Cheap to clone.
#[derive(Debug)]
pub struct By<L, M> {
    metrics: Arc<[M]>,
    labels: PhantomData<L>,
}

impl<L: Labels, M> By<L, M> {
    /// That of these values.
    #[must_use]
    pub fn at(&self, labels: L) -> &M {
        &self.metrics[labels.place()]
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &M> {
        self.metrics.iter()
    }
}

impl<L: Labels, M: Default> Default for By<L, M> {
    fn default() -> Self {
        Self {
            metrics: L::all().iter().map(|_| M::default()).collect(),
            labels: PhantomData,
        }
    }
}

impl<L, M> Clone for By<L, M> {
    fn clone(&self) -> Self {
        Self {
            metrics: Arc::clone(&self.metrics),
            labels: PhantomData,
        }
    }
}

impl<L: Labels, M: EncodeMetric + TypedMetric> EncodeMetric for By<L, M> {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        for (labels, metric) in L::all().iter().zip(&*self.metrics) {
            metric.encode(encoder.encode_family(labels)?)?;
        }
        Ok(())
    }

    fn metric_type(&self) -> MetricType {
        M::TYPE
    }
}
