package source

// nearest returns the source whose name differs least from name, if it is near
// enough to be a slip of the fingers.
func nearest(name string) (string, bool) {
	best, least := "", 3
	for _, s := range All {
		if d := distance(s.Name, name); d < least {
			best, least = s.Name, d
		}
	}
	return best, best != ""
}

// distance is how many letters must be added, dropped or changed to make b of
// a. Long input, which is no slip, is infinitely far.
func distance(a, b string) int {
	if len(b) > 64 {
		return len(b)
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, diagonal+1, row[j]+1)
		}
	}
	return row[len(b)]
}
