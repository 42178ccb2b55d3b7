"""Write the reference of the WordPiece tokenizer with Hugging Face tokenizers.

    python wordpiece.py MODEL_DIR

writes internal/model/testdata/wordpiece.json: lines with their ids, pairs of
lines, and a hash over the treatment of every code point. Special tokens are
left out of the reference tokenizer, because in our input they are plain text.
"""

import hashlib
import json
import pathlib
import random
import sys

import tokenizers
from tokenizers import models, normalizers, pre_tokenizers, processors

HARD = """
[CLS] is not [SEP] a token [MASK] here [UNK] [PAD]
Schrödinger’s cat — naïve café, Ångström, Œuvre, straße, ﬁne ﬂow, ½ ² ³ №
İstanbul ISPARTA ıssız İİİ I\u0307 i\u0307
東京都に住んでいます。北京欢迎你！ 서울특별시 한글 ㄱㄴㄷ
Ελληνικά ΣΊΣΥΦΟΣ ὈΔΥΣΣΕΎΣ русский Ёлка йод Україна їжак
العَرَبِيَّة הָעִבְרִית हिन्दी में लिखा है ภาษาไทย ພາສາລາວ বাংলা தமிழ்
e\u0301e\u0301\u0301 a\u0308\u0323 \u0041\u030a \u1e9b\u0323 q\u0307\u0323
zero\u200bwidth\u200djoin\u200cer\u2060word\ufeff bom soft\u00adhyphen
no\u00a0break\u202fspace\u3000wide\u2003em\u2028line\u2029para\u0085nel
👩‍👩‍👧‍👦 family 🇩🇪 flag 👍🏽 thumb ☕️ cup 🤦🏼‍♂️
tab\there\x0bvertical\x0cform\x00null\x7fdel\x1bescape\ufffdreplacement
don't can't it's we're "quoted" ‘single’ “double” «guillemets» „low“
https://example.org/a/b?c=d&e=%20f#frag user.name+tag@example.co.uk
C++ C# F# .NET node.js x86_64 ARMv8.2-A i18n a11y k8s 3.14159 1,234,567.89 -40°C
snake_case camelCase kebab-case SCREAMING_CASE __init__ <|endoftext|> <s> </s>
antidisestablishmentarianism pneumonoultramicroscopicsilicovolcanoconiosis supercalifragilistic
\U0001d54f\U0001d550 𝒜𝓁𝓁 ⅣⅧ ①② Ⓐ ㈱ ㎏ ﷺ
ǅ ǈ ǋ ẞ ŉ ǰ ΐ և ﬗ K Å Ω
\u166d \U000111c9 \u2e43 \u061d \U00011938 \u1734 \ua7cb \u1c89
𠀀𪜀𫝀𫠠𬺰\U0002f800 㐀 豈 々 〆 ヶ ー
""".strip("\n").split("\n")

BLOCKS = [(0x20, 0x7E), (0xA0, 0x17F), (0x180, 0x24F), (0x300, 0x36F), (0x370, 0x3FF), (0x400, 0x4FF),
          (0x590, 0x6FF), (0x900, 0x97F), (0xE00, 0xE7F), (0x1100, 0x11FF), (0x1E00, 0x1FFF), (0x2000, 0x22FF),
          (0x2E00, 0x2E7F), (0x3000, 0x30FF), (0x4E00, 0x4FFF), (0xAC00, 0xACFF), (0xF900, 0xFAFF),
          (0xFB00, 0xFB4F), (0xFE00, 0xFEFF), (0xFF00, 0xFFEF), (0x1D400, 0x1D4FF), (0x1F600, 0x1F64F)]


def lines():
    out = [line.encode().decode("unicode_escape") if line.isascii() and "\\" in line else line for line in HARD]
    out += ["", " ", "\n\n", "a" * 100, "a" * 101, "é" * 100, "é" * 101, "x" * 300 + " y", "字" * 120, "." * 80, "\u0301", "a\u0301" * 60]
    rng = random.Random(20240501)
    words = "the quick encoder Retrieval of GROUNDED answers; isn't über-nice (really), 42% — naïve?".split()
    for _ in range(400):
        n = rng.randint(1, 24)
        parts = []
        for _ in range(n):
            if rng.random() < 0.4:
                parts.append(rng.choice(words))
                parts.append(rng.choice(["", " ", "  ", "\t"]))
            else:
                lo, hi = rng.choice(BLOCKS)
                parts.append(chr(rng.randint(lo, hi)))
                if rng.random() < 0.3:
                    parts.append(" ")
        out.append("".join(parts))
    return out


def main():
    model = pathlib.Path(sys.argv[1])
    vocab = {t: i for i, t in enumerate((model / "vocab.txt").read_text().rstrip("\n").split("\n"))}
    norm = normalizers.BertNormalizer(clean_text=True, handle_chinese_chars=True, strip_accents=None, lowercase=True)
    pre = pre_tokenizers.BertPreTokenizer()
    tok = tokenizers.Tokenizer(models.WordPiece(vocab, unk_token="[UNK]", max_input_chars_per_word=100))
    tok.normalizer, tok.pre_tokenizer = norm, pre
    cls, sep = ("[CLS]", vocab["[CLS]"]), ("[SEP]", vocab["[SEP]"])
    tok.post_processor = processors.BertProcessing(sep, cls)

    sha = hashlib.sha256()
    for c in range(0x110000):
        if 0xD800 <= c < 0xE000:
            continue
        words = pre.pre_tokenize_str(norm.normalize_str("x" + chr(c) + "x"))
        sha.update(f"{c:x} {'|'.join(w for w, _ in words)}\n".encode())

    text = lines()
    out = {
        "made_with": f"tokenizers {tokenizers.__version__}",
        "code_points_sha256": sha.hexdigest(),
        "lines": [{"text": t, "ids": tok.encode(t).ids} for t in text],
        "pairs": [],
    }
    for limit in (8, 16, 33):
        tok.enable_truncation(limit)
        for i in range(0, 60, 2):
            e = tok.encode(text[i], text[i + 1])
            out["pairs"].append({"a": text[i], "b": text[i + 1], "max": limit, "ids": e.ids, "types": e.type_ids})
    dest = pathlib.Path(__file__).parents[2] / "internal/model/testdata/wordpiece.json"
    dest.write_text(json.dumps(out, ensure_ascii=True, separators=(",", ":")).replace('{"text"', '\n{"text"').replace('{"a"', '\n{"a"') + "\n")


main()
