#!/usr/bin/env python3
"""Compiles the CUDA C++ of kernels with NVIDIA's compilers, on a machine without a GPU.

    nvrtc.py DIR [--also N] [--jobs N] [--keep]

DIR is what `cargo run --example sources` wrote: files, and `index.tsv` about them. Each is compiled for an H200 (sm_90a) with the
options that CubeCL gives to NVRTC, and the PTX then by ptxas, which says how many registers a unit takes. With --also, N kernels, of
as many families as there are, are compiled for an A100 (sm_80) and a B200 (sm_100a) too. With --keep the PTX stays beside its source.

It is an error
- when a kernel does not compile;
- when a unit spills registers to memory (more than a call for a division of 64 bits saves);
- when a unit has more loads or stores of global memory in its PTX than the index allows: each element of each argument moves
  once, as many at a time as the argument's type says. Kernels whose loops run over more columns than a unit keeps
  in registers have no such number.

The compilers are those of NVIDIA's wheels (nvidia-cuda-nvrtc-cu12, -runtime-cu12, -nvcc-cu12, -cccl-cu12, versions in
check_cuda.sh), found beside the modules of the Python that runs this. Only the standard library is used.
"""

import argparse
import collections
import csv
import ctypes
import glob
import multiprocessing
import os
import re
import subprocess
import sys
import tempfile
import time

HOPPER = "sm_90a"
OTHERS = ["sm_80", "sm_100a"]


def wheels():
    """The folder with NVIDIA's wheels."""
    for path in sys.path:
        if os.path.isdir(os.path.join(path, "nvidia", "cuda_nvrtc")):
            return os.path.join(path, "nvidia")
    sys.exit("NVIDIA's wheels are not installed: check_cuda.sh installs them")


class Nvrtc:
    """NVRTC by its C functions."""

    def __init__(self):
        root = wheels()
        self.lib = ctypes.CDLL(glob.glob(os.path.join(root, "cuda_nvrtc", "lib", "libnvrtc.so.1*"))[0])
        parts = ["cuda_runtime", "cuda_nvcc", "cuda_cccl"]
        self.include = ["--include-path=" + os.path.join(root, part, "include") for part in parts]

    def compile(self, source, arch):
        """The PTX, or None, and what the compiler said."""
        program = ctypes.c_void_p()
        if self.lib.nvrtcCreateProgram(ctypes.byref(program), source.encode(), b"kernel.cu", 0, None, None):
            return None, "NVRTC makes no program"
        options = ["--gpu-architecture=" + arch, "-lineinfo"] + self.include
        given = (ctypes.c_char_p * len(options))(*[option.encode() for option in options])
        failed = self.lib.nvrtcCompileProgram(program, len(options), given)
        log = self.text(program, "nvrtcGetProgramLogSize", "nvrtcGetProgramLog")
        ptx = None if failed else self.text(program, "nvrtcGetPTXSize", "nvrtcGetPTX")
        self.lib.nvrtcDestroyProgram(ctypes.byref(program))
        return ptx, log

    def text(self, program, size, get):
        length = ctypes.c_size_t()
        getattr(self.lib, size)(program, ctypes.byref(length))
        text = ctypes.create_string_buffer(length.value)
        getattr(self.lib, get)(program, text)
        return text.value.decode()


Result = collections.namedtuple("Result", "row arch error seconds registers spilled stack loads stores")


