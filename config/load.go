// Loading goes from the weakest source to the strongest and lets each overwrite
// the last. It never stops at a fault: whoever corrects a configuration wants
// to do it once.

package config

import (
	"cmp"
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

// Origin says where a value comes from: default, file onsale.yaml:7,
// environment ONSALE_SYNC, or flag --sync.
type Origin string

// Origins holds the origin of each setting that somebody gave, by its key in
// the file. What is not in it has its default.
type Origins map[string]Origin

// Of gives a setting's origin.
func (o Origins) Of(key string) Origin { return cmp.Or(o[key], "default") }

func (o Origins) isSet(key string) bool { return o[key] != "" }

// assignment is what one source says of one setting.
type assignment struct {
	key, text string
	from      Origin
}

// Load reads the configuration out of flags that AddFlags defined and that were
// parsed, of an environment as os.Environ gives it, and of the file that one of
// the two names. If anything is wrong the error is Faults, which holds all that
// is wrong; the configuration is then what remains without the faulty values.
func Load(flags *pflag.FlagSet, environ []string) (Config, Origins, error) {
	c, from := Default(), Origins{}
	table, env := settings(&c), readEnvironment(environ)

	var assignments []assignment
	var faults Faults
	if path := configFile(flags, env); path != "" {
		assignments, faults = readFile(path, table)
	}
	assignments = append(assignments, env.settings(table)...)
	assignments = append(assignments, fromFlags(flags, table)...)

	for _, a := range assignments {
		if !set(table.Lookup(a.key), a.text) {
			faults = append(faults, Fault{a.from, a.key + " is " + quoted(a.text), kindHint(table.Lookup(a.key))})
			continue
		}
		from[a.key] = a.from
	}
	c.deriveDefaults(from)
	faults = append(faults, c.validate(from)...)
	if len(faults) > 0 {
		return c, from, faults
	}
	return c, from, nil
}

func configFile(flags *pflag.FlagSet, env environment) string {
	if flag := flags.Lookup("config"); flag != nil && flag.Changed {
		return flag.Value.String()
	}
	return env["ONSALE_CONFIG"]
}

// set writes text to a setting. One that cannot be read leaves the setting as
// it was, which pflag by itself does not promise.
func set(setting *pflag.Flag, text string) bool {
	before := setting.Value.String()
	if setting.Value.Set(text) == nil {
		return true
	}
	_ = setting.Value.Set(before)
	return false
}

// The environment comes in as a parameter, in the form of os.Environ, so that
// tests need none of the process's own.

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
func (e environment) settings(table *pflag.FlagSet) []assignment {
	var all []assignment
	table.VisitAll(func(s *pflag.Flag) {
		name := envName(s.Name)
		if text, ok := e[name]; ok {
			all = append(all, assignment{s.Name, text, Origin("environment " + name)})
		}
	})
	return all
}

// What the command line says is first taken as mere text, so that a wrong value
// there is told together with the wrong ones in the file and the environment,
// and not alone.

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
func fromFlags(flags, table *pflag.FlagSet) []assignment {
	var all []assignment
	table.VisitAll(func(s *pflag.Flag) {
		if flag := flags.Lookup(flagName(s.Name)); flag != nil && flag.Changed {
			all = append(all, assignment{s.Name, flag.Value.String(), Origin("flag --" + flag.Name)})
		}
	})
	return all
}
