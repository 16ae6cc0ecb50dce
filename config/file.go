// The file is read as a tree of YAML nodes and not into a struct: a node knows
// its line, so each fault names its line, and one fault does not hide the next.

package config

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"
)

// file holds the assignments and the faults of a configuration file.
type file struct {
	path        string
	table       *pflag.FlagSet
	assignments []assignment
	faults      Faults
	lines       map[string]int // the first line of each setting
}

// readFile reads the settings of the table from the file at path.
func readFile(path string, table *pflag.FlagSet) ([]assignment, Faults) {
	f := &file{path: path, table: table, lines: map[string]int{}}
	text, err := os.ReadFile(path)
	if err != nil {
		f.fault(0, reason(err)+absolute(path), "name a YAML file that can be read")
		return nil, f.faults
	}
	f.read(text)
	return f.assignments, f.faults
}

func (f *file) read(text []byte) {
	var document, second yaml.Node
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	err := decoder.Decode(&document)
	if errors.Is(err, io.EOF) {
		return // only comments
	}
	if err != nil {
		f.fault(0, strings.TrimPrefix(err.Error(), "yaml: "), "write YAML, one \"key: value\" a line")
		return
	}
	f.section("", document.Content[0])
	if err := decoder.Decode(&second); err != io.EOF {
		f.fault(second.Line, "a second document begins here", "keep one document, without a line of dashes after it")
	}
}

// section reads the mapping under prefix, which is empty at the top level.
func (f *file) section(prefix string, node *yaml.Node) {
	if node.Tag == "!!null" {
		return // every line of the section is commented out
	}
	if node.Kind != yaml.MappingNode {
		f.fault(node.Line, cmp.Or(strings.TrimSuffix(prefix, "."), "the file")+" is a section, not a value", "put each setting on a line of its own, \"key: value\"")
		return
	}
	for i := 0; i < len(node.Content); i += 2 {
		name, value := node.Content[i], node.Content[i+1]
		if value.Kind == yaml.AliasNode {
			value = value.Alias
		}
		key := prefix + name.Value
		switch {
		case f.isSection(key):
			f.section(key+".", value)
		case f.table.Lookup(key) == nil:
			f.fault(name.Line, "there is no setting "+key, didYouMean(key, f.table))
		default:
			f.setting(key, name.Line, value)
		}
	}
}

// setting reads one value as text; a list may be a YAML sequence.
func (f *file) setting(key string, line int, node *yaml.Node) {
	if first, twice := f.lines[key]; twice {
		f.fault(line, key+" is set twice", fmt.Sprintf("it was first set in line %d", first))
		return
	}
	f.lines[key] = line
	entries := []*yaml.Node{node}
	if node.Kind == yaml.SequenceNode && f.table.Lookup(key).Value.Type() == "list" {
		entries = node.Content
	}
	texts := make([]string, len(entries))
	for i, entry := range entries {
		if entry.Kind != yaml.ScalarNode || entry.Tag == "!!null" {
			f.fault(line, key+" has the wrong kind of value", kindHint(f.table.Lookup(key)))
			return
		}
		texts[i] = entry.Value
	}
	f.assignments = append(f.assignments, assignment{key, strings.Join(texts, ","), f.at(line)})
}

func (f *file) isSection(key string) (found bool) {
	f.table.VisitAll(func(s *pflag.Flag) { found = found || strings.HasPrefix(s.Name, key+".") })
	return found
}

func (f *file) fault(line int, what, hint string) {
	f.faults = append(f.faults, Fault{f.at(line), what, hint})
}

func (f *file) at(line int) Origin {
	if line == 0 {
		return Origin("file " + f.path)
	}
	return Origin(fmt.Sprintf("file %s:%d", f.path, line))
}
