#!/bin/sh
# Whether NVIDIA's compilers take every kernel, on a machine without a GPU: check_cuda.sh [--sample]
#
# Collects the kernels (examples/sources.rs), all of them or one of each family and type, and compiles them (nvrtc.py) with wheels
# that it installs into a virtual environment below target/ when they are not there.
set -eu
cd "$(dirname "$0")/../.."
target="${CARGO_TARGET_DIR:-target}/cuda"
wheels="nvidia-cuda-nvrtc-cu12==12.9.86 nvidia-cuda-runtime-cu12==12.9.79 nvidia-cuda-nvcc-cu12==12.9.86 nvidia-cuda-cccl-cu12==12.9.27"
mkdir -p "$target"
if [ "$(cat "$target/installed" 2>/dev/null)" != "$wheels" ]; then
    rm -rf "$target/venv"
    python3 -m venv "$target/venv"
    # Names, one each.
    # shellcheck disable=SC2086
    "$target/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps $wheels
    echo "$wheels" > "$target/installed"
fi
rm -rf "$target/sources"
# SOURCES: the example, where it is built.
if [ -n "${SOURCES:-}" ]; then
    "$SOURCES" --out "$target/sources" "$@"
else
    cargo run --quiet -p plywood-backend-cuda --features "${FEATURES:-offline}" --example sources -- --out "$target/sources" "$@"
fi
exec "$target/venv/bin/python3" backend-cuda/tools/nvrtc.py "$target/sources" --also 24
