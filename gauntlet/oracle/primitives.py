"""What every answer is made of: arrays as hexadecimal, exact rounding; and the answers for the operations that move,
compare, compute element by element, reduce, contract and draw."""

import gzip, json, math, os, subprocess, sys
from fractions import Fraction
from functools import lru_cache, partial

# As many devices as programs on many ask for.
os.environ.setdefault("XLA_FLAGS", "--xla_force_host_platform_device_count=8")
import jax
jax.config.update("jax_enable_x64", True)
jax.config.update("jax_threefry_partitionable", True)
import jax.numpy as jnp
import ml_dtypes, mpmath, scipy, scipy.special
import numpy as np
from jax import lax

np.seterr(all="ignore")

DTYPES = {
    "f64": np.float64, "f32": np.float32, "f16": np.float16, "bf16": ml_dtypes.bfloat16,
    "i64": np.int64, "i32": np.int32, "i16": np.int16, "i8": np.int8,
    "u64": np.uint64, "u32": np.uint32, "u16": np.uint16, "u8": np.uint8, "bool": np.bool_,
}
DTYPES = {name: np.dtype(t) for name, t in DTYPES.items()}
NAMES = {t: name for name, t in DTYPES.items()}
# Bits of the significand (the hidden one included), least and greatest exponent.
FORMATS = {"f64": (53, -1022, 1023), "f32": (24, -126, 127), "f16": (11, -14, 15), "bf16": (8, -126, 127)}


def is_float(dtype):
    return NAMES[np.dtype(dtype)] in FORMATS


# ---- arrays as hexadecimal

def decode(a):
    dtype = DTYPES[a["dtype"]]
    raw = np.frombuffer(bytes.fromhex(a["hex"]), dtype=f">u{dtype.itemsize}").astype(f"<u{dtype.itemsize}")
    data = raw.astype(np.bool_) if dtype == np.bool_ else raw.view(dtype)
    return data.reshape(a["shape"])


def to_hex(x):
    raw = np.ascontiguousarray(x).reshape(-1)
    raw = raw.astype(np.uint8) if raw.dtype == np.bool_ else raw.view(f"<u{raw.dtype.itemsize}")
    return raw.astype(f">u{raw.dtype.itemsize}").tobytes().hex()


def encode(x):
    x = np.asarray(x)
    if is_float(x.dtype):
        # Any NaN stands for every other.
        x = np.where(np.isnan(x), np.array(np.nan, x.dtype), x)
    return {"dtype": NAMES[x.dtype], "shape": list(x.shape), "hex": to_hex(x)}


# ---- exact numbers, rounded once

def rounded(sign, man, exp, name):
    """(-1)^sign man 2^exp in a float format, to nearest even; a Python float, which holds each of them exactly."""
    p, least, most = FORMATS[name]
    minus = -1.0 if sign else 1.0
    if man == 0:
        return minus * 0.0
    top = exp + man.bit_length() - 1
    if top > most:
        return minus * math.inf
    if top < least - p - 1:
        return minus * 0.0
    drop = max(top - p + 1, least - p + 1) - exp
    if drop > 0:
        half, low = 1 << (drop - 1), man & ((1 << drop) - 1)
        man >>= drop
        if low > half or (low == half and man & 1):
            man += 1
        exp += drop
    if exp + man.bit_length() - 1 > most:
        return minus * math.inf
    # The significand fits: shift it into reach of ldexp, which is exact then.
    spare = 53 - man.bit_length()
    if spare < 0:
        man, exp = man >> -spare, exp - spare
    return minus * math.ldexp(man, exp)


def round_mpf(x, name):
    sign, man, exp, _ = x._mpf_
    return rounded(sign, int(man), int(exp), name)


def round_rational(x, name):
    """A Fraction with a power of two below the line, or an integer."""
    x = Fraction(x)
    return rounded(x < 0, abs(x.numerator), -(x.denominator.bit_length() - 1), name)


def array_of(floats, shape, name):
    """Floats that the format holds exactly."""
    return np.array(floats, np.float64).reshape(shape).astype(DTYPES[name])


