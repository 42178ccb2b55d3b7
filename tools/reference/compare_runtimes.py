"""Compare this program's encoder with onnxruntime and OpenVINO on the same
texts, in the same minutes, and print ratios.

    pip install torch transformers onnx onnxruntime openvino
    python compare_runtimes.py QUARRY MODEL_DIR WORK_DIR [ROUNDS]

QUARRY is the program, MODEL_DIR the published all-MiniLM-L6-v2. Each round
measures every runtime once, in turn, so that what else the machine does meets
all alike; the best of the rounds counts for each. Throughput is per CPU-second
at the best batch size, with one thread; runtimes that are missing are skipped.
Resident memory is that of a process after the same passages, one at a time;
onnxruntime's holds the runtime, numpy and the tokenizer and no torch. The
first run exports and converts; two rounds take about four minutes.
"""

import json
import pathlib
import re
import subprocess
import sys

quarry, source, work = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
rounds = int(sys.argv[4]) if len(sys.argv) > 4 else 3
here = pathlib.Path(__file__).parent
work.mkdir(parents=True, exist_ok=True)

# OpenVINO reads the file that onnx_bench.py exports.
OPENVINO = r"""
import pathlib, resource, sys, time
import numpy as np
import openvino as ov
from transformers import AutoTokenizer

source, work, data = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
prose = (data / "sentences.txt").read_text().split("\n")[15:36]
texts = [" ".join(prose[(i * 3 + j * 2) % len(prose)] for j in range(10)) for i in range(32)]
query = "which drug lowers blood pressure in older patients without many side effects"
tok = AutoTokenizer.from_pretrained(source)
core = ov.Core()
def cpu():
    r = resource.getrusage(resource.RUSAGE_SELF)
    return r.ru_utime + r.ru_stime
for name in ("f32", "int8"):
    model = core.compile_model(str(work / (name + ".onnx")), "CPU", {"INFERENCE_NUM_THREADS": 1, "NUM_STREAMS": 1, "INFERENCE_PRECISION_HINT": "f32"})
    request = model.create_infer_request()
    def embed(batch):
        e = tok(batch, padding=True, truncation=True, max_length=256, return_tensors="np")
        mask = e["attention_mask"]
        inputs = {"input_ids": e["input_ids"], "attention_mask": mask, "token_type_ids": np.zeros_like(mask)}
        h = request.infer({n: inputs[n] for n in inputs if any(n in i.names for i in model.inputs)})[0]
        v = (h * mask[..., None]).sum(1)
        return v / np.linalg.norm(v, axis=1, keepdims=True)
    best = (0, 0)
    for size in (1, 4):
        embed(texts[:size])
        for _ in range(2):
            c = cpu()
            for i in range(0, len(texts), size):
                embed(texts[i : i + size])
            best = max(best, (len(texts) / (cpu() - c), size))
    times = []
    for _ in range(200):
        t = time.perf_counter()
        embed([query])
        times.append(time.perf_counter() - t)
    print(f"openvino {ov.__version__.split('-')[0]} {name}: {best[0]:.1f} passages/cpu-s (batch {best[1]}), query p50 {sorted(times)[100] * 1e3:.2f} ms", flush=True)
"""

# What onnxruntime needs in memory, without what exports and trains.
MEMORY = r"""
import pathlib, sys
import numpy as np
import onnxruntime as ort
from tokenizers import Tokenizer

source, path, data = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
prose = (data / "sentences.txt").read_text().split("\n")[15:36]
tok = Tokenizer.from_file(source + "/tokenizer.json")
tok.no_padding()
tok.enable_truncation(256)
o = ort.SessionOptions()
o.intra_op_num_threads = o.inter_op_num_threads = 1
session = ort.InferenceSession(path, o, providers=["CPUExecutionProvider"])
for i in range(32):
    ids = np.array([tok.encode(" ".join(prose[(i * 3 + j * 2) % len(prose)] for j in range(10))).ids])
    session.run(None, {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)})
print([int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmRSS")][0] * 1024)
"""

LINE = re.compile(r"^(.*): ([0-9.]+) passages/cpu-s .*query p50 ([0-9.]+) ms")
best = {}  # name -> [passages per CPU-second, query p50 in ms, resident bytes]


def keep(name, rate, p50, resident=0):
    old = best.get(name, (0, 1e9, 0))
    best[name] = (max(old[0], rate), min(old[1], p50), resident or old[2])


def reference(args):
    p = subprocess.run([sys.executable, *args], capture_output=True, text=True)
    found = [m for m in map(LINE.match, p.stdout.splitlines()) if m]
    for m in found:
        keep(m[1], float(m[2]), float(m[3]))
        path = work / (m[1].rsplit(" ", 1)[-1] + ".onnx")
        if m[1].startswith("onnxruntime"):
            r = subprocess.run([sys.executable, "-c", MEMORY, source, str(path), str(texts)], capture_output=True, text=True)
            keep(m[1], 0, 1e9, int(r.stdout or 0))
    if not found:
        print("skipped:", (p.stderr.strip().splitlines() or ["no output"])[-1])


def run(*args):
    return subprocess.run([quarry, "--data", str(work / "quarry-data"), *args], capture_output=True, text=True, check=True).stdout


texts = here.parents[1] / "internal/model/testdata"
precisions = ("int8", "bf16", "f32")
for precision in precisions:
    run("model", "import", source, "--name", "minilm-" + precision, "--quantisation", precision)
cpu = ""
for _ in range(rounds):
    for precision in precisions:
        report = json.loads(run("bench", "model", "minilm-" + precision, "--seconds", "1", "--json"))
        cpu = f"{report['cpu']}, kernel {report['kernel']}"
        keep(f"quarry {precision}", report["passages_per_cpu_second"], report["query_p50_ms"], report["resident_bytes"])
    reference([str(here / "onnx_bench.py"), source, str(work)])
    reference(["-c", OPENVINO, source, str(work), str(texts)])

print(cpu)
print(f"{'runtime':32}{'passages/cpu-s':>16}{'query p50 ms':>14}{'resident MB':>13}")
for name, (rate, p50, resident) in best.items():
    print(f"{name:32}{rate:16.1f}{p50:14.2f}" + (f"{resident / 1e6:13.0f}" if resident else f"{'-':>13}"))
print(f"{'quarry over':32}{'passages/cpu-s':>16}{'query p50':>14}{'resident':>13}")
for name, (rate, p50, resident) in best.items():
    own = best["quarry " + name.rsplit(" ", 1)[-1]]
    if not name.startswith("quarry"):
        print(f"{name:32}{own[0] / rate:16.2f}{p50 / own[1]:14.2f}" + (f"{own[2] / resident:13.2f}" if resident else f"{'-':>13}"))
