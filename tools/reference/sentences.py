"""Write the reference vectors of the built-in model with sentence-transformers.

    python sentences.py MODEL_DIR

reads internal/model/testdata/sentences.txt, a text a line, and writes
sentences.f16 beside it: for each line its vector in 16-bit floats, computed
from the published weights in 32 bits.
"""

import pathlib
import sys

import numpy as np
from sentence_transformers import SentenceTransformer

data = pathlib.Path(__file__).parents[2] / "internal/model/testdata"
texts = (data / "sentences.txt").read_text().rstrip("\n").split("\n")
model = SentenceTransformer(sys.argv[1], device="cpu")
vectors = model.encode(texts, batch_size=1, normalize_embeddings=True)
(data / "sentences.f16").write_bytes(np.asarray(vectors, dtype="<f2").tobytes())
print(vectors.shape, "longest", max(len(model.tokenizer(t)["input_ids"]) for t in texts), "limit", model.max_seq_length)
