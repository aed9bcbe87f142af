//! Values in parts, each on its device: what goes in is divided, what comes out stays divided until somebody reads it.

use super::{GATHERED, Hands};
use crate::communicator::Request;
use crate::world::{group, world};
use plywood_core::at::{self, At};
use plywood_core::op::{Collective, CollectiveKind, Pmap, Spec};
use plywood_core::{Backend, Device, Error, Later, Source, Tensor, TensorType, Value};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// What stands for a value that is in parts.
pub(crate) struct Shards {
    ty: TensorType,
    mesh: Arc<[(Arc<str>, usize)]>,
    spec: Spec,
    devices: Arc<[Device]>,
    /// A block for each place of the mesh; none for those of other processes.
    blocks: Vec<Option<Value>>,
    hands: Hands,
    /// The line of the program that made it.
    at: At,
}

/// One device's part of a tensor.
#[derive(Clone, Debug)]
pub struct Shard<B: Backend> {
    /// Where it is.
    pub device: Device,
    /// The part.
    pub data: Tensor<B>,
}

/// The parts of a tensor that are in this process, each on its device; one, if it is not divided.
///
/// ```
/// use plywood::prelude::*;
/// let y = pmap(|x: Tensor<_>| x * 2.0)(Tensor::<Cpu>::from([1.0, 2.0]));
/// let parts = shards(&y);
/// assert_eq!((parts[0].device.to_string(), parts[0].data.to_vec::<f64>()), ("cpu:0".to_string(), vec![2.0]));
/// assert_eq!((parts[1].device.to_string(), parts[1].data.to_vec::<f64>()), ("cpu:1".to_string(), vec![4.0]));
/// ```
pub fn shards<B: Backend>(x: &Tensor<B>) -> Vec<Shard<B>> {
    let value = x.value();
    match value.later().and_then(Later::source::<Shards>) {
        Some(shards) => {
            let there = shards.devices.iter().zip(&shards.blocks);
            there.filter_map(|(&device, x)| Some(Shard { device, data: Tensor::of(x.clone()?) })).collect()
        }
        None => vec![Shard { device: value.device(), data: x.clone() }],
    }
}

/// The devices that have a value's data: those of its parts in this process, or the one. Asking brings nothing together.
pub fn lies_on(value: &Value) -> Vec<Device> {
    match value.later().and_then(Later::source::<Shards>) {
        Some(shards) => {
            let there = shards.devices.iter().zip(&shards.blocks);
            there.filter_map(|(&device, x)| x.is_some().then_some(device)).collect()
        }
        None => vec![value.device()],
    }
}

/// Where the block of a place begins, and its size, in each dimension.
fn region(p: &[(Arc<str>, usize)], spec: &Spec, ty: &TensorType, place: usize) -> Vec<(usize, usize)> {
    let coordinate = |axis: usize| {
        let step: usize = p[axis + 1..].iter().map(|(_, size)| size).product();
        place / step % p[axis].1
    };
    (ty.shape.iter().enumerate())
        .map(|(d, &n)| {
            let (mut at, mut blocks) = (0, 1);
            for &a in spec.axes(d) {
                at = at * p[a as usize].1 + coordinate(a as usize);
                blocks *= p[a as usize].1;
            }
            let size = n / blocks;
            (at * size, size)
        })
        .collect()
}

/// The parts of a value that lies as the program takes it.
pub(super) fn lying(x: &Value, p: &Pmap, spec: &Spec, devices: &Arc<[Device]>) -> Option<Vec<Value>> {
    let shards = x.later()?.source::<Shards>()?;
    let sizes = |mesh: &[(Arc<str>, usize)]| mesh.iter().map(|(_, size)| *size).collect::<Vec<_>>();
    let same = shards.spec == *spec && shards.devices == *devices && sizes(&shards.mesh) == sizes(&p.mesh);
    same.then(|| shards.blocks.iter().flatten().cloned().collect())
}

/// The parts of a value for these places.
pub(super) fn divided(x: &Value, p: &Pmap, spec: &Spec, places: &[usize]) -> Vec<Value> {
    let part = |&place: &usize| {
        let region = region(&p.mesh, spec, x.ty(), place).into_iter().enumerate();
        region.fold(
            x.clone(),
            |x, (d, (at, size))| {
                if size == x.shape()[d] { x } else { x.slice_axis(d, at, at + size) }
            },
        )
    };
    places.iter().map(part).collect()
}

