//! A small x86-64 encoder: what our kernels are written with.
//!
//! [`Asm`] appends instructions to a buffer: vector instructions by their VEX or EVEX fields ([`Asm::vex`],
//! [`Asm::evex`], so that an emitter can be driven by tables of [`Vop`]s), the scalar ones that loops need ([`gp`]) and
//! those on mask registers ([`mask`]). Jumps go to [`Label`]s and constants lie in a pool behind the code, reached
//! relative to `rip`; [`Asm::finish`] patches both. It is our own because an emitter driven by data fights an assembler with
//! a typed method for each instruction, and because it takes nanoseconds an instruction.
//!
//! What always holds: the encoder checks nothing but what would give other instructions than asked for (in debug
//! builds); tests decode what it writes with an independent decoder.

mod gp;
mod mask;
mod operand;
#[cfg(test)]
mod tests;
mod tile;

pub use gp::{Alu, Bits, Cc, Hint, Shift};
pub use mask::{KOp, KWidth};
pub use operand::{Gp, K, Len, Masked, Prefix, Rm, Rounding, Vop, mem, mem_at, vop};
pub use tile::Tile;

/// A place in the code that jumps go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Label(u32);

const UNBOUND: u32 = u32::MAX;

/// Code being written.
#[derive(Debug, Default)]
pub struct Asm {
    code: Vec<u8>,
    labels: Vec<u32>,
    /// Where a 32-bit distance stands, and what it leads to.
    jumps: Vec<(u32, Label)>,
    pool: Vec<u8>,
    /// Where a 32-bit distance stands, the entry it leads to, and where the instruction ends.
    pool_refs: Vec<(u32, u32, u32)>,
}

/// Finished machine code: instructions, then constants.
#[derive(Debug)]
pub struct Machine {
    /// Everything, to be placed at a multiple of 64 bytes.
    pub bytes: Vec<u8>,
    /// How many of the bytes are instructions.
    pub code: usize,
}

/// Up to 8 bytes of an instruction, in a register: either all up to its address's form, or the displacement and the
/// immediate. (Bytes written one by one and read again at once would make the processor wait.)
struct Bytes {
    bytes: u64,
    n: usize,
}

impl Bytes {
    #[inline(always)]
    fn new() -> Self {
        Bytes { bytes: 0, n: 0 }
    }

    #[inline(always)]
    fn byte(&mut self, x: u8) {
        self.bytes |= (x as u64) << ((8 * self.n) & 63);
        self.n += 1;
    }

    #[inline(always)]
    fn dword(&mut self, x: i32) {
        self.bytes |= (x as u32 as u64) << ((8 * self.n) & 63);
        self.n += 4;
    }
}

/// Bytes of an instruction behind its address: an immediate, which distances from `rip` must count.
#[derive(Clone, Copy)]
enum Tail {
    No,
    Byte(u8),
    Dword(i32),
}

/// How memory operands may be shortened.
#[derive(Clone, Copy, PartialEq)]
enum Disp {
    /// One byte where it fits.
    Short,
    /// None or four bytes: EVEX scales the short one by the operand's size.
    Long,
}

impl Asm {
    /// An empty buffer with room for an ordinary kernel.
    pub fn new() -> Asm {
        Asm {
            code: Vec::with_capacity(8192),
            labels: Vec::with_capacity(64),
            jumps: Vec::with_capacity(64),
            pool: Vec::with_capacity(2048),
            pool_refs: Vec::with_capacity(512),
        }
    }

    /// How many bytes of instructions there are.
    pub fn position(&self) -> usize {
        self.code.len()
    }

    /// A label to be bound later, or already.
    pub fn label(&mut self) -> Label {
        self.labels.push(UNBOUND);
        Label(self.labels.len() as u32 - 1)
    }

    /// The label stands for this place.
    pub fn bind(&mut self, label: Label) {
        debug_assert_eq!(self.labels[label.0 as usize], UNBOUND, "a label is bound once");
        self.labels[label.0 as usize] = self.code.len() as u32;
    }

    /// A label that stands for this place.
    pub fn here(&mut self) -> Label {
        let label = self.label();
        self.bind(label);
        label
    }

    /// Puts bytes in the constant pool, or finds them there; their number, a power of two of at most 64, is their
    /// alignment. Gives their offset, for [`Rm::Pool`].
    pub fn pool(&mut self, bytes: &[u8]) -> u32 {
        let n = bytes.len();
        assert!(n.is_power_of_two() && n <= 64, "an entry of {n} bytes has no alignment");
        let found = match n {
            4 => position::<4>(&self.pool, bytes),
            8 => position::<8>(&self.pool, bytes),
            32 => position::<32>(&self.pool, bytes),
            _ => self.pool.chunks_exact(n).position(|entry| entry == bytes),
        };
        if let Some(i) = found {
            return (i * n) as u32;
        }
        self.pool.resize(self.pool.len().next_multiple_of(n), 0);
        self.pool.extend_from_slice(bytes);
        (self.pool.len() - n) as u32
    }

