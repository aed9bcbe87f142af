"""One peer of the comparison: times the cases it is asked for, by the protocol in ../src/peers.rs.

usage: peer.py jax|torch threads
"""

import os
import sys
import time
import traceback

import jitted
from jitted import numbers

framework, threads = sys.argv[1], int(sys.argv[2])
# The names that JAX and the libraries below PyTorch read; the orchestrator binds the process to as many cores.
for name in ("NPROC", "PJRT_NPROC", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[name] = str(threads)
os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("TORCHINDUCTOR_COMPILE_THREADS", "1")
if framework == "torch":
    # Each thread on a core of its own: beside other load two may share one, and wait for each other by its time slices.
    os.environ.setdefault("OMP_PROC_BIND", "true")

SAMPLE = 20e-6  # seconds: shorter calls are timed several at once


def samples(f, seconds):
    """Nanoseconds a call. `f` returns when its result is there; a result lives until the next one is."""

    def timed(calls):
        nonlocal last
        start = time.perf_counter()
        for _ in range(calls):
            last = f()
        return (time.perf_counter() - start) / calls

    last = f()
    calls = 1
    first = timed(calls)
    while first * calls < SAMPLE and calls < 1 << 20:
        calls *= 2
        first = timed(calls)
    found, end = [first], time.perf_counter() + seconds
    while len(found) < 3 or time.perf_counter() < end:
        found.append(timed(calls))
    return sorted(x * 1e9 for x in found)


class Jax:
    def __init__(self):
        import jax
        import jax.numpy as jnp

        self.jax, self.jnp = jax, jnp
        self.version = f"jax {jax.__version__}"

    def tensor(self, array, dtype=None):
        return self.jnp.asarray(array, dtype=dtype and getattr(self.jnp, dtype))

    def work(self, case):
        f, args = case["jax"](self)
        how = ""
        if not case["eager"]:
            f = self.jax.jit(f, donate_argnums=0 if case["carried"] else ())
            how = "jit" if case["composed"] else ""
        if case["carried"]:
            state, *rest = args

            def step():
                nonlocal state
                state, *others = self.jax.block_until_ready(f(state, *rest))

            return step, how
        return (lambda: self.jax.block_until_ready(calls(case, f, args))), how


class Torch:
    def __init__(self):
        import torch

        torch.set_num_threads(threads)
        torch.set_grad_enabled(False)
        self.torch = torch
        self.version = f"torch {torch.__version__}"

    def tensor(self, array, dtype=None):
        x = self.torch.as_tensor(array)
        return x.to(getattr(self.torch, dtype)) if dtype else x

    def work(self, case):
        f, args = case["torch"](self)
        if not case["composed"]:
            return (lambda: f(*args)), ""
        # The fastest one: what is one operation of PyTorch's own may lose by being compiled.
        compiled = lambda: self.torch.compile(f, dynamic=False)
        ways = f if isinstance(f, dict) else {"eager": lambda: f, "compile": compiled}
        self.torch.compiler.reset()  # Else a second size is compiled for any.
        best = None
        for how, make in ways.items():
            try:
                way = make()
                time = samples(lambda: calls(case, way, args), 0.1)[0]
            except Exception as error:  # No C++ compiler, mostly: the table says "eager".
                print(f"{how}: {error}", file=sys.stderr)
                continue
            best = min(best or (time, way, how), (time, way, how), key=lambda b: b[0])
        _, way, how = best
        return (lambda: calls(case, way, args)), how


def complex_numbers(n):
    return numbers(n) + 1j * numbers(n)


CASES = {}


def case(name, jax, torch, composed=False, eager=False, loop=False, carried=False):
    """A line of the table: each framework's maker of a function and its arguments; None where it has none.

    `composed`: a function of several operations, which is compiled; the answer says how. `eager`: nothing is. `loop`: there
    are many arguments, each a tuple, and the function is called for one after another. `carried`: the first argument is a
    state, which the function gives back for the next call.
    """
    flags = {"composed": composed, "eager": eager, "loop": loop, "carried": carried}
    CASES[name] = {"jax": jax, "torch": torch, **flags}


def calls(case, f, args):
    """The function's result; in a loop, all of them."""
    return [f(*one) for one in args] if case["loop"] else f(*args)


def one(f, *shape):
    """A maker: what `f` makes of the framework, with one tensor."""
    return lambda p: (f(p), (p.tensor(numbers(*shape, low=0.1, high=3.0)),))


def two(f, x, y, dtype=None):
    """A maker: what `f` makes of the framework, with two tensors."""
    return lambda p: (f(p), (p.tensor(numbers(*x), dtype), p.tensor(numbers(*y), dtype)))


def same(*args):
    """The makers of both frameworks, where they are spelled in the same way."""
    return two(*args), two(*args)


def rows(f, updates=False):
    """A maker: a table, random places in it, and rows to be added."""
    import numpy as np

    def make(p):
        places = np.random.default_rng(1).integers(0, M, M).astype(np.int32)
        args = [p.tensor(numbers(M, 16)), p.tensor(places)] + [p.tensor(numbers(M, 16))] * updates
        return f(p), tuple(args)

    return make


def matrix(f, n, positive, dtype="float32", right=None):
    """The makers of both frameworks: what `f` makes of the module linalg, with matrices of order n, positive definite or
    any, and right sides."""

    def maker(p):
        import numpy as np

        if framework == "jax":
            p.jax.config.update("jax_enable_x64", dtype == "float64")
        *batch, order = n if isinstance(n, tuple) else (n,)
        x = numbers(*batch, order, order).astype(dtype)
        x = x @ x.swapaxes(-1, -2) + np.eye(order, dtype=dtype) if positive else x
        rest = () if right is None else (p.tensor(numbers(*right)),)
        return f((p.jnp if framework == "jax" else p.torch).linalg), (p.tensor(x), *rest)

    return maker, maker


def add(p):
    return lambda x, y: x + y


def mul(p):
    return lambda x, y: x * y


def product(p):
    return lambda x, y: x @ y


def jax_selu(p):
    return lambda x: 1.05 * p.jnp.where(x > 0, x, 1.67 * p.jnp.exp(x) - 1.67)


def torch_selu(p):
    return lambda x: 1.05 * p.torch.where(x > 0, x, 1.67 * p.torch.exp(x) - 1.67)


def jax_layer_norm(p):
    def layer_norm(x):
        centred = x - x.mean(-1, keepdims=True)
        return centred * p.jax.lax.rsqrt((centred * centred).mean(-1, keepdims=True) + 1e-5)

    return layer_norm


def torch_layer_norm(p):
    return lambda x: p.torch.nn.functional.layer_norm(x, (1024,))


def jax_normal(p):
    return (lambda key: p.jax.random.normal(key, (5000, 6000))), (p.jax.random.key(0),)


def conv(x, kernel, groups=1):
    """The makers of both frameworks, of a convolution that keeps the sizes of images."""
    pad = kernel[-1] // 2
    jax = lambda p: lambda x, k: p.jax.lax.conv_general_dilated(x, k, (1, 1), "SAME", feature_group_count=groups)
    torch = lambda p: lambda x, k: p.torch.nn.functional.conv2d(x, k, padding=pad, groups=groups)
    return two(jax, x, kernel), two(torch, x, kernel)


def conv_back(p):
    """The same with both gradients."""
    args = tuple(p.tensor(numbers(*shape)) for shape in (CONV, (32, 16, 3, 3), (64, 32, 28, 28)))

    def jax(x, k, ct):
        y, back = p.jax.vjp(lambda x, k: p.jax.lax.conv_general_dilated(x, k, (1, 1), "SAME"), x, k)
        return y, back(ct)

    def torch(x, k, ct):
        y = p.torch.nn.functional.conv2d(x, k, padding=1)
        back = p.torch.ops.aten.convolution_backward
        return y, back(ct, x, k, None, [1, 1], [1, 1], [1, 1], False, [0, 0], 1, [True, True, False])

    return (jax if hasattr(p, "jax") else torch), args


def jax_max_pool(p):
    return lambda x: p.jax.lax.reduce_window(x, -p.jnp.inf, p.jax.lax.max, (1, 1, 2, 2), (1, 1, 2, 2), "VALID")


def rnn(p, compiled=False):
    """The gradient of the squares of 200 states h = tanh(h w + x) with respect to w."""
    w, x = p.tensor(numbers(128, 128, low=-0.1, high=0.1)), p.tensor(numbers(200, 32, 128))
    if hasattr(p, "jax"):

        def loss(w, x):
            def step(h, x):
                h = p.jnp.tanh(h @ w + x)
                return h, h

            return (p.jax.lax.scan(step, p.jnp.zeros((32, 128)), x)[1] ** 2).sum()

        return p.jax.grad(loss), (w, x)

    def loss(w, x):
        h, states = p.torch.zeros(32, 128), []
        for step in x.unbind():
            h = p.torch.tanh(h @ w + step)
            states.append(h)
        return p.torch.stack(states).square().sum()

    def torch(w, x):
        with p.torch.enable_grad():
            w = w.detach().requires_grad_()
            return p.torch.autograd.grad(loss(w, x), w)

    # Compiled, it is all steps one after another: that takes half a minute.
    ways = {"eager": lambda: torch, "compile": lambda: p.torch.compile(p.torch.func.grad(loss), dynamic=False)}
    return ways if compiled else torch, (w, x)


LAYERS = (784, 512, 512, 10)
BATCH, CHUNK = 32, 8


def per_example(chunk=None):
    """A maker: the gradients of a network's cross-entropy for each example of a batch; so many examples at a time."""
    import numpy as np

    def make(p):
        sizes = zip(LAYERS, LAYERS[1:])
        scaled = lambda n, m: numbers(n, m) * np.float32(np.sqrt(6 / n))
        layers = [(p.tensor(scaled(n, m)), p.tensor(0.1 * numbers(m))) for n, m in sizes]
        x, labels = p.tensor(numbers(BATCH, LAYERS[0], low=0.0)), p.tensor(np.arange(BATCH) % 10)
        if hasattr(p, "jax"):

            def loss(layers, x, label):
                for i, (w, b) in enumerate(layers):
                    x = x @ w + b
                    x = p.jax.nn.relu(x) if i < len(layers) - 1 else x
                return -(p.jax.nn.one_hot(label, 10) * p.jax.nn.log_softmax(x)).sum()

            def in_chunks(layers, x, labels):
                return p.jax.lax.map(lambda one: p.jax.grad(loss)(layers, *one), (x, labels), batch_size=chunk)

            return in_chunks if chunk else p.jax.vmap(p.jax.grad(loss), in_axes=(None, 0, 0)), (layers, x, labels)
        F = p.torch.nn.functional

        def loss(layers, x, label):
            for i, (w, b) in enumerate(layers):
                x = x @ w + b
                x = F.relu(x) if i < len(layers) - 1 else x
            return F.cross_entropy(x, label)

        func = p.torch.func
        return func.vmap(func.grad(loss), in_dims=(None, 0, 0), chunk_size=chunk), (layers, x, labels)

    return make


def hessian(p):
    """The second derivatives of a small network by its 64 inputs."""
    v, w, x = p.tensor(0.2 * numbers(64, 64)), p.tensor(0.2 * numbers(64, 64)), p.tensor(numbers(64))
    tanh = p.jnp.tanh if hasattr(p, "jax") else p.torch.tanh
    transformed = p.jax.hessian if hasattr(p, "jax") else p.torch.func.hessian
    return transformed(lambda x: (tanh(w @ tanh(v @ x)) ** 2).sum()), (x,)


def ridge(p):
    """The coefficients of a regression with a penalty, of one small problem."""
    np = p.jnp if hasattr(p, "jax") else p.torch
    return lambda x, y: np.linalg.solve(x.T @ x + np.eye(4), x.T @ y)


def small_problems(p):
    """All at once."""
    vmap = p.jax.vmap if hasattr(p, "jax") else p.torch.func.vmap
    return vmap(ridge(p)), (p.tensor(numbers(1000, 16, 4)), p.tensor(numbers(1000, 16)))


def one_by_one(p):
    """One after another: the problems are tensors of their own."""
    return ridge(p), [(p.tensor(x), p.tensor(y)) for x, y in zip(numbers(1000, 16, 4), numbers(1000, 16))]


CONV = (64, 16, 28, 28)
M = 1_000_000


def table():
    """The table: a line a case, in the order of `../src/peers.rs`."""
    case("exp 1e6", one(lambda p: p.jnp.exp, M), one(lambda p: p.torch.exp, M))
    case("tanh 1e6", one(lambda p: p.jnp.tanh, M), one(lambda p: p.torch.tanh, M))
    case("log 1e6", one(lambda p: p.jnp.log, M), one(lambda p: p.torch.log, M))
    case("add 1e7", *same(add, (10 * M,), (10 * M,)))
    case("mul 1e7", *same(mul, (10 * M,), (10 * M,)))
    case("cast f32 to bf16 1e7", one(lambda p: lambda x: x.astype(p.jnp.bfloat16), 10 * M),
         one(lambda p: lambda x: x.bfloat16(), 10 * M))
    case("add a row 4096x2441", *same(add, (4096, 2441), (2441,)))
    case("sum 1e7", one(lambda p: p.jnp.sum, 10 * M), one(lambda p: p.torch.sum, 10 * M))
    case("max 1e7", one(lambda p: p.jnp.max, 10 * M), one(lambda p: p.torch.max, 10 * M))
    case("selu 1e3", one(jax_selu, 1000), one(torch_selu, 1000), composed=True)
    case("selu 1e6", one(jax_selu, M), one(torch_selu, M), composed=True)
    case("selu 1e7", one(jax_selu, 10 * M), one(torch_selu, 10 * M), composed=True)
    case("softmax 4096x1024", one(lambda p: p.jax.nn.softmax, 4096, 1024),
         one(lambda p: lambda x: x.softmax(-1), 4096, 1024), composed=True)
    case("layer norm 4096x1024", one(jax_layer_norm, 4096, 1024), one(torch_layer_norm, 4096, 1024), composed=True)
    case("transpose 4096x4096", one(lambda p: lambda x: x.T, 4096, 4096),
         one(lambda p: lambda x: x.t().contiguous(), 4096, 4096))
    case("normal 5000x6000", jax_normal, lambda p: ((lambda: p.torch.randn(5000, 6000)), ()))
    case("gather 1e6 rows of 16", rows(lambda p: lambda x, i: x.at[i].get(mode="clip")),
         rows(lambda p: lambda x, i: x.index_select(0, i)))
    case("scatter_add 1e6 rows of 16", rows(lambda p: lambda x, i, y: x.at[i].add(y, mode="drop"), updates=True),
         rows(lambda p: lambda x, i, y: x.index_add(0, i, y), updates=True))
    case("matmul 256", *same(product, (256, 256), (256, 256)))
    case("matmul 1024", *same(product, (1024, 1024), (1024, 1024)))
    case("matmul 2048", *same(product, (2048, 2048), (2048, 2048)))
    case("matmul bf16 1024", *same(product, (1024, 1024), (1024, 1024), "bfloat16"))
    case("matmul 64x4096 4096x64", *same(product, (64, 4096), (4096, 64)))
    case("matmul 256 of 64x64", *same(product, (256, 64, 64), (256, 64, 64)))
    case("matmul 4096x4096 by a vector", *same(product, (4096, 4096), (4096,)))
    case("conv 3x3 64x16x28x28 -> 32", *conv(CONV, (32, 16, 3, 3)))
    case("conv 3x3 64x16x28x28 -> 32, forward and backward", conv_back, conv_back)
    case("conv 1x1 64x16x28x28 -> 32", *conv(CONV, (32, 16, 1, 1)))
    case("conv 3x3 64x16x28x28 depthwise", *conv(CONV, (16, 1, 3, 3), 16))
    case("conv 3x3 8x256x14x14 -> 256", *conv((8, 256, 14, 14), (256, 256, 3, 3)))
    case("max_pool 2x2 64x16x28x28", one(jax_max_pool, *CONV),
         one(lambda p: lambda x: p.torch.nn.functional.max_pool2d(x, 2), *CONV))
    # Linear algebra.
    case("cholesky 256", *matrix(lambda l: l.cholesky, 256, True))
    case("cholesky f64 256", *matrix(lambda l: l.cholesky, 256, True, "float64"))
    case("cholesky 1024", *matrix(lambda l: l.cholesky, 1024, True))
    case("cholesky 10000 of 4x4", *matrix(lambda l: l.cholesky, (10_000, 4), True))
    case("eigh 256", *matrix(lambda l: lambda x: l.eigh(x)[1], 256, True))
    case("eigh f64 256", *matrix(lambda l: lambda x: l.eigh(x)[1], 256, True, "float64"))
    case("svd 256", *matrix(lambda l: lambda x: l.svd(x, full_matrices=False)[0], 256, False))
    case("svd f64 256", *matrix(lambda l: lambda x: l.svd(x, full_matrices=False)[0], 256, False, "float64"))
    case("qr 256", *matrix(lambda l: lambda x: l.qr(x)[0], 256, False))
    case("solve 256 for a vector", *matrix(lambda l: l.solve, 256, True, right=(256,)))
    case("solve 256 for 256", *matrix(lambda l: l.solve, 256, True, right=(256, 256)))
    # Order and transforms.
    case("sort 1e6", one(lambda p: p.jnp.sort, M), one(lambda p: lambda x: x.sort().values, M))
    case("argsort 1e6", one(lambda p: p.jnp.argsort, M), one(lambda p: p.torch.argsort, M))
    case("top_k 64 of 1e6", one(lambda p: lambda x: p.jax.lax.top_k(x, 64)[0], M), one(lambda p: lambda x: x.topk(64), M))
    case("cumsum 1e7", one(lambda p: p.jnp.cumsum, 10 * M), one(lambda p: lambda x: x.cumsum(0), 10 * M))
    case("cumsum of columns 4096x1024", one(lambda p: lambda x: x.cumsum(0), 4096, 1024),
         one(lambda p: lambda x: x.cumsum(0), 4096, 1024))
    case("fft 2^20", lambda p: (p.jnp.fft.fft, (p.jnp.asarray(complex_numbers(1 << 20)),)),
         lambda p: (p.torch.fft.fft, (p.torch.as_tensor(complex_numbers(1 << 20)),)))
    case("rfft 1024x1024", one(lambda p: p.jnp.fft.rfft, 1024, 1024), one(lambda p: p.torch.fft.rfft, 1024, 1024))
    case("gradient of an RNN's scan", rnn, rnn)
    case("jit gradient of an RNN's scan", rnn, lambda p: rnn(p, compiled=True), composed=True)
    # Functions of one example, mapped.
    case("per-example gradients", per_example(), per_example(), composed=True)
    case("jit per-example gradients", per_example(), per_example(), composed=True)
    case("per-example gradients in chunks", per_example(CHUNK), per_example(CHUNK), composed=True)
    case("hessian of 64 inputs", hessian, hessian, composed=True)
    case("jit hessian of 64 inputs", hessian, hessian, composed=True)
    case("1000 small problems", small_problems, small_problems, composed=True)
    case("1000 small problems in a loop", one_by_one, one_by_one, composed=True, loop=True)
    case("add of scalars", *same(add, (), ()), eager=True)
    case("add of 16", *same(add, (16,), (16,)), eager=True)
    jitted.table(case)


def main():
    try:
        peer = {"jax": Jax, "torch": Torch}[framework]()
    except Exception as error:
        print(f"error\t{framework}: {type(error).__name__}: {str(error).splitlines()[:1]}", flush=True)
        return
    table()
    print(f"ready\t{peer.version}", flush=True)
    built = None
    for line in sys.stdin:
        name, seconds = line.rstrip("\n").split("\t")
        if name not in CASES or CASES[name][framework] is None:
            print("-", flush=True)
            continue
        try:
            if built is None or built[0] != name:
                built = None  # The last case's data go before the next one's come.
                built = (name, *peer.work(CASES[name]))
            _, f, how = built
            found = samples(f, float(seconds))
        except Exception:  # This case's answer is none; the log says why.
            print(name, traceback.format_exc(), sep="\n", file=sys.stderr, flush=True)
            print("-", flush=True)
            continue
        print(f"{found[0]}\t{found[len(found) // 2]}\t{how}", flush=True)


main()
