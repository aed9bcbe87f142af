"""Writes random_oracle.txt beside this file: what jax.random gives, one case a line.

    python backend-cpu/tests/random_oracle.py

A line is `name | dtype shape | elements`; floats are written as the shortest f64 that is equal.
"""
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from jax import random

NAMES = {"float64": "f64", "float32": "f32", "float16": "f16", "bfloat16": "bf16", "int32": "i32", "bool": "bool"}
NAMES |= {f"uint{b}": f"u{b}" for b in (8, 16, 32, 64)}
lines = []


def case(name, x):
    x = np.asarray(x)
    shape = "[" + ", ".join(map(str, x.shape)) + "]"
    dtype = NAMES[str(x.dtype)]
    elements = x.ravel().tolist() if dtype != "bool" else x.ravel().astype(int).tolist()
    lines.append(" | ".join([name, f"{dtype} {shape}", " ".join(repr(e) for e in elements)]))


def data(key):
    """Old-style keys are plain u32."""
    return np.asarray(key)


def keys():
    for seed in (0, 42, 2**31 - 1):
        case(f"key {seed}", data(random.PRNGKey(seed)))
        case(f"split {seed}", data(random.split(random.PRNGKey(seed), 5)))
    for i, child in enumerate(random.split(k)):
        case(f"split two {i}", data(child))
    case("split shape", data(jax.vmap(lambda k: random.split(k, 3))(random.split(k, 2))))
    for number in (0, 1, 7, 2**31, 2**32 - 1):
        case(f"fold_in {number}", data(random.fold_in(k, np.uint32(number))))
    case("fold_in batch", data(jax.vmap(random.fold_in)(random.split(k, 3), jnp.arange(5, 8))))


def narrow():
    for shape in ((), (3,), (2, 3), (0, 4)):
        case(f"bits {list(shape)}", random.bits(k, shape, jnp.uint32))
        case(f"normal {list(shape)}", random.normal(k, shape))
    for dtype in (jnp.uint8, jnp.uint16):
        case(f"bits {NAMES[np.dtype(dtype).name]}", random.bits(k, (9,), dtype))
    for dtype in (jnp.float32, jnp.float16, jnp.bfloat16):
        name = NAMES[np.dtype(dtype).name]
        case(f"uniform {name}", random.uniform(k, (33,), dtype))
        case(f"normal {name}", random.normal(k, (33,), dtype))
    case("uniform batch", jax.vmap(lambda k: random.uniform(k, (2, 3)))(random.split(k, 4)))
    case("uniform_range", random.uniform(k, (33,), minval=-1.0, maxval=3.0))
    case("uniform_range tensors", random.uniform(k, (4, 3), minval=jnp.arange(3.0), maxval=jnp.arange(3.0) + 2))
    case("truncated_normal", random.truncated_normal(k, -1.0, 2.0, (33,)))
    case("truncated_normal far", random.truncated_normal(k, 2.0, 2.5, (33,)))
    case("exponential", random.exponential(k, (33,)))
    case("gumbel", random.gumbel(k, (33,)))
    for low, high in ((0, 10), (-5, 5), (3, 3), (5, 2), (0, 65536), (0, 65537), (0, 2**31 - 1), (-(2**31), 2**31 - 1)):
        case(f"randint {low} {high}", random.randint(k, (9,), low, high, jnp.int32))
    case("randint batch", jax.vmap(lambda k: random.randint(k, (2, 3), 0, 100))(random.split(k, 4)))
    case("bernoulli 0.3", random.bernoulli(k, 0.3, (33,)))
    case("bernoulli tensor", random.bernoulli(k, jnp.array([0.1, 0.5, 0.9]), (4, 3)))
    logits = jnp.array([[0.1, 2.0, -1.0, 0.7], [1.0, 1.0, -jnp.inf, 0.0], [5.0, 0.0, 0.0, 1.0]])
    case("categorical one", random.categorical(k, logits[0], shape=(20,)))
    case("categorical plain", random.categorical(k, logits))
    case("categorical sample", random.categorical(k, logits, shape=(10, 3)))
    for n in (0, 1, 2, 5, 100):
        case(f"permutation {n}", random.permutation(k, n))
    case("permutation 1700", random.permutation(k, 1700)[::17])
    case("permutation batch", jax.vmap(lambda k: random.permutation(k, 6))(random.split(k, 3)))
    case("shuffle vector", random.permutation(k, jnp.arange(6.0) * 10))
    case("shuffle matrix", random.permutation(k, jnp.arange(8).reshape(4, 2)))
    case("choice replace", random.choice(k, 7, (3, 4)))
    case("choice once", random.choice(k, 20, (3, 4), replace=False))
    case("choice nothing", random.choice(k, 5, (0,)))


def wide():
    """64-bit types; the keys are the same."""
    # As pairs of u32, lowest first: f64, as which elements are read, does not hold them.
    case("bits u64", np.asarray(random.bits(k, (9,), jnp.uint64)).view(np.uint32).reshape(9, 2))
    case("uniform f64", random.uniform(k, (33,), jnp.float64))
    case("normal f64", random.normal(k, (33,), jnp.float64))
    case("gumbel f64", random.gumbel(k, (33,), jnp.float64))
    case("exponential f64", random.exponential(k, (33,), jnp.float64))
    case("truncated_normal f64", random.truncated_normal(k, -1.0, 2.0, (33,), jnp.float64))


k = random.PRNGKey(0)
keys()
narrow()
jax.config.update("jax_enable_x64", True)
wide()
Path(__file__).with_suffix(".txt").write_text("\n".join(lines) + "\n")