# ---- casts

@lru_cache(maxsize=None, typed=True)
def cast_number(x, to):
    """A Python float or int, by the rules of a cast, as a Python number."""
    if to == "bool":
        return x != 0
    if to in FORMATS:
        if isinstance(x, float) and (math.isnan(x) or math.isinf(x) or x == 0):
            return x
        return round_rational(Fraction(x), to)
    info = np.iinfo(DTYPES[to])
    if isinstance(x, float):
        if math.isnan(x):
            return 0
        if math.isinf(x):
            return info.max if x > 0 else info.min
        return min(max(int(x), info.min), info.max)
    return (x - info.min) % (1 << info.bits) + info.min


def cast(x, to):
    if is_float(x.dtype):
        # -0 and 0 are one key to a cache.
        numbers = [v if v == 0 else cast_number(v, to) for v in x.astype(np.float64).reshape(-1).tolist()]
    else:
        numbers = [cast_number(int(v), to) for v in x.reshape(-1).tolist()]
    if to in FORMATS:
        return array_of(numbers, x.shape, to)
    if to != "bool":
        numbers = [int(v) for v in numbers]
    return np.array(numbers, DTYPES[to]).reshape(x.shape)


# ---- element-wise functions

MP = {
    "exp": mpmath.exp, "exp2": lambda x: mpmath.power(2, x), "expm1": mpmath.expm1, "log": mpmath.log,
    "log1p": mpmath.log1p, "rsqrt": lambda x: 1 / mpmath.sqrt(x),
    "cbrt": lambda x: mpmath.sign(x) * mpmath.cbrt(abs(x)),
    "sin": mpmath.sin, "cos": mpmath.cos, "tan": mpmath.tan, "asin": mpmath.asin, "acos": mpmath.acos,
    "atan": mpmath.atan, "sinh": mpmath.sinh, "cosh": mpmath.cosh, "tanh": mpmath.tanh, "asinh": mpmath.asinh,
    "acosh": mpmath.acosh, "atanh": mpmath.atanh, "logistic": lambda x: 1 / (1 + mpmath.exp(-x)),
    "erf": mpmath.erf, "erf_inv": mpmath.erfinv, "erfc": mpmath.erfc,
    "lgamma": lambda x: mpmath.loggamma(x).real,
    "bessel_i0e": lambda x: scaled_bessel(0, x), "bessel_i1e": lambda x: scaled_bessel(1, x),
}


def scaled_bessel(order, x):
    """e^-|x| I(x); of large x by Hankel's expansion."""
    if abs(x) < 1e9:
        return mpmath.besseli(order, x, maxterms=10**6) * mpmath.exp(-abs(x))
    m, z = 4 * order * order, 8 * abs(x)
    series = 1 - (m - 1) / z + (m - 1) * (m - 9) / (2 * z**2) - (m - 1) * (m - 9) * (m - 25) / (6 * z**3)
    return series / mpmath.sqrt(2 * mpmath.pi * abs(x)) * (mpmath.sign(x) if order else 1)


# At zeros, at +-1, at infinities, outside the domain: these are exact there.
NUMPY = {
    "exp": np.exp, "exp2": np.exp2, "expm1": np.expm1, "log": np.log, "log1p": np.log1p,
    "rsqrt": lambda x: 1 / np.sqrt(x), "cbrt": np.cbrt, "sin": np.sin, "cos": np.cos, "tan": np.tan,
    "asin": np.arcsin, "acos": np.arccos, "atan": np.arctan, "sinh": np.sinh, "cosh": np.cosh, "tanh": np.tanh,
    "asinh": np.arcsinh, "acosh": np.arccosh, "atanh": np.arctanh, "logistic": scipy.special.expit,
    "erf": scipy.special.erf, "erf_inv": scipy.special.erfinv, "erfc": scipy.special.erfc,
    "lgamma": lambda x: np.float64(np.inf) if np.isinf(x) else scipy.special.gammaln(x),
    "bessel_i0e": lambda x: np.float64(0) if np.isinf(x) else scipy.special.i0e(x),
    "bessel_i1e": lambda x: np.copysign(0.0, x) if np.isinf(x) else np.copysign(scipy.special.i1e(x), x),
}
DOMAINS = {
    "log": lambda x: x > 0, "log1p": lambda x: x > -1, "rsqrt": lambda x: x > 0, "asin": lambda x: abs(x) <= 1,
    "acos": lambda x: abs(x) <= 1, "acosh": lambda x: x >= 1, "atanh": lambda x: abs(x) < 1,
    "erf_inv": lambda x: abs(x) < 1, "lgamma": lambda x: x > 0 or x != math.floor(x), "erfc": lambda x: x < 1e4,
}


