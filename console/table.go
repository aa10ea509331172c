package console

import (
	"iter"
	"strings"

	"github.com/fatih/color"

	"github.com/go-passport/passport/internal/page"
)

// table is a list in columns.
type table[T any] struct {
	columns []column[T]
	none    func() string // the sentence if there are no rows
}

// column is a column of a table.
type column[T any] struct {
	header string
	cell   func(T) string
	layout
}

// layout is how a column is written.
type layout struct {
	cuts  bool                           // a narrow terminal shows the beginning of each cell
	least bool                           // a very narrow terminal leaves the column out
	style func(cell string) *color.Color // nil for plain text
	width int
	gone  bool // left out
}

const (
	maxCell  = 80    // the maximum length of a text in a table, in characters
	minCell  = 8     // a column isn't cut below this width
	gap      = 2     // spaces between columns
	maxBatch = 1_000 // the number of rows that decide the widths
)

// write writes what a store yields. The table fits a terminal of the given width; 0
// is for any width. Other people wrote the texts, so page.Text makes them safe. Of a
// long list only the first rows are held and measured.
func (t table[T]) write(out *screen, columns int, items iter.Seq2[T, error]) error {
	var rows [][]string
	var begun layouts
	for item, err := range items {
		if err != nil {
			return err
		}
		row := make([]string, len(t.columns))
		for i, c := range t.columns {
			row[i] = page.Text(c.cell(item), maxCell)
		}
		if begun != nil {
			begun.write(out, row)
		} else if rows = append(rows, row); len(rows) == maxBatch {
			begun = t.begin(out, columns, rows)
		}
	}
	switch {
	case len(rows) == 0:
		out.Printf("%s\n", t.none())
	case begun == nil:
		t.begin(out, columns, rows)
	}
	return nil
}

// begin decides the widths, and writes the header and the first rows.
func (t table[T]) begin(out *screen, columns int, rows [][]string) layouts {
	all, header := make(layouts, len(t.columns)), make([]string, len(t.columns))
	for i, c := range t.columns {
		all[i], header[i] = c.layout, c.header
		all[i].width = width(c.header)
		for _, row := range rows {
			all[i].width = max(all[i].width, width(row[i]))
		}
	}
	if columns > 0 {
		all.fit(columns)
	} else {
		for i := range all {
			all[i].cuts = false
		}
	}
	all.styled(func(string) *color.Color { return dimStyle }).write(out, header)
	for _, row := range rows {
		all.write(out, row)
	}
	return all
}

// layouts are the columns of a table whose widths are known.
type layouts []layout

// fit makes the table take at most the given columns of a terminal. It leaves columns
// out, the last first, if cutting isn't enough. Then it cuts columns, the widest first.
func (all layouts) fit(columns int) {
	for last := len(all) - 1; last >= 0 && all.total(minCell) > columns; last-- {
		all[last].gone = all[last].least
	}
	for all.total(0) > columns {
		widest := -1
		for i, l := range all {
			if l.cuts && l.width > minCell && (widest < 0 || l.width > all[widest].width) {
				widest = i
			}
		}
		if widest < 0 {
			return
		}
		all[widest].width--
	}
}

// total returns the width of the table. With a limit, it counts at most that for each
// column that can be cut.
func (all layouts) total(limit int) int {
	total := -gap
	for _, l := range all {
		switch {
		case l.gone:
		case l.cuts && limit > 0:
			total += min(l.width, limit) + gap
		default:
			total += l.width + gap
		}
	}
	return total
}

// styled returns the layouts with another style.
func (all layouts) styled(style func(string) *color.Color) layouts {
	other := make(layouts, len(all))
	for i, l := range all {
		l.style = style
		other[i] = l
	}
	return other
}

// write writes one row.
func (all layouts) write(out *screen, row []string) {
	var line strings.Builder
	spaces := 0
	for i, l := range all {
		if l.gone {
			continue
		}
		text := row[i]
		if text == "" {
			spaces += l.width + gap
			continue
		}
		if l.cuts {
			text = cut(text, l.width)
		}
		cell := styled{text: text}
		if l.style != nil {
			cell.style = l.style(text)
		}
		line.WriteString(strings.Repeat(" ", spaces) + out.paint(cell))
		spaces = max(0, l.width-width(text)) + gap
	}
	line.WriteByte('\n')
	out.raw(line.String())
}
