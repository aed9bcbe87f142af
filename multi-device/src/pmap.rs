//! `pmap`: a function of one device's part, run on many devices at once.

use crate::record::{Divided, Divides, Recorded};
use plywood_batching::axes::{Assigned, Axes, InAxes, Leaf};
use plywood_core::at::At;
use plywood_core::op::{self, CollectiveKind, Spec};
use plywood_core::{Backend, Device, Function, Graph, Op, SelfTree, Traced, Value, Visitor};
use plywood_fusion::recording;
use smallvec::smallvec;
use std::panic::Location;
use std::sync::Arc;

/// The function that runs `f` on many devices, each on its part: an element along the first axis of each argument's tensors. Results
/// have the devices in front, and stay on them, until somebody reads them: the next `pmap` takes them from where they are. With
/// names, other axes and chosen devices: [`Pmap`].
///
/// `f` is recorded once for a signature, as by `jit`. The backend's own devices are used, from its first; the CPU is divided into as
/// many as there are elements, each with its share of the threads. What devices say to each other are collectives over the
/// axis (`psum` and others). What `f` captured all of them get.
///
/// Derivatives of what is inside, with collectives, are those of the sum of all devices' results: take gradients first, and then
/// their `psum` or `pmean`.
///
/// Panics where sizes of the first axes differ, with the paths; where there are fewer devices; and where the program fails on
/// one, which ends it on all, with the device.
///
/// ```
/// use plywood::prelude::*;
/// let keys = random::split_n(&random::key::<Cpu>(0), 4);
/// let numbers = pmap(|key: Tensor<_>| random::normal(&key, [3], DType::F32))(keys.clone());
/// assert_eq!(numbers, vmap(|key: Tensor<_>| random::normal(&key, [3], DType::F32))(keys));
/// ```
#[track_caller]
pub fn pmap<B: Backend, Args: SelfTree<B>, Out: SelfTree<Traced<B>>, F>(f: F) -> F::Boxed<Out::On<B>>
where
    F: Function<Traced<B>, Args, Out> + Send + Sync + 'static,
{
    Pmap::new().of(f)
}

/// [`pmap`] with options: `Pmap::new().axis_name("i").in_axes((None, 0)).out_axes(None).of(f)`.
///
/// ```
/// use plywood::prelude::*;
/// let share = |x: Tensor<_>| &x / psum(x.clone(), "i");
/// let y = Pmap::new().axis_name("i").of(share)(Tensor::<Cpu>::from([1.0, 3.0]));
/// assert_eq!(y.to_vec::<f64>(), [0.25, 0.75]);
/// ```
#[derive(Clone, Debug)]
pub struct Pmap {
    name: Option<Arc<str>>,
    in_axes: Axes,
    out_axes: Axes,
    in_exceptions: Vec<(String, Option<isize>)>,
    out_exceptions: Vec<(String, Option<isize>)>,
    devices: Option<Arc<[Device]>>,
    size: Option<usize>,
}

impl Default for Pmap {
    fn default() -> Self {
        Self::new()
    }
}

impl Pmap {
    /// Over the first axis of all arguments and of the result, on the backend's own devices.
    pub fn new() -> Self {
        let (in_axes, out_axes) = (Axes::All(Some(0)), Axes::All(Some(0)));
        let (in_exceptions, out_exceptions) = (Vec::new(), Vec::new());
        Pmap { name: None, in_axes, out_axes, in_exceptions, out_exceptions, devices: None, size: None }
    }

    /// The name by which collectives (`psum(x, "i")`) speak over the devices.
    pub fn axis_name(self, name: &str) -> Self {
        Pmap { name: Some(name.into()), ..self }
    }

    /// Over which axis of the arguments: one for all, or a tuple with an entry for each argument, which may be a tuple with an entry
    /// for each of its parts. `None`: all devices get it whole. Plain data (numbers, strings) they get in any case.
    pub fn in_axes(self, axes: impl InAxes) -> Self {
        Pmap { in_axes: axes.axes(), ..self }
    }

