//! Instructions on mask registers.

use super::{Asm, Gp, K, Len, Prefix, Rm, vop};

/// How many bits of mask registers an instruction works on: 16 are in AVX-512 F, 8 in DQ, 32 and 64 in BW.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum KWidth {
    B,
    W,
    D,
    Q,
}

impl KWidth {
    /// Prefix and W bit of most instructions.
    const fn fields(self) -> (Prefix, u8) {
        match self {
            KWidth::B => (Prefix::P66, 0),
            KWidth::W => (Prefix::None, 0),
            KWidth::D => (Prefix::P66, 1),
            KWidth::Q => (Prefix::None, 1),
        }
    }

    /// Prefix and W bit of moves from and to general registers.
    const fn fields_gp(self) -> (Prefix, u8) {
        match self {
            KWidth::B => (Prefix::P66, 0),
            KWidth::W => (Prefix::None, 0),
            KWidth::D => (Prefix::F2, 0),
            KWidth::Q => (Prefix::F2, 1),
        }
    }
}

/// An operation on two masks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KOp {
    /// `a & b`.
    And = 0x41,
    /// `!a & b`.
    AndNot = 0x42,
    /// `a | b`.
    Or = 0x45,
    /// `!(a ^ b)`.
    Xnor = 0x46,
    /// `a ^ b`.
    Xor = 0x47,
}

impl Asm {
    fn k(&mut self, width: KWidth, len: Len, op: u8, reg: u8, second: u8, rm: Rm) {
        let (prefix, w) = width.fields();
        self.vex(vop(prefix, 1, w, op), len, reg, second, rm, None);
    }

    /// `dst = a op b`.
    pub fn k_op(&mut self, op: KOp, width: KWidth, dst: K, a: K, b: K) {
        self.k(width, Len::L256, op as u8, dst.0, a.0, Rm::Reg(b.0));
    }

    /// `dst = !src`.
    pub fn k_not(&mut self, width: KWidth, dst: K, src: K) {
        self.k(width, Len::L128, 0x44, dst.0, 0, Rm::Reg(src.0));
    }

    /// `dst = src`, of a mask register.
    pub fn k_mov(&mut self, width: KWidth, dst: K, src: K) {
        self.k(width, Len::L128, 0x90, dst.0, 0, Rm::Reg(src.0));
    }

    /// `dst = src`, from memory.
    pub fn k_load(&mut self, width: KWidth, dst: K, src: Rm) {
        debug_assert!(!matches!(src, Rm::Reg(_)));
        self.k(width, Len::L128, 0x90, dst.0, 0, src);
    }

    /// `dst = src`, to memory.
    pub fn k_store(&mut self, width: KWidth, dst: Rm, src: K) {
        debug_assert!(!matches!(dst, Rm::Reg(_)));
        self.k(width, Len::L128, 0x91, src.0, 0, dst);
    }

    /// `dst = src`, from a general register.
    pub fn k_from(&mut self, width: KWidth, dst: K, src: Gp) {
        let (prefix, w) = width.fields_gp();
        self.vex(vop(prefix, 1, w, 0x92), Len::L128, dst.0, 0, src.into(), None);
    }

    /// The signs of the eight lanes of 32 bits of a vector register, in a general register.
    pub fn signs(&mut self, dst: Gp, src: u8) {
        self.vex(vop(Prefix::None, 1, 0, 0x50), Len::L256, dst.0, 0, Rm::Reg(src), None);
    }

    /// `dst = src`, to a general register; the bits above the mask become zero.
    pub fn k_to(&mut self, width: KWidth, dst: Gp, src: K) {
        let (prefix, w) = width.fields_gp();
        self.vex(vop(prefix, 1, w, 0x93), Len::L128, dst.0, 0, Rm::Reg(src.0), None);
    }

    /// Sets the zero flag where `a | b` is all zeros, the carry where it is all ones.
    pub fn k_ortest(&mut self, width: KWidth, a: K, b: K) {
        self.k(width, Len::L128, 0x98, a.0, 0, Rm::Reg(b.0));
    }

    /// Sets the zero flag where `a & b` is all zeros, the carry where `!a & b` is.
    pub fn k_test(&mut self, width: KWidth, a: K, b: K) {
        self.k(width, Len::L128, 0x99, a.0, 0, Rm::Reg(b.0));
    }

    /// `dst = src >> n`, or `<< n` where `left`.
    pub fn k_shift(&mut self, width: KWidth, left: bool, dst: K, src: K, n: u8) {
        let (op, w) = match width {
            KWidth::B => (0x30, 0),
            KWidth::W => (0x30, 1),
            KWidth::D => (0x31, 0),
            KWidth::Q => (0x31, 1),
        };
        let op = vop(Prefix::P66, 3, w, op | (left as u8) << 1);
        self.vex(op, Len::L128, dst.0, 0, Rm::Reg(src.0), Some(n));
    }
}
