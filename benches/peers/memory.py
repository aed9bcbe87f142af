"""The temporary memory of the gradient of a scan of 1000 steps in JAX, with and without `jax.checkpoint`, as its compiler says."""
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
for name, f in (("plain", loss(step)), ("checkpoint(step)", loss(remat)), ("checkpoint(step) and of 40 steps", loss(remat, 25))):
    compiled = jax.jit(jax.grad(f)).lower(w, x).compile()
    analysis, times = compiled.memory_analysis(), []
    for _ in range(5):
        start = time.perf_counter()
        jax.block_until_ready(compiled(w, x))
        times.append(time.perf_counter() - start)
    bytes = analysis.temp_size_in_bytes + analysis.output_size_in_bytes
    print(f"| {name} | {bytes / 1e6:.1f} MB | {min(times) * 1e3:.0f} ms |")
