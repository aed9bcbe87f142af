//! The tables of the page, by the names that stand above them there.

use crate::costs::hosts::{self, Hosts};
use crate::costs::models::{GPT2, LLAMA, Model, Recompute, Transformer};
use crate::costs::network::{AllReduce, ETHERNET, FAST, Link, NVLINK, all_reduce, permute};
use crate::costs::training::{
    Bucket, Device, GPU_BF16, GPU_F32, HOST, Sharded, bubble, buckets, efficiency, exposed,
};
use crate::machine::time;

/// How many hosts are looked at.
const HOSTS: [usize; 3] = [8, 64, 1024];

/// A table's name, and its lines.
#[derive(Clone, Debug)]
pub struct Table {
    /// The name.
    pub name: &'static str,
    /// Markdown.
    pub text: String,
}

/// All tables.
pub fn all() -> Vec<Table> {
    let table = |name, text| Table { name, text };
    vec![
        table("wire", wire()),
        table("times", times()),
        table("crossovers", crossovers()),
        table("hosts", of_hosts()),
        table("models", models()),
        table("data", data_parallel()),
        table("buckets", of_buckets()),
        table("sharded", sharded()),
        table("activations", activations()),
        table("tensor", tensor_parallel()),
        table("pipeline", pipeline()),
        table("mixed", mixed()),
    ]
}

/// The page with every table as it is computed: tables stand below lines `<!-- name -->`, between empty lines.
pub fn filled(page: &str) -> String {
    let tables = all();
    let (mut lines, mut inside) = (Vec::new(), false);
    for line in page.lines() {
        inside &= line.is_empty() || line.starts_with('|');
        if inside {
            continue;
        }
        lines.push(line);
        let name = line.strip_prefix("<!-- ").and_then(|rest| rest.strip_suffix(" -->"));
        if let Some(table) = tables.iter().find(|table| name == Some(table.name)) {
            lines.extend(["", table.text.trim_end(), ""]);
            inside = true;
        }
    }
    lines.join("\n") + "\n"
}

fn rows(head: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let head: Vec<String> = head.iter().map(|cell| cell.to_string()).collect();
    let rule = format!("|{}\n", "---|".repeat(head.len()));
    let body: String = rows.into_iter().map(|row| line(&row)).collect();
    line(&head) + &rule + &body
}

fn seconds(s: f64) -> String {
    if s == 0.0 { "0".to_string() } else { time(s * 1e9) }
}

