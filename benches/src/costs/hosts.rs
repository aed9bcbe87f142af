//! Hosts with several devices: links inside, others between.

use crate::costs::network::{AllReduce, ETHERNET, FAST, Link, NVLINK, all_gather, reduce_scatter};

/// Hosts of one kind.
#[derive(Clone, Copy, Debug)]
pub struct Hosts {
    /// What a table calls them.
    pub name: &'static str,
    /// Devices of a host.
    pub devices: usize,
    /// Between devices of a host.
    pub inside: Link,
    /// Between hosts: one adapter.
    pub between: Link,
    /// Adapters of a host.
    pub adapters: usize,
}

/// Eight GPUs, each with an adapter.
pub fn fast() -> Hosts {
    Hosts { name: "8 adapters of 25 GB/s", devices: 8, inside: NVLINK, between: FAST, adapters: 8 }
}

/// Eight GPUs behind one card of Ethernet.
pub fn ethernet() -> Hosts {
    let between = ETHERNET.of_gpus();
    Hosts { name: "one card of 100 Gb Ethernet", devices: 8, inside: NVLINK, between, adapters: 1 }
}

impl Hosts {
    /// The link between hosts as each of a host's devices has it while all of them send.
    pub fn share(&self) -> Link {
        self.between.shared(self.devices as f64 / self.adapters as f64)
    }

    /// Seconds of an all-reduce of n bytes along rings through all devices, host after host, one ring for each adapter. A round is as
    /// long as its slowest hop.
    pub fn flat(&self, hosts: usize, n: f64) -> f64 {
        let ranks = hosts * self.devices;
        let rings = self.adapters as f64;
        let cost = AllReduce::Ring.cost(ranks, n / rings);
        // All rings go through each device.
        let inside = self.inside.shared(rings);
        match hosts {
            1 => cost.time(&inside),
            _ => cost.time(&inside).max(cost.time(&self.between)),
        }
    }

    /// Seconds of one that is done inside of hosts first: a reduce-scatter in each host, an all-reduce of each part between the hosts,
    /// an all-gather in each host.
    pub fn hierarchical(&self, hosts: usize, n: f64) -> f64 {
        let inside = reduce_scatter(self.devices, n).then(all_gather(self.devices, n)).time(&self.inside);
        inside + self.between_hosts(hosts, n)
    }

    /// The part of it between hosts: each device has one of `devices` parts.
    pub fn between_hosts(&self, hosts: usize, n: f64) -> f64 {
        let (part, link) = (n / self.devices as f64, self.share());
        AllReduce::best(hosts, part, &link).cost(hosts, part).time(&link)
    }
}
