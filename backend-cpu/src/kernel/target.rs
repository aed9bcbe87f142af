//! [`Target`]: which executor runs kernels, everywhere in the crate.
//!
//! It is the best that the processor and the system allow, or the one that the environment variable
//! `PLYWOOD_KERNELS` names. Both are looked at once, at first use.

use super::arena::Arena;
use std::fmt;
use std::sync::OnceLock;

/// The environment variable that picks a target.
pub const VARIABLE: &str = "PLYWOOD_KERNELS";

/// What runs kernels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Target {
    /// Machine code with AVX-512 (F, BW, DQ, VL, CD).
    Avx512,
    /// Machine code with AVX2, FMA, F16C and BMI.
    Avx2,
    /// Rust: the interpreter for programs, the crate `gemm` for matrix products.
    Portable,
}

impl Target {
    /// What `PLYWOOD_KERNELS` calls it.
    pub const fn name(self) -> &'static str {
        match self {
            Target::Avx512 => "avx512",
            Target::Avx2 => "avx2",
            Target::Portable => "interpreter",
        }
    }

    /// What this machine has, the best first; [`Target::Portable`] is always the last.
    pub fn available() -> &'static [Target] {
        static FOUND: OnceLock<Vec<Target>> = OnceLock::new();
        FOUND.get_or_init(|| {
            let code = Arena::unavailable().is_none();
            let mut found = vec![];
            if code && features::avx2() {
                if features::avx512() {
                    found.push(Target::Avx512);
                }
                found.push(Target::Avx2);
            }
            found.push(Target::Portable);
            found
        })
    }

    /// The target of all kernels that are not told another one.
    ///
    /// # Panics
    /// Where `PLYWOOD_KERNELS` names none, or one that this machine does not have.
    #[inline]
    pub fn current() -> Target {
        static CURRENT: OnceLock<Target> = OnceLock::new();
        *CURRENT.get_or_init(|| {
            let named = std::env::var_os(VARIABLE).map(|name| name.to_string_lossy().into_owned());
            pick(named.as_deref(), Target::available()).unwrap_or_else(|message| panic!("{message}"))
        })
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The target of this name among those available; the first where there is no name.
fn pick(name: Option<&str>, available: &[Target]) -> Result<Target, String> {
    let Some(name) = name.filter(|name| !name.is_empty()) else { return Ok(available[0]) };
    if let Some(&target) = available.iter().find(|target| target.name() == name) {
        return Ok(target);
    }
    let all = [Target::Avx512, Target::Avx2, Target::Portable];
    let why = match all.iter().any(|target| target.name() == name) {
        false => "is no target for kernels".to_string(),
        true => match Arena::unavailable() {
            Some(reason) => format!("cannot be used: {reason}"),
            None => "cannot be used: this processor lacks the instructions".to_string(),
        },
    };
    let names: Vec<&str> = available.iter().map(|target| target.name()).collect();
    Err(format!("{VARIABLE}={name:?} {why}; here there is {}", names.join(", ")))
}

/// Instructions that this processor has beyond its target's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Features {
    /// `vdpbf16ps`, `vcvtneps2bf16`.
    pub avx512_bf16: bool,
    /// Whether `vdpbf16ps` is as fast as two multiplications and additions of f32, or faster. (On Intel's it takes four's time: products of
    /// bf16 are sooner done in f32 there, without tiles.)
    pub fast_pairs: bool,
    /// Permutations of bytes over whole registers.
    pub avx512_vbmi: bool,
}

impl Features {
    /// Those of this machine; found once by the standard library.
    pub fn detected() -> Features {
        let avx512_bf16 = features::avx512_bf16();
        // The processor is asked once: that leaves a virtual machine, and takes longer than a small product.
        static IS_INTEL: OnceLock<bool> = OnceLock::new();
        let fast_pairs = avx512_bf16 && !*IS_INTEL.get_or_init(features::is_intel);
        Features { avx512_bf16, fast_pairs, avx512_vbmi: features::avx512_vbmi() }
    }
}

#[cfg(target_arch = "x86_64")]
mod features {
    use std::is_x86_feature_detected as has;

    pub(super) fn avx2() -> bool {
        has!("avx2") && has!("fma") && has!("f16c") && has!("bmi1") && has!("bmi2")
    }

    pub(super) fn avx512() -> bool {
        has!("avx512f") && has!("avx512bw") && has!("avx512dq") && has!("avx512vl") && has!("avx512cd")
    }

    pub(super) fn avx512_bf16() -> bool {
        avx512() && has!("avx512bf16")
    }

    pub(super) fn avx512_vbmi() -> bool {
        avx512() && has!("avx512vbmi")
    }

    #[allow(unsafe_code)]
    pub(super) fn is_intel() -> bool {
        // SAFETY: all processors of 64 bits have the instruction.
        #[allow(unused_unsafe)]
        let vendor = unsafe { std::arch::x86_64::__cpuid(0) };
        [vendor.ebx, vendor.edx, vendor.ecx].map(u32::to_le_bytes).concat() == b"GenuineIntel"
    }
}

#[cfg(not(target_arch = "x86_64"))]
mod features {
    pub(super) fn avx2() -> bool {
        false
    }

    pub(super) fn avx512() -> bool {
        false
    }

    pub(super) fn avx512_bf16() -> bool {
        false
    }

    pub(super) fn avx512_vbmi() -> bool {
        false
    }

    pub(super) fn is_intel() -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_portable_target_is_always_there_and_the_best_comes_first() {
        let found = Target::available();
        assert_eq!(found.last(), Some(&Target::Portable));
        assert!(found.is_sorted());
        assert!(found.contains(&Target::current()));
    }

    #[test]
    fn a_name_picks_its_target_or_says_what_there_is() {
        let (all, old) = ([Target::Avx512, Target::Avx2, Target::Portable], [Target::Avx2, Target::Portable]);
        for target in all {
            assert_eq!(pick(Some(target.name()), &all), Ok(target));
        }
        assert_eq!(pick(None, &all), Ok(Target::Avx512));
        assert_eq!(pick(Some(""), &old), Ok(Target::Avx2));
        let message = pick(Some("avx512"), &old).unwrap_err();
        assert!(message.starts_with("PLYWOOD_KERNELS=\"avx512\" cannot be used: "), "{message}");
        assert!(message.ends_with("here there is avx2, interpreter"), "{message}");
        let message = pick(Some("neon"), &all).unwrap_err();
        let want =
            "PLYWOOD_KERNELS=\"neon\" is no target for kernels; here there is avx512, avx2, interpreter";
        assert_eq!(message, want);
    }
}
