"""Functions as operations and control flow: JAX programs by the name of a sample, `scan/rnn f64 ..`. They know nothing of
the graphs of the operation; of its attributes only the number of constants and of the state's tensors, length and
direction."""

from jax.ad_checkpoint import checkpoint_name

from primitives import jax, jnp, lax, np

# Of constants, state and slices: the next state, and the results.
SCANS = {
    "sums": lambda c, k, x: ((k[0] + x[0],), (k[0] + x[0],)),
    "swap": lambda c, k, x: ((k[1], k[0] * x[0]), ()),
    "map": lambda c, k, x: ((), (jnp.sin(x[0]) * c[0], 2 * x[0])),
    "logistic": lambda c, k, x: ((c[0] * k[0] * (1 - k[0]),), (k[0],)),
    "fixed": lambda c, k, x: (k, (c[0], x[0], k[0], jnp.full_like(c[0], 2), x[0])),
    "dot": lambda c, k, x: ((k[0] + jnp.vdot(*x),), ()),
    "unused": lambda c, k, x: ((x[0], k[1]), (k[0],)),
    "repeat": lambda c, k, x: ((), (c[0] + c[0],)),
    "turned": lambda c, k, x: ((k[0] + x[0],), (jnp.swapaxes(k[0] * x[0], 0, 1),)),
    "counter": lambda c, k, x: ((k[0] + 1,), (k[0] ** 2,)),
    "parity": lambda c, k, x: ((k[0] ^ x[0],), (k[0] == x[0],)),
}


def program(f):
    SCANS[f.__name__] = f


@program
def rnn(c, k, x):
    h = jnp.tanh(jnp.einsum("ij,j->i", c[0], k[0]) + x[0] + c[1])
    return (h,), (jnp.square(h),)


@program
def mixed(c, k, x):
    (f, m), (h, n, flag), (v, j) = c, k, x
    new = f * h + j * v
    n = m * j + n
    flag = flag != (n > 4)
    return (new, n, flag), (new * h, n, flag, h)


@program
def hoisted(c, k, x):
    k = k[0] + jnp.exp(c[0]) * x[0]
    return (k,), (jnp.cos(c[0]), jnp.exp(c[0]) * k)


@program
def nested(c, k, x):
    def inner(p, v):
        p = c[0] * p + v
        return p, p

    p, ps = lax.scan(inner, jnp.zeros_like(c[0]), x[0], reverse=True)
    return (k[0] * p,), (ps, p)


@program
def call(c, k, x):
    k = jax.checkpoint(lambda k, x: x * jnp.sin(k))(k[0], x[0])
    return (k,), (k,)


@program
def branch(c, k, x):
    k = lax.switch(x[1], [lambda k, x: jnp.sin(k) + x, jnp.multiply, lambda k, x: x], k[0], x[0])
    return (k,), (k,)


@program
def doubled(c, k, x):
    k = k[0] * 2 ** jnp.maximum(x[0], 0)
    return (k,), (k,)


def scan(op, *inputs):
    n, m = op["constants"], op["constants"] + op["carries"]
    inputs = [jnp.asarray(x) for x in inputs]
    body, constants = SCANS[program_of(op)], inputs[:n]

    def step(k, x):
        k, y = body(constants, k, x)
        return tuple(k), tuple(y)

    last, ys = lax.scan(step, tuple(inputs[n:m]), tuple(inputs[m:]), length=op["length"], reverse=op["reverse"])
    return arrays(*last, *ys)


def loop(condition, body):
    """A loop of constants and a state, which the condition and the body get apart."""
    return lambda cc, bc, k: lax.while_loop(lambda k: condition(cc, k), lambda k: tuple(body(bc, k)), tuple(k))


def inner_while(x, i, p):
    return lax.fori_loop(0, i, lambda _, p: jnp.sin(p * x), p)


