//! The interpreter of programs: values so far, operands among them, and making one fit the type that is asked for.

use super::instruction;
use super::precision::{self, Precision};
use super::program::{Instruction, Program};
use plywood_core::record::{argument, extract};
use plywood_core::shape::Axes;
use plywood_core::{Backend, DType, Graph, Number, Op, Shape, TensorType, Trace, Value, Values, Var};
use smallvec::SmallVec;

/// Attributes, read digit by digit: of zero every digit is zero.
pub(super) struct Digits(pub u64);

impl Digits {
    /// The next digit, below `n`; 0 where there is no choice.
    pub fn below(&mut self, n: usize) -> usize {
        let n = n.max(1) as u64;
        let digit = self.0 % n;
        self.0 /= n;
        digit as usize
    }

    /// One of these.
    pub fn of<T: Clone>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())].clone()
    }
}

/// A value of the graph that is built.
#[derive(Clone)]
pub(super) struct Entry {
    pub value: Value,
    pub precision: Precision,
}

impl Entry {
    pub fn ty(&self) -> &TensorType {
        self.value.ty()
    }
    pub fn shape(&self) -> &Shape {
        self.value.shape()
    }
    pub fn dtype(&self) -> DType {
        self.value.dtype()
    }
    pub fn rank(&self) -> usize {
        self.value.rank()
    }
}

/// What programs may hold.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Allowed {
    /// What has no reverse mode: loops without a bound, full factorisations.
    pub irreversible: bool,
    /// Collectives, along the axis of this many lanes.
    pub lanes: Option<usize>,
    /// Programs for many devices, which hold none themselves.
    pub devices: bool,
    /// Elements of a value, at most.
    pub elements: usize,
}

/// A graph that is built.
pub(super) struct Builder {
    pub values: Vec<Entry>,
    pub allowed: Allowed,
}

impl Builder {
    /// With arguments of these types and precisions.
    pub fn new(arguments: impl IntoIterator<Item = (TensorType, Precision)>, allowed: Allowed) -> Self {
        let one = |(ty, precision)| Entry {
            value: argument(Trace::ENGINE, ty, Trace::ENGINE.device(None)),
            precision,
        };
        Builder { values: arguments.into_iter().map(one).collect(), allowed }
    }

    /// Applies instructions; those that cannot apply are left out.
    pub fn run(&mut self, instructions: &[Instruction]) {
        for i in instructions {
            if let Some(results) = instruction::apply(self, i) {
                self.values.extend(results);
            }
        }
    }

    /// An operation; none where it gives too much, or jumps at an operand that is not exact.
    pub fn op(&self, op: Op, inputs: &[&Entry]) -> Option<Vec<Entry>> {
        let types: Vec<&TensorType> = inputs.iter().map(|x| x.ty()).collect();
        let outputs = op.infer(&types);
        if outputs.iter().any(|ty| ty.elements() > self.allowed.elements) {
            return None;
        }
        let given: Vec<(&TensorType, Precision)> = inputs.iter().map(|x| (x.ty(), x.precision)).collect();
        let precisions = precision::of(&op, &given);
        if precisions.contains(&Precision::Loose) {
            return None;
        }
        let values: Values = match inputs.is_empty() {
            true => SmallVec::from_iter([Value::create(Trace::ENGINE, op)]),
            false => Value::apply(&op, inputs.iter().map(|x| x.value.clone()).collect()),
        };
        let entry = |(value, precision)| Entry { value, precision };
        Some(values.into_iter().zip(precisions).map(entry).collect())
    }

    /// An operation of one result.
    pub fn one(&self, op: Op, inputs: &[&Entry]) -> Option<Entry> {
        self.op(op, inputs)?.into_iter().next()
    }

    /// A value of which something is true: 0 is the latest, even numbers are among the latest.
    pub fn pick(&self, choice: u8, accept: impl Fn(&TensorType) -> bool) -> Option<Entry> {
        let fitting: Vec<&Entry> = self.values.iter().rev().filter(|x| accept(x.ty())).collect();
        let (choice, recent) = (choice as usize / 2, choice.is_multiple_of(2));
        let among = if recent { fitting.len().min(4) } else { fitting.len() };
        (among > 0).then(|| fitting[choice % among].clone())
    }

    /// A value of floats; from others by a cast.
    pub fn float(&self, choice: u8) -> Option<Entry> {
        self.numeric(choice, &|dtype| dtype.is_float())
    }

    /// A value of a dtype that is accepted; of another, cast to f32 or i32.
    pub fn numeric(&self, choice: u8, accept: &dyn Fn(DType) -> bool) -> Option<Entry> {
        // Mostly what is there already.
        let there =
            (choice == 0 || !choice.is_multiple_of(7)).then(|| self.pick(choice, |ty| accept(ty.dtype)));
        if let Some(x) = there.flatten() {
            return Some(x);
        }
        let x = self.pick(choice, |_| true)?;
        let dtype = [x.dtype(), DType::F32, DType::I32, DType::Bool].into_iter().find(|&d| accept(d))?;
        self.cast(&x, dtype)
    }

