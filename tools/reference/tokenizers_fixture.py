"""Makes the committed fixtures of the Unigram and byte-level BPE tokenizers:
small tokenizers trained on this project's own prose, and 2,000 hard lines with
the ids that Hugging Face's `tokenizers` gives them, special tokens in the text
read as plain text. Run from the repository's root, by hand:

    pip install tokenizers sentencepiece protobuf
    python tools/reference/tokenizers_fixture.py

With two arguments it compares on your own text instead: it writes the ids of
every line of LINES under TOKENIZER_JSON to standard output, for
`go test ./internal/model/tokenizer -run ReferenceFile -tokenizer.json … -tokenizer.lines …`.
"""
import glob
import gzip
import json
import random
import sys
import tempfile

from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

OUT = "internal/model/tokenizer/testdata/"
PROSE = [
    "Die Änderung wird erst übernommen, wenn das Protokoll sie kennt; Größe und Maß zählen.",
    "La réponse cite toujours les octets enregistrés, même après une mise à jour.",
    "El índice sigue al registro: añade, sustituye y olvida según él.",
    "索引跟随日志，重建后答案相同。数据从不丢失！",
    "検索は意味でも単語でも行われます。引用は必ず原文と一致します。",
    "질문에 대한 답은 저장된 문장을 그대로 인용한다.",
    "Поиск находит и слова, и смысл; ответ всегда содержит цитату.",
    "الإجابة تستشهد دائما بالنص المحفوظ كما هو.",
    "Η απάντηση παραθέτει πάντα τις αποθηκευμένες λέξεις.",
    "คำตอบอ้างอิงข้อความที่บันทึกไว้เสมอ",
    "उत्तर हमेशा संग्रहीत शब्दों को उद्धृत करता है।",
]


def prose():
    lines = list(PROSE)
    for name in sorted(glob.glob("docs/**/*.md", recursive=True)):
        lines += open(name, encoding="utf-8").read().split("\n")
    return [line for line in lines if line.strip()]


def hard_lines():
    r = random.Random(7)
    words = " ".join(prose()).split()
    lines = [
        "<s>literal specials</s> [CLS] [SEP] <mask> <unk>", "  two  spaces\tand\u00a0others\u3000", "don't we'll I've it's o'clock",
        "\u0130stanbul ΣΊΣΥΦΟΣ straße ﬁne ① Ⅷ ½ ㎏", "e\u0301\u0323 \u1e9b\u0323 \u212b \uac00\u1100\u1161", "👩‍👩‍👧‍👦🇩🇪 👍🏽 \ufe0f",
        "a\r\nb\rc\u2028d\u2029e\u0085f", "\u200b\u200d\u2060\ufeff\u00ad", "x" * 300, "1234567890 3.14 1,000.50 0x1F", "\x00\x01\x7f\x80\ufffd",
        "|||IP|||and |||IP||| x", "func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {", "    indented\n\n\tlines   ",
    ] + PROSE
    blocks = [(32, 127), (0xA0, 0x250), (0x300, 0x370), (0x370, 0x600), (0x600, 0x700), (0x900, 0xE80), (0x1E00, 0x2000),
              (0x2000, 0x2C00), (0x3000, 0x3100), (0x4E00, 0x9FFF), (0xAC00, 0xD7A4), (0xF900, 0xFB50), (0xFF00, 0xFFEF), (0x1F300, 0x1F700)]
    while len(lines) < 2000:
        parts = []
        for _ in range(r.randrange(1, 12)):
            kind = r.randrange(4)
            if kind == 0:
                lo, hi = r.choice(blocks)
                parts.append("".join(chr(r.randrange(lo, hi)) for _ in range(r.randrange(1, 6))))
            elif kind == 1:
                parts.append(r.choice([" ", "  ", "\t", "\n", "'s", "…", "-", "_", "\u0301", "9"]))
            else:
                parts.append(r.choice(words))
        lines.append(r.choice(["", " "]).join(parts))
    return lines


def unigram():
    import sentencepiece as spm
    import sentencepiece.sentencepiece_model_pb2 as pb

    with tempfile.TemporaryDirectory() as d:
        with open(d + "/text", "w", encoding="utf-8") as f:
            f.write("\n".join(prose()))
        spm.SentencePieceTrainer.train(input=d + "/text", model_prefix=d + "/m", vocab_size=1200, model_type="unigram",
                                       normalization_rule_name="nmt_nfkc", hard_vocab_limit=False, minloglevel=2)
        m = pb.ModelProto()
        m.ParseFromString(open(d + "/m.model", "rb").read())
    vocab = [("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0)] + [(p.piece, p.score) for p in m.pieces[3:]]
    t = Tokenizer(models.Unigram(vocab, unk_id=3))
    t.normalizer = normalizers.Sequence([normalizers.Precompiled(m.normalizer_spec.precompiled_charsmap), normalizers.Replace(Regex(" {2,}"), " ")])
    t.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace(prepend_scheme="always")])
    t.add_special_tokens([AddedToken(s, special=True) for s in ("<s>", "<pad>", "</s>", "<unk>")] + [AddedToken("<mask>", lstrip=True, special=True)])
    t.post_processor = processors.TemplateProcessing(single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)])
    return t


def bpe():
    t = Tokenizer(models.BPE())
    t.normalizer = normalizers.NFC()
    t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    t.train_from_iterator(prose(), trainers.BpeTrainer(vocab_size=2000, special_tokens=["<s>", "</s>", "[MASK]"],
                                                       initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
    t.add_tokens([AddedToken(" " * n, normalized=True) for n in range(2, 6)] + [AddedToken("|||IP|||", normalized=True)])
    t.post_processor = processors.TemplateProcessing(single="<s> $A </s>", pair="<s> $A </s> $B:1 </s>:1", special_tokens=[("<s>", 0), ("</s>", 1)])
    return t


def ids(t, lines):
    t.encode_special_tokens = True
    return "".join(json.dumps([x, e.ids], ensure_ascii=False) + "\n" for x, e in zip(lines, t.encode_batch(lines)))


def write(name, text):
    with open(OUT + name, "wb") as f, gzip.GzipFile("", "wb", 9, f, mtime=0) as z:
        z.write(text.encode("utf-8"))


if len(sys.argv) == 3:
    t = Tokenizer.from_file(sys.argv[1])
    t.no_truncation()
    t.no_padding()
    sys.stdout.write(ids(t, [line for line in open(sys.argv[2], encoding="utf-8").read().split("\n") if line]))
else:
    for name, t in (("unigram", unigram()), ("bpe", bpe())):
        write(name + ".json.gz", t.to_str())
        write(name + ".lines.gz", ids(t, hard_lines()))
