"""One side of the comparison: JAX or PyTorch, by the protocol in ../src/peers/protocol.rs.

usage: peer.py jax|torch threads [start]

`start`: adds 16 numbers and ends, so that the whole process is the time of a start.
"""

import ctypes
import gc
import os
import sys
import time
import traceback

framework, threads = sys.argv[1], int(sys.argv[2])
# The names that JAX, NumPy and the libraries below PyTorch read; the driver binds the process to as many cores.
for name in ("NPROC", "PJRT_NPROC", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[name] = str(threads)
os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("TORCHINDUCTOR_COMPILE_THREADS", "1")
if framework == "torch":
    # Each thread on a core of its own: two that wait for each other on one core take its time slices, milliseconds a call.
    os.environ.setdefault("OMP_PROC_BIND", "true")

import numpy as np

import eager
import frameworks
import jitted
from shared import numbers

SHOWN = 64  # as many numbers of a result are shown

CASES = {}


def case(name, jax, torch, composed=False, eager=False, loop=False, carried=False, sizes=False):
    """A line of the table: each framework's maker of a function and its arguments; None where it has none.

    `composed`: a function of several operations, which is compiled; the answer says how. `eager`: nothing is. `loop`: there
    are many arguments, each a tuple, and the function is called for one after another. `carried`: the first argument is a
    state, which the function gives back for the next call. `sizes`: of the result, the absolute values count, as signs are free.
    """
    flags = {"composed": composed, "eager": eager, "loop": loop, "carried": carried, "sizes": sizes}
    CASES[name] = {"jax": jax, "torch": torch, **flags}


class Memory:
    """The memory of this process, by Linux's own account; none is known elsewhere."""

    def __init__(self):
        gc.collect()
        self.forget()
        self.before, self.peak = self.field("VmRSS:"), 0

    @staticmethod
    def forget():
        """Gives the system what is free, else a case is charged for less than it takes; then forgets what the most was."""
        if sys.platform == "linux":
            ctypes.CDLL(None).malloc_trim(0)
            with open("/proc/self/clear_refs", "w") as file:
                file.write("5")

    @staticmethod
    def field(name):
        if sys.platform != "linux":
            return 0
        with open("/proc/self/status") as file:
            return next(1024 * int(line.split()[1]) for line in file if line.startswith(name))

    def beyond(self):
        """The most bytes beyond those of the beginning."""
        self.peak = max(self.peak, self.field("VmHWM:"))
        return max(self.peak - self.before, 0)

    def apart(self, f):
        """What `f` gives; its own memory does not count."""
        self.beyond()
        result = f()
        self.forget()
        return result


def outcome(arrays, sizes):
    """How many numbers, their mean, the mean of their sizes, and some of them."""
    x = np.concatenate([np.asarray(a).real.astype(np.float64).ravel() for a in arrays])
    x = np.abs(x) if sizes else x
    shown = min(x.size, SHOWN)
    some = " ".join(repr(float(x[i * x.size // shown])) for i in range(shown))
    return f"{x.size}\t{float(x.mean())!r}\t{float(np.abs(x).mean())!r}\t{some}"


class Server:
    def __init__(self, peer):
        self.peer, self.built = peer, None

    def build(self, name):
        case = CASES.get(name)
        if case is None or case[framework] is None:
            return "-"
        self.built = None  # The last case's data go before the next one's come.
        gc.collect()
        chosen = self.peer.choose(case)
        memory = Memory()
        call, arrays, how = self.peer.make(case, chosen)
        start = time.perf_counter_ns()
        result = call()
        first = chosen[2] if chosen else time.perf_counter_ns() - start
        came = memory.apart(lambda: outcome(arrays(result), case["sizes"]))
        self.built = call, memory
        return f"built\t{first}\t{how}\t{came}"

    def time(self, seconds):
        call, memory = self.built
        found = frameworks.samples(call, float(seconds))
        return f"{found[0]}\t{found[len(found) // 2]}\t{memory.beyond()}"

    def answer(self, line):
        try:
            match line.rstrip("\n").split("\t"):
                case ["build", name]:
                    return self.build(name)
                case ["time", seconds]:
                    return self.time(seconds)
            return f"error\t{line!r} is no request"
        except Exception as error:  # This case's answer is none; the log says where.
            print(line, traceback.format_exc(), sep="\n", file=sys.stderr, flush=True)
            return f"error\t{reason(error)}"


def reason(error):
    return " ".join(f"{type(error).__name__}: {error}".split())[:300]


def main():
    try:
        peer = {"jax": frameworks.Jax, "torch": frameworks.Torch}[framework](threads)
    except Exception as error:
        print(f"error\t{framework}: {reason(error)}", flush=True)
        return
    if sys.argv[3:] == ["start"]:
        x = peer.tensor(numbers(16))
        (x + x).sum().item()
        return
    eager.table(case)
    jitted.table(case)
    peer.begin()
    print(f"ready\t{peer.version}", flush=True)
    server = Server(peer)
    for line in sys.stdin:
        print(server.answer(line), flush=True)


main()
