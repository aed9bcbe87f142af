"""The memory beyond the arguments in JAX, as its compiler says: of the gradient of a scan of 1000 steps, with and without
`jax.checkpoint`; of the gradients of a network for each example of a batch, at once and in chunks."""
import time

import jax
import jax.numpy as jnp

STEPS = 1000


def step(state, x, w):
    (h, total), (wz, wr) = state, w
    z = jax.nn.sigmoid(h @ wz + x)
    r = jnp.tanh(h @ wr + x)
    h = z * h + (1 - z) * r
    return h, total + (h * h).sum()


def loss(step, blocks=None):
    def run(w, x):
        body = lambda s, x: (step(s, x, w), None)
        start = x[0], 0.0
        if blocks is None:
            return jax.lax.scan(body, start, x)[0][1]
        outer = lambda s, x: (jax.checkpoint(lambda s, x: jax.lax.scan(body, s, x)[0])(s, x), None)
        return jax.lax.scan(outer, start, x.reshape(blocks, -1, 32, 128))[0][1]

    return run


keys = jax.random.split(jax.random.key(0), 3)
w = tuple((jax.random.uniform(k, (128, 128)) - 0.5) * 0.2 for k in keys[:2])
x = jax.random.normal(keys[2], (STEPS, 32, 128))
remat = jax.checkpoint(step)


def row(name, f, *args):
    """A line of a table: results and temporaries, and the least time."""
    compiled = jax.jit(f).lower(*args).compile()
    analysis, times = compiled.memory_analysis(), []
    for _ in range(5):
        start = time.perf_counter()
        jax.block_until_ready(compiled(*args))
        times.append(time.perf_counter() - start)
    bytes = analysis.temp_size_in_bytes + analysis.output_size_in_bytes
    print(f"| {name} | {bytes / 1e6:.1f} MB | {min(times) * 1e3:.1f} ms |")


for name, f in (("plain", loss(step)), ("checkpoint(step)", loss(remat)), ("checkpoint(step) and of 40 steps", loss(remat, 25))):
    row(name, jax.grad(f), w, x)

LAYERS, BATCH, CHUNK = (784, 512, 512, 10), 32, 8


def cross_entropy(layers, x, label):
    for i, (w, b) in enumerate(layers):
        x = x @ w + b
        x = jax.nn.relu(x) if i < len(layers) - 1 else x
    return -(jax.nn.one_hot(label, 10) * jax.nn.log_softmax(x)).sum()


def norm(layers, x, label):
    return jnp.sqrt(sum((g * g).sum() for g in jax.tree.leaves(jax.grad(cross_entropy)(layers, x, label))))


def in_chunks(f):
    return lambda layers, x, labels: jax.lax.map(lambda one: f(layers, *one), (x, labels), batch_size=CHUNK)


layers = [(jax.random.normal(k, (n, m)) * (2 / n) ** 0.5, jnp.zeros(m)) for k, n, m in zip(jax.random.split(keys[0], 3), LAYERS, LAYERS[1:])]
x, labels = jax.random.uniform(keys[1], (BATCH, LAYERS[0])), jnp.arange(BATCH) % 10
for name, f in (("gradients", jax.grad(cross_entropy)), ("norms of gradients", norm)):
    row(f"{name}, at once", jax.vmap(f, in_axes=(None, 0, 0)), layers, x, labels)
    row(f"{name}, 8 at a time", in_chunks(f), layers, x, labels)
