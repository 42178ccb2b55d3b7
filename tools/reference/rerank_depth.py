"""How deep a reranker should look: what is among the first N of the fused list.

    python rerank_depth.py QUARRY DATA_DIR SET...

Ingests each folder SET (corpus.jsonl, queries.jsonl, qrels.tsv) into DATA_DIR,
asks 500 of its questions in hybrid mode, and prints, for N from 10 to 100, the recall
of the first N and the nDCG@10 of a perfect reranker of them: the most that any
reranker can make of that depth. No reranker is needed.
"""

import json
import math
import pathlib
import subprocess
import sys
import tempfile

DEPTHS = (10, 20, 30, 50, 75, 100)


def qrels(folder):
    out = {}
    for line in (folder / "qrels.tsv").read_text().splitlines():
        parts = [p.replace("%", "%25").replace(" ", "%20") for p in line.split("\t")]  # as runs spell ids
        if len(parts) >= 3 and parts[-1].lstrip("-").isdigit() and int(parts[-1]) > 0:
            out.setdefault(parts[0], {})[parts[-2]] = int(parts[-1])
    return out


def ndcg(gains, ideal):
    def dcg(g):
        return sum(v / math.log2(i + 2) for i, v in enumerate(g[:10]))

    best = dcg(sorted(ideal, reverse=True))
    return dcg(gains) / best if best else 0.0


quarry, data, sets = sys.argv[1], sys.argv[2], [pathlib.Path(s) for s in sys.argv[3:]]
print(f"{'set':16}{'fused':>8}" + "".join(f"{'R@' + str(n):>8}" for n in DEPTHS) + "".join(f"{'max@' + str(n):>9}" for n in DEPTHS))
for folder in sets:
    with tempfile.NamedTemporaryFile("r", suffix=".run") as f:
        subprocess.run([quarry, "eval", str(folder), "--mode", "hybrid", "--questions", "500", "--run", f.name, "--data", f"{data}/{folder.name}"], check=True, stdout=subprocess.DEVNULL)
        runs = {}
        for line in f:
            query, _, doc, rank, _, tag = line.split(maxsplit=5)
            runs.setdefault(query, []).append((int(rank), doc))
    judged = qrels(folder)
    asked = [q for q in judged if q in runs]
    recall, top, fused = dict.fromkeys(DEPTHS, 0.0), dict.fromkeys(DEPTHS, 0.0), 0.0
    for q in asked:
        ranked = [judged[q].get(doc, 0) for _, doc in sorted(runs[q])]
        ideal = list(judged[q].values())
        fused += ndcg(ranked, ideal) / len(asked)
        for n in DEPTHS:
            recall[n] += sum(v > 0 for v in ranked[:n]) / len(ideal) / len(asked)
            top[n] += ndcg(sorted(ranked[:n], reverse=True), ideal) / len(asked)
    print(f"{folder.name:16}{fused:8.3f}" + "".join(f"{recall[n]:8.3f}" for n in DEPTHS) + "".join(f"{top[n]:9.3f}" for n in DEPTHS), flush=True)
