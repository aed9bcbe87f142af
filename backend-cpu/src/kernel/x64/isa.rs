//! Tables of instructions: for an operation on lanes of a type, the one instruction that does it.
//!
//! What always holds: an operation that an instruction set has no instruction for is rewritten in the language before
//! emission (`legalize`); looking it up here is a bug, and panics.

use super::encode::{Len, Prefix, Vop};
use crate::kernel::ir::{Binary, Compare, Fma, Rounding, Type, Unary, Width};

/// An instruction set that code is emitted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Isa {
    /// AVX-512 F, BW, DQ and VL: 32 registers of 64 bytes, masks in registers of their own.
    Avx512,
    /// AVX2 with FMA, F16C and BMI: 16 registers of 32 bytes, masks in vectors.
    Avx2,
}

impl Isa {
    /// Bytes of a vector register.
    pub const fn bytes(self) -> i32 {
        match self {
            Isa::Avx512 => 64,
            Isa::Avx2 => 32,
        }
    }

    /// Lanes of a vector register.
    pub const fn lanes(self, width: Width) -> i32 {
        self.bytes() / width.bytes() as i32
    }

    /// The length of whole registers.
    pub(super) const fn full(self) -> Len {
        match self {
            Isa::Avx512 => Len::L512,
            Isa::Avx2 => Len::L256,
        }
    }

    /// The length of the lower half of a register.
    pub(super) const fn half(self) -> Len {
        match self {
            Isa::Avx512 => Len::L256,
            Isa::Avx2 => Len::L128,
        }
    }

    /// The registers that values may live in. On AVX2 the last one holds the mask of the tail.
    pub(super) const fn registers(self) -> u32 {
        match self {
            Isa::Avx512 => 32,
            Isa::Avx2 => 15,
        }
    }
}

/// An instruction, for both instruction sets: they share all of it but the W bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ins {
    prefix: Prefix,
    map: u8,
    op: u8,
    evex_w: u8,
    vex_w: u8,
    pub(super) imm: Option<u8>,
}

impl Ins {
    /// W is 0.
    pub(super) const fn new(prefix: Prefix, map: u8, op: u8) -> Ins {
        Ins { prefix, map, op, evex_w: 0, vex_w: 0, imm: None }
    }

    /// W is 1 under EVEX, 0 under VEX.
    pub(super) const fn evex_w1(self) -> Ins {
        Ins { evex_w: 1, ..self }
    }

    /// W is 1.
    pub(super) const fn w1(self) -> Ins {
        Ins { evex_w: 1, vex_w: 1, ..self }
    }

    pub(super) const fn imm(self, imm: u8) -> Ins {
        Ins { imm: Some(imm), ..self }
    }

    /// The fields as this instruction set codes them.
    #[inline]
    pub(super) const fn vop(self, isa: Isa) -> Vop {
        let w = match isa {
            Isa::Avx512 => self.evex_w,
            Isa::Avx2 => self.vex_w,
        };
        Vop { prefix: self.prefix, map: self.map, w, op: self.op }
    }
}

use Prefix::{F2, F3, None as P0, P66};

/// On integers of the lane's width (or its bits): EVEX tells the width by W.
const fn lane(width: Width, map: u8, op: u8) -> Ins {
    match width {
        Width::W32 => Ins::new(P66, map, op),
        Width::W64 => Ins::new(P66, map, op).evex_w1(),
    }
}

/// As `lane`, where VEX tells the width by W too.
const fn lane_w(width: Width, map: u8, op: u8) -> Ins {
    match width {
        Width::W32 => Ins::new(P66, map, op),
        Width::W64 => Ins::new(P66, map, op).w1(),
    }
}

/// On floats of the lane's width: `ps` or `pd`.
const fn float(width: Width, op: u8) -> Ins {
    match width {
        Width::W32 => Ins::new(P0, 1, op),
        Width::W64 => Ins::new(P66, 1, op).evex_w1(),
    }
}

