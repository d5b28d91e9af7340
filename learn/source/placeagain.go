package source

import "encoding/json"

// readAgain says which places are in the file at path, of files that are no lines
// and are gone back to by reading them from their beginning: captures, and flow
// records.
func readAgain(path string, places [][]byte) []bool {
	has := make([]bool, len(places))
	var captures []*capturePlace
	var records []netflowCursor
	for _, text := range places {
		c, err := decodeCapture(text)
		if err != nil {
			c = nil // a place of another kind
		}
		var n netflowCursor
		_ = json.Unmarshal(text, &n) // likewise
		captures, records = append(captures, c), append(records, n)
	}
	inCapture(path, captures, has)
	inRecords(path, records, has)
	return has
}

func inCapture(path string, places []*capturePlace, has []bool) {
	var begin capturePlace
	looked := false
	for i, c := range places {
		if c == nil {
			continue
		}
		if !looked {
			looked = true
			begin, _ = captureBegin(path)
		}
		has[i] = has[i] || begin.Head != "" && begin.First == c.First && begin.Head == c.Head
	}
}

func inRecords(path string, places []netflowCursor, has []bool) {
	var head []byte
	looked := false
	for i, c := range places {
		if c.Netflow.Size == 0 {
			continue
		}
		if !looked {
			looked = true
			head = netflowBegin(path)
		}
		has[i] = has[i] || c.Netflow.begins(head)
	}
}

// netflowBegin returns the first bytes of a file of flow records, none if it is
// something else.
func netflowBegin(path string) []byte {
	in, err := openNetflowFile(path, StreamOptions{})
	if err != nil {
		return nil // reading it meets the error again
	}
	defer in.Close() //nolint:errcheck // it was only read
	return append([]byte(nil), in.head()...)
}
