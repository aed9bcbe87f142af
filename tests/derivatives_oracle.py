"""Writes derivatives_oracle.txt: what JAX gives for the cases of derivatives.rs, by the same names.

    python tests/derivatives_oracle.py

One line a case: its name, then for each result, after a tab, `type values`. A case is `pull(f, x, ..)`: the cotangents of
x, .. for the cotangents 1, 2, 3, .. of f(x, ..); or results by themselves. Where JAX has no rule, or another default,
the case says so and is written as a formula whose derivative JAX knows. Made with JAX 0.10.2.
"""

import pathlib

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.scipy.special import logsumexp

jax.config.update("jax_enable_x64", True)
inf, nan = jnp.inf, jnp.nan
cases = {}


def a(*xs, dtype=jnp.float64):
    return jnp.array(xs, dtype)


def ramp(y):
    return (jnp.arange(y.size) + 1).reshape(y.shape).astype(y.dtype)


def pull(f, *xs):
    y, back = jax.vjp(f, *xs)
    return back(ramp(y))


def second(f, x):
    return pull(lambda x: pull(f, x)[0], x)


def both(f, *xs):
    return (f(*xs),) + tuple(pull(f, *xs))


def case(name, results):
    assert name not in cases, name
    cases[name] = results if isinstance(results, tuple) else (results,)


# Ties and kinks.
tied = a(1, 2, 3, 0, nan, 1, inf), a(1, 3, 2, -0.0, 1, nan, inf)
case("maximum", pull(jnp.maximum, *tied))
case("minimum", pull(jnp.minimum, *tied))
steps = a(-2.5, -1.5, -1, -0.0, 0, 0.5, 1, 1.5, 2.5)
case("relu", both(jax.nn.relu, a(-1, -0.0, 0, 1, inf)))
case("max(x, 0)", pull(lambda x: jnp.maximum(x, 0.0), a(-1, 0, 1)))
case("clamp", pull(lambda l, x, h: lax.clamp(l, x, h), a(1, 1, 1, 1, 1, 2), a(0, 1, 2, 3, 4, 2), a(3, 3, 3, 3, 3, 2)))
case("clip", pull(lambda x: jnp.minimum(jnp.maximum(x, 1.0), 3.0), a(0, 1, 2, 3, 4)))
m = a(1, 3, 3, 2, 2, 2).reshape(2, 3)
case("reduce_max", pull(lambda x: x.max(1), m) + pull(lambda x: x.max(0), m) + pull(jnp.max, m))
case("reduce_max of nan", pull(lambda x: x.max(1), a([1, nan, 3], [2, 2, 1])))
case("reduce_min", pull(lambda x: x.min(1), m) + pull(lambda x: x.min(0), m) + pull(jnp.min, m))
x, i, u = a(1, 2, 3, 4, 7), jnp.array([0, 1, 1, 3, 3, 2]), a(1, 3, 3, 5, 0, 3)
case("at max", pull(lambda x, u: x.at[i].max(u), x, u))
case("at min", pull(lambda x, u: x.at[i].min(u), x, u))
case("at max, several there", pull(lambda x, u: x.at[0].max(u), a(3, 4), a(3)[0]))
case("abs", pull(jnp.abs, steps))
case("sign", both(jnp.sign, steps))
case("floor", both(jnp.floor, steps))
case("ceil", both(jnp.ceil, steps))
case("round", both(jnp.round, steps))
case("round_half_away", both(lambda x: lax.round(x, lax.RoundingMethod.AWAY_FROM_ZERO), steps))
case("compare", pull(lambda x: (x > 0).astype(x.dtype) * x + jnp.isfinite(x).astype(x.dtype), steps))
quotients = a(5.5, -5.5, 5.5, -5.5, 6, 0), a(2, 2, -2, -2, 3, 1)
case("rem", both(lax.rem, *quotients))
case("remainder", both(jnp.remainder, *quotients))
unsorted = a(3, 1, nan, 1, 2, 0, -0.0, -inf)
case("sort", both(jnp.sort, unsorted))
case("sort together", pull(lambda x, v: lax.sort((x, v), num_keys=1)[1], unsorted, unsorted) +
     pull(lambda x, v: lax.sort((x, v), num_keys=1)[0], unsorted, unsorted))
pile = a(3, 1, 3, nan, 2, 3, 1)
i32 = lambda x: x.astype(jnp.int32)
case("top_k", both(lambda x: lax.top_k(x, 5)[0], pile) + (lax.top_k(pile, 5)[1],))
case("argsort", (i32(jnp.argsort(pile)), i32(jnp.argsort(pile, descending=True))))
bits = lax.bitcast_convert_type
case("bits", pull(lambda x: bits(bits(x, jnp.int64) & (2**63 - 1), jnp.float64) * x, steps))
pick = jnp.array([True, False])
case("select", pull(lambda x, y: jnp.where(pick, x, y) * a(inf, nan), a(1, 2), a(nan, 3)))
case("select, the where-trap", pull(lambda x: jnp.where(x > 0, jnp.sqrt(x), 0), a(0, 1)))
case("select, guarded twice", pull(lambda x: jnp.where(x > 0, jnp.sqrt(jnp.where(x > 0, x, 1)), 0), a(0, 1)))

