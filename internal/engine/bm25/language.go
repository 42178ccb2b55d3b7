package bm25

import (
	"math/bits"
	"strings"

	"github.com/blevesearch/snowballstem"
	"github.com/blevesearch/snowballstem/arabic"
	"github.com/blevesearch/snowballstem/danish"
	"github.com/blevesearch/snowballstem/dutch"
	"github.com/blevesearch/snowballstem/english"
	"github.com/blevesearch/snowballstem/finnish"
	"github.com/blevesearch/snowballstem/french"
	"github.com/blevesearch/snowballstem/german"
	"github.com/blevesearch/snowballstem/hungarian"
	"github.com/blevesearch/snowballstem/irish"
	"github.com/blevesearch/snowballstem/italian"
	"github.com/blevesearch/snowballstem/norwegian"
	"github.com/blevesearch/snowballstem/portuguese"
	"github.com/blevesearch/snowballstem/romanian"
	"github.com/blevesearch/snowballstem/russian"
	"github.com/blevesearch/snowballstem/spanish"
	"github.com/blevesearch/snowballstem/swedish"
	"github.com/blevesearch/snowballstem/tamil"
	"github.com/blevesearch/snowballstem/turkish"
)

// Language chooses stop words and stemmer. Segments store it as a number: new
// ones come last.
type Language uint8

// English also serves texts in a language that is not known or not listed,
// and code.
const English Language = 0

// none stands for words that are not stemmed.
const none Language = 255

// languages are the analyzers by Language: the tag, what script the language
// is written in, the stemmer, and the stop words. Those of English are
// Lucene's; of the others, the most frequent articles, pronouns, prepositions,
// conjunctions and auxiliary verbs.
var languages = []struct {
	tag    string
	script script
	stem   func(*snowballstem.Env) bool
	stops  map[string]bool
}{
	{"en", latin, english.Stem, setOf("a an and are as at be but by for if in into is it no not of on or such that the their then there these they this to was will with")},
	{"ar", arabicScript, arabic.Stem, setOf("في من على إلى عن أن إن كان هذا هذه التي الذي ما لا و أو كما مع هو هي قد كل بعد قبل بين ثم لم")},
	{"da", latin, danish.Stem, setOf("af at da de den der det du efter eller en er et for fra ham han hun har i ikke jeg med men men og om på sig som til var vi ved")},
	{"de", latin, german.Stem, setOf("aber als am an auch auf aus bei das dass dem den der des die ein eine einem einen einer eines er es für hat ich im in ist mit nach nicht oder sich sie sind so über um und von vor war wie wird zu zum zur")},
	{"es", latin, spanish.Stem, setOf("a al como con de del el ella en entre era es esta este fue ha la las le lo los más no o para pero por que se sin son su sus un una y ya")},
	{"fi", latin, finnish.Stem, setOf("että ei he hän ja jos joka jotka kuin kun me mutta myös ne niin oli olla on ovat se sekä sen tai tämä te vaan")},
	{"fr", latin, french.Stem, setOf("à au aux avec ce ces cette dans de des du elle en est et eux il ils je la le les leur mais ne nous on ou par pas pour qu que qui sa se ses son sont sur un une vous")},
	{"ga", latin, irish.Stem, setOf("a ach ag agus an ar as atá bhí cé den do é go i is le leis mé na ní ó sa seo sé sí sin tá tú um")},
	{"hu", latin, hungarian.Stem, setOf("a az de e egy és ez ha hogy is itt ki meg mely már mint nem ő után vagy van volt")},
	{"it", latin, italian.Stem, setOf("a ai al alla anche che chi ci con da dal dalla dei del della di e è ed gli ha i il in io la le lo ma nel nella non o per più se si sono su un una uno")},
	{"nl", latin, dutch.Stem, setOf("aan als bij dat de der die dit door een en er haar had heeft het hij hun ik in is je maar met naar niet nog of om ook op te tot uit van voor was wat werd wordt ze zich zij zijn")},
	{"no", latin, norwegian.Stem, setOf("at av da de den der det du eller en er et etter for fra han har hun i ikke jeg med men og om på seg som til var ved vi")},
	{"pt", latin, portuguese.Stem, setOf("a ao aos as com como da das de do dos e é ela ele em entre era está foi há mais mas na não nas no nos o os ou para pela pelo por que se sem seu sua são um uma")},
	{"ro", latin, romanian.Stem, setOf("a al ale au ca care ce cu cum că de din este el ea fi fost în la mai nu o pe pentru prin sau se sunt să și un una unei unui")},
	{"ru", cyrillic, russian.Stem, setOf("а без бы был была были было в во вот все вы где да для до его ее если есть еще же за и из или их к как ко когда кто ли мы на не него но о об он она они от по при с со так также то только у уже что чтобы это я")},
	{"sv", latin, swedish.Stem, setOf("att av de den det du eller en ett för från han har hon i inte jag kan med men när och om på sig som till var vi är")},
	{"ta", tamilScript, tamil.Stem, setOf("ஒரு என்று மற்றும் இந்த இது என்ற கொண்டு என்பது பல அது அந்த என")},
	{"tr", latin, turkish.Stem, setOf("ama bir bu da daha de değil gibi her hem için ile ise ki mi ne o olan olarak şu ve veya ya")},
}

// LanguageOf returns the language of a BCP 47 tag.
func LanguageOf(tag string) Language {
	primary, _, _ := strings.Cut(strings.ToLower(tag), "-")
	if primary == "nb" || primary == "nn" {
		primary = "no"
	}
	for i, l := range languages {
		if l.tag == primary {
			return Language(i)
		}
	}
	return English
}

// Known reports whether l is in the list: what a damaged file says may not be.
func (l Language) Known() bool { return int(l) < len(languages) }

func (l Language) stops(form string) bool { return languages[l].stops[form] }

// Languages is a set of languages: a bit each.
type Languages uint32

// Add puts l into the set.
func (s *Languages) Add(l Language) { *s |= 1 << l }

// Each calls f with each language of the set, ascending.
func (s Languages) Each(f func(l Language)) {
	for ; s != 0; s &= s - 1 {
		f(Language(bits.TrailingZeros32(uint32(s))))
	}
}

// script is what a stemmer's words are written in.
type script uint8

const (
	otherScript script = iota
	latin
	cyrillic
	arabicScript
	tamilScript
)

func scriptOf(r rune) script {
	switch {
	case r < 0x250, r >= 0x1e00 && r < 0x1f00:
		return latin
	case r >= 0x400 && r < 0x530:
		return cyrillic
	case r >= 0x600 && r < 0x700:
		return arabicScript
	case r >= 0xb80 && r < 0xc00:
		return tamilScript
	}
	return otherScript
}

// forScript returns the language whose stemmer is for words that begin with r
// in a text of language l.
func (l Language) forScript(r rune) Language {
	switch s := scriptOf(r); {
	case s == languages[l].script:
		return l
	case s == latin:
		return English
	}
	return none
}

// stemmer runs the stemmers, whose state it keeps.
type stemmer struct{ env *snowballstem.Env }

func (s *stemmer) stem(l Language, word string) string {
	if s.env == nil {
		s.env = snowballstem.NewEnv(word)
	} else {
		s.env.SetCurrent(word)
	}
	languages[l].stem(s.env)
	return s.env.Current()
}

// setOf makes a set of forms.
func setOf(words string) map[string]bool {
	set := map[string]bool{}
	for _, w := range strings.Fields(words) {
		set[(&analyzer{}).form(w)] = true
	}
	return set
}
