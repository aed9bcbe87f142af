"""What the tables share: the numbers that all sides of the comparison take, and which framework a maker is asked for."""

import functools
import math

import numpy as np

M = 1_000_000

# The generator of `../src/families/mod.rs`: state = state * MULTIPLIER + INCREMENT, of 64 bits.
START, MULTIPLIER, INCREMENT = 0x9E3779B97F4A7C15, 0x5851F42D4C957F2D, 0x14057B7EF767814F
BLOCK = 1 << 16  # numbers at a time: their states take little room


@functools.cache
def jumps():
    """What leads from a state to each of the next `BLOCK` ones: a factor, and a summand."""
    powers = np.multiply.accumulate(np.full(BLOCK, MULTIPLIER, np.uint64))
    before = np.concatenate([np.ones(1, np.uint64), powers[:-1]])
    return powers, np.add.accumulate(before) * np.uint64(INCREMENT)


def numbers(*shape, low=-1.0, high=1.0):
    """Numbers of f32 between `low` and `high`, always the same: bit for bit those of our side."""
    low, high, unit = np.float32(low), np.float32(high), np.float32(1 << 24)
    found, state = np.empty(math.prod(shape), np.float32), np.uint64(START)
    for start in range(0, found.size, BLOCK):
        factors, summands = jumps()
        states = factors * state + summands
        state = states[-1]
        place = found[start : start + BLOCK]
        place[:] = low + (high - low) * ((states[: place.size] >> np.uint64(40)).astype(np.float32) / unit)
    return found.reshape(shape)


def root(x, y):
    """The root of x / y, in f32 as on our side: weights between it and its negative keep the variance."""
    return np.sqrt(np.float32(x) / np.float32(y))


def spread(p, scale, *shape):
    """A tensor of numbers between -scale and scale."""
    return p.tensor(numbers(*shape, low=-scale, high=scale))


def is_jax(p):
    return hasattr(p, "jax")
