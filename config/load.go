// Loading applies the sources from the weakest to the strongest, and reports all
// faults at once.

package config

import (
	"cmp"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

// Origin names the source of a value: default, file onsale.yaml:7, environment
// ONSALE_SYNC, or flag --sync; where an invalid value was left out, that too.
type Origin string

// Origins maps the keys of the settings that are set to their origins. A key that
// is not in it has its default.
type Origins map[string]Origin

// Of returns the origin of a setting.
func (o Origins) Of(key string) Origin { return cmp.Or(o[key], "default") }

func (o Origins) isSet(key string) bool { return o[key] != "" }

// assignment is one setting's value from one source.
type assignment struct {
	key, text string
	from      Origin
}

// Load reads the configuration from flags that AddFlags defined and that were
// parsed, from an environment in the form of os.Environ, and from the file that
// one of the two names. The error, if any, is a Faults with all faults; the
// configuration then leaves the faulty values out, and the origins say so.
func Load(flags *pflag.FlagSet, environ []string) (Config, Origins, error) {
	c, from := Default(), Origins{}
	table, env := settings(&c), readEnvironment(environ)

	var assignments []assignment
	var faults Faults
	var ignored []assignment
	if path := configFile(flags, env); path != "" {
		assignments, faults = readFile(path, table)
	}
	table.VisitAll(func(s *pflag.Flag) {
		if name := envName(s.Name); env[name] != "" {
			assignments = append(assignments, assignment{s.Name, env[name], Origin("environment " + name)})
		}
	})
	table.VisitAll(func(s *pflag.Flag) {
		if flag := flags.Lookup(flagName(s.Name)); flag != nil && flag.Changed {
			assignments = append(assignments, assignment{s.Name, flag.Value.String(), Origin("flag --" + flag.Name)})
		}
	})
	for _, a := range assignments {
		if !set(table.Lookup(a.key), a.text) {
			ignored = append(ignored, a)
			faults = append(faults, Fault{a.from, a.key + " is " + quoted(a.text), kindHint(table.Lookup(a.key))})
			continue
		}
		from[a.key] = a.from
	}
	faults = append(faults, c.readContext(table, from, env)...)
	faults = append(faults, misspelt(env, table)...)
	c.deriveDefaults(from)
	faults = append(faults, c.validate(from)...)
	for _, a := range ignored {
		from[a.key] = from.Of(a.key) + "; not the invalid value of " + a.from
	}
	if len(faults) > 0 {
		return c, from, faults
	}
	return c, from, nil
}

func configFile(flags *pflag.FlagSet, env map[string]string) string {
	if flag := flags.Lookup("config"); flag != nil && flag.Changed {
		return flag.Value.String()
	}
	return env["ONSALE_CONFIG"]
}

// set parses text into a setting. Unlike pflag, it leaves the setting unchanged
// if that fails.
func set(setting *pflag.Flag, text string) bool {
	before := setting.Value.String()
	if setting.Value.Set(text) == nil {
		return true
	}
	_ = setting.Value.Set(before)
	return false
}

// readEnvironment returns the variables that are not empty, by name.
func readEnvironment(environ []string) map[string]string {
	set := map[string]string{}
	for _, pair := range environ {
		if name, value, _ := strings.Cut(pair, "="); value != "" {
			set[name] = value
		}
	}
	return set
}

// kubernetesVariable is a variable that Kubernetes sets for a service named onsale, or onsale-something.
var kubernetesVariable = regexp.MustCompile(`_SERVICE_HOST$|_SERVICE_PORT(_|$)|_PORT$|_PORT_[0-9]+_(TCP|UDP|SCTP)(_|$)`)

// misspelt returns a fault for each variable whose name is almost that of a setting. Others may be anybody's.
func misspelt(env map[string]string, table *pflag.FlagSet) (faults Faults) {
	known := []string{"ONSALE_CONFIG"}
	table.VisitAll(func(s *pflag.Flag) { known = append(known, envName(s.Name)) })
	for _, name := range slices.Sorted(maps.Keys(env)) {
		key, ours := strings.CutPrefix(name, "ONSALE_")
		if !ours || slices.Contains(known, name) || kubernetesVariable.MatchString(name) {
			continue
		}
		keys := make([]string, len(known))
		for i := range known {
			keys[i] = strings.TrimPrefix(known[i], "ONSALE_")
		}
		if near := Nearest(key, keys); near != "" {
			faults = append(faults, Fault{Origin("environment " + name), "there is no such setting", "did you mean ONSALE_" + near + "?"})
		}
	}
	return faults
}

// AddFlags defines a flag for each named setting, or for all of them if none is
// named, and --config for the file. Help shows them in the order of Config. The
// flags hold plain text; Load parses it, so that their faults are reported
// together with those of the file and the environment.
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

// flagText holds a flag's text. A repeated flag adds to a list; of any other kind
// the last one counts.
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

// IsBoolFlag makes pflag show that --demo means --demo=true.
func (t *flagText) IsBoolFlag() bool { return t.kind == "bool" }
