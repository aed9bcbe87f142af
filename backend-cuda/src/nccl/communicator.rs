//! [`Communicator`]: the ranks of this process in a group, and what they do together with all others.
//!
//! What always holds: calls on one communicator follow one another, and each is in the order of the device's queue, after what made its
//! inputs and before what reads its results.

use super::carry::Carrier;
use super::comm::{self, Member, Span};
use super::driver::Lane;
use super::library::{self, Nccl};
use super::moves::{Call, Move};
use super::region::{Part, Region};
use crate::client::Client;
use crate::data::Buffer;
use crate::kernels::Queue;
use crate::platform::{Cuda, Platform, client};
use cubecl::cuda::CudaRuntime;
use plywood_core::{Backend, DType, Device, DeviceBackend, Error, TensorType, Value};
use std::fmt;
use std::sync::Mutex;

/// How the elements of all ranks are put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fold {
    /// Their sum, in the order that NCCL takes: of floats rounded at each step, 16-bit ones to 16 bits. It is the same on all ranks, and
    /// each time with the same ranks and sizes. Integers wrap. Bools have none.
    Sum,
    /// The largest; NaN if any is.
    Max,
    /// The smallest; NaN if any is.
    Min,
}

impl Fold {
    /// NCCL's number of it (`ncclRedOp_t`).
    pub(super) fn code(self) -> i32 {
        match self {
            Fold::Sum => 0,
            Fold::Max => 2,
            Fold::Min => 3,
        }
    }
}

/// Ranks of this process in a group of ranks, each with a GPU of its own.
///
/// A call takes the tensors of the first of its [`ranks`](Communicator::ranks), then as many of the second, and so on; the i-th of each
/// rank belong together and have one type. It gives the results in the same order, on the devices of their ranks. All ranks of the
/// group make the same calls in the same order, those of other processes and threads too; several tensors in one call are one launch,
/// and cost its latency once. A call returns when NCCL has taken it, which may be before other ranks have come, and gives values that
/// are not yet computed, as operations do.
///
/// Where two groups have ranks on one device, their calls need one order on all devices as well, or they wait for each other for ever.
///
/// Wrong shapes and devices are mistakes in the program, and panic. What NCCL or the driver refuses is an error; after one the group is
/// of no more use.
pub struct Communicator {
    size: usize,
    nccl: &'static Nccl,
    members: Vec<Member>,
    /// Calls follow one another.
    calls: Mutex<()>,
}

/// A tensor of a rank that is under way.
struct Job<'a> {
    member: &'a Member,
    client: &'static Client<CudaRuntime>,
    carrier: Carrier,
    /// As it travels.
    input: Value,
    /// As it arrives.
    arrives: TensorType,
    output: Buffer,
    dtype: DType,
}

impl Communicator {
    /// A group whose ranks are all of this process: rank k is on the k-th of these devices.
    pub fn of(devices: &[Device]) -> Result<Communicator, Error> {
        let ranks: Vec<(usize, Device)> = devices.iter().copied().enumerate().collect();
        Communicator::join(devices.len(), &ranks, |_| Ok(()))
    }

    /// Joins a group of `size` ranks with those of this process, on different devices; waits until all have come.
    ///
    /// The 128 bytes by which NCCL finds the others are made by the process that has rank 0. `exchange` is called once in each process,
    /// and leaves rank 0's bytes everywhere: a broadcast from that process.
    pub fn join(
        size: usize,
        ranks: &[(usize, Device)],
        exchange: impl FnOnce(&mut [u8; 128]) -> Result<(), Error>,
    ) -> Result<Communicator, Error> {
        assert!(!ranks.is_empty(), "a communicator has at least one rank of this process");
        for (i, (rank, device)) in ranks.iter().enumerate() {
            let before = &ranks[..i];
            assert!(*rank < size, "rank {rank} of a group of {size}");
            assert!(before.iter().all(|(other, _)| other != rank), "rank {rank} is named twice");
            assert!(before.iter().all(|(_, other)| other != device), "{device} is named for two ranks");
        }
        // Devices first: where there is none, NCCL is of no use either.
        ranks.iter().try_for_each(|&(_, device)| of_device(device).map(|_| ()))?;
        let nccl = library::nccl()?;
        let lane = |&(rank, device): &(usize, Device)| Ok((rank, Lane::new(device)?));
        let lanes = ranks.iter().map(lane).collect::<Result<Vec<_>, Error>>()?;
        let mut id = match ranks.iter().any(|&(rank, _)| rank == 0) {
            true => comm::unique_id(nccl)?,
            false => library::UniqueId([0; 128]),
        };
        exchange(&mut id.0)?;
        let members = comm::join(nccl, size, id, lanes)?;
        Ok(Communicator { size, nccl, members, calls: Mutex::new(()) })
    }

