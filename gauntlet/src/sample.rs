//! [`Sample`]: one operation with inputs, and what is known about it. Properties ask it for values on their engine.

use crate::{Class, Layout, encode, lanes};
use plywood_core::op::{
    Binary, CollectiveKind, Cumulation, Random, Reduction, Rule, ScatterKind, Types, WindowKind,
};
use plywood_core::{Array, DType, Engine, Op, OpKind, TensorType, Values};

/// An input: host data, and how it is laid out when it becomes a value.
#[derive(Clone, Debug)]
pub struct Input {
    /// The logical data.
    pub data: Array,
    /// How a value is made of it.
    pub layout: Layout,
}

/// How the outputs depend on the differentiable inputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Linearity {
    /// Affine in all of them together: central differences are exact with any step.
    Linear,
    /// Affine in each of two: central differences are exact with any step, in any direction.
    Bilinear,
    /// Neither: steps must be small.
    Nonlinear,
}

/// Where a sample's expected result comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// The oracle has it.
    Oracle,
    /// There is none, for this reason; the sample serves other properties, and all layouts must agree.
    Nothing(&'static str),
}

/// One operation with inputs.
#[derive(Clone, Debug)]
pub struct Sample {
    /// The one name of this sample: `unary/exp f32 special`.
    pub name: String,
    /// The operation.
    pub op: Op,
    /// Its inputs.
    pub inputs: Vec<Input>,
    /// How far a result may be from the oracle's.
    pub class: Class,
    /// Whether derivatives may be checked by differences: small, away from kinks, of moderate size.
    pub smooth: bool,
    /// Where the expected result comes from.
    pub expect: Expect,
}

impl Sample {
    /// A sample of plain inputs, to be matched exactly.
    pub fn new(name: impl Into<String>, op: Op, inputs: impl IntoIterator<Item = Array>) -> Self {
        let inputs = inputs.into_iter().map(|data| Input { data, layout: Layout::Plain }).collect();
        Sample { name: name.into(), op, inputs, class: Class::Exact, smooth: false, expect: Expect::Oracle }
    }

    /// With another tolerance.
    pub fn class(self, class: Class) -> Self {
        Sample { class, ..self }
    }

    /// Fit for checks by differences.
    pub fn smooth(self) -> Self {
        Sample { smooth: true, ..self }
    }

    /// Fit for checks by differences where the data are floats.
    pub fn smooth_if(self, smooth: bool) -> Self {
        Sample { smooth, ..self }
    }

    /// Without an expected result, for a reason.
    pub fn without_oracle(self, reason: &'static str) -> Self {
        Sample { expect: Expect::Nothing(reason), ..self }
    }

    /// With one input laid out otherwise.
    pub fn layout(mut self, input: usize, layout: Layout) -> Self {
        self.inputs[input].layout = layout;
        self
    }

    /// Types of the inputs.
    pub fn types(&self) -> Vec<TensorType> {
        self.inputs.iter().map(|i| i.data.ty()).collect()
    }

    /// Types of the outputs.
    #[track_caller]
    pub fn outputs(&self) -> Types {
        let types = self.types();
        lanes::infer(&self.op, &types.iter().collect::<Vec<_>>())
    }

    /// The key of the expected result: a hash of the operation, its attributes and the inputs' data.
    pub fn key(&self) -> u64 {
        encode::key(self)
    }

    /// The inputs as values of an engine.
    pub fn values(&self, engine: &'static dyn Engine) -> Values {
        let mut values = Values::new();
        for input in &self.inputs {
            let value = input.layout.place(engine, &input.data, &values);
            values.push(value);
        }
        values
    }

    /// The operation on these values, which are of `engine`.
    pub fn apply(&self, engine: &'static dyn Engine, inputs: Values) -> Values {
        lanes::apply(engine, &self.op, inputs)
    }

    /// The outputs on an engine, read back. The inputs are given up to the operation, which may overwrite them.
    pub fn run(&self, engine: &'static dyn Engine) -> Vec<Array> {
        let outputs = self.apply(engine, self.values(engine));
        outputs.iter().map(|v| v.array(&self.name)).collect()
    }

    /// This sample as it is, and with the inputs as every kind of view that fits: all of them, and every other one.
    pub fn variants(&self) -> Vec<Sample> {
        let mut all = vec![self.clone()];
        if self.inputs.iter().any(|i| i.layout != Layout::Plain) {
            return all;
        }
        for &layout in Layout::VIEWS {
            let fits: Vec<bool> = self.inputs.iter().map(|i| layout.fits(&i.data)).collect();
            let choices: &[fn(usize) -> bool] =
                if self.inputs.len() > 1 { &[|_| true, |i| i % 2 == 0, |i| i % 2 == 1] } else { &[|_| true] };
            for chosen in choices {
                if !(0..fits.len()).any(|i| fits[i] && chosen(i)) {
                    continue;
                }
                let mut sample = self.clone();
                for (i, input) in sample.inputs.iter_mut().enumerate() {
                    if fits[i] && chosen(i) {
                        input.layout = layout;
                    }
                }
                sample.name = format!("{} {:?}", self.name, sample.layouts());
                all.push(sample);
            }
        }
        all
    }

    /// The layouts of the inputs.
    pub fn layouts(&self) -> Vec<Layout> {
        self.inputs.iter().map(|i| i.layout).collect()
    }

