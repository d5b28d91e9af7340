package main

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"tripline/ipranges"
	"tripline/learn"
)

// limitFlags are the limits of a proposal as they were written.
type limitFlags struct {
	rules    int
	exposure string
	alarms   float64
}

func (l *limitFlags) flags(c *cobra.Command) {
	f := c.Flags()
	f.IntVar(&l.rules, "max-rules", 0, "fold to at most `N` rules for each agent")
	f.StringVar(&l.exposure, "max-exposure", "", "fold to at most `N` addresses for each agent, such as 400k or 1.5M")
	f.Float64Var(&l.alarms, "alarms-per-week", 0, "fold to at most `X` alarms expected a week for each agent")
}

// read notes the limits that were given.
func (l *limitFlags) read(c *cobra.Command, o *foldFlags) error {
	f := c.Flags()
	if f.Changed("max-rules") {
		if l.rules < 1 {
			return fmt.Errorf("--max-rules %d: want at least 1", l.rules)
		}
		o.MaxRules = &l.rules
	}
	if f.Changed("max-exposure") {
		n, err := learn.ParseCount(l.exposure)
		if err != nil {
			return fmt.Errorf("--max-exposure %w", err)
		}
		o.MaxExposure = &n
	}
	if f.Changed("alarms-per-week") {
		if math.IsNaN(l.alarms) || math.IsInf(l.alarms, 0) || l.alarms < 0 {
			return fmt.Errorf("--alarms-per-week %g: want a number, 0 or more", l.alarms)
		}
		o.MaxAlarms = &l.alarms
	}
	return nil
}

func (o *foldFlags) limits() learn.Limits {
	return learn.Limits{Rules: o.MaxRules, Exposure: o.MaxExposure, Alarms: o.MaxAlarms}
}

// words are the limits as text that can be compared.
func (o *foldFlags) words() string {
	var out []string
	if o.MaxRules != nil {
		out = append(out, "--max-rules", strconv.Itoa(*o.MaxRules))
	}
	if o.MaxExposure != nil {
		out = append(out, "--max-exposure", strconv.FormatUint(*o.MaxExposure, 10))
	}
	if o.MaxAlarms != nil {
		out = append(out, "--alarms-per-week", strconv.FormatFloat(*o.MaxAlarms, 'g', -1, 64))
	}
	return strings.Join(out, " ")
}

// picked says what a point is, and what it costs beside the default.
func picked(p *learn.Pick) string {
	return pointWords(&p.Point) + "; without limits " + pointWords(&p.Default)
}

func pointWords(p *learn.Point) string {
	return fmt.Sprintf("%s, %s, %.1f alarms a week", count(uint64(p.Rules), "rule", "rules"), opened(p.Admits), p.Alarms)
}

// shownPoints is how many points of a frontier are listed.
const shownPoints = 16

// frontier shows the ways to fold what is left to fold of each agent.
func (o *reviewOptions) frontier(a *app, r *reviewed) error {
	switch o.format {
	case "table":
		for i, d := range r.drafts {
			if i > 0 {
				fmt.Fprintln(a.stdout)
			}
			if err := o.frontierTable(a, r, d); err != nil {
				return err
			}
		}
		return nil
	case "json":
		out := []frontierJSON{}
		for _, d := range r.drafts {
			f, at := o.frontierOf(a, r, d)
			out = append(out, newFrontierJSON(d.agent, f, &at))
		}
		return writeJSON(a, map[string]any{"agents": out})
	}
	return fmt.Errorf("--format %q: want table or json with --show frontier", learn.Printable(o.format))
}

// frontierOf returns the ways to fold, and the one that is proposed.
func (o *reviewOptions) frontierOf(a *app, r *reviewed, d *draft) (*learn.Frontier, learn.Point) {
	options := a.foldOptions(o.fold, d.approved, r.space)
	options.Since, options.Until = sightings(d.seen)
	options.Hosts = options.Hosts.Union(d.never.Hosts())
	f := learn.NewFrontier(d.folded, options)
	if d.pick != nil {
		return f, d.pick.Point
	}
	return f, f.Default
}

func (o *reviewOptions) frontierTable(a *app, r *reviewed, d *draft) error {
	f, at := o.frontierOf(a, r, d)
	fmt.Fprintf(a.stdout, "%s: alarms expected a week against addresses admitted\n\n", d.agent)
	if err := frontierGrid(thinned(joined(f.Points, &at), &at), &at).write(a.stdout); err != nil {
		return err
	}
	for _, line := range plot(f.Points, &at) {
		fmt.Fprintln(a.stdout, line)
	}
	return nil
}

