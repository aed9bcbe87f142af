//! A step of training: what of its communication stands behind computing, and what does not.

use crate::costs::models::Model;

/// What a step computes in a second, and how large its numbers are.
#[derive(Clone, Copy, Debug)]
pub struct Device {
    /// What a table calls it.
    pub name: &'static str,
    /// Floating-point operations in a second, as far as they are used.
    pub speed: f64,
    /// Bytes of an element of a gradient.
    pub size: f64,
}

/// A host's processors, f32.
pub const HOST: Device = Device { name: "host, f32", speed: 1e12, size: 4.0 };
/// A GPU, f32 without TF32.
pub const GPU_F32: Device = Device { name: "GPU, f32", speed: 40e12, size: 4.0 };
/// A GPU's tensor cores, bf16.
pub const GPU_BF16: Device = Device { name: "GPU, bf16", speed: 400e12, size: 2.0 };

/// How much of a step is the backward pass.
pub const BACKWARD: f64 = 2.0 / 3.0;

/// A gradient that is ready to be sent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bucket {
    /// Seconds after the step's start.
    pub ready: f64,
    /// Bytes.
    pub bytes: f64,
}

/// Gradients in the order in which the backward pass gives them, in buckets of at least so many bytes (the last may have fewer). No
/// tensor is divided.
pub fn buckets(model: &Model, device: &Device, least: f64) -> Vec<Bucket> {
    let step = model.operations() / device.speed;
    let (mut time, mut bytes, mut all) = (step * (1.0 - BACKWARD), 0.0, Vec::new());
    for part in model.parts.iter().rev() {
        time += step * BACKWARD * part.products / model.products();
        bytes += part.elements * device.size;
        if part.elements > 0.0 && bytes >= least {
            all.push(Bucket { ready: time, bytes: std::mem::take(&mut bytes) });
        }
    }
    if bytes > 0.0 {
        all.push(Bucket { ready: time, bytes });
    }
    all
}

/// What communication adds to a step of `computing` seconds, if buckets are sent one after another, each once it is ready.
pub fn exposed(buckets: &[Bucket], computing: f64, all_reduce: impl Fn(f64) -> f64) -> f64 {
    let end = buckets.iter().fold(0.0f64, |end, b| end.max(b.ready) + all_reduce(b.bytes));
    (end - computing).max(0.0)
}

/// Of m equal buckets that are ready at equal distances, and take c seconds each: all of it that the backward pass does not hide.
pub fn exposed_of_equal(m: f64, c: f64, backward: f64) -> f64 {
    c.max(m * c - (m - 1.0) / m * backward)
}

/// The share of the time that is computing.
pub fn efficiency(computing: f64, exposed: f64) -> f64 {
    computing / (computing + exposed)
}

/// What is divided among the devices of data-parallel training (ZeRO's stages).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sharded {
    /// Nothing.
    Nothing,
    /// The optimizer's state.
    Optimizer,
    /// And the gradients.
    Gradients,
    /// And the parameters.
    Parameters,
}

impl Sharded {
    /// All of them.
    pub const ALL: [Sharded; 4] =
        [Sharded::Nothing, Sharded::Optimizer, Sharded::Gradients, Sharded::Parameters];

    /// Bytes of a parameter on one of p devices, with 16-bit parameters and gradients and Adam's state of 12 bytes: parameters and two
    /// moments in f32.
    pub fn memory(self, p: usize) -> f64 {
        let p = p as f64;
        match self {
            Sharded::Nothing => 2.0 + 2.0 + 12.0,
            Sharded::Optimizer => 2.0 + 2.0 + 12.0 / p,
            Sharded::Gradients => 2.0 + 14.0 / p,
            Sharded::Parameters => 16.0 / p,
        }
    }

    /// How many times (p - 1)/p of the parameters a device sends in a step: an all-reduce is a reduce-scatter and an all-gather; of
    /// parameters that are divided, there is an all-gather for each pass.
    pub fn passes(self) -> f64 {
        match self {
            Sharded::Nothing | Sharded::Optimizer | Sharded::Gradients => 2.0,
            Sharded::Parameters => 3.0,
        }
    }
}

/// The share of the time that the stages of a pipeline of p stages and m microbatches idle.
pub fn bubble(p: usize, m: usize) -> f64 {
    (p - 1) as f64 / (m + p - 1) as f64
}
