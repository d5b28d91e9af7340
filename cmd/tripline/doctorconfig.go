package main

import (
	"context"
	"os"
	"strings"

	"tripline/learn"
)

var configCheck = check{name: "config", short: "the configuration file can be read, and nobody else can change it", look: lookConfig}

func lookConfig(_ context.Context, d *doctor) error {
	if d.broken != nil {
		d.failed("", d.broken)
		return nil
	}
	path, _, err := d.a.configText()
	if err != nil {
		return err
	}
	if path == "" {
		d.ok("", "no %s: flags say everything", configName)
		return nil
	}
	if !d.guarded(path, "what is never to be admitted") {
		return nil
	}
	names := make([]string, len(d.a.config.Agents))
	for i, agent := range d.a.config.Agents {
		names[i] = learn.Printable(agent.Name)
	}
	who := "no agents in it"
	if len(names) > 0 {
		who = count(uint64(len(names)), "agent", "agents") + " in it: " + strings.Join(names, ", ")
	}
	d.ok(path, "read; %s", who)
	return nil
}

// guarded says whether nobody but its owner and group can write a file, and
// notes where others can; what is at stake then.
func (d *doctor) guarded(path, stake string) bool {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		d.failed(path, err)
	case info.Mode().Perm()&0o002 != 0:
		d.fail(path, "chmod o-w "+quotedPath(path), "anybody on this machine can write it, and so decide %s", stake)
	default:
		return true
	}
	return false
}

// quotedPath is a path as one word of a shell.
func quotedPath(path string) string {
	if path != "" && !strings.ContainsFunc(path, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._-/+:@%=", r))
	}) && path[0] != '-' {
		return path
	}
	return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
}
