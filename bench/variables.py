"""Environment variables that say how a process computes: those that are fixed for it, and those that are kept and told.

A library reads its variables when it is loaded, so a process has them from its start.
"""

import shlex
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase

THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "GOTO_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "NUMEXPR_MAX_THREADS",
    "RAYON_NUM_THREADS",
)
"""Limit the threads of the libraries under NumPy, and of others that data sets and predictors may use."""
OTHER_THREADS = (
    *("OMP_DYNAMIC", "OMP_NESTED", "OMP_MAX_ACTIVE_LEVELS", "OMP_THREAD_LIMIT", "OMP_PROC_BIND", "OMP_PLACES"),
    *("GOMP_CPU_AFFINITY", "KMP_AFFINITY", "KMP_HW_SUBSET", "KMP_DEVICE_THREAD_LIMIT", "KMP_TEAMS_THREAD_LIMIT"),
    *("MKL_DYNAMIC", "MKL_DOMAIN_NUM_THREADS", "OPENBLAS_DEFAULT_NUM_THREADS"),
    *("BLIS_JC_NT", "BLIS_PC_NT", "BLIS_IC_NT", "BLIS_JR_NT", "BLIS_IR_NT"),
)
"""Say more of threads, or go before `THREADS`: a process whose threads are limited has none of them."""
NUMPY = (
    *("OPENBLAS_CORETYPE", "BLIS_ARCH_TYPE", "BLIS_MODEL_TYPE", "MKL_CBWR", "MKL_ENABLE_INSTRUCTIONS"),
    *("MKL_DEBUG_CPU_TYPE", "NPY_DISABLE_CPU_FEATURES", "NPY_ENABLE_CPU_FEATURES", "GLIBC_TUNABLES"),
)
"""Choose among the ways in which NumPy, its BLAS and the C library compute the same thing."""
CUDA = ("CUBLAS_*", "CUBLASLT_*", "CUDNN_*", "CUDA_FORCE_PTX_JIT", "CUDA_DISABLE_PTX_JIT", "NVIDIA_TF32_OVERRIDE")
"""Do so on a GPU."""
SAY_NOTHING = ("*_LOG*", "*_VERBOSE*", "*_VERSION", "*_HOME", "*_PATH", "*_ROOT", "*_DIR", "*_DUMP*", "*_PROFILE*")
"""Such as change no number, whatever they begin with: where things lie, and what is printed."""


def kept(environ: Mapping[str, str], patterns: Iterable[str], but: Iterable[str] = ()) -> str:
    """Return the variables that match a pattern and none of ``but``, as a shell takes them; empty where none does.

    One whose value is empty counts as none.
    """
    names = sorted(n for n in environ if _matches(n, patterns) and not _matches(n, (*but, *SAY_NOTHING)))
    values = {name: " ".join(environ[name].encode(errors="backslashreplace").decode().split()) for name in names}
    return " ".join(f"{name}={shlex.quote(value)}" for name, value in values.items() if value)


def widest(texts: Iterable[str]) -> list[str]:
    """Return those texts of `kept` that say more than any other of them."""
    unlike = {frozenset(shlex.split(text)): text for text in texts}
    return [text for names, text in unlike.items() if names and not any(names < others for others in unlike)]


def _matches(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
