//! Instructions on general registers, jumps, and the few others without vectors.
//!
//! Arithmetic is on 64 bits but where a name says otherwise.

use super::{Asm, Bytes, Disp, Gp, Label, Len, Prefix, Rm, Tail, UNBOUND, vop};

/// Arithmetic with the usual encodings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Alu {
    Add = 0,
    Or = 1,
    And = 4,
    Sub = 5,
    Xor = 6,
    Cmp = 7,
}

/// A shift by a constant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shift {
    /// To the left.
    Left = 4,
    /// To the right, zeros come in.
    Right = 5,
    /// To the right, the sign comes in.
    Arithmetic = 7,
}

/// When a jump is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cc {
    /// Overflow.
    O = 0,
    /// No overflow.
    No = 1,
    /// Below, unsigned; carry.
    B = 2,
    /// Above or equal, unsigned; no carry.
    Ae = 3,
    /// Equal; zero.
    E = 4,
    /// Not equal; not zero.
    Ne = 5,
    /// Below or equal, unsigned.
    Be = 6,
    /// Above, unsigned.
    A = 7,
    /// Negative.
    S = 8,
    /// Not negative.
    Ns = 9,
    /// Even parity (after comparing floats: unordered).
    P = 10,
    /// Odd parity.
    Np = 11,
    /// Less, signed.
    L = 12,
    /// Greater or equal, signed.
    Ge = 13,
    /// Less or equal, signed.
    Le = 14,
    /// Greater, signed.
    G = 15,
}

/// Size of a scalar in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Bits {
    B8,
    B16,
    B32,
    B64,
}

/// Where a prefetch brings a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hint {
    /// Every cache, for one use.
    Nta = 0,
    /// The first cache and all behind it.
    T0 = 1,
    /// The second cache and all behind it.
    T1 = 2,
    /// The third cache.
    T2 = 3,
}

impl Asm {
    /// REX prefix (always where `byte` names low bytes of registers), opcode, operands.
    #[inline]
    #[allow(clippy::too_many_arguments)]
    fn scalar(&mut self, w: u8, prefix: Option<u8>, opcode: &[u8], reg: u8, rm: Rm, tail: Tail, byte: bool) {
        let mut out = Bytes::new();
        if let Some(prefix) = prefix {
            out.byte(prefix);
        }
        let (x, b, broadcast) = rm.extensions();
        debug_assert!(reg < 16 && broadcast == 0 && !matches!(rm, Rm::Reg(16..)), "{opcode:x?} {reg} {rm:?}");
        let rex = 0x40 | w << 3 | (reg >> 3 & 1) << 2 | x << 1 | b;
        if rex != 0x40 || byte {
            out.byte(rex);
        }
        opcode.iter().for_each(|&x| out.byte(x));
        self.finish_instruction(out, reg, rm, tail, Disp::Short);
    }

    #[inline]
    fn wide(&mut self, opcode: &[u8], reg: u8, rm: Rm) {
        self.scalar(1, None, opcode, reg, rm, Tail::No, false);
    }

    /// `dst = src`.
    #[inline]
    pub fn mov(&mut self, dst: Gp, src: impl Into<Rm>) {
        self.wide(&[0x8b], dst.0, src.into());
    }

    /// `dst = value`.
    #[inline]
    pub fn mov_i(&mut self, dst: Gp, value: i64) {
        match (i32::try_from(value), u32::try_from(value)) {
            (_, Ok(value)) => {
                // A move of 32 bits clears the others.
                let mut out = Bytes::new();
                if dst.0 > 7 {
                    out.byte(0x41);
                }
                out.byte(0xb8 | dst.0 & 7);
                out.dword(value as i32);
                self.append(out);
            }
            (Ok(value), _) => self.scalar(1, None, &[0xc7], 0, dst.into(), Tail::Dword(value), false),
            _ => {
                self.code.extend_from_slice(&[0x48 | dst.0 >> 3, 0xb8 | dst.0 & 7]);
                self.code.extend_from_slice(&value.to_le_bytes());
            }
        }
    }

    /// `dst = 0`, which also breaks dependencies; changes flags.
    #[inline]
    pub fn zero(&mut self, dst: Gp) {
        self.scalar(0, None, &[0x33], dst.0, dst.into(), Tail::No, false);
    }

    /// `dst` = so many bits of `src`, and zeros above them. (Of a register with 8 or 16 bits too.)
    #[inline]
    pub fn load_zx(&mut self, dst: Gp, src: impl Into<Rm>, bits: Bits) {
        let (opcode, w): (&[u8], u8) = match bits {
            Bits::B8 => (&[0x0f, 0xb6], 0),
            Bits::B16 => (&[0x0f, 0xb7], 0),
            Bits::B32 => (&[0x8b], 0),
            Bits::B64 => (&[0x8b], 1),
        };
        self.scalar(w, None, opcode, dst.0, src.into(), Tail::No, bits == Bits::B8);
    }

