package learn

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// sizes are the units of [Size], the largest first; those of [ParseSize] as well,
// with their binary kin.
var sizes = []struct {
	unit string
	n    float64
}{{"TB", 1e12}, {"GB", 1e9}, {"MB", 1e6}, {"kB", 1e3}}

// Size writes a number of bytes with three figures: "64 kB", "1.25 MB".
func Size(n uint64) string {
	for _, s := range sizes {
		if v := float64(n) / s.n; v >= 0.9995 {
			return figures(v) + " " + s.unit
		}
	}
	return strconv.FormatUint(n, 10) + " B"
}

// figures writes three significant figures, no zeros behind the point.
func figures(v float64) string {
	decimals := max(0, 2-int(math.Log10(max(v, 1))))
	text := strconv.FormatFloat(v, 'f', decimals, 64)
	if strings.Contains(text, ".") {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	return text
}

// ParseSize reads a number of bytes: 65536, "64 kB", 1.5MB or 2GiB.
func ParseSize(text string) (uint64, error) {
	number, factor := text, 1.0
	for i, s := range sizes {
		binary := strings.ToUpper(s.unit[:1]) + "iB"
		if rest, ok := cutFold(text, s.unit); ok {
			number, factor = rest, s.n
		} else if rest, ok := cutFold(text, binary); ok {
			number, factor = rest, math.Pow(1024, float64(len(sizes)-i))
		}
	}
	if factor == 1 {
		number, _ = cutFold(number, "B")
	}
	n, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if v := n * factor; err != nil || math.IsNaN(v) || v < 0 || v > 1<<53 {
		return 0, fmt.Errorf("%q: want a number of bytes, such as 65536, 64 kB or 1.5 GB", Printable(text))
	}
	return uint64(math.Round(n * factor)), nil
}

// cutFold cuts a suffix in any case, so that "10mb" is as good as "10 MB".
func cutFold(s, suffix string) (string, bool) {
	at := len(s) - len(suffix)
	if at < 0 || !strings.EqualFold(s[at:], suffix) {
		return s, false
	}
	return s[:at], true
}