@lru_cache(maxsize=None)
def transcendental(f, x, name):
    inside = math.isfinite(x) and x != 0 and DOMAINS.get(f, lambda _: True)(x)
    if not inside:
        return float(NUMPY[f](np.float64(x)))
    if f == "erf" and abs(x) > 40:
        return math.copysign(1.0, x)
    if f == "erfc" and x < -40:
        return 2.0
    with mpmath.workprec(240):
        if f == "erf_inv":
            # mpmath's gets lost near +-1 and 0: two steps of Newton from scipy's value settle it.
            y = mpmath.mpf(float(scipy.special.erfinv(x)))
            for _ in range(4):
                y -= (mpmath.erf(y) - x) / (2 / mpmath.sqrt(mpmath.pi) * mpmath.exp(-y * y))
            return round_mpf(y, name)
        if f in ("logistic", "tanh", "expm1") and abs(x) > 2000:
            return float(NUMPY[f](np.float64(x)))
        return round_mpf(MP[f](mpmath.mpf(x)), name)


@lru_cache(maxsize=None)
def power(x, y, name):
    if x == 0 and y < 0:
        odd = math.isfinite(y) and y == int(y) and int(y) % 2 == 1
        return math.copysign(math.inf, x) if odd else math.inf
    if not (math.isfinite(x) and math.isfinite(y)) or x == 0 or y == 0:
        # C's pow, which takes these by its Annex F. (numpy's takes a square root of -inf for a power of a half.)
        return math.pow(x, y)
    if x < 0 and y != int(y):
        return math.nan
    with mpmath.workprec(1400):
        size = round_mpf(mpmath.exp(mpmath.mpf(y) * mpmath.log(abs(mpmath.mpf(x)))), name)
    return -size if x < 0 and int(y) % 2 else size


@lru_cache(maxsize=None)
def angle(y, x, name):
    if not (math.isfinite(x) and math.isfinite(y)) or x == 0 or y == 0:
        return rounded_float(float(np.arctan2(np.float64(y), np.float64(x))), name)
    with mpmath.workprec(240):
        if x > 0 or abs(y) > abs(x):
            return round_mpf(mpmath.atan2(mpmath.mpf(y), mpmath.mpf(x)), name)
        # Far from the pole of the quotient, atan2 = atan(y / x) +- pi; with as many bits as the sum needs.
        with mpmath.workprec(2400):
            return round_mpf(mpmath.atan2(mpmath.mpf(y), mpmath.mpf(x)), name)


def rounded_float(x, name):
    if not math.isfinite(x) or x == 0:
        return x
    return round_rational(Fraction(x), name)


def each(f, xs, name):
    """A function of Python floats, element by element; its results are rounded already, or special."""
    shape = xs[0].shape
    columns = [x.astype(np.float64).reshape(-1).tolist() for x in xs]
    def one(*v):
        # A cache takes -0 for 0: those and NaN go round it.
        g = f if all(t == t and t != 0 for t in v) else f.__wrapped__
        return g(*v)
    values = [rounded_float(one(*v), name) for v in zip(*columns)]
    return array_of(values, shape, name)


