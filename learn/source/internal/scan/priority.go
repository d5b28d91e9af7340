package scan

// Priority passes over what syslog puts before a message: "<134>".
func Priority(b []byte) []byte {
	if len(b) < 3 || b[0] != '<' {
		return b
	}
	for i := 1; i < len(b) && i < 5; i++ {
		if b[i] == '>' && i > 1 {
			return b[i+1:]
		}
		if b[i]-'0' > 9 {
			break
		}
	}
	return b
}
