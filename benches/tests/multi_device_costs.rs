//! The cost model on paper against a simulation: ranks that hold numbers, and send them by each algorithm, message by message. And the
//! page against the tables.

use plywood_benches::costs::network::{
    AllReduce, Cost, FAST, Link, NVLINK, all_gather, all_to_all, permute, reduce_scatter,
};
use plywood_benches::costs::tables;
use plywood_benches::costs::training::{Bucket, bubble, exposed, exposed_of_equal};
use std::ops::Range;

/// Bytes of a number.
const SIZE: f64 = 4.0;

/// A message of a round: from, to, which numbers, and whether they are added or replace what is there.
struct Message {
    from: usize,
    to: usize,
    part: Range<usize>,
    add: bool,
}

/// Ranks with numbers, and the time at which each is ready.
struct Ranks<'a> {
    link: &'a Link,
    numbers: Vec<Vec<f64>>,
    ready: Vec<f64>,
    sent: Vec<f64>,
}

impl<'a> Ranks<'a> {
    /// Rank r has i + r^2 at place i.
    fn new(p: usize, n: usize, link: &'a Link) -> Self {
        let numbers = (0..p).map(|r| (0..n).map(|i| (i + r * r) as f64).collect()).collect();
        Ranks { link, numbers, ready: vec![0.0; p], sent: vec![0.0; p] }
    }

    /// One message out of and one into each port; a rank goes on when it has sent, received and added.
    fn round(&mut self, messages: &[Message]) {
        let before = self.numbers.clone();
        let start = self.ready.clone();
        for (i, m) in messages.iter().enumerate() {
            let busy = messages[..i].iter().any(|other| other.from == m.from || other.to == m.to);
            assert!(!busy, "a port has two messages at once");
            let bytes = m.part.len() as f64 * SIZE;
            let arrived = start[m.from].max(start[m.to]) + self.link.alpha + bytes / self.link.bandwidth;
            let adding = if m.add { bytes / self.link.adds } else { 0.0 };
            self.ready[m.to] = self.ready[m.to].max(arrived + adding);
            self.ready[m.from] = self.ready[m.from].max(arrived);
            self.sent[m.from] += bytes;
            for i in m.part.clone() {
                let kept = if m.add { self.numbers[m.to][i] } else { 0.0 };
                self.numbers[m.to][i] = kept + before[m.from][i];
            }
        }
    }

    fn run(&mut self, how: AllReduce) {
        let (p, n) = (self.numbers.len(), self.numbers[0].len());
        let chunk = |c: usize| c % p * n / p..(c % p + 1) * n / p;
        let each = |m: &dyn Fn(usize) -> Message| (0..p).map(m).collect::<Vec<_>>();
        let halves = || (0..p.ilog2()).map(|k| 1 << k);
        match how {
            AllReduce::Direct => {
                // Messages of one rank follow each other without a new start.
                let numbers = self.numbers.clone();
                let total = (0..n).map(|i| numbers.iter().map(|x| x[i]).sum()).collect();
                self.numbers = vec![total; p];
                let bytes = (p - 1) as f64 * n as f64 * SIZE;
                let start = if p > 1 { self.link.alpha } else { 0.0 };
                let time = start + bytes / self.link.bandwidth + bytes / self.link.adds;
                (self.ready, self.sent) = (vec![time; p], vec![bytes; p]);
            }
            AllReduce::Tree => {
                let pairs = |d: usize| (0..p).step_by(2 * d).map(move |to| (to, to + d)).collect::<Vec<_>>();
                for d in halves() {
                    let up = |(to, from)| Message { from, to, part: 0..n, add: true };
                    self.round(&pairs(d).into_iter().map(up).collect::<Vec<_>>());
                }
                for d in halves().rev() {
                    let down = |(from, to)| Message { from, to, part: 0..n, add: false };
                    self.round(&pairs(d).into_iter().map(down).collect::<Vec<_>>());
                }
            }
            AllReduce::Doubling => halves()
                .for_each(|d| self.round(&each(&|r| Message { from: r, to: r ^ d, part: 0..n, add: true }))),
            AllReduce::Halving => {
                // After the round of distance d, a rank has the sums of the chunks whose numbers agree with its own but for the bits below d.
                let with = |r: usize, d: usize| {
                    let first = r & !(d - 1);
                    chunk(first).start..chunk(first + d - 1).end
                };
                for d in halves().rev() {
                    self.round(&each(&|r| Message { from: r, to: r ^ d, part: with(r ^ d, d), add: true }));
                }
                for d in halves() {
                    self.round(&each(&|r| Message { from: r, to: r ^ d, part: with(r, d), add: false }));
                }
            }
            AllReduce::Ring => {
                for step in 0..p - 1 {
                    let to = |r: usize| (r + 1) % p;
                    let part = |r: usize| chunk(r + p - step);
                    self.round(&each(&|r| Message { from: r, to: to(r), part: part(r), add: true }));
                }
                for step in 0..p - 1 {
                    let part = |r: usize| chunk(r + 1 + p - step);
                    self.round(&each(&|r| Message { from: r, to: (r + 1) % p, part: part(r), add: false }));
                }
            }
        }
    }
}

