"""Makes the committed fixtures of the tokenizers: 2,000 hard lines for each,
with the ids that Hugging Face's `tokenizers` gives them, special tokens in the
text read as plain text. Unigram, byte-level BPE and WordPiece behind other
normalizers than BERT's have small tokenizers, trained on this project's own
prose when their file is not there; the published WordPiece is the built-in
model's. Run from the repository's root, by hand:

    pip install tokenizers sentencepiece protobuf
    python tools/reference/tokenizers_fixture.py MODEL_DIR

MODEL_DIR is the published all-MiniLM-L6-v2. tokenizers_compare.py compares on
text of your own.
"""
import glob
import gzip
import json
import os
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
    for make in (specials, marks, emoji, directions, giants, singletons, mixed):
        lines += make(r)
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


def specials(r):
    """Look-alikes of special tokens, whole, cut, doubled and inside words."""
    names = ["[CLS]", "[SEP]", "[MASK]", "[UNK]", "[PAD]", "<s>", "</s>", "<pad>", "<unk>", "<mask>", "<|endoftext|>", "##ing", "\u2581the", "\u0120the", "<0x0A>"]
    out = []
    for name in names:
        out += [name, name.lower(), "x" + name + "y", name + name, " " + name + " ", name[:-1], name[1:], "\u200b" + name, name.replace("<", "\uff1c")]
    return out


def marks(r):
    """Letters under runs of combining marks, in any order, composed or not."""
    pool = [0x300, 0x301, 0x302, 0x303, 0x307, 0x308, 0x30A, 0x323, 0x327, 0x328, 0x345, 0x5B0, 0x64B, 0x651, 0x93C, 0x94D, 0x20DD, 0x20E3, 0x3099, 0xFE20]
    bases = "aeinouyAEINOUY\u03b1\u03c9\u0438\u0648\u05e9\u0915\u304b\u1ea1\u00e7"
    return ["".join(r.choice(bases) + "".join(chr(r.choice(pool)) for _ in range(r.randrange(0, 5))) for _ in range(r.randrange(1, 9))) for _ in range(200)]


def emoji(r):
    """Joined, toned, flagged and keycap emoji, whole and torn apart."""
    people, tones, joined = [0x1F468, 0x1F469, 0x1F9D1, 0x1F466], [0x1F3FB, 0x1F3FD, 0x1F3FF], [0x1F373, 0x1F4BB, 0x2764, 0x1F680]
    out = []
    for _ in range(120):
        s = chr(r.choice(people)) + (chr(r.choice(tones)) if r.random() < 0.5 else "")
        for _ in range(r.randrange(3)):
            s += "\u200d" + chr(r.choice(joined)) + ("\ufe0f" if r.random() < 0.5 else "")
        s += "".join(chr(0x1F1E6 + r.randrange(26)) for _ in range(r.randrange(4))) + r.choice(["", "1\ufe0f\u20e3", "#\u20e3", "\U000e0067\U000e007f"])
        out.append(r.choice(["", "ok ", "a"]) + s + r.choice(["", "!", " b"]))
    return out


def directions(r):
    """Arabic and Hebrew among Latin words and digits, with controls of direction."""
    words = ["\u0643\u062a\u0627\u0628", "\u0627\u0644\u0639\u064e\u0631\u064e\u0628\u0650\u064a\u064e\u0651\u0629", "\u05e9\u05c1\u05b8\u05dc\u05d5\u05b9\u05dd", "\u0661\u0662\u0663", "PDF", "v2.1", "(\u0623)", "\ufef7", "\ufdfa"]
    controls = ["\u200e", "\u200f", "\u202a", "\u202e", "\u202c", "\u2066", "\u2069", "", "", " "]
    return ["".join(r.choice(words) + r.choice(controls) + r.choice([" ", "", "\u00a0"]) for _ in range(r.randrange(1, 8))) for _ in range(120)]


