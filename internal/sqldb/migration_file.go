package sqldb

import (
	"io/fs"
	"regexp"
	"strings"
)

// migrationFile is the up part of a file in goose's format.
type migrationFile struct {
	name       string
	statements []migrationStatement

	// alone is goose's "-- +goose NO TRANSACTION": the statements can run outside a
	// transaction, and each of them can be repeated.
	alone bool
}

// migrationStatement is a statement of a file. The other fields are for statements that
// create or drop an index without blocking writes (CONCURRENTLY).
type migrationStatement struct {
	text  string
	index string // the index that it creates or drops
	makes bool   // it creates the index

	// repairs means that the statement drops what an unfinished build of the index has
	// left. The next statement creates the index.
	repairs bool
}

var concurrently = regexp.MustCompile(`^(CREATE|DROP) INDEX CONCURRENTLY IF (?:NOT )?EXISTS (\w+)`)

func readMigration(files fs.FS, name string) (*migrationFile, error) {
	content, err := fs.ReadFile(files, name)
	if err != nil {
		return nil, err
	}
	f := &migrationFile{name: name, alone: strings.Contains(string(content), "-- +goose NO TRANSACTION")}
	for _, text := range upStatements(string(content)) {
		s := migrationStatement{text: text}
		if found := concurrently.FindStringSubmatch(text); found != nil {
			s.makes, s.index = found[1] == "CREATE", found[2]
		}
		if n := len(f.statements); n > 0 && s.makes {
			last := &f.statements[n-1]
			last.repairs = last.index == s.index && !last.makes
		}
		f.statements = append(f.statements, s)
	}
	return f, nil
}

// plain returns the statement without CONCURRENTLY, for use in a transaction.
func (s *migrationStatement) plain() string {
	if s.index == "" {
		return s.text
	}
	return strings.Replace(s.text, "CONCURRENTLY ", "", 1)
}

// upStatements returns the statements between "-- +goose Up" and "-- +goose Down".
// A statement ends with a semicolon at the end of a line, or with "-- +goose
// StatementEnd".
func upStatements(content string) (statements []string) {
	_, up, _ := strings.Cut(content, "-- +goose Up")
	up, _, _ = strings.Cut(up, "-- +goose Down")
	var b strings.Builder
	whole := false
	end := func() {
		if s := strings.TrimSpace(b.String()); s != "" {
			statements = append(statements, strings.TrimSuffix(s, ";"))
		}
		b.Reset()
	}
	for line := range strings.Lines(up) {
		trimmed := strings.TrimSpace(line)
		switch {
		case trimmed == "-- +goose StatementBegin":
			whole = true
		case trimmed == "-- +goose StatementEnd":
			whole = false
			end()
		case strings.HasPrefix(trimmed, "--"):
		case whole:
			b.WriteString(line)
		default:
			code, _, _ := strings.Cut(line, " --") // a literal that contains " --" needs StatementBegin
			b.WriteString(strings.TrimRight(code, "\r\n") + "\n")
			if strings.HasSuffix(strings.TrimSpace(code), ";") {
				end()
			}
		}
	}
	end()
	return statements
}
