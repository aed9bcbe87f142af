#!/usr/bin/env bash
# Whether communicator-mpi works with Open MPI on this machine: every operation with one to four processes, and how a job ends.
# Installs Open MPI and libclang (Debian's packages) where they lack. The last line is "MPI: 0 failures".
set -euo pipefail
cd "$(dirname "$0")/../.."

package() { dpkg -s "$1" >/dev/null 2>&1; }
if ! command -v mpirun >/dev/null || ! command -v mpicc >/dev/null || { command -v dpkg >/dev/null && ! package libclang-dev; }; then
    sudo=
    [ "$(id -u)" -eq 0 ] || sudo=sudo
    $sudo apt-get update -qq
    $sudo apt-get install -y -qq --no-install-recommends libopenmpi-dev openmpi-bin clang libclang-dev >/dev/null
fi

# SELF_CHECK: the example, where it has been built.
check=${SELF_CHECK:-}
if [ -z "$check" ]; then
    cargo build --quiet -p plywood-communicator-mpi --features mpi --example self_check
    check=${CARGO_TARGET_DIR:-target}/debug/examples/self_check
fi

# There may be more processes than cores, which must not wait busily; containers may forbid reading another process's memory.
export OMPI_MCA_mpi_yield_when_idle=1 OMPI_MCA_btl_vader_single_copy_mechanism=none
run=(timeout 120 mpirun --oversubscribe --bind-to none)
[ "$(id -u)" -ne 0 ] || run+=(--allow-run-as-root)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# All operations; the last line is the first process's.
passes() {
    local output
    output=$("${run[@]}" "$@" "$check") || { printf '%s\n' "$output" >&2; return 1; }
    [ "${output##*$'\n'}" = "0 failures" ] || { printf '%s\n' "$output" >&2; return 1; }
    echo "$*: 0 failures"
}

# The job ends within seconds, with the code, and some line of what it prints matches.
ends() {
    local code=$1 pattern=$2 start=$SECONDS got=0
    shift 2
    "${run[@]}" -n 4 "$check" "$@" >"$folder/output" 2>&1 || got=$?
    if [ "$got" -ne "$code" ] || [ $((SECONDS - start)) -gt 15 ] || { [ -n "$pattern" ] && ! grep -qE -- "$pattern" "$folder/output"; }; then
        cat "$folder/output" >&2
        echo "$*: code $got, not $code, after $((SECONDS - start)) s; or no line is $pattern" >&2
        return 1
    fi
    echo "$*: the job ended with code $got after $((SECONDS - start)) s"
}

# One of four processes is killed.
killed() {
    local job start code=0
    "${run[@]}" -n 4 "$check" --hold "$folder" >"$folder/output" 2>&1 &
    job=$!
    for _ in $(seq 300); do
        [ "$(find "$folder" -name 'rank*' -size +0 | wc -l)" -lt 4 ] || break
        sleep 0.1
    done
    kill -KILL "$(cat "$folder/rank2")"
    start=$SECONDS
    wait "$job" || code=$?
    if [ "$code" -eq 0 ] || [ "$code" -eq 124 ] || [ $((SECONDS - start)) -gt 15 ]; then
        cat "$folder/output" >&2
        echo "one of four killed: code $code after $((SECONDS - start)) s" >&2
        return 1
    fi
    echo "one of four killed: the job ended with code $code after $((SECONDS - start)) s"
}

for n in 1 2 3 4; do passes -n $n; done
passes -x PLYWOOD_MPI_THREADS=one -n 3
ends 101 '^rank 2 of 4 panicked' --panic 2
# What is printed then is MPI's affair.
ends 3 '' --exit 1 3
killed
echo "MPI: 0 failures"
