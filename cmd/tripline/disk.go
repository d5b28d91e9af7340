package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"tripline/enforce"
	"tripline/learn"
)

// A disk watches how much room there is where tripline writes while it follows a
// log: what is nearly full is told before anything is lost.
type disk struct {
	w      *watching
	places []*area
	last   time.Time
}

// An area is a directory or a file that is written.
type area struct {
	name, path string
	free, of   uint64 // at the last look
}

const (
	diskEvery = 10 * time.Second
	// A file system is nearly full with less than a twentieth of it free, but for
	// small ones and large ones.
	diskLeast = 16 << 20
	diskMost  = 1 << 30
)

func newDisk(w *watching) (part, error) {
	if !w.o.follow {
		return nil, nil //nolint:nilnil // it ends by itself
	}
	d := &disk{w: w, places: []*area{{name: "database", path: filepath.Dir(w.a.path())}}}
	if out := w.o.export.out; out != "" {
		d.places = append(d.places, &area{name: "aliases", path: out})
	}
	if f, ok := file(w.a.stdout); ok {
		if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
			d.places = append(d.places, &area{name: "alerts", path: filepath.Join("/dev/fd", fmt.Sprint(f.Fd()))})
		}
	}
	return d, nil
}

func (d *disk) flow(*learn.Flow, enforce.Verdict) error { return nil }

func (d *disk) tick(_ context.Context, now time.Time) error {
	if now.Sub(d.last) < diskEvery {
		return nil
	}
	d.last = now
	var errs error
	for _, p := range d.places {
		errs = errors.Join(errs, d.look(p, now))
	}
	return errs
}

func (d *disk) look(p *area, now time.Time) (err error) {
	if p.free, p.of, err = room(p.path); err != nil {
		if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, os.ErrPermission) {
			d.w.a.warn("how much room there is cannot be told: %v", err)
		}
		return nil // a directory that is not there yet
	}
	d.w.metrics.free.set(float64(p.free), p.name)
	low := lowest(p.of)
	subject := "disk of the " + p.name
	switch {
	case p.free < low:
		_, err := d.w.blind(blindness{
			kind: enforce.DiskLow, severity: enforce.High, subject: subject, check: "disk",
			why: fmt.Sprintf("%s: %s free of %s: what is found is told, but soon nothing can be kept", p.words(), size(p.free), size(p.of)),
			do:  "Make room, or drop old flows: tripline prune --keep 90d",
		}, now)
		return err
	case p.free > low+low/4: // not to and fro
		return d.w.sees(enforce.DiskLow, "", subject, fmt.Sprintf("%s: there is room again, %s free", p.words(), size(p.free)))
	}
	return nil
}

// words is what an area is called.
func (p *area) words() string {
	if p.name == "alerts" {
		return "the file of the alerts"
	}
	return p.path
}

// lowest is how much room is too little.
func lowest(of uint64) uint64 { return min(max(of/20, diskLeast), diskMost) }

func (d *disk) close() error { return nil }
