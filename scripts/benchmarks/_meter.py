"""Run a command and print what it took, as JSON.

A process of its own, and a small one: a child's largest memory begins with that of the process which starts it.
"""

import json
import os
import subprocess
import sys
import time

if __name__ == "__main__":
    start = time.perf_counter()
    process = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)  # or Popen would wait for it again
    found = {
        "code": process.returncode,
        "seconds": time.perf_counter() - start,
        "cpu_seconds": usage.ru_utime + usage.ru_stime,
        "peak_megabytes": usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6,
    }
    print(json.dumps(found))
