"""What quantisation costs in ranking: nDCG@10 of the vectors alone.

    python int8_agreement.py QUARRY MODEL_DIR WORK_DIR SET...

Installs the published model MODEL_DIR once as int8 and once with 32-bit
weights, embeds each folder SET with both, and prints what `quarry eval` says
of exact search by meaning: each pair should lie within 0.005 of nDCG@10.
"""

import subprocess
import sys

quarry, source, work, sets = sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:]
for folder in sets:
    for precision in ("int8", "f32"):
        data = ["--data", f"{work}/{folder.rstrip('/').rsplit('/', 1)[-1]}-{precision}"]
        subprocess.run([quarry, *data, "model", "import", source, "--name", precision, "--quantisation", precision], check=True, stdout=subprocess.DEVNULL)
        out = subprocess.run([quarry, *data, "--model", precision, "eval", folder, "--mode", "exact"], check=True, capture_output=True, text=True).stdout
        for line in out.splitlines():
            print(f"{precision:6}{line}", flush=True)
