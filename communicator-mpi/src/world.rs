//! MPI's processes as the world of a program on many devices: each is one place of its meshes.
//!
//! Sums are taken in the order of ranks, as between the threads of a process, so a program gives the same bits either way. Small
//! sums and extremes that are started one after another travel together, as one message: a bucket is sent when it is full, when
//! something else is started in its group, or when one of its results is waited for. All processes do that at the same points,
//! since they run one program.

use crate::buffer::Buffer;
use crate::{Error, Group, Pending, Reduction, end_job_on_panic, process};
use plywood_core::op::CollectiveKind;
use plywood_core::{DType, Engine, Op, Step, TensorType, Value, Values, at};
use plywood_multi_device::{Arrival, Communicator, Request, World};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Sums of fewer bytes are gathered.
const SMALL: usize = 64 << 10;
/// A bucket with so many bytes is sent.
const FULL: usize = 1 << 20;

static MESSAGES: AtomicU64 = AtomicU64::new(0);

/// Collectives of this process that were sent as messages, buckets counted once.
pub fn messages() -> u64 {
    MESSAGES.load(Ordering::Relaxed)
}

/// Starts MPI and joins its world: from here on programs on many devices have a place in each process. A panic in one process ends
/// the job. To be called once, first thing in `main`.
///
/// # Errors
/// If MPI does not start.
pub fn join() -> Result<(), Error> {
    let group = process::world()?;
    end_job_on_panic();
    plywood_multi_device::join(Arc::new(Mpi { group }));
    Ok(())
}

struct Mpi {
    group: Arc<Group>,
}

impl World for Mpi {
    fn name(&self) -> String {
        "MPI".to_string()
    }
    fn rank(&self) -> usize {
        self.group.rank()
    }
    fn size(&self) -> usize {
        self.group.size()
    }
    fn group(&self, members: &[usize]) -> Result<Arc<dyn Communicator>, plywood_core::Error> {
        // Groups that are made at the same time share no member, or are made in one order by those they share.
        let all: Vec<usize> = (0..self.size()).collect();
        let group = match members == all {
            true => self.group.clone(),
            false => self.group.sub(members, members[0] as u32).map_err(failed)?,
        };
        Ok(Arc::new(Member { group, bucket: Mutex::default() }))
    }
}

fn failed(e: Error) -> plywood_core::Error {
    plywood_core::Error::Unavailable { backend: "MPI".to_string(), reason: e.to_string() }
}

/// This process's end of a group.
struct Member {
    group: Arc<Group>,
    bucket: Mutex<Option<Arc<Bucket>>>,
}

/// Sums that travel together.
struct Bucket {
    how: Reduction,
    dtype: DType,
    state: Mutex<State>,
}

enum State {
    /// More may come.
    Open(Buffer),
    Sent(Pending<Buffer>),
    Done(Result<Buffer, plywood_core::Error>),
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Bucket {
    /// Sends what is in it, if that has not been done.
    fn send(&self, group: &Arc<Group>) {
        let mut state = lock(&self.state);
        if let State::Open(data) = &mut *state {
            MESSAGES.fetch_add(1, Ordering::Relaxed);
            let data = std::mem::replace(data, Buffer::zeros(self.dtype, 0));
            *state = State::Sent(group.start_all_reduce(self.how, self.dtype, data));
        }
    }

    /// A part of the result.
    fn part(&self, group: &Arc<Group>, from: usize, elements: usize) -> Result<Buffer, plywood_core::Error> {
        self.send(group);
        let mut state = lock(&self.state);
        if let State::Sent(_) = &*state {
            let done = State::Done(Ok(Buffer::zeros(self.dtype, 0)));
            if let State::Sent(pending) = std::mem::replace(&mut *state, done) {
                *state = State::Done(pending.wait().map_err(failed));
            }
        }
        match &*state {
            State::Done(result) => result.as_ref().map(|all| all.part(from, elements)).map_err(Clone::clone),
            State::Open(_) | State::Sent(_) => unreachable!("it was waited for"),
        }
    }
}

/// How elements are combined, where they are.
fn reduction(kind: &CollectiveKind) -> Option<Reduction> {
    match kind {
        CollectiveKind::Sum | CollectiveKind::SumScatter { .. } => Some(Reduction::SumInOrder),
        CollectiveKind::Max => Some(Reduction::Max),
        CollectiveKind::Min => Some(Reduction::Min),
        CollectiveKind::AllGather { .. } | CollectiveKind::AllToAll { .. } => None,
        CollectiveKind::Permute { .. } | CollectiveKind::Index | CollectiveKind::Vary => None,
    }
}

impl Communicator for Member {
    fn rank(&self) -> usize {
        self.group.rank()
    }

    fn size(&self) -> usize {
        self.group.size()
    }

