//! Random numbers from a key, one pass each: threefry2x32 with the counters of `jax.random` (see `docs/random.md`).
//!
//! Keys are u32 of shape `[keys.., 2]`; each key restarts its counter at 0, so a batch of keys gives what each gives
//! alone. The output is `[keys.., shape..]`.

use crate::{DType, Shape, TensorType};

/// What is drawn from a key.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Random {
    /// Uniform bits of an unsigned integer type.
    Bits {
        /// Shape of a key's sample.
        shape: Shape,
        /// u8, u16, u32 or u64.
        dtype: DType,
    },
    /// Uniform floats in [0, 1).
    Uniform {
        /// Shape of a key's sample.
        shape: Shape,
        /// A float type.
        dtype: DType,
    },
    /// Standard normal floats: sqrt(2) erf_inv(u), u uniform in (-1, 1).
    Normal {
        /// Shape of a key's sample.
        shape: Shape,
        /// A float type.
        dtype: DType,
    },
    /// Floats of the gamma distribution of scale 1 (Marsaglia and Tsang): inputs are keys, and the shape parameter
    /// `[keys.., shape..]` of that dtype.
    Gamma {
        /// Shape of a key's sample.
        shape: Shape,
        /// A float type.
        dtype: DType,
        /// Whether the logarithm is given, which does not underflow where the parameter is small.
        log: bool,
    },
    /// Integers of the Poisson distribution: inputs are keys, and the rate `[keys.., shape..]`, f32.
    Poisson {
        /// Shape of a key's sample.
        shape: Shape,
        /// An integer type.
        dtype: DType,
    },
    /// New keys: `[keys.., shape.., 2]`.
    Split {
        /// How many keys, as a shape.
        shape: Shape,
    },
    /// A key for a number: inputs are keys `[keys.., 2]` and u32 data `[keys..]`.
    FoldIn,
}

impl Random {
    /// The name of the operation.
    pub fn name(&self) -> &'static str {
        match self {
            Random::Bits { .. } => "random_bits",
            Random::Uniform { .. } => "random_uniform",
            Random::Normal { .. } => "random_normal",
            Random::Gamma { .. } => "random_gamma",
            Random::Poisson { .. } => "random_poisson",
            Random::Split { .. } => "random_split",
            Random::FoldIn => "random_fold_in",
        }
    }

    pub(super) fn inputs(&self) -> usize {
        match self {
            Random::Bits { .. } | Random::Uniform { .. } | Random::Normal { .. } | Random::Split { .. } => 1,
            Random::Gamma { .. } | Random::Poisson { .. } | Random::FoldIn => 2,
        }
    }

    #[track_caller]
    pub(super) fn infer(&self, x: &[&TensorType]) -> TensorType {
        let (name, keys) = (self.name(), x[0]);
        assert!(
            keys.dtype == DType::U32 && keys.shape.last() == Some(&2),
            "{name}: a key is two u32, not {keys}"
        );
        let batch = &keys.shape[..keys.rank() - 1];
        let of = |shape: &[usize], dtype| {
            TensorType::new(batch.iter().chain(shape).copied().collect::<Shape>(), dtype)
        };
        match self {
            Random::Bits { shape, dtype } => {
                assert!(dtype.is_unsigned(), "{name}: bits are unsigned integers, not {dtype}");
                of(shape, *dtype)
            }
            Random::Uniform { shape, dtype } | Random::Normal { shape, dtype } => {
                assert!(dtype.is_float(), "{name}: gives floats, not {dtype}");
                of(shape, *dtype)
            }
            Random::Gamma { shape, dtype, log: _ } => {
                assert!(dtype.is_float(), "{name}: gives floats, not {dtype}");
                let ty = of(shape, *dtype);
                assert!(
                    *x[1] == ty,
                    "{name}: the parameter is {}, one must be given for each sample: {ty}",
                    x[1]
                );
                ty
            }
            Random::Poisson { shape, dtype } => {
                assert!(dtype.is_integer(), "{name}: gives integers, not {dtype}");
                let rate = of(shape, DType::F32);
                assert!(
                    *x[1] == rate,
                    "{name}: the rate is {}, one must be given for each sample: {rate}",
                    x[1]
                );
                of(shape, *dtype)
            }
            Random::Split { shape } => of(&shape.insert(shape.rank(), 2), DType::U32),
            Random::FoldIn => {
                let data = x[1];
                assert!(
                    data.dtype == DType::U32 && data.shape[..] == *batch,
                    "{name}: data are u32 of shape {batch:?}, one for each key, not {data}"
                );
                keys.clone()
            }
        }
    }
}
