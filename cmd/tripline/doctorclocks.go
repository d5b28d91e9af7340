package main

import (
	"context"
	"fmt"
	"time"
)

var clocksCheck = check{name: "clocks", short: "the stamps of the logs are in the right zone, and their clocks right", look: lookClocks}

const (
	clockSlack = 2 * time.Minute // between a record and when the file was written last
	zoneSlack  = 4 * time.Minute // around a quarter of an hour, which zones differ by
)

func lookClocks(ctx context.Context, d *doctor) error {
	list, err := d.logs(ctx)
	if err != nil {
		return err
	}
	for _, l := range list {
		if l.err == nil && l.info != nil && !l.newest.IsZero() {
			d.lookClock(l)
		}
	}
	return nil
}

// lookClock compares the newest stamp with when the file was written last: a
// record is written about when it is stamped.
func (d *doctor) lookClock(l *looked) {
	what := l.src.Name + " " + l.path
	off := l.newest.Sub(l.info.ModTime())
	quarter := off.Round(15 * time.Minute)
	switch {
	case off.Abs() <= clockSlack:
		d.ok(what, "stamps and the clock of this machine agree")
	case off.Abs() > 27*time.Hour:
		d.ok(what, "the newest stamp is %s, far from when the file was written: a copy, or silent since; its clock cannot be told", l.newest.Format(time.DateTime))
	case quarter != 0 && quarter.Abs() <= 14*time.Hour && (off-quarter).Abs() <= zoneSlack && l.assumed:
		d.warn(what, "--tz ZONE, or in tripline.yaml: source: {tz: ZONE}, the zone of the firewall such as "+zoneLike(quarter, l),
			"stamps carry no zone and are %s: they were read in the wrong one", ahead(quarter))
	case quarter != 0 && quarter.Abs() <= 14*time.Hour && (off-quarter).Abs() <= zoneSlack:
		d.warn(what, "date; set zone and clock of the machine that stamps, and of this one", "stamps are %s by whole quarters of an hour: a zone is wrong", ahead(quarter))
	case off > 0:
		d.fail(what, "ntpdate -q pool.ntp.org; date", "stamps are %s: what is aged or joined by time goes wrong", ahead(off))
	default:
		d.warn(what, "date; is the firewall's clock late, or does its log come late?", "the newest stamp is %s when the file was written", ahead(off))
	}
}

func ahead(d time.Duration) string {
	if d < 0 {
		return (-d).Round(time.Second).String() + " behind"
	}
	return d.Round(time.Second).String() + " ahead of now"
}

// zoneLike is a zone with that difference from the one that was assumed, which is
// a stand-in for the one the user knows.
func zoneLike(off time.Duration, l *looked) string {
	_, assumed := l.newest.Zone()
	hours := int((off + time.Duration(assumed)*time.Second).Round(time.Hour) / time.Hour)
	if hours == 0 {
		return "UTC"
	}
	return fmt.Sprintf("Etc/GMT%+d", -hours) // POSIX: the sign is the other way round
}