fn close(a: f64, b: f64, what: &str) {
    assert!((a - b).abs() <= 1e-9 * a.abs().max(b.abs()), "{what}: {a} and {b}");
}

#[test]
fn formulas_are_what_messages_take() {
    for how in AllReduce::ALL {
        for p in [1, 2, 4, 8, 16, 64] {
            for (n, link) in [(64, &FAST), (64 * 1000, &NVLINK)] {
                let mut ranks = Ranks::new(p, n, link);
                let expected: Vec<f64> = (0..n).map(|i| (0..p).map(|r| (i + r * r) as f64).sum()).collect();
                ranks.run(how);
                let name = format!("{} of {n} numbers over {p} ranks", how.name());
                assert!(ranks.numbers.iter().all(|x| *x == expected), "{name}: not the sum");
                let cost = how.cost(p, n as f64 * SIZE);
                let last = ranks.ready.iter().copied().fold(0.0, f64::max);
                close(cost.time(link), last, &name);
                let most = ranks.sent.iter().copied().fold(0.0, f64::max);
                match how {
                    // The root's messages down the tree; those up the tree are other ranks'.
                    AllReduce::Tree => close(cost.bytes / 2.0, most, &name),
                    AllReduce::Direct | AllReduce::Doubling | AllReduce::Halving | AllReduce::Ring => {
                        close(cost.bytes, most, &name)
                    }
                }
            }
        }
    }
}

/// No rank sends less than 2 (p - 1)/p n on average (Patarasuk and Yuan, 2009).
#[test]
fn none_sends_less_than_the_bound() {
    for (how, p) in AllReduce::ALL.into_iter().flat_map(|how| [2, 8, 64].map(|p| (how, p))) {
        let mut ranks = Ranks::new(p, 64, &FAST);
        ranks.run(how);
        let mean = ranks.sent.iter().sum::<f64>() / p as f64;
        let bound = 2.0 * (p - 1) as f64 / p as f64 * 64.0 * SIZE;
        assert!(mean >= bound * (1.0 - 1e-12), "{}: {mean} below {bound}", how.name());
    }
}

#[test]
fn at_a_crossover_both_take_as_long() {
    let pairs = [
        (AllReduce::Direct, AllReduce::Doubling),
        (AllReduce::Doubling, AllReduce::Halving),
        (AllReduce::Doubling, AllReduce::Ring),
    ];
    for (from, to) in pairs {
        for p in [8, 64, 1024] {
            let n = from.crossover(to, p, &FAST).expect("there is one");
            close(from.cost(p, n).time(&FAST), to.cost(p, n).time(&FAST), "at the crossover");
            assert!(from.cost(p, 2.0 * n).time(&FAST) > to.cost(p, 2.0 * n).time(&FAST));
        }
    }
    assert_eq!(AllReduce::Ring.crossover(AllReduce::Tree, 8, &FAST), None);
}

#[test]
fn parts_make_a_whole() {
    let both = reduce_scatter(8, 1e6).then(all_gather(8, 1e6));
    assert_eq!(both, AllReduce::Ring.cost(8, 1e6));
    assert_eq!(all_to_all(8, 1e6).bytes, 7.0 / 8.0 * 1e6);
    assert_eq!(permute(1e6), Cost { messages: 1.0, bytes: 1e6, added: 0.0 });
}

/// The closed form of equal buckets is what sending them one after another gives.
#[test]
fn what_is_hidden_is_what_stands_behind_computing() {
    let (forward, backward) = (1.0, 2.0);
    for m in [1usize, 2, 7, 100] {
        for c in [1e-3, 0.02, 0.3, 5.0] {
            let ready = |i: usize| forward + backward * (i + 1) as f64 / m as f64;
            let all: Vec<Bucket> = (0..m).map(|i| Bucket { ready: ready(i), bytes: 1.0 }).collect();
            let simulated = exposed(&all, forward + backward, |_| c);
            close(simulated, exposed_of_equal(m as f64, c, backward), "equal buckets");
        }
    }
}

/// Stages that start when they have the microbatch, and are free: forward, then backward.
#[test]
fn a_pipeline_idles_as_long_as_the_formula_says() {
    for (p, m) in [(1, 4), (2, 2), (4, 8), (8, 32)] {
        let mut free = vec![0.0f64; p];
        let mut pass = |stages: Vec<usize>, work: f64| {
            for _ in 0..m {
                stages.iter().fold(0.0f64, |ready, &s| {
                    free[s] = free[s].max(ready) + work;
                    free[s]
                });
            }
        };
        pass((0..p).collect(), 1.0);
        pass((0..p).rev().collect(), 2.0);
        let end = free.into_iter().fold(0.0, f64::max);
        // All forward before all backward: the last stage turns round at once.
        let busy = 3.0 * m as f64;
        close(1.0 - busy / end, bubble(p, m), "idle");
    }
}

#[test]
fn the_page_has_the_tables() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/multi-device-costs.md");
    let page = std::fs::read_to_string(path).expect("the page");
    for table in tables::all() {
        assert!(page.contains(&format!("<!-- {} -->", table.name)), "the page has no table {}", table.name);
    }
    assert_eq!(
        tables::filled(&page),
        page,
        "cargo run -p plywood-benches --bin multi_device_costs -- --write"
    );
}