    /// How many ranks the group has.
    pub fn size(&self) -> usize {
        self.size
    }

    /// The ranks of this process, in the order in which calls take their tensors.
    pub fn ranks(&self) -> Vec<usize> {
        self.members.iter().map(|member| member.rank).collect()
    }

    /// Their devices.
    pub fn devices(&self) -> Vec<Device> {
        self.members.iter().map(|member| member.lane.device).collect()
    }

    /// Whether the host waits for the devices in each call, since a driver before CUDA 12.5 cannot be told an order of streams that it
    /// does not show.
    pub fn waits(&self) -> bool {
        self.members.iter().any(|member| !member.lane.is_ordered())
    }

    /// A communicator for each rank of this process, to be used by threads of their own. They are of one group still.
    pub fn split(self) -> Vec<Communicator> {
        let (size, nccl) = (self.size, self.nccl);
        let alone = |member| Communicator { size, nccl, members: vec![member], calls: Mutex::new(()) };
        self.members.into_iter().map(alone).collect()
    }

    /// Leaves the group at once, whatever is under way: for when other ranks will not come any more. Devices that wait for them go on;
    /// what they would have given is not to be relied on.
    pub fn abort(self) {
        self.members.into_iter().for_each(Member::abort)
    }

    /// Each rank gets the sum, or an extreme, of all ranks' tensors, element by element.
    #[track_caller]
    pub fn all_reduce(&self, how: Fold, values: &[&Value]) -> Result<Vec<Value>, Error> {
        self.call(Call::AllReduce(how), values)
    }

    /// Each rank gets its part of the sum, or of an extreme: rank k element k of the first axis, which has one for each rank and goes
    /// away.
    #[track_caller]
    pub fn reduce_scatter(&self, how: Fold, values: &[&Value]) -> Result<Vec<Value>, Error> {
        self.call(Call::ReduceScatter(how), values)
    }

    /// Each rank gets all ranks' tensors, stacked along a new first axis.
    #[track_caller]
    pub fn all_gather(&self, values: &[&Value]) -> Result<Vec<Value>, Error> {
        self.call(Call::AllGather, values)
    }

    /// Element k of the first axis of rank l, which has one for each rank, becomes element l of rank k.
    #[track_caller]
    pub fn all_to_all(&self, values: &[&Value]) -> Result<Vec<Value>, Error> {
        self.call(Call::AllToAll, values)
    }

    /// Rank `to` gets rank `from`'s tensor for each pair `(from, to)`; one that no pair names as `to` gets zeros.
    #[track_caller]
    pub fn permute(&self, pairs: &[(usize, usize)], values: &[&Value]) -> Result<Vec<Value>, Error> {
        self.call(Call::Permute(pairs), values)
    }

    #[track_caller]
    fn call(&self, call: Call<'_>, values: &[&Value]) -> Result<Vec<Value>, Error> {
        let types = self.check(&call, values);
        let _one = self.calls.lock().unwrap_or_else(|e| e.into_inner());
        self.members.iter().try_for_each(Member::check)?;
        let count = values.len() / self.members.len();
        // Each device makes its tensors ready; none is waited for.
        let jobs = values.iter().zip(types).enumerate();
        let jobs = jobs
            .map(|(i, (x, ty))| Job::new(&self.members[i / count], &call, x, ty))
            .collect::<Result<Vec<Job<'_>>, Error>>()?;
        let moving: Vec<&Job<'_>> = jobs.iter().filter(|job| job.input.ty().elements() > 0).collect();
        if !moving.is_empty() {
            self.exchange(&call, &moving)?;
        }
        Ok(jobs.into_iter().map(Job::done).collect())
    }

    /// The types of the results; panics where tensors do not fit.
    #[track_caller]
    fn check(&self, call: &Call<'_>, values: &[&Value]) -> Vec<TensorType> {
        let (name, ranks) = (call.name(), self.members.len());
        assert!(
            values.len().is_multiple_of(ranks),
            "{name}: {} tensors are not as many for each of this process's {ranks} ranks",
            values.len()
        );
        let count = values.len() / ranks;
        let result = |(i, x): (usize, &&Value)| {
            let (member, first) = (&self.members[i / count], values[i % count]);
            assert!(
                x.engine().id() == Cuda::ENGINE.id(),
                "{name}: a tensor of {}, not of Cuda",
                x.engine().name()
            );
            assert!(
                x.device() == member.lane.device,
                "{name}: a tensor on {} for rank {}, which is on {}",
                x.device(),
                member.rank,
                member.lane.device
            );
            assert!(x.ty() == first.ty(), "{name}: ranks with {} and {}", first.ty(), x.ty());
            call.result(self.size, x.ty())
        };
        values.iter().enumerate().map(result).collect()
    }

