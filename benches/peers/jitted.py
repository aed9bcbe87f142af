"""The other side of ../src/jitted.rs: functions as JAX and PyTorch write them, and the lines of the table.

`p` is a framework: it has `jax` and `jnp`, or `torch`. Where PyTorch has several ways, a function is a dict of them, each
behind a lambda that makes it: the fastest counts. What a carried function is, `networks` says.
"""

import numpy as np

import networks
from networks import layers
from shared import M, is_jax, numbers, spread


def selu(p):
    if is_jax(p):
        return lambda x: 1.05 * p.jnp.where(x > 0, x, 1.67 * p.jnp.exp(x) - 1.67)
    t = p.torch
    return {
        "eager": lambda: lambda x: t.ops.aten.elu(x, 1.67, 1.05),
        "compile": lambda: t.compile(lambda x: 1.05 * t.where(x > 0, x, 1.67 * t.exp(x) - 1.67), dynamic=False),
    }


def gelu(p):
    return p.jax.nn.gelu if is_jax(p) else lambda x: p.torch.nn.functional.gelu(x, approximate="tanh")


def chain(p):
    sqrt = p.jnp.sqrt if is_jax(p) else p.torch.sqrt
    return lambda x: ((sqrt(x * x + 1.0) / (x + 4.0) - 0.3) * 3.0).clip(0.0)


def softmax(p):
    return p.jax.nn.softmax if is_jax(p) else lambda x: x.softmax(-1)


def log_softmax(p):
    return p.jax.nn.log_softmax if is_jax(p) else lambda x: x.log_softmax(-1)


def layer_norm(p):
    def jax(x, scale, shift):
        centred = x - x.mean(-1, keepdims=True)
        return centred * p.jax.lax.rsqrt((centred * centred).mean(-1, keepdims=True) + 1e-5) * scale + shift

    return jax if is_jax(p) else lambda x, scale, shift: p.torch.nn.functional.layer_norm(x, (x.shape[-1],), scale, shift)


def moments(p):
    """The mean and the variance of each row."""

    def composed(x):
        mean = x.mean(-1, keepdims=True)
        return mean[:, 0], ((x - mean) ** 2).mean(-1)

    if is_jax(p):
        return composed
    t = p.torch
    return {
        "eager": lambda: lambda x: t.var_mean(x, -1, correction=0)[::-1],
        "compile": lambda: t.compile(composed, dynamic=False),
    }


def adam(p, params, gradients):
    """What a maker gives: a step of Adam's."""

    def jax(state, gradients, rate):
        params, mean, square, steps = state
        mean = [0.9 * m + 0.1 * g for m, g in zip(mean, gradients)]
        square = [0.999 * v + 0.001 * g * g for v, g in zip(square, gradients)]
        steps = steps + 1
        rate, scale = rate / (1 - 0.9**steps), p.jax.lax.rsqrt(1 - 0.999**steps)
        params = [x - rate * m / (p.jnp.sqrt(v) * scale + 1e-8) for x, m, v in zip(params, mean, square)]
        return ((params, mean, square, steps),)

    # Buffers of their own, as they are given away.
    params, mean, square = ([x * k for x in params] for k in (1, 0, 0))
    if is_jax(p):
        return jax, ((params, mean, square, p.jnp.float32(0)), gradients, p.jnp.float32(1e-3))

    def optimizer(**options):
        for x, g in zip(params, gradients):
            x.grad = g
        adam = p.torch.optim.Adam(params, lr=1e-3, **options)
        state = lambda name: [adam.state[x][name] for x in params]
        return adam.step, lambda _: [params, state("exp_avg"), state("exp_avg_sq"), state("step")[0]]

    def compiled():
        steps, rate = p.torch.zeros(()), p.torch.tensor(1e-3)

        def step():
            steps.add_(1)
            r, scale = rate / (1 - 0.9**steps), (1 - 0.999**steps).rsqrt()
            for x, m, v, g in zip(params, mean, square, gradients):
                m.mul_(0.9).add_(0.1 * g)
                v.mul_(0.999).add_(0.001 * g * g)
                x.sub_(r * m / (v.sqrt() * scale + 1e-8))

        return p.torch.compile(step, dynamic=False), lambda _: [params, mean, square, steps]

    ways = {"fused": lambda: optimizer(fused=True), "foreach": lambda: optimizer(foreach=True), "compile": compiled}
    return ways, ()


