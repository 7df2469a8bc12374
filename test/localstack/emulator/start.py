"""
Starts LocalStack without Docker for the tests of the folder above: `python start.py`, called by `emulator.ts` only.

The modules beside this one fix the places where LocalStack differs from AWS, one service each. This process ends when its
standard input ends, so it cannot outlive the test process, however that ends. Then it removes the test's folder.
"""

import os
import shutil
import sys
import threading


def end_with_the_test():
    sys.stdin.buffer.read()
    shutil.rmtree(os.environ["FILESYSTEM_ROOT"], ignore_errors=True)
    # The functions' processes end with this one, which holds their standard input.
    os._exit(0)


def main():
    threading.Thread(target=end_with_the_test, daemon=True).start()
    # Each of these changes LocalStack when it is imported, before LocalStack runs.
    import cron  # noqa: F401
    import gateway  # noqa: F401
    import processes  # noqa: F401
    import stacks  # noqa: F401
    import tables  # noqa: F401

    from localstack.runtime.main import main as run

    run()


if __name__ == "__main__":
    main()
