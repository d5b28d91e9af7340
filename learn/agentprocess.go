package learn

import (
	"fmt"
	"path"
	"strings"
)

// parseProcess reads "exe:/usr/bin/python3", which ends with "*" to find all that
// begin so, and "cgroup:/system.slice/bot.service".
func parseProcess(text string) (c Criterion, ok bool, err error) {
	by, value, _ := strings.Cut(text, ":")
	if by != "exe" && by != "cgroup" {
		return Criterion{}, false, nil
	}
	whole := strings.TrimSuffix(value, "*")
	if by == "cgroup" {
		whole = value
	}
	if !strings.HasPrefix(value, "/") || strings.Contains(whole, "*") || path.Clean(whole) != strings.TrimSuffix(whole, "/") || whole == "/" {
		return Criterion{}, false, WithHint(fmt.Errorf("invalid selector %q, want a path from the root", text),
			"exe:/usr/bin/python3, exe:/opt/bot/*, cgroup:/system.slice/bot.service")
	}
	if by == "cgroup" {
		value = path.Clean(value)
	}
	return Criterion{by, value}, true, nil
}

// addProcess adds what finds the processes of an agent.
func (a *Agents) addProcess(agent string, c Criterion) error {
	if c.By == "exe" {
		return put(a.exes, c.Value, agent, "executable "+Printable(c.Value))
	}
	for other, is := range a.cgroups {
		if is != agent && (within(other, c.Value) || within(c.Value, other)) {
			return overlap(is, agent, "cgroups "+Printable(other)+" and "+Printable(c.Value))
		}
	}
	return put(a.cgroups, c.Value, agent, "cgroup "+Printable(c.Value))
}

// within says whether a path is another, or below it.
func within(p, top string) bool {
	rest, ok := strings.CutPrefix(p, top)
	return ok && (rest == "" || rest[0] == '/')
}

// byExe returns the agent of the process, else that of its nearest ancestor that
// has one: an agent is also what it starts.
func (a *Agents) byExe(p *Process) string {
	if p == nil || len(a.exes) == 0 {
		return ""
	}
	if agent := a.ofExe(p.Exe); agent != "" {
		return agent
	}
	for _, exe := range p.Parents {
		if agent := a.ofExe(exe); agent != "" {
			return agent
		}
	}
	return ""
}

// ofExe returns the agent of an executable: the one that is named, else the one of
// the longest beginning.
func (a *Agents) ofExe(exe string) (agent string) {
	if exe == "" {
		return ""
	}
	if agent := a.exes[exe]; agent != "" {
		return agent
	}
	longest := 0
	for name, is := range a.exes {
		begin, ok := strings.CutSuffix(name, "*")
		if ok && len(begin) > longest && strings.HasPrefix(exe, begin) {
			agent, longest = is, len(begin)
		}
	}
	return agent
}

// byCgroup returns the agent of the cgroup that a process is in, at any depth.
func (a *Agents) byCgroup(p *Process) string {
	if p == nil || p.Cgroup == "" {
		return ""
	}
	for name, agent := range a.cgroups {
		if within(p.Cgroup, name) {
			return agent
		}
	}
	return ""
}

// Processes says whether agents are looked for by process, and by what.
func (a *Agents) Processes() (out []Criterion) {
	for _, agent := range a.list {
		for _, s := range agent.Selectors {
			if s.Process != (Criterion{}) {
				out = append(out, s.Process)
			}
		}
	}
	return out
}

// Linked says that an executable is a link: the kernel knows only what it leads
// to, and that is found as well.
func (a *Agents) Linked(exe, target string) error {
	agent := a.exes[exe]
	if agent == "" || exe == target {
		return nil
	}
	return put(a.exes, target, agent, "executable "+Printable(target)+", which "+Printable(exe)+" is a link to")
}
