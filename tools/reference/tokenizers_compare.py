"""Compare this program's tokenizers with Hugging Face's `tokenizers` on text.

    pip install tokenizers
    python tools/reference/tokenizers_compare.py TEXT_DIR... [--tokenizer FILE]...

Run from the repository's root. Every string of the JSON files below the
TEXT_DIRs, and every line of the others that are text, is tokenised by both,
with each tokenizer.json given (default: the three of the tests' fixtures), and
the lines that differ are printed. Special tokens in a text are plain text. A
file's name ends in .json, .jsonl, .tsv, .md or .txt; others are left out.
"""
import argparse
import gzip
import json
import pathlib
import subprocess
import tempfile

from tokenizers import Tokenizer

FIXTURES = pathlib.Path("internal/model/tokenizer/testdata")
BATCH = 5000


def strings(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for v in value.values():
            yield from strings(v)
    elif isinstance(value, list):
        for v in value:
            yield from strings(v)


def texts(folder):
    for path in sorted(pathlib.Path(folder).rglob("*")):
        if path.suffix not in (".json", ".jsonl", ".tsv", ".md", ".txt"):
            continue
        raw = path.read_text(encoding="utf-8", errors="replace")
        if path.suffix in (".json", ".jsonl"):
            for doc in [raw] if path.suffix == ".json" else raw.split("\n"):
                try:
                    yield from strings(json.loads(doc))
                except ValueError:
                    yield doc
        yield from raw.split("\n") if path.suffix not in (".jsonl",) else ()


def encodable(text):
    """No lone surrogates: they are not text, and JSON alone can write them."""
    return text.encode("utf-8", "replace").decode("utf-8")


def main():
    p = argparse.ArgumentParser()
    p.add_argument("folders", nargs="+")
    p.add_argument("--tokenizer", action="append")
    args = p.parse_args()
    lines = sorted({encodable(t) for folder in args.folders for t in texts(folder) if t})
    print(f"{len(lines)} different texts, {sum(len(t.encode()) for t in lines) / 1e6:.1f} MB")
    check = tempfile.mkdtemp() + "/tokenizer.test"
    subprocess.run(["go", "test", "-c", "-o", check, "./internal/model/tokenizer"], check=True)
    for name in args.tokenizer or sorted(map(str, FIXTURES.glob("*.json.gz"))):
        raw = pathlib.Path(name).read_bytes()
        t = Tokenizer.from_str((gzip.decompress(raw) if name.endswith(".gz") else raw).decode("utf-8"))
        t.no_truncation()
        t.no_padding()
        t.encode_special_tokens = True
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=".lines") as f:
            tokens = 0
            for i in range(0, len(lines), BATCH):
                part = lines[i : i + BATCH]
                for text, e in zip(part, t.encode_batch_fast(part)):
                    tokens += len(e.ids)
                    f.write(json.dumps([text, e.ids], ensure_ascii=False, separators=(",", ":")) + "\n")
            f.flush()
            print(f"{name}: {tokens} tokens by the reference")
            subprocess.run([check, "-test.v", "-test.run", "ReferenceFile", "-tokenizer.json", str(pathlib.Path(name).absolute()), "-tokenizer.lines", f.name],
                           cwd="internal/model/tokenizer")


main()