/// Loads, or copies from `rm`.
pub(super) const fn mov(width: Width) -> Ins {
    float(width, 0x10)
}

/// Stores.
pub(super) const fn mov_to(width: Width) -> Ins {
    float(width, 0x11)
}

/// Stores past the caches, to a multiple of the vector's bytes.
pub(super) const fn stream_to(width: Width) -> Ins {
    float(width, 0x2b)
}

/// One element in all lanes.
pub(super) const fn broadcast(width: Width) -> Ins {
    match width {
        Width::W32 => Ins::new(P66, 2, 0x18),
        Width::W64 => Ins::new(P66, 2, 0x19).evex_w1(),
    }
}

/// One element of this many bytes in all places.
pub(super) const fn broadcast_bytes(size: usize) -> Ins {
    match size {
        1 => Ins::new(P66, 2, 0x78),
        2 => Ins::new(P66, 2, 0x79),
        4 => Ins::new(P66, 2, 0x58),
        _ => Ins::new(P66, 2, 0x59).evex_w1(),
    }
}

/// Stores the first element of this many bytes; of 128 bits.
pub(super) const fn store_element(size: usize) -> Ins {
    match size {
        1 => Ins::new(P66, 3, 0x14).imm(0),
        2 => Ins::new(P66, 3, 0x15).imm(0),
        4 => Ins::new(F3, 1, 0x11),
        _ => Ins::new(F2, 1, 0x11).evex_w1(),
    }
}

/// Loads elements of this width where the mask (`second`) is set, AVX2.
pub(super) const fn mask_load(width: Width) -> Ins {
    match width {
        Width::W32 => Ins::new(P66, 2, 0x2c),
        Width::W64 => Ins::new(P66, 2, 0x2d),
    }
}

/// Stores elements of this width where the mask (`second`) is set, AVX2.
pub(super) const fn mask_store(width: Width) -> Ins {
    match width {
        Width::W32 => Ins::new(P66, 2, 0x2e),
        Width::W64 => Ins::new(P66, 2, 0x2f),
    }
}

/// `mask ? rm : second`; AVX2 names the mask in the immediate.
pub(super) const fn blend(isa: Isa, width: Width) -> Ins {
    match (isa, width) {
        (Isa::Avx512, _) => lane(width, 2, 0x65),
        (Isa::Avx2, Width::W32) => Ins::new(P66, 3, 0x4a),
        (Isa::Avx2, Width::W64) => Ins::new(P66, 3, 0x4b),
    }
}

/// The first element of `lane` order 0, 1, 2, … plus a number: a general register in all lanes (AVX-512).
pub(super) const fn broadcast_gp(width: Width) -> Ins {
    lane(width, 2, 0x7c)
}

/// A general register in the first lane (AVX2).
pub(super) const fn from_gp(width: Width) -> Ins {
    lane_w(width, 1, 0x6e)
}

/// Where the operands' places in a fused multiplication and addition are written over.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum FmaForm {
    /// dst = dst * rm + second.
    F132 = 0x00,
    /// dst = second * dst + rm.
    F213 = 0x10,
    /// dst = second * rm + dst.
    F231 = 0x20,
}

pub(super) const fn fma(op: Fma, form: FmaForm, width: Width) -> Ins {
    let base = match op {
        Fma::Add => 0x98,
        Fma::Sub => 0x9a,
        Fma::Neg => 0x9c,
    };
    lane_w(width, 2, base + form as u8)
}

/// Integers of a lane: their width, and whether they are signed.
fn integer(ty: Type) -> (Width, bool) {
    (ty.width().expect("integers have a width"), ty.is_signed())
}

#[track_caller]
fn removed(isa: Isa, what: impl std::fmt::Debug, ty: Type) -> ! {
    unreachable!("{what:?} of {ty} was to be rewritten before emission for {isa:?}")
}

