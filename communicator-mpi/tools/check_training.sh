#!/usr/bin/env bash
# Whether training goes beyond one process: the digits on four processes of MPI give the curve of four devices of one process; one of
# four processes is killed, the job ends with an error within seconds, and the run goes on from its last checkpoint with nothing lost.
# Installs nothing (check_mpi.sh does). The last line is "training: 0 failures".
set -euo pipefail
cd "$(dirname "$0")/../.."

# DATA_PARALLEL: the example, where it has been built with the feature.
train=${DATA_PARALLEL:-}
if [ -z "$train" ]; then
    cargo build --quiet --release --features mpi --example data_parallel
    train=${CARGO_TARGET_DIR:-target}/release/examples/data_parallel
fi
export OMPI_MCA_mpi_yield_when_idle=1 OMPI_MCA_btl_vader_single_copy_mechanism=none RAYON_NUM_THREADS=1
run=(timeout 300 mpirun --oversubscribe --bind-to none)
[ "$(id -u)" -ne 0 ] || run+=(--allow-run-as-root)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# What does not depend on the clock.
curve() { grep -E '^(step|test accuracy)' "$1"; }

"$train" --epochs 4 --devices 4 >"$folder/threads"
"${run[@]}" -n 4 "$train" --mpi --epochs 4 >"$folder/processes"
curve "$folder/threads" >"$folder/expected"
diff "$folder/expected" <(curve "$folder/processes")
echo "four processes: the curve of four devices of one process, $(tail -1 "$folder/expected")"

# One of four is killed in the middle, after a checkpoint.
saved=$folder/saved
"${run[@]}" -n 4 "$train" --mpi --epochs 40 --checkpoint "$saved" --every 5 >"$folder/output" 2>&1 &
job=$!
for _ in $(seq 600); do
    ! ls "$saved"/*.safetensors >/dev/null 2>&1 || break
    sleep 0.1
done
victim=$(pgrep -f -- "$train --mpi --epochs 40" | xargs -r -n1 sh -c 'grep -qz "^OMPI_COMM_WORLD_RANK=2$" /proc/$0/environ && echo $0' || true)
kill -KILL "$victim"
start=$SECONDS code=0
wait "$job" || code=$?
took=$((SECONDS - start))
if [ "$code" -eq 0 ] || [ "$code" -eq 124 ] || [ "$took" -gt 15 ]; then
    cat "$folder/output" >&2
    echo "one of four killed: code $code after $took s" >&2
    exit 1
fi
echo "one of four killed: the job ended with code $code after $took s"

# It goes on from its last checkpoint, here on two processes, and learns what a run learns that nothing happened to.
"$train" --devices 1 --epochs 40 --stop-after 400 >"$folder/whole"
"${run[@]}" -n 2 "$train" --mpi --epochs 40 --checkpoint "$saved" --stop-after 400 >"$folder/resumed"
grep '^on from step' "$folder/resumed"
last() { grep -E '^step' "$1" | tail -1; }
awk -v a="$(last "$folder/whole")" -v b="$(last "$folder/resumed")" 'BEGIN {
    n = split(a, x); split(b, y); d = x[n] - y[n]
    if (x[2] != y[2] || d > 0.0011 || d < -0.0011) { print a " and " b " differ"; exit 1 }
}'
echo "resumed on two processes: $(last "$folder/resumed"); uninterrupted on one: $(last "$folder/whole")"
echo "training: 0 failures"
