//! A thread for each device, which lives as long as the process; as many as it is named times in a program that has it at several places.
//!
//! What always holds: the work of one program is put before all its devices at once, so that two programs that are started from
//! different threads come in the same order on all devices, and neither waits for the other in the middle.

use plywood_core::Device;
use std::any::TypeId;
use std::collections::HashMap;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Mutex, OnceLock};

pub(super) type Work = Box<dyn FnOnce() + Send>;

type Workers = Mutex<HashMap<(TypeId, Device, usize), Sender<Work>>>;

fn workers() -> &'static Workers {
    static WORKERS: OnceLock<Workers> = OnceLock::new();
    WORKERS.get_or_init(Workers::default)
}

fn worker(device: Device) -> Sender<Work> {
    let (sender, queue) = channel::<Work>();
    let thread = std::thread::Builder::new().name(format!("plywood-{device}"));
    let run = move || queue.into_iter().for_each(|work| work());
    if let Err(e) = thread.spawn(run) {
        panic!("the system has no thread for {device}: {e}")
    }
    sender
}

/// Runs each work on its device's thread, and waits until all is done. Work does not panic.
pub(super) fn run(engine: TypeId, work: Vec<(Device, Work)>) {
    let (done, all) = channel();
    let mut count = 0;
    {
        let mut workers = workers().lock().unwrap_or_else(|e| e.into_inner());
        let mut named: HashMap<Device, usize> = HashMap::new();
        // All threads are there before any begins: one that began alone would wait for the others.
        let threads: Vec<Sender<Work>> = (work.iter())
            .map(|(device, _)| {
                let times = named.entry(*device).or_default();
                let sender = workers.entry((engine, *device, *times)).or_insert_with(|| worker(*device));
                *times += 1;
                sender.clone()
            })
            .collect();
        for (sender, (device, work)) in threads.into_iter().zip(work) {
            let done = done.clone();
            let work: Work = Box::new(move || {
                work();
                let _ = done.send(());
            });
            if sender.send(work).is_err() {
                panic!("the thread of {device} has ended")
            }
            count += 1;
        }
    }
    drop(done);
    (0..count).for_each(|_| {
        let _ = all.recv();
    });
}