    /// The inputs that have a derivative: floats that are more than a choice of bits or of places.
    pub fn differentiable(&self) -> Vec<usize> {
        let floats = |from: usize| {
            (from..self.inputs.len()).filter(|&i| self.inputs[i].data.dtype().is_float()).collect::<Vec<_>>()
        };
        match &self.op {
            Op::Unary(_) | Op::IntegerPow { .. } | Op::ReducePrecision { .. } => floats(0),
            // Its derivative is defined to be 0, which differences do not find.
            Op::Binary(Binary::NextAfter) => vec![],
            Op::Binary(_) | Op::Select | Op::Clamp => floats(0),
            Op::Bits(_) | Op::Compare(_) | Op::Bitcast { .. } | Op::ArgReduce { .. } => vec![],
            Op::Window { kind: WindowKind::ArgMax | WindowKind::ArgMin, .. } => vec![],
            Op::Random(r) => match r {
                Random::Bits { .. } | Random::Uniform { .. } | Random::Normal { .. } => vec![],
                Random::Poisson { .. } | Random::Split { .. } | Random::FoldIn => vec![],
                Random::Gamma { .. } => vec![1],
            },
            Op::Full { .. } | Op::Iota { .. } | Op::Constant(_) | Op::StopGradient => vec![],
            Op::Cast { dtype } if !dtype.is_float() => vec![],
            Op::Cast { .. } | Op::Reshape { .. } | Op::Transpose { .. } | Op::Broadcast { .. } => floats(0),
            Op::Reverse { .. } | Op::Slice(_) | Op::DynamicSlice { .. } | Op::DynamicUpdate => floats(0),
            Op::Pad { .. } | Op::Concatenate { .. } | Op::Gather(_) | Op::Scatter(_) => floats(0),
            Op::Reduce { .. } | Op::Sort { .. } | Op::Dot(_) => floats(0),
            Op::TopK { .. } | Op::Cumulative { .. } | Op::Conv(_) | Op::Window { .. } => floats(0),
            Op::Fft { .. } | Op::Linalg(_) | Op::Special(_) | Op::Collective(_) => floats(0),
            Op::Name { .. } | Op::Scan(_) | Op::While(_) | Op::Cond(_) | Op::Pmap(_) => floats(0),
            // To a rule, what the function captured is constant.
            Op::Call(c) => match c.rule {
                Rule::Through(_) => floats(0),
                Rule::Reverse { .. } | Rule::Forward { .. } => floats(c.graph.captured()),
            },
        }
    }

    /// Whether reverse mode goes through: not where the number of steps is known only afterwards.
    pub fn has_reverse_mode(&self) -> bool {
        self.op.kind() != OpKind::While
    }

    /// How the outputs depend on the differentiable inputs.
    pub fn linearity(&self) -> Linearity {
        use Linearity::*;
        use plywood_core::op::Unary;
        match &self.op {
            Op::Unary(Unary::Neg) => Linear,
            Op::Unary(_) | Op::IntegerPow { .. } | Op::ReducePrecision { .. } => Nonlinear,
            Op::Binary(Binary::Add | Binary::Sub) => Linear,
            Op::Binary(Binary::Mul) => Bilinear,
            Op::Binary(
                Binary::Div | Binary::Rem | Binary::Pow | Binary::Atan2 | Binary::Max | Binary::Min,
            ) => Nonlinear,
            Op::Binary(Binary::NextAfter) => Nonlinear,
            Op::Bits(_) | Op::Compare(_) | Op::Bitcast { .. } | Op::ArgReduce { .. } => Linear,
            Op::Full { .. } | Op::Iota { .. } | Op::Constant(_) | Op::StopGradient => Linear,
            Op::Select | Op::Cast { .. } | Op::Reshape { .. } | Op::Transpose { .. } => Linear,
            Op::Broadcast { .. } | Op::Reverse { .. } | Op::Slice(_) | Op::DynamicSlice { .. } => Linear,
            Op::Name { .. } | Op::DynamicUpdate | Op::Pad { .. } | Op::Concatenate { .. } | Op::Gather(_) => {
                Linear
            }
            Op::Clamp | Op::Sort { .. } => Nonlinear,
            Op::Scatter(s) => match s.kind {
                ScatterKind::Set | ScatterKind::Add => Linear,
                ScatterKind::Mul | ScatterKind::Min | ScatterKind::Max => Nonlinear,
            },
            Op::Reduce { kind, .. } => match kind {
                Reduction::Sum => Linear,
                Reduction::Prod | Reduction::Max | Reduction::Min => Nonlinear,
                Reduction::And | Reduction::Or | Reduction::Xor => Linear,
            },
            Op::TopK { .. } | Op::Linalg(_) | Op::Special(_) | Op::Random(_) => Nonlinear,
            Op::Call(_) | Op::Scan(_) | Op::While(_) | Op::Cond(_) | Op::Pmap(_) => Nonlinear,
            Op::Cumulative { kind, .. } => match kind {
                Cumulation::Sum => Linear,
                Cumulation::Prod | Cumulation::Max | Cumulation::Min | Cumulation::LogSumExp => Nonlinear,
            },
            Op::Window { kind, .. } => match kind {
                WindowKind::Sum => Linear,
                WindowKind::Max | WindowKind::Min | WindowKind::ArgMax | WindowKind::ArgMin => Nonlinear,
            },
            Op::Fft { .. } => Linear,
            Op::Collective(c) => match c.kind {
                CollectiveKind::Max | CollectiveKind::Min => Nonlinear,
                CollectiveKind::Sum | CollectiveKind::AllGather { .. } => Linear,
                CollectiveKind::SumScatter { .. } | CollectiveKind::AllToAll { .. } => Linear,
                CollectiveKind::Permute { .. } | CollectiveKind::Index | CollectiveKind::Vary => Linear,
            },
            Op::Dot(_) | Op::Conv(_) => Bilinear,
        }
    }

    /// Whether any input or output is of this dtype.
    pub fn has(&self, dtype: DType) -> bool {
        self.types().iter().chain(self.outputs().iter()).any(|t| t.dtype == dtype)
    }
}
