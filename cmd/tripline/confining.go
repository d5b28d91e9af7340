package main

import (
	"path/filepath"

	"tripline/learn/sandbox"
)

// confined is what tripline goes on to write beside a command, by the directories of
// the files, and of what they link to: it gives up everything else (see
// [sandbox.Confinement]).
func confined(paths ...string) *sandbox.Confinement {
	c := &sandbox.Confinement{}
	for _, path := range paths {
		if path != "" {
			c.Write = append(c.Write, filepath.Dir(path))
		}
		if target, err := filepath.EvalSymlinks(path); err == nil {
			c.Write = append(c.Write, filepath.Dir(target))
		}
	}
	return c
}

// confined is that of enforce. Where the configuration has it start another program,
// nothing is given up: that one would be held as well.
func (o *enforceOptions) confined(a *app) *sandbox.Confinement {
	if len(a.config.Agree.Command) > 0 {
		a.say("tripline itself is not confined: \"agree:\" in %s has it start a command", configName)
		return nil
	}
	paths := []string{a.path(), o.queue, o.figures, o.service.PIDFile, a.config.Service.PIDFile}
	for i := range a.config.Alerts {
		if file := a.config.Alerts[i].Settings["file"]; file != "-" {
			paths = append(paths, file)
		}
	}
	c := confined(paths...)
	if o.export.out != "" {
		c.Write = append(c.Write, o.export.out)
	}
	return c
}
