package learn

// A Process is who opened a connection, as the agent's own host saw it. What a
// process calls itself is hostile text. Only PID is always set.
type Process struct {
	PID       int      `json:"pid"`
	Exe       string   `json:"exe,omitempty"`     // path of the executable, as its own mount namespace has it
	Args      []string `json:"args,omitempty"`    // with what looks like a secret taken out
	Parents   []string `json:"parents,omitempty"` // executables of its ancestors, the nearest first
	UID       int      `json:"uid"`
	Cgroup    string   `json:"cgroup,omitempty"`
	Container string   `json:"container,omitempty"` // ID of the container it runs in
	Trace     string   `json:"trace,omitempty"`     // its TRACEPARENT (W3C Trace Context)
}
