//! Streams and events.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

/// What a stream does.
pub type Task = Box<dyn FnOnce() + Send>;

/// Something that is reached once.
pub struct Mark {
    left: Mutex<usize>,
    reached: Condvar,
}

impl Mark {
    /// Reached when so many have passed.
    pub fn new(left: usize) -> Arc<Mark> {
        Arc::new(Mark { left: Mutex::new(left), reached: Condvar::new() })
    }

    pub fn pass(&self) {
        *self.left.lock().unwrap() -= 1;
        self.reached.notify_all();
    }

    pub fn wait(&self) {
        let mut left = self.left.lock().unwrap();
        while *left > 0 {
            left = self.reached.wait(left).unwrap();
        }
    }
}

/// A stream of a device.
pub struct Stream {
    pub device: usize,
    tasks: Sender<Task>,
}

impl Stream {
    pub fn new(device: usize) -> Stream {
        let (tasks, asked) = channel::<Task>();
        std::thread::spawn(move || {
            for task in asked {
                late();
                task();
            }
        });
        Stream { device, tasks }
    }

    pub fn put(&self, task: impl FnOnce() + Send + 'static) {
        self.tasks.send(Box::new(task)).unwrap();
    }

    /// Passes the mark once all that was put before is done.
    pub fn mark(&self, mark: &Arc<Mark>) {
        let mark = mark.clone();
        self.put(move || mark.pass());
    }

    /// What is put from now on comes after the mark.
    pub fn after(&self, mark: &Arc<Mark>) {
        let mark = mark.clone();
        self.put(move || mark.wait());
    }

    /// The host waits.
    pub fn synchronize(&self) {
        let mark = Mark::new(1);
        self.mark(&mark);
        mark.wait();
    }
}

/// Up to half a millisecond; one time in eight up to four.
fn late() {
    static STATE: AtomicU64 = AtomicU64::new(1);
    let x = STATE.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
    let x = (x ^ (x >> 31)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = x ^ (x >> 29);
    let most = if x & 7 == 0 { 4000 } else { 500 };
    std::thread::sleep(Duration::from_micros((x >> 8) % most));
}
