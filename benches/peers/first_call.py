"""What the first call of a jitted function costs in JAX beyond a warm one: as ../src/bin/first_call.rs, with JAX's caches
cleared before each sample, and a function of its own for each."""

import os
import time

os.environ.setdefault("JAX_PLATFORMS", "cpu")

import jax
import jax.numpy as jnp
import jitted
import networks
from shared import numbers

SAMPLES = 9


class Framework:
    """What `jitted` asks of a framework."""

    jax, jnp = jax, jnp
    tensor = staticmethod(jnp.asarray)


def functions():
    p = Framework()
    vector, rows = (jnp.asarray(numbers(*shape, low=-3.0, high=3.0)) for shape in ((1000,), (64, 1024)))
    scale, shift = jnp.asarray(numbers(1024, low=0.5, high=1.5)), jnp.asarray(numbers(1024))
    yield "selu of 1000", jitted.selu(p), (vector,)
    yield "gelu of 1000", jitted.gelu(p), (vector,)
    yield "softmax 64x1024", jitted.softmax(p), (rows,)
    yield "layer norm 64x1024", jitted.layer_norm(p), (rows, scale, shift)
    yield "gradient of a tiny MLP", *networks.tiny(p)
    yield f"SGD step of an MLP, {networks.BATCH} images", *networks.sgd(p)


def first(f, args):
    """Seconds of a first call beyond a warm one, and of the warm one."""

    def timed():
        start = time.perf_counter()
        jax.block_until_ready(call(*args))
        return time.perf_counter() - start

    jax.clear_caches()
    start = time.perf_counter()
    call = jax.jit(lambda *args: f(*args))
    jax.block_until_ready(call(*args))
    whole = time.perf_counter() - start
    warm = min(timed() for _ in range(10))
    return whole - warm, warm


print(f"jax {jax.__version__}; first call less a warm one: the minimum (the median).\n")
print("| function | warm | first |")
print("|---|---|---|")
for name, f, args in functions():
    samples = [first(f, args) for _ in range(SAMPLES)]
    beyond, warm = sorted(s[0] for s in samples), min(s[1] for s in samples)
    print(f"| {name} | {warm * 1e6:.1f} µs | {beyond[0] * 1e3:.1f} ms ({beyond[SAMPLES // 2] * 1e3:.1f} ms) |", flush=True)