    /// Another operand of this type: mostly one there is, otherwise any that is made to fit.
    pub fn partner(&self, choice: u8, ty: &TensorType) -> Option<Entry> {
        let there = (choice % 4 != 3).then(|| self.pick(choice / 4, |other| other == ty));
        if let Some(x) = there.flatten() {
            return Some(x);
        }
        let x = self.pick(choice / 4, |_| true)?;
        self.fit(&x, ty)
    }

    /// One number everywhere.
    pub fn full(&self, number: f64, ty: &TensorType) -> Option<Entry> {
        let number = match ty.dtype {
            DType::Bool => Number::Bool(number != 0.0),
            d if d.is_float() => Number::Float(number),
            d if d.is_unsigned() => Number::Int(number.abs() as i64),
            _ => Number::Int(number as i64),
        };
        self.one(Op::Full { number, ty: ty.clone() }, &[])
    }

    /// To a dtype by value.
    pub fn cast(&self, x: &Entry, dtype: DType) -> Option<Entry> {
        if x.dtype() == dtype {
            return Some(x.clone());
        }
        self.one(Op::Cast { dtype }, &[x])
    }

    /// The same elements in another shape.
    pub fn reshape(&self, x: &Entry, shape: Shape) -> Option<Entry> {
        if *x.shape() == shape {
            return Some(x.clone());
        }
        self.one(Op::Reshape { shape }, &[x])
    }

    /// A part along an axis.
    pub fn part(&self, x: &Entry, axis: usize, start: usize, limit: usize) -> Option<Entry> {
        let mut starts = Axes::from_elem(0, x.rank());
        let mut limits: Axes = x.shape().iter().copied().collect();
        (starts[axis], limits[axis]) = (start, limit);
        let strides = Axes::from_elem(1, x.rank());
        self.one(Op::Slice(plywood_core::op::Slice { starts, limits, strides }.into()), &[x])
    }

    /// Any value as one of this type: cast, broadcast, reshaped, cut, or repeated.
    pub fn fit(&self, x: &Entry, ty: &TensorType) -> Option<Entry> {
        let x = &self.cast(x, ty.dtype)?;
        let shape = &ty.shape;
        if x.shape() == shape {
            return Some(x.clone());
        }
        let rank = shape.rank();
        if x.rank() <= rank && x.shape().broadcast(shape).as_ref() == Some(shape) {
            let axes: Axes = (rank - x.rank()..rank).collect();
            return self.one(Op::Broadcast { shape: shape.clone(), axes }, &[x]);
        }
        let (has, wants) = (x.ty().elements(), shape.elements());
        if has == wants {
            return self.reshape(x, shape.clone());
        }
        if has == 0 {
            return self.full(1.0, ty);
        }
        let flat = self.reshape(x, [has].into())?;
        if has > wants {
            return self.reshape(&self.part(&flat, 0, 0, wants)?, shape.clone());
        }
        let first = self.reshape(&self.part(&flat, 0, 0, 1)?, Shape::scalar())?;
        self.one(Op::Broadcast { shape: shape.clone(), axes: Axes::new() }, &[&first])
    }

    /// The graph from the first `arguments` values to these values. Equations that nothing reads are in it.
    pub fn graph(&self, arguments: usize, outputs: &[&Entry]) -> Graph {
        let arguments: Vec<Value> = self.values[..arguments].iter().map(|x| x.value.clone()).collect();
        let all = self.values.iter().chain(outputs.iter().copied());
        let all: Vec<Value> = all.map(|x| x.value.clone()).collect();
        let whole = extract(&arguments, &all).0;
        let count = whole.inputs().len() + whole.equations().iter().map(|e| e.outputs.len()).sum::<usize>();
        let types = (0..count as u32).map(|i| whole.ty(Var(i)).clone()).collect();
        let results = whole.outputs()[self.values.len()..].to_vec();
        Graph::new(whole.inputs().to_vec(), 0, whole.equations().to_vec(), results, types)
    }
}

impl Program {
    /// Its graph: the latest value and those that it chooses come out.
    pub(super) fn record(&self, allowed: Allowed) -> Graph {
        let arguments = self.inputs.iter().map(|i| (i.ty(), Precision::Exact));
        let mut builder = Builder::new(arguments, allowed);
        builder.run(&self.instructions);
        let count = builder.values.len();
        let mut outputs = vec![&builder.values[count - 1]];
        outputs.extend(self.outputs.iter().map(|&i| &builder.values[count - 1 - i as usize % count]));
        builder.graph(self.inputs.len(), &outputs)
    }
}