    /// `dst` = so many bits of `src`, its sign in all bits above them.
    #[inline]
    pub fn load_sx(&mut self, dst: Gp, src: impl Into<Rm>, bits: Bits) {
        let opcode: &[u8] = match bits {
            Bits::B8 => &[0x0f, 0xbe],
            Bits::B16 => &[0x0f, 0xbf],
            Bits::B32 => &[0x63],
            Bits::B64 => &[0x8b],
        };
        self.wide(opcode, dst.0, src.into());
    }

    /// Writes the low bits of `src` to memory.
    #[inline]
    pub fn store(&mut self, dst: Rm, src: Gp, bits: Bits) {
        let (w, prefix, opcode) = match bits {
            Bits::B8 => (0, None, 0x88),
            Bits::B16 => (0, Some(0x66), 0x89),
            Bits::B32 => (0, None, 0x89),
            Bits::B64 => (1, None, 0x89),
        };
        self.scalar(w, prefix, &[opcode], src.0, dst, Tail::No, bits == Bits::B8);
    }

    /// `dst = dst op src`, or compares.
    #[inline]
    pub fn alu(&mut self, op: Alu, dst: Gp, src: impl Into<Rm>) {
        self.wide(&[(op as u8) << 3 | 3], dst.0, src.into());
    }

    /// `dst = dst op src` in memory.
    #[inline]
    pub fn alu_to(&mut self, op: Alu, dst: Rm, src: Gp) {
        self.wide(&[(op as u8) << 3 | 1], src.0, dst);
    }

    /// `dst = dst op value`, in a register or 64 bits of memory.
    #[inline]
    pub fn alu_i(&mut self, op: Alu, dst: impl Into<Rm>, value: i32) {
        match i8::try_from(value) {
            Ok(value) => self.scalar(1, None, &[0x83], op as u8, dst.into(), Tail::Byte(value as u8), false),
            Err(_) => self.alu_i32(op, dst, value),
        }
    }

    /// As `alu_i`, always with four bytes for the value, which [`Asm::patch`] may change.
    #[inline]
    pub fn alu_i32(&mut self, op: Alu, dst: impl Into<Rm>, value: i32) {
        self.scalar(1, None, &[0x81], op as u8, dst.into(), Tail::Dword(value), false);
    }

    /// `dst += src`.
    #[inline]
    pub fn add(&mut self, dst: Gp, src: impl Into<Rm>) {
        self.alu(Alu::Add, dst, src);
    }

    /// `dst -= src`.
    #[inline]
    pub fn sub(&mut self, dst: Gp, src: impl Into<Rm>) {
        self.alu(Alu::Sub, dst, src);
    }

    /// Compares, for a jump.
    #[inline]
    pub fn cmp(&mut self, a: Gp, b: impl Into<Rm>) {
        self.alu(Alu::Cmp, a, b);
    }

    /// `dst += src` in memory.
    #[inline]
    pub fn add_to(&mut self, dst: Rm, src: Gp) {
        self.alu_to(Alu::Add, dst, src);
    }

    /// `dst += value`.
    #[inline]
    pub fn add_i(&mut self, dst: impl Into<Rm>, value: i32) {
        self.alu_i(Alu::Add, dst, value);
    }

    /// `dst -= value`.
    #[inline]
    pub fn sub_i(&mut self, dst: impl Into<Rm>, value: i32) {
        self.alu_i(Alu::Sub, dst, value);
    }

    /// `dst &= value`.
    #[inline]
    pub fn and_i(&mut self, dst: impl Into<Rm>, value: i32) {
        self.alu_i(Alu::And, dst, value);
    }

    /// Compares with a constant, for a jump.
    #[inline]
    pub fn cmp_i(&mut self, a: impl Into<Rm>, value: i32) {
        self.alu_i(Alu::Cmp, a, value);
    }

    /// `dst += 1`; the carry stays.
    #[inline]
    pub fn inc(&mut self, dst: impl Into<Rm>) {
        self.wide(&[0xff], 0, dst.into());
    }

    /// `dst -= 1`; the carry stays.
    #[inline]
    pub fn dec(&mut self, dst: impl Into<Rm>) {
        self.wide(&[0xff], 1, dst.into());
    }

    /// `dst = -dst`.
    #[inline]
    pub fn neg(&mut self, dst: impl Into<Rm>) {
        self.wide(&[0xf7], 3, dst.into());
    }

    /// Sets flags by `a & b`.
    #[inline]
    pub fn test(&mut self, a: Gp, b: Gp) {
        self.wide(&[0x85], b.0, a.into());
    }

