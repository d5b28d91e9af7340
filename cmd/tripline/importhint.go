package main

import (
	"fmt"
	"path/filepath"
	"strings"

	"tripline/ipranges/feed"
	"tripline/learn"
)

// hinted adds to err, which is about a list that was not taken, what to do
// instead: a command to paste.
func hinted(err error, path string, data []byte) error {
	switch {
	case learn.HintOf(err) != "":
		return err
	case strings.HasPrefix(string(data[:min(2, len(data))]), "\x1f\x8b"):
		return learn.WithHint(err, "%s", unpackHint(path))
	case isList(data):
		return learn.WithHint(err, "%s", listHint(path, data))
	}
	return learn.WithHint(err, "tripline ranges pull")
}

// unpackHint says how a file that gzip made is taken apart.
func unpackHint(path string) string {
	switch base, gz := strings.CutSuffix(path, ".gz"); {
	case strings.HasSuffix(base, ".tar") || strings.HasSuffix(path, ".tgz"):
		return "tar -xzf " + word(path)
	case gz:
		return "gunzip -k " + word(path)
	}
	return fmt.Sprintf("gzip -dc < %s > %s", word(path), word(path+".plain"))
}

// isList says whether data are prefixes, one a line.
func isList(data []byte) bool {
	f, err := feed.Own("list")
	return err == nil && reads(f, data)
}

func reads(f feed.Feed, data []byte) bool {
	_, err := f.List(data)
	return err == nil
}

// listHint says how a list is kept that does not say whose it is: as that of
// the feed that its file is called after, or else as one of the user's own.
func listHint(path string, data []byte) string {
	base := strings.ToLower(filepath.Base(path))
	for _, f := range feed.All {
		if !f.Fixed && strings.Contains(base, f.Name) && reads(f, data) {
			return feedHint(f, path)
		}
	}
	return fmt.Sprintf("tripline ranges add %s %s", ownNameOf(base), word(path))
}

// feedHint says how the list of f in a file is kept, together with the list of
// the other family where the publisher has two.
func feedHint(f feed.Feed, path string) string {
	dir, base := filepath.Split(path)
	other := strings.NewReplacer("v4", "v6", "v6", "v4").Replace(base)
	switch {
	case !f.InParts():
		return fmt.Sprintf("tripline ranges import --feed %s %s", f.Name, word(path))
	case other == base:
		return "tripline ranges pull " + f.Name
	}
	return fmt.Sprintf("tripline ranges import --feed %s %s %s", f.Name, word(path), word(dir+other))
}

// ownNameOf returns what a list in a file of that name may be called.
func ownNameOf(base string) string {
	name := strings.TrimSuffix(base, filepath.Ext(base))
	name = strings.Trim(strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, name), "-")
	if _, err := feed.Own(name); err != nil {
		return "partner"
	}
	return name
}

// word writes path so that a shell takes it for one word.
func word(path string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("/._-+,:@%", r)
	}
	if path != "" && strings.IndexFunc(path, func(r rune) bool { return !plain(r) }) < 0 {
		return path
	}
	return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
}