def named(f, *fixed, name):
    """`f` with fixed leading arguments and the dtype's name last, still with its cache beside it."""
    def call(*v):
        return f(*fixed, *v, name)
    call.__wrapped__ = lambda *v: f.__wrapped__(*fixed, *v, name)
    return call


def wide(x):
    """f16 and bf16 compute in f32."""
    return x.astype(np.float32) if x.dtype.itemsize == 2 and is_float(x.dtype) else x


def round_away(x):
    whole = np.trunc(x)
    whole = whole + np.where(np.abs(x - whole) >= 0.5, np.copysign(np.ones_like(x), x), np.zeros_like(x))
    return np.copysign(whole, x)


def sign(x):
    return np.where(x == 0, x, np.where(np.isnan(x), x, np.copysign(np.ones_like(x), x)))


ROUNDED = {
    "abs": np.abs, "neg": np.negative, "sign": sign, "square": np.square, "floor": np.floor, "ceil": np.ceil,
    "round": round_away, "round_even": np.rint, "sqrt": np.sqrt,
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.divide, "rem": np.fmod,
    "max": np.maximum, "min": np.minimum,
}
COMPARE = {"eq": np.equal, "ne": np.not_equal, "lt": np.less, "le": np.less_equal, "gt": np.greater, "ge": np.greater_equal}


def flat(f):
    """An element-wise XLA computation on operands padded to one of a few sizes, so that it is compiled few times."""
    compiled = jax.jit(f)
    def run(*xs):
        n = xs[0].size
        size = next(s for s in (64, 1536, 1 << 20) if s >= n)
        padded = [np.concatenate([x.reshape(-1), np.ones(size - n, x.dtype)]) for x in xs]
        return np.asarray(compiled(*padded))[:n].reshape(xs[0].shape)
    return run


XLA_UNARY = {
    "abs": lax.abs, "neg": lax.neg, "sign": lax.sign, "square": lax.square, "floor": lax.floor, "ceil": lax.ceil,
    "round": partial(lax.round, rounding_method=lax.RoundingMethod.AWAY_FROM_ZERO),
    "round_even": partial(lax.round, rounding_method=lax.RoundingMethod.TO_NEAREST_EVEN),
    "is_finite": lax.is_finite, "exp": lax.exp, "exp2": lax.exp2, "expm1": lax.expm1, "log": lax.log,
    "log1p": lax.log1p, "sqrt": lax.sqrt, "rsqrt": lax.rsqrt, "cbrt": lax.cbrt, "sin": lax.sin, "cos": lax.cos,
    "tan": lax.tan, "asin": lax.asin, "acos": lax.acos, "atan": lax.atan, "sinh": lax.sinh, "cosh": lax.cosh,
    "tanh": lax.tanh, "asinh": lax.asinh, "acosh": lax.acosh, "atanh": lax.atanh, "logistic": lax.logistic,
    "erf": lax.erf, "erf_inv": lax.erf_inv,
    "erfc": lax.erfc, "lgamma": lax.lgamma, "bessel_i0e": lax.bessel_i0e, "bessel_i1e": lax.bessel_i1e,
}
XLA_BINARY = {
    "add": lax.add, "sub": lax.sub, "mul": lax.mul, "div": lax.div, "rem": lax.rem, "pow": lax.pow,
    "atan2": lax.atan2, "max": lax.max, "min": lax.min, "nextafter": lax.nextafter,
}
XLA_BITS = {
    "not": lax.bitwise_not, "population_count": lax.population_count, "clz": lax.clz, "and": lax.bitwise_and,
    "or": lax.bitwise_or, "xor": lax.bitwise_xor, "shift_left": lax.shift_left,
    "shift_right_arithmetic": lax.shift_right_arithmetic, "shift_right_logical": lax.shift_right_logical,
}
XLA_COMPARE = {"eq": lax.eq, "ne": lax.ne, "lt": lax.lt, "le": lax.le, "gt": lax.gt, "ge": lax.ge}
FLAT = {name: flat(f) for name, f in {**XLA_UNARY, **XLA_BINARY, **XLA_BITS, **XLA_COMPARE}.items()}


