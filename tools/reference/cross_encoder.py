"""Make a cross-encoder of MiniLM's size with a random head, to measure cost.

    python cross_encoder.py MODEL_DIR OUT

writes MODEL_DIR, the published all-MiniLM-L6-v2, with one random label on top
to OUT. Its scores mean nothing; what a pair costs is that of a real one:

    quarry model import OUT --name cross && quarry bench model cross
"""

import pathlib
import shutil
import sys

import torch
from transformers import AutoModelForSequenceClassification

source, dest = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
torch.manual_seed(1)
AutoModelForSequenceClassification.from_pretrained(source, num_labels=1).save_pretrained(dest)
for name in ("tokenizer.json", "tokenizer_config.json", "vocab.txt"):
    shutil.copy(source / name, dest / name)