    /// Sets flags by `a & value`.
    #[inline]
    pub fn test_i(&mut self, a: impl Into<Rm>, value: i32) {
        self.scalar(1, None, &[0xf7], 0, a.into(), Tail::Dword(value), false);
    }

    /// `dst *= src`.
    #[inline]
    pub fn imul(&mut self, dst: Gp, src: impl Into<Rm>) {
        self.wide(&[0x0f, 0xaf], dst.0, src.into());
    }

    /// `dst = src * value`.
    #[inline]
    pub fn imul_i(&mut self, dst: Gp, src: impl Into<Rm>, value: i32) {
        self.scalar(1, None, &[0x69], dst.0, src.into(), Tail::Dword(value), false);
    }

    /// `dst` shifted by so many bits.
    #[inline]
    pub fn shift(&mut self, shift: Shift, dst: impl Into<Rm>, n: u8) {
        self.scalar(1, None, &[0xc1], shift as u8, dst.into(), Tail::Byte(n), false);
    }

    /// `dst <<= n`.
    #[inline]
    pub fn shl(&mut self, dst: impl Into<Rm>, n: u8) {
        self.shift(Shift::Left, dst, n);
    }

    /// `dst >>= n`, zeros come in.
    #[inline]
    pub fn shr(&mut self, dst: impl Into<Rm>, n: u8) {
        self.shift(Shift::Right, dst, n);
    }

    /// `dst = src` where the condition holds.
    #[inline]
    pub fn cmov(&mut self, cc: Cc, dst: Gp, src: impl Into<Rm>) {
        self.wide(&[0x0f, 0x40 | cc as u8], dst.0, src.into());
    }

    /// `dst` = the address `src`.
    #[inline]
    pub fn lea(&mut self, dst: Gp, src: Rm) {
        debug_assert!(!matches!(src, Rm::Reg(_)), "a register has no address");
        self.wide(&[0x8d], dst.0, src);
    }

    /// `dst` = the low `n` bits of `src`, and zeros. Only the low 8 bits of `n` count: it must be below 256.
    #[inline]
    pub fn bzhi(&mut self, dst: Gp, src: impl Into<Rm>, n: Gp) {
        self.vex(vop(Prefix::None, 2, 1, 0xf5), Len::L128, dst.0, n.0, src.into(), None);
    }

    /// Pushes a register.
    #[inline]
    pub fn push(&mut self, r: Gp) {
        if r.0 > 7 {
            self.code.push(0x41);
        }
        self.code.push(0x50 | r.0 & 7);
    }

    /// Pops a register.
    #[inline]
    pub fn pop(&mut self, r: Gp) {
        if r.0 > 7 {
            self.code.push(0x41);
        }
        self.code.push(0x58 | r.0 & 7);
    }

    /// Jumps where the condition holds.
    #[inline]
    pub fn jcc(&mut self, cc: Cc, label: Label) {
        self.jump(Some(cc), label);
    }

    /// Jumps.
    #[inline]
    pub fn jmp(&mut self, label: Label) {
        self.jump(None, label);
    }

    /// Backwards in the short form where that reaches; forwards in the long one, as the distance is not known yet.
    fn jump(&mut self, cc: Option<Cc>, label: Label) {
        let target = self.labels[label.0 as usize];
        if target != UNBOUND {
            let distance = target as i64 - (self.code.len() as i64 + 2);
            if let Ok(distance) = i8::try_from(distance) {
                let opcode = cc.map_or(0xeb, |cc| 0x70 | cc as u8);
                self.code.extend_from_slice(&[opcode, distance as u8]);
                return;
            }
        }
        match cc {
            Some(cc) => self.code.extend_from_slice(&[0x0f, 0x80 | cc as u8]),
            None => self.code.push(0xe9),
        }
        self.jumps.push((self.code.len() as u32, label));
        self.code.extend_from_slice(&[0; 4]);
    }

    /// Asks for the line at an address.
    #[inline]
    pub fn prefetch(&mut self, hint: Hint, address: Rm) {
        self.scalar(0, None, &[0x0f, 0x18], hint as u8, address, Tail::No, false);
    }

    /// Returns to the caller.
    #[inline]
    pub fn ret(&mut self) {
        self.code.push(0xc3);
    }

    /// Stores that came before are seen before those that come; streaming ones too.
    #[inline]
    pub fn sfence(&mut self) {
        self.code.extend_from_slice(&[0x0f, 0xae, 0xf8]);
    }

    /// Clears the upper halves of the vector registers, as code without VEX wants to find them.
    #[inline]
    pub fn vzeroupper(&mut self) {
        self.code.extend_from_slice(&[0xc5, 0xf8, 0x77]);
    }
}
