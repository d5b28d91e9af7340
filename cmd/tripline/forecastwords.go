package main

import (
	"fmt"
	"slices"
	"strconv"

	"tripline/learn"
)

// footer is what a review says of the outlook.
func (o *outlook) footer(a *app, agent string) {
	if o == nil {
		return
	}
	fmt.Fprintf(a.stdout, "Still unseen: %s: %s.\n", agent, unseenLine(o.of(learn.ByRule)))
	if text := o.notYet(); text != "" {
		fmt.Fprintf(a.stdout, "Not yet observed: %s: %s.\n", agent, text)
	}
}

// unseenLine says in one sentence what is still unseen.
func unseenLine(f *learn.Forecast) string {
	if f.Instead != "" {
		return instead(f)
	}
	doubt := ""
	if f.Doubt != "" {
		doubt = "; not stable: " + f.Doubt
	}
	for _, hours := range []int{7 * 24, 24} {
		if a := f.Expectation(hours); a != nil {
			return fmt.Sprintf("%s %s new destinations expected outside these rules, at most %d (95 %%)%s",
				within(hours), decimal(a.Expected), a.AtMost, doubt)
		}
	}
	return "observe " + duration(f.Ahead[0].More) + " more to know of the next day"
}

// instead says why there is no forecast.
func instead(f *learn.Forecast) string {
	switch {
	case f.More == 0:
		return f.Instead + ": no forecast"
	case f.Hours == 0:
		return fmt.Sprintf("%s for a forecast: %s, want %d", f.Instead, count(uint64(f.Units), "run", "runs"), learn.MinUnits)
	}
	return fmt.Sprintf("%s for a forecast: %s of activity, want %d: observe %s more", f.Instead,
		count(uint64(f.Units), "hour", "hours"), learn.MinUnits, duration(f.More))
}

// within names how far ahead something is.
func within(hours int) string {
	if hours == 24 {
		return "next day"
	}
	return "next " + duration(hours)
}

// duration writes hours as people count them.
func duration(hours int) string {
	if hours < 48 {
		return count(uint64(max(0, hours)), "hour", "hours")
	}
	return count(uint64((hours+23)/24), "day", "days")
}

func decimal(v float64) string { return strconv.FormatFloat(v, 'f', 1, 64) }

func chance(v float64) string { return decimal(100*v) + " %" }

// unitWord names a unit of observation.
func unitWord(f *learn.Forecast) string {
	switch f.Hours {
	case 0:
		return "run"
	case 1:
		return "hour"
	}
	return fmt.Sprintf("%d hours", f.Hours)
}

// stretches counts units of observation in words.
func stretches(n int, f *learn.Forecast) string {
	switch f.Hours {
	case 0:
		return count(uint64(n), "run", "runs")
	case 1:
		return count(uint64(n), "hour", "hours") + " of activity"
	}
	return fmt.Sprintf("%s of %d hours", count(uint64(n), "stretch", "stretches"), f.Hours)
}

const clockForm = "2006-01-02 15:04"

// observation says what a forecast is made from.
func observation(o *outlook) string {
	f := o.levels[0]
	if f.Since.IsZero() {
		return "nothing was observed that could be proposed"
	}
	text := fmt.Sprintf("%s in %s, %s to %s UTC", count(uint64(f.Keys), "destination", "destinations"),
		count(uint64(len(activeHours(o.scope))-f.Aside), "hour of activity", "hours of activity"), f.Since.Format(clockForm), f.Until.Format(clockForm))
	if f.Aside > 0 {
		text += fmt.Sprintf("; %s left aside, more than a year from the others (a clock that was wrong)", count(uint64(f.Aside), "hour is", "hours are"))
	}
	return text
}

func activeHours(ds []learn.Destination) map[learn.Block]bool {
	hours := map[learn.Block]bool{}
	for i := range ds {
		for _, b := range ds[i].Blocks {
			hours[b] = true
		}
	}
	return hours
}

// words says what the figures do not.
func words(a *app, list []*learn.Forecast) {
	f := list[len(list)-1]
	fmt.Fprintf(a.stdout, "Still unseen: %s.\n", sentence(f))
	fmt.Fprintf(a.stdout, "Lately:       %d of the last %s brought something outside all rules until then; at most %s do (95 %%).\n",
		f.Late.New, stretches(f.Late.Units, f), chance(f.Late.Chance))
	if !slices.ContainsFunc(list, func(f *learn.Forecast) bool { return f.Doubt != "" }) {
		fmt.Fprintln(a.stdout, "This holds as long as the agent's work stays the same.")
		return
	}
	for _, f := range list {
		if f.Doubt != "" {
			fmt.Fprintf(a.stdout, "Not stable, by %s: %s.\n", f.Level, f.Doubt)
		}
	}
}

func sentence(f *learn.Forecast) string {
	text := aheadWords(f)
	if f.Remain >= 0.5 {
		text += fmt.Sprintf("; at least %.0f more would come in the end", f.Remain)
	}
	return text
}

func aheadWords(f *learn.Forecast) string {
	if f.Hours > 0 {
		return unseenLine(&learn.Forecast{Hours: f.Hours, Ahead: f.Ahead})
	}
	a := &f.Ahead[0]
	return fmt.Sprintf("next run %s new destinations expected outside these rules, at most %d (95 %%)", decimal(a.Expected), a.AtMost)
}
