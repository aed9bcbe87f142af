//! [`Cpu`]: the backend, and the one entry point that sends each operation to its family's kernels.

use crate::data::View;
use crate::dispatch::numbers;
use crate::fused;
use crate::kernels::{
    arg_reduce, binary, bits, cast, compare, control, conv, create, cumulative, dot, fft, gather, linalg,
    random, reduce, scatter, select, shape, slice, sort, special, unary, window,
};
use crate::par;
use plywood_core::axis;
use plywood_core::op::Types;
use plywood_core::{
    Array, Backend, DType, Device, DeviceBackend, Engine, Error, Explanation, Graph, Op, Step, Value, Values,
};
use plywood_multi_device::{Machine, MultiDevice, collective};
use smallvec::smallvec;

/// The CPU backend: one device, `cpu:0`, with all threads; or, for programs on many devices, as many as are asked for, `cpu:0` to
/// `cpu:n-1`, each with its share of them ([`Cpu::split`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Cpu;

impl Backend for Cpu {
    const ENGINE: &'static dyn Engine = &Cpu;
}

impl DeviceBackend for Cpu {
    fn devices() -> Vec<Device> {
        vec![Device::cpu(0)]
    }

    fn to_device(value: Value, device: Device) -> Result<Value, Error> {
        match device == Device::cpu(0) {
            true => Ok(value),
            false => Err(Error::UnknownDevice { device, available: Self::devices() }),
        }
    }
}

impl Cpu {
    /// The CPU as `n` devices, which share its threads: what `pmap` and a mesh use on it by themselves. Memory is common to all.
    ///
    /// ```
    /// use plywood_backend_cpu::Cpu;
    /// assert_eq!(Cpu::split(2).iter().map(|d| d.to_string()).collect::<Vec<_>>(), ["cpu:0", "cpu:1"]);
    /// ```
    pub fn split(n: usize) -> Vec<Device> {
        (0..n).map(Device::cpu).collect()
    }
}

impl Machine for Cpu {
    fn places(n: usize) -> Result<Vec<Device>, Error> {
        Ok(Cpu::split(n))
    }
    fn put(value: Value, _: Device) -> Result<Value, Error> {
        // All of them have the same memory.
        Ok(value)
    }
    fn threads() -> usize {
        par::threads()
    }
    fn on(_: Device, threads: usize, work: &mut dyn FnMut()) {
        par::with_threads(threads, work)
    }
}

impl Engine for Cpu {
    fn execute(&'static self, step: Step<'_>, mut x: Values) -> Values {
        let Step { op, outputs, at: _ } = step;
        // Those that may have no results.
        match op {
            Op::Call(c) => return fused::call(&c.graph, x),
            Op::Scan(s) => return control::scan(outputs, x, s),
            Op::While(w) => return control::while_loop(x, w),
            Op::Cond(c) => return control::cond(x, c),
            Op::Pmap(p) => return MultiDevice::<Cpu>::execute(step, p, x),
            Op::Collective(c) => {
                let values = collective(Cpu::ENGINE, step, x);
                return values
                    .unwrap_or_else(|| panic!("{}, at {}", axis::unbound(c.name(), &c.axis), step.at));
            }
            _ => {}
        }
        let types = || -> Types { outputs.iter().cloned().collect() };
        let ty = outputs[0].clone();
        let mut only = || x.pop().expect("the shape rule counted the inputs");
        smallvec![match op {
            Op::Unary(unary) => unary::unary(ty, x, *unary),
            Op::IntegerPow { exponent } => unary::integer_pow(ty, x, *exponent),
            Op::ReducePrecision { exponent_bits, mantissa_bits } =>
                unary::reduce_precision(ty, x, *exponent_bits, *mantissa_bits),
            Op::Binary(binary) => binary::binary(ty, x, *binary),
            Op::Bits(bits) => bits::bits(ty, x, *bits),
            Op::Compare(compare) => compare::compare(ty, x, *compare),
            Op::Select => select::select(ty, x),
            Op::Clamp => select::clamp(ty, x),
            Op::Cast { dtype: _ } => cast::cast(ty, x),
            Op::Bitcast { dtype: _ } => cast::bitcast(ty, only()),
            Op::Reshape { shape: _ } => shape::reshape(ty, only()),
            Op::Transpose { permutation } => shape::transpose(ty, only(), permutation),
            Op::Broadcast { shape: _, axes } => shape::broadcast(ty, only(), axes),
            Op::Reverse { axes } => shape::reverse(ty, only(), axes),
            Op::Slice(s) => shape::slice(ty, only(), s),
            Op::DynamicSlice { sizes: _ } => slice::dynamic_slice(ty, x),
            Op::DynamicUpdate => slice::dynamic_update(ty, x),
            Op::Pad { padding } => slice::pad(ty, x, padding),
            Op::Concatenate { axis } => slice::concatenate(ty, x, *axis),
            Op::Gather(g) => gather::gather(ty, x, g),
            Op::Scatter(s) => scatter::scatter(ty, x, s),
            Op::Reduce { kind, axes } => reduce::reduce(ty, only(), *kind, axes),
            Op::ArgReduce { kind, axis, dtype: _ } => arg_reduce::arg_reduce(ty, only(), *kind, *axis),
            Op::Sort { axis, keys } => return sort::sort(types(), x, *axis, *keys),
            Op::TopK { k, axis } => return sort::top_k(types(), only(), *k, *axis),
            Op::Cumulative { kind, axis, reverse } =>
                cumulative::cumulative(ty, only(), *kind, *axis, *reverse),
            Op::Dot(d) => dot::dot(ty, x, d),
            Op::Conv(c) => conv::conv(ty, x, c),
            Op::Window { kind, window } => window::window(ty, only(), *kind, window),
            Op::Fft { kind, sizes } => return fft::fft(types(), x, *kind, sizes),
            Op::Linalg(l) => return linalg::linalg(types(), x, *l),
            Op::Special(s) => special::special(ty, x, *s),
            Op::Full { number, ty: _ } => create::full(ty, *number),
            Op::Iota { ty: _, axis } => create::iota(ty, *axis),
            Op::Constant(array) => create::constant(ty, array),
            Op::Random(r) => random::random(ty, x, r),
            Op::StopGradient | Op::Name { .. } => only(),
            Op::Call(_) | Op::Scan(_) | Op::While(_) | Op::Cond(_) | Op::Collective(_) | Op::Pmap(_) => {
                unreachable!("they returned above")
            }
        }]
    }

    fn read(&'static self, value: &Value) -> Result<Array, Error> {
        let shape = value.shape().clone();
        Ok(match value.dtype() {
            DType::Bool => {
                let bytes = View::<u8>::of(value).to_contiguous();
                Array::new(bytes.iter().map(|&b| b != 0).collect(), shape)
            }
            dtype => {
                numbers!(dtype, T => Array::new(View::<T>::of(value).to_contiguous().into_owned(), shape))
            }
        })
    }

    fn device(&'static self, _: Option<&Value>) -> Device {
        Device::cpu(0)
    }

    fn name(&self) -> String {
        "Cpu".to_string()
    }

    fn explain(&self, graph: &Graph) -> Option<Explanation> {
        Some(fused::explain(graph))
    }
}