/// Three digits and a unit.
fn bytes(n: f64) -> String {
    let units = [(1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB")];
    let (size, unit) = units.into_iter().find(|&(size, _)| n >= size).unwrap_or((1.0, "B"));
    let n = n / size;
    let places = if n >= 100.0 || size == 1.0 {
        0
    } else if n >= 10.0 {
        1
    } else {
        2
    };
    // Sizes that are round have no zeros.
    let places = if n == n.round() { 0 } else { places };
    format!("{n:.places$} {unit}")
}

fn percent(share: f64) -> String {
    let percent = 100.0 * share;
    if percent < 9.95 { format!("{percent:.1} %") } else { format!("{percent:.0} %") }
}

/// Messages one after another, and bytes in units of what is reduced.
fn wire() -> String {
    let cell = |how: AllReduce, p: usize| {
        let cost = how.cost(p, 1.0);
        let rounded = |x: f64| (x * 1000.0).round() / 1000.0;
        format!("{}; {} n; {} n", cost.messages, rounded(cost.bytes), rounded(cost.added))
    };
    let row = |how: AllReduce| {
        let cells = HOSTS.iter().map(|&p| cell(how, p));
        [how.name().to_string()].into_iter().chain(cells).collect()
    };
    rows(&["all-reduce", "8 ranks", "64 ranks", "1024 ranks"], AllReduce::ALL.map(row))
}

fn times() -> String {
    let sizes = [4e3, 64e3, 1e6, 16e6, 256e6];
    let row = |link: Link, p: usize, n: f64| {
        let best = AllReduce::best(p, n, &link);
        let cell = |how: AllReduce| {
            let text = seconds(how.cost(p, n).time(&link));
            if how == best { format!("**{text}**") } else { text }
        };
        let cells = AllReduce::ALL.iter().map(|&how| cell(how));
        [link.name.to_string(), p.to_string(), bytes(n)].into_iter().chain(cells).collect()
    };
    let all = [FAST, ETHERNET].into_iter().flat_map(|link| HOSTS.map(|p| (link, p)));
    let all = all.flat_map(|(link, p)| sizes.map(|n| row(link, p, n)));
    rows(&["link", "ranks", "bytes", "direct", "tree", "doubling", "halving", "ring"], all)
}

fn crossovers() -> String {
    let row = |link: Link, p: usize| {
        let cross = |from: AllReduce, to| from.crossover(to, p, &link).map_or("never".to_string(), bytes);
        // Where the bytes take ten times as long as the messages.
        let (start, slope) = AllReduce::Ring.line(p, &link);
        vec![
            link.name.to_string(),
            p.to_string(),
            cross(AllReduce::Direct, AllReduce::Doubling),
            cross(AllReduce::Doubling, AllReduce::Halving),
            cross(AllReduce::Doubling, AllReduce::Ring),
            bytes(10.0 * start / slope),
        ]
    };
    let all = [NVLINK, FAST, ETHERNET].into_iter().flat_map(|link| {
        let ranks: &[usize] = if link == NVLINK { &[8] } else { &HOSTS };
        ranks.iter().map(move |&p| row(link, p))
    });
    let head = ["link", "ranks", "direct to doubling", "doubling to halving", "doubling to ring"];
    rows(&[&head[..], &["ring: latency a tenth"]].concat(), all)
}

fn of_hosts() -> String {
    let row = |hosts: Hosts, count: usize, n: f64| {
        let (flat, hierarchical) = (hosts.flat(count, n), hosts.hierarchical(count, n));
        vec![
            hosts.name.to_string(),
            format!("{count} x {}", hosts.devices),
            bytes(n),
            seconds(flat),
            seconds(hierarchical),
            seconds(hierarchical - hosts.between_hosts(count, n)),
            format!("{:.1}", flat / hierarchical),
        ]
    };
    let all = [hosts::fast(), hosts::ethernet()].into_iter().flat_map(|hosts| HOSTS.map(|h| (hosts, h)));
    let all = all.flat_map(|(hosts, h)| [64e3, 16e6, 256e6].map(|n| row(hosts, h, n)));
    rows(&["hosts of 8 GPUs", "devices", "bytes", "flat ring", "hierarchical", "of it inside", "ratio"], all)
}

/// What is trained, and where.
fn settings() -> [(Model, Device, Link); 6] {
    [
        (Model::digits(), HOST, ETHERNET),
        (Model::mnist(), HOST, ETHERNET),
        (Model::gpt2(), GPU_F32, FAST),
        (Model::gpt2(), GPU_BF16, FAST),
        (Model::gpt2(), GPU_BF16, ETHERNET.of_gpus()),
        (Model::llama(), GPU_BF16, FAST),
    ]
}

fn models() -> String {
    let row = |(model, device, _): &(Model, Device, Link)| {
        vec![
            model.name.to_string(),
            device.name.to_string(),
            format!("{:.0}", model.elements()),
            model.tensors().to_string(),
            bytes(model.elements() * device.size),
            format!("{:.0}", model.examples),
            seconds(model.operations() / device.speed),
        ]
    };
    let settings = settings();
    let all = settings.iter().enumerate().filter(|&(i, _)| i != 4).map(|(_, setting)| row(setting));
    let head = ["model", "device", "parameters", "tensors", "gradients", "examples or tokens"];
    rows(&[&head[..], &["computing a step"]].concat(), all)
}

const LEAST: [f64; 8] = [0.0, 0.1e6, 0.4e6, 1e6, 4e6, 16e6, 64e6, f64::INFINITY];

fn least(bytes_: f64) -> String {
    match bytes_ {
        0.0 => "each tensor".to_string(),
        n if n.is_infinite() => "all in one".to_string(),
        n => bytes(n),
    }
}

fn data_parallel() -> String {
    let row = |(model, device, link): &(Model, Device, Link), p: usize| {
        let n = model.elements() * device.size;
        let computing = model.operations() / device.speed;
        let added = |least: f64| {
            exposed(&buckets(model, device, least), computing, |bytes| all_reduce(p, bytes, link))
        };
        let best = LEAST.into_iter().min_by(|&a, &b| added(a).total_cmp(&added(b))).expect("some");
        let share = |seconds: f64| percent(efficiency(computing, seconds));
        vec![
            format!("{}, {}, {}", model.name, device.name, link.name),
            p.to_string(),
            bytes(AllReduce::Ring.cost(p, n).bytes),
            seconds(all_reduce(p, n, link)),
            share(all_reduce(p, n, link)),
            share(added(0.0)),
            format!("{} ({})", share(added(best)), least(best)),
        ]
    };
    let settings = settings();
    let all = settings.iter().flat_map(|setting| HOSTS.map(|p| row(setting, p)));
    let head =
        ["setting", "devices", "sent", "all-reduce", "afterwards, in one", "while computing, each tensor"];
    rows(&[&head[..], &["while computing, best buckets"]].concat(), all)
}

fn of_buckets() -> String {
    let p = 64;
    let row = |(model, device, link): &(Model, Device, Link), size: f64| {
        let computing = model.operations() / device.speed;
        let all = buckets(model, device, size);
        let ring = |n: f64| AllReduce::Ring.cost(p, n).time(link);
        let best = |n: f64| all_reduce(p, n, link);
        let sum = |time: &dyn Fn(f64) -> f64| all.iter().map(|b: &Bucket| time(b.bytes)).sum::<f64>();
        vec![
            format!("{}, {}, {}", model.name, device.name, link.name),
            least(size),
            all.len().to_string(),
            bytes(all.last().expect("some").bytes),
            seconds(all.len() as f64 * AllReduce::Ring.cost(p, 0.0).time(link)),
            seconds(sum(&ring)),
            seconds(exposed(&all, computing, ring)),
            seconds(sum(&best)),
            seconds(exposed(&all, computing, best)),
        ]
    };
    let settings = settings();
    let shown: [(usize, &[f64]); 4] = [
        (1, &[0.0, 0.4e6, f64::INFINITY]),
        (2, &[0.0, 1e6, 4e6, 16e6, 64e6, f64::INFINITY]),
        (3, &[0.0, 1e6, 4e6, 16e6, 64e6, f64::INFINITY]),
        (5, &[0.0, 16e6, 64e6, 256e6, f64::INFINITY]),
    ];
    let settings = &settings;
    let all = shown.iter().flat_map(|(i, sizes)| sizes.iter().map(move |&size| row(&settings[*i], size)));
    let head =
        ["setting", "buckets of", "count", "the last", "rings: latency", "rings: all", "rings: not hidden"];
    rows(&[&head[..], &["best: all", "best: not hidden"]].concat(), all)
}

fn sharded() -> String {
    let row = |model: &Model, how: Sharded| {
        let elements = model.elements();
        let divided = match how {
            Sharded::Nothing => "nothing",
            Sharded::Optimizer => "optimizer's state",
            Sharded::Gradients => "and gradients",
            Sharded::Parameters => "and parameters",
        };
        let memory = HOSTS.map(|p| bytes(how.memory(p) * elements));
        let sent = HOSTS.map(|p| bytes(how.passes() * (p - 1) as f64 / p as f64 * 2.0 * elements));
        [model.name.to_string(), divided.to_string()].into_iter().chain(memory).chain(sent).collect()
    };
    let models = [Model::gpt2(), Model::llama()];
    let all = models.iter().flat_map(|model| Sharded::ALL.map(|how| row(model, how)));
    let head =
        ["model", "divided", "memory of 8", "of 64", "of 1024", "sent by one of 8", "of 64", "of 1024"];
    rows(&head, all)
}

fn activations() -> String {
    let row = |name: &str, shape: Transformer| {
        let cell = |how: Recompute| bytes(8192.0 * shape.activations(how));
        let cells = [Recompute::Nothing, Recompute::Scores, Recompute::Layers].map(cell);
        [name.to_string()].into_iter().chain(cells).collect()
    };
    let all = [row("GPT-2 small", GPT2), row("LLaMA 7B", LLAMA)];
    rows(&["8192 tokens", "all is kept", "scores computed again", "layers computed again"], all)
}

/// Seconds of the sums of a transformer's activations over t devices, which nothing hides: two forward and two backward in a layer.
fn sums(shape: &Transformer, tokens: f64, t: usize, link: &Link) -> f64 {
    4.0 * shape.layers as f64 * all_reduce(t, tokens * shape.width as f64 * 2.0, link)
}

fn tensor_parallel() -> String {
    let model = Model::llama();
    let row = |t: usize, link: Link| {
        let computing = model.operations() / GPU_BF16.speed / t as f64;
        let n = model.examples * LLAMA.width as f64 * 2.0;
        let sums = sums(&LLAMA, model.examples, t, &link);
        vec![
            link.name.to_string(),
            t.to_string(),
            bytes(4.0 * LLAMA.layers as f64 * AllReduce::Ring.cost(t, n).bytes),
            seconds(computing),
            seconds(sums),
            percent(efficiency(computing, sums)),
            bytes(16.0 * model.elements() / t as f64),
        ]
    };
    let ethernet = ETHERNET.of_gpus();
    let all = [(2, NVLINK), (4, NVLINK), (8, NVLINK), (8, FAST), (64, FAST), (8, ethernet), (64, ethernet)];
    let head = [
        "link",
        "devices",
        "sent in a step",
        "computing",
        "sums",
        "efficiency",
        "memory without activations",
    ];
    rows(&head, all.map(|(t, link)| row(t, link)))
}

fn pipeline() -> String {
    let row = |p: usize, times: usize| {
        let m = times * p;
        // A microbatch is a sequence.
        let n = LLAMA.sequence as f64 * LLAMA.width as f64 * 2.0;
        vec![
            p.to_string(),
            m.to_string(),
            percent(bubble(p, m)),
            bytes(n),
            bytes(2.0 * m as f64 * n),
            seconds(permute(n).time(&FAST)),
            seconds(permute(n).time(&ETHERNET)),
        ]
    };
    let all = HOSTS.into_iter().flat_map(|p| [1, 4, 16].map(|times| row(p, times)));
    let head =
        ["stages", "microbatches", "idle", "a boundary", "sent in a step", "25 GB/s", "100 Gb Ethernet"];
    rows(&head, all)
}

/// LLaMA 7B: tensors over the 8 GPUs of a host, data over hosts.
fn mixed() -> String {
    let model = Model::llama();
    let tokens = 8.0 * model.examples;
    let row = |hosts: Hosts, count: usize| {
        let t = hosts.devices as f64;
        let computing = 6.0 * model.products() * tokens / GPU_BF16.speed / t;
        let sums = sums(&LLAMA, tokens, hosts.devices, &hosts.inside);
        let mut part = buckets(&model, &GPU_BF16, 64e6);
        // Each device has an eighth of every tensor, and eight times the tokens of a step of its own.
        let scale = (computing + sums) / (model.operations() / GPU_BF16.speed);
        part.iter_mut().for_each(|b| (b.ready, b.bytes) = (b.ready * scale, b.bytes / t));
        let all_reduce = |n: f64| all_reduce(count, n, &hosts.share());
        let shown = exposed(&part, computing + sums, all_reduce);
        vec![
            hosts.name.to_string(),
            count.to_string(),
            seconds(computing),
            seconds(sums),
            seconds(part.iter().map(|b| all_reduce(b.bytes)).sum()),
            seconds(shown),
            percent(efficiency(computing, sums + shown)),
            bytes(Sharded::Optimizer.memory(count) * model.elements() / t),
        ]
    };
    let all = [hosts::fast(), hosts::ethernet()].into_iter().flat_map(|hosts| HOSTS.map(|h| row(hosts, h)));
    let head = [
        "hosts of 8 GPUs",
        "hosts",
        "computing",
        "sums of activations",
        "sums of gradients",
        "of it not hidden",
    ];
    rows(&[&head[..], &["efficiency", "memory without activations"]].concat(), all)
}