def check(job):
    """Compiles one file for one architecture."""
    folder, row, arch, keep = job
    failed = lambda error: Result(row, arch, error, time.time() - start, 0, 0, 0, 0, 0)
    start = time.time()
    # Each process has its own.
    check.nvrtc = getattr(check, "nvrtc", None) or Nvrtc()
    path = os.path.join(folder, row["file"])
    with open(path) as file:
        ptx, log = check.nvrtc.compile(file.read(), arch)
    if ptx is None:
        return failed(log.strip())
    with tempfile.TemporaryDirectory() as scratch:
        listing = path.replace(".cu", "." + arch + ".ptx") if keep else os.path.join(scratch, "kernel.ptx")
        with open(listing, "w") as file:
            file.write(ptx)
        ptxas = os.path.join(wheels(), "cuda_nvcc", "bin", "ptxas")
        command = [ptxas, "-v", "-arch=" + arch, listing, "-o", os.path.join(scratch, "kernel.cubin")]
        done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        return failed(done.stderr.strip())
    number = lambda pattern: sum(int(n) for n in re.findall(pattern, done.stderr))
    spilled = number(r"(\d+) bytes spill stores") + number(r"(\d+) bytes spill loads")
    registers, stack = number(r"Used (\d+) registers"), number(r"(\d+) bytes stack frame")
    count = lambda what: len(re.findall(r"^\s*(?:@\S+\s+)?" + what + r"\b", ptx, re.M))
    return Result(
        row, arch, None, time.time() - start, registers, spilled, stack, count(r"ld\.global"), count(r"st\.global")
    )


def wrong(result):
    """What is wrong with a kernel, if anything."""
    if result.error:
        return result.error
    # A division or a root of 64 bits is a call, around which a register or two are saved, however many are free.
    if result.spilled > (32 if "double" in result.row["types"] else 0):
        return f"{result.spilled} bytes are spilled"
    for what in ["loads", "stores"]:
        most = result.row[what]
        if most and getattr(result, what) > int(most):
            return f"{getattr(result, what)} {what} of global memory, and {most} are enough"
    return None


def others(rows, n):
    """So many kernels of as many families as there are."""
    families = collections.defaultdict(list)
    for row in rows:
        families[row["family"]].append(row)
    lists = list(families.values())
    turns = max(map(len, lists), default=0)
    return [some[i] for i in range(turns) for some in lists if i < len(some)][:n]


def table(results):
    families = collections.defaultdict(list)
    for result in results:
        families[result.row["family"] + (" (fused)" if result.row["fused"] == "1" else "")].append(result)
    width = max(map(len, families), default=6)
    print(f"{'family':{width}} {'count':>6} {'seconds':>8} {'registers':>9} {'stack':>6} {'spilled':>7} {'counted':>7}")
    for family, of in sorted(families.items()):
        seconds, counted = sum(r.seconds for r in of), sum(r.row["loads"] != "" for r in of)
        registers, stack, spilled = (max(getattr(r, f) for r in of) for f in ["registers", "stack", "spilled"])
        print(f"{family:{width}} {len(of):6} {seconds:8.1f} {registers:9} {stack:6} {spilled:7} {counted:7}")


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("folder")
    parser.add_argument("--also", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--keep", action="store_true")
    args = parser.parse_args()
    with open(os.path.join(args.folder, "index.tsv")) as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    wheels()
    jobs = [(args.folder, row, HOPPER, args.keep) for row in rows]
    jobs += [(args.folder, row, arch, args.keep) for arch in OTHERS for row in others(rows, args.also)]
    start = time.time()
    with multiprocessing.Pool(args.jobs) as pool:
        results = pool.map(check, jobs, chunksize=4)
    table([r for r in results if r.arch == HOPPER])
    bad = [(r, wrong(r)) for r in results if wrong(r)]
    for result, why in bad[:40]:
        row = result.row
        print(f"\n{row['file']} ({row['family']}, {row['types']}, {result.arch}): {why[:2000]}", file=sys.stderr)
    counted = [r for r in results if r.arch == HOPPER and r.row["loads"] and not r.error]
    exact = sum(r.loads == int(r.row["loads"]) and r.stores == int(r.row["stores"]) for r in counted)
    fused = [r for r in counted if r.row["fused"] == "1"]
    print(
        f"\n{len(counted)} kernels ({len(fused)} fused) move each element at most once, {exact} of them exactly once; "
        f"{len(jobs) - len(rows)} compiled for {' and '.join(OTHERS)} too; {time.time() - start:.0f} s"
        if not bad
        else f"\n{len(bad)} of {len(jobs)} fail; {time.time() - start:.0f} s"
    )
    compiled = sum(not r.error for r in results if r.arch == HOPPER)
    print(f"{compiled} kernels compile, {sum(r.spilled > 0 for r in results)} spill")
    return 1 if bad or not rows else 0


if __name__ == "__main__":
    sys.exit(main())
