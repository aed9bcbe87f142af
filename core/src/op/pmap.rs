//! A function that many devices run, each on its part of the inputs: one program, as one operation that holds its graph.
//!
//! Devices lie in a mesh with named axes. How a tensor is divided is said for each of its axes: by which axes of the mesh it is
//! cut, into equal blocks in their order. A tensor is the same along the mesh axes that its [`Spec`] does not name. The graph
//! speaks of one device's blocks; over the mesh's axes it may hold collectives. Captured values are inputs like others.

use crate::op::{Op, Types};
use crate::{Device, Graph, Shape, TensorType, Value, Values, Varying};
use smallvec::SmallVec;
use std::sync::Arc;

/// By which axes of the mesh, counted from 0, each axis of a tensor is cut.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Spec(pub SmallVec<[SmallVec<[u8; 2]>; 4]>);

/// One program for many devices.
#[derive(Clone, Debug)]
pub struct Pmap {
    /// What each device computes, from blocks to blocks.
    pub graph: Arc<Graph>,
    /// The axes of the mesh: names and sizes. The last one varies fastest from device to device.
    pub mesh: Arc<[(Arc<str>, usize)]>,
    /// The devices, as many as the mesh has places; none: the backend's own, from its first.
    pub devices: Option<Arc<[Device]>>,
    /// How each input is divided.
    pub inputs: Vec<Spec>,
    /// How the outputs lie.
    pub outputs: Vec<Spec>,
    /// Whether types inside say over which axes a value varies (`shard_map`). If they do not (`pmap`), each device has its own
    /// copy of everything, and derivatives are those of the sum of all devices' results.
    pub tracked: bool,
}

/// The same operation holds the same graph, not an equal one.
impl PartialEq for Pmap {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.graph, &other.graph) && self.alike(other)
    }
}

impl Spec {
    /// The mesh axes that cut a dimension.
    pub fn axes(&self, dimension: usize) -> &[u8] {
        self.0.get(dimension).map_or(&[], |axes| axes)
    }

    /// All mesh axes that cut some dimension.
    pub fn named(&self) -> impl Iterator<Item = u8> + '_ {
        self.0.iter().flatten().copied()
    }

    /// The same, of a tensor with one more axis in front, by which it is cut so.
    pub fn behind(&self, axes: impl IntoIterator<Item = u8>) -> Spec {
        Spec(std::iter::once(axes.into_iter().collect()).chain(self.0.iter().cloned()).collect())
    }

    /// As it prints: `(data,_)`.
    pub fn shown(&self, mesh: &[(Arc<str>, usize)]) -> String {
        let dimension = |axes: &SmallVec<[u8; 2]>| match &axes[..] {
            [] => "_".to_string(),
            axes => axes.iter().map(|&a| &*mesh[a as usize].0).collect::<Vec<_>>().join("+"),
        };
        format!("({})", self.0.iter().map(dimension).collect::<Vec<_>>().join(","))
    }

    /// Over what a block that is cut so varies.
    pub fn varying(&self, mesh: &[(Arc<str>, usize)]) -> Varying {
        Varying::over(self.named().map(|a| mesh[a as usize].clone()))
    }
}

impl Pmap {
    /// Whether all is alike but for the graph.
    pub fn alike(&self, other: &Self) -> bool {
        self.mesh == other.mesh
            && self.devices == other.devices
            && self.inputs == other.inputs
            && self.outputs == other.outputs
            && self.tracked == other.tracked
    }

    /// How many devices.
    pub fn places(&self) -> usize {
        self.mesh.iter().map(|(_, size)| size).product()
    }

    /// The same devices, running another graph.
    pub fn with(&self, graph: Arc<Graph>, inputs: Vec<Spec>, outputs: Vec<Spec>) -> Pmap {
        Pmap { graph, inputs, outputs, ..self.clone() }
    }

    /// Into how many blocks each dimension is cut.
    pub fn blocks(&self, spec: &Spec, rank: usize) -> SmallVec<[usize; 4]> {
        let blocks = |d| spec.axes(d).iter().map(|&a| self.mesh[a as usize].1).product();
        (0..rank).map(blocks).collect()
    }

    /// The type of the whole, for that of a block.
    pub fn whole(&self, spec: &Spec, block: &TensorType) -> TensorType {
        let blocks = self.blocks(spec, block.rank());
        let shape: Shape = block.shape.iter().zip(blocks).map(|(&n, blocks)| n * blocks).collect();
        let varying =
            Varying::over(block.varying.axes().iter().filter(|(name, _)| self.axis(name).is_none()).cloned());
        TensorType::new(shape, block.dtype).with_varying(varying)
    }

    /// The types of the inputs, whole.
    pub fn input_types(&self) -> Vec<TensorType> {
        self.graph.input_types().zip(&self.inputs).map(|(ty, spec)| self.whole(spec, ty)).collect()
    }

    /// Which axis of the mesh has this name.
    pub fn axis(&self, name: &str) -> Option<usize> {
        self.mesh.iter().position(|(axis, _)| **axis == *name)
    }

    /// How a value inside, of this type, lies outside with a new axis in front, an element for each device that may have
    /// another one: how what is kept of the inside leaves and comes back.
    pub fn stacked(&self, ty: &TensorType) -> Spec {
        let axes = (0..self.mesh.len()).filter(|&a| !self.tracked || ty.varying.contains(&self.mesh[a].0));
        Spec::default().behind(axes.map(|a| a as u8))
    }

    /// The mesh axes along which a tensor is the same by its spec.
    pub fn unnamed(&self, spec: &Spec) -> Vec<usize> {
        (0..self.mesh.len()).filter(|&a| spec.named().all(|named| named as usize != a)).collect()
    }

    /// Executes it on `inputs`, which are values of one engine.
    #[track_caller]
    pub fn apply(self, inputs: Values) -> Values {
        Value::apply(&Op::Pmap(Arc::new(self)), inputs)
    }

    #[track_caller]
    pub(super) fn infer(&self, x: &[&TensorType]) -> Types {
        let specs = &self.inputs;
        for (i, ((x, spec), block)) in x.iter().zip(specs).zip(self.graph.input_types()).enumerate() {
            let blocks = self.blocks(spec, x.rank());
            let divides = x.shape.iter().zip(&blocks).all(|(n, &b)| b == 0 || n % b == 0);
            assert!(
                divides && spec.0.len() <= x.rank(),
                "pmap: input {i} is {x}, which {} does not cut into equal blocks",
                spec.shown(&self.mesh)
            );
            assert!(
                x.shape == self.whole(spec, block).shape && x.dtype == block.dtype,
                "pmap: input {i} is {x}, the function takes blocks of {block} by {}",
                spec.shown(&self.mesh)
            );
        }
        self.graph.output_types().zip(&self.outputs).map(|(ty, spec)| self.whole(spec, ty)).collect()
    }
}
