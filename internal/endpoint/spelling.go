package endpoint

import (
	"strings"
	"unicode"
)

// folded returns a common spelling for names that an application may consider
// equal. It ignores case, accents, spaces and invisible characters, as many databases
// do. Otherwise an attacker could get a new counter with each spelling of a name. Two
// names that share a counter do no harm.
func folded(username string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || !unicode.IsGraphic(r) || unicode.IsMark(r) {
			return -1
		}
		r = unicode.ToLower(unicode.ToUpper(r))
		if plain, ok := plainLetters[r]; ok {
			return plain
		}
		return r
	}, username)
}

// plainLetters maps each letter in spellings to the first letter of its group, which
// has no accent and normal width.
var plainLetters = func() map[rune]rune {
	plain := map[rune]rune{}
	for _, group := range spellings {
		letters := []rune(group)
		for _, r := range letters[1:] {
			plain[r] = letters[0]
		}
	}
	return plain
}()

// spellings are groups of Latin, Greek and Cyrillic letters and digits that Unicode
// decomposes to the same letter (NFKD, Unicode 15), and letters with a stroke.
var spellings = []string{
	"0０⁰₀",
	"1１₁",
	"2２₂",
	"3３₃",
	"4４⁴₄",
	"5５⁵₅",
	"6６⁶₆",
	"7７⁷₇",
	"8８⁸₈",
	"9９⁹₉",
	"aàáâãäåāăąǎǟǡǻȁȃȧḁạảấầẩẫậắằẳẵặａₐæ",
	"bḃḅḇｂ",
	"cçćĉċčḉｃ",
	"dďḋḍḏḑḓｄđ",
	"eèéêëēĕėęěȅȇȩḕḗḙḛḝẹẻẽếềểễệｅₑ",
	"fḟｆ",
	"gĝğġģǧǵḡｇ",
	"hĥȟḣḥḧḩḫẖｈₕħ",
	"iìíîïĩīĭįİǐȉȋḭḯỉịｉⁱı",
	"jĵǰｊ",
	"kķǩḱḳḵｋₖĸ",
	"lĺļľḷḹḻḽｌₗł",
	"mḿṁṃｍₘ",
	"nñńņňǹṅṇṉṋｎⁿₙ",
	"oòóôõöōŏőơǒǫǭȍȏȫȭȯȱṍṏṑṓọỏốồổỗộớờởỡợｏₒø",
	"pṕṗｐₚ",
	"qｑ",
	"rŕŗřȑȓṙṛṝṟｒ",
	"sśŝşšșṡṣṥṧṩｓₛß",
	"tţťțṫṭṯṱẗｔₜŧ",
	"uùúûüũūŭůűųưǔǖǘǚǜȕȗṳṵṷṹṻụủứừửữựｕ",
	"vṽṿｖ",
	"wŵẁẃẅẇẉẘｗ",
	"xẋẍｘₓ",
	"yýÿŷȳẏẙỳỵỷỹｙ",
	"zźżžẑẓẕｚ",
	"æǣǽ",
	"øǿ",
	"əₔ",
	"ʒǯ",
	"ʹʹ",
	"αάἀἁἂἃἄἅἆἇὰάᾀᾁᾂᾃᾄᾅᾆᾇᾈᾉᾊᾋᾌᾍᾎᾏᾰᾱᾲᾳᾴᾶᾷᾼ",
	"εέἐἑἒἓἔἕὲέ",
	"ηήἠἡἢἣἤἥἦἧὴήᾐᾑᾒᾓᾔᾕᾖᾗᾘᾙᾚᾛᾜᾝᾞᾟῂῃῄῆῇῌ",
	"ιΐίϊἰἱἲἳἴἵἶἷὶίῐῑῒΐῖῗ",
	"οόὀὁὂὃὄὅὸό",
	"ρῤῥ",
	"ςϲ",
	"υΰϋύϒϓϔὐὑὒὓὔὕὖὗὺύῠῡῢΰῦῧ",
	"ωώὠὡὢὣὤὥὦὧὼώᾠᾡᾢᾣᾤᾥᾦᾧᾨᾩᾪᾫᾬᾭᾮᾯῲῳῴῶῷῼ",
	"аӑӓ",
	"гѓ",
	"еѐёӗ",
	"жӂӝ",
	"зӟ",
	"ийѝӣӥ",
	"кќ",
	"оӧ",
	"уўӯӱӳ",
	"чӵ",
	"ыӹ",
	"эӭ",
	"ії",
	"ѵѷ",
	"әӛ",
	"өӫ",
}