WHILES = {
    "count": loop(lambda c, k: k[0] < c[0], lambda c, k: (k[0] + c[0],)),
    "swap": loop(lambda c, k: k[0] > 0, lambda c, k: (k[0] - 1, k[2], k[1] + k[2])),
    "power": loop(lambda c, k: k[0] < c[0], lambda c, k: (k[0] + 1, k[1] * c[0])),
    # Of one body, with a bound by name.
    **{
        f"halve_to_{bound}": loop(lambda c, k, bound=bound: jnp.max(k[0]) > bound, lambda c, k: (jnp.sin(k[0]) * 0.1 + 0.5 * k[0],))
        for bound in (1, 2)
    },
    "newton": loop(
        lambda c, k: jnp.any(jnp.abs(jnp.square(k[0]) - c[0]) > c[1]), lambda c, k: (0.5 * (c[0] / k[0] + k[0]),)
    ),
    "mixed": loop(
        lambda c, k: k[0], lambda c, k: (jnp.sum(k[2] * 0.5) > 2, k[1] + 1, k[2] * 0.5, k[3] * np.uint8(2))
    ),
    "scan": loop(
        lambda c, k: k[0] < 2,
        lambda c, k: (k[0] + 1, lax.scan(lambda s, x: (x * s + x, None), k[1], c[0])[0]),
    ),
    "nested": loop(lambda c, k: k[0] < c[0], lambda c, k: (k[0] + 1, inner_while(c[0], *k))),
    "branch": loop(
        lambda c, k: k[0] < c[0],
        lambda c, k: (k[0] + 1, lax.switch(k[0], [jnp.multiply, lambda p, x: x, lambda p, x: jnp.cos(p)], k[1], c[0])),
    ),
    "collatz": loop(
        lambda c, k: k[0] > 1, lambda c, k: (jnp.where(k[0] % 2 == 0, k[0] // 2, 3 * k[0] + 1), k[1] + 1)
    ),
}


def while_loop(op, *inputs):
    n, m = op["condition_constants"], op["condition_constants"] + op["body_constants"]
    inputs = [jnp.asarray(x) for x in inputs]
    return arrays(*WHILES[program_of(op)](inputs[:n], inputs[n:m], inputs[m:]))


CONDS = {
    "one": [lambda x: (2 * x,)],
    "two": [lambda x, y: (y * jnp.sin(x),), lambda x, y: (x - y,)],
    "three": [
        lambda x, n, p: (x, n, p),
        lambda x, n, p: (jnp.full_like(x, 0.5), 2 * n, ~p),
        lambda x, n, p: (jnp.square(x), jnp.full_like(n, 7), jnp.ones_like(p)),
    ],
    "ignoring": [lambda x, y: (jnp.exp(y),), lambda x, y: (jnp.square(x),), lambda x, y: (jnp.full_like(x, 3),)],
    "shapes": [lambda x: (x.T, x.T), lambda x: (jnp.full((3, 2), jnp.sum(x)),) * 2],
    "nested": [
        lambda j, x: (jnp.where(j <= 0, jnp.sin(x), jnp.cos(x) * x),),
        lambda j, x: (-x,),
    ],
    "scan": [
        lambda k, x: (lax.scan(lambda k, x: (k * x + x, None), k, x)[0],),
        lambda k, x: (k + jnp.sum(x, 0),),
    ],
    "call": [lambda a, b: (jnp.tanh(a @ b),), lambda a, b: (b @ a,)],
    "logic": [lambda p, q: (p & q, q), lambda p, q: (~p, p)],
    "numbers": [
        lambda: (jnp.float32(1.5), jnp.full(3, -7, jnp.int64)),
        lambda: (jnp.float32(2.5), jnp.full(3, 9, jnp.int64)),
    ],
}


def cond(op, which, *operands):
    return arrays(*lax.switch(jnp.asarray(which), CONDS[program_of(op)], *map(jnp.asarray, operands)))


def dense(x, w, n):
    kept = jnp.sin(x @ w)
    z = n * jnp.exp(jnp.square(kept))
    return z, jnp.sum(z) * jnp.sum(kept), n + 1


def call_scan(k, x):
    def step(k, x):
        k = jnp.sin(jnp.exp(x) * k)
        return k, k

    return lax.scan(step, k, x)


def nested_calls(x, y):
    z = jnp.exp(jnp.sin(x) * jnp.cos(y))
    return z * jnp.sin(x), x + z


def sine(k, x, y):
    return k * y * jnp.sin(x), (x > 0).astype(jnp.int32)


def softplus(k, x, m):
    return jax.nn.softplus(x) * (k * m), 2 * m


CALLS = {
    "turned": lambda x, y: (y, x.T, y),
    "ones": lambda x: (jnp.ones(3, x.dtype),),
    "dense": dense,
    "scan": call_scan,
    "nested": nested_calls,
    "branch": lambda i, x: (jnp.where(i <= 0, jnp.cos(x), x * jnp.sin(x)),),
    "sine": sine,
    "softplus": softplus,
    "sine_twice": lambda k, x, y: (sine(k, sine(k, x, y)[0], y)[0], sine(k, x, y)[1]),
    "softplus_twice": lambda k, x, m: (softplus(k, softplus(k, x, m)[0], m)[0], 2 * m),
}


def call_op(op, *inputs):
    return arrays(*CALLS[program_of(op)](*map(jnp.asarray, inputs)))


def program_of(op):
    return op["sample"].split()[0].split("/")[1]


def arrays(*xs):
    return tuple(np.asarray(x) for x in xs)


ANSWERS = {
    "Name": lambda op, x: np.asarray(checkpoint_name(x, op["text"])),
    "Call": call_op,
    "Scan": scan,
    "While": while_loop,
    "Cond": cond,
}