    /// The axis of one part of an argument, by its path, as `"args[0].layers[1].weight"`; it goes before what
    /// [`in_axes`](Pmap::in_axes) says.
    pub fn in_axis(mut self, path: &str, axis: impl Into<Option<i32>>) -> Self {
        self.in_exceptions.push((path.to_string(), axis.into().map(|axis| axis as isize)));
        self
    }

    /// Where the axis of devices is in the result: one for all of its tensors, or a tuple with an entry for each part. `None`: the
    /// result is the same on all devices, as after a `psum`, and gets none; panics where that is not so by the operations it comes
    /// from.
    pub fn out_axes(self, axes: impl InAxes) -> Self {
        Pmap { out_axes: axes.axes(), ..self }
    }

    /// The axis of one part of the result, by its path, as `"result[1].loss"`.
    pub fn out_axis(mut self, path: &str, axis: impl Into<Option<i32>>) -> Self {
        self.out_exceptions.push((path.to_string(), axis.into().map(|axis| axis as isize)));
        self
    }

    /// On these devices, in this order: as many as the mapped axes have elements.
    pub fn devices(self, devices: impl IntoIterator<Item = Device>) -> Self {
        Pmap { devices: Some(devices.into_iter().collect()), ..self }
    }

    /// On how many devices; needed where no argument is mapped, and checked otherwise.
    pub fn axis_size(self, size: usize) -> Self {
        Pmap { size: Some(size), ..self }
    }

    /// The function for many devices.
    #[track_caller]
    pub fn of<B: Backend, Args: SelfTree<B>, Out: SelfTree<Traced<B>>, F>(self, f: F) -> F::Boxed<Out::On<B>>
    where
        F: Function<Traced<B>, Args, Out> + Send + Sync + 'static,
    {
        let cache = recording::of_function::<F, (Pmap, B, Args), Out>();
        let (options, made) = (format!("{self:?}"), Location::caller());
        let recorded = Recorded { f, cache, divides: Box::new(self), options, made };
        F::boxed(move |args| recorded.call(args))
    }
}

impl Divides for Pmap {
    fn tracked(&self) -> bool {
        false
    }

    fn arguments(&self, made: At, visit: &mut dyn FnMut(&mut dyn Visitor)) -> Divided {
        let mut found = Assigned::new("in_axes", "args", &self.in_axes, &self.in_exceptions);
        visit(&mut found);
        found.finish();
        if let Some(mistake) = &found.mistake {
            panic!("pmap: {mistake} (in the pmap made at {made})")
        }
        let mut sizes: Vec<(String, usize)> = Vec::new();
        let mut leaves = Vec::new();
        for Leaf { path, value, axis } in found.leaves {
            let Some(axis) = axis else {
                leaves.push((Spec::default(), None));
                continue;
            };
            let (rank, ty) = (value.rank() as isize, value.ty());
            assert!(
                (-rank..rank).contains(&axis),
                "pmap: {path} is {ty}, which has no axis {axis}{} (in the pmap made at {made})",
                if rank == 0 { "; None in in_axes says that all devices get it" } else { "" }
            );
            let axis = axis.rem_euclid(rank.max(1)) as usize;
            let n = value.shape()[axis];
            sizes.push((format!("{path} has {n} (axis {axis} of {ty})"), n));
            leaves.push((across(axis), Some(axis)));
        }
        sizes.extend(self.size.map(|size| (format!("axis_size says {size}"), size)));
        sizes.extend(self.devices.as_ref().map(|d| (format!("devices are {}", d.len()), d.len())));
        let Some(&(_, size)) = sizes.first() else {
            panic!(
                "pmap: no argument is mapped, so nothing says how many devices; axis_size(n) does (in the pmap made at {made})"
            )
        };
        if size == 0 || sizes.iter().any(|(_, other)| *other != size) {
            let all: Vec<String> = sizes.into_iter().map(|(text, _)| text).collect();
            let what = if size == 0 { "there is no device without an element" } else { "the sizes differ" };
            panic!("pmap: {what}: {} (in the pmap made at {made})", all.join(", "))
        }
        let name = self.name.clone().unwrap_or_else(|| "pmap".into());
        Divided { mesh: [(name, size)].into(), devices: self.devices.clone(), leaves }
    }

