// Contexts of the nats command line tool: a JSON file with the servers and a login. It fills what no other source sets.

package config

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

// contextSettings are the keys of a context, and the settings that they are.
var contextSettings = map[string]string{
	"url": "nats.url", "user": "nats.user", "password": "nats.password", "token": "nats.token", "nkey": "nats.nkey", "creds": "nats.creds",
	"ca": "nats.ca", "cert": "nats.cert", "key": "nats.key", "tls_first": "nats.tlsFirst", "jetstream_domain": "nats.domain",
	"inbox_prefix": "nats.inboxPrefix",
}

// contextIgnored are keys of a context that do not matter for a connection.
var contextIgnored = []string{"description", "color_scheme", "jetstream_event_prefix"}

// readContext sets what nats.context says and nothing else has set. Of a login elsewhere none of the context's is used.
func (c *Config) readContext(table *pflag.FlagSet, from Origins, env map[string]string) (faults Faults) {
	if c.NATS.Context == "" {
		return nil
	}
	path, err := contextPath(c.NATS.Context, env)
	fault := func(what, hint string) {
		faults = append(faults, Fault{from.Of("nats.context"), "nats.context " + what, hint})
	}
	if err != nil {
		fault("is "+quoted(c.NATS.Context)+": "+err.Error(), "name the file instead")
		return faults
	}
	text, err := os.ReadFile(path)
	if err != nil {
		fault("is "+quoted(path)+": "+reason(err), "\"nats context ls\" lists them; a file has a slash or .json in its name")
		return faults
	}
	var values map[string]any
	if err := json.Unmarshal(text, &values); err != nil {
		fault("is "+quoted(path)+", which is no context: "+err.Error(), "a JSON file as \"nats context save\" writes it")
		return faults
	}
	login := []string{"nats.user", "nats.password", "nats.token", "nats.nkey", "nats.creds"}
	otherLogin := slices.ContainsFunc(login, from.isSet)
	for _, name := range slices.Sorted(maps.Keys(values)) {
		value := strings.TrimSpace(fmt.Sprint(values[name]))
		key, known := contextSettings[name]
		switch {
		case value == "" || value == "false" || values[name] == nil || slices.Contains(contextIgnored, name):
		case !known:
			fault("is "+quoted(path)+", and has "+name+", which onsale does not use", "set nats.url and the login without a context")
		case from.isSet(key) || otherLogin && slices.Contains(login, key):
		default:
			if key == "nats.nkey" || key == "nats.creds" || key == "nats.ca" || key == "nats.cert" || key == "nats.key" {
				value = expandHome(value, env)
			}
			if !set(table.Lookup(key), value) {
				fault("is "+quoted(path)+", and its "+name+" is "+quoted(value), kindHint(table.Lookup(key)))
				continue
			}
			from[key] = Origin("context " + path)
		}
	}
	if len(c.NATS.URL) == 0 && c.NATS.Config == "" { // as the nats tool has it
		c.NATS.URL = []string{"nats://127.0.0.1:4222"}
		from["nats.url"] = Origin("context " + path)
	}
	return faults
}

// contextPath is the file of a context, which is named by its path or by its name in the folder of the nats tool.
func contextPath(context string, env map[string]string) (string, error) {
	if strings.ContainsRune(context, filepath.Separator) || strings.HasSuffix(context, ".json") {
		return expandHome(context, env), nil
	}
	folder := env["XDG_CONFIG_HOME"]
	if folder == "" {
		home, err := homeDir(env)
		if err != nil {
			return "", err
		}
		folder = filepath.Join(home, ".config")
	}
	return filepath.Join(folder, "nats", "context", context+".json"), nil
}

func homeDir(env map[string]string) (string, error) {
	if home := env["HOME"]; home != "" {
		return home, nil
	}
	return os.UserHomeDir()
}

func expandHome(path string, env map[string]string) string {
	rest, ok := strings.CutPrefix(path, "~/")
	if !ok {
		return path
	}
	home, err := homeDir(env)
	if err != nil {
		return path
	}
	return filepath.Join(home, rest)
}
