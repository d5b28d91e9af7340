package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"tripline/ipranges"
	"tripline/learn"
	"tripline/learn/source"
)

// sources returns what --from says, as often as it is given, and what it reads.
// SOURCE is what wrote the files of the command line; SOURCE=PATH is read at the
// same time as they are.
func (in *input) sources(args []string) (src source.Source, paths []string, err error) {
	var bare []source.Source
	var list []source.Input
	for _, text := range in.from {
		name, path, joined := strings.Cut(text, "=")
		s, err := source.Find(name)
		switch {
		case err != nil:
			return src, nil, err
		case joined && path == "":
			return src, nil, learn.WithHint(fmt.Errorf("--from %s=: no path", name), "--from %s=FILE", name)
		case joined:
			list = append(list, source.Input{Source: s, Path: path})
		default:
			bare = append(bare, s)
		}
	}
	if len(bare) > 1 {
		return src, nil, learn.WithHint(fmt.Errorf("--from %s and --from %s: it is not known which of them wrote which file", bare[0].Name, bare[1].Name),
			"--from %s=FILE --from %s=FILE", bare[0].Name, bare[1].Name)
	}
	if len(args) == 0 && len(bare) == 1 && bare[0].Live != nil && (in.follow || in.follows && bare[0].Lines == nil) {
		in.follow, args = true, []string{source.Kernel} // what reads no file has no end
	}
	if len(list) == 0 {
		return bare[0], args, checkPaths(bare[0], args)
	}
	return in.together(bare, list, args)
}

func (in *input) together(bare []source.Source, list []source.Input, args []string) (src source.Source, paths []string, err error) {
	if len(bare) == 0 && len(args) > 0 {
		return src, nil, learn.WithHint(fmt.Errorf("which source wrote %s is not known", learn.Printable(args[0])), "--from SOURCE=%s", learn.Printable(args[0]))
	}
	if len(bare) == 1 && len(args) == 0 {
		return src, nil, learn.WithHint(fmt.Errorf("--from %s: no file to read", bare[0].Name), "--from %s=FILE", bare[0].Name)
	}
	for _, path := range args {
		list = append(list, source.Input{Source: bare[0], Path: path})
	}
	for i, one := range list {
		if slices.ContainsFunc(list[:i], one.Is) {
			return src, nil, fmt.Errorf("--from %s: %s is given twice", one.Source.Name, learn.Printable(one.Path))
		}
		if one.Path == "-" {
			return src, nil, errors.New("standard input cannot be read together with others")
		}
		if err := checkPaths(one.Source, []string{one.Path}); err != nil {
			return src, nil, err
		}
	}
	src, path := source.Together(list)
	return src, []string{path}, nil
}

// connections returns what sources does, and refuses what has no connections.
func (in *input) connections(args []string) (source.Source, []string, error) {
	src, paths, err := in.sources(args)
	if err != nil {
		return src, nil, err
	}
	return src, paths, checkConnections(src)
}

// A watched stream knows which of several sources saw each connection.
type watched interface{ Sighted() []source.Sighted }

// sightings says what only one of several sources saw: another way out, or a
// source that does not see all.
func (a *app) sightings(s source.Stream) {
	for _, f := range source.Senders(s) {
		a.say("%s", senderWords(f, source.Sender{Last: f.First}))
	}
	w, ok := s.(watched)
	if !ok {
		return
	}
	list := slices.DeleteFunc(w.Sighted(), func(c source.Sighted) bool { return c.All == 0 })
	if len(list) < 2 {
		return
	}
	for _, c := range list {
		text := fmt.Sprintf("%s saw %s, %s of them alone", learn.Printable(c.Source), count(c.All, "connection", "connections"), ipranges.Thousands(c.Alone))
		if d := c.Later.Round(10 * time.Millisecond); d.Abs() >= 100*time.Millisecond {
			word := "after"
			if d < 0 {
				word = "before"
			}
			text += fmt.Sprintf("; it stamps them %s %s %s does (median)", d.Abs(), word, learn.Printable(c.Beside))
		}
		a.say("%s", text)
	}
}