    /// A VEX instruction; `reg`, `second` (0 where it has none) and a register in `rm` are below 16.
    #[inline]
    pub fn vex(&mut self, op: Vop, len: Len, reg: u8, second: u8, rm: Rm, imm: Option<u8>) {
        debug_assert!(reg < 16 && second < 16, "VEX has 16 registers: {op:x?} {reg} {second}");
        debug_assert!(!matches!(rm, Rm::Reg(16..)), "VEX has 16 registers: {op:x?} {rm:?}");
        let (x, b, broadcast) = rm.extensions();
        debug_assert!(broadcast == 0, "VEX has no broadcast: {op:x?}");
        debug_assert!(op.map < 4 && len != Len::L512, "not a VEX instruction: {op:x?} {len:?}");
        let mut out = Bytes::new();
        let last = (!second & 15) << 3 | (len as u8) << 2 | op.prefix as u8;
        let r = !(reg >> 3) & 1;
        if x | b | op.w == 0 && op.map == 1 {
            out.byte(0xc5);
            out.byte(r << 7 | last);
        } else {
            out.byte(0xc4);
            out.byte(r << 7 | (x ^ 1) << 6 | (b ^ 1) << 5 | op.map);
            out.byte(op.w << 7 | last);
        }
        out.byte(op.op);
        self.finish_instruction(out, reg, rm, imm.map_or(Tail::No, Tail::Byte), Disp::Short);
    }

    /// An EVEX instruction; registers are below 32, and `second` is 0 where it has none.
    #[inline]
    #[allow(clippy::too_many_arguments)]
    pub fn evex(&mut self, op: Vop, len: Len, reg: u8, second: u8, rm: Rm, mask: Masked, imm: Option<u8>) {
        let (x, b, broadcast) = rm.extensions();
        let high = if let Rm::Vsib { index, .. } = rm { index >> 4 & 1 } else { second >> 4 & 1 };
        let fields = [len as u8, broadcast, high];
        self.evex_fields(op, fields, reg, second, (x, b, rm), mask, imm);
    }

    /// An EVEX instruction on 512-bit registers (or one scalar) with its own rounding, which reports no exceptions.
    #[inline]
    pub fn evex_rounded(&mut self, op: Vop, reg: u8, second: u8, rm: u8, mask: Masked, rounding: Rounding) {
        let rm = Rm::Reg(rm);
        let (x, b, _) = rm.extensions();
        self.evex_fields(op, [rounding as u8, 1, second >> 4 & 1], reg, second, (x, b, rm), mask, None);
    }

    #[inline]
    #[allow(clippy::too_many_arguments)]
    fn evex_fields(
        &mut self,
        op: Vop,
        [length, broadcast, high]: [u8; 3],
        reg: u8,
        second: u8,
        (x, b, rm): (u8, u8, Rm),
        mask: Masked,
        imm: Option<u8>,
    ) {
        debug_assert!(reg < 32 && second < 32, "EVEX has 32 registers: {op:x?} {reg} {second}");
        debug_assert!(!matches!(rm, Rm::Reg(32..)), "EVEX has 32 registers: {op:x?} {rm:?}");
        let mut out = Bytes::new();
        out.byte(0x62);
        out.byte((!(reg >> 3) & 1) << 7 | (x ^ 1) << 6 | (b ^ 1) << 5 | (!(reg >> 4) & 1) << 4 | op.map);
        out.byte(op.w << 7 | (!second & 15) << 3 | 4 | op.prefix as u8);
        out.byte((mask.zero as u8) << 7 | length << 5 | broadcast << 4 | (high ^ 1) << 3 | mask.k);
        out.byte(op.op);
        self.finish_instruction(out, reg, rm, imm.map_or(Tail::No, Tail::Byte), Disp::Long);
    }

    /// Appends an instruction whose prefixes and opcode are there: ModRM, SIB, displacement, immediate.
    #[inline]
    fn finish_instruction(&mut self, mut out: Bytes, reg: u8, rm: Rm, tail: Tail, disp_form: Disp) {
        let reg = (reg & 7) << 3;
        let mut rest = Bytes::new();
        match rm {
            Rm::Reg(r) => out.byte(0xc0 | reg | r & 7),
            Rm::Pool { at, .. } => {
                out.byte(reg | 5);
                let place = self.code.len() + out.n;
                let behind = match tail {
                    Tail::No => 0,
                    Tail::Byte(_) => 1,
                    Tail::Dword(_) => 4,
                };
                self.pool_refs.push((place as u32, at, (place + 4 + behind) as u32));
                rest.dword(0);
            }
            Rm::Mem { base, index: None, disp, .. } => {
                // 4 in the place of the base would announce an index: then one says that there is none.
                let sib = (base.0 & 7 == 4).then_some(0x20 | 4);
                address([&mut out, &mut rest], reg, base, sib, disp, disp_form);
            }
            Rm::Mem { base, index: Some((index, scale)), disp, .. } => {
                debug_assert!(index != Gp::RSP, "rsp cannot be an index");
                let sib = sib(scale, index.0, base);
                address([&mut out, &mut rest], reg, base, Some(sib), disp, disp_form);
            }
            Rm::Vsib { base, index, scale, disp } => {
                let sib = sib(scale, index, base);
                address([&mut out, &mut rest], reg, base, Some(sib), disp, disp_form);
            }
        }
        match tail {
            Tail::No => {}
            Tail::Byte(x) => rest.byte(x),
            Tail::Dword(x) => rest.dword(x),
        }
        debug_assert!(out.n <= 8 && rest.n <= 8 && out.n + rest.n <= 15, "{} and {} bytes", out.n, rest.n);
        self.append(out);
        self.append(rest);
    }