def unary(op, x):
    f = op["name"]
    if not is_float(x.dtype):
        return FLAT[f](x) if not (f == "abs" and x.dtype.kind == "u") else x
    if f == "is_finite":
        return np.isfinite(x)
    if f in ROUNDED:
        return ROUNDED[f](wide(x)).astype(x.dtype)
    name = NAMES[x.dtype]
    return each(named(transcendental, f, name=name), [x], name)


def binary(op, x, y):
    f = op["name"]
    if not is_float(x.dtype):
        return FLAT[f](x, y)
    name = NAMES[x.dtype]
    if f in ROUNDED:
        return ROUNDED[f](wide(x), wide(y)).astype(x.dtype)
    if f == "nextafter":
        # Equal operands give the second, as in C; numpy's of f16 gives the first.
        return np.where(x == y, y, np.nextafter(x, y))
    return each(named(power if f == "pow" else angle, name=name), [x, y], name)


def integer_pow(op, x):
    n = op["exponent"]
    if not is_float(x.dtype):
        # Modular, as wrapping products are.
        bits = x.dtype.itemsize * 8
        values = [cast_number(pow(int(v), n, 1 << bits), NAMES[x.dtype]) for v in x.reshape(-1).tolist()]
        return np.array(values, x.dtype).reshape(x.shape)
    name = NAMES[x.dtype]
    @lru_cache(maxsize=None)
    def f(v):
        return power(v, float(n), name) if v == v and v != 0 else power.__wrapped__(v, float(n), name)
    return each(f, [x], name)


def select(op, which, *cases):
    return SELECT(op, which, *cases)


def clamp(op, low, x, high):
    if not is_float(x.dtype):
        return FLAT_CLAMP(low, x, high)
    return np.minimum(np.maximum(wide(x), wide(low)), wide(high)).astype(x.dtype)


FLAT_CLAMP = flat(lax.clamp)


# ---- what only moves data, gather and scatter

def compiled(f):
    """An XLA computation of an operation, compiled once for an operation and types."""
    cached = lru_cache(maxsize=None)(lambda text: jax.jit(partial(f, json.loads(text))))
    return lambda op, *xs: cached(json.dumps(op))(*xs)


def as_bits(x):
    return x if x.dtype == np.bool_ else x.view(f"u{x.dtype.itemsize}")


def moved(f, data=lambda xs: range(len(xs))):
    """An operation that moves bits whatever they mean: one computation for all dtypes of a width."""
    run = compiled(f)
    def call(op, *xs):
        which = set(data(xs))
        dtype = xs[min(which)].dtype
        y = np.asarray(run(op, *(as_bits(x) if i in which else x for i, x in enumerate(xs))))
        return y if dtype == np.bool_ else y.view(dtype)
    return call



def gather_xla(op, x, indices):
    numbers = lax.GatherDimensionNumbers(
        offset_dims=tuple(op["offset_axes"]), collapsed_slice_dims=tuple(op["collapsed_axes"]),
        start_index_map=tuple(op["start_index_map"]), operand_batching_dims=tuple(op["operand_batching_axes"]),
        start_indices_batching_dims=tuple(op["indices_batching_axes"]))
    return lax.gather(x, indices, numbers, tuple(op["sizes"]), mode=op["mode"])


SELECT = moved(lambda op, which, *cases: lax.select_n(which, *cases), lambda xs: range(1, len(xs)))
GATHER, GATHER_BITS = compiled(gather_xla), moved(gather_xla, lambda xs: [0])


def within_i32(indices):
    """64-bit indices, saturated: jax itself cuts off their high bits, and finds places far outside inside."""
    if indices.dtype.itemsize < 8:
        return indices
    return np.clip(indices, 0 if indices.dtype.kind == "u" else -(1 << 31), (1 << 31) - 1)


def gather(op, x, indices):
    indices = within_i32(indices)
    # What is filled in depends on the dtype.
    return (GATHER if op["mode"] == "fill" else GATHER_BITS)(op, x, indices)


