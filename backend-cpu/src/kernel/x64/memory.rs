//! Loads and stores: elements of every type in memory to lanes and back.
//!
//! A load is a run of steps, of which the first reads memory: nothing but a move where an element is as wide as a lane.
//! A store is steps in a register, and one that writes. In a tail AVX-512 does both under `k1`; AVX2 has masked moves for
//! elements as wide as a lane only, others go one by one through the stack.
//!
//! What always holds: nothing outside of the row is touched, not even read; subnormals are kept (so f32 to bf16 is
//! rounded in integers: `vcvtneps2bf16` makes 0 of them).

use super::Emitter;
use super::alloc::Loc;
use super::encode::{Cc, Gp, K, Len, Masked, Rm, mem, mem_at};
use super::isa::{self, Ins, Isa};
use crate::kernel::ir::{Id, StageKind, Width};
use plywood_core::DType;

/// The mask of the tail, on AVX-512.
pub(super) const TAIL_K: K = K(1);
/// The mask of the tail, on AVX2.
pub(super) const TAIL_VECTOR: u8 = 15;

/// A step from elements in memory to lanes.
#[derive(Clone, Copy)]
enum Widen {
    /// `dst = op rm`, on whole registers.
    Full(Ins),
    /// `dst = op rm`, on half a register, which a later step widens again.
    Half(Ins),
    /// The low halves of lanes of 32 bits become the high ones, on a whole register.
    FullUp16,
    /// As `FullUp16`, on half a register.
    HalfUp16,
}

/// The steps that widen elements to lanes; none where they are as wide. A bool becomes 0 or 1.
fn widening(dtype: DType, width: Width) -> &'static [Widen] {
    use Widen::{Full, FullUp16, Half, HalfUp16};
    use isa::extend;
    match (dtype, width) {
        (DType::F64 | DType::I64 | DType::U64, _) => &[],
        (DType::F32 | DType::I32 | DType::U32, Width::W32) => &[],
        (DType::F16, Width::W32) => const { &[Full(isa::F16_TO_F32)] },
        (DType::BF16, Width::W32) => const { &[Full(extend(2, 4, false)), FullUp16] },
        (DType::I16, Width::W32) => const { &[Full(extend(2, 4, true))] },
        (DType::U16, Width::W32) => const { &[Full(extend(2, 4, false))] },
        (DType::I8, Width::W32) => const { &[Full(extend(1, 4, true))] },
        (DType::U8 | DType::Bool, Width::W32) => const { &[Full(extend(1, 4, false))] },
        (DType::F32, Width::W64) => const { &[Full(isa::F32_TO_F64)] },
        (DType::F16, Width::W64) => const { &[Half(isa::F16_TO_F32), Full(isa::F32_TO_F64)] },
        (DType::BF16, Width::W64) => const { &[Half(extend(2, 4, false)), HalfUp16, Full(isa::F32_TO_F64)] },
        (DType::I32, Width::W64) => const { &[Full(extend(4, 8, true))] },
        (DType::U32, Width::W64) => const { &[Full(extend(4, 8, false))] },
        (DType::I16, Width::W64) => const { &[Full(extend(2, 8, true))] },
        (DType::U16, Width::W64) => const { &[Full(extend(2, 8, false))] },
        (DType::I8, Width::W64) => const { &[Full(extend(1, 8, true))] },
        (DType::U8 | DType::Bool, Width::W64) => const { &[Full(extend(1, 8, false))] },
    }
}