    fn start(&self, request: Request) -> Result<Box<dyn Arrival>, plywood_core::Error> {
        let Request { collective, input, output, at: line } = request;
        let (engine, n, group) = (input.engine(), self.group.size(), &self.group);
        let to = Place { engine, ty: output.clone(), line };
        let read = |x: Value| x.read().map(Buffer::new);
        let (dtype, ty) = (input.dtype(), input.ty().clone());
        let mut open = lock(&self.bucket);
        let whole =
            matches!(collective.kind, CollectiveKind::Sum | CollectiveKind::Max | CollectiveKind::Min);
        if let (Some(how), true, true) = (reduction(&collective.kind), whole, ty.bytes() < SMALL) {
            let fits = |b: &Arc<Bucket>| {
                b.how == how && b.dtype == dtype && matches!(&*lock(&b.state), State::Open(_))
            };
            if !open.as_ref().is_some_and(fits) {
                self.flush(&mut open);
                let state = Mutex::new(State::Open(Buffer::zeros(dtype, 0)));
                *open = Some(Arc::new(Bucket { how, dtype, state }));
            }
            let bucket = open.clone().expect("it was opened");
            let (mut from, mut bytes) = (0, 0);
            if let State::Open(all) = &mut *lock(&bucket.state) {
                from = all.elements();
                all.append(read(input)?);
                bytes = all.bytes().len();
            }
            if bytes >= FULL {
                self.flush(&mut open);
            }
            return Ok(Box::new(InBucket { bucket, group: group.clone(), from, to }));
        }
        self.flush(&mut open);
        drop(open);
        MESSAGES.fetch_add(1, Ordering::Relaxed);
        // Blocks by rank lie in front.
        let front = |axis: usize| at::within(line, || input.clone().move_axis(axis as isize, 0));
        let blocks = Buffer::zeros(dtype, output.elements());
        let arriving = match &collective.kind {
            CollectiveKind::Sum | CollectiveKind::Max | CollectiveKind::Min => {
                let how = reduction(&collective.kind).expect("it combines");
                Arriving::One(group.start_all_reduce(how, dtype, read(input)?), ty.shape.clone(), None)
            }
            CollectiveKind::AllGather { axis } => {
                let shape = ty.shape.insert(0, n);
                Arriving::Two(group.start_all_gather(read(input)?, blocks), shape, Some(*axis))
            }
            CollectiveKind::SumScatter { axis } => {
                let data = read(front(*axis))?;
                let sums = group.start_reduce_scatter(Reduction::SumInOrder, dtype, data, blocks);
                Arriving::Two(sums, output.shape.clone(), None)
            }
            CollectiveKind::AllToAll { split, concat } => {
                let data = read(front(*split))?;
                let shape = ty.shape.without(&[*split]).insert(0, n);
                Arriving::Two(group.start_all_to_all(data, blocks), shape, Some(*concat))
            }
            CollectiveKind::Permute { pairs } => {
                let me = group.rank();
                let to = pairs.iter().find(|(from, _)| *from == me).map(|p| p.1);
                let from = pairs.iter().find(|(_, to)| *to == me).map(|p| p.0);
                Arriving::Two(group.start_permute(to, from, read(input)?, blocks), ty.shape.clone(), None)
            }
            CollectiveKind::Index | CollectiveKind::Vary => {
                unreachable!("{}: nothing travels", collective.name())
            }
        };
        Ok(Box::new(OnTheWay { arriving: Mutex::new(Some(arriving)), to }))
    }
}

impl Member {
    /// Sends the bucket that is open.
    fn flush(&self, open: &mut Option<Arc<Bucket>>) {
        if let Some(bucket) = open.take() {
            bucket.send(&self.group);
        }
    }
}

/// Where a result is put.
struct Place {
    engine: &'static dyn Engine,
    ty: TensorType,
    line: at::At,
}

impl Place {
    /// The elements as a tensor of that shape, whose first axis goes to a place of its own.
    fn value(&self, data: Buffer, shape: plywood_core::Shape, first: Option<usize>) -> Value {
        let ty = TensorType::new(shape.clone(), self.ty.dtype);
        let op = Op::Constant(data.array(shape));
        let step = Step { op: &op, outputs: std::slice::from_ref(&ty), at: self.line };
        let value = self.engine.execute(step, Values::new()).remove(0);
        match first {
            None => value,
            Some(axis) => at::within(self.line, || value.move_axis(0, axis as isize)),
        }
    }
}

/// A part of a bucket.
struct InBucket {
    bucket: Arc<Bucket>,
    group: Arc<Group>,
    from: usize,
    to: Place,
}

impl Arrival for InBucket {
    fn wait(&self) -> Result<Value, plywood_core::Error> {
        let data = self.bucket.part(&self.group, self.from, self.to.ty.elements())?;
        Ok(self.to.value(data, self.to.ty.shape.clone(), None))
    }
}

/// A call that was started, the shape of what it gives, and where the first axis goes.
enum Arriving {
    One(Pending<Buffer>, plywood_core::Shape, Option<usize>),
    Two(Pending<(Buffer, Buffer)>, plywood_core::Shape, Option<usize>),
}

struct OnTheWay {
    arriving: Mutex<Option<Arriving>>,
    to: Place,
}

impl Arrival for OnTheWay {
    fn wait(&self) -> Result<Value, plywood_core::Error> {
        let arriving = lock(&self.arriving).take().expect("a result is waited for once");
        let (data, shape, first) = match arriving {
            Arriving::One(pending, shape, first) => (pending.wait().map_err(failed)?, shape, first),
            Arriving::Two(pending, shape, first) => (pending.wait().map_err(failed)?.1, shape, first),
        };
        Ok(self.to.value(data, shape, first))
    }
}

impl fmt::Debug for Mpi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mpi(rank {} of {})", self.group.rank(), self.group.size())
    }
}
