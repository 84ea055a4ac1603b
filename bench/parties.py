"""Two parties as processes of their own."""

import multiprocessing
import time


def run(party, arguments):
    """Runs `party(rank, *arguments[rank])` for both; the exit status. If one fails, the other would wait for it: it is ended."""
    spawn = multiprocessing.get_context("spawn")
    parties = [spawn.Process(target=party, args=(rank, *given)) for rank, given in enumerate(arguments)]
    for process in parties:
        process.start()
    while any(process.is_alive() for process in parties):
        time.sleep(0.05)
        if any(process.exitcode for process in parties):
            for process in parties:
                process.kill()
    return max(abs(process.exitcode or 0) for process in parties)