# Singular points.
case("sqrt", both(jnp.sqrt, a(0, 1, 4, -1, inf)))
case("sqrt, zero cotangent", pull(lambda x: jnp.sqrt(x) * 0, a(0, 1)))
case("square", pull(jnp.square, a(-2, 0, 3)) + second(jnp.square, a(-2, 0, 3)))
for n in (-2, -1, 0, 1, 2, 3):
    case(f"powi {n}", pull(lambda x: lax.integer_pow(x, n), a(-2, 0, 3)) + second(lambda x: lax.integer_pow(x, n), a(-2, 0, 3)))
case("pow", both(lax.pow, a(0, 0, 0, 0, 0, 2, -2, -2), a(0, 0.5, 1, 2, -1, 0.5, 0.5, 3)))
for y in (0.0, 0.5, 1.0, 2.0, 3.0):
    case(f"pow {y}", pull(lambda x: lax.pow(x, jnp.full_like(x, y)), a(-2, 0, 3)))
case("div", both(jnp.divide, a(1, 0, 1, 3, inf), a(0, 0, 2, inf, inf)))
grown = a(-1000, -20, -1, 0, 0.5, 5, 1000, inf)
for name, f, x in [
    ("log", jnp.log, a(0, 1, -1)), ("log1p", jnp.log1p, a(-1, 0, 1e-20)), ("rsqrt", lax.rsqrt, a(0, 4, inf)),
    ("cbrt", jnp.cbrt, a(0, 8, -8)), ("tanh", jnp.tanh, grown), ("logistic", jax.nn.sigmoid, grown),
    ("expm1", jnp.expm1, a(-1000, 1e-20, 0)), ("asin", jnp.arcsin, a(-1, 0, 1, 2)), ("acos", jnp.arccos, a(-1, 0, 1)),
    ("acosh", jnp.arccosh, a(1, 2)), ("atanh", jnp.arctanh, a(-1, 0, 1)), ("erf_inv", lax.erf_inv, a(-1, 0, 1)),
    ("atan", jnp.arctan, a(-inf, 0, inf)), ("tan", jnp.tan, a(0, 1)), ("erf", lax.erf, a(-10, 0, 10)),
]:
    case(name, both(f, x))
case("atan2", both(jnp.arctan2, a(0, 0, 1, 0), a(0, 1, 0, -1)))
x, y = a(0, 3, 0, 1e200), a(0, 4, 2, 1e200)  # JAX's gradient where x = y is not x / hypot(x, y).
part = lambda x, y: jnp.where(x + y == 0, 0.5, x / jnp.hypot(x, y)) * ramp(x)
case("hypot", (jnp.hypot(x, y), part(x, y), part(y, x)))
x, y = a(0, -inf, inf, 1000, 2, -inf), a(-inf, 0, 1, 1000, 2, -inf)  # JAX's is (1, e) at (inf, 1), NaN at -inf.
part = lambda x, y: jnp.where(x == y, 0.5, jax.nn.sigmoid(x - y)) * ramp(x)
case("logaddexp", (jnp.logaddexp(x, y), part(x, y), part(y, x)))
case("logaddexp, second", second(lambda x: jnp.logaddexp(x, x[::-1]), a(1, 2, 2, 1, 0, -1, 1, 2, 2, 1)))
rows = jnp.array([[1, 2, 3], [1000, 1001, -1000], [-inf, 0, 0]], jnp.float64)
case("logsumexp", both(lambda x: logsumexp(x, 1), rows))
case("logsumexp of inf", both(lambda x: logsumexp(x, 1), jnp.array([[inf, 0.0]])))
case("logsumexp of -inf", (a(-inf), jnp.zeros((1, 2))))  # JAX's gradient is NaN.
case("softmax", both(lambda x: jax.nn.softmax(x, 1), rows))
case("log_softmax", both(lambda x: jax.nn.log_softmax(x, 1), rows))
case("softmax of inf", a(nan, 0))  # In JAX it is NaN everywhere.
case("softmax of -inf", jax.nn.softmax(a(-inf, -inf)))
zeros = jnp.array([[2, 3, 4, 5], [0, 3, 4, 5], [0, 3, 0, 5], [0, 0, 0, 5]], jnp.float64)
case("reduce_prod", pull(lambda x: x.prod(1), zeros) + pull(lambda x: x.prod(0), zeros) + pull(jnp.prod, zeros[1:2]))
case("reduce_prod, second", second(lambda x: x.prod(1), zeros))
case("reduce_prod, third", pull(lambda x: second(lambda x: x.prod(1), x)[0], zeros))

