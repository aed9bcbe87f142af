//! Samples as JSON lines, for the oracle's script, and the key that a sample is found by.
//!
//! The text of an operation and its inputs is written here, not by a serializer, so that it is the same for ever: the
//! key is its hash. Data are hexadecimal. The layout of inputs is not part of it; a result does not depend on it. Graphs
//! inside an operation stand as they print.

use crate::data::fnv;
use crate::oracle::file_name;
use crate::{Class, Sample, bits};
use plywood_core::op::{CollectiveKind, IndexMode, Linalg, Padding, Pmap, Random, Rule, Spec};
use plywood_core::{Array, Graph, Number, Op, Shape};

/// The hash of an operation, its attributes and its inputs' data.
pub fn key(sample: &Sample) -> u64 {
    fnv(body(sample).as_bytes())
}

/// The line for the oracle's script.
pub fn line(sample: &Sample) -> String {
    let class = match sample.class {
        Class::Exact | Class::Equal | Class::Ulps(_) | Class::Norm(_) => "values",
        Class::Sum { .. } => "sum",
    };
    let body = body(sample);
    let key = fnv(body.as_bytes());
    let name = &sample.name;
    let file = file_name(sample.op.kind());
    format!("{{\"file\":\"{file}\",\"name\":\"{name}\",\"key\":\"{key:016x}\",\"class\":\"{class}\",{body}}}")
}

fn body(sample: &Sample) -> String {
    let inputs: Vec<String> = sample.inputs.iter().map(|i| array(&i.data)).collect();
    format!("\"op\":{},\"inputs\":[{}]", op(&sample.op), inputs.join(","))
}

fn array(array: &Array) -> String {
    let (dtype, shape, hex) = (array.dtype(), array.shape(), bits::hex(array));
    format!("{{\"dtype\":\"{dtype}\",\"shape\":{shape:?},\"hex\":\"{hex}\"}}")
}

/// An object of the operation's kind and its attributes, whose values are JSON already.
fn object(sample_op: &Op, attributes: &[(&str, String)]) -> String {
    let fields: String = attributes.iter().map(|(name, value)| format!(",\"{name}\":{value}")).collect();
    format!("{{\"kind\":\"{:?}\"{fields}}}", sample_op.kind())
}

fn text(s: impl std::fmt::Display) -> String {
    format!("\"{s}\"")
}

fn list(sizes: &[usize]) -> String {
    format!("{sizes:?}")
}

fn mode(mode: IndexMode) -> String {
    text(match mode {
        IndexMode::Clip => "clip",
        IndexMode::Fill => "fill",
        IndexMode::PromiseInBounds => "promise_in_bounds",
    })
}

fn paddings(padding: &[Padding]) -> String {
    let each: Vec<String> =
        padding.iter().map(|p| format!("[{},{},{}]", p.low, p.high, p.interior)).collect();
    format!("[{}]", each.join(","))
}

/// A number by its kind and bits.
fn number(number: Number) -> String {
    match number {
        Number::Float(x) => format!("[\"float\",\"{:016x}\"]", x.to_bits()),
        Number::Int(x) => format!("[\"int\",\"{x}\"]"),
        Number::UInt(x) => format!("[\"int\",\"{x}\"]"),
        Number::Bool(x) => format!("[\"int\",\"{}\"]", x as u8),
    }
}

/// A graph as it prints, on one line.
fn graph(graph: &Graph) -> String {
    text(graph.to_string().replace('\n', "\\n").replace('"', "'"))
}

/// For each tensor, for each of its axes, the names of the mesh axes that cut it.
fn specs(p: &Pmap, specs: &[Spec]) -> String {
    let one = |spec: &Spec| {
        let names =
            |axes: &[u8]| axes.iter().map(|&a| text(&p.mesh[a as usize].0)).collect::<Vec<_>>().join(",");
        let dimensions: Vec<String> = spec.0.iter().map(|axes| format!("[{}]", names(axes))).collect();
        format!("[{}]", dimensions.join(","))
    };
    format!("[{}]", specs.iter().map(one).collect::<Vec<_>>().join(","))
}