def giants(r):
    """Words around the limits of length, of one letter, many letters, and marks."""
    out = []
    for n in (49, 50, 51, 99, 100, 101, 199, 200, 201, 512, 1500):
        out += ["a" * n, "\u00e9" * n, "e\u0301" * (n // 2), "\u5b57" * n, "." * n, " " * n + "x", "ab" * (n // 2) + " z", "9" * n, "\U0001f600" * (n // 4)]
        out.append("".join(r.choice("etaoinshrdlu") for _ in range(n)))
    return out


def singletons(r):
    """Characters that normal forms replace, alone and in words."""
    codes = [0x130, 0x131, 0x149, 0x17F, 0x1C4, 0x1F0, 0x340, 0x374, 0x37E, 0x387, 0x390, 0x3B0, 0x3C2, 0x587, 0x958, 0xE33, 0xFB1D, 0xFB4F, 0x1E9B, 0x1E9E, 0x1FBE, 0x2000, 0x2011, 0x2024,
             0x2026, 0x2057, 0x2100, 0x2126, 0x212A, 0x212B, 0x2160, 0x2460, 0x24B6, 0x2A0C, 0x2FF0, 0x3000, 0x3131, 0x3164, 0x3231, 0x32C0, 0x33C2, 0xA69C, 0xAC01, 0xD7A3, 0xF900, 0xFA0E,
             0xFB00, 0xFB06, 0xFDFA, 0xFE30, 0xFE50, 0xFF01, 0xFF21, 0xFF76, 0xFF9E, 0xFFA0, 0xFFE0, 0x1D400, 0x1D7D8, 0x1EE00, 0x1F100, 0x2F800, 0xAD, 0x34F, 0x61C, 0x180E, 0x2061, 0xFEFF, 0xFFFC]
    out = [chr(c) for c in codes] + ["a" + chr(c) + "b " + chr(c) * 3 for c in codes]
    out += ["".join(chr(r.choice(codes)) for _ in range(r.randrange(2, 9))) for _ in range(100)]
    jamo = lambda: chr(0x1100 + r.randrange(19)) + chr(0x1161 + r.randrange(21)) + r.choice(["", chr(0x11A8 + r.randrange(27))])
    return out + ["".join(jamo() for _ in range(r.randrange(1, 6))) for _ in range(40)]


def mixed(r):
    """Words that change script inside, case included."""
    scripts = [(0x41, 0x5A), (0x61, 0x7A), (0xC0, 0x17F), (0x391, 0x3C9), (0x410, 0x44F), (0x531, 0x586), (0x5D0, 0x5EA), (0x621, 0x64A), (0x904, 0x939), (0xE01, 0xE30),
               (0x10A0, 0x10FF), (0x13A0, 0x13F5), (0x1E00, 0x1EFF), (0x3041, 0x3096), (0x30A1, 0x30FA), (0x4E00, 0x4FFF), (0xAC00, 0xACFF), (0x10400, 0x1044F)]
    out = []
    for _ in range(200):
        parts = []
        for _ in range(r.randrange(1, 6)):
            lo, hi = r.choice(scripts)
            parts.append("".join(chr(r.randint(lo, hi)) for _ in range(r.randrange(1, 5))))
        out.append(r.choice(["", "-", " ", "\u200d"]).join(parts))
    return out


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


def wordpiece():
    t = Tokenizer(models.WordPiece(unk_token="[UNK]", max_input_chars_per_word=60))
    t.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace("ß", "ss"), normalizers.Replace(Regex("[0-9]{4,}"), " # "),
                                         normalizers.Lowercase(), normalizers.NFD(), normalizers.StripAccents(), normalizers.Strip()])
    t.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Punctuation(), pre_tokenizers.Digits(individual_digits=True)])
    t.train_from_iterator(prose(), trainers.WordPieceTrainer(vocab_size=2000, special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]"], show_progress=False))
    t.add_tokens([AddedToken("qmodel", single_word=True), AddedToken("<url>", normalized=False)])
    t.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    return t


def ids(t, lines):
    t.encode_special_tokens = True
    return "".join(json.dumps([x, e.ids], ensure_ascii=False) + "\n" for x, e in zip(lines, t.encode_batch(lines)))


def write(name, text):
    with open(OUT + name, "wb") as f, gzip.GzipFile("", "wb", 9, f, mtime=0) as z:
        z.write(text.encode("utf-8"))


lines = hard_lines()[:2000]
for name, train in (("unigram", unigram), ("bpe", bpe), ("wordpiece", wordpiece)):
    if not os.path.exists(OUT + name + ".json.gz"):
        write(name + ".json.gz", train().to_str())
    with gzip.open(OUT + name + ".json.gz", "rt", encoding="utf-8") as f:
        write(name + ".lines.gz", ids(Tokenizer.from_str(f.read()), lines))
published = Tokenizer.from_file(sys.argv[1] + "/tokenizer.json")
published.no_truncation()
published.no_padding()
write("../../testdata/wordpiece.lines.gz", ids(published, lines))
