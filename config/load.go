// Loading goes from the weakest source to the strongest and lets each overwrite
// the last. It never stops at a fault: whoever corrects a configuration wants
// to do it once.

package config

import (
	"cmp"

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

func (o Origins) given(key string) bool { return o[key] != "" }

// given is what one source says of one setting.
type given struct {
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

	var says []given
	var faults Faults
	if path := configFile(flags, env); path != "" {
		says, faults = readFile(path, table)
	}
	says = append(says, env.settings(table)...)
	says = append(says, fromFlags(flags, table)...)

	for _, g := range says {
		if !set(table.Lookup(g.key), g.text) {
			faults = append(faults, Fault{g.from, g.key + " is " + quoted(g.text), kindHint(table.Lookup(g.key))})
			continue
		}
		from[g.key] = g.from
	}
	c.settle(from)
	faults = append(faults, c.check(from)...)
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
