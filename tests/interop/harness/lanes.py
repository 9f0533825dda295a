"""Jobs that run beside each other, each in a process of its own: most of their time they wait."""

import collections
import multiprocessing
from multiprocessing import connection

from . import processes
from .table import Table

FORK = multiprocessing.get_context("fork")


def run(jobs, lanes, results):
    """Runs the jobs, `lanes` of them at a time; each gets a table, whose counts are added to `results`."""
    waiting, running = collections.deque(jobs), {}
    try:
        while waiting or running:
            while waiting and len(running) < lanes:
                name, job = waiting.popleft()
                end, told = FORK.Pipe(duplex=False)
                process = FORK.Process(target=_run_one, args=(job, told))
                process.start()
                told.close()
                running[end] = name, process
            for end in connection.wait(running):
                name, process = running.pop(end)
                try:
                    results.add(*end.recv())
                except EOFError:
                    results.failure(name, "its process ended without a result")
                process.join()
    finally:
        for _, process in running.values():
            process.terminate()
        for _, process in running.values():
            process.join()


def _run_one(job, told):
    processes.die_with_parent()
    results = Table()
    job(results)
    told.send((results.passed, [(name, str(note)) for name, note in results.failures]))
