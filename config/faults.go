// A fault is one line with the origin of a value, what is wrong with it, and what
// to do, for an operator who is about to edit that place.

package config

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/agnivade/levenshtein"
	"github.com/spf13/pflag"
)

// Fault is one thing that is wrong with a configuration.
type Fault struct {
	From Origin
	What string // what is wrong
	Hint string // what to do
}

// String formats the fault as one line.
func (f Fault) String() string { return string(f.From) + ": " + f.What + " (hint: " + f.Hint + ")" }

// Faults is everything that is wrong with a configuration, as an error: those
// of the sources first, in the order file, environment, command line, then
// those of the values taken together.
type Faults []Fault

// Error formats one line for each fault.
func (f Faults) Error() string {
	lines := make([]string, len(f))
	for i, fault := range f {
		lines[i] = fault.String()
	}
	return strings.Join(lines, "\n")
}

// kindHint describes the syntax of a setting's value.
func kindHint(setting *pflag.Flag) string {
	switch setting.Value.Type() {
	case "bool":
		return "true or false"
	case "int":
		return "a whole number, such as " + setting.DefValue
	case "float64":
		return "a number, such as " + setting.DefValue
	case "duration":
		return "a time with its unit, such as 500ms, 30s or 5m"
	case "size":
		return "a size with its unit, such as " + setting.DefValue
	case "sync":
		return "always, or a time with its unit, such as 1s"
	case "list":
		return "one value, or several as a list"
	}
	return "one value on the same line; \"\" is the empty value"
}

// didYouMean suggests the setting or section whose name is nearest to key.
func didYouMean(key string, table *pflag.FlagSet) string {
	var keys []string
	table.VisitAll(func(s *pflag.Flag) {
		section, _, _ := strings.Cut(s.Name, ".")
		keys = append(keys, s.Name, section)
	})
	if near := Nearest(key, keys); near != "" {
		return "did you mean " + near + "?"
	}
	return "\"onsale serve --check\" lists the settings"
}

// Nearest returns the name with the smallest edit distance to word, or the empty
// string if every distance is more than a third of word's length.
func Nearest(word string, names []string) string {
	nearest, least := "", len(word)/3+1
	for _, name := range names {
		if d := levenshtein.ComputeDistance(strings.ToLower(word), strings.ToLower(name)); d < least {
			nearest, least = name, d
		}
	}
	return nearest
}

// quoted quotes a value, cut at 80 bytes.
func quoted(text string) string {
	if len(text) > 80 {
		text = text[:77] + "…"
	}
	return strconv.Quote(text)
}

// absolute says where a relative path leads: from the working directory, not from the file that names it.
func absolute(path string) string {
	if full, err := filepath.Abs(path); err == nil && full != path {
		return ", that is " + full
	}
	return ""
}

// reason returns the cause of a file error without its path, which the fault
// names already.
func reason(err error) string {
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		return path.Err.Error()
	}
	return err.Error()
}
