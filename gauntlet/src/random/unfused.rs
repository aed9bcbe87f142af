//! A graph one operation at a time, those inside of calls, loops and branches too. Every value is held to the end, so nothing is
//! overwritten. With noise, operands of sums and the sums are a little off: how far the results then move says how far
//! another order of summation may move them.

use super::devices;
use super::precision::{self, Precision};
use crate::data::{Numbers, fill};
use plywood_core::convert::{Wide, to_f64};
use plywood_core::op::{Scan, While};
use plywood_core::{
    Array, DType, Engine, Equation, Graph, Number, Op, Step, TensorType, Value, Values, Var, with_dtype,
};
use std::cell::RefCell;

/// Where deviations come from.
#[derive(Debug)]
pub struct Noise {
    numbers: RefCell<Numbers>,
    sign: f64,
}

impl Noise {
    /// The same deviations for the same name; to the other side with -1 in place of 1.
    pub fn of(name: &str, sign: f64) -> Self {
        Noise { numbers: RefCell::new(Numbers::of(name)), sign }
    }

    /// Floats off by at least so many units in the last place of a dtype, and at most one more.
    fn applied(&self, engine: &'static dyn Engine, x: Value, coarse: DType, units: f64) -> Value {
        if !x.dtype().is_float() {
            return x;
        }
        let array = x.array("noise");
        let epsilon = 2f64.powi(1 - crate::data::format(coarse).0);
        // What a few additions make infinite, is: in another order it may be.
        let large = 2f64.powi(crate::data::format(coarse).2 - 6);
        let mut numbers = self.numbers.borrow_mut();
        let off: Array = with_dtype!(array.dtype(), T => {
            let all = array.as_slice::<T>().expect("its own dtype");
            fill(array.dtype(), array.shape().clone(), |i| {
                let sign = if numbers.bits() & 1 == 0 { self.sign } else { -self.sign };
                let x = to_f64(all[i]);
                let off = x * (1.0 + sign * numbers.between(units, units + 1.0) * epsilon);
                Wide::Float(if x.abs() > large { f64::INFINITY.copysign(x) } else { off })
            })
        });
        Value::create(engine, Op::Constant(off))
    }
}

/// A value, and whether noise may be in it.
pub(super) type Known = (Value, Precision);

/// The outputs of a graph.
pub fn unfused(engine: &'static dyn Engine, graph: &Graph, inputs: Values, noise: Option<&Noise>) -> Values {
    let inputs = inputs.into_iter().map(|x| (x, Precision::Exact)).collect();
    Run { engine, noise }.graph(graph, inputs).into_iter().map(|(y, _)| y).collect()
}

#[derive(Clone, Copy)]
pub(super) struct Run<'a> {
    pub engine: &'static dyn Engine,
    pub noise: Option<&'a Noise>,
}

