//! Gather, scatter and the dynamic slices against the CPU, bit for bit: what the gauntlet's small samples leave out. Many indices
//! that meet, windows that reach into each other, sums whose order shows, indices at the ends of their types, operands as views.
//! Without a device, or a feature, it says what it left out.

mod common;

use common::engines;
use plywood_backend_cpu::Cpu;
use plywood_core::op::{Gather, IndexMode, Scatter, ScatterKind, Slice};
use plywood_core::shape::Axes;
use plywood_core::{Array, Backend, DType, Engine, Number, Op, Shape, TensorType, Value, Values};
use std::sync::Arc;

/// A generator of test numbers (a linear congruence's high bits).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        ((self.0 >> 33) % n as u64) as usize
    }

    fn shape(&mut self, rank: usize, bound: usize) -> Vec<usize> {
        (0..rank).map(|_| self.below(bound)).collect()
    }

    /// An element: of floats thirds, whose sums round.
    fn element(&mut self, dtype: DType) -> f64 {
        match dtype {
            DType::Bool => self.below(2) as f64,
            _ if dtype.is_float() => (self.below(2001) as f64 - 1000.0) / 3.0,
            _ if dtype.is_unsigned() => self.below(9) as f64,
            _ => self.below(9) as f64 - 4.0,
        }
    }

    /// A tensor, as it is to be made on each engine.
    fn tensor(&mut self, shape: &[usize], dtype: DType) -> Input {
        let look = match self.below(8) {
            0 => Look::Turned,
            1 => Look::Transposed,
            2 => Look::Number,
            _ => Look::Plain,
        };
        let n = shape.iter().product();
        let all: Vec<f64> = match look {
            Look::Number => vec![self.element(dtype); n],
            _ => (0..n).map(|_| self.element(dtype)).collect(),
        };
        let mut made = shape.to_vec();
        if look == Look::Transposed {
            made.reverse();
        }
        let array =
            Value::create(Cpu::ENGINE, Op::Constant(Array::new(all, &made[..]))).cast(dtype).array("test");
        Input { array, look }
    }

    /// Indices for sizes of about `n`, some at the ends of the type.
    fn indices(&mut self, shape: &[usize], dtype: DType, n: usize) -> Input {
        let count: usize = shape.iter().product();
        let far = self.below(2) == 0;
        let all: Vec<i64> = (0..count)
            .map(|_| match self.below(if far { 12 } else { usize::MAX >> 32 }) {
                0 => i64::MIN >> (64 - dtype.bits()),
                1 => i64::MAX >> (64 - dtype.bits()),
                2 => -1,
                3 => 1 << (dtype.bits() / 2),
                _ => self.below(n) as i64,
            })
            .collect();
        // By bits: of unsigned types the negative ones are the highest.
        let array = match dtype {
            DType::I64 => Array::new(all, shape),
            DType::U64 => Array::new(all.iter().map(|&i| i as u64).collect(), shape),
            DType::U32 => Array::new(all.iter().map(|&i| i as u32).collect(), shape),
            DType::I8 => Array::new(all.iter().map(|&i| i as i8).collect(), shape),
            DType::U8 => Array::new(all.iter().map(|&i| i as u8).collect(), shape),
            _ => Array::new(all.iter().map(|&i| i as i32).collect(), shape),
        };
        Input { array, look: if self.below(4) == 0 { Look::Turned } else { Look::Plain } }
    }
}

const INDICES: [DType; 6] = [DType::I32, DType::I8, DType::U64, DType::I64, DType::U8, DType::U32];
const DTYPES: [DType; 8] = {
    use DType::*;
    [F32, I32, F16, BF16, I8, U64, Bool, U16]
};
const MODES: [IndexMode; 3] = [IndexMode::Clip, IndexMode::Fill, IndexMode::PromiseInBounds];

#[derive(Clone, Copy, Debug, PartialEq)]
enum Look {
    Plain,
    Turned,
    Transposed,
    Number,
    /// The last of a list: a scalar that lies in memory.
    Last,
}

#[derive(Clone, Debug)]
struct Input {
    array: Array,
    look: Look,
}

