//! How an operation's attributes print: `broadcast[shape=(2,3) axes=(1)]`, as in a jaxpr.

use super::{CollectiveKind, Linalg, Op, Padding, Random, Spec};
use crate::Graph;
use std::fmt::{self, Display};

/// A list as `(1,2)`.
struct List<'a, T>(&'a [T]);
impl<T: Display> Display for List<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(")?;
        for (i, x) in self.0.iter().enumerate() {
            write!(f, "{}{x}", if i > 0 { "," } else { "" })?;
        }
        f.write_str(")")
    }
}

impl Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        match self {
            Op::Unary(_) | Op::Binary(_) | Op::Bits(_) | Op::Compare(_) => Ok(()),
            Op::Select | Op::Clamp | Op::DynamicUpdate | Op::StopGradient => Ok(()),
            Op::IntegerPow { exponent } => write!(f, "[y={exponent}]"),
            Op::ReducePrecision { exponent_bits, mantissa_bits } => {
                write!(f, "[exponent_bits={exponent_bits} mantissa_bits={mantissa_bits}]")
            }
            Op::Cast { dtype } | Op::Bitcast { dtype } => write!(f, "[dtype={dtype}]"),
            Op::Reshape { shape } => write!(f, "[shape={}]", List(shape)),
            Op::Transpose { permutation } => write!(f, "[permutation={}]", List(permutation)),
            Op::Broadcast { shape, axes } => write!(f, "[shape={} axes={}]", List(shape), List(axes)),
            Op::Reverse { axes } | Op::Reduce { axes, .. } => write!(f, "[axes={}]", List(axes)),
            Op::Slice(s) => {
                write!(f, "[starts={} limits={}", List(&s.starts), List(&s.limits))?;
                if s.strides.iter().any(|&n| n != 1) {
                    write!(f, " strides={}", List(&s.strides))?;
                }
                f.write_str("]")
            }
            Op::DynamicSlice { sizes } => write!(f, "[sizes={}]", List(sizes)),
            Op::Pad { padding } => {
                f.write_str("[padding=")?;
                paddings(f, padding)?;
                f.write_str("]")
            }
            Op::Concatenate { axis } => write!(f, "[axis={axis}]"),
            Op::Gather(g) => {
                write!(
                    f,
                    "[offset={} collapsed={} map={} sizes={} mode={:?}",
                    List(&g.offset_axes),
                    List(&g.collapsed_axes),
                    List(&g.start_index_map),
                    List(&g.sizes),
                    g.mode
                )?;
                batching(f, &g.operand_batching_axes, &g.indices_batching_axes)
            }
            Op::Scatter(s) => {
                write!(
                    f,
                    "[window={} inserted={} map={} mode={:?}",
                    List(&s.window_axes),
                    List(&s.inserted_axes),
                    List(&s.index_map),
                    s.mode
                )?;
                batching(f, &s.operand_batching_axes, &s.indices_batching_axes)
            }
            Op::ArgReduce { axis, dtype, .. } => write!(f, "[axis={axis} dtype={dtype}]"),
            Op::Sort { axis, keys } => write!(f, "[axis={axis} keys={keys}]"),
            Op::Name { name } => write!(f, "[{name}]"),
            // A graph inside is indented below the line of its operation.
            Op::Call(c) => write!(f, "[{}]", nested(&c.graph)),
            Op::Scan(s) => {
                let (length, reverse, carries) = (s.length, s.reverse, s.carries);
                write!(f, "[length={length} reverse={reverse} carries={carries} {}]", nested(&s.body))
            }
            Op::While(w) => write!(f, "[{} {}]", nested(&w.condition), nested(&w.body)),
            Op::Cond(c) => {
                let branches: Vec<String> = c.branches.iter().map(|b| nested(b)).collect();
                write!(f, "[{}]", branches.join(" "))
            }
            Op::Pmap(p) => {
                let axes: Vec<String> = p.mesh.iter().map(|(name, size)| format!("{name}:{size}")).collect();
                let specs =
                    |specs: &[Spec]| specs.iter().map(|s| s.shown(&p.mesh)).collect::<Vec<_>>().join(" ");
                let (x, y) = (specs(&p.inputs), specs(&p.outputs));
                write!(f, "[{} in=({x}) out=({y}) {}]", axes.join(" "), nested(&p.graph))
            }
            Op::Collective(c) => {
                write!(f, "[{:?} size={}", c.axis, c.size)?;
                match &c.kind {
                    CollectiveKind::Sum
                    | CollectiveKind::Max
                    | CollectiveKind::Min
                    | CollectiveKind::Index
                    | CollectiveKind::Vary => {}
                    CollectiveKind::AllGather { axis } | CollectiveKind::SumScatter { axis } => {
                        write!(f, " axis={axis}")?
                    }
                    CollectiveKind::AllToAll { split, concat } => {
                        write!(f, " split={split} concat={concat}")?
                    }
                    CollectiveKind::Permute { pairs } => write!(f, " pairs={pairs:?}")?,
                }
                f.write_str("]")
            }
            Op::TopK { k, axis } => write!(f, "[k={k} axis={axis}]"),
            Op::Cumulative { kind: _, axis, reverse } => write!(f, "[axis={axis} reverse={reverse}]"),
            Op::Conv(c) => {
                write!(f, "[strides={} padding=", List(&c.strides))?;
                paddings(f, &c.padding)?;
                write!(f, " dilation={} groups=({},{})]", List(&c.dilation), c.feature_groups, c.batch_groups)
            }
            Op::Window { kind: _, window: w } => {
                write!(f, "[sizes={} strides={} padding=", List(&w.sizes), List(&w.strides))?;
                paddings(f, &w.padding)?;
                write!(f, " dilation={}]", List(&w.dilation))
            }
            Op::Fft { kind: _, sizes } => write!(f, "[sizes={}]", List(sizes)),
            Op::Linalg(Linalg::Cholesky | Linalg::Det | Linalg::Lu | Linalg::Eigh) => Ok(()),
            Op::Linalg(Linalg::TriangularSolve { lower, transpose, unit_diagonal }) => {
                write!(f, "[lower={lower} transpose={transpose} unit_diagonal={unit_diagonal}]")
            }
            Op::Linalg(Linalg::Solve { transpose }) => write!(f, "[transpose={transpose}]"),
            Op::Linalg(Linalg::Qr { full } | Linalg::Svd { full }) => write!(f, "[full={full}]"),
            Op::Special(s) => match s.orders {
                [0, 0, 0] => Ok(()),
                orders => write!(f, "[derivative={}]", List(&orders[..s.function.inputs()])),
            },
            Op::Dot(d) => {
                write!(f, "[contracting=({},{})", List(&d.lhs_contracting), List(&d.rhs_contracting))?;
                if !d.lhs_batch.is_empty() {
                    write!(f, " batch=({},{})", List(&d.lhs_batch), List(&d.rhs_batch))?;
                }
                write!(f, " dtype={}]", d.dtype)
            }
            Op::Full { number, .. } => write!(f, "[{number}]"),
            Op::Iota { axis, .. } => write!(f, "[axis={axis}]"),
            Op::Constant(a) => write!(f, "[{}]", a.preview(16)),
            Op::Random(
                Random::Bits { shape, dtype }
                | Random::Uniform { shape, dtype }
                | Random::Normal { shape, dtype },
            ) => {
                write!(f, "[shape={} dtype={dtype}]", List(shape))
            }
            Op::Random(Random::Gamma { shape, dtype, log }) => {
                write!(f, "[shape={} dtype={dtype} log={log}]", List(shape))
            }
            Op::Random(Random::Poisson { shape, dtype }) => {
                write!(f, "[shape={} dtype={dtype}]", List(shape))
            }
            Op::Random(Random::Split { shape }) => write!(f, "[shape={}]", List(shape)),
            Op::Random(Random::FoldIn) => Ok(()),
        }
    }
}

fn nested(graph: &Graph) -> String {
    graph.to_string().replace('\n', "\n    ")
}

fn paddings(f: &mut fmt::Formatter<'_>, padding: &[Padding]) -> fmt::Result {
    f.write_str("(")?;
    for (i, p) in padding.iter().enumerate() {
        write!(f, "{}({},{},{})", if i > 0 { "," } else { "" }, p.low, p.high, p.interior)?;
    }
    f.write_str(")")
}

fn batching(f: &mut fmt::Formatter<'_>, operand: &[usize], indices: &[usize]) -> fmt::Result {
    if !operand.is_empty() {
        write!(f, " batching=({},{})", List(operand), List(indices))?;
    }
    f.write_str("]")
}