/// `dst = second op rm`. Of masks: as vectors, on AVX2.
#[inline]
pub(super) fn binary(isa: Isa, op: Binary, ty: Type, width: Width) -> Ins {
    let only512 = |ins: Ins| match isa {
        Isa::Avx512 => ins,
        Isa::Avx2 => removed(isa, op, ty),
    };
    let of = |f: u8, i32: Ins, i64: Ins| match (ty.is_float(), width) {
        (true, _) => float(width, f),
        (false, Width::W32) => i32,
        (false, Width::W64) => i64,
    };
    let extreme = |f: u8, signed: u8, unsigned: u8| {
        if ty.is_float() {
            return float(width, f);
        }
        let ins = lane(width, 2, if integer(ty).1 { signed } else { unsigned });
        if width == Width::W64 { only512(ins) } else { ins }
    };
    match op {
        Binary::Add => of(0x58, Ins::new(P66, 1, 0xfe), lane(width, 1, 0xd4)),
        Binary::Sub => of(0x5c, Ins::new(P66, 1, 0xfa), lane(width, 1, 0xfb)),
        Binary::Mul if ty.is_float() => float(width, 0x59),
        Binary::Mul if width == Width::W64 => only512(lane(width, 2, 0x40)),
        Binary::Mul => lane(width, 2, 0x40),
        Binary::MulLow => lane(width, 1, 0xf4),
        Binary::Div => float(width, 0x5e),
        Binary::Min => extreme(0x5d, 0x39, 0x3b),
        Binary::Max => extreme(0x5f, 0x3d, 0x3f),
        Binary::And => of(0x54, Ins::new(P66, 1, 0xdb), lane(width, 1, 0xdb)),
        Binary::Or => of(0x56, Ins::new(P66, 1, 0xeb), lane(width, 1, 0xeb)),
        Binary::Xor => of(0x57, Ins::new(P66, 1, 0xef), lane(width, 1, 0xef)),
        Binary::Shl => lane_w(width, 2, 0x47),
        Binary::Shr => match integer(ty) {
            (_, false) => lane_w(width, 2, 0x45),
            (Width::W32, true) => lane_w(width, 2, 0x46),
            (Width::W64, true) => only512(lane_w(width, 2, 0x46)),
        },
        Binary::Scale => only512(lane(width, 2, 0x2c)),
    }
}

/// Whether the operands may change places.
pub(super) const fn commutes(op: Binary) -> bool {
    match op {
        Binary::Add | Binary::Mul | Binary::MulLow | Binary::And | Binary::Or | Binary::Xor => true,
        Binary::Sub | Binary::Div | Binary::Min | Binary::Max => false,
        Binary::Shl | Binary::Shr | Binary::Scale => false,
    }
}

/// How an operation of one operand is done.
pub(super) enum UnaryForm {
    /// `dst = op rm`.
    Plain(Ins),
    /// A shift by the immediate: a digit in the place of `reg`, `dst` in that of `second`. VEX takes no memory.
    Shift(Ins, u8),
    /// All bits turned round.
    Not,
}