    fn results(&self, made: At, _: &Divided, visit: &mut dyn FnMut(&mut dyn Visitor)) -> Vec<(Value, Spec)> {
        let mut found = Assigned::new("out_axes", "result", &self.out_axes, &self.out_exceptions);
        visit(&mut found);
        found.finish();
        if let Some(mistake) = &found.mistake {
            panic!("pmap: {mistake} (in the pmap made at {made})")
        }
        let result = |Leaf { path, value, axis }: Leaf| {
            let Some(axis) = axis else { return (value, Spec::default()) };
            let rank = value.rank() as isize + 1;
            assert!(
                (-rank..rank).contains(&axis),
                "pmap: {path} is {} on each device, and has no place for an axis {axis} (in the pmap made at {made})",
                value.ty()
            );
            let axis = axis.rem_euclid(rank) as usize;
            let shape = value.shape().insert(axis, 1);
            (value.reshape_to(shape), across(axis))
        };
        found.leaves.into_iter().map(result).collect()
    }

    fn check(&self, made: At, program: &op::Pmap) {
        let given: Vec<bool> = program.inputs.iter().map(|spec| spec.named().next().is_none()).collect();
        for (i, (same, spec)) in
            same_on_all(&program.graph, &given).into_iter().zip(&program.outputs).enumerate()
        {
            assert!(
                same || spec.named().next().is_some(),
                "pmap: tensor {i} of the result may differ between devices, and out_axes says None; psum, pmean or all_gather \
                 give what is the same for all (in the pmap made at {made})"
            );
        }
    }
}

/// Cut along one axis.
fn across(axis: usize) -> Spec {
    let mut dimensions = smallvec![smallvec![]; axis];
    dimensions.push(smallvec![0]);
    Spec(dimensions)
}

/// Which outputs are the same on all devices, for inputs of which these are.
fn same_on_all(graph: &Graph, given: &[bool]) -> Vec<bool> {
    let mut same = vec![false; graph.types().len()];
    graph.inputs().iter().zip(given).for_each(|(v, &given)| same[v.0 as usize] = given);
    for e in graph.equations() {
        let of_inputs: Vec<bool> = e.inputs.iter().map(|v| same[v.0 as usize]).collect();
        let all = of_inputs.iter().all(|&s| s);
        let results = match &e.op {
            Op::Collective(c) => vec![match c.kind {
                CollectiveKind::Sum | CollectiveKind::Max | CollectiveKind::Min => true,
                CollectiveKind::AllGather { .. } => true,
                CollectiveKind::SumScatter { .. } | CollectiveKind::AllToAll { .. } => false,
                CollectiveKind::Permute { .. } | CollectiveKind::Index | CollectiveKind::Vary => false,
            }],
            Op::Call(c) => same_on_all(&c.graph, &of_inputs),
            // A loop or a branch that speaks over the axis may end with something else on each device.
            op if op.graphs().iter().any(|graph| speaks(graph)) => vec![false; e.outputs.len()],
            _ => vec![all; e.outputs.len()],
        };
        e.outputs.iter().zip(results).for_each(|(v, s)| same[v.0 as usize] = s);
    }
    graph.outputs().iter().map(|v| same[v.0 as usize]).collect()
}

fn speaks(graph: &Graph) -> bool {
    graph.equations().iter().any(|e| match &e.op {
        Op::Collective(_) => true,
        op => op.graphs().iter().any(|graph| speaks(graph)),
    })
}
