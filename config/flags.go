// What the command line says is first taken as mere text, so that a wrong value
// there is told together with the wrong ones in the file and the environment,
// and not alone.

package config

import (
	"slices"

	"github.com/spf13/pflag"
)

// AddFlags defines a flag for each named setting, or for all of them when none
// is named, and --config for the file. Help shows them in the order of Config.
// Load reads them.
func AddFlags(flags *pflag.FlagSet, keys ...string) {
	defaults := Default()
	flags.SortFlags = false
	flags.String("config", "", "read settings from this YAML `file`")
	settings(&defaults).VisitAll(func(s *pflag.Flag) {
		if len(keys) > 0 && !slices.Contains(keys, s.Name) {
			return
		}
		flag := flags.VarPF(&flagText{kind: s.Value.Type()}, flagName(s.Name), "", s.Usage)
		flag.DefValue = s.DefValue
		flag.NoOptDefVal = s.NoOptDefVal
	})
}

// flagText holds a flag's text as it was given. A list may be given in several
// flags; of anything else the last one counts.
type flagText struct {
	text, kind string
}

func (t *flagText) Set(text string) error {
	if t.kind == "list" && t.text != "" {
		text = t.text + "," + text
	}
	t.text = text
	return nil
}

func (t *flagText) String() string { return t.text }
func (t *flagText) Type() string   { return t.kind }

// IsBoolFlag lets pflag show that --demo alone means --demo=true.
func (t *flagText) IsBoolFlag() bool { return t.kind == "bool" }

// fromFlags gives what the command line says.
func fromFlags(flags, table *pflag.FlagSet) []given {
	var all []given
	table.VisitAll(func(s *pflag.Flag) {
		if flag := flags.Lookup(flagName(s.Name)); flag != nil && flag.Changed {
			all = append(all, given{s.Name, flag.Value.String(), Origin("flag --" + flag.Name)})
		}
	})
	return all
}