unsymmetric, equal = a([4, 1], [3, 5]), jnp.diag(a(1, 1, 2))
case("cholesky of an unsymmetric matrix", both(jnp.linalg.cholesky, unsymmetric))
case("eigh of an unsymmetric matrix", both(lambda x: jnp.linalg.eigh(x)[0], unsymmetric))
case("eigh of equal eigenvalues", both(lambda x: jnp.linalg.eigh(x)[0], equal) + pull(lambda x: jnp.linalg.eigh(x)[1], equal) +
     pull(lambda x: jnp.linalg.eigh(x)[1], equal[:2, :2]))


def scatter_mul(x, u, i):  # JAX differentiates at[].mul by the operand alone, unless indices are unique.
    for j, k in enumerate(i):
        x = x.at[k].set(x[k] * u[j])
    return x


i, x, u = [0, 0, 1, 1, 2, 2, 2, 3], a(2, 0, 3, 4, 5), a(2, 3, 5, 7, 0, 0, 5, 0)
case("at mul", both(lambda x, u: scatter_mul(x, u, i), x, u))
case("at mul, second by x", second(lambda x: scatter_mul(x, x[:4], [1, 1, 2, 0]), x))
case("at mul, second by u", second(lambda u: scatter_mul(x, u, i), u))

# Types.
c = lambda dtype: lambda x: x.astype(dtype)
f32, bf16, f16, i32 = jnp.float32, jnp.bfloat16, jnp.float16, jnp.int32
fine = a(1.001, 2.002, 3.003, dtype=f32)
case("cast to bf16 and back", both(lambda x: x.astype(bf16).astype(f32) * fine, fine))
case("cast f64 to f32", both(lambda x: x.astype(f32) * fine, a(0.1, 1e300, -0.0)))
case("cast to int and back", both(lambda x: x.astype(i32).astype(f32), a(1.9, -1.9, 0, dtype=f32)))
case("cast to bool and back", both(lambda x: x.astype(bool).astype(f32), a(1.9, 0, dtype=f32)))
for dtype in (bf16, f16):
    ones = jnp.ones(4096, dtype)
    case(f"sum {dtype.__name__}", (ones.sum(), ones.mean(), jnp.vdot(ones, ones)))
    case(f"sum {dtype.__name__}, gradient", pull(lambda x: x.sum() * 0.5, ones[:3]))
case("bf16 with f16", pull(lambda x, y: x * y, a(1, 2, dtype=bf16), a(3, 4, dtype=f16)))
pairs = "bf16 f16, i32 bf16, i64 f16, u8 i8, u32 i32, bool u8, f32 f64, u8 u16".split(", ")
long = lambda name: name.replace("bf", "b#").replace("f", "float").replace("b#", "bfloat").replace("u", "#").replace("i", "int").replace("#", "uint")
case("promote", tuple(jnp.ones(1, long(p)) * jnp.ones(1, long(q)) for p, q in map(str.split, pairs)))
with jax.enable_x64(False):
    # What a plain number gives, in the default widths.
    for dtype in ("bool_", "int8", "uint8", "int32", "bfloat16", "float16", "float32"):
        t = jnp.ones(1, dtype)
        case(f"{dtype} with numbers", (t * 2.5, t * 3, t + True if dtype != "bool_" else t | True, t / 2, t / t))
    case("means and functions of ints", tuple(f(jnp.arange(3)) for f in (jnp.mean, jnp.exp, jnp.sum, jnp.square, jnp.abs)))
    case("sum of bool", jnp.array([True, True]).sum())
    case("argmax", (jnp.argmax(a(1, 3, 3, dtype=f32)), jnp.argmax(a(1, nan, 5, nan, dtype=f32)), jnp.arange(3)))
    case("argmin", (jnp.argmin(a(1, 0, 0, dtype=f32)), jnp.argmin(a(1, nan, -5, dtype=f32))))
x, y = jnp.arange(3.0).reshape(3, 1) + 1, jnp.arange(2.0) + 5
for name, f in [("add", jnp.add), ("mul", jnp.multiply), ("div", jnp.divide), ("maximum", jnp.maximum), ("pow", lax.pow)]:
    case(f"broadcast {name}", pull(lambda x, y: f(*jnp.broadcast_arrays(x, y)), x, y))
