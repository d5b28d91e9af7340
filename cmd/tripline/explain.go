package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strings"

	"github.com/spf13/cobra"

	"tripline/enforce"
	"tripline/ipranges"
	"tripline/learn"
	"tripline/store"
)

type explainOptions struct {
	agent  string
	name   string
	format string
}

func newExplainCommand(a *app) *cobra.Command {
	var o explainOptions
	c := &cobra.Command{
		Use:   "explain ADDRESS|NAME:PORT[/PROTO]",
		Short: "Say what the baseline makes of a destination, and why",
		Long: `explain asks the matcher that enforce uses about one destination: the verdict, the
rule behind it, whose address it is, and the line that would admit it.

Exit status:
  0  the baseline admits it
  1  it does not
  2  tripline could not tell; standard error says why`,
		Example: `  tripline explain 203.0.113.7:443 --agent bot
  tripline explain 198.51.100.53:53/udp`,
		Args: oneArgument("a destination such as 203.0.113.7:443"),
		RunE: func(c *cobra.Command, args []string) error { return o.run(c.Context(), a, args[0]) },
	}
	c.Flags().StringVar(&o.agent, "agent", "", "`NAME` of the agent, where there is more than one")
	c.Flags().StringVar(&o.name, "name", "", "what the agent called the destination: `HOST`")
	c.Flags().StringVar(&o.format, "format", "text", "`FORMAT` of the answer: text or json")
	return c
}

func (o *explainOptions) run(_ context.Context, a *app, text string) error {
	to, service, err := destinationIn(text)
	if err != nil {
		return err
	}
	addr := to.Prefix.Addr()
	if name, ok := learn.HostName(to.Name); ok && o.name == "" {
		addr, o.name = learn.StandIn(name), name
	}
	if !addr.IsValid() || to.Prefix.IsValid() && !to.Prefix.IsSingleIP() {
		return learn.WithHint(fmt.Errorf("%s is no address and no name", to), "tripline explain 203.0.113.7:443 --name HOST")
	}
	var alert enforce.Alert
	err = a.read(func(s *store.Store) error {
		alert, err = o.ask(a, s, addr, service)
		return err
	})
	if err != nil {
		return err
	}
	if err := o.print(a, &alert); err != nil {
		return err
	}
	if alert.Verdict != enforce.Allowed {
		return errFound
	}
	return nil
}

// destinationIn reads a destination as a person writes it. What stands for a name in
// JSON is none.
func destinationIn(text string) (learn.To, learn.Service, error) {
	to, service, err := learn.ParseEndpoint(text)
	if err == nil && learn.IsStandIn(to.Prefix.Addr()) {
		err = learn.WithHint(fmt.Errorf("%s stands for a name that nobody looked up", to), "write the name: tripline explain api.example.com:443")
	}
	return to, service, err
}

func (o *explainOptions) ask(a *app, s *store.Store, addr netip.Addr, service learn.Service) (enforce.Alert, error) {
	var only []string
	if o.agent != "" {
		only = []string{o.agent}
	}
	p, err := a.policy(s, only)
	if err != nil {
		return enforce.Alert{}, err
	}
	agent, err := one(p, o.agent)
	if err != nil {
		return enforce.Alert{}, err
	}
	f := learn.Flow{Agent: agent, Proto: service.Proto, Dst: addr, DstPort: service.Port, Name: strings.ToLower(o.name)}
	if f.Name != "" {
		f.Evidence = learn.DNS
	}
	return p.Explain(&f), nil
}

func (o *explainOptions) print(a *app, e *enforce.Alert) error {
	switch o.format {
	case "json":
		return newJSON(a).Encode(struct {
			*enforce.Alert
			Time  *struct{} `json:"time,omitempty"`
			Last  *struct{} `json:"last,omitempty"`
			Count *struct{} `json:"count,omitempty"`
			Act   *struct{} `json:"action,omitempty"`
			New   *struct{} `json:"status,omitempty"`
		}{Alert: e})
	case "text":
		return o.text(a, e)
	}
	return fmt.Errorf("--format %q: want text or json", learn.Printable(o.format))
}

func (o *explainOptions) text(a *app, e *enforce.Alert) error {
	service := e.Proto
	if e.Port != 0 {
		service = fmt.Sprintf("%s/%d", e.Proto, e.Port)
	}
	fmt.Fprintf(a.stdout, "%s: %s to %s %s\n", e.Verdict, e.Agent, learn.Printable(e.To()), service)
	fmt.Fprintf(a.stdout, "  because   %s\n", learn.Printable(e.Why))
	if e.Nearest != nil {
		word := "nearest"
		if e.Verdict == enforce.Allowed {
			word = "rule"
		}
		fmt.Fprintf(a.stdout, "  %-9s %s\n", word, learn.Printable(e.Nearest.Rule))
		if e.Nearest.Why != e.Why {
			fmt.Fprintf(a.stdout, "            %s\n", learn.Printable(e.Nearest.Why))
		}
	} else {
		fmt.Fprintf(a.stdout, "  nearest   none\n")
	}
	fmt.Fprintf(a.stdout, "  owner     %s\n", strings.Join(owners(e.Owner), "\n            "))
	admitting(a.stdout, "to admit", e.Admit)
	admitting(a.stdout, "or", e.Wider)
	return nil
}

func admitting(w io.Writer, word string, e *enforce.Admit) {
	if e != nil {
		fmt.Fprintf(w, "  %8s  %s\n            opens %s\n", word, learn.Printable(e.Command), opened(ipranges.Exposure{V4: e.V4, V6: e.V6}))
	}
}

func owners(o enforce.Owner) []string {
	parts := append([]string{}, o.Labels...)
	if o.ASN != 0 {
		parts = append(parts, strings.TrimSpace(fmt.Sprintf("AS%d %s", o.ASN, learn.Printable(o.Org))))
	}
	if o.Shared {
		parts = append(parts, "anyone can rent a place there")
	}
	if len(parts) == 0 {
		parts = append(parts, "not known; tripline ranges list shows what is")
	}
	return parts
}

// oneArgument wants exactly one argument and says what it is.
func oneArgument(what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) != 1 {
			return learn.WithHint(errors.New("want "+what), "%s --help", c.CommandPath())
		}
		return nil
	}
}