/// Of an operand of type `from`.
#[inline]
pub(super) fn unary(isa: Isa, op: Unary, from: Type, width: Width) -> UnaryForm {
    use UnaryForm::{Not, Plain, Shift};
    let only512 = |ins: Ins| match isa {
        Isa::Avx512 => ins,
        Isa::Avx2 => removed(isa, op, from),
    };
    let round = |how: u8| match width {
        Width::W32 => Ins::new(P66, 3, 0x08).imm(how),
        Width::W64 => Ins::new(P66, 3, 0x09).evex_w1().imm(how),
    };
    let shift = |n: u8| match width {
        Width::W32 => Ins::new(P66, 1, 0x72).imm(n),
        Width::W64 => Ins::new(P66, 1, 0x73).evex_w1().imm(n),
    };
    match op {
        Unary::Sqrt => Plain(float(width, 0x51)),
        Unary::Round(Rounding::Nearest) => Plain(round(8)),
        Unary::Round(Rounding::Down) => Plain(round(9)),
        Unary::Round(Rounding::Up) => Plain(round(10)),
        Unary::Round(Rounding::Zero) => Plain(round(11)),
        Unary::Not => Not,
        Unary::Shl(n) => Shift(shift(n), 6),
        Unary::Shr(n) => match integer(from) {
            (_, false) => Shift(shift(n), 2),
            (Width::W32, true) => Shift(Ins::new(P66, 1, 0x72).imm(n), 4),
            (Width::W64, true) => Shift(only512(Ins::new(P66, 1, 0x72).evex_w1().imm(n)), 4),
        },
        Unary::Rotl(n) => Shift(only512(lane(width, 1, 0x72).imm(n)), 1),
        Unary::Convert(to) => Plain(match (from, to) {
            (Type::I32, Type::F32) => Ins::new(P0, 1, 0x5b),
            (Type::F32, Type::I32) => Ins::new(F3, 1, 0x5b),
            (Type::U32, Type::F32) => only512(Ins::new(F2, 1, 0x7a)),
            (Type::F32, Type::U32) => only512(Ins::new(P0, 1, 0x78)),
            (Type::I64, Type::F64) => only512(Ins::new(F3, 1, 0xe6).evex_w1()),
            (Type::U64, Type::F64) => only512(Ins::new(F3, 1, 0x7a).evex_w1()),
            (Type::F64, Type::I64) => only512(Ins::new(P66, 1, 0x7a).evex_w1()),
            (Type::F64, Type::U64) => only512(Ins::new(P66, 1, 0x78).evex_w1()),
            (from, to) => unreachable!("{from} does not convert to {to}"),
        }),
        Unary::Bits(_) => unreachable!("the same bits are in the same register"),
    }
}

/// The comparison that holds of the operands in the other order.
pub(super) const fn mirror(op: Compare) -> Compare {
    match op {
        Compare::Lt => Compare::Gt,
        Compare::Le => Compare::Ge,
        Compare::Eq => Compare::Eq,
        Compare::Ne => Compare::Ne,
        Compare::Gt => Compare::Lt,
        Compare::Ge => Compare::Le,
    }
}

/// `second op rm`: into a mask register on AVX-512, into a vector of masks on AVX2.
#[inline]
pub(super) fn compare(isa: Isa, op: Compare, ty: Type, width: Width) -> Ins {
    if ty.is_float() {
        return float(width, 0xc2).imm(match op {
            Compare::Lt => 0x11,
            Compare::Le => 0x12,
            Compare::Eq => 0x00,
            Compare::Ne => 0x04,
            Compare::Gt => 0x1e,
            Compare::Ge => 0x1d,
        });
    }
    let (_, signed) = integer(ty);
    match (isa, op) {
        (Isa::Avx512, op) => lane(width, 3, if signed { 0x1f } else { 0x1e }).imm(match op {
            Compare::Eq => 0,
            Compare::Lt => 1,
            Compare::Le => 2,
            Compare::Ne => 4,
            Compare::Ge => 5,
            Compare::Gt => 6,
        }),
        (Isa::Avx2, Compare::Eq) => match width {
            Width::W32 => Ins::new(P66, 1, 0x76),
            Width::W64 => Ins::new(P66, 2, 0x29),
        },
        (Isa::Avx2, Compare::Gt) if signed => greater(width),
        (Isa::Avx2, op) => removed(isa, op, ty),
    }
}

/// `second > rm` of signed integers, AVX2.
pub(super) const fn greater(width: Width) -> Ins {
    match width {
        Width::W32 => Ins::new(P66, 1, 0x66),
        Width::W64 => Ins::new(P66, 2, 0x37),
    }
}