impl Input {
    fn on(&self, engine: &'static dyn Engine) -> Value {
        let x = || Value::create(engine, Op::Constant(self.array.clone()));
        let rank = self.array.shape().rank();
        match self.look {
            Look::Plain => x(),
            Look::Turned => {
                Value::apply(&Op::Reverse { axes: (0..rank).collect() }, Values::from_iter([x()])).remove(0)
            }
            Look::Transposed => {
                let permutation = (0..rank).rev().collect();
                Value::apply(&Op::Transpose { permutation }, Values::from_iter([x()])).remove(0)
            }
            Look::Last => {
                let n = self.array.shape()[0];
                let slice = Slice {
                    starts: Axes::from_slice(&[n - 1]),
                    limits: Axes::from_slice(&[n]),
                    strides: Axes::from_slice(&[1]),
                };
                let last = Value::apply(&Op::Slice(slice.into()), Values::from_iter([x()])).remove(0);
                Value::apply(&Op::Reshape { shape: Shape::from([]) }, Values::from_iter([last])).remove(0)
            }
            Look::Number => {
                let first = Value::create(Cpu::ENGINE, Op::Constant(self.array.clone()))
                    .cast(DType::F64)
                    .to_vec::<f64>();
                let number = Number::Float(first.first().copied().unwrap_or(0.0));
                let ty: TensorType = self.array.ty();
                Value::create(engine, Op::Full { number, ty })
            }
        }
    }
}

/// All elements, by their bits; a NaN is a NaN.
fn bits(x: &Value) -> Vec<u64> {
    let x = Value::create(Cpu::ENGINE, Op::Constant(x.array("test")));
    let all = x.cast(DType::F64).to_vec::<f64>();
    all.into_iter().map(|x| if x.is_nan() { f64::NAN.to_bits() } else { x.to_bits() }).collect()
}

/// The same on every engine, and operands that somebody holds stay as they are.
fn check(op: &Op, inputs: &[Input]) {
    let on = |engine: &'static dyn Engine| inputs.iter().map(|x| x.on(engine)).collect::<Values>();
    let want = bits(&Value::apply(op, on(Cpu::ENGINE))[0]);
    for engine in engines() {
        let held = on(engine);
        let before = bits(&held[0]);
        let looks: Vec<(TensorType, Look)> = inputs.iter().map(|x| (x.array.ty(), x.look)).collect();
        for x in [held.clone(), on(engine)] {
            let got = bits(&Value::apply(op, x)[0]);
            assert!(got == want, "{} {op:?} of {looks:?}:\n{:?}", engine.name(), differing(&got, &want));
        }
        assert_eq!(bits(&held[0]), before, "{op:?}: a shared operand stays as it is");
    }
}

fn differing(got: &[u64], want: &[u64]) -> Vec<(usize, f64, f64)> {
    let all = got.iter().zip(want).enumerate().filter(|(_, (a, b))| a != b);
    all.map(|(i, (&a, &b))| (i, f64::from_bits(a), f64::from_bits(b))).take(5).collect()
}

/// A random gather: the operand's shape, that of the indices.
fn sample(
    numbers: &mut Numbers,
    mode: IndexMode,
    batch: &[usize],
    bound: usize,
) -> (Vec<usize>, Vec<usize>, Gather) {
    let rank = 1 + numbers.below(3);
    let mut shape = numbers.shape(rank, bound);
    let (mut collapsed, mut along, mut batching, mut sizes) =
        (Axes::new(), Axes::new(), Axes::new(), Axes::new());
    for (d, n) in shape.iter_mut().enumerate() {
        match numbers.below(4) {
            0 if *n > 0 => {
                collapsed.push(d);
                sizes.push(1);
            }
            1 if along.len() < batch.len() && batch[along.len()] > 0 => {
                *n = batch[along.len()];
                along.push(along.len());
                batching.push(d);
                sizes.push(1);
            }
            _ => sizes.push(numbers.below(*n + 1)),
        }
    }
    let mut map: Axes = (0..rank).filter(|d| !batching.contains(d)).collect();
    while !map.is_empty() && numbers.below(3) == 0 {
        map.remove(numbers.below(map.len()));
    }
    if numbers.below(2) == 0 {
        map.reverse();
    }
    let windows = rank - collapsed.len() - batching.len();
    let total = batch.len() + windows;
    let mut offsets: Axes = (0..total).collect();
    while offsets.len() > windows {
        offsets.remove(numbers.below(offsets.len()));
    }
    let indices = [batch, &[map.len()]].concat();
    let g = Gather {
        offset_axes: offsets,
        collapsed_axes: collapsed,
        operand_batching_axes: batching,
        indices_batching_axes: along,
        start_index_map: map,
        sizes,
        mode,
    };
    (shape, indices, g)
}

/// The scatter whose updates are what the gather gives.
fn mirrored(g: &Gather, kind: ScatterKind) -> Scatter {
    Scatter {
        kind,
        window_axes: g.offset_axes.clone(),
        inserted_axes: g.collapsed_axes.clone(),
        operand_batching_axes: g.operand_batching_axes.clone(),
        indices_batching_axes: g.indices_batching_axes.clone(),
        index_map: g.start_index_map.clone(),
        mode: g.mode,
    }
}