// joined returns points with one more: what is picked for few rules need not be
// one of those for which nothing else is better.
func joined(points []learn.Point, at *learn.Point) []learn.Point {
	if slices.ContainsFunc(points, func(p learn.Point) bool { return same3(&p, at) }) {
		return points
	}
	i, _ := slices.BinarySearchFunc(points, at.Opens, func(p learn.Point, opens uint64) int { return cmp.Compare(p.Opens, opens) })
	return slices.Insert(slices.Clone(points), i, *at)
}

// A frontierJSON is the ways to fold what was seen of an agent, each opening more
// than the one before.
type frontierJSON struct {
	Agent    string      `json:"agent"`
	Default  pointJSON   `json:"default"`
	Proposed pointJSON   `json:"proposed"`
	Points   []pointJSON `json:"points"`
}

type pointJSON struct {
	Rules  int     `json:"rules"`
	Admits admits  `json:"admits"`
	Opens  uint64  `json:"opens"` // what --max-exposure counts
	Alarms float64 `json:"alarms_per_week"`
}

func newFrontierJSON(agent string, f *learn.Frontier, at *learn.Point) frontierJSON {
	out := frontierJSON{Agent: agent, Default: newPoint(&f.Default), Proposed: newPoint(at), Points: []pointJSON{}}
	for i := range f.Points {
		out.Points = append(out.Points, newPoint(&f.Points[i]))
	}
	return out
}

func newPoint(p *learn.Point) pointJSON {
	return pointJSON{Rules: p.Rules, Admits: newAdmits(p.Admits), Opens: p.Opens, Alarms: p.Alarms}
}

// thinned returns points at equal steps, with the first, the last and the one that
// is proposed.
func thinned(points []learn.Point, at *learn.Point) []learn.Point {
	step := max(1, (len(points)+shownPoints-1)/shownPoints)
	var out []learn.Point
	for i, p := range points {
		if i%step == 0 || i == len(points)-1 || same3(&p, at) {
			out = append(out, p)
		}
	}
	return out
}

// same3 says whether two points have the same figures.
func same3(p, q *learn.Point) bool {
	return p.Rules == q.Rules && p.Admits == q.Admits && p.Alarms == q.Alarms
}

func frontierGrid(points []learn.Point, at *learn.Point) *grid {
	g := &grid{header: []string{"", "rules", "admits", "alarms a week", "command"}, right: map[int]bool{1: true, 2: true, 3: true}}
	for i := range points {
		p := &points[i]
		mark := ""
		if same3(p, at) {
			mark = ">"
		}
		g.rows = append(g.rows, []string{
			mark, strconv.Itoa(p.Rules), p.Admits.String(), strconv.FormatFloat(p.Alarms, 'f', 2, 64),
			"tripline review --max-exposure " + strconv.FormatUint(max(1, p.Opens), 10),
		})
	}
	return g
}

// The size of a plot in characters.
const (
	plotWide = 60
	plotHigh = 10
)

// plot draws points: to the right each column is some times as many addresses,
// upwards there are more alarms. What is proposed is an O.
func plot(points []learn.Point, at *learn.Point) []string {
	if len(points) < 2 {
		return nil
	}
	size := func(p *learn.Point) float64 { return math.Log10(float64(max(1, p.Opens))) }
	first, last := size(&points[0]), size(&points[len(points)-1])
	most := points[0].Alarms // they fall
	var cells [plotHigh][plotWide]byte
	draw := func(p *learn.Point, c byte) {
		x := int((size(p) - first) / math.Max(last-first, 1e-9) * (plotWide - 1))
		y := int(p.Alarms / math.Max(most, 1e-9) * (plotHigh - 1))
		cells[min(max(y, 0), plotHigh-1)][min(max(x, 0), plotWide-1)] = c
	}
	for i := range points {
		draw(&points[i], '*')
	}
	draw(at, 'O')
	out := []string{"", fmt.Sprintf("%8.2f alarms a week; O is proposed", most)}
	for y := plotHigh - 1; y >= 0; y-- {
		out = append(out, "        |"+strings.TrimRight(strings.ReplaceAll(string(cells[y][:]), "\x00", " "), " "))
	}
	from, to := ipranges.Thousands(points[0].Opens), ipranges.Thousands(points[len(points)-1].Opens)
	return append(out, "    0.00 +"+strings.Repeat("-", plotWide), "         "+from+strings.Repeat(" ", max(1, plotWide-len(from)-len(to)))+to)
}
