//! [`Program`], and the [`Digest`] that it is found by.

use super::{Arg, ArgId, Id, Op, Stage, StageKind, Type, Width};

/// A checked program. Prints as a listing; its [`digest`](Program::digest) finds its code again.
#[derive(Clone, PartialEq, Eq)]
pub struct Program {
    pub(crate) width: Width,
    pub(crate) args: Vec<Arg>,
    pub(crate) ops: Vec<Op>,
    /// The type of each operation's value; of those without one (stores) that of what they store.
    pub(crate) types: Vec<Type>,
    pub(crate) stages: Vec<Stage>,
    pub(crate) digest: Digest,
}

/// A hash of a program's text, wide enough to stand for it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Digest(pub u128);

impl Program {
    /// The width of its lanes.
    #[inline]
    pub fn width(&self) -> Width {
        self.width
    }

    /// Its arguments.
    #[inline]
    pub fn args(&self) -> &[Arg] {
        &self.args
    }

    /// Its operations.
    #[inline]
    pub fn ops(&self) -> &[Op] {
        &self.ops
    }

    /// The type of a value.
    #[inline]
    pub fn ty(&self, id: Id) -> Type {
        self.types[id as usize]
    }

    /// Its stages, which lie one behind the other.
    #[inline]
    pub fn stages(&self) -> &[Stage] {
        &self.stages
    }

    /// What its code is found by.
    #[inline]
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// Whether an argument is written.
    #[inline]
    pub fn writes(&self, arg: ArgId) -> bool {
        self.ops.iter().any(|op| matches!(op, Op::Store(a, _) if *a == arg))
    }

    /// Whether its rows may end before the last one ([`Op::While`]).
    pub fn ends(&self) -> bool {
        self.ops.iter().any(|op| matches!(op, Op::While(_)))
    }

    /// Whether an argument is read.
    #[inline]
    pub fn reads(&self, arg: ArgId) -> bool {
        self.ops.contains(&Op::Load(arg))
    }

    /// Whether a value is the same for all columns of a row: constants, splat loads, values of row stages and results
    /// of reductions.
    pub fn is_uniform(&self, id: Id) -> bool {
        match self.ops[id as usize] {
            Op::Const(..) | Op::Reduce(..) => true,
            Op::Load(arg) => self.args[arg as usize].splat,
            Op::Column
            | Op::Store(..)
            | Op::While(_)
            | Op::Unary(..)
            | Op::Binary(..)
            | Op::Fma(..)
            | Op::Compare(..)
            | Op::Select(..) => self.stage_of(id).kind == StageKind::Row,
        }
    }

    /// The stage that a value is made in.
    pub fn stage_of(&self, id: Id) -> &Stage {
        self.stages.iter().find(|s| s.ops.contains(&id)).expect("stages cover all operations")
    }
}

impl std::hash::Hash for Program {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.digest.hash(state);
    }
}

impl Digest {
    /// Of a program's parts: two independent multiplicative hashes over its words.
    pub(crate) fn of(width: Width, args: &[Arg], ops: &[Op], stages: &[Stage]) -> Digest {
        let mut h = Hasher128::default();
        use std::hash::Hash;
        (width, args, ops, stages).hash(&mut h);
        h.digest()
    }
}

/// Two lanes of xor, multiply and fold; a program is a short run of small integers.
#[derive(Clone, Copy)]
struct Hasher128(u64, u64);

impl Default for Hasher128 {
    fn default() -> Self {
        Hasher128(0x9e37_79b9_7f4a_7c15, 0xd1b5_4a32_d192_ed03)
    }
}

impl Hasher128 {
    fn word(&mut self, x: u64) {
        let fold = |a: u64, b: u64| {
            let wide = a as u128 * b as u128;
            wide as u64 ^ (wide >> 64) as u64
        };
        self.0 = fold(self.0 ^ x, 0xa076_1d64_78bd_642f).wrapping_add(self.0.rotate_left(23));
        self.1 = fold(self.1.wrapping_add(x) ^ 0xe703_7ed1_a0b4_28db, 0x8ebc_6af0_9c88_c6e3)
            ^ self.1.rotate_left(41);
    }

    fn digest(self) -> Digest {
        Digest((self.0 as u128) << 64 | self.1 as u128)
    }
}

impl std::hash::Hasher for Hasher128 {
    fn finish(&self) -> u64 {
        self.0 ^ self.1
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.word(u64::from_le_bytes(word));
        }
    }

    fn write_u8(&mut self, x: u8) {
        self.word(x as u64);
    }

    fn write_u32(&mut self, x: u32) {
        self.word(x as u64);
    }

    fn write_u64(&mut self, x: u64) {
        self.word(x);
    }

    fn write_usize(&mut self, x: usize) {
        self.word(x as u64);
    }

    fn write_isize(&mut self, x: isize) {
        self.word(x as u64);
    }
}