#[test]
fn gathers_read_windows() {
    let mut numbers = Numbers(1);
    for round in 0..300 {
        let rank = numbers.below(3);
        let batch = numbers.shape(rank, 4);
        let (shape, at, g) = sample(&mut numbers, MODES[round % 3], &batch, 6);
        let (x, at) =
            (numbers.tensor(&shape, DTYPES[round % 8]), numbers.indices(&at, INDICES[round % 6], 6));
        check(&Op::Gather(Arc::new(g)), &[x, at]);
    }
}

#[test]
fn updates_meet_in_order() {
    let mut numbers = Numbers(2);
    let kinds = [ScatterKind::Add, ScatterKind::Set, ScatterKind::Min, ScatterKind::Mul, ScatterKind::Max];
    for round in 0..300 {
        let (kind, dtype) = (kinds[round % 5], DTYPES[round % 8]);
        if dtype == DType::Bool && matches!(kind, ScatterKind::Add | ScatterKind::Mul) {
            continue;
        }
        // Few indices, some, and many, that are sorted.
        let batch = match numbers.below(4) {
            0 => numbers.shape(2, 3),
            1 => vec![numbers.below(60)],
            2 => vec![2 + numbers.below(3), 100 + numbers.below(400)],
            _ => vec![500 + numbers.below(2000)],
        };
        let (shape, at, g) = sample(&mut numbers, MODES[round % 3], &batch, 7);
        let op = Op::Scatter(Arc::new(mirrored(&g, kind)));
        let mut window = g.window_axes().into_iter().map(|d| g.sizes[d]);
        let mut rows = batch.iter().copied();
        let rank = batch.len() + g.offset_axes.len();
        let updates: Vec<usize> = (0..rank)
            .map(|d| {
                if g.offset_axes.contains(&d) { window.next() } else { rows.next() }.expect("as many axes")
            })
            .collect();
        let x = numbers.tensor(&shape, dtype);
        let (at, updates) = (numbers.indices(&at, INDICES[round % 6], 7), numbers.tensor(&updates, dtype));
        check(&op, &[x, at, updates]);
    }
}

#[test]
fn many_updates_meet_in_few_places() {
    let mut numbers = Numbers(4);
    let only = |d: &[usize]| Axes::from_slice(d);
    for (rows, shape, window) in
        [(40_000, vec![7], vec![]), (9000, vec![300, 8], vec![8]), (3000, vec![2000, 3], vec![3])]
    {
        for (kind, dtype) in [
            (ScatterKind::Add, DType::F32),
            (ScatterKind::Add, DType::I32),
            (ScatterKind::Set, DType::F32),
            (ScatterKind::Max, DType::I8),
        ] {
            let s = Scatter {
                kind,
                window_axes: (1..shape.len()).collect(),
                inserted_axes: only(&[0]),
                operand_batching_axes: Axes::new(),
                indices_batching_axes: Axes::new(),
                index_map: only(&[0]),
                mode: IndexMode::Fill,
            };
            let x = numbers.tensor(&shape, dtype);
            let at = numbers.indices(&[rows, 1], DType::I32, shape[0]);
            let updates = numbers.tensor(&[&[rows][..], &window].concat(), dtype);
            check(&Op::Scatter(Arc::new(s)), &[x, at, updates]);
        }
    }
}

#[test]
fn windows_are_moved_inside() {
    let mut numbers = Numbers(3);
    for round in 0..200 {
        let rank = numbers.below(5);
        let shape = numbers.shape(rank, 6);
        let sizes: Vec<usize> = shape.iter().map(|&n| numbers.below(n + 1)).collect();
        let (dtype, index) = (DTYPES[round % 8], INDICES[round % 6]);
        let x = numbers.tensor(&shape, dtype);
        // Each is the element of a list, which a device has in its memory; or a number.
        let scalar = |numbers: &mut Numbers| match numbers.below(4) {
            0 => Input { look: Look::Plain, ..numbers.indices(&[], index, 7) },
            _ => Input { look: Look::Last, ..numbers.indices(&[3], index, 7) },
        };
        let scalars: Vec<Input> = (0..rank).map(|_| scalar(&mut numbers)).collect();
        let update = numbers.tensor(&sizes, dtype);
        check(&Op::DynamicSlice { sizes: sizes[..].into() }, &[vec![x.clone()], scalars.clone()].concat());
        check(&Op::DynamicUpdate, &[vec![x, update], scalars].concat());
    }
}
