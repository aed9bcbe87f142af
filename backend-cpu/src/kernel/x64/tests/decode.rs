//! All emitted bytes are instructions that the target has.

use super::super::{Isa, emit_copies};
use crate::kernel::Program;
use iced_x86::{CpuidFeature, Decoder, DecoderOptions, Formatter, IntelFormatter};

/// The code as a listing; fails where it is not made of instructions of this set.
pub(super) fn listing(program: &Program, isa: Isa, copies: Option<usize>) -> String {
    let emitted = emit_copies(program, isa, copies);
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
