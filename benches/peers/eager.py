"""The other side of ../src/peers/eager.rs: one operation a case, and functions of one example, mapped.

`p` is a framework: it has `jax` and `jnp`, or `torch`. A maker makes of it a function and the function's arguments. JAX's
functions are jitted by whoever calls them, but for those of the flag `eager`. Where PyTorch has several ways, a function is a
dict of them, each behind a lambda that makes it: the fastest counts.
"""

import numpy as np

from networks import CHUNK, per_example
from shared import M, is_jax, numbers, spread

CONV = (64, 16, 28, 28)


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

    def make(p):
        places = np.floor(numbers(M, low=0.0).astype(np.float64) * M).astype(np.int32)
        args = [p.tensor(numbers(M, 16)), p.tensor(places)]
        return f(p), tuple(args + [p.tensor(numbers(M, 16))] * updates)

    return make


def matrix(f, n, positive, dtype="float32", right=None):
    """The makers of both frameworks: what `f` makes of the module linalg, with matrices of order n, positive definite or
    any, and right sides."""

    def maker(p):
        if is_jax(p):
            p.jax.config.update("jax_enable_x64", dtype == "float64")
        *batch, order = n if isinstance(n, tuple) else (n,)
        x = numbers(*batch, order, order).astype(dtype)
        x = x @ x.swapaxes(-1, -2) + np.eye(order, dtype=dtype) if positive else x
        rest = () if right is None else (p.tensor(numbers(*right)),)
        return f((p.jnp if is_jax(p) else p.torch).linalg), (p.tensor(x), *rest)

    return maker, maker


def add(p):
    return lambda x, y: x + y


def mul(p):
    return lambda x, y: x * y


def product(p):
    return lambda x, y: x @ y


def heads(p):
    x = p.tensor(numbers(8, 256, 8, 64))
    return (lambda x: x.transpose(0, 2, 1, 3)) if is_jax(p) else (lambda x: x.transpose(1, 2).contiguous()), (x,)


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
        return y, back(ct, x, k, None, [1, 1], [1, 1], [1, 1], False, [0, 0], 1, [True, True, False])[:2]

    return (jax if is_jax(p) else torch), args


def jax_max_pool(p):
    return lambda x: p.jax.lax.reduce_window(x, -p.jnp.inf, p.jax.lax.max, (1, 1, 2, 2), (1, 1, 2, 2), "VALID")


def complex_one(f, n):
    """A maker: what `f` makes of the framework, with complex numbers whose parts are the same. (Of a complex result the real part
    is compared, which is what our side keeps.)"""
    return lambda p: (f(p), (p.tensor(numbers(n) + 1j * numbers(n)),))


def rnn(p, compiled=False):
    """The gradient of the squares of 200 states h = tanh(h w + x) with respect to w."""
    w, x = spread(p, 0.1, 128, 128), p.tensor(numbers(200, 32, 128))
    if is_jax(p):

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


def hessian(p):
    """The second derivatives of a small network by its 64 inputs."""
    v, w, x = spread(p, 0.2, 64, 64), spread(p, 0.2, 64, 64), p.tensor(numbers(64))
    tanh = p.jnp.tanh if is_jax(p) else p.torch.tanh
    transformed = p.jax.hessian if is_jax(p) else p.torch.func.hessian
    return transformed(lambda x: (tanh(w @ tanh(v @ x)) ** 2).sum()), (x,)


def ridge(p):
    """The coefficients of a regression with a penalty, of one small problem."""
    module = p.jnp if is_jax(p) else p.torch
    return lambda x, y: module.linalg.solve(x.T @ x + module.eye(4), x.T @ y)


def small_problems(p):
    """All at once."""
    vmap = p.jax.vmap if is_jax(p) else p.torch.func.vmap
    return vmap(ridge(p)), (p.tensor(numbers(1000, 16, 4)), p.tensor(numbers(1000, 16)))


def one_by_one(p):
    """One after another: the problems are tensors of their own."""
    return ridge(p), [(p.tensor(x), p.tensor(y)) for x, y in zip(numbers(1000, 16, 4), numbers(1000, 16))]


def many_additions(p):
    """Ten thousand, one after another."""

    def sums(x, y):
        for _ in range(10_000):
            x = x + y
        return x

    x = p.tensor(numbers(16))
    return sums, (x, x)


def table(case):
    """The table: a line a case; those of `jitted` come last."""
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
    case("transpose 4096x4096", one(lambda p: lambda x: x.T, 4096, 4096),
         one(lambda p: lambda x: x.t().contiguous(), 4096, 4096))
    case("transpose of heads 8x256x8x64", heads, heads)
    case("normal 5000x6000", jax_normal, lambda p: ((lambda: p.torch.randn(5000, 6000)), ()))
    case("gather 1e6 rows of 16", rows(lambda p: lambda x, i: x.at[i].get(mode="clip")),
         rows(lambda p: lambda x, i: x.index_select(0, i)))
    case("scatter_add 1e6 rows of 16", rows(lambda p: lambda x, i, y: x.at[i].add(y, mode="drop"), updates=True),
         rows(lambda p: lambda x, i, y: x.index_add(0, i, y), updates=True))
    case("matmul 16", *same(product, (16, 16), (16, 16)))
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
    case("eigh 256", *matrix(lambda l: lambda x: l.eigh(x)[1], 256, True), sizes=True)
    case("eigh f64 256", *matrix(lambda l: lambda x: l.eigh(x)[1], 256, True, "float64"), sizes=True)
    case("svd 256", *matrix(lambda l: lambda x: l.svd(x, full_matrices=False)[0], 256, False), sizes=True)
    case("svd f64 256", *matrix(lambda l: lambda x: l.svd(x, full_matrices=False)[0], 256, False, "float64"), sizes=True)
    case("qr 256", *matrix(lambda l: lambda x: l.qr(x)[0], 256, False), sizes=True)
    case("solve 256 for a vector", *matrix(lambda l: l.solve, 256, True, right=(256,)))
    case("solve 256 for 256", *matrix(lambda l: l.solve, 256, True, right=(256, 256)))
    # Order and transforms.
    case("sort 1e6", one(lambda p: p.jnp.sort, M), one(lambda p: lambda x: x.sort().values, M))
    case("argsort 1e6", one(lambda p: p.jnp.argsort, M), one(lambda p: lambda x: x.argsort(stable=True), M))
    case("top_k 64 of 1e6", one(lambda p: lambda x: p.jax.lax.top_k(x, 64)[0], M),
         one(lambda p: lambda x: x.topk(64).values, M))
    case("cumsum 1e7", one(lambda p: p.jnp.cumsum, 10 * M), one(lambda p: lambda x: x.cumsum(0), 10 * M))
    case("cumsum of columns 4096x1024", one(lambda p: lambda x: x.cumsum(0), 4096, 1024),
         one(lambda p: lambda x: x.cumsum(0), 4096, 1024))
    case("fft 2^20", complex_one(lambda p: p.jnp.fft.fft, 1 << 20), complex_one(lambda p: p.torch.fft.fft, 1 << 20))
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
    case("10000 additions of 16", many_additions, many_additions, eager=True)
