package main

import (
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/olekukonko/tablewriter"
	"github.com/olekukonko/tablewriter/renderer"
	"github.com/olekukonko/tablewriter/tw"

	"tripline/learn"
)

// A grid is a table for people. Every cell is made printable.
type grid struct {
	header []string
	right  map[int]bool // columns of figures
	rows   [][]string
	paint  func(row, col int, text string) string // colours a cell, nil for none
}

// write draws the grid with blanks between columns, none at the ends of lines.
func (g *grid) write(w io.Writer) error {
	var text strings.Builder
	if err := g.draw(&text, plainStyle(), tablewriter.WithPadding(tw.Padding{Right: strings.Repeat(" ", gap), Overwrite: true})); err != nil {
		return err
	}
	for line := range strings.Lines(text.String()) {
		if _, err := fmt.Fprintln(w, strings.TrimRight(line, " \n")); err != nil {
			return err
		}
	}
	return nil
}

// markdown writes the grid as a GitHub table.
func (g *grid) markdown(w io.Writer) error {
	return g.draw(w, tablewriter.WithRenderer(renderer.NewMarkdown()))
}

func (g *grid) draw(w io.Writer, style ...tablewriter.Option) error {
	align := make(tw.Alignment, len(g.header))
	for i := range align {
		align[i] = tw.AlignLeft
		if g.right[i] {
			align[i] = tw.AlignRight
		}
	}
	t := tablewriter.NewTable(w, append(style,
		tablewriter.WithHeaderAutoFormat(tw.Off),
		tablewriter.WithRowAutoWrap(tw.WrapNone),
		tablewriter.WithHeaderAutoWrap(tw.WrapNone),
		tablewriter.WithTrimSpace(tw.Off),
		tablewriter.WithHeaderAlignmentConfig(tw.CellAlignment{PerColumn: align}),
		tablewriter.WithRowAlignmentConfig(tw.CellAlignment{PerColumn: align}))...)
	t.Header(g.header)
	for i, row := range g.rows {
		cells := make([]string, len(row))
		for j, text := range row {
			cells[j] = learn.Printable(text)
			if g.paint != nil {
				cells[j] = g.paint(i, j, cells[j])
			}
		}
		if err := t.Append(cells); err != nil {
			return fmt.Errorf("write table: %w", err)
		}
	}
	if err := t.Render(); err != nil {
		return fmt.Errorf("write table: %w", err)
	}
	return nil
}

func plainStyle() tablewriter.Option {
	none := tw.Separators{ShowHeader: tw.Off, ShowFooter: tw.Off, BetweenRows: tw.Off, BetweenColumns: tw.Off}
	return tablewriter.WithRenderer(renderer.NewBlueprint(tw.Rendition{
		Borders:  tw.BorderNone,
		Settings: tw.Settings{Separators: none, Lines: tw.LinesNone},
	}))
}

// drop removes a column.
func (g *grid) drop(col int) {
	g.header = slices.Delete(g.header, col, col+1)
	for i := range g.rows {
		g.rows[i] = slices.Delete(g.rows[i], col, col+1)
	}
	right := map[int]bool{}
	for c := range g.right {
		switch {
		case c < col:
			right[c] = true
		case c > col:
			right[c-1] = true
		}
	}
	g.right = right
}

// dropEmpty removes a column that says nothing.
func (g *grid) dropEmpty(name string) {
	col := slices.Index(g.header, name)
	if col >= 0 && !slices.ContainsFunc(g.rows, func(row []string) bool { return row[col] != "" }) {
		g.drop(col)
	}
}

// gap is between two columns.
const gap = 2

// fit removes columns that may go, in their order, until the grid is no wider
// than a terminal of that many columns. It returns what was removed.
func (g *grid) fit(columns int, mayGo ...string) (gone []string) {
	for _, name := range mayGo {
		if columns == 0 || g.width() <= columns {
			break
		}
		if col := slices.Index(g.header, name); col >= 0 {
			g.drop(col)
			gone = append(gone, name)
		}
	}
	return gone
}

// shrink writes a column in fewer characters where the grid is wider than a
// terminal of that many columns. shorter is given how many are left, at least
// least.
func (g *grid) shrink(columns int, name string, least int, shorter func(text string, most int) string) {
	col, over := slices.Index(g.header, name), g.width()-columns
	if columns == 0 || col < 0 || over <= 0 {
		return
	}
	most := 0
	for _, row := range g.rows {
		most = max(most, utf8.RuneCountInString(row[col]))
	}
	for i := range g.rows {
		g.rows[i][col] = shorter(g.rows[i][col], max(least, most-over))
	}
}

// firstWords keeps the first words of a list, and says how many there are beside
// them.
func firstWords(s string, most int) string {
	words := strings.Fields(s)
	for n := len(words) - 1; n > 0 && utf8.RuneCountInString(s) > most; n-- {
		s = fmt.Sprintf("%s +%d", strings.Join(words[:n], " "), len(words)-n)
	}
	return s
}

// middle leaves something out in the middle of long text: names are told by their
// ends. Addresses and prefixes stay whole.
func middle(s string, most int) string {
	runes := []rune(s)
	if len(runes) <= most || most < 3 {
		return s
	}
	if _, err := netip.ParsePrefix(s); err == nil {
		return s
	}
	if _, err := netip.ParseAddr(s); err == nil {
		return s
	}
	head := most / 3
	return string(runes[:head]) + "…" + string(runes[len(runes)-(most-head-1):])
}

func (g *grid) width() int {
	sum := 0
	for col, name := range g.header {
		most := utf8.RuneCountInString(name)
		for _, row := range g.rows {
			most = max(most, utf8.RuneCountInString(learn.Printable(row[col])))
		}
		sum += most + gap
	}
	return sum - gap
}