fn op(op: &Op) -> String {
    let shape = |s: &Shape| list(s);
    match op {
        Op::Unary(f) => object(op, &[("name", text(f.name()))]),
        Op::IntegerPow { exponent } => object(op, &[("exponent", exponent.to_string())]),
        Op::ReducePrecision { exponent_bits, mantissa_bits } => object(
            op,
            &[("exponent_bits", exponent_bits.to_string()), ("mantissa_bits", mantissa_bits.to_string())],
        ),
        Op::Binary(f) => object(op, &[("name", text(f.name()))]),
        Op::Bits(f) => object(op, &[("name", text(f.name()))]),
        Op::Compare(f) => object(op, &[("name", text(f.name()))]),
        Op::Select | Op::Clamp | Op::DynamicUpdate | Op::StopGradient => object(op, &[]),
        Op::Cast { dtype } | Op::Bitcast { dtype } => object(op, &[("dtype", text(dtype))]),
        Op::Reshape { shape: s } => object(op, &[("shape", shape(s))]),
        Op::Transpose { permutation } => object(op, &[("permutation", list(permutation))]),
        Op::Broadcast { shape: s, axes } => object(op, &[("shape", shape(s)), ("axes", list(axes))]),
        Op::Reverse { axes } => object(op, &[("axes", list(axes))]),
        Op::Slice(s) => object(
            op,
            &[("starts", list(&s.starts)), ("limits", list(&s.limits)), ("strides", list(&s.strides))],
        ),
        Op::DynamicSlice { sizes } => object(op, &[("sizes", shape(sizes))]),
        Op::Pad { padding } => object(op, &[("padding", paddings(padding))]),
        Op::Concatenate { axis } => object(op, &[("axis", axis.to_string())]),
        Op::Gather(g) => object(
            op,
            &[
                ("offset_axes", list(&g.offset_axes)),
                ("collapsed_axes", list(&g.collapsed_axes)),
                ("operand_batching_axes", list(&g.operand_batching_axes)),
                ("indices_batching_axes", list(&g.indices_batching_axes)),
                ("start_index_map", list(&g.start_index_map)),
                ("sizes", list(&g.sizes)),
                ("mode", mode(g.mode)),
            ],
        ),
        Op::Scatter(s) => object(
            op,
            &[
                ("name", text(s.kind.name())),
                ("window_axes", list(&s.window_axes)),
                ("inserted_axes", list(&s.inserted_axes)),
                ("operand_batching_axes", list(&s.operand_batching_axes)),
                ("indices_batching_axes", list(&s.indices_batching_axes)),
                ("index_map", list(&s.index_map)),
                ("mode", mode(s.mode)),
            ],
        ),
        Op::Reduce { kind, axes } => object(op, &[("name", text(kind.name())), ("axes", list(axes))]),
        Op::ArgReduce { kind, axis, dtype } => {
            object(op, &[("name", text(kind.name())), ("axis", axis.to_string()), ("dtype", text(dtype))])
        }
        Op::Sort { axis, keys } => object(op, &[("axis", axis.to_string()), ("keys", keys.to_string())]),
        Op::Dot(d) => object(
            op,
            &[
                ("lhs_contracting", list(&d.lhs_contracting)),
                ("rhs_contracting", list(&d.rhs_contracting)),
                ("lhs_batch", list(&d.lhs_batch)),
                ("rhs_batch", list(&d.rhs_batch)),
                ("dtype", text(d.dtype)),
            ],
        ),
        Op::TopK { k, axis } => object(op, &[("k", k.to_string()), ("axis", axis.to_string())]),
        Op::Cumulative { kind, axis, reverse } => object(
            op,
            &[("name", text(kind.name())), ("axis", axis.to_string()), ("reverse", reverse.to_string())],
        ),
        Op::Conv(c) => object(
            op,
            &[
                ("strides", list(&c.strides)),
                ("padding", paddings(&c.padding)),
                ("dilation", list(&c.dilation)),
                ("feature_groups", c.feature_groups.to_string()),
                ("batch_groups", c.batch_groups.to_string()),
            ],
        ),
        Op::Window { kind, window: w } => object(
            op,
            &[
                ("name", text(kind.name())),
                ("sizes", list(&w.sizes)),
                ("strides", list(&w.strides)),
                ("padding", paddings(&w.padding)),
                ("dilation", list(&w.dilation)),
            ],
        ),
        Op::Fft { kind, sizes } => object(op, &[("name", text(kind.name())), ("sizes", list(sizes))]),
        Op::Linalg(l) => {
            let name = ("name", text(l.name()));
            match l {
                Linalg::Cholesky | Linalg::Det | Linalg::Lu | Linalg::Eigh => object(op, &[name]),
                Linalg::TriangularSolve { lower, transpose, unit_diagonal } => object(
                    op,
                    &[
                        name,
                        ("lower", lower.to_string()),
                        ("transpose", transpose.to_string()),
                        ("unit_diagonal", unit_diagonal.to_string()),
                    ],
                ),
                Linalg::Solve { transpose } => object(op, &[name, ("transpose", transpose.to_string())]),
                Linalg::Qr { full } | Linalg::Svd { full } => object(op, &[name, ("full", full.to_string())]),
            }
        }
        Op::Special(s) => {
            object(op, &[("name", text(s.function.name())), ("orders", format!("{:?}", s.orders))])
        }
        Op::Name { name } => object(op, &[("text", text(name))]),
        Op::Call(c) => {
            let mut attributes = vec![("graph", graph(&c.graph))];
            match &c.rule {
                Rule::Through(policy) => {
                    attributes.push(("policy", text(format!("{policy:?}").replace('"', "'"))))
                }
                Rule::Reverse { forward, backward } => {
                    attributes.extend([("forward", graph(forward)), ("backward", graph(backward))])
                }
                Rule::Forward { rule } => attributes.push(("rule", graph(rule))),
            }
            object(op, &attributes)
        }
        Op::Scan(s) => object(
            op,
            &[
                ("body", graph(&s.body)),
                ("constants", s.constants.to_string()),
                ("carries", s.carries.to_string()),
                ("length", s.length.to_string()),
                ("reverse", s.reverse.to_string()),
            ],
        ),
        Op::While(w) => object(
            op,
            &[
                ("condition", graph(&w.condition)),
                ("body", graph(&w.body)),
                ("condition_constants", w.condition_constants.to_string()),
                ("body_constants", w.body_constants.to_string()),
            ],
        ),
        Op::Cond(c) => {
            let branches: Vec<String> = c.branches.iter().map(|b| graph(b)).collect();
            object(op, &[("branches", format!("[{}]", branches.join(",")))])
        }
        Op::Collective(c) => {
            let mut attributes = vec![("name", text(c.name())), ("size", c.size.to_string())];
            match &c.kind {
                CollectiveKind::Sum | CollectiveKind::Max | CollectiveKind::Min => {}
                CollectiveKind::Index | CollectiveKind::Vary => {}
                CollectiveKind::AllGather { axis } | CollectiveKind::SumScatter { axis } => {
                    attributes.push(("axis", axis.to_string()))
                }
                CollectiveKind::AllToAll { split, concat } => {
                    attributes.extend([("split", split.to_string()), ("concat", concat.to_string())])
                }
                CollectiveKind::Permute { pairs } => {
                    let pairs: Vec<String> =
                        pairs.iter().map(|(from, to)| format!("[{from},{to}]")).collect();
                    attributes.push(("pairs", format!("[{}]", pairs.join(","))))
                }
            }
            object(op, &attributes)
        }
        Op::Pmap(p) => {
            let axes: Vec<String> =
                p.mesh.iter().map(|(name, size)| format!("[\"{name}\",{size}]")).collect();
            object(
                op,
                &[
                    ("mesh", format!("[{}]", axes.join(","))),
                    ("in", specs(p, &p.inputs)),
                    ("out", specs(p, &p.outputs)),
                    ("tracked", p.tracked.to_string()),
                    ("graph", graph(&p.graph)),
                ],
            )
        }
        Op::Full { number: n, ty } => {
            object(op, &[("number", number(*n)), ("shape", shape(&ty.shape)), ("dtype", text(ty.dtype))])
        }
        Op::Iota { ty, axis } => {
            object(op, &[("shape", shape(&ty.shape)), ("dtype", text(ty.dtype)), ("axis", axis.to_string())])
        }
        Op::Constant(data) => object(op, &[("data", array(data))]),
        Op::Random(random) => {
            let name = ("name", text(random.name()));
            match random {
                Random::Bits { shape: s, dtype }
                | Random::Uniform { shape: s, dtype }
                | Random::Normal { shape: s, dtype } => {
                    object(op, &[name, ("shape", shape(s)), ("dtype", text(dtype))])
                }
                Random::Gamma { shape: s, dtype, log } => {
                    object(op, &[name, ("shape", shape(s)), ("dtype", text(dtype)), ("log", log.to_string())])
                }
                Random::Poisson { shape: s, dtype } => {
                    object(op, &[name, ("shape", shape(s)), ("dtype", text(dtype))])
                }
                Random::Split { shape: s } => object(op, &[name, ("shape", shape(s))]),
                Random::FoldIn => object(op, &[name]),
            }
        }
    }
}