SCATTERS = {"scatter": lax.scatter, "scatter_add": lax.scatter_add, "scatter_mul": lax.scatter_mul,
            "scatter_min": lax.scatter_min, "scatter_max": lax.scatter_max}
UFUNCS = {"scatter_add": np.add, "scatter_mul": np.multiply, "scatter_min": np.minimum, "scatter_max": np.maximum}


def scatter(op, x, indices, updates):
    name = op["name"]
    in_order = indices.shape == (x.size, 1) and (indices.reshape(-1) == np.arange(x.size)).all()
    if x.ndim == 1 and in_order and x.size and name in UFUNCS:
        # Every place once: arithmetic of special values, subnormals among them.
        return UFUNCS[name](wide(x), wide(updates)).astype(x.dtype)
    op = dict(op, mode="fill" if op["mode"] == "fill" else "clip")
    if name == "scatter":
        return SCATTER_BITS(op, x, within_i32(indices), updates)
    # In f64 or i64, which hold these data, and their sums and products, exactly; and back: fewer computations.
    dtype = np.float64 if is_float(x.dtype) else np.int64
    result = np.asarray(SCATTER(op, x.astype(dtype), within_i32(indices), updates.astype(dtype)))
    narrow = result.astype(x.dtype)
    assert not is_float(x.dtype) or (narrow.astype(dtype) == result).all(), "not exact"
    assert x.dtype != np.uint64 or max(x.max(), updates.max(initial=0)) < 2**62
    return narrow


def scatter_xla(op, x, indices, updates):
    numbers = lax.ScatterDimensionNumbers(
        update_window_dims=tuple(op["window_axes"]), inserted_window_dims=tuple(op["inserted_axes"]),
        scatter_dims_to_operand_dims=tuple(op["index_map"]),
        operand_batching_dims=tuple(op["operand_batching_axes"]),
        scatter_indices_batching_dims=tuple(op["indices_batching_axes"]))
    return SCATTERS[op["name"]](x, indices, updates, numbers, mode=op["mode"])


SCATTER, SCATTER_BITS = compiled(scatter_xla), moved(scatter_xla, lambda xs: [0, 2])


# ---- reductions

def rational_sum(values, name):
    if all(map(math.isfinite, values)):
        total = sum(map(Fraction, values), Fraction(0))
        return round_rational(total, name) if total else 0.0
    return float(np.sum(np.array(values)))


def exact_product(values, name):
    if all(map(math.isfinite, values)) and all(values):
        product = Fraction(1)
        for v in values:
            product *= Fraction(v)
        return round_rational(product, name)
    return float(np.prod(np.sign(np.array(values)) * np.where(np.isfinite(values), np.minimum(np.abs(values), 1), np.abs(values))))


def reduce_xla(op, x):
    call = {"reduce_sum": lax.reduce_sum, "reduce_prod": lax.reduce_prod, "reduce_max": lax.reduce_max,
            "reduce_min": lax.reduce_min, "reduce_and": lax.reduce_and, "reduce_or": lax.reduce_or,
            "reduce_xor": lax.reduce_xor}[op["name"]]
    return call(x, tuple(op["axes"]))


REDUCE = compiled(reduce_xla)


def reduce(op, x):
    f, axes = op["name"], tuple(op["axes"])
    if not is_float(x.dtype):
        return REDUCE(op, x)
    name = NAMES[x.dtype]
    if f in ("reduce_max", "reduce_min"):
        least = np.inf if f == "reduce_min" else -np.inf
        call = np.minimum if f == "reduce_min" else np.maximum
        return call.reduce(wide(x), axis=axes, initial=least).astype(x.dtype)
    kept = [d for d in range(x.ndim) if d not in axes]
    shape = [x.shape[d] for d in kept]
    n = math.prod(shape)
    terms = math.prod(x.shape[d] for d in axes)
    rows = x.astype(np.float64).transpose(*kept, *axes).reshape(n, terms).tolist()
    exact = rational_sum if f == "reduce_sum" else exact_product
    result = array_of([exact(row, name) for row in rows], shape, name)
    if f == "reduce_prod":
        return result
    return result, np.array([sum(map(abs, row)) for row in rows], np.float64).reshape(shape)


