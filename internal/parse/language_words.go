package parse

import (
	"math/bits"
	"strings"
)

// proseLanguage is a language in Latin script and what tells it: frequent words of
// no subject, such as articles, pronouns, prepositions, conjunctions and
// auxiliary verbs, and letters that are not plain ones.
type proseLanguage struct{ tag, letters, words string }

// proseLanguages are those in Latin script whose words the index knows how to stem.
var proseLanguages = [latinLanguages]proseLanguage{
	{"en", "", "the of and to in is that it for was on are with as be this by not or from have an at which but they you we were has can how what when where who does do my your their its if will would there been all a i he she his her more about than into"},
	{"de", "äöüß", "der die und in den von zu das mit sich des auf für ist im dem nicht ein eine als auch es an werden aus er hat dass sie nach wird bei einer um am sind noch wie einem über einen so zum war haben nur oder aber vor zur bis mehr durch man wenn kann ich wir ihr wo was wer warum wurde unter ohne gegen mein sein keine alle muss"},
	{"fr", "éèêëàâçùûîïôœ", "de la le et les des en un du une que est pour qui dans a par plus pas au sur ne se ce il sont avec ou son aux cette je tu nous vous ils elle on mais comme tout leur sans être avoir fait où quand comment quel quelle quoi très peut ont sa ses mon ma mes votre notre était après entre"},
	{"es", "ñáéíóúü", "de la que el en y a los se del las un por con no una su para es al lo como más o pero sus le ha este sí porque esta entre cuando muy sin sobre también me hasta hay donde quien desde todo nos durante uno ni contra otros ese eso ante ellos mi yo tu cómo cuál qué dónde cuándo está son fue ser tiene puede porque otro otra vez todavía nuestro nuestra"},
	{"it", "àèéìòù", "di e il la che in un a per è una del sono con si non della le da al dei nel anche più ha come gli alla questo ma lo i mi ti ci vi o se delle nella dal dalla sul sulla questa quando dove chi cosa perché essere ho hai hanno era stato suo sua loro tutto tutti ogni dopo tra fra senza molto può degli"},
	{"pt", "ãõçáâàéêíóôú", "de a o que e do da em um para é com não uma os no se na por mais as dos como mas foi ao ele das tem à são seu sua ou ser quando muito há nos já está eu também só pelo pela até isso ela entre era depois sem mesmo aos ter seus quem nas me esse eles você onde qual pode foram uns meu minha porque ainda outro outra vez nosso nossa"},
	{"nl", "ëï", "de van het een en in is dat op te zijn met voor niet die aan er om ook als bij door naar wordt maar worden uit deze ik je hij zij we jullie hun hoe wat waar wie wanneer heeft hebben had was werd kan kunnen zou moet nog dan over tot geen meer al zo onder tegen mijn uw dit alle veel"},
	{"da", "æøå", "og i at det er en til af på for de med den som ikke der har et var men om vi så kan fra du han hun jeg sig eller hvor hvad hvordan hvornår efter blev bliver skal vil også når mig dig deres være havde nogle ved ud op over under mellem uden mod meget denne dette disse alle nu ind min din mit dit sit endnu fået igen gennem giver tage gøre været mere nogen noget hvilken blive ham kun ingen to mange andre hele sin sammen siden derfor"},
	{"no", "æøå", "og i at det er en til av på for de med den som ikke der har et var men om vi så kan fra du han hun jeg seg eller hvor hva hvordan etter ble blir skal vil også når meg deg deres være hadde noen ved ut opp over under mellom uten mot mye denne dette disse alle nå inn min din mitt ditt sitt ennå fått igjen gjennom gir ta gjøre vært mer noen noe hvilken bli ham bare ingen to mange andre hele sin sammen siden derfor hvorfor ikkje eg ein frå vere kva"},
	{"sv", "äöå", "och i att det är en till av på för de med den som inte har ett var men om vi så kan från du han hon jag sig eller där vad hur när efter blev blir ska skall vill också mig dig deras vara hade några vid ut upp över under mellan utan mot mycket denna detta dessa alla nu in min din hos sin varför vilka mitt ditt sitt ännu fått igen genom ger ta göra varit mer någon något vilken bli bara ingen två många andra hela tillsammans sedan"},
	{"fi", "äöå", "ja on ei että se hän oli joka mutta ovat kun niin myös tai sen kuin ole mitä missä miten jos vain olla sitä minä sinä me te he tämä nämä ne voi ovatko mikä kuka koska sekä jotka jossa jonka tämän hänen olen olet olemme olisi ennen jälkeen kanssa ilman sillä vielä nyt kaikki hyvin siitä siinä enemmän kun emme ette eivät en et ollut vaan saa pitää tätä sille mutta kaikkien myös niiden johon jolloin itse"},
	{"hu", "áéíóöőúüű", "a az és hogy nem is egy ez de volt van meg azt csak mint már vagy ha el ezt kell mert még fel lehet aki amely ami ki nagyon minden után között által alatt majd olyan itt ott hol mikor hogyan miért mi te én ő nincs szerint voltak lesz sem pedig illetve ennek annak ezek nélkül csak vagyok vagyunk van akkor így úgy ilyen minket bár"},
	{"ro", "ăâîșțşţ", "și în de la a cu pe nu că este o un din să se ce pentru mai care au fost sunt al ai ale lui ei sau dar prin după fi era cum unde când cine are avea acest această cel cea cei lor iar fără până doar tot toate între despre eu tu noi voi îi dacă unei unui poate"},
	{"tr", "ğışçöüâ", "ve bir bu da de için ile o ne olarak daha çok gibi en kadar ise var yok değil mi mı olan ama ya ben sen biz siz her hangi nasıl neden nerede kim sonra önce göre tarafından olduğu olduğunu veya hem çünkü ancak eden oldu olur bunu şu bütün tüm içinde üzerinde bize size onun bunun zaman yeni ben bana eğer değildir vardır edilir olması"},
	{"ga", "áéíóú", "agus an na ar is i go a le do sé sí ag atá bhí ní ó sa tá mar leis nach gur mé tú ach den don seo sin faoi chun féin siad muid bhfuil raibh bheith cá cad conas cathain cé aon gach eile nó ina nuair ón roimh idir againn acu air ann"},
}

