package learn

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"gopkg.in/yaml.v3"
)

// Quoted is free text, written between double quotes: in other styles the library
// does not read back all that it wrote.
type quoted string

// MarshalYAML implements [yaml.Marshaler].
func (q quoted) MarshalYAML() (any, error) {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: strings.ToValidUTF8(string(q), "\uFFFD"), Style: yaml.DoubleQuotedStyle}, nil
}

// A place is a node of a YAML document, for errors with a line.
type place struct{ node *yaml.Node }

// at finds the node behind a path of keys (string) and indices (int), or the
// nearest one above it.
func at(node *yaml.Node, path ...any) place {
	if node.Kind == yaml.DocumentNode && len(node.Content) > 0 {
		node = node.Content[0]
	}
	for _, step := range path {
		next := child(node, step)
		if next == nil {
			break
		}
		node = next
	}
	return place{node}
}

func child(node *yaml.Node, step any) *yaml.Node {
	switch key := step.(type) {
	case int:
		if node.Kind == yaml.SequenceNode && key < len(node.Content) {
			return node.Content[key]
		}
	case string:
		for i := 0; node.Kind == yaml.MappingNode && i+1 < len(node.Content); i += 2 {
			if node.Content[i].Value == key {
				return node.Content[i+1]
			}
		}
	}
	return nil
}

func (p place) wrap(err error) error { return fmt.Errorf("line %d: %w", p.node.Line, err) }

func (p place) errorf(format string, args ...any) error {
	return p.wrap(fmt.Errorf(format, args...))
}

var (
	unknownField = regexp.MustCompile(`field (.+) not found in type \S+`)
	wrongType    = regexp.MustCompile(`cannot unmarshal !!(\w+) (.*)into \S+`)
)

// plainly says what the YAML library found without its type names.
func plainly(err error) error {
	var many *yaml.TypeError
	if !errors.As(err, &many) {
		return errors.New(Printable(strings.TrimPrefix(err.Error(), "yaml: ")))
	}
	texts := make([]string, len(many.Errors))
	for i, text := range many.Errors {
		text = unknownField.ReplaceAllString(text, `unknown key "$1"`)
		texts[i] = Printable(wrongType.ReplaceAllString(text, "$2is a $1, which does not belong here"))
	}
	return errors.New(strings.Join(texts, "; "))
}

// ReadYAML reads YAML of others into a value: what is not in it is left out. Errors
// are without the type names of the library, and printable.
func ReadYAML(text []byte, into any) error {
	if err := yaml.Unmarshal(text, into); err != nil {
		return plainly(err)
	}
	return nil
}
