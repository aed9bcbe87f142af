//! `shard_map`: a function of one device's blocks, on a mesh with several axes, which knows over which axes each value varies.

use crate::mesh::{Lying, Mesh, Placed, Specs};
use crate::record::{Divided, Divides, Recorded};
use plywood_core::at::At;
use plywood_core::op::{self, Spec};
use plywood_core::{Backend, Function, SelfTree, Traced, Value, Visitor};
use plywood_fusion::recording;
use std::panic::Location;

/// The function that runs `f` on all devices of a mesh, each on its blocks of the arguments: `in_specs` says how they are cut,
/// `out_specs` how the results lie ([`spec`](crate::spec)). Ranks stay: a device sees a smaller tensor.
///
/// What a spec does not name is the same along that axis of the mesh, and the types inside say so: a value varies over the axes
/// that its operands vary over; `psum`, `pmean`, `pmax` and `pmin` over an axis give what no longer varies over it. So derivatives
/// need no help: the gradient of a parameter that is the same on all devices is the sum of what they contribute, that of
/// one that is cut stays with its device, inside of the function as well as through it.
///
/// Panics where a tensor cannot be cut as its spec says; and where a result varies over an axis that its spec does not name.
///
/// ```
/// use plywood::prelude::*;
/// fn loss<B: Backend>(w: Tensor<B>, x: Tensor<B>) -> Tensor<B> {
///     (x.matmul(&w)).square().mean()
/// }
/// // Each device has some of the examples, and all the weights: the gradient is that of all examples.
/// fn gradient<B: Backend>(w: Tensor<B>, x: Tensor<B>) -> Tensor<B> {
///     grad(loss)(w, x) / axis_size("data") as f64
/// }
/// let mesh = Mesh::new([("data", 2)]);
/// let w = Tensor::<Cpu>::from([1.0, -1.0]);
/// let x = Tensor::<Cpu>::from([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [7.0, 9.0]]);
/// let g = shard_map(gradient, &mesh, (spec(()), spec("data")), spec(()))(w.clone(), x.clone());
/// assert_eq!(g, grad(loss)(w, x));
/// ```
#[track_caller]
pub fn shard_map<B: Backend, Args: SelfTree<B>, Out: SelfTree<Traced<B>>, F>(
    f: F,
    mesh: &Mesh,
    in_specs: impl Specs,
    out_specs: impl Specs,
) -> F::Boxed<Out::On<B>>
where
    F: Function<Traced<B>, Args, Out> + Send + Sync + 'static,
{
    ShardMap::new(mesh).in_specs(in_specs).out_specs(out_specs).of(f)
}

/// [`shard_map`] as a builder: `ShardMap::new(&mesh).in_specs((spec(()), spec("data"))).out_specs(spec(())).of(f)`. What is not said is
/// the same on all devices.
#[derive(Clone, Debug)]
pub struct ShardMap {
    mesh: Mesh,
    in_specs: Lying,
    out_specs: Lying,
}

impl ShardMap {
    /// On this mesh; all arguments and results the same on all devices.
    pub fn new(mesh: &Mesh) -> Self {
        let same = || crate::spec(()).lying();
        ShardMap { mesh: mesh.clone(), in_specs: same(), out_specs: same() }
    }

    /// How the arguments are cut: one spec for all, or a tuple with an entry for each.
    pub fn in_specs(self, specs: impl Specs) -> Self {
        ShardMap { in_specs: specs.lying(), ..self }
    }

    /// How the results lie: one spec for all, or a tuple with an entry for each part.
    pub fn out_specs(self, specs: impl Specs) -> Self {
        ShardMap { out_specs: specs.lying(), ..self }
    }

    /// The function for the mesh.
    #[track_caller]
    pub fn of<B: Backend, Args: SelfTree<B>, Out: SelfTree<Traced<B>>, F>(self, f: F) -> F::Boxed<Out::On<B>>
    where
        F: Function<Traced<B>, Args, Out> + Send + Sync + 'static,
    {
        let cache = recording::of_function::<F, (ShardMap, B, Args), Out>();
        let (options, made) = (format!("{self:?}"), Location::caller());
        let recorded = Recorded { f, cache, divides: Box::new(self), options, made };
        F::boxed(move |args| recorded.call(args))
    }
}

impl Divides for ShardMap {
    fn tracked(&self) -> bool {
        true
    }

    fn arguments(&self, made: At, visit: &mut dyn FnMut(&mut dyn Visitor)) -> Divided {
        let mut found = Placed::new("in_specs", "args", &self.in_specs, &self.mesh);
        visit(&mut found);
        if let Some(mistake) = &found.mistake {
            panic!("shard_map: {mistake} (in the shard_map made at {made})")
        }
        let mesh = &self.mesh;
        for (path, value, spec) in &found.leaves {
            for (d, &n) in value.shape().iter().enumerate() {
                let blocks: usize = spec.axes(d).iter().map(|&a| mesh.axes[a as usize].1).product();
                assert!(
                    n % blocks == 0,
                    "shard_map: {path} is {}, of which axis {d} is not cut into {blocks} equal blocks by {} (in the shard_map made \
                     at {made})",
                    value.ty(),
                    spec.shown(&mesh.axes)
                );
            }
        }
        let leaves = found.leaves.into_iter().map(|(_, _, spec)| (spec, None)).collect();
        Divided { mesh: mesh.axes.clone(), devices: mesh.devices.clone(), leaves }
    }

    fn results(&self, made: At, _: &Divided, visit: &mut dyn FnMut(&mut dyn Visitor)) -> Vec<(Value, Spec)> {
        let mut found = Placed::new("out_specs", "result", &self.out_specs, &self.mesh);
        visit(&mut found);
        if let Some(mistake) = &found.mistake {
            panic!("shard_map: {mistake} (in the shard_map made at {made})")
        }
        let result = |(path, value, spec): (String, Value, Spec)| {
            let claimed = spec.varying(&self.mesh.axes);
            let beyond = value.ty().varying.beyond(&claimed);
            let names: Vec<String> = beyond.iter().map(|(name, _)| format!("{name:?}")).collect();
            assert!(
                beyond.is_empty(),
                "shard_map: {path} is {}, which differs between devices over {}, and its spec in out_specs says that it is the \
                 same there; psum, pmean, pmax and pmin give what is (in the shard_map made at {made})",
                value.ty(),
                names.join(" and ")
            );
            (value.vary_to(&claimed), spec)
        };
        found.leaves.into_iter().map(result).collect()
    }

    fn check(&self, _: At, _: &op::Pmap) {}
}