const (
	latinLanguages = 15
	// aHint is what a word of one language alone tells.
	aHint = 60
	// A text must hold so many different words of its language, which tell
	// so much.
	leastWords  = 2
	leastWeight = 45
)

// latinEnd is behind the last letter of their script.
const latinEnd = 0x250

// tellingWords and tellingLetters say which languages, a bit each, list a word
// or a letter.
var tellingWords, tellingLetters = func() (words map[string]uint32, letters [latinEnd]uint32) {
	words = map[string]uint32{}
	for i, l := range proseLanguages {
		for w := range strings.FieldsSeq(l.words) {
			words[w] |= 1 << i
		}
		for _, r := range l.letters {
			letters[r] |= 1 << i
		}
	}
	return words, letters
}()

// tally counts what tells each language.
type tally struct {
	words    [latinLanguages]int // that are listed, or written as in no other language
	distinct [latinLanguages]int // of these
	weights  [latinLanguages]int
	total    int
	seen     map[string]bool // of distinct
}

// word counts a word of lower-case letters. The more languages list it the
// less it tells; so do its letters, half as much.
func (t *tally) word(w string) {
	t.total++
	of := tellingWords[w]
	t.add(of, aHint)
	letters := ^uint32(0)
	for _, r := range w {
		switch {
		case r >= latinEnd:
			letters = 0
		case r >= 0x80:
			letters &= tellingLetters[r]
		}
	}
	if letters != ^uint32(0) && letters != 0 {
		t.add(letters, aHint/2)
		if bits.OnesCount32(letters) == 1 {
			of |= letters
		}
	}
	if of == 0 {
		return
	}
	known := t.seen[w]
	t.seen[w] = true
	for ; of != 0; of &= of - 1 {
		i := bits.TrailingZeros32(of)
		t.words[i]++
		if !known {
			t.distinct[i]++
		}
	}
}

func (t *tally) add(of uint32, hint int) {
	n := bits.OnesCount32(of)
	for ; of != 0; of &= of - 1 {
		t.weights[bits.TrailingZeros32(of)] += hint / n
	}
}

// best returns the language that most tells of, "" when too little does or
// another one is near.
func (t *tally) best() string {
	best, second := 0, 1
	if t.weights[1] > t.weights[0] {
		best, second = 1, 0
	}
	for i := 2; i < latinLanguages; i++ {
		switch {
		case t.weights[i] > t.weights[best]:
			best, second = i, best
		case t.weights[i] > t.weights[second]:
			second = i
		}
	}
	if t.distinct[best] < leastWords || t.weights[best] < leastWeight ||
		t.words[best]*8 < t.total || t.weights[best]*4 < t.weights[second]*5 {
		return ""
	}
	return proseLanguages[best].tag
}
