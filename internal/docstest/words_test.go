package docstest_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// wordsOK, in a comment on a line, lets the line use a turn from the list.
const wordsOK = "words:ok"

// turn is a phrase that a reader has to parse twice, and what to write instead.
type turn struct {
	form    *regexp.Regexp
	instead string
	except  *regexp.Regexp // what may be at the same place
}

// say builds a turn. The form is matched without regard to case.
func say(form, instead string) turn {
	return turn{form: regexp.MustCompile(`(?i)` + form), instead: instead}
}

func (t turn) unless(form string) turn {
	t.except = regexp.MustCompile(`(?i)` + form)
	return t
}

// turns are the phrases that our style guide doesn't allow.
var turns = []turn{
	say(`\banew\b`, "again"),
	say(`\bwho(?:so|m)?ever\b`, "name the actor"),
	say(`(?:^|[.;:] +)whatever\b`, "say which things"),
	say(`\b(?:nobody|somebody|anybody|everybody)\b`, "name the actor"),
	say(`\b(?:\w+s|need|know|have|do) (?:it|them) not\b`, "doesn't … it"),
	say(`\b(?:needs?|has|have) not (?:to|be)\b`, "doesn't have to"),
	say(`\b(?:is|are|was|were) no (?:[a-z-]+ )?[a-z-]+`, "isn't a …").
		unless(`(?:there (?:is|are|was|were) no )|(?:(?:is|are|was|were) no (?:longer|more|less|fewer|such|later|earlier|older|newer|one)\b)`),
	say(`\bst(?:ands?|ood|anding) (?:in|on|at|by|behind|beside|before|above|below|under|there|here|for itself)\b`, "is in"),
	say(`\b(?:comes?|came|coming) of\b`, "comes from"),
	say(`\bof (?:one's|its|their|your|our|his|her) own\b`, "its own …"),
	say(`\bof (?:yours|theirs)\b`, "your …"),
	say(`\bas far as\b`, "where, if, or a separate sentence"),
	say(`\ball that\b`, "everything, all …"),
	say(`\bnothing of (?:it|this|that|them)\b`, "nothing is kept, all of it is deleted"),
	say(`(?:^|[.;:] +|\b(?:of|for|to|by) )those (?:that|which|who)\b|\bthat which\b`, "name the things"),
	say(`\bbelongs? into\b`, "belongs in"),
	say(`\bby which\b`, "a plain verb"),
	say(`(?:^|[.;:!?] +)(?:who|should) [^.?!:;]*(?:[.!:;]|$)`, "name the actor, or write if"),
	{form: regexp.MustCompile(`\b(?:[Hh]e|[Hh]im|[Hh]is|[Hh]imself)\b`), instead: "they"},
}

// passage is a text with the line on which it begins.
type passage struct {
	text string
	line int
}

// faults returns the turns in a passage of a file, except on lines with [wordsOK].
func (p passage) faults(name string, source []string) (found []string) {
	lines := strings.Split(p.text, "\n")
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	text := strings.Join(lines, "\n")
	flat := strings.ReplaceAll(text, "\n", " ")
	for _, turn := range turns {
		for _, at := range turn.form.FindAllStringIndex(flat, -1) {
			around := flat[max(0, at[0]-6):min(len(flat), at[1]+8)]
			line := p.line + strings.Count(text[:at[0]], "\n")
			if turn.except != nil && turn.except.MatchString(around) || line <= len(source) && strings.Contains(source[line-1], wordsOK) {
				continue
			}
			found = append(found, fmt.Sprintf("%s:%d: %q: write %s", name, line, flat[at[0]:at[1]], turn.instead))
		}
	}
	return found
}

