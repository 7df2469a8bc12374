"""
Starts LocalStack without Docker for the tests of the folder above: `python start.py`, by `emulator.ts` only.

What LocalStack lacks or does otherwise than AWS is put right by the modules beside this one, each for one service. When the
process that started it goes away, in whatever way, standard input ends, and this ends too with all that it has started.
"""

import os
import sys
import threading


def end_with_the_test():
    """The functions' processes see the end of their own standard input, which this process holds."""
    sys.stdin.buffer.read()
    os._exit(0)


def main():
    threading.Thread(target=end_with_the_test, daemon=True).start()
    # Each changes LocalStack as it is imported: before anything of it runs.
    import cron  # noqa: F401
    import gateway  # noqa: F401
    import processes  # noqa: F401
    import stacks  # noqa: F401
    import tables  # noqa: F401

    from localstack.runtime.main import main as run

    run()


if __name__ == "__main__":
    main()
