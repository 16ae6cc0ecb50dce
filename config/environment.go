// The environment comes in as a parameter, in the form of os.Environ, so that
// tests need none of the process's own.

package config

import (
	"strings"

	"github.com/spf13/pflag"
)

// environment is the variables that are set to something, by name.
type environment map[string]string

func readEnvironment(environ []string) environment {
	set := environment{}
	for _, pair := range environ {
		if name, value, _ := strings.Cut(pair, "="); value != "" {
			set[name] = value
		}
	}
	return set
}

// settings gives what the environment says of the table's settings.
func (e environment) settings(table *pflag.FlagSet) []given {
	var all []given
	table.VisitAll(func(s *pflag.Flag) {
		name := variable(s.Name)
		if text, ok := e[name]; ok {
			all = append(all, given{s.Name, text, Origin("environment " + name)})
		}
	})
	return all
}