/// A result that may still be on its way, when it is there.
pub(super) fn arrived(y: Value) -> Result<Value, Error> {
    let mut y = y;
    // What one device sends on may itself be on its way.
    while let Some(later) = y.later() {
        y = later.value()?.clone();
    }
    Ok(y)
}

/// The whole of a result, in parts.
pub(super) fn whole(
    mut blocks: Vec<Value>,
    ty: &TensorType,
    p: &Pmap,
    spec: &Spec,
    devices: &Arc<[Device]>,
    hands: Hands,
    at: At,
) -> Value {
    if spec.named().next().is_none() || devices.len() == 1 {
        return blocks.swap_remove(0);
    }
    let engine = blocks[0].engine();
    let blocks = match world() {
        None => blocks.into_iter().map(Some).collect(),
        Some(world) => {
            let mut all: Vec<Option<Value>> = vec![None; devices.len()];
            all[world.rank()] = blocks.pop();
            all
        }
    };
    let (mesh, spec, devices) = (p.mesh.clone(), spec.clone(), devices.clone());
    let shards = Shards { ty: ty.clone(), mesh, spec, devices, blocks, hands, at };
    Value::new(engine, ty.clone(), Later::new(shards))
}

impl std::fmt::Debug for Shards {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Shards({} by {})", self.ty, self.spec.shown(&self.mesh))
    }
}

impl Shards {
    /// The blocks of all places; what other processes have comes from them, who ask for it too.
    fn all(&self) -> Result<Vec<Value>, Error> {
        if let Some(blocks) = self.blocks.iter().cloned().collect::<Option<Vec<Value>>>() {
            return Ok(blocks);
        }
        let world = world().expect("parts are elsewhere");
        let members: Vec<usize> = (0..world.size()).collect();
        let input = self.blocks[world.rank()].clone().expect("this process has its own");
        let n = members.len();
        let output = input.ty().with_shape(input.shape().insert(0, n));
        let kind = CollectiveKind::AllGather { axis: 0 };
        let collective = Collective { axis: "processes".into(), size: n, kind, tracked: false };
        let request = Request { collective, input, output, at: self.at };
        let all = group(world, &members)?.start(request)?.wait()?;
        Ok((0..n).map(|i| all.clone().slice_axis(0, i, i + 1).squeeze(&[0])).collect())
    }

    /// The device that gets the whole: the first one of this process.
    fn home(&self) -> Device {
        self.devices[world().map_or(0, |world| world.rank())]
    }

    /// The whole, of blocks: along one dimension after the other.
    fn joined(&self, blocks: &[Value], from: usize, chosen: &mut Vec<usize>) -> Result<Value, Error> {
        let rank = self.ty.rank();
        let of = |d: usize| self.spec.axes(d).iter().map(|&a| self.mesh[a as usize].1).product::<usize>();
        if from == rank {
            let fits = |place: &usize| {
                let region = region(&self.mesh, &self.spec, &self.ty, *place);
                region.iter().zip(&*chosen).all(|((at, size), &block)| *at == block * size)
            };
            let place = (0..blocks.len()).find(fits).expect("every block is somewhere");
            return (self.hands.put)(blocks[place].clone(), self.home());
        }
        let mut pieces: Vec<Value> = Vec::new();
        for block in 0..of(from) {
            chosen.push(block);
            pieces.push(self.joined(blocks, from + 1, chosen)?);
            chosen.pop();
        }
        Ok(match pieces.len() {
            1 => pieces.swap_remove(0),
            _ => Value::concatenate(pieces.into_iter().collect(), from as isize),
        })
    }
}

impl Source for Shards {
    fn get(&self) -> Result<Value, Error> {
        GATHERED.fetch_add(1, Ordering::Relaxed);
        let blocks = self.all()?;
        at::within(self.at, || self.joined(&blocks, 0, &mut Vec::new()))
    }
    fn device(&self) -> Device {
        self.home()
    }
}
