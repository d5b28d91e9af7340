package main

import (
	"fmt"

	"tripline/learn"
)

// show writes what was found, for a person or as one JSON document.
func (d *doctor) show() error {
	if d.format == "json" {
		return writeJSON(d.a, struct {
			OK       uint64    `json:"ok"`
			Warn     uint64    `json:"warn"`
			Fail     uint64    `json:"fail"`
			Outcomes []outcome `json:"outcomes"`
		}{d.count(levelOK), d.count(levelWarn), d.count(levelFail), d.outcomes})
	}
	for _, o := range d.outcomes {
		if err := d.showOne(&o); err != nil {
			return err
		}
	}
	d.a.say("%d ok, %d to look at, %d broken", d.count(levelOK), d.count(levelWarn), d.count(levelFail))
	return nil
}

// showOne writes one outcome:
//
//	warn  ranges     aws: fetched 93 days ago
//	                 -> tripline ranges pull aws
func (d *doctor) showOne(o *outcome) error {
	text := learn.Printable(o.What)
	if o.Subject != "" {
		text = learn.Printable(o.Subject) + ": " + text
	}
	_, err := fmt.Fprintf(d.a.stdout, "%s  %-9s  %s\n", d.paint(o.Level), o.Check, text)
	if err == nil && o.Do != "" {
		_, err = fmt.Fprintf(d.a.stdout, "%17s-> %s\n", "", learn.Printable(o.Do))
	}
	if err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return nil
}

func (d *doctor) paint(level string) string {
	text := fmt.Sprintf("%-4s", level)
	color := map[string]string{levelOK: "\033[32m", levelWarn: "\033[33m", levelFail: "\033[31m"}[level]
	if color == "" || !d.a.colored(d.a.stdout) {
		return text
	}
	return color + text + "\033[0m"
}
