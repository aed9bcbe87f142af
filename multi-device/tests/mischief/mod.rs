//! A backend whose devices misbehave: each runs a program one operation at a time on the CPU, and at chosen operations it is late,
//! panics, or leaves out a collective. A program knows its mischief by a number, its first input.

use plywood_backend_cpu::Cpu;
use plywood_core::{
    Array, Backend, Device, DeviceBackend, Engine, Error, Graph, Op, Step, TensorType, Value, Values,
};
use plywood_multi_device::{Machine, MultiDevice, collective};
use std::cell::Cell;
use std::collections::HashMap;
use std::sync::{LazyLock, Mutex};
use std::time::Duration;

/// What a device does at an operation.
#[derive(Clone, Copy, Debug)]
pub enum Act {
    /// Is late by so many microseconds.
    Late(u64),
    /// Panics.
    Panic,
    /// Gives a collective's operand as its result, and tells nobody.
    Skip,
}

/// For a program's number and a device: what it does at which of the graph's collectives, counted from 0.
type Plans = HashMap<(i64, usize), Vec<(usize, Act)>>;

static PLANS: LazyLock<Mutex<Plans>> = LazyLock::new(Mutex::default);

thread_local! { static DEVICE: Cell<usize> = const { Cell::new(0) }; }

/// Has a device do something.
pub fn plan(program: i64, device: usize, acts: Vec<(usize, Act)>) {
    PLANS.lock().unwrap_or_else(|e| e.into_inner()).insert((program, device), acts);
}

/// The backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Shaky;

impl Backend for Shaky {
    const ENGINE: &'static dyn Engine = &Shaky;
}

impl DeviceBackend for Shaky {
    fn devices() -> Vec<Device> {
        Cpu::split(8)
    }
    fn to_device(value: Value, _: Device) -> Result<Value, Error> {
        Ok(value)
    }
}

impl Machine for Shaky {
    fn places(n: usize) -> Result<Vec<Device>, Error> {
        Ok(Cpu::split(n))
    }
    fn threads() -> usize {
        2
    }
    fn on(device: Device, _: usize, work: &mut dyn FnMut()) {
        struct Restore(usize);
        impl Drop for Restore {
            fn drop(&mut self) {
                DEVICE.set(self.0)
            }
        }
        let _restore = Restore(DEVICE.replace(device.index));
        work()
    }
}

impl Engine for Shaky {
    fn execute(&'static self, step: Step<'_>, x: Values) -> Values {
        match step.op {
            Op::Pmap(p) => MultiDevice::<Shaky>::execute(step, p, x),
            Op::Call(call) => run(&call.graph, x),
            _ => Cpu::ENGINE.execute(step, x),
        }
    }
    fn read(&'static self, value: &Value) -> Result<Array, Error> {
        Cpu::ENGINE.read(value)
    }
    fn device(&'static self, _: Option<&Value>) -> Device {
        Device::cpu(0)
    }
    fn name(&self) -> String {
        "Shaky".to_string()
    }
}

fn run(graph: &Graph, inputs: Values) -> Values {
    let device = DEVICE.get();
    let program = inputs[0].item::<i64>();
    let acts = PLANS.lock().unwrap_or_else(|e| e.into_inner()).get(&(program, device)).cloned();
    let acts = acts.unwrap_or_default();
    let mut values: HashMap<u32, Value> = graph.inputs().iter().map(|v| v.0).zip(inputs).collect();
    let mut spoken = 0;
    for e in graph.equations() {
        let x: Values = e.inputs.iter().map(|v| values[&v.0].clone()).collect();
        let types: Vec<TensorType> = e.outputs.iter().map(|v| graph.ty(*v).clone()).collect();
        let step = Step { op: &e.op, outputs: &types, at: e.at };
        let mut skip = false;
        if matches!(e.op, Op::Collective(_)) {
            for (_, act) in acts.iter().filter(|(at, _)| *at == spoken) {
                match act {
                    Act::Late(time) => std::thread::sleep(Duration::from_micros(*time)),
                    Act::Panic => panic!("mischief of {device}"),
                    Act::Skip => skip = true,
                }
            }
            spoken += 1;
        }
        let results = match &e.op {
            Op::Collective(_) if skip => x,
            Op::Collective(_) => collective(Cpu::ENGINE, step, x).expect("the axis is the mesh's"),
            _ => Cpu::ENGINE.execute(step, x),
        };
        e.outputs.iter().zip(results).for_each(|(v, y)| drop(values.insert(v.0, y)));
    }
    graph.outputs().iter().map(|v| values[&v.0].clone()).collect()
}
