"""Write tiny random models of every architecture with transformers' outputs.

    python architectures.py

fills internal/model/testdata/arch/NAME with a model in the published layout
and expected.json: token ids and, from the same weights in 32 bits, the last
hidden states, or the logits of a cross-encoder.
"""

import json
import pathlib
import shutil

import torch
from transformers import AutoConfig, AutoModel, AutoModelForSequenceClassification

DEST = pathlib.Path(__file__).parents[2] / "internal/model/testdata/arch"
VOCAB = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] + [p + chr(c) for p in ("", "##") for c in range(97, 123)]
PAD, CLS, SEP = 0, 2, 3

SHAPE = dict(vocab_size=64, hidden_size=48, num_hidden_layers=2, num_attention_heads=3, intermediate_size=80,
             max_position_embeddings=80, pad_token_id=PAD, type_vocab_size=2, layer_norm_eps=1e-6)
ROPE = {"rope_type": "default", "rope_theta": 1000.0}
MODERN = dict(SHAPE, hidden_size=80, num_attention_heads=2, intermediate_size=48, local_attention=10, norm_eps=1e-5,
              layer_types=["full_attention", "sliding_attention", "sliding_attention"], num_hidden_layers=3,
              cls_token_id=CLS, sep_token_id=SEP, bos_token_id=CLS, eos_token_id=SEP,
              rope_parameters={"full_attention": dict(ROPE, rope_theta=160000.0), "sliding_attention": dict(ROPE, rope_theta=10000.0)})
DISTIL = dict(vocab_size=64, dim=48, n_layers=2, n_heads=3, hidden_dim=80, max_position_embeddings=80, pad_token_id=PAD)

# name: model type, configuration, stored type, labels (None: an encoder), shard size
MODELS = {
    "bert": ("bert", SHAPE, torch.float16, None, None),
    "roberta": ("roberta", dict(SHAPE, pad_token_id=1), torch.bfloat16, None, None),
    "distilbert": ("distilbert", DISTIL, torch.float16, None, None),
    "mpnet": ("mpnet", dict(SHAPE, pad_token_id=1), torch.float16, None, None),
    "modernbert": ("modernbert", MODERN, torch.bfloat16, None, None),
    "nomic_bert": ("nomic_bert", dict(SHAPE, rope_parameters=ROPE), torch.float16, None, None),
    "bert-reranker": ("bert", SHAPE, torch.float32, 1, "60KB"),
    "xlm-roberta-reranker": ("xlm-roberta", dict(SHAPE, pad_token_id=1, type_vocab_size=1), torch.float16, 1, None),
    "distilbert-reranker": ("distilbert", DISTIL, torch.float16, 3, None),
    "mpnet-reranker": ("mpnet", dict(SHAPE, pad_token_id=1), torch.float16, 2, None),
    "modernbert-reranker": ("modernbert", dict(MODERN, classifier_pooling="mean"), torch.bfloat16, 1, None),
}


def randomise(model):
    for name, p in model.named_parameters():
        lower = name.lower()
        if p.dim() > 1:
            p.data.normal_(0, 0.2)
        elif "norm" in lower and "bias" not in lower:
            p.data.normal_(1, 0.2)
        else:
            p.data.normal_(0, 0.1)


def inputs(pairs):
    out = []
    for n in (3, 17, 50):
        ids = [CLS] + torch.randint(5, 57, (n - 2,)).tolist() + [SEP]
        second = 0
        if pairs:
            second = n // 2
            ids[second - 1] = SEP
        out.append({"ids": ids, "second": second})
    return out


def make(name, kind, shape, dtype, labels, shard):
    dest = DEST / name
    shutil.rmtree(dest, ignore_errors=True)
    dest.mkdir(parents=True)
    torch.manual_seed(sum(map(ord, name)))
    config = AutoConfig.for_model(kind, **shape, **({"num_labels": labels} if labels else {}))
    auto = AutoModelForSequenceClassification if labels else AutoModel
    model = auto.from_config(config)
    randomise(model)
    model.to(dtype).save_pretrained(dest, **({"max_shard_size": shard} if shard else {}))
    model = auto.from_pretrained(dest, dtype=torch.float32, attn_implementation="eager").eval()
    (dest / "vocab.txt").write_text("\n".join(VOCAB) + "\n")
    cases = inputs(labels is not None)
    for case in cases:
        args = {"input_ids": torch.tensor([case["ids"]])}
        args["attention_mask"] = torch.ones_like(args["input_ids"])
        if shape.get("type_vocab_size", 0) > 1 and kind in ("bert", "roberta", "nomic_bert"):
            types = torch.zeros_like(args["input_ids"])
            if labels:
                types[0, case["second"]:] = 1
            args["token_type_ids"] = types
        with torch.no_grad():
            out = model(**args)
        values = (out.logits if labels else out.last_hidden_state)[0]
        case["output"] = [round(v, 6) for v in values.flatten().tolist()]
    (dest / "expected.json").write_text(json.dumps({"cases": cases}, separators=(",", ":")) + "\n")
    print(name, sum(f.stat().st_size for f in dest.iterdir()), sorted(f.name for f in dest.iterdir()))


for name, args in MODELS.items():
    make(name, *args)