ARG_REDUCE = compiled(lambda op, x: (lax.argmax if op["name"] == "argmax" else lax.argmin)(
    x, op["axis"], DTYPES[op["dtype"]]))


def arg_reduce(op, x):
    f = np.argmax if op["name"] == "argmax" else np.argmin
    dtype = DTYPES[op["dtype"]]
    if not is_float(x.dtype) and x.dtype != np.bool_:
        return ARG_REDUCE(op, x)
    x = x.astype(np.float64)
    return f(x, axis=op["axis"]).astype(dtype)


SORT = compiled(lambda op, *xs: lax.sort(xs, dimension=op["axis"], num_keys=op["keys"], is_stable=True))


def sort(op, *xs):
    axis, keys = op["axis"], op["keys"]
    if not any(is_float(x.dtype) for x in xs[:keys]):
        return tuple(SORT(op, *xs))
    # The last key of lexsort decides first; floats as f64, with one zero.
    columns = [x.astype(np.float64) + 0.0 if is_float(x.dtype) else x for x in xs[:keys]]
    order = np.lexsort(columns[::-1], axis=axis)
    return tuple(np.take_along_axis(x, order, axis=axis) for x in xs)


DOT = compiled(lambda op, x, y: lax.dot_general(
    x, y, ((op["lhs_contracting"], op["rhs_contracting"]), (op["lhs_batch"], op["rhs_batch"])),
    preferred_element_type=DTYPES[op["dtype"]]))


def dot(op, x, y):
    cx, cy, bx, by = (op[k] for k in ("lhs_contracting", "rhs_contracting", "lhs_batch", "rhs_batch"))
    dtype = DTYPES[op["dtype"]]
    if not is_float(dtype):
        return DOT(op, x.astype(dtype), y.astype(dtype))
    letters = iter("abcdefghijklmnop")
    sx = [next(letters) for _ in x.shape]
    sy = [next(letters) for _ in y.shape]
    for i, j in zip([*cx, *bx], [*cy, *by]):
        sy[j] = sx[i]
    out = [sx[d] for d in bx]
    out += [sx[d] for d in range(x.ndim) if d not in cx and d not in bx]
    out += [sy[d] for d in range(y.ndim) if d not in cy and d not in by]
    formula = f"{''.join(sx)},{''.join(sy)}->{''.join(out)}"
    x, y = x.astype(np.longdouble), y.astype(np.longdouble)
    result = np.einsum(formula, x, y)
    scale = np.einsum(formula, np.abs(x), np.abs(y))
    return result.astype(dtype), scale.astype(np.float64)


# ---- creation, random numbers

def full(op):
    kind, text = op["number"]
    number = np.frombuffer(bytes.fromhex(text), ">f8")[0].item() if kind == "float" else int(text)
    number = number if number == 0 and isinstance(number, float) else cast_number(number, op["dtype"])
    return np.full(op["shape"], number, DTYPES[op["dtype"]])


def draw(op, raw, number):
    f, shape = op["name"], tuple(op.get("shape", ()))
    key = jax.random.wrap_key_data(raw, impl="threefry2x32")
    if f == "random_bits":
        return jax.random.bits(key, shape, DTYPES[op["dtype"]])
    if f == "random_uniform":
        return jax.random.uniform(key, shape, DTYPES[op["dtype"]])
    if f == "random_normal":
        return jax.random.normal(key, shape, DTYPES[op["dtype"]])
    if f in ("random_gamma", "random_poisson"):
        dtype = DTYPES[op["dtype"]]
        if f == "random_poisson":
            return jax.random.poisson(key, number, shape, dtype)
        return (jax.random.loggamma if op["log"] else jax.random.gamma)(key, number, shape, dtype)
    if f == "random_split":
        return jax.random.key_data(jax.random.split(key, shape))
    return jax.random.key_data(jax.random.fold_in(key, number))


