//! All emitted bytes are instructions that the target has.

use super::super::{Form, Isa, emit_as};
use crate::kernel::Program;
use iced_x86::{CpuidFeature, Decoder, DecoderOptions, Formatter, IntelFormatter};

/// The instructions of a listing that store past the caches.
pub(super) fn streaming(listing: &str) -> Vec<&str> {
    listing.lines().filter(|line| line.contains("vmovnt")).collect()
}

/// The code as a listing; fails where it is not made of instructions of this set.
pub(super) fn listing(program: &Program, isa: Isa, form: Form) -> String {
    let emitted = emit_as(program, isa, form);
    let code = &emitted.bytes[..emitted.stats.code];
    let mut decoder = Decoder::with_ip(64, code, 0, DecoderOptions::NONE);
    let (mut formatter, mut out) = (IntelFormatter::new(), String::new());
    while decoder.can_decode() {
        let instruction = decoder.decode();
        out += &format!("{:5x} ", instruction.ip());
        formatter.format(&instruction, &mut out);
        out.push('\n');
        assert!(!instruction.is_invalid(), "{program}\n{out}");
        for feature in instruction.cpuid_features() {
            let name = format!("{feature:?}");
            let is_512 = name.starts_with("AVX512");
            let allowed = match isa {
                Isa::Avx2 => !is_512,
                Isa::Avx512 => {
                    !is_512
                        || matches!(
                            feature,
                            CpuidFeature::AVX512F
                                | CpuidFeature::AVX512BW
                                | CpuidFeature::AVX512DQ
                                | CpuidFeature::AVX512VL
                        )
                }
            };
            assert!(allowed, "{name} for {isa:?}\n{program}\n{out}");
        }
    }
    out
}