def vectors(n):
    """A maker: a step of Adam's for n parameters."""
    return lambda p: adam(p, [p.tensor(numbers(n))], [p.tensor(numbers(n))])


def adam_of_layers(p):
    params = layers(p, networks.LAYERS)
    params = [x for pair in params for x in pair] if is_jax(p) else params
    return adam(p, params, [p.tensor(numbers(*x.shape)) for x in params])


def hvp(p):
    """A maker: the Hessian of a small network of 512 inputs, times a tangent."""
    v, w, x, tangent = spread(p, 0.05, 512, 512), spread(p, 0.05, 512, 512), p.tensor(numbers(512)), spread(p, 0.5, 512)
    if is_jax(p):
        jax, tanh = p.jax, p.jnp.tanh
        f = lambda x, v, w: (tanh(w @ tanh(v @ x)) ** 2).sum()
        return lambda x, t, v, w: jax.jvp(lambda x: jax.grad(f)(x, v, w), (x,), (t,))[1], (x, tangent, v, w)
    t, func = p.torch, p.torch.func
    f = lambda x, v, w: t.tanh(w @ t.tanh(v @ x)).square().sum()

    def forward(x, tangent, v, w):
        return func.jvp(lambda x: func.grad(f)(x, v, w), (x,), (tangent,))[1]

    def backward(x, tangent, v, w):
        with t.enable_grad():
            x = x.detach().requires_grad_()
            (gradient,) = t.autograd.grad(f(x, v, w), x, create_graph=True)
            return t.autograd.grad(gradient, x, tangent)

    ways = {"func": lambda: forward, "autograd": lambda: backward, "compile": lambda: t.compile(forward, dynamic=False)}
    return ways, (x, tangent, v, w)


def derivative(order):
    """A maker: the derivative of tanh at 2, of this order."""

    def make(p):
        f, grad = (p.jnp.tanh, p.jax.grad) if is_jax(p) else (p.torch.tanh, p.torch.func.grad)
        for _ in range(order):
            f = grad(f)
        x = p.tensor(np.float32(2.0))
        if is_jax(p):
            return f, (x,)

        def autograd(x):
            with p.torch.enable_grad():
                x = x.detach().requires_grad_()
                y = p.torch.tanh(x)
                for i in range(order):
                    (y,) = p.torch.autograd.grad(y, x, create_graph=i + 1 < order)
                return y

        compiled = lambda: p.torch.compile(f, dynamic=False)
        return {"func": lambda: f, "autograd": lambda: autograd, "compile": compiled}, (x,)

    return make


def loop(p):
    """A maker: a thousand steps of a loop with a counter. (PyTorch's loops are Python's.)"""
    step = lambda x: x * 0.999 + 0.001
    if is_jax(p):
        more, body = lambda state: state[0] < 1000, lambda state: (state[0] + 1, step(state[1]))
        f = lambda x: p.jax.lax.while_loop(more, body, (0, x))[1]
    else:

        def eager(x):
            for _ in range(1000):
                x = step(x)
            return x

        f = {"eager": lambda: eager}
    return f, (p.tensor(numbers(16)),)


def operations(n):
    """A maker: n operations one after another. (PyTorch's compiler is for the short chains: it takes minutes for a long one.)"""

    def make(p):
        def f(x):
            for i in range(n):
                x = x + 0.001 if i % 2 else x * 0.999
            return x

        return f if is_jax(p) or n <= 100 else {"eager": lambda: f}, (p.tensor(numbers(16)),)

    return make


def normal(n):
    """The makers of both frameworks: so many normal numbers."""
    jax = lambda p: ((lambda key: p.jax.random.normal(key, (n,))), (p.jax.random.key(0),))
    return jax, lambda p: ({"eager": lambda: lambda: p.torch.randn(n)}, ())


def makers(f, *shape):
    """The makers of both frameworks: what `f` makes of each, with a tensor of this shape."""
    return [lambda p: (f(p), (p.tensor(numbers(*shape, low=-3.0, high=3.0)),))] * 2