    /// Sends and receives, in the order of the devices' queues.
    fn exchange(&self, call: &Call<'_>, jobs: &[&Job<'_>]) -> Result<(), Error> {
        let mut regions = Vec::new();
        for member in &self.members {
            let own = jobs.iter().filter(|job| job.member.rank == member.rank);
            let parts = own.flat_map(|job| {
                let arrives = Part { buffer: job.output.clone(), start: 0, bytes: job.arrives.bytes() };
                [Part::of(&job.input), arrives]
            });
            regions.extend(Region::of(of_device(member.lane.device)?, parts.collect())?);
        }
        for member in &self.members {
            if !member.lane.is_ordered() {
                of_device(member.lane.device)?.wait()?;
            }
            member.lane.after_others()?;
        }
        let device = self.members[0].lane.device;
        let sent = comm::group(self.nccl, device, || {
            // Jobs are in the order of the ranks.
            jobs.iter().zip(regions.chunks(2)).try_for_each(|(job, lent)| {
                let moves = call.moves(job.member.rank, self.size, job.input.ty().elements());
                moves.into_iter().try_for_each(|step| job.step(step, &lent[0], &lent[1]))
            })
        });
        // Whatever came of it, and of any of them, nothing may overtake what was taken.
        let ordered: Vec<_> = self.members.iter().map(|member| member.lane.before_others()).collect();
        sent.and(ordered.into_iter().collect())
    }
}

impl<'a> Job<'a> {
    fn new(member: &'a Member, call: &Call<'_>, x: &Value, ty: TensorType) -> Result<Job<'a>, Error> {
        let client = of_device(member.lane.device)?;
        let queue = Queue { client, engine: Cuda::ENGINE };
        let dtype = x.dtype();
        let carrier = match *call {
            Call::AllReduce(how) | Call::ReduceScatter(how) => Carrier::folded(dtype, how)
                .unwrap_or_else(|| panic!("{}: there are no sums of {dtype}", call.name())),
            Call::AllGather | Call::AllToAll | Call::Permute(_) => Carrier::moved(dtype),
        };
        let input = carrier.load(&queue, x);
        let arrives = ty.with_dtype(carrier.dtype);
        let output = queue.empty(&arrives);
        Ok(Job { member, client, carrier, input, arrives, output, dtype })
    }

    /// Asks for one thing.
    fn step(&self, step: Move, input: &Region, output: &Region) -> Result<(), Error> {
        let Carrier { dtype, element, .. } = self.carrier;
        // How many of what NCCL counts are an element.
        let scale = dtype.size() / element.size;
        let span = |region, first, count| Span { region, first: first * scale, count: count * scale };
        let (from, to) =
            (span(input, 0, self.input.ty().elements()), span(output, 0, self.arrives.elements()));
        match step {
            Move::AllReduce(how) => self.member.all_reduce(from, to, element, how),
            Move::ReduceScatter(how) => self.member.reduce_scatter(from, to, element, how),
            Move::AllGather => self.member.all_gather(from, to, element),
            Move::Send { to, first, count } => self.member.send(span(input, first, count), element, to),
            Move::Receive { from, first, count } => {
                self.member.receive(span(output, first, count), element, from)
            }
            Move::Zero => self.member.lane.zero(output),
        }
    }

    /// The result.
    fn done(self) -> Value {
        let queue = Queue { client: self.client, engine: Cuda::ENGINE };
        let arrived = queue.filled(self.arrives, self.output);
        self.carrier.unload(&queue, arrived, self.dtype)
    }
}

impl fmt::Debug for Communicator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ranks = self.members.iter().map(|member| (member.rank, member.lane.device));
        f.debug_struct("Communicator")
            .field("size", &self.size)
            .field("ranks", &ranks.collect::<Vec<_>>())
            .finish()
    }
}

/// The client of one of CUDA's devices.
fn of_device(device: Device) -> Result<&'static Client<CudaRuntime>, Error> {
    match device.kind == Cuda::KIND {
        true => client::<Cuda>(device.index),
        false => Err(Error::UnknownDevice { device, available: Cuda::devices() }),
    }
}