// ofGo returns the comments and the strings of a Go file.
func ofGo(t *testing.T, name, source string) (all []passage) {
	t.Helper()
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, name, source, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	for _, group := range file.Comments {
		var b strings.Builder
		for _, comment := range group.List {
			b.WriteString(strings.TrimPrefix(comment.Text, "//") + "\n")
		}
		all = append(all, passage{b.String(), set.Position(group.Pos()).Line})
	}
	ast.Inspect(file, func(n ast.Node) bool {
		if literal, ok := n.(*ast.BasicLit); ok && literal.Kind == token.STRING {
			if text, err := strconv.Unquote(literal.Value); err == nil && strings.Contains(text, " ") {
				all = append(all, passage{text, set.Position(literal.Pos()).Line})
			}
		}
		return true
	})
	return all
}

var (
	// notProse is what a Markdown page or a template has besides prose.
	notProse = regexp.MustCompile("(?ms)^```.*?^```$|`[^`\n]*`|<style.*?</style>|{{.*?}}|<[^>]*>|\\]\\([^)]*\\)")
	notLine  = regexp.MustCompile(`[^\n]`)
)

// ofProse returns the paragraphs of a Markdown page or a template.
func ofProse(source string) (all []passage) {
	prose := notProse.ReplaceAllStringFunc(source, func(s string) string { return notLine.ReplaceAllString(s, "") })
	line := 1
	for paragraph := range strings.SplitSeq(prose, "\n\n") {
		all = append(all, passage{paragraph, line})
		line += strings.Count(paragraph, "\n") + 2
	}
	return all
}

// texts calls check for each file that holds words of ours.
func texts(t *testing.T, check func(name, source string)) {
	t.Helper()
	count := 0
	err := filepath.WalkDir(top, func(name string, entry fs.DirEntry, err error) error {
		relative := strings.TrimPrefix(filepath.ToSlash(name), top+"/")
		switch {
		case err != nil:
			return err
		case entry.IsDir() && name != top && (strings.HasPrefix(entry.Name(), ".") || entry.Name() == "node_modules" || entry.Name() == "fuzz"):
			return filepath.SkipDir
		case entry.IsDir() || relative == "internal/docstest/words_test.go":
			return nil
		}
		switch filepath.Ext(name) {
		case ".go", ".md", ".html":
			count++
			check(relative, read(t, name))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if count < 300 {
		t.Fatalf("found %d texts, want more: has the repository moved?", count)
	}
}

// A reader understands each sentence at the first read. These turns are correct
// English that takes two.
func TestWords_PG_13(t *testing.T) {
	texts(t, func(name, source string) {
		passages := ofProse(source)
		if filepath.Ext(name) == ".go" {
			passages = ofGo(t, name, source)
		}
		lines := strings.Split(source, "\n")
		for _, p := range passages {
			for _, fault := range p.faults(name, lines) {
				t.Error(fault)
			}
		}
	})
}

func TestWords_PG_13_FindsEachTurn(t *testing.T) {
	for _, text := range []string{
		"Ask anew.", "Whoever asks gets it.", "Whatever it has is sent.", "nobody is signed in", "The server needs it not.",
		"it needs not be set", "foo is no setting", "It stands in the log.", "what came of it", "a room of its own", "a client of yours",
		"as far as the list goes", "all that is left", "nothing of it stays", "Those that end stay.", "that which is sent", "It belongs into a file.",
		"the rule by which it ends", "Who has a copy has no key.", "It fails. Who asks is told.", "Should a page fail, the log tells.", "He signs in.",
		"the client needs\nit not",
	} {
		if len(passage{text, 1}.faults("x.md", nil)) == 0 {
			t.Errorf("no turn is found in %q", text)
		}
	}
	for _, text := range []string{
		"There is no such client.", "It is no longer valid.", "Who is asking?", "the user who signed in", "a standard", "Should it end?",
		"It comes from the key.", "The header is no\nlonger sent.", "It isn't a setting.",
	} {
		if found := (passage{text, 1}).faults("x.md", nil); len(found) > 0 {
			t.Errorf("a turn is found in %q: %v", text, found)
		}
	}
	if found := (passage{"Ask anew.", 1}).faults("x.md", []string{"Ask anew. <!-- " + wordsOK + " -->"}); len(found) > 0 {
		t.Errorf("a turn is found on a line that is marked: %v", found)
	}
}