/// `second ^ rm`, of any bits.
pub(super) const XOR: Ins = Ins::new(P66, 1, 0xef);
/// `second & rm`, of any bits.
pub(super) const AND: Ins = Ins::new(P66, 1, 0xdb);
/// `second + rm`, integers of 32 bits.
pub(super) const ADD_D: Ins = Ins::new(P66, 1, 0xfe);
/// Any function of three bits (AVX-512); this one is `!rm`.
pub(super) const NOT: Ins = Ins::new(P66, 3, 0x25).imm(0x55);
/// Integers of 32 bits shifted by an immediate; digit 6 to the left, 2 to the right.
pub(super) const SHIFT_D: Ins = Ins::new(P66, 1, 0x72);
/// Integers of 64 bits shifted by an immediate; digit 6 to the left, 2 to the right.
pub(super) const SHIFT_Q: Ins = Ins::new(P66, 1, 0x73).evex_w1();
/// Where floats of 32 bits are not numbers.
pub(super) const IS_NAN: Ins = Ins::new(P0, 1, 0xc2).imm(3);
/// Which bytes of a vector are not 0, AVX-512.
pub(super) const TEST_BYTES: Ins = Ins::new(P66, 2, 0x26);
/// Bytes under a mask, AVX-512.
pub(super) const LOAD_BYTES: Ins = Ins::new(F2, 1, 0x6f);
pub(super) const STORE_BYTES: Ins = Ins::new(F2, 1, 0x7f);
/// The lower 8 bytes from and to memory.
pub(super) const LOAD_8: Ins = Ins::new(F3, 1, 0x7e).evex_w1();
pub(super) const STORE_8: Ins = Ins::new(P66, 1, 0xd6).evex_w1();
/// 16-bit floats to 32 bits and back (to the nearest; from `reg` to `rm`).
pub(super) const F16_TO_F32: Ins = Ins::new(P66, 2, 0x13);
pub(super) const F32_TO_F16: Ins = Ins::new(P66, 3, 0x1d).imm(0);
pub(super) const F32_TO_F64: Ins = Ins::new(P0, 1, 0x5a);
pub(super) const F64_TO_F32: Ins = Ins::new(P66, 1, 0x5a).evex_w1();
/// Unsigned saturation, both sources within each 128 bits: 32 to 16 bits, 16 to 8.
pub(super) const PACK_D: Ins = Ins::new(P66, 2, 0x2b);
pub(super) const PACK_W: Ins = Ins::new(P66, 1, 0x67);
/// Permutes 64-bit elements of the whole register by an immediate.
pub(super) const PERMUTE_Q: Ins = Ins::new(P66, 3, 0x00).w1();
/// Chooses two 32-bit elements of each source within 128 bits.
pub(super) const SHUFFLE: Ins = Ins::new(P0, 1, 0xc6);
/// Permutes 32-bit elements within 128 bits.
pub(super) const SHUFFLE_D: Ins = Ins::new(P66, 1, 0x70);
/// The upper half (from `reg` to `rm`): of 512 bits, of 256.
pub(super) const UPPER_256: Ins = Ins::new(P66, 3, 0x1b).w1().imm(1);
pub(super) const UPPER_128: Ins = Ins::new(P66, 3, 0x19).imm(1);

/// Integers of `from` bytes to `to` bytes, by sign or with zeros.
pub(super) const fn extend(from: usize, to: usize, signed: bool) -> Ins {
    let op = match (from, to) {
        (1, 4) => 0x21,
        (1, _) => 0x22,
        (2, 4) => 0x23,
        (2, _) => 0x24,
        _ => 0x25,
    };
    Ins::new(P66, 2, if signed { op } else { op + 0x10 })
}

/// Integers of a lane cut off to so many bytes (from `reg` to `rm`), AVX-512.
pub(super) const fn cut(width: Width, to: usize) -> Ins {
    let op = match (width, to) {
        (Width::W32, 1) => 0x31,
        (Width::W32, _) => 0x33,
        (Width::W64, 1) => 0x32,
        (Width::W64, 2) => 0x34,
        (Width::W64, _) => 0x35,
    };
    Ins::new(F3, 2, op)
}
