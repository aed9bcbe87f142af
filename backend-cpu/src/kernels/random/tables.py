"""Writes tables.rs: what jax.random gives, to check this crate's numbers against. Run with jax 0.10 on CPU:

    python tables.py > tables.rs && rustfmt --edition 2024 tables.rs
"""
import jax, jax.numpy as jnp, numpy as np

jax.config.update("jax_enable_x64", True)
assert jax.config.jax_threefry_partitionable
KEYS = [(0, 0), (0, 42), (0x13198A2E, 0x03707344), (0xFFFFFFFF, 0xFFFFFFFF)]
N = 5000  # more than one block of counters, and not a multiple of one
SHOWN = [*range(8), 1023, 1024, 2047, 2048, 4095, 4096, N - 2, N - 1]


def raw(x):
    x = np.asarray(x)
    return x.view(np.dtype(f"u{x.dtype.itemsize}")).reshape(-1).astype(np.uint64)


def key(words):
    return jax.random.wrap_key_data(jnp.array(words, jnp.uint32), impl="threefry2x32")


def row(kind, dtype, words, x):
    """Bits of some elements, and a checksum of all: the sum of element i's bits times 2i + 1, wrapping."""
    bits = raw(x)
    with np.errstate(over="ignore"):
        check = (bits * (2 * np.arange(bits.size, dtype=np.uint64) + 1)).sum(dtype=np.uint64)
    shown = ", ".join(f"{int(bits[i]):#x}" for i in SHOWN)
    print(f"    (Kind::{kind}, DType::{dtype}, [{words[0]:#x}, {words[1]:#x}], {int(check):#x}, &[{shown}]),")


print("//! Written by `tables.py`, with jax", jax.__version__ + ".")
print()
print("use super::Kind;\nuse plywood_core::DType;\n")
print("/// How many elements were drawn.")
print(f"pub(super) const N: usize = {N};\n")
print("/// Which of them each row shows.")
print(f"pub(super) const SHOWN: [usize; {len(SHOWN)}] = {SHOWN};\n")
print("/// What was drawn, its dtype, the key, a checksum of the bits of all elements, the bits of those shown.")
print("pub(super) const DRAWN: &[(Kind, DType, [u32; 2], u64, &[u64])] = &[")
for words in KEYS:
    k = key(words)
    for name, dtype in [("U8", jnp.uint8), ("U16", jnp.uint16), ("U32", jnp.uint32), ("U64", jnp.uint64)]:
        row("Bits", name, words, jax.random.bits(k, (N,), dtype))
    floats = [("F16", jnp.float16), ("BF16", jnp.bfloat16), ("F32", jnp.float32), ("F64", jnp.float64)]
    for name, dtype in floats:
        row("Uniform", name, words, jax.random.uniform(k, (N,), dtype))
    for name, dtype in floats:
        row("Normal", name, words, jax.random.normal(k, (N,), dtype))
print("];\n")
print("/// A key, its split into five, and its fold_in of 0, 1, 7 and u32::MAX.")
print("pub(super) const KEYS: &[([u32; 2], [[u32; 2]; 5], [[u32; 2]; 4])] = &[")
for words in KEYS:
    split = np.asarray(jax.random.key_data(jax.random.split(key(words), 5))).tolist()
    fold = [
        np.asarray(jax.random.key_data(jax.random.fold_in(key(words), np.uint32(d)))).tolist()
        for d in (0, 1, 7, 2**32 - 1)
    ]
    print(f"    ({list(words)}, {split}, {fold}),")
print("];")
