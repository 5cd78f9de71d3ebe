"""Engines that call one function on many tasks at once: joblib's processes, a Dask cluster, Ray.

Each yields (task, outcome) as tasks end, in any order; the outcome is what the function returned, or the exception that
stopped it. A task whose worker was killed is given to another one, at most `MOST_DEATHS` times; no task whose outcome
was fetched is run again. The caller alone writes results.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from typing import Any, Protocol, TypeVar

T = TypeVar("T")
Work = Callable[[Any], Any]
Outcomes = Iterator[tuple[T, Any]]

MOST_DEATHS = 3
KILLED = f"workers were killed {MOST_DEATHS} times; is there too little memory? Fewer --workers need less"
THREAD_LIMITS = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMBA_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)


class Engine(Protocol):
    """Calls `work` on each of `tasks` in `workers` processes of `threads` threads each.

    `scheduler` is the address of a running cluster, whose workers are used in place of new processes.
    """

    def __call__(
        self, work: Work, tasks: Sequence[T], workers: int, threads: int, scheduler: str | None
    ) -> Outcomes[T]: ...


def on_loky(work: Work, tasks: Sequence[T], workers: int, threads: int, scheduler: str | None) -> Outcomes[T]:
    """Processes of this machine, by joblib's loky: a pool for each, since a pool dies with any of its processes."""
    from concurrent.futures import FIRST_COMPLETED, Future, wait

    from joblib.externals.loky import ProcessPoolExecutor
    from joblib.externals.loky.process_executor import BrokenProcessPool, TerminatedWorkerError

    if scheduler is not None:
        raise ValueError(
            "scheduler needs the engine 'dask' or 'ray': 'loky' has processes of this machine only"
        )
    new_pool = partial(ProcessPoolExecutor, 1, env=dict.fromkeys(THREAD_LIMITS, str(threads)))
    waiting = deque(enumerate(tasks))
    idle = [new_pool() for _ in range(min(workers, len(tasks)))]
    running: dict[Future[Any], tuple[ProcessPoolExecutor, int, T]] = {}
    deaths: Counter[int] = Counter()
    try:
        while waiting or running:
            while waiting and idle:
                pool, (number, task) = idle.pop(), waiting.popleft()
                running[pool.submit(work, task)] = pool, number, task
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                pool, number, task = running.pop(future)
                outcome = future.exception() or future.result()
                died = isinstance(outcome, TerminatedWorkerError)
                idle.append(new_pool() if isinstance(outcome, BrokenProcessPool) else pool)
                deaths[number] += died
                if died and deaths[number] < MOST_DEATHS:
                    waiting.appendleft((number, task))
                else:
                    yield task, RuntimeError(KILLED) if died else outcome
    finally:
        for pool in idle + [pool for pool, _, _ in running.values()]:
            pool.shutdown(kill_workers=True)


def on_dask(work: Work, tasks: Sequence[T], workers: int, threads: int, scheduler: str | None) -> Outcomes[T]:
    """A Dask cluster: a local one of `workers` processes, or the one at `scheduler`."""
    import dask
    from distributed import Client, LocalCluster, as_completed

    with ExitStack() as stack:
        stack.enter_context(dask.config.set({"distributed.scheduler.allowed-failures": MOST_DEATHS - 1}))
        cluster = scheduler or stack.enter_context(
            LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=None)
        )
        client = stack.enter_context(Client(cluster))
        running = {client.submit(work, task, pure=False): task for task in tasks}
        for future in as_completed(list(running)):
            outcome = future.exception() or future.result()
            yield running.pop(future), outcome
            future.release()  # with it gone from the cluster, the death of its worker does not run it again


def on_ray(work: Work, tasks: Sequence[T], workers: int, threads: int, scheduler: str | None) -> Outcomes[T]:
    """Ray: a local instance of `workers` processes, or the cluster at `scheduler` ("auto", "ray://HOST:PORT")."""
    import ray

    place = {"address": scheduler} if scheduler else {"num_cpus": workers, "include_dashboard": False}
    ray.init(log_to_driver=False, **place)
    try:
        call = ray.remote(max_retries=MOST_DEATHS - 1)(_called)
        running = {call.remote(work, task): task for task in tasks}
        while running:
            (done, *_), _ = ray.wait(list(running), num_returns=1)
            try:
                outcome = ray.get(done)
            except Exception as error:  # Ray has several types for what stopped a task
                outcome = error
            yield running.pop(done), outcome
    finally:
        ray.shutdown()


def _numbered(work: Work, number: int, task: T) -> tuple[int, Any]:
    return number, work(task)


def _called(work: Work, task: T) -> Any:
    return work(task)


ENGINES: dict[str, Engine] = {"loky": on_loky, "dask": on_dask, "ray": on_ray}
PACKAGES = {"loky": "joblib", "dask": "distributed", "ray": "ray"}


def is_installed(name: str) -> bool:
    """Whether the package of an engine can be imported."""
    from importlib.util import find_spec

    return find_spec(PACKAGES[name]) is not None


def engine(name: str) -> Engine:
    """An engine by name; ImportError says how to install it where it is missing."""
    if not is_installed(name):
        raise ImportError(f"the engine {name!r} needs {PACKAGES[name]}: pip install 'tsrep[{name}]'")
    return ENGINES[name]