DRAW = compiled(draw)


def random(op, keys, data=None):
    batch = keys.shape[:-1]
    n = math.prod(batch)
    raw = keys.reshape(n, 2)
    numbers = np.zeros(n, np.uint32) if data is None else data.reshape(n, *data.shape[len(batch):])
    # A key at a time: nothing can leak from one to another.
    result = [np.asarray(DRAW(op, k, d)) for k, d in zip(raw, numbers)]
    if not result:
        like = jax.eval_shape(partial(draw, op), jax.ShapeDtypeStruct((2,), np.uint32),
                              jax.ShapeDtypeStruct(numbers.shape[1:], numbers.dtype))
        return np.zeros(batch + like.shape, like.dtype)
    return np.stack(result).reshape(batch + result[0].shape)


@lru_cache(maxsize=None)
def flat_precision(exponent_bits, mantissa_bits):
    return flat(lambda x: lax.reduce_precision(x, exponent_bits, mantissa_bits))


ANSWERS = {
    "Unary": unary, "IntegerPow": integer_pow, "Binary": binary, "Select": select, "Clamp": clamp,
    "ReducePrecision": lambda op, x: flat_precision(op["exponent_bits"], op["mantissa_bits"])(x),
    "Bits": lambda op, *x: FLAT[op["name"]](*x),
    "Compare": lambda op, x, y: COMPARE[op["name"]](x, y),
    "Cast": lambda op, x: cast(x, op["dtype"]),
    "Bitcast": lambda op, x: lax.bitcast_convert_type(x, DTYPES[op["dtype"]]),
    "Reshape": moved(lambda op, x: lax.reshape(x, op["shape"])),
    "Transpose": moved(lambda op, x: lax.transpose(x, op["permutation"])),
    "Broadcast": moved(lambda op, x: lax.broadcast_in_dim(x, op["shape"], op["axes"])),
    "Reverse": moved(lambda op, x: lax.rev(x, op["axes"])),
    "Slice": moved(lambda op, x: lax.slice(x, op["starts"], op["limits"], op["strides"])),
    "DynamicSlice": moved(lambda op, x, *starts: lax.dynamic_slice(
        x, starts, op["sizes"], allow_negative_indices=False), lambda xs: [0]),
    "DynamicUpdate": moved(lambda op, x, update, *starts: lax.dynamic_update_slice(
        x, update, starts, allow_negative_indices=False), lambda xs: [0, 1]),
    "Pad": moved(lambda op, x, value: lax.pad(x, value, [tuple(p) for p in op["padding"]])),
    "Concatenate": moved(lambda op, *xs: lax.concatenate(xs, op["axis"])),
    "Gather": gather, "Scatter": scatter, "Reduce": reduce, "ArgReduce": arg_reduce, "Sort": sort, "Dot": dot,
    "Full": full,
    "Iota": lambda op: cast(np.asarray(lax.broadcasted_iota(np.int64, op["shape"], op["axis"])), op["dtype"]),
    "Constant": lambda op: decode(op["data"]),
    "Random": random,
    "StopGradient": lambda op, x: lax.stop_gradient(x),
}
# What XLA itself says, for --compare.
XLA = {
    "Unary": lambda op, x: FLAT[op["name"]](x),
    "Binary": lambda op, x, y: FLAT[op["name"]](x, y),
    "Compare": lambda op, x, y: FLAT[op["name"]](x, y),
    "IntegerPow": lambda op, x: lax.integer_pow(x, op["exponent"]),
    "Clamp": lambda op, *x: FLAT_CLAMP(*x),
    "Cast": lambda op, x: lax.convert_element_type(x, DTYPES[op["dtype"]]),
    "Iota": lambda op: lax.broadcasted_iota(DTYPES[op["dtype"]], op["shape"], op["axis"]),
    "Sort": lambda op, *xs: tuple(lax.sort(xs, dimension=op["axis"], num_keys=op["keys"], is_stable=True)),
}