impl Emitter<'_> {
    /// What a masked move of AVX-512 writes: in a tail the lanes of the row, and zeros.
    fn tail_zero(&self) -> Masked {
        if self.tail { Masked::zero(TAIL_K) } else { Masked::NO }
    }

    fn tail_merge(&self) -> Masked {
        if self.tail { Masked::merge(TAIL_K) } else { Masked::NO }
    }

    fn dtype(&self, arg: u8) -> DType {
        self.program.args()[arg as usize].dtype
    }

    // Loads.

    /// Value `i` is an argument's elements of this copy; in a row stage its one element.
    pub(super) fn load(&mut self, i: Id, arg: u8, copy: usize) {
        let dtype = self.dtype(arg);
        let d = self.take();
        if self.stage.kind == StageKind::Row {
            self.splat(d, arg);
        } else if dtype == DType::Bool && self.isa == Isa::Avx512 {
            let m = self.address(arg, copy);
            let load = match (self.tail, self.width) {
                (true, _) => isa::LOAD_BYTES,
                (false, Width::W32) => isa::mov(Width::W32),
                (false, Width::W64) => isa::LOAD_8,
            };
            self.ins_len(load, Len::L128, d, 0, m, self.tail_zero());
        } else {
            let m = self.address(arg, copy);
            match self.isa {
                Isa::Avx512 => self.widen(d, m, dtype, self.tail_zero()),
                Isa::Avx2 if !self.tail => self.widen(d, m, dtype, Masked::NO),
                Isa::Avx2 if dtype.size() == self.width.bytes() => {
                    self.ins(isa::mask_load(self.width), d, TAIL_VECTOR, m);
                }
                Isa::Avx2 => {
                    let m = self.gather_tail(d, m, dtype.size());
                    self.widen(d, m, dtype, Masked::NO);
                }
            }
        }
        self.define_loaded(i, dtype, copy, d);
    }

    /// Loads the one element that a splat argument has in this row; gives its value to `i`.
    pub(super) fn load_splat(&mut self, i: Id, arg: u8) {
        let d = self.take();
        self.splat(d, arg);
        self.define_loaded(i, self.dtype(arg), 0, d);
    }

    /// What was loaded is value `i`; bools become a mask.
    fn define_loaded(&mut self, i: Id, dtype: DType, copy: usize, d: u8) {
        match (dtype, self.isa) {
            (DType::Bool, Isa::Avx512) => {
                let k = self.take_mask();
                self.ins_len(isa::TEST_BYTES, Len::L128, k.0, d, Rm::Reg(d), Masked::NO);
                self.give(d);
                self.define_mask(i, copy, k);
            }
            (DType::Bool, Isa::Avx2) => {
                let zero = self.constant32(0);
                self.ins(isa::greater(self.width), d, d, zero);
                self.define(i, copy, d);
            }
            _ => self.define(i, copy, d),
        }
    }

    /// Elements from memory or a register, as lanes; bools as 0 and 1.
    fn widen(&mut self, d: u8, m: Rm, dtype: DType, mask: Masked) {
        let steps = widening(dtype, self.width);
        if steps.is_empty() {
            return self.ins_masked(isa::mov(self.width), d, 0, m, mask);
        }
        let (full, half) = (self.isa.full(), self.isa.half());
        let (mut src, mut mask) = (m, mask);
        for &step in steps {
            match step {
                Widen::Full(ins) => self.ins_len(ins, full, d, 0, src, mask),
                Widen::Half(ins) => self.ins_len(ins, half, d, 0, src, mask),
                Widen::FullUp16 => self.ins_len(isa::SHIFT_D.imm(16), full, 6, d, src, mask),
                Widen::HalfUp16 => self.ins_len(isa::SHIFT_D.imm(16), half, 6, d, src, mask),
            }
            (src, mask) = (Rm::Reg(d), Masked::NO);
        }
    }

    /// One element in all lanes.
    fn splat(&mut self, d: u8, arg: u8) {
        let dtype = self.dtype(arg);
        let m = mem(self.pointer(arg), 0);
        if widening(dtype, self.width).is_empty() {
            return self.ins(isa::broadcast(self.width), d, 0, m);
        }
        self.ins(isa::broadcast_bytes(dtype.size()), d, 0, m);
        // Bytes are tested as such on AVX-512.
        if dtype != DType::Bool || self.isa == Isa::Avx2 {
            self.widen(d, Rm::Reg(d), dtype, Masked::NO);
        }
    }

    // Tails of small elements on AVX2: rdx elements lie in the row, rax and rsi are free.

    /// Where a vector of elements can be read: there, if all of them lie in the row, else a copy on the stack.
    fn gather_tail(&mut self, t: u8, m: Rm, size: usize) -> Rm {
        let slot = self.bounce_slot();
        let (all, next) = (self.asm.label(), self.asm.label());
        self.asm.lea(Gp::RAX, m);
        self.asm.cmp_i(Gp::RDX, self.lanes());
        self.asm.jcc(Cc::Ge, all);
        self.asm.mov(Gp::RSI, Gp::RDX);
        self.asm.bind(next);
        self.copy_element(t, size, mem(Gp::RAX, 0), mem(Gp::RSP, slot));
        self.asm.sub_i(Gp::RSI, 1);
        self.asm.jcc(Cc::G, next);
        self.asm.lea(Gp::RAX, mem(Gp::RSP, slot));
        self.asm.bind(all);
        mem(Gp::RAX, 0)
    }

    /// Element rsi - 1, by a vector register.
    fn copy_element(&mut self, t: u8, size: usize, from: Rm, to: Rm) {
        let of = |m: Rm| match m {
            Rm::Mem { base, disp, .. } => mem_at(base, Gp::RSI, size as u8, disp - size as i32),
            other => unreachable!("{other:?} is no place of elements"),
        };
        self.ins_len(isa::broadcast_bytes(size), Len::L128, t, 0, of(from), Masked::NO);
        self.ins_len(isa::store_element(size), Len::L128, t, 0, of(to), Masked::NO);
    }

    fn bounce_slot(&mut self) -> i32 {
        if self.bounce.is_none() {
            self.bounce = Some(self.new_slots(1));
        }
        self.bounce.expect("it was just made")
    }

    // Stores.

    /// Writes a value's lanes as an argument's elements of this copy; in a row stage one element.
    pub(super) fn store(&mut self, arg: u8, x: Id, copy: usize) {
        let dtype = self.dtype(arg);
        let is_mask = self.is_mask(self.program.ty(x));
        let x = self.flow.root(x);
        // Lanes as narrow as elements: a register, and the length that holds the elements.
        let (r, given) = if is_mask { (self.mask_to_bytes(x, copy), true) } else { self.register(x, copy) };
        match self.isa {
            Isa::Avx512 => self.store_avx512(r, arg, dtype, copy),
            Isa::Avx2 => self.store_avx2(r, arg, dtype, copy),
        }
        if given {
            self.give(r);
        }
    }

    /// A mask as bytes of 0 and 1.
    fn mask_to_bytes(&mut self, x: Id, copy: usize) -> u8 {
        let (k, given) = self.mask(x, copy);
        let r = self.take();
        let at = self.asm.pool(&[1; 16]);
        let ones = Rm::Pool { at, bcast: false };
        self.ins_len(isa::LOAD_BYTES, Len::L128, r, 0, ones, Masked::zero(k));
        if given {
            self.give_mask(k);
        }
        r
    }

    fn store_avx512(&mut self, r: u8, arg: u8, dtype: DType, copy: usize) {
        let (full, half, width) = (Len::L512, Len::L256, self.width);
        // What the last step reads, and how long that is.
        let mut src = r;
        let mut len = full;
        let narrows = dtype.size() < width.bytes() && dtype.is_float();
        let own = (narrows && (width == Width::W64 || dtype == DType::BF16)).then(|| self.take());
        if let Some(t) = own
            && width == Width::W64
        {
            self.ins_len(isa::F64_TO_F32, full, t, 0, Rm::Reg(r), Masked::NO);
            (src, len) = (t, half);
        }
        if let Some(t) = own
            && dtype == DType::BF16
        {
            src = self.round_to_bf16(t, src, len);
        }
        let ints = if len == half { Width::W32 } else { width };
        let (ins, len) = match dtype {
            DType::F64 | DType::I64 | DType::U64 => (isa::mov_to(Width::W64), full),
            DType::F32 => (isa::mov_to(Width::W32), len),
            DType::F16 => (isa::F32_TO_F16, len),
            DType::BF16 => (isa::cut(Width::W32, 2), len),
            DType::I32 | DType::U32 if width == Width::W32 => (isa::mov_to(Width::W32), full),
            DType::I32 | DType::U32 | DType::I16 | DType::U16 | DType::I8 | DType::U8 => {
                (isa::cut(ints, dtype.size()), len)
            }
            DType::Bool => match (self.tail, width) {
                (true, _) => (isa::STORE_BYTES, Len::L128),
                (false, Width::W32) => (isa::mov_to(Width::W32), Len::L128),
                (false, Width::W64) => (isa::STORE_8, Len::L128),
            },
        };
        if let Some((stream, stream_len)) = self.streaming_store(arg) {
            let narrow = (stream_len != len).then(|| own.unwrap_or_else(|| self.take()));
            if let Some(narrow) = narrow {
                self.ins_len(ins, len, src, 0, Rm::Reg(narrow), Masked::NO);
                src = narrow;
            }
            let m = self.address(arg, copy);
            self.ins_len(stream, stream_len, src, 0, m, Masked::NO);
            if let Some(narrow) = narrow
                && own.is_none()
            {
                self.give(narrow);
            }
        } else if self.stage.kind == StageKind::Loop {
            let m = self.address(arg, copy);
            self.ins_len(ins, len, src, 0, m, self.tail_merge());
        } else {
            let narrow = self.take();
            if dtype != DType::Bool {
                self.ins_len(ins, len, src, 0, Rm::Reg(narrow), Masked::NO);
                src = narrow;
            }
            let m = mem(self.pointer(arg), 0);
            self.ins_len(isa::store_element(dtype.size()), Len::L128, src, 0, m, Masked::NO);
            self.give(narrow);
        }
        if let Some(t) = own {
            self.give(t);
        }
    }

    /// Floats of 32 bits to the nearest bf16, halves to even, in the low bits of `t` (the high ones 0); NaN stays NaN.
    fn round_to_bf16(&mut self, t: u8, r: u8, len: Len) -> u8 {
        let q = if t == r || self.isa == Isa::Avx2 { self.take() } else { t };
        let d = if t == r { q } else { t };
        let [one, most, nan] = [1, 0x7fff, 0x7fc0].map(|bits| self.constant32(bits));
        let no = Masked::NO;
        self.ins_len(isa::SHIFT_D.imm(16), len, 2, d, Rm::Reg(r), no);
        self.ins_len(isa::AND, len, d, d, one, no);
        self.ins_len(isa::ADD_D, len, d, d, most, no);
        self.ins_len(isa::ADD_D, len, d, d, Rm::Reg(r), no);
        self.ins_len(isa::SHIFT_D.imm(16), len, 2, d, Rm::Reg(d), no);
        match self.isa {
            Isa::Avx512 => {
                let k = self.take_mask();
                self.ins_len(isa::IS_NAN, len, k.0, r, Rm::Reg(r), no);
                let Rm::Pool { at, .. } = nan else { unreachable!("constants lie in the pool") };
                let nan = Rm::Pool { at, bcast: false };
                self.ins_len(isa::broadcast(Width::W32), len, d, 0, nan, Masked::merge(k));
                self.give_mask(k);
            }
            Isa::Avx2 => {
                // `t` may be `r`, whose bits are needed until here.
                let e = if t == r { t } else { q };
                self.ins_len(isa::IS_NAN, len, e, r, Rm::Reg(r), no);
                self.ins_len(isa::blend(Isa::Avx2, Width::W32).imm(e << 4), len, d, d, nan, no);
            }
        }
        if d != t {
            self.ins_len(isa::mov(Width::W32), len, t, 0, Rm::Reg(d), no);
        }
        if q != t {
            self.give(q);
        }
        t
    }

    fn store_avx2(&mut self, r: u8, arg: u8, dtype: DType, copy: usize) {
        let size = dtype.size();
        let is_row = self.stage.kind == StageKind::Row;
        if size == self.width.bytes() {
            if is_row {
                let m = mem(self.pointer(arg), 0);
                return self.ins_len(isa::store_element(size), Len::L128, r, 0, m, Masked::NO);
            }
            let m = self.address(arg, copy);
            if let Some((stream, len)) = self.streaming_store(arg) {
                return self.ins_len(stream, len, r, 0, m, Masked::NO);
            }
            return match self.tail {
                true => self.ins(isa::mask_store(self.width), r, TAIL_VECTOR, m),
                false => self.ins(isa::mov_to(self.width), r, 0, m),
            };
        }
        let t = self.take();
        self.narrow_avx2(t, r, dtype);
        if is_row {
            let m = mem(self.pointer(arg), 0);
            self.ins_len(isa::store_element(size), Len::L128, t, 0, m, Masked::NO);
        } else {
            let m = self.address(arg, copy);
            let write = match self.lanes() * size as i32 {
                16 => isa::mov_to(Width::W32),
                8 => isa::STORE_8,
                _ => isa::store_element(4),
            };
            let write = self.streaming_store(arg).map_or(write, |(stream, _)| stream);
            match self.tail {
                true => self.scatter_tail(t, m, size, write),
                false => self.ins_len(write, Len::L128, t, 0, m, Masked::NO),
            }
        }
        self.give(t);
    }

    /// Stores a vector of elements where all of them lie in the row, else those that do.
    fn scatter_tail(&mut self, t: u8, m: Rm, size: usize, write: Ins) {
        let slot = self.bounce_slot();
        let (all, next, done) = (self.asm.label(), self.asm.label(), self.asm.label());
        self.asm.lea(Gp::RAX, m);
        self.asm.cmp_i(Gp::RDX, self.lanes());
        self.asm.jcc(Cc::Ge, all);
        self.asm.mov(Gp::RSI, Gp::RDX);
        self.ins_len(isa::mov_to(Width::W32), Len::L128, t, 0, mem(Gp::RSP, slot), Masked::NO);
        self.asm.bind(next);
        self.copy_element(t, size, mem(Gp::RSP, slot), mem(Gp::RAX, 0));
        self.asm.sub_i(Gp::RSI, 1);
        self.asm.jcc(Cc::G, next);
        self.asm.jmp(done);
        self.asm.bind(all);
        self.ins_len(write, Len::L128, t, 0, mem(Gp::RAX, 0), Masked::NO);
        self.asm.bind(done);
    }

    /// Lanes as narrow as elements, packed at the start of `t`; masks as 0 and 1.
    fn narrow_avx2(&mut self, t: u8, r: u8, dtype: DType) {
        let (full, half, no) = (Len::L256, Len::L128, Masked::NO);
        let w64 = self.width == Width::W64;
        // Floats of 64 bits become 32 first; of integers (and masks) the low halves are taken. Then in lanes of 32 bits.
        let (mut src, mut len) = (r, full);
        if w64 {
            if dtype.is_float() {
                self.ins_len(isa::F64_TO_F32, full, t, 0, Rm::Reg(r), no);
            } else {
                self.ins_len(isa::UPPER_128, full, r, 0, Rm::Reg(t), no);
                self.ins_len(isa::SHUFFLE.imm(0x88), half, t, r, Rm::Reg(t), no);
            }
            (src, len) = (t, half);
        }
        match dtype {
            DType::F64 | DType::I64 | DType::U64 => unreachable!("{dtype} is not narrower than a lane"),
            DType::F32 | DType::I32 | DType::U32 => {}
            DType::F16 => self.ins_len(isa::F32_TO_F16, len, src, 0, Rm::Reg(t), no),
            DType::BF16 => {
                self.round_to_bf16(t, src, len);
                self.pack(t, len, 2);
            }
            DType::I16 | DType::U16 | DType::I8 | DType::U8 => {
                let size = dtype.size();
                let low = self.constant32(if size == 1 { 0xff } else { 0xffff });
                self.ins_len(isa::AND, len, t, src, low, no);
                self.pack(t, len, size);
            }
            DType::Bool => {
                self.ins_len(isa::SHIFT_D.imm(31), len, 2, t, Rm::Reg(src), no);
                self.pack(t, len, 1);
            }
        }
    }

    /// Lanes of 32 bits whose values fit so many bytes, packed at the start of the register (AVX2).
    fn pack(&mut self, t: u8, len: Len, size: usize) {
        self.ins_len(isa::PACK_D, len, t, t, Rm::Reg(t), Masked::NO);
        if len == Len::L256 {
            // Each half was packed on its own.
            self.ins_len(isa::PERMUTE_Q.imm(0x08), len, t, 0, Rm::Reg(t), Masked::NO);
        }
        if size == 1 {
            self.ins_len(isa::PACK_W, Len::L128, t, t, Rm::Reg(t), Masked::NO);
        }
    }

    /// Where a splat's value is kept for the row: it was just loaded.
    pub(super) fn splat_to_home(&mut self, x: Id) {
        let home = self.home(x);
        match self.loc(x, 0) {
            Loc::Vector(r) => {
                self.spill_to(home, r);
                self.give(r);
            }
            Loc::Mask(k) => {
                self.asm.k_store(super::encode::KWidth::W, mem(Gp::RSP, home), K(k));
                self.give_mask(K(k));
            }
            loc => unreachable!("splat {x} was just loaded, and is {loc:?}"),
        }
        self.set_loc(x, 0, Loc::Stack(home));
    }
}
