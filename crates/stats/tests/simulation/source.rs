//! Noise from a seed: ChaCha, and textbook transformations of its numbers.

use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};

pub(crate) struct Source(ChaCha8Rng);

impl Source {
    /// The name and the number make the seed.
    pub(crate) fn new(name: &str, number: usize) -> Self {
        let mut key = [0; 32];
        for (byte, letter) in key[8..].iter_mut().zip(name.bytes()) {
            *byte = letter;
        }
        key[..8].copy_from_slice(&(number as u64).to_le_bytes());
        Self(ChaCha8Rng::from_seed(key))
    }

    /// In (0, 1): never zero, so that it has a logarithm.
    pub(crate) fn uniform(&mut self) -> f64 {
        ((self.0.next_u64() >> 12) as f64 + 0.5) / (1_u64 << 52) as f64
    }

    /// Mean 0, standard deviation 1 (Box and Muller).
    pub(crate) fn normal(&mut self) -> f64 {
        let angle = std::f64::consts::TAU * self.uniform();
        (-2.0 * self.uniform().ln()).sqrt() * angle.cos()
    }

    /// Mean 0, standard deviation 1, skewness 2 / √shape; exponential for shape 1.
    pub(crate) fn gamma(&mut self, shape: u32) -> f64 {
        let sum: f64 = (0..shape).map(|_| -self.uniform().ln()).sum();
        (sum - f64::from(shape)) / f64::from(shape).sqrt()
    }

    /// Fair.
    pub(crate) fn coin(&mut self) -> bool {
        self.uniform() < 0.5
    }

    /// From 0 to `count - 1`.
    pub(crate) fn index(&mut self, count: usize) -> usize {
        (self.uniform() * count as f64) as usize
    }
}
