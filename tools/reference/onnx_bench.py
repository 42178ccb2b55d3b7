"""Measure onnxruntime on the texts of `go test -bench` in internal/model.

    python onnx_bench.py MODEL_DIR WORK_DIR

exports the model to WORK_DIR once (f32, and int8 by dynamic quantisation per
channel), then prints passages per CPU-second at the best batch size and the
median time of a query, on one thread. Compare within the same minutes.
"""

import pathlib
import resource
import sys
import time

import numpy as np
import onnxruntime as ort
import torch
from transformers import AutoModel, AutoTokenizer

source, work = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
data = pathlib.Path(__file__).parents[2] / "internal/model/testdata"
QUERY = "which drug lowers blood pressure in older patients without many side effects"


class Hidden(torch.nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, ids, mask, types):
        return self.model(input_ids=ids, attention_mask=mask, token_type_ids=types).last_hidden_state


def export():
    f32, int8 = work / "f32.onnx", work / "int8.onnx"
    if int8.exists():
        return {"f32": f32, "int8": int8}
    model = AutoModel.from_pretrained(source, attn_implementation="eager").eval()
    ids = torch.ones(2, 8, dtype=torch.long)
    axes = {0: "batch", 1: "tokens"}
    torch.onnx.export(Hidden(model), (ids, ids, torch.zeros_like(ids)), f32, dynamo=False,
                      input_names=["input_ids", "attention_mask", "token_type_ids"], output_names=["hidden"],
                      dynamic_axes={n: axes for n in ("input_ids", "attention_mask", "token_type_ids", "hidden")})
    from onnxruntime.quantization import QuantType, quantize_dynamic
    quantize_dynamic(f32, int8, per_channel=True, weight_type=QuantType.QInt8)
    return {"f32": f32, "int8": int8}


def passages():
    prose = (data / "sentences.txt").read_text().split("\n")[15:36]
    return [" ".join(prose[(i * 3 + j * 2) % len(prose)] for j in range(10)) for i in range(32)]


def cpu():
    r = resource.getrusage(resource.RUSAGE_SELF)
    return r.ru_utime + r.ru_stime


tok = AutoTokenizer.from_pretrained(source)
texts = passages()
for name, path in export().items():
    o = ort.SessionOptions()
    o.intra_op_num_threads = o.inter_op_num_threads = 1
    s = ort.InferenceSession(path, o, providers=["CPUExecutionProvider"])

    def embed(batch):
        e = tok(batch, padding=True, truncation=True, max_length=256, return_tensors="np")
        mask = e["attention_mask"]
        h = s.run(None, {"input_ids": e["input_ids"], "attention_mask": mask, "token_type_ids": np.zeros_like(mask)})[0]
        v = (h * mask[..., None]).sum(1)
        return v / np.linalg.norm(v, axis=1, keepdims=True)

    best = (0, 0)
    for size in (1, 4, 16):
        embed(texts[:size])
        for _ in range(3):
            c = cpu()
            for i in range(0, len(texts), size):
                embed(texts[i:i + size])
            best = max(best, (len(texts) / (cpu() - c), size))
    times, c = [], cpu()
    for _ in range(300):
        t = time.perf_counter()
        embed([QUERY])
        times.append(time.perf_counter() - t)
    print(f"onnxruntime {ort.__version__} {name}: {best[0]:.1f} passages/cpu-s (batch {best[1]}), query p50 {sorted(times)[150] * 1e3:.2f} ms, {(cpu() - c) / 300 * 1e3:.2f} cpu-ms")
