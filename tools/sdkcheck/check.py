"""Asks a running Quarry with the official Python clients of OpenAI and Cohere.

Run by hand, with a server on its default address:

    python -m venv venv && venv/bin/pip install openai cohere
    venv/bin/python tools/sdkcheck/check.py http://127.0.0.1:8080

It prints one line for each check and exits with 1 when one fails.
"""

import math
import sys

import cohere
import openai

base = (sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8080").rstrip("/")
failed = 0


def check(what, ok, detail=""):
    global failed
    failed += not ok
    print("ok  " if ok else "FAIL", what, detail)


def dot(a, b):
    return sum(x * y for x, y in zip(a, b))


def refusal(kind, call):
    """The error of a call that must be refused."""
    try:
        call()
    except kind as e:
        return e
    return None


print("openai", openai.__version__, "cohere", cohere.__version__, "server", base)

client = openai.OpenAI(base_url=base + "/openai/v1", api_key="none", max_retries=0)
models = [m.id for m in client.models.list()]
model = models[0]
check("models.list", len(models) >= 2, str(models))
check("models.retrieve", client.models.retrieve(model).id == model)

default = client.embeddings.create(model=model, input="How do I restore a backup?")
plain = client.embeddings.create(model=model, input="How do I restore a backup?", encoding_format="float")
a, b = default.data[0].embedding, plain.data[0].embedding
check("embeddings, base64 by default", len(a) > 0 and a == [float(x) for x in a], f"{len(a)} dimensions")
check("floats are the same", max(abs(x - y) for x, y in zip(a, b)) < 1e-6)
check("unit length", abs(math.sqrt(dot(a, a)) - 1) < 1e-3)
check("usage", default.usage.prompt_tokens > 0 and default.usage.total_tokens == default.usage.prompt_tokens, str(default.usage))

texts = ["How do I restore a backup?", "Copy the saved catalog into place and start the server.", "The cat sat on the mat."]
three = [d.embedding for d in client.embeddings.create(model=model, input=texts).data]
check("meaning", dot(three[0], three[1]) > dot(three[0], three[2]), f"{dot(three[0], three[1]):.3f} > {dot(three[0], three[2]):.3f}")

ids = client.embeddings.create(model=model, input=[[2129, 2079, 1045], [7592]])
check("lists of token ids", [d.index for d in ids.data] == [0, 1])

long = "every word counts " * 1000
cut = client.embeddings.create(model=model, input=["short", long])
check("truncation is said", cut.model_extra.get("truncated") == [1], str(cut.model_extra))
pooled = client.embeddings.create(model=model, input=[long], extra_body={"long_text": "pool"})
check("pooling reads it all", pooled.usage.prompt_tokens > cut.usage.prompt_tokens and not pooled.model_extra, str(pooled.usage))

e = refusal(openai.NotFoundError, lambda: client.embeddings.create(model="text-embedding-3-small", input="x"))
check("unknown model", e is not None and e.code == "model_not_found" and e.param == "model", str(e))
e = refusal(openai.BadRequestError, lambda: client.embeddings.create(model=model, input="x", dimensions=len(a) + 1))
check("dimensions", e is not None and e.param == "dimensions", str(e))
e = refusal(openai.BadRequestError, lambda: client.embeddings.create(model=model, input=["x"] * 2049))
check("too many inputs", e is not None and e.param == "input", str(e))

co = cohere.ClientV2(api_key="none", base_url=base + "/cohere")
r = co.rerank(model="sentences", query=texts[0], documents=texts[1:], top_n=1)
check("rerank", len(r.results) == 1 and r.results[0].index == 0, str(r.results))
check("rerank's id and version", bool(r.id) and r.meta.api_version.version == "2")
e = refusal(cohere.NotFoundError, lambda: co.rerank(model="rerank-v3.5", query="x", documents=["y"]))
check("unknown reranker", e is not None, str(e.body) if e else "")
e = refusal(cohere.BadRequestError, lambda: co.rerank(model="sentences", query="x", documents=[]))
check("no documents", e is not None, str(e.body) if e else "")

sys.exit(failed > 0)
