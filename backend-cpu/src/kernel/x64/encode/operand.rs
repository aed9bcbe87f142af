//! What instructions work on: registers, masks, memory.

/// A general register. `Gp(n)` is the one with number `n`, below 16.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Gp(pub u8);

#[allow(missing_docs)]
impl Gp {
    pub const RAX: Gp = Gp(0);
    pub const RCX: Gp = Gp(1);
    pub const RDX: Gp = Gp(2);
    pub const RBX: Gp = Gp(3);
    pub const RSP: Gp = Gp(4);
    pub const RBP: Gp = Gp(5);
    pub const RSI: Gp = Gp(6);
    pub const RDI: Gp = Gp(7);
    pub const R8: Gp = Gp(8);
    pub const R9: Gp = Gp(9);
    pub const R10: Gp = Gp(10);
    pub const R11: Gp = Gp(11);
    pub const R12: Gp = Gp(12);
    pub const R13: Gp = Gp(13);
    pub const R14: Gp = Gp(14);
    pub const R15: Gp = Gp(15);
}

/// A mask register, `k0` to `k7`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct K(pub u8);

/// The mask of an EVEX instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Masked {
    pub(super) k: u8,
    pub(super) zero: bool,
}

impl Masked {
    /// All lanes are written.
    pub const NO: Masked = Masked { k: 0, zero: false };

    /// Lanes whose bit is off keep what the destination holds (as stores need).
    pub const fn merge(k: K) -> Masked {
        Masked { k: k.0, zero: false }
    }

    /// Lanes whose bit is off become zero.
    pub const fn zero(k: K) -> Masked {
        assert!(k.0 != 0, "k0 means no mask, which cannot clear lanes");
        Masked { k: k.0, zero: true }
    }
}

/// The mandatory prefix of a vector instruction, as VEX and EVEX code it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Prefix {
    None = 0,
    P66 = 1,
    F3 = 2,
    F2 = 3,
}

/// A vector instruction as manuals write it: `EVEX.66.0F38.W1 98` is prefix `P66`, map 2, w 1, opcode 0x98.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vop {
    /// Mandatory prefix.
    pub prefix: Prefix,
    /// Opcode map: 1 for 0F, 2 for 0F38, 3 for 0F3A, 5 and 6 for those of f16.
    pub map: u8,
    /// The W bit.
    pub w: u8,
    /// Opcode.
    pub op: u8,
}

/// A [`Vop`] of these fields.
pub const fn vop(prefix: Prefix, map: u8, w: u8, op: u8) -> Vop {
    Vop { prefix, map, w, op }
}

/// Vector length, in bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub enum Len {
    L128 = 0,
    L256 = 1,
    L512 = 2,
}

/// Rounding that an instruction on 512-bit registers brings along.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rounding {
    /// To the nearest, ties to even.
    Nearest = 0,
    /// Towards minus infinity.
    Down = 1,
    /// Towards infinity.
    Up = 2,
    /// Towards zero.
    Zero = 3,
}

/// An operand that may be a register or memory. A `Gp` converts into one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rm {
    /// A register, of whichever kind the instruction takes there.
    Reg(u8),
    /// `[base + index * scale + disp]`.
    Mem {
        /// Base register.
        base: Gp,
        /// Index register and its scale: 1, 2, 4 or 8.
        index: Option<(Gp, u8)>,
        /// Displacement.
        disp: i32,
        /// Whether one element is read and broadcast (EVEX only).
        bcast: bool,
    },
    /// `[base + vector * scale + disp]`, of gathers and scatters.
    Vsib {
        /// Base register.
        base: Gp,
        /// Vector register of indices.
        index: u8,
        /// 1, 2, 4 or 8.
        scale: u8,
        /// Displacement.
        disp: i32,
    },
    /// An entry of the constant pool, as [`super::Asm::pool`] gave it.
    Pool {
        /// Offset in the pool.
        at: u32,
        /// Whether one element is read and broadcast (EVEX only).
        bcast: bool,
    },
}

impl From<Gp> for Rm {
    #[inline]
    fn from(register: Gp) -> Rm {
        Rm::Reg(register.0)
    }
}

impl Rm {
    /// The same memory, of which one element is read and broadcast.
    pub fn broadcast(self) -> Rm {
        match self {
            Rm::Mem { base, index, disp, .. } => Rm::Mem { base, index, disp, bcast: true },
            Rm::Pool { at, .. } => Rm::Pool { at, bcast: true },
            Rm::Reg(_) | Rm::Vsib { .. } => panic!("{self:?} cannot be broadcast"),
        }
    }

    /// Memory so many bytes further.
    pub fn offset(self, bytes: i32) -> Rm {
        match self {
            Rm::Mem { base, index, disp, bcast } => Rm::Mem { base, index, disp: disp + bytes, bcast },
            Rm::Vsib { base, index, scale, disp } => Rm::Vsib { base, index, scale, disp: disp + bytes },
            Rm::Pool { at, bcast } => Rm::Pool { at: at.wrapping_add_signed(bytes), bcast },
            Rm::Reg(_) => panic!("a register has no address"),
        }
    }

    /// The bits that extend the index and the base (or the register), and whether an element is broadcast.
    #[inline]
    pub(super) fn extensions(self) -> (u8, u8, u8) {
        match self {
            Rm::Reg(r) => (r >> 4 & 1, r >> 3 & 1, 0),
            Rm::Mem { base, index, bcast, .. } => {
                (index.map_or(0, |(i, _)| i.0 >> 3 & 1), base.0 >> 3 & 1, bcast as u8)
            }
            Rm::Vsib { base, index, .. } => (index >> 3 & 1, base.0 >> 3 & 1, 0),
            Rm::Pool { bcast, .. } => (0, 0, bcast as u8),
        }
    }
}

/// `[base + disp]`.
#[inline]
pub fn mem(base: Gp, disp: i32) -> Rm {
    Rm::Mem { base, index: None, disp, bcast: false }
}

/// `[base + index * scale + disp]`.
#[inline]
pub fn mem_at(base: Gp, index: Gp, scale: u8, disp: i32) -> Rm {
    Rm::Mem { base, index: Some((index, scale)), disp, bcast: false }
}
