//! NCCL's functions that `src/nccl/` calls. Like NCCL's, its extremes drop NaN, calls of a group are one, and a rank that does not come
//! is waited for.

use crate::driver::{current, stream};
use crate::streams::{Mark, Stream};
use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::{c_char, c_int, c_void};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, LazyLock, Mutex};

/// A group of ranks.
struct World {
    size: usize,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// Who has come, and from which device.
    come: HashMap<usize, usize>,
    /// Of each collective call what each rank gives, and how many are done with it.
    calls: HashMap<usize, (HashMap<usize, Collective>, usize)>,
    /// What is sent from one to another.
    sent: HashMap<(usize, usize), Vec<(u64, usize, Arc<Mark>)>>,
}

/// A rank.
struct Comm {
    world: Arc<World>,
    rank: usize,
    device: usize,
    calls: usize,
}

/// An operation of all ranks.
#[derive(Clone, Copy, PartialEq)]
struct Collective {
    kind: Kind,
    from: u64,
    to: u64,
    count: usize,
    dtype: c_int,
    op: c_int,
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum Kind {
    AllReduce,
    ReduceScatter,
    AllGather,
}

enum Asked {
    All(Collective),
    Send(u64, usize, usize),
    Receive(u64, usize, usize),
}

#[derive(Default)]
struct Group {
    depth: usize,
    joins: Vec<(u64, usize, [u8; 128], usize, usize)>,
    asked: Vec<(u64, Arc<Stream>, Asked)>,
}

static WORLDS: LazyLock<Mutex<HashMap<[u8; 128], Arc<World>>>> = LazyLock::new(Mutex::default);

thread_local! { static GROUP: RefCell<Group> = RefCell::default(); }

#[repr(C)]
pub struct UniqueId([u8; 128]);

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ncclGetVersion(version: *mut c_int) -> c_int {
    let given = std::env::var("STAND_IN_NCCL_VERSION").ok();
    unsafe { *version = given.map_or(22705, |v| v.parse().unwrap()) };
    0
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ncclGetUniqueId(id: *mut UniqueId) -> c_int {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let mut bytes = [0; 128];
    bytes[..8].copy_from_slice(&NEXT.fetch_add(1, Ordering::Relaxed).to_le_bytes());
    bytes[127] = 7;
    unsafe { (*id).0 = bytes };
    0
}

#[unsafe(no_mangle)]
pub extern "C" fn ncclGroupStart() -> c_int {
    GROUP.with_borrow_mut(|group| group.depth += 1);
    0
}

#[unsafe(no_mangle)]
pub extern "C" fn ncclGroupEnd() -> c_int {
    let group = GROUP.with_borrow_mut(|group| {
        group.depth -= 1;
        if group.depth == 0 { std::mem::take(group) } else { Group::default() }
    });
    group.joins.iter().for_each(|&(place, size, id, rank, device)| come(place, size, id, rank, device));
    for (_, size, id, ..) in &group.joins {
        let world = WORLDS.lock().unwrap()[id].clone();
        let mut state = world.state.lock().unwrap();
        while state.come.len() < *size {
            state = world.changed.wait(state).unwrap();
        }
    }
    // One launch for each communicator.
    let mut launches: Vec<(u64, Arc<Stream>, Vec<Asked>)> = Vec::new();
    for (comm, stream, asked) in group.asked {
        match launches.iter_mut().find(|launch| launch.0 == comm) {
            Some(launch) => launch.2.push(asked),
            None => launches.push((comm, stream, vec![asked])),
        }
    }
    for (comm, stream, asked) in launches {
        let comm = unsafe { &mut *(comm as *mut Comm) };
        assert_eq!(comm.device, stream.device, "a stream of another device");
        let (world, rank, first) = (comm.world.clone(), comm.rank, comm.calls);
        comm.calls += asked.iter().filter(|asked| matches!(asked, Asked::All(_))).count();
        stream.put(move || world.run(rank, first, &asked));
    }
    0
}

fn come(place: u64, size: usize, id: [u8; 128], rank: usize, device: usize) {
    let mut worlds = WORLDS.lock().unwrap();
    let new = || Arc::new(World { size, state: Mutex::default(), changed: Condvar::new() });
    let world = worlds.entry(id).or_insert_with(new).clone();
    assert_eq!(world.size, size);
    let mut state = world.state.lock().unwrap();
    assert!(state.come.insert(rank, device).is_none(), "rank {rank} comes twice");
    drop(state);
    world.changed.notify_all();
    let comm = Comm { world, rank, device, calls: 0 };
    unsafe { *(place as *mut u64) = Box::into_raw(Box::new(comm)) as u64 };
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ncclCommInitRank(
    place: *mut *mut c_void,
    size: c_int,
    id: UniqueId,
    rank: c_int,
) -> c_int {
    let Some(device) = current() else { return 1 };
    GROUP.with_borrow_mut(|group| {
        assert!(group.depth > 0);
        group.joins.push((place as u64, size as usize, id.0, rank as usize, device));
    });
    0
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ncclCommDestroy(comm: *mut c_void) -> c_int {
    drop(unsafe { Box::from_raw(comm as *mut Comm) });
    0
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ncclCommAbort(comm: *mut c_void) -> c_int {
    unsafe { ncclCommDestroy(comm) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ncclCommGetAsyncError(_: *mut c_void, code: *mut c_int) -> c_int {
    unsafe { *code = if std::env::var_os("STAND_IN_LOST_RANK").is_some() { 6 } else { 0 } };
    0
}

#[unsafe(no_mangle)]
pub extern "C" fn ncclGetErrorString(_: c_int) -> *const c_char {
    c"remote process exited or there was a network error".as_ptr()
}

fn ask(comm: *mut c_void, on: *mut c_void, asked: Asked) -> c_int {
    let stream = unsafe { stream(on) }.clone();
    GROUP.with_borrow_mut(|group| {
        assert!(group.depth > 0);
        group.asked.push((comm as u64, stream, asked));
    });
    0
}

type Address = *mut c_void;

#[unsafe(no_mangle)]
pub extern "C" fn ncclAllReduce(
    from: Address,
    to: Address,
    count: usize,
    dtype: c_int,
    op: c_int,
    comm: Address,
    on: Address,
) -> c_int {
    let (kind, from, to) = (Kind::AllReduce, from as u64, to as u64);
    ask(comm, on, Asked::All(Collective { kind, from, to, count, dtype, op }))
}

#[unsafe(no_mangle)]
pub extern "C" fn ncclReduceScatter(
    from: Address,
    to: Address,
    count: usize,
    dtype: c_int,
    op: c_int,
    comm: Address,
    on: Address,
) -> c_int {
    let (kind, from, to) = (Kind::ReduceScatter, from as u64, to as u64);
    ask(comm, on, Asked::All(Collective { kind, from, to, count, dtype, op }))
}

#[unsafe(no_mangle)]
pub extern "C" fn ncclAllGather(
    from: Address,
    to: Address,
    count: usize,
    dtype: c_int,
    comm: Address,
    on: Address,
) -> c_int {
    let (kind, from, to) = (Kind::AllGather, from as u64, to as u64);
    ask(comm, on, Asked::All(Collective { kind, from, to, count, dtype, op: 0 }))
}

#[unsafe(no_mangle)]
pub extern "C" fn ncclSend(
    from: Address,
    count: usize,
    dtype: c_int,
    peer: c_int,
    comm: Address,
    on: Address,
) -> c_int {
    ask(comm, on, Asked::Send(from as u64, count * size(dtype), peer as usize))
}

#[unsafe(no_mangle)]
pub extern "C" fn ncclRecv(
    to: Address,
    count: usize,
    dtype: c_int,
    peer: c_int,
    comm: Address,
    on: Address,
) -> c_int {
    ask(comm, on, Asked::Receive(to as u64, count * size(dtype), peer as usize))
}

fn size(dtype: c_int) -> usize {
    [1, 1, 4, 4, 8, 8, 2, 4, 8, 2][dtype as usize]
}

impl World {
    /// What a stream does for a group of a rank's calls.
    fn run(&self, rank: usize, first: usize, asked: &[Asked]) {
        let mut taken = Vec::new();
        for asked in asked {
            if let &Asked::Send(from, bytes, peer) = asked {
                let mark = Mark::new(1);
                let mut state = self.state.lock().unwrap();
                state.sent.entry((rank, peer)).or_default().push((from, bytes, mark.clone()));
                taken.push(mark);
            }
        }
        self.changed.notify_all();
        let mut call = first;
        for asked in asked {
            match *asked {
                Asked::Send(..) => {}
                Asked::Receive(to, bytes, peer) => {
                    let (from, sent, mark) = self.wait(|state| {
                        let sent = state.sent.entry((peer, rank)).or_default();
                        (!sent.is_empty()).then(|| sent.remove(0))
                    });
                    assert_eq!(sent, bytes, "a message of another size");
                    unsafe { std::ptr::copy_nonoverlapping(from as *const u8, to as *mut u8, bytes) };
                    mark.pass();
                }
                Asked::All(collective) => {
                    self.all(rank, call, collective);
                    call += 1;
                }
            }
        }
        taken.iter().for_each(|mark| mark.wait());
    }

    fn wait<T>(&self, mut f: impl FnMut(&mut State) -> Option<T>) -> T {
        let mut state = self.state.lock().unwrap();
        loop {
            match f(&mut state) {
                Some(found) => return found,
                None => state = self.changed.wait(state).unwrap(),
            }
        }
    }

    fn all(&self, rank: usize, call: usize, own: Collective) {
        self.state.lock().unwrap().calls.entry(call).or_default().0.insert(rank, own);
        self.changed.notify_all();
        let given = self
            .wait(|state| (state.calls[&call].0.len() == self.size).then(|| state.calls[&call].0.clone()));
        let alike = |c: &Collective| Collective { from: 0, to: 0, ..*c };
        assert!(given.values().all(|c| alike(c) == alike(&own)), "ranks ask for different things");
        let ranks = (0..self.size).map(|r| given[&r].from);
        let bytes = own.count * size(own.dtype);
        match own.kind {
            Kind::AllGather => ranks.enumerate().for_each(|(r, from)| unsafe {
                std::ptr::copy_nonoverlapping(
                    from as *const u8,
                    (own.to + (r * bytes) as u64) as *mut u8,
                    bytes,
                )
            }),
            Kind::AllReduce => fold(&own, ranks.collect()),
            Kind::ReduceScatter => fold(&own, ranks.map(|from| from + (rank * bytes) as u64).collect()),
        }
        // Nobody's memory changes before all have read it.
        self.state.lock().unwrap().calls.get_mut(&call).unwrap().1 += 1;
        self.changed.notify_all();
        self.wait(|state| (state.calls[&call].1 == self.size).then_some(()));
    }
}

fn fold(c: &Collective, ranks: Vec<u64>) {
    macro_rules! by {
        ($T:ty, $add:expr, $max:expr, $min:expr) => {
            for i in 0..c.count {
                let elements = ranks.iter().map(|&from| unsafe { *(from as *const $T).add(i) });
                let folded = match c.op {
                    0 => elements.reduce($add),
                    2 => elements.reduce($max),
                    3 => elements.reduce($min),
                    op => panic!("no reduction {op}"),
                };
                unsafe { *(c.to as *mut $T).add(i) = folded.unwrap() };
            }
        };
    }
    macro_rules! integer {
        ($T:ty) => {
            by!($T, |a, b| a.wrapping_add(b), |a, b| a.max(b), |a, b| a.min(b))
        };
    }
    match c.dtype {
        0 => integer!(i8),
        1 => integer!(u8),
        2 => integer!(i32),
        3 => integer!(u32),
        4 => integer!(i64),
        5 => integer!(u64),
        6 => by!(u16, |a, b| half(from_half(a) + from_half(b)), |_, _| panic!(), |_, _| panic!()),
        7 => by!(f32, |a, b| a + b, |a, b| a.max(b), |a, b| a.min(b)),
        8 => by!(f64, |a, b| a + b, |a, b| a.max(b), |a, b| a.min(b)),
        9 => by!(u16, |a, b| brain(from_brain(a) + from_brain(b)), |_, _| panic!(), |_, _| panic!()),
        dtype => panic!("no type {dtype}"),
    }
}

fn from_brain(x: u16) -> f32 {
    f32::from_bits((x as u32) << 16)
}

fn brain(x: f32) -> u16 {
    (x.to_bits() >> 16) as u16
}

/// Normal numbers, zero, and no numbers.
fn from_half(x: u16) -> f32 {
    let (sign, rest) = ((x as u32 & 0x8000) << 16, x as u32 & 0x7fff);
    f32::from_bits(match rest {
        0 => sign,
        0x7c00.. => sign | rest << 13 | 255 << 23,
        _ => sign | ((rest << 13) + (112 << 23)),
    })
}

fn half(x: f32) -> u16 {
    let (sign, rest) = ((x.to_bits() >> 16 & 0x8000) as u16, x.to_bits() & 0x7fff_ffff);
    match rest {
        0 => sign,
        0x7f80_0000.. => sign | 0x7c00 | (rest >> 13 & 0x3ff) as u16,
        _ => sign | ((rest - (112 << 23)) >> 13) as u16,
    }
}