def layer_norms(*shape):
    """The makers of both frameworks, with scales and shifts."""

    def make(p):
        x, n = numbers(*shape, low=-3.0, high=3.0), shape[-1]
        return layer_norm(p), (p.tensor(x), p.tensor(numbers(n, low=0.5, high=1.5)), p.tensor(numbers(n)))

    return make, make


def both(maker):
    return maker, maker


def table(case):
    """The lines that have no eager line beside them."""
    case("jit selu 1e3", *makers(selu, 1000), composed=True)
    case("jit selu 1e6", *makers(selu, M), composed=True)
    case("jit selu 1e7", *makers(selu, 10 * M), composed=True)
    case("jit gelu 1e3", *makers(gelu, 1000), composed=True)
    case("jit gelu 1e6", *makers(gelu, M), composed=True)
    case("jit gelu 1e7", *makers(gelu, 10 * M), composed=True)
    case("jit chain of 8 1e3", *makers(chain, 1000), composed=True)
    case("jit chain of 8 1e6", *makers(chain, M), composed=True)
    case("jit chain of 8 1e7", *makers(chain, 10 * M), composed=True)
    case("jit adam 1e3", *both(vectors(1000)), composed=True, carried=True)
    case("jit adam 1e6", *both(vectors(M)), composed=True, carried=True)
    case("jit adam 1e7", *both(vectors(10 * M)), composed=True, carried=True)
    case("jit adam of an MLP", *both(adam_of_layers), composed=True, carried=True)
    case("jit softmax 8x32", *makers(softmax, 8, 32), composed=True)
    case("jit softmax 4096x1024", *makers(softmax, 4096, 1024), composed=True)
    case("jit log_softmax 4096x1024", *makers(log_softmax, 4096, 1024), composed=True)
    case("jit layer norm 8x32", *layer_norms(8, 32), composed=True)
    case("jit layer norm 4096x1024", *layer_norms(4096, 1024), composed=True)
    case("jit sum of columns 4096x1024", *makers(lambda p: lambda x: x.sum(0), 4096, 1024), composed=True)
    case("jit mean and variance of rows 4096x1024", *makers(moments, 4096, 1024), composed=True)
    case("jit attention 1x4x64x32", *both(networks.attention(1, 4, 64, 32)), composed=True)
    case("jit attention 8x8x256x64", *both(networks.attention(8, 8, 256, 64)), composed=True)
    case("jit attention 8x8x256x64, forward and backward", *both(networks.attention(8, 8, 256, 64, backward=True)), composed=True)
    case("jit SGD step of an MLP", *both(networks.sgd), composed=True, carried=True)
    case("jit SGD step of a CNN, 64 images", *both(networks.cnn), composed=True, carried=True)
    case("jit SGD step of a GPT block, 4x128x256", *both(networks.gpt), composed=True, carried=True)
    case("jit MLP forward, batch 1", *both(networks.predictions(1)), composed=True)
    case("jit MLP forward, batch 16", *both(networks.predictions(16)), composed=True)
    case("jit MLP forward, batch 256", *both(networks.predictions(256)), composed=True)
    case("jit gradient of a tiny MLP", *both(networks.tiny), composed=True)
    case("jit hvp of 512 inputs", *both(hvp), composed=True)
    case("jit grad of tanh", *both(derivative(1)), composed=True)
    case("jit grad of grad of tanh", *both(derivative(2)), composed=True)
    case("jit grad of grad of grad of tanh", *both(derivative(3)), composed=True)
    case("jit while loop of 1000 steps", *both(loop), composed=True)
    case("jit chain of 10 operations", *both(operations(10)), composed=True)
    case("jit chain of 100 operations", *both(operations(100)), composed=True)
    case("jit chain of 1000 operations", *both(operations(1000)), composed=True)
    case("jit chain of 10000 operations", *both(operations(10_000)), composed=True)
    case("jit normal 1e3", *normal(1000), composed=True)
    case("jit normal 1e6", *normal(M), composed=True)
    case("SGD step of an MLP on two devices", networks.sgd_on_devices, None, composed=True, carried=True)
    case("normal 2x1e6 on two devices", networks.normal_on_devices, None, composed=True)
    case("jit x + 1 of 16", *makers(lambda p: lambda x: x + 1.0, 16), composed=True)
