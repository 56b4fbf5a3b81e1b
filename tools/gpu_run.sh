#!/bin/sh
# Runs the chapter on one GPU: a hundred seeds of each network on JAX, stacked, PyTorch's fused layers beside them, then
# the throughput benchmark of both, and what an epoch costs against the number of seeds, and a window against its length.
# When asked, too: the adding problem and copy memory at the sizes that Bai, Kolter and Koltun (2018) print, ten seeds.
# For a bare compute node: it wants a Python with JAX and PyTorch that see the GPU, and gets what else is missing from a
# folder of wheels or an index, into an environment of its own over that Python's.
#
#   tools/gpu_run.sh                              on the GPU, ten minutes at most; run it again and it goes on
#   WHEELS=/path/to/wheels tools/gpu_run.sh       where no index can be reached
#   STEPS=printed LIMIT_S=7200 tools/gpu_run.sh   the printed sizes; a stack that is cut begins anew, so give it an hour
#   DEVICE=cpu STACK=4 SEEDS=42,43,44,45 CASES='linear,seq2seq_gru*' EPOCHS=1 tools/gpu_run.sh    a rehearsal
#
# Each step leaves records under RESULTS as it goes, so that it may be cut at any moment. Then, where pandas and
# matplotlib are: bench report chapter15-gpu --results RESULTS, and the same of chapter15-gpu-torch and bai2018-gpu.
#
# Variables: PYTHON (python3), WHEELS (a folder; empty: an index), ENVIRONMENT (a folder to be made), RESULTS
# (results/gpu), LIMIT_S (570: seconds in all), DEVICE (gpu), STACK (auto: seeds in one program), PROCESSES (1: of each
# throughput), SEEDS, CASES, EPOCHS (of the suites; empty: theirs), STEPS (runs torch throughput seeds lengths; printed is
# the other one), WIDTHS (of the step seeds), PACK (a folder that takes archives of the results, in parts of 15 MiB; empty:
# none).
#
# Exit codes: 0 all is recorded, 1 some of it failed, 2 bad input, 3 time was up: run it again.
set -u
cd "$(dirname "$0")/.." || exit 2
started=$(date +%s)
: "${PYTHON:=python3}" "${WHEELS:=}" "${ENVIRONMENT:=${TMPDIR:-/tmp}/sequence-bench-gpu}" "${RESULTS:=results/gpu}"
: "${LIMIT_S:=570}" "${DEVICE:=gpu}" "${STACK:=auto}" "${PROCESSES:=1}" "${SEEDS:=}" "${CASES:=}" "${EPOCHS:=}"
: "${STEPS:=runs torch throughput seeds lengths}" "${WIDTHS:=1,2,4,8,16,32,64,128,256}" "${PACK:=}"
END_S=15 # so long a command that is told to end may take
worst=0

say() { printf '%s s: %s\n' "$(($(date +%s) - started))" "$*"; }

fail() { printf 'gpu_run: %s\n' "$*" >&2; exit 2; }

left() { echo $((LIMIT_S - END_S - ($(date +%s) - started))); }

# Makes an environment over PYTHON's own packages that has what pyproject.toml requires; what is there is kept. PYTHON may
# be that of an environment itself, whose packages another one does not see by itself.
set_up() {
    [ -x "$ENVIRONMENT/bin/python" ] || "$PYTHON" -m venv --without-pip "$ENVIRONMENT" ||
        fail "$PYTHON cannot make an environment; name another: PYTHON=/path/to/python3"
    "$PYTHON" - "$ENVIRONMENT" <<'PYTHON_END' || fail "$ENVIRONMENT cannot be made ready; remove it and try again"
import pathlib, site, sys, sysconfig, tomllib

environment = pathlib.Path(sys.argv[1])
own = sysconfig.get_path("purelib", vars={"base": str(environment), "platbase": str(environment)})
above = [folder for folder in sys.path if pathlib.Path(folder).name in ("site-packages", "dist-packages")]
pathlib.Path(own, "above.pth").write_text("".join(f"import site; site.addsitedir({folder!r})\n" for folder in above))
project = tomllib.loads(pathlib.Path("pyproject.toml").read_text(encoding="utf-8"))["project"]
pathlib.Path(environment, "requirements.txt").write_text("\n".join(project["dependencies"]))
PYTHON_END
    set --
    if [ -n "$WHEELS" ]; then
        [ -d "$WHEELS" ] || fail "WHEELS=$WHEELS is no folder"
        set -- --no-index --find-links "$WHEELS"
    fi
    "$PYTHON" -m pip --python "$ENVIRONMENT/bin/python" install --quiet --disable-pip-version-check "$@" \
        -r "$ENVIRONMENT/requirements.txt" ||
        fail "some requirements cannot be installed; put their wheels in a folder: WHEELS=/path/to/wheels"
}