impl Run<'_> {
    fn graph(self, graph: &Graph, inputs: Vec<Known>) -> Vec<Known> {
        let count = graph.inputs().len() + graph.equations().iter().map(|e| e.outputs.len()).sum::<usize>();
        let mut env: Vec<Option<Known>> = vec![None; count];
        for (v, x) in graph.inputs().iter().zip(inputs) {
            env[v.0 as usize] = Some(x);
        }
        let get = |env: &[Option<Known>], v: &Var| env[v.0 as usize].clone().expect("it stands before");
        for e in graph.equations() {
            let x: Vec<Known> = e.inputs.iter().map(|v| get(&env, v)).collect();
            let types: Vec<TensorType> = e.outputs.iter().map(|&v| graph.ty(v).clone()).collect();
            for (v, y) in e.outputs.iter().zip(self.equation(e, &types, x)) {
                env[v.0 as usize] = Some(y);
            }
        }
        graph.outputs().iter().map(|v| get(&env, v)).collect()
    }

    /// One equation, whatever it holds.
    pub fn equation(self, e: &Equation, types: &[TensorType], mut x: Vec<Known>) -> Vec<Known> {
        match &e.op {
            Op::Call(call) => self.graph(&call.graph, x),
            Op::Cond(cond) => {
                let which = x.remove(0).0.item::<i32>().clamp(0, cond.branches.len() as i32 - 1);
                self.graph(&cond.branches[which as usize], x)
            }
            Op::Scan(s) => self.scan(s, types, x),
            Op::While(w) => self.while_loop(w, x),
            Op::Pmap(p) => devices::program(self, p, x),
            _ => self.alone(e, types, x),
        }
    }

    /// One operation that holds no graph.
    fn alone(self, e: &Equation, types: &[TensorType], x: Vec<Known>) -> Vec<Known> {
        let step = Step { op: &e.op, outputs: types, at: e.at };
        let given: Vec<(TensorType, Precision)> = x.iter().map(|(x, p)| (x.ty().clone(), *p)).collect();
        let given: Vec<(&TensorType, Precision)> = given.iter().map(|(ty, p)| (ty, *p)).collect();
        self.by(&e.op, &given, types, x, &|x| self.engine.execute(step, x))
    }

    /// An operation for operands that are known like that, as `execute` does it.
    pub fn by(
        self,
        op: &Op,
        given: &[(&TensorType, Precision)],
        types: &[TensorType],
        x: Vec<Known>,
        execute: &dyn Fn(Values) -> Values,
    ) -> Vec<Known> {
        let Some(noise) = self.noise else {
            let values = x.into_iter().map(|(x, _)| x).collect();
            return execute(values).into_iter().map(|y| (y, Precision::Exact)).collect();
        };
        let adds = precision::adds(op, given);
        let precisions = precision::of(op, given);
        // Formulas round what is close to this side or that.
        let rounds = matches!(
            op,
            Op::Unary(_) | Op::IntegerPow { .. } | Op::Binary(_) | Op::Cast { .. } | Op::Special(_)
        );
        let rounds = rounds && precisions.contains(&Precision::Close);
        let floats = x.iter().map(|(x, _)| x.dtype()).chain(types.iter().map(|ty| ty.dtype));
        let coarse = floats.filter(|d| d.is_float()).max_by_key(|&d| -crate::data::format(d).0);
        let off = |x: Values, applies: bool, units: f64| -> Values {
            let one = |x| match coarse {
                Some(coarse) if applies => noise.applied(self.engine, x, coarse, units),
                _ => x,
            };
            x.into_iter().map(one).collect()
        };
        let values: Values = x.into_iter().map(|(x, _)| x).collect();
        // On both sides: a sum that rounds its terms' noise away is off all the same; by more, lest the two cancel.
        let values = off(values, adds, 1.0);
        let results = off(execute(values), adds || rounds, 4.0);
        results.into_iter().zip(precisions).collect()
    }

    fn scan(self, s: &Scan, types: &[TensorType], mut x: Vec<Known>) -> Vec<Known> {
        let xs: Vec<Known> = x.drain(s.constants + s.carries..).collect();
        let mut carry: Vec<Known> = x.drain(s.constants..).collect();
        let mut stacks: Vec<Vec<Known>> = vec![Vec::new(); types.len() - s.carries];
        for i in 0..s.length {
            let i = if s.reverse { s.length - 1 - i } else { i };
            let slice = |(x, p): &Known| (x.clone().slice_axis(0, i, i + 1).squeeze(&[0]), *p);
            carry = self.graph(&s.body, x.iter().cloned().chain(carry).chain(xs.iter().map(slice)).collect());
            stacks.iter_mut().zip(carry.drain(s.carries..)).for_each(|(stack, y)| stack.push(y));
        }
        let stacked =
            stacks.into_iter().zip(&types[s.carries..]).map(|(y, ty)| self.stacked(y, s.reverse, ty));
        carry.into_iter().chain(stacked).collect()
    }

    /// What a loop's steps gave, of this type together.
    pub fn stacked(self, mut steps: Vec<Known>, reverse: bool, ty: &TensorType) -> Known {
        if reverse {
            steps.reverse();
        }
        let precision = steps.iter().map(|y| y.1).max().unwrap_or(Precision::Exact);
        let value = match steps.is_empty() {
            true => Value::create(self.engine, Op::Full { number: Number::Int(0), ty: ty.clone() }),
            false => Value::stack(steps.into_iter().map(|y| y.0).collect(), 0),
        };
        (value, precision)
    }

    fn while_loop(self, w: &While, mut x: Vec<Known>) -> Vec<Known> {
        let mut carry: Vec<Known> = x.drain(w.condition_constants + w.body_constants..).collect();
        let of_body: Vec<Known> = x.drain(w.condition_constants..).collect();
        let goes_on =
            |carry: &[Known]| self.graph(&w.condition, [&x[..], carry].concat())[0].0.item::<bool>();
        while goes_on(&carry) {
            carry = self.graph(&w.body, [&of_body[..], &carry].concat());
        }
        carry
    }
}
