"""How JAX and PyTorch do a case of the tables: `begin`, before all;
`choose`, the fastest of several ways; and `make`, the work."""

import os
import sys
import tempfile
import time

import numpy as np

SAMPLE = 20e-6  # seconds: shorter calls are timed several at once


def samples(f, seconds):
    """Nanoseconds a call, in order. `f` returns when its result is there; a result lives until the next one is."""

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


def call(case, f, args):
    """The function without arguments that calls `f`; in a loop, for one tuple of arguments after another."""
    return (lambda: [f(*one) for one in args]) if case["loop"] else (lambda: f(*args))


class Jax:
    def __init__(self, threads):
        import jax
        import jax.numpy as jnp

        jax.config.update("jax_num_cpu_devices", 2)  # For the cases on two devices; all others are on the first.
        self.jax, self.jnp = jax, jnp
        self.version = f"jax {jax.__version__}"

    def tensor(self, array, dtype=None):
        return self.jnp.asarray(array, dtype=dtype and getattr(self.jnp, dtype))

    def begin(self):
        """Loads what a first case would be charged with."""
        self.jax.jit(lambda x: x + x)(self.tensor(np.zeros(16, np.float32))).block_until_ready()

    def choose(self, case):
        """There is one way."""

    def make(self, case, _):
        """What to call, what makes a list of arrays of its result, and how it is done."""
        self.jax.clear_caches()  # A first call is one, when the case is made again too.
        self.jax.config.update("jax_enable_x64", False)  # The last case's maker may have wanted it.
        f, args = case["jax"](self)
        if not case["eager"]:
            f = self.jax.jit(f, donate_argnums=0 if case["carried"] else ())
        how = "jit" if case["composed"] else ""
        wait = self.jax.block_until_ready
        if not case["carried"]:
            work = call(case, f, args)
            return (lambda: wait(work())), self.arrays, how
        state, *rest = args

        def step():
            nonlocal state
            state, *others = wait(f(state, *rest))
            return state, others

        return step, self.arrays, how

    def arrays(self, result):
        return [np.asarray(x) for x in self.jax.tree.leaves(result)]


class Torch:
    def __init__(self, threads):
        # The compiler keeps nothing from one process to the next, so that first calls are first ones.
        self.cache = tempfile.TemporaryDirectory(prefix="plywood-peers-", ignore_cleanup_errors=True)
        os.environ["TORCHINDUCTOR_CACHE_DIR"] = self.cache.name
        import torch

        torch.set_num_threads(threads)
        torch.set_grad_enabled(False)
        self.torch, self.cold = torch, True
        self.version = f"torch {torch.__version__}"

    def tensor(self, array, dtype=None):
        x = self.torch.as_tensor(array)
        return x.to(getattr(self.torch, dtype)) if dtype else x

    def begin(self):
        """Loads what a first case would be charged with; the compiler comes with the first case that has a use for it."""
        x = self.torch.zeros(16)
        x + x

    def choose(self, case):
        """Nothing where there is one way; else how the fastest one is called, itself, and the nanoseconds of its first call.

        (What is one operation of PyTorch's own may lose by being compiled.)
        """
        if not case["composed"]:
            return None
        ways, args = self.ways(case)
        if self.cold and "compile" in ways:
            self.warm()
        self.torch.compiler.reset()  # Else a second size is compiled for any.
        made, error = {}, None
        for how, make in ways.items():
            try:
                way = make()
                work = call(case, way[0] if case["carried"] else way, args)
                start = time.perf_counter_ns()
                work()
                made[how] = work, way, time.perf_counter_ns() - start
            except Exception as e:  # No C++ compiler, mostly: the table says "eager".
                print(f"{how}: {e}", file=sys.stderr, flush=True)
                error = e
        if not made:
            raise error
        # In turns, so that a change of the machine's mood meets all of them.
        turns = [(samples(work, 0.05)[0], how) for _ in range(3 if len(made) > 1 else 0) for how, (work, *_) in made.items()]
        how = min(turns)[1] if turns else next(iter(made))
        return how, *made[how][1:]

    def warm(self):
        """Loads the compiler, which takes up to half a minute and belongs to no case's first call."""
        self.cold = False
        try:
            self.torch.compile(lambda x: x + 1)(self.torch.zeros(16))
        except Exception as error:
            print(f"the compiler: {error}", file=sys.stderr, flush=True)

    def ways(self, case):
        """The ways, each behind a lambda that makes it, and the arguments."""
        f, args = case["torch"](self)
        compiled = lambda: self.torch.compile(f, dynamic=False)
        return (f if isinstance(f, dict) else {"eager": lambda: f, "compile": compiled}), args

    def make(self, case, chosen):
        """What to call, what makes a list of arrays of its result, and how it is done."""
        if chosen is None:
            return call(case, *case["torch"](self)), self.arrays, ""
        how, way, _ = chosen
        ways, args = self.ways(case)
        if not case["carried"]:
            return call(case, way, args), self.arrays, how
        step, read = ways[how]()  # With a state of its own.
        return step, (lambda result: self.arrays(read(result))), how

    def arrays(self, result):
        if isinstance(result, (list, tuple)):
            return [x for one in result for x in self.arrays(one)]
        x = result.detach()
        return [(x.real if x.is_complex() else x).double().numpy()]
