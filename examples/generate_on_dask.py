"""Shards of ``chanvae generate`` as tasks of a Dask cluster, joined when all are there.

python examples/generate_on_dask.py RUN COUNT OUTPUT SHARDS [SCHEDULER]

Without SCHEDULER, such as tcp://head:8786, the cores of this machine are the cluster.
"""

import os
import subprocess
import sys
from pathlib import Path

from distributed import Client, get_worker, progress


def generate(run: str, count: str, part: str, shard: str) -> str:
    """One shard; a task tried again goes on with the blocks that the lost one left."""
    threads = str(get_worker().state.nthreads)
    command = [sys.executable, "-m", "chanvae", "generate", run, "-n", count, "-o", part]
    command += ["--shard", shard, "--resume"]
    subprocess.run(command, check=True, env=os.environ | {"OMP_NUM_THREADS": threads})
    return part


def main(run: str, count: str, output: str, shards: str, scheduler: str = "") -> None:
    """Hand the shards out, wait for them, join them."""
    cores = {"n_workers": os.cpu_count(), "threads_per_worker": 1}
    with Client(scheduler) if scheduler else Client(**cores) as client:
        model, whole = str(Path(run).resolve()), Path(output).resolve()
        parts = [str(whole.with_stem(f"{whole.stem}-{k}")) for k in range(int(shards))]
        tasks = [
            client.submit(generate, model, count, part, f"{k}/{shards}", retries=3, pure=False)
            for k, part in enumerate(parts)
        ]
        progress(tasks)
        client.gather(tasks)
    subprocess.run([sys.executable, "-m", "chanvae", "join", *parts, "-o", output], check=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
