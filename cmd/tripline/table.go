package main

import (
	"fmt"
	"io"
	"strings"

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
	if err := g.draw(&text, plainStyle(), tablewriter.WithPadding(tw.Padding{Right: "  ", Overwrite: true})); err != nil {
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
