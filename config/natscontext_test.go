package config

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// A context of the nats tool fills what nothing else sets, by its name or by its path.
func TestContext_FillsNATS(t *testing.T) {
	home := t.TempDir()
	folder := filepath.Join(home, ".config", "nats", "context")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	seed := filepath.Join(home, "seed.nk")
	if err := os.WriteFile(seed, []byte("SU"), 0o600); err != nil {
		t.Fatal(err)
	}
	write := func(name, text string) string {
		path := filepath.Join(folder, name+".json")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	path := write("shop", `{"description": "the shop", "url": "nats://a:4222, nats://b:4222", "nkey": "~/seed.nk", "token": "", "inbox_prefix": "_INBOX_shop", "jetstream_domain": "hub", "tls_first": false}`)
	want := NATS{URL: []string{"nats://a:4222", "nats://b:4222"}, Context: "shop", NKey: seed, InboxPrefix: "_INBOX_shop", Domain: "hub", Replicas: 3}
	environ := []string{"HOME=" + home, "ONSALE_NATS_CONTEXT=shop"}
	c, from, err := load(t, environ)
	if err != nil || !reflect.DeepEqual(c.NATS, want) {
		t.Errorf("by name: got %+v and %v, want %+v", c.NATS, err, want)
	}
	if got, want := from.Of("nats.nkey"), Origin("context "+path); got != want {
		t.Errorf("got origin %q, want %q", got, want)
	}
	// What is set elsewhere counts, and its login replaces that of the context.
	c, _, err = load(t, append(environ, "ONSALE_NATS_TOKEN=s3cret"), "--nats-url", "nats://c:4222", "--nats-context", path)
	want = NATS{URL: []string{"nats://c:4222"}, Context: path, Token: "s3cret", InboxPrefix: "_INBOX_shop", Domain: "hub", Replicas: 3}
	if err != nil || !reflect.DeepEqual(c.NATS, want) {
		t.Errorf("by path: got %+v and %v, want %+v", c.NATS, err, want)
	}
	write("plain", `{"user": "onsale", "password": "s3cret"}`)
	if c, _, err := load(t, []string{"XDG_CONFIG_HOME=" + filepath.Join(home, ".config"), "ONSALE_NATS_CONTEXT=plain"}); err != nil || c.NATS.User != "onsale" || len(c.NATS.URL) != 1 {
		t.Errorf("without a url: got %+v and %v", c.NATS, err)
	}

	write("proxy", `{"url": "nats://a:4222", "socks_proxy": "a:1"}`)
	write("broken", `{"url"`)
	write("no-url", `{"tls_first": "perhaps"}`)
	for context, want := range map[string]string{
		"proxy":  "and has socks_proxy, which onsale does not use",
		"broken": "which is no context",
		"none":   "no such file",
		"no-url": `and its tls_first is "perhaps" (hint: true or false)`,
	} {
		_, _, err := load(t, []string{"HOME=" + home, "ONSALE_NATS_CONTEXT=" + context})
		if _, ok := errors.AsType[Faults](err); !ok || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", context, err, want)
		}
	}
}

// FuzzContext checks that any file is a context or is reported as faults.
func FuzzContext(f *testing.F) {
	f.Add(`{"url": "nats://a:4222", "user": "onsale", "password": "s3cret"}`)
	f.Add(`{"tls_first": {"a": [1]}, "url": null, "nkey": "~/a"}`)
	f.Add(`[]`)
	f.Fuzz(func(t *testing.T, text string) {
		path := filepath.Join(t.TempDir(), "context.json")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, _, err := load(t, []string{"ONSALE_NATS_CONTEXT=" + path})
		if _, ok := errors.AsType[Faults](err); err != nil && !ok {
			t.Errorf("got %v, want faults", err)
		}
	})
}
