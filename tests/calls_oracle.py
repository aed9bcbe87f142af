"""Writes calls/<family>.txt: what JAX gives for the expressions that calls/<family>.py lists, values and gradients.

    python tests/calls_oracle.py [family ..]

A family's file is a list of lines `case("jnp.cumsum(x, axis=1)", x=ramp(3, 4))`: an expression, and its inputs by name, in the order
in which the Rust side gets them. Gradients are with respect to the float inputs, for the cotangents 1, 2, 3, .. of each float output;
`grad=False` where JAX has none. Names in expressions: np, jax, jnp, lax, nn, jsp (jax.scipy), and what is in scope here.
Results of 64-bit integers that no 64-bit integer went into are indices, i32 in Plywood. It needs jax.
"""

import pathlib, sys
import jax
jax.config.update("jax_enable_x64", True)
import jax.numpy as jnp
import jax.scipy as jsp
import numpy as np
from jax import lax, nn

HERE = pathlib.Path(__file__).parent / "calls"
f64, f32, f16, bf16, i32, i64, u8 = jnp.float64, jnp.float32, jnp.float16, jnp.bfloat16, jnp.int32, jnp.int64, jnp.uint8
nan, inf = float("nan"), float("inf")
lines = {}


def a(*values, dtype=f64):
    """A vector."""
    return jnp.array(values, dtype)


def ramp(*shape, dtype=f64, start=1, step=1):
    """start, start + step, .. in row-major order."""
    n = int(np.prod(shape))
    return (jnp.arange(n) * step + start).astype(dtype).reshape(shape)


def wave(*shape, dtype=f64, seed=1):
    """Numbers in (-2, 2) without order or ties, of few bits: the same in every precision of f32 and above."""
    n = int(np.prod(shape))
    return jnp.array(np.round(2 * np.sin(np.arange(n) * 2.399963 * seed + seed) * 1024) / 1024, dtype).reshape(shape)


def ints(*shape, below, seed=1, dtype=i32):
    """Integers in [0, below)."""
    n = int(np.prod(shape))
    return jnp.array((np.arange(n) * 7919 * (2 * seed + 1) + seed * 31) // 3 % below, dtype).reshape(shape)


def show(x):
    x = jnp.asarray(x)
    name = str(x.dtype).replace("bfloat", "bf").replace("float", "f").replace("uint", "u").replace("int", "i")
    number = (lambda v: str(int(v))) if x.dtype.kind in "iu" else (lambda v: repr(float(v)))
    values = np.asarray(x if x.dtype.kind in "iu" else x.astype(jnp.float64)).ravel()
    return f"{name}[{','.join(map(str, x.shape))}] {','.join(map(number, values))}"


def case(expression, grad=True, **inputs):
    inputs = {name: jnp.asarray(x) for name, x in inputs.items()}
    scope = {**globals()}
    floats = [name for name, x in inputs.items() if jnp.issubdtype(x.dtype, jnp.floating)]
    wide = any(x.dtype == i64 for x in inputs.values())

    def f(*xs):
        outputs = eval(expression, {**scope, **inputs, **dict(zip(floats, xs))})
        leaves = [jnp.asarray(y) for y in jax.tree.leaves(outputs)]
        return [y.astype(i32) if y.dtype == i64 and not wide else y for y in leaves]

    xs = [inputs[name] for name in floats]
    fields = [expression] + ["x " + show(x) for x in inputs.values()]
    if grad and floats:
        outputs, back = jax.vjp(f, *xs)
        is_float = lambda y: jnp.issubdtype(y.dtype, jnp.floating)
        cotangent = lambda y: (jnp.arange(y.size) + 1).astype(y.dtype).reshape(y.shape) if is_float(y) else np.zeros(y.shape, jax.dtypes.float0)
        gradients = back([cotangent(y) for y in outputs])
    else:
        outputs, gradients = f(*xs), []
    fields += ["y " + show(y) for y in outputs] + ["g " + show(g) for g in gradients]
    assert expression not in lines, expression
    lines[expression] = "\t".join(fields) + "\n"


def main():
    families = sys.argv[1:] or sorted(p.stem for p in HERE.glob("*.py"))
    for family in families:
        lines.clear()
        exec((HERE / f"{family}.py").read_text(), globals())
        (HERE / f"{family}.txt").write_text("".join(lines.values()))
        print(f"{family}: {len(lines)} calls")


if __name__ == "__main__":
    main()
