//! Links, and what collective operations over them cost.
//!
//! Every rank has one port, which sends one message and receives another at a time, each at full speed; no link is shared but where
//! a function says so. Numbers of ranks are powers of two.

/// A way between ranks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Link {
    /// What a table calls it.
    pub name: &'static str,
    /// Seconds before the first byte of a message arrives: α.
    pub alpha: f64,
    /// Bytes in a second, each way: 1/β.
    pub bandwidth: f64,
    /// Bytes in a second that a rank adds to others: 1/γ.
    pub adds: f64,
}

/// What a GPU adds in a second: two operands and the result go over 3.3 TB/s of memory.
const GPU_ADDS: f64 = 1.1e12;
/// What a host adds in a second: the same over 100 GB/s.
const HOST_ADDS: f64 = 33e9;

/// GPUs of one host.
pub const NVLINK: Link = Link { name: "NVLink", alpha: 3e-6, bandwidth: 450e9, adds: GPU_ADDS };
/// GPUs of different hosts, an adapter of 200 Gb for each.
pub const FAST: Link = Link { name: "25 GB/s, 5 µs", alpha: 5e-6, bandwidth: 25e9, adds: GPU_ADDS };
/// Hosts that compute on CPUs, over Ethernet of 100 Gb.
pub const ETHERNET: Link =
    Link { name: "100 Gb Ethernet, 20 µs", alpha: 20e-6, bandwidth: 12.5e9, adds: HOST_ADDS };

impl Link {
    /// The same link between ranks on GPUs.
    pub fn of_gpus(self) -> Link {
        Link { adds: GPU_ADDS, ..self }
    }

    /// A share of the link: one of so many ranks that send at the same time. (Below 1: several links at once.)
    pub fn shared(self, ranks: f64) -> Link {
        Link { bandwidth: self.bandwidth / ranks, ..self }
    }
}

/// What lies on the critical path of an operation.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Cost {
    /// Messages, one after another.
    pub messages: f64,
    /// Bytes sent, one after another.
    pub bytes: f64,
    /// Bytes added, one after another.
    pub added: f64,
}

impl Cost {
    /// Seconds.
    pub fn time(&self, link: &Link) -> f64 {
        self.messages * link.alpha + self.bytes / link.bandwidth + self.added / link.adds
    }

    /// One after the other.
    pub fn then(self, next: Cost) -> Cost {
        Cost {
            messages: self.messages + next.messages,
            bytes: self.bytes + next.bytes,
            added: self.added + next.added,
        }
    }
}

/// How an all-reduce is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AllReduce {
    /// Each rank sends all it has to every other.
    Direct,
    /// Up a binomial tree to one rank, and down again.
    Tree,
    /// Recursive doubling: in each round a rank exchanges all it has with one at twice the distance.
    Doubling,
    /// Rabenseifner's: a reduce-scatter by recursive halving, an all-gather by recursive doubling.
    Halving,
    /// A reduce-scatter and an all-gather along a ring.
    Ring,
}

impl AllReduce {
    /// All of them.
    pub const ALL: [AllReduce; 5] =
        [AllReduce::Direct, AllReduce::Tree, AllReduce::Doubling, AllReduce::Halving, AllReduce::Ring];

    /// What a table calls it.
    pub fn name(self) -> &'static str {
        match self {
            AllReduce::Direct => "direct",
            AllReduce::Tree => "tree",
            AllReduce::Doubling => "doubling",
            AllReduce::Halving => "halving",
            AllReduce::Ring => "ring",
        }
    }

    /// Of n bytes over p ranks.
    pub fn cost(self, p: usize, n: f64) -> Cost {
        assert!(p.is_power_of_two(), "{p} ranks are no power of two");
        let (others, rounds) = ((p - 1) as f64, p.ilog2() as f64);
        let part = others / p as f64 * n;
        match self {
            AllReduce::Direct => Cost { messages: others.min(1.0), bytes: others * n, added: others * n },
            AllReduce::Tree => Cost { messages: 2.0 * rounds, bytes: 2.0 * rounds * n, added: rounds * n },
            AllReduce::Doubling => Cost { messages: rounds, bytes: rounds * n, added: rounds * n },
            AllReduce::Halving => Cost { messages: 2.0 * rounds, bytes: 2.0 * part, added: part },
            AllReduce::Ring => reduce_scatter(p, n).then(all_gather(p, n)),
        }
    }

    /// The fastest.
    pub fn best(p: usize, n: f64, link: &Link) -> AllReduce {
        AllReduce::among(&AllReduce::ALL, p, n, link)
    }

    /// The fastest of some.
    pub fn among(some: &[AllReduce], p: usize, n: f64, link: &Link) -> AllReduce {
        let time = |how: &AllReduce| how.cost(p, n).time(link);
        *some.iter().min_by(|a, b| time(a).total_cmp(&time(b))).expect("there are some")
    }

    /// Seconds of nothing, and of each byte more.
    pub fn line(self, p: usize, link: &Link) -> (f64, f64) {
        let byte = Cost { messages: 0.0, ..self.cost(p, 1.0) };
        (self.cost(p, 0.0).time(link), byte.time(link))
    }

    /// The least bytes from which on another way is faster than this one; none where it never is.
    pub fn crossover(self, other: AllReduce, p: usize, link: &Link) -> Option<f64> {
        let ((from, slope), (other_from, other_slope)) = (self.line(p, link), other.line(p, link));
        (other_slope < slope).then(|| ((other_from - from) / (slope - other_slope)).max(0.0))
    }
}

/// The fastest all-reduce's seconds.
pub fn all_reduce(p: usize, n: f64, link: &Link) -> f64 {
    AllReduce::best(p, n, link).cost(p, n).time(link)
}

/// Along a ring: n bytes of each rank, of whose sum each keeps a part.
pub fn reduce_scatter(p: usize, n: f64) -> Cost {
    let part = (p - 1) as f64 / p as f64 * n;
    Cost { messages: (p - 1) as f64, bytes: part, added: part }
}

/// Along a ring: of n bytes each rank has a part, and gets all.
pub fn all_gather(p: usize, n: f64) -> Cost {
    Cost { added: 0.0, ..reduce_scatter(p, n) }
}

/// n bytes of each rank, of which every rank gets a part.
pub fn all_to_all(p: usize, n: f64) -> Cost {
    all_gather(p, n)
}

/// n bytes from each rank to another.
pub fn permute(n: f64) -> Cost {
    Cost { messages: 1.0, bytes: n, added: 0.0 }
}