    /// A copy of a known size takes no call; what is too much goes.
    #[inline(always)]
    fn append(&mut self, part: Bytes) {
        let end = self.code.len() + part.n;
        self.code.extend_from_slice(&part.bytes.to_le_bytes());
        self.code.truncate(end);
    }

    /// Fills with instructions that do nothing up to a multiple of `n` bytes.
    pub fn align(&mut self, n: usize) {
        self.pad(self.code.len().next_multiple_of(n) - self.code.len());
    }

    /// So many bytes of instructions that do nothing.
    fn pad(&mut self, n: usize) {
        let end = self.code.len() + n;
        self.code.resize(end, 0);
        self.blank(end - n..end);
    }

    /// Overwrites instructions, which nothing refers to, with ones that do nothing.
    pub fn blank(&mut self, mut range: std::ops::Range<usize>) {
        const NOPS: [&[u8]; 9] = [
            &[0x90],
            &[0x66, 0x90],
            &[0x0f, 0x1f, 0],
            &[0x0f, 0x1f, 0x40, 0],
            &[0x0f, 0x1f, 0x44, 0, 0],
            &[0x66, 0x0f, 0x1f, 0x44, 0, 0],
            &[0x0f, 0x1f, 0x80, 0, 0, 0, 0],
            &[0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0],
            &[0x66, 0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0],
        ];
        while !range.is_empty() {
            let nop = NOPS[range.len().min(9) - 1];
            self.code[range.start..range.start + nop.len()].copy_from_slice(nop);
            range.start += nop.len();
        }
    }

    /// Overwrites the 32-bit immediate or displacement that ended the instruction before `position`.
    pub fn patch(&mut self, position: usize, value: i32) {
        self.code[position - 4..position].copy_from_slice(&value.to_le_bytes());
    }

    /// Patches jumps and references to the pool.
    pub fn finish(mut self) -> Machine {
        for &(at, label) in &self.jumps {
            let target = self.labels[label.0 as usize];
            assert!(target != UNBOUND, "a jump leads to a label without a place");
            let distance = (target as i32).wrapping_sub(at as i32 + 4);
            self.code[at as usize..at as usize + 4].copy_from_slice(&distance.to_le_bytes());
        }
        let code = self.code.len();
        if !self.pool.is_empty() {
            // Breakpoints, should anything run off the end.
            self.code.resize(code.next_multiple_of(64), 0xcc);
        }
        let base = self.code.len() as u32;
        for &(at, entry, end) in &self.pool_refs {
            let distance = (base + entry).wrapping_sub(end);
            self.code[at as usize..at as usize + 4].copy_from_slice(&distance.to_le_bytes());
        }
        self.code.extend_from_slice(&self.pool);
        Machine { bytes: self.code, code }
    }
}

/// The entry of `N` bytes that equals these, by its number: a comparison of a known size takes no call.
fn position<const N: usize>(pool: &[u8], bytes: &[u8]) -> Option<usize> {
    let bytes: &[u8; N] = bytes.try_into().expect("it was asked for by its size");
    pool.as_chunks::<N>().0.iter().position(|entry| entry == bytes)
}

#[inline]
fn sib(scale: u8, index: u8, base: Gp) -> u8 {
    debug_assert!(matches!(scale, 1 | 2 | 4 | 8), "a scale of {scale}");
    (scale.trailing_zeros() as u8) << 6 | (index & 7) << 3 | base.0 & 7
}

/// ModRM, SIB and displacement of an address with a base register.
#[inline]
fn address([out, rest]: [&mut Bytes; 2], reg: u8, base: Gp, sib: Option<u8>, disp: i32, form: Disp) {
    // Without a displacement, 5 in the place of the base would mean something else.
    let mode = match disp {
        0 if base.0 & 7 != 5 => 0,
        -128..=127 if form == Disp::Short || disp == 0 => 1,
        _ => 2,
    };
    out.byte(mode << 6 | reg | if sib.is_some() { 4 } else { base.0 & 7 });
    if let Some(sib) = sib {
        out.byte(sib);
    }
    match mode {
        0 => {}
        1 => rest.byte(disp as u8),
        _ => rest.dword(disp),
    }
}
