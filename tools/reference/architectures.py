"""Write tiny random models of every architecture with transformers' outputs.

    python architectures.py [NAME...]

fills internal/model/testdata/arch/NAME with a model in the published layout
and expected.json: token ids and, from the same weights in 32 bits, the last
hidden states, or the logits of a cross-encoder. Those of SENTENCE have modules
of sentence-transformers after the network, and vectors for output.
"""

import json
import pathlib
import shutil
import sys

import torch
from sentence_transformers.base.modules import Dense
from sentence_transformers.sentence_transformer.modules import Pooling
from transformers import AutoConfig, AutoModel, AutoModelForSequenceClassification

DEST = pathlib.Path(__file__).parents[2] / "internal/model/testdata/arch"
VOCAB = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] + [p + chr(c) for p in ("", "##") for c in range(97, 123)]
PAD, CLS, SEP = 0, 2, 3

SHAPE = dict(vocab_size=64, hidden_size=48, num_hidden_layers=2, num_attention_heads=3, intermediate_size=80,
             max_position_embeddings=80, pad_token_id=PAD, type_vocab_size=2, layer_norm_eps=1e-6)
ONE = dict(SHAPE, num_hidden_layers=1)
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
    "xlm-roberta": ("xlm-roberta", dict(ONE, pad_token_id=1, type_vocab_size=1), torch.bfloat16, None, None),
    "bert-labels": ("bert", dict(ONE, hidden_act="gelu_new"), torch.float16, 3, None),
    "roberta-reranker": ("roberta", dict(ONE, pad_token_id=1, hidden_act="relu"), torch.float16, 1, None),
    "roberta-labels": ("roberta", dict(ONE, pad_token_id=1), torch.float16, 4, None),
    "xlm-roberta-labels": ("xlm-roberta", dict(ONE, pad_token_id=1, type_vocab_size=1), torch.float16, 3, None),
    "distilbert-one": ("distilbert", dict(DISTIL, n_layers=1, activation="relu"), torch.float16, 1, None),
    "mpnet-one": ("mpnet", dict(ONE, pad_token_id=1), torch.float16, 1, None),
    "modernbert-labels": ("modernbert", dict(MODERN, layer_types=["full_attention"], num_hidden_layers=1, classifier_pooling="cls",
                                             classifier_activation="silu", hidden_activation="gelu_pytorch_tanh"), torch.bfloat16, 2, None),
    "nomic_bert-reranker": ("nomic_bert", dict(ONE, rope_parameters=ROPE), torch.float16, 1, None),
    "nomic_bert-labels": ("nomic_bert", dict(ONE, rope_parameters=ROPE), torch.float16, 2, None),
    "sentence-cls-tanh": ("bert", dict(ONE, hidden_act="silu"), torch.float16, None, None),
    "sentence-mean-dense": ("distilbert", dict(DISTIL, n_layers=1), torch.float16, None, None),
    "sentence-max-two": ("xlm-roberta", dict(ONE, pad_token_id=1, type_vocab_size=1), torch.float16, None, None),
    "sentence-last": ("modernbert", dict(MODERN, layer_types=["full_attention"], num_hidden_layers=1), torch.bfloat16, None, None),
}

# name: pooling, dense layers (outputs, bias, activation), whether the files are written as before version 5.4
SENTENCE = {
    "sentence-cls-tanh": ("cls", [(48, True, torch.nn.Tanh())], True),
    "sentence-mean-dense": ("mean", [(32, True, torch.nn.Tanh())], True),
    "sentence-max-two": ("max", [(40, False, torch.nn.ReLU()), (24, True, torch.nn.Identity())], False),
    "sentence-last": ("lasttoken", [(16, True, torch.nn.GELU()), (20, True, torch.nn.SiLU())], False),
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


def modules_after(name, dest, width):
    """Write the modules after the network and return them."""
    pooling, layers, legacy = SENTENCE[name]
    made, listed = [Pooling(width, pooling_mode=pooling)], [("", "Transformer"), ("1_Pooling", "Pooling")]
    (dest / "1_Pooling").mkdir()
    made[0].save(str(dest / "1_Pooling"))
    if legacy:
        switch = {"cls": "pooling_mode_cls_token", "mean": "pooling_mode_mean_tokens"}[pooling]
        (dest / "1_Pooling/config.json").write_text(json.dumps({"word_embedding_dimension": width, switch: True}) + "\n")
    for out, bias, activation in layers:
        layer = Dense(width, out, bias=bias, activation_function=activation)
        torch.nn.init.normal_(layer.linear.weight, 0, 0.2)
        folder = f"{len(listed)}_Dense"
        (dest / folder).mkdir()
        layer.save(str(dest / folder))
        made, listed, width = made + [layer], listed + [(folder, "Dense")], out
    if legacy:
        listed.append((f"{len(listed)}_Normalize", "Normalize"))
    lines = [{"idx": i, "name": str(i), "path": path, "type": "sentence_transformers.models." + kind} for i, (path, kind) in enumerate(listed)]
    (dest / "modules.json").write_text(json.dumps(lines, indent=1) + "\n")
    return made


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
    after = modules_after(name, dest, shape.get("hidden_size") or shape["dim"]) if name in SENTENCE else []
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
            features = {"token_embeddings": None if labels else out.last_hidden_state, "attention_mask": args["attention_mask"]}
            for module in after:
                features = module(features)
        if after:
            values = torch.nn.functional.normalize(features["sentence_embedding"][0], dim=0)
        else:
            values = (out.logits if labels else out.last_hidden_state)[0]
        case["output"] = [round(v, 6) for v in values.flatten().tolist()]
    (dest / "expected.json").write_text(json.dumps({"cases": cases}, separators=(",", ":")) + "\n")
    print(name, sum(f.stat().st_size for f in dest.rglob("*")), sorted(str(f.relative_to(dest)) for f in dest.rglob("*")))


for name in sys.argv[1:] or MODELS:
    make(name, *MODELS[name])
