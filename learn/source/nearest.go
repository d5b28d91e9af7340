package source

import "tripline/learn"

// nearest returns the source whose name differs least from name, if it is near
// enough to be a slip of the fingers.
func nearest(name string) (string, bool) {
	best, least := "", 3
	for _, s := range All {
		if d := learn.Slips(s.Name, name); d < least {
			best, least = s.Name, d
		}
	}
	return best, best != ""
}