case("broadcast a scalar", pull(lambda x, s: x * s + s, x, jnp.array(2.0)))
p, q = jnp.arange(12.0).reshape(2, 1, 2, 3), jnp.arange(18.0).reshape(3, 3, 2)
case("broadcast matmul", pull(jnp.matmul, p, q))
case("matmul with vectors", pull(jnp.matmul, a(1, 2, 3), q[0]) + pull(jnp.matmul, q[0], a(1, 2)))
p, q = jnp.arange(24.0).reshape(2, 3, 4), jnp.arange(24.0).reshape(4, 3, 2)
case("dot_general", pull(lambda x, y: lax.dot_general(x, y, (([1], [1]), ([2], [0]))), p, q))

# Indexing.
x, i, u = a(1, 2, 3, 4), jnp.array([1, 1, 3]), a(10, 20, 30)
case("at set", both(lambda x, u: x.at[i].set(u), x, u))
case("at add", both(lambda x, u: x.at[i].add(u), x, u))
case("at set, negative", both(lambda x, u: x.at[-1].set(u), x, u[0]))
case("at set a number in all", pull(lambda x, u: x.at[i].set(u), x, u[0]))
case("get", both(lambda x: x[jnp.array([0, 2, 2, -1, -4])], x))
m = jnp.arange(12.0).reshape(3, 4)
case("get rows", pull(lambda x: x[jnp.array([2, 0, 2])], m))
case("get pairs", both(lambda x: x[jnp.array([[2], [-1]]), jnp.array([0, -1])], m))
case("get apart", both(lambda x: x.reshape(3, 2, 2)[jnp.array([1, 1]), :, jnp.array([0, 1])], m))
case("get a step", both(lambda x: x[::-2, 1::2], m))
case("get, get", pull(lambda x: x[jnp.array([0, 0, 1])][jnp.array([2, 0, 0])], m))
case("get, second", second(lambda x: x[jnp.array([0, 0, 2])] ** 3, a(1, 2, 3)))
i = jnp.array([1, 9, -9, -1])  # JAX's own default clips reads, but drops their cotangents.
for name, f in [("get", lambda x, u: x.at[i].get(mode="clip") * u), ("at set", lambda x, u: x.at[i].set(u)),
                ("at add", lambda x, u: x.at[i].add(u))]:
    case(f"{name}, places outside recorded", both(f, x, x * 10))
for s in (-3, -1, 1, 3, 9):  # XLA clamps; before, JAX takes a negative start from the end.
    case(f"dynamic_slice {s}", both(lambda x: lax.dynamic_slice(x, (min(max(s, 0), 2),), (2,)), x))
    case(f"dynamic_update_slice {s}", both(lambda x, u: lax.dynamic_update_slice(x, u, (min(max(s, 0), 2),)), x, u[:2]))
case("pad", both(lambda x, v: lax.pad(x, v, ((2, -1, 1),)), x, jnp.array(7.0)))
case("concatenate", pull(lambda x, y: jnp.concatenate([x, y, x]), x, a(1, 2, dtype=f32)))
case("flip, roll over", pull(lambda x: x.T.reshape(2, 6)[:, ::-1], m))

# Derivatives of derivatives.
x = a(-1, 0, 0.5, 2)
d = lambda f: lambda x: jax.grad(lambda x: f(x).sum())(x)
case("tanh, first to third", (d(jnp.tanh)(x), d(d(jnp.tanh))(x), d(d(d(jnp.tanh)))(x)))
case("a pullback, differentiated", pull(lambda x: jax.vjp(jnp.sin, x)[1](x)[0] * x, x))
case("stop_gradient, twice", (d(lambda x: x**2 * lax.stop_gradient(x))(x), d(d(lambda x: x**2 * lax.stop_gradient(x)))(x),
                              d(lambda x: x * lax.stop_gradient(d(lambda x: x**3)(x)))(x)))
case("two variables", d(lambda x: x * jax.grad(lambda y: (x * y * y).sum())(x))(x))
for name, f in [("abs", jnp.abs), ("relu", jax.nn.relu), ("max", lambda x: jnp.maximum(x, x * x)), ("sort", lambda x: jnp.sort(x) ** 2),
                ("logsumexp", lambda x: logsumexp(x)), ("softmax", jax.nn.softmax), ("reduce_max", lambda x: x.max() ** 2),
                ("sqrt", lambda x: jnp.sqrt(x + 1)), ("logistic", jax.nn.sigmoid), ("at max", lambda x: x.at[jnp.array([0, 0])].max(x[2:]) ** 2)]:
    case(f"{name}, second", second(f, a(-1, 0, 1, 0)))


def show(x):
    x = jnp.asarray(x)
    name = str(x.dtype).replace("bfloat", "bf").replace("float", "f").replace("uint", "u").replace("int", "i")
    values = np.asarray(x.astype(jnp.float64)).ravel()
    return f"{name}[{','.join(map(str, x.shape))}] {','.join(repr(float(v)) for v in values)}"


lines = ["\t".join([name, *map(show, results)]) + "\n" for name, results in cases.items()]
pathlib.Path(__file__).with_suffix(".txt").write_text("".join(lines))