# Runs a module for the time that is left; 3 where that was up.
module() {
    seconds=$(left)
    if [ "$seconds" -le 0 ]; then
        say "no time for: $*"
        return 3
    fi
    say "$*"
    PYTHONPATH="$PWD" timeout --signal=INT --kill-after="$END_S" "$seconds" "$ENVIRONMENT/bin/python" -m "$@"
    code=$?
    case $code in
        124 | 137) return 3 ;;
    esac
    return "$code"
}

# Runs a suite, with what was asked to be other than in its file.
sweep() {
    suite=$1 backend=$2
    shift 2
    [ "$backend" != jax ] || set -- "$@" --stack "$STACK"
    [ -z "$SEEDS" ] || set -- "$@" --seeds "$SEEDS"
    [ -z "$CASES" ] || set -- "$@" --cases "$CASES"
    [ -z "$EPOCHS" ] || set -- "$@" --epochs "$EPOCHS"
    module bench run "$suite" --device "$DEVICE" --backend "$backend" --no-track --no-report --results "$RESULTS" "$@"
}

# Packs what is there, records first, so that a machine that hands back few or small files hands back those.
pack() {
    [ -n "$PACK" ] || return 0
    mkdir -p "$PACK" && rm -f "$PACK"/gpu-*.tar.gz.* || fail "PACK=$PACK cannot be written"
    tar -C "$RESULTS" --exclude='*.npz' -czf - . | split -b 15m -d - "$PACK/gpu-records.tar.gz."
    (cd "$RESULTS" && find . -name '*.npz' -print0 | tar --null -T - -czf -) | split -b 15m -d - "$PACK/gpu-kept.tar.gz."
    say "packed: cat $PACK/gpu-records.tar.gz.* | tar -xz -C RESULTS, and the same of gpu-kept"
}

step() {
    case $1 in
        runs) sweep chapter15-gpu jax --no-throughput ;;
        torch) CASES='' sweep chapter15-gpu-torch torch --processes "$PROCESSES" ;;
        throughput) sweep chapter15-gpu jax --processes "$PROCESSES" ;;
        seeds) module tests.microbench.seeds --device "$DEVICE" --widths "$WIDTHS" --folder "$RESULTS/speed" ;;
        lengths) module bench speed "${CASES:-seq2seq_rnn,seq2seq_lstm,seq2seq_gru,wavenet}" --backend jax \
            --device "$DEVICE" --lengths 50,200,1000 --batch 32 --budget-s 60 --results "$RESULTS" ;;
        printed) sweep bai2018-gpu jax --no-throughput ;;
    esac
}

for name in $STEPS; do
    case $name in
        runs | torch | throughput | seeds | lengths | printed) ;;
        *) fail "STEPS: unknown step $name; expected runs, torch, throughput, seeds, lengths or printed" ;;
    esac
done
case $LIMIT_S in
    '' | *[!0-9]*) fail "LIMIT_S=$LIMIT_S: expected a whole number of seconds" ;;
esac
command -v "$PYTHON" >/dev/null || fail "PYTHON=$PYTHON is no program that can be run"
set_up
say "set up"
for name in $STEPS; do
    step "$name"
    code=$?
    say "step $name ended with code $code"
    [ "$code" -ne 2 ] || exit 2
    [ "$code" -le "$worst" ] || worst=$code
done
pack
exit "$worst"
