//! Whether two graphs are one structure: operations with their attributes, wiring, types. Lines of the program do not count.
//!
//! What always holds: graphs of one structure compute the same bits, and have the same hash. Graphs inside operations are compared
//! by structure too: an eager loop records a scan's body anew each time.

use plywood_core::op::Rule;
use plywood_core::{Array, Graph, Op, TensorType, with_dtype};
use std::hash::{BuildHasherDefault, Hash, Hasher};
use std::sync::Arc;

/// A hasher for a few words at a time, such as addresses and small numbers; it does not withstand chosen keys.
#[derive(Default)]
pub(crate) struct Words(u64);

/// For maps by address.
pub(crate) type ByAddress = BuildHasherDefault<Words>;

impl Words {
    fn word(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(0x517c_c1b7_2722_0a95);
    }
}

impl Hasher for Words {
    fn finish(&self) -> u64 {
        // The upper bits are the better ones; tables look at both ends.
        self.0 ^ self.0 >> 32
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

/// A hash of the structure, without most attributes: those are compared.
pub(crate) fn hash(graph: &Graph) -> u64 {
    let mut all = Words::default();
    graph.inputs().hash(&mut all);
    graph.input_types().for_each(|ty| ty.hash(&mut all));
    graph.outputs().hash(&mut all);
    for e in graph.equations() {
        e.op.name().hash(&mut all);
        // Where a program's parts differ in nothing else: numbers, and the place of a batch.
        if let Op::Full { number, .. } = &e.op {
            number.hash(&mut all);
        }
        if let Op::Slice(slice) = &e.op {
            slice.hash(&mut all);
        }
        for inner in e.op.graphs() {
            all.write_u64(*inner.memo().get::<u64>(b"structure", || hash(inner)));
        }
        e.inputs.hash(&mut all);
        e.outputs.iter().for_each(|&v| graph.ty(v).hash(&mut all));
    }
    all.finish()
}

/// Whether two graphs are one structure.
pub(crate) fn same(a: &Graph, b: &Graph) -> bool {
    let shape = |g: &Graph| (g.captured(), g.equations().len());
    let types = |a: &mut dyn Iterator<Item = &TensorType>, b: &mut dyn Iterator<Item = &TensorType>| a.eq(b);
    shape(a) == shape(b)
        && a.inputs() == b.inputs()
        && a.outputs() == b.outputs()
        && types(&mut a.input_types(), &mut b.input_types())
        && a.equations().iter().zip(b.equations()).all(|(x, y)| {
            x.inputs == y.inputs
                && x.outputs == y.outputs
                && x.outputs.iter().all(|&v| a.ty(v) == b.ty(v))
                && same_op(&x.op, &y.op)
        })
}

fn same_graph(a: &Arc<Graph>, b: &Arc<Graph>) -> bool {
    Arc::ptr_eq(a, b) || same(a, b)
}

/// As `==`, but graphs by structure and data by their bits.
fn same_op(a: &Op, b: &Op) -> bool {
    let graphs = || {
        let (a, b) = (a.graphs(), b.graphs());
        a.len() == b.len() && a.iter().zip(&b).all(|(a, b)| same_graph(a, b))
    };
    match a {
        Op::Call(x) => {
            let Op::Call(y) = b else { return false };
            let rule = match (&x.rule, &y.rule) {
                (Rule::Through(p), Rule::Through(q)) => p == q,
                (Rule::Reverse { .. }, Rule::Reverse { .. }) => true,
                (Rule::Forward { .. }, Rule::Forward { .. }) => true,
                (Rule::Through(_) | Rule::Reverse { .. } | Rule::Forward { .. }, _) => false,
            };
            rule && graphs()
        }
        Op::Scan(x) => {
            let Op::Scan(y) = b else { return false };
            let numbers = |s: &plywood_core::op::Scan| (s.constants, s.carries, s.length, s.reverse);
            numbers(x) == numbers(y) && graphs()
        }
        Op::While(x) => {
            let Op::While(y) = b else { return false };
            let numbers = |w: &plywood_core::op::While| (w.condition_constants, w.body_constants);
            numbers(x) == numbers(y) && graphs()
        }
        Op::Cond(_) => matches!(b, Op::Cond(_)) && graphs(),
        Op::Constant(x) => matches!(b, Op::Constant(y) if same_bits(x, y)),
        Op::Unary(_) | Op::IntegerPow { .. } | Op::ReducePrecision { .. } | Op::Binary(_) => a == b,
        Op::Bits(_) | Op::Compare(_) | Op::Select | Op::Clamp | Op::Cast { .. } => a == b,
        Op::Bitcast { .. } | Op::Reshape { .. } | Op::Transpose { .. } | Op::Broadcast { .. } => a == b,
        Op::Reverse { .. } | Op::Slice(_) | Op::DynamicSlice { .. } | Op::DynamicUpdate => a == b,
        Op::Pad { .. } | Op::Concatenate { .. } | Op::Gather(_) | Op::Scatter(_) => a == b,
        Op::Reduce { .. } | Op::ArgReduce { .. } | Op::Sort { .. } | Op::TopK { .. } => a == b,
        Op::Cumulative { .. } | Op::Dot(_) | Op::Conv(_) | Op::Window { .. } => a == b,
        Op::Fft { .. } | Op::Linalg(_) | Op::Special(_) | Op::Full { .. } => a == b,
        Op::Iota { .. } | Op::Random(_) | Op::StopGradient | Op::Name { .. } => a == b,
        Op::Collective(_) => a == b,
        Op::Pmap(x) => matches!(b, Op::Pmap(y) if x.alike(y)) && graphs(),
    }
}

/// Numbers that are equal may differ in bits (0 and -0), and NaN is none of its own.
fn same_bits(a: &Array, b: &Array) -> bool {
    a.ty() == b.ty()
        && with_dtype!(a.dtype(), T => {
            let bits = |x: &Array| -> Vec<u64> {
                let all = x.as_slice::<T>().expect("its own dtype");
                all.iter().map(|x| Bits::bits(*x)).collect()
            };
            bits(a) == bits(b)
        })
}

trait Bits {
    fn bits(self) -> u64;
}
macro_rules! bits { ($($T:ty, $x:ident => $bits:expr;)*) => { $( impl Bits for $T {
    fn bits(self) -> u64 { let $x = self; $bits }
} )* } }
bits! {
    f64, x => x.to_bits(); f32, x => x.to_bits() as u64;
    plywood_core::half::f16, x => x.to_bits() as u64; plywood_core::half::bf16, x => x.to_bits() as u64;
    i64, x => x as u64; i32, x => x as u64; i16, x => x as u64; i8, x => x as u64;
    u64, x => x; u32, x => x as u64; u16, x => x as u64; u8, x => x as u64; bool, x => x as u64;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::passes::tests::graph;
    use plywood_core::{Backend, Dyn, Tensor, Trace};

    type S = Tensor<Dyn>;

    #[test]
    fn structure_is_operations_wiring_and_types() {
        let base = || graph(2, |x| vec![(&x[0] * 2.0 + &x[1]).sin()]);
        assert!(same(&base(), &base()) && hash(&base()) == hash(&base()));
        let others: [fn(&[S]) -> Vec<S>; 5] = [
            |x| vec![(&x[1] * 2.0 + &x[0]).sin()],
            |x| vec![(&x[0] * 3.0 + &x[1]).sin()],
            |x| vec![(&x[0] * 2.0 - &x[1]).sin()],
            |x| vec![(&x[0] * 2.0 + &x[1]).cos()],
            |x| {
                let y = &x[0] * 2.0 + &x[1];
                vec![y.sin(), y]
            },
        ];
        for f in others {
            let other = graph(2, f);
            assert!(!same(&base(), &other) && hash(&base()) != hash(&other), "{other}");
        }
    }

    #[test]
    fn data_are_compared_by_bits() {
        let data = |x: f32| move |y: &[S]| vec![&y[0] + Tensor::from_vec(vec![x, 1.0], [2])];
        let of = |x: f32| Dyn::with_engine(Trace::ENGINE, || graph(1, data(x)));
        assert!(same(&of(f32::NAN), &of(f32::NAN)) && same(&of(0.0), &of(0.0)));
        assert!(!same(&of(0.0), &of(-0.0)) && !same(&of(0.0), &of(1.0)));
    }
}
