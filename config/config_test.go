package config

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

func TestExample_MatchesDefault(t *testing.T) {
	c, from, err := load(t, nil, "--config", "example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := c, Default(); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	settings(&c).VisitAll(func(s *pflag.Flag) {
		if s.Name == "node" {
			return // its default is the host's name
		}
		if got, want := string(from.Of(s.Name)), "file example.yaml:"; !strings.HasPrefix(got, want) {
			t.Errorf("%s: got origin %q, want one that begins with %q", s.Name, got, want)
		}
	})
}

func TestSettings_CoverEveryField(t *testing.T) {
	var c Config
	names := map[string]bool{}
	settings(&c).VisitAll(func(s *pflag.Flag) { names[strings.ToLower(s.Name)] = true })
	for _, want := range fieldNames("", reflect.TypeFor[Config]()) {
		if !names[want] {
			t.Errorf("field %s has no setting", want)
		}
		delete(names, want)
	}
	if len(names) > 0 {
		t.Errorf("settings without a field: %v", names)
	}
}

func TestLoad_PrefersStrongerSource(t *testing.T) {
	file := writeConfig(t, "listen: 127.0.0.1:1\ndata: from-file\nnode: from-file\nstreams: {maxCatchUps: 1, ringEvents: 2048}\n")
	environ := []string{"ONSALE_LISTEN=127.0.0.1:2", "ONSALE_DATA=from-environment", "ONSALE_STREAMS_RING_EVENTS=4096", "ONSALE_NODE="}
	c, from, err := load(t, environ, "--config", file, "--listen", "127.0.0.1:3")
	if err != nil {
		t.Fatal(err)
	}
	want := Default()
	want.Listen, want.Data, want.Node = "127.0.0.1:3", "from-environment", "from-file"
	want.Streams.RingEvents, want.Streams.MaxCatchUps = 4096, 1
	if !reflect.DeepEqual(c, want) {
		t.Errorf("got %+v, want %+v", c, want)
	}
	for key, want := range map[string]Origin{
		"listen":             "flag --listen",
		"data":               "environment ONSALE_DATA",
		"node":               Origin("file " + file + ":3"),
		"streams.ringEvents": "environment ONSALE_STREAMS_RING_EVENTS",
		"backlog.maxAge":     "default",
	} {
		if got := from.Of(key); got != want {
			t.Errorf("%s: got origin %q, want %q", key, got, want)
		}
	}
}

func TestLoad_DerivesExternalNATSDefaults(t *testing.T) {
	environ := []string{"ONSALE_CONFIG=" + writeConfig(t, "nats: {url: nats://a:1}\n"), "ONSALE_NATS_URL=nats://b:1, tls://c:2"}
	c, _, err := load(t, environ)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := c.NATS.URL, []string{"nats://b:1", "tls://c:2"}; !reflect.DeepEqual(got, want) {
		t.Errorf("got servers %q, want %q", got, want)
	}
	if got, want := c.NATS.Replicas, 3; got != want {
		t.Errorf("got %d replicas, want %d", got, want)
	}
	if got, want := c.Sync, (Sync{}); got != want {
		t.Errorf("got sync %v, want none", got)
	}
	c, _, err = load(t, nil, "--nats-url", "nats://a:1", "--nats-url", "nats://b:1", "--nats-replicas", "1")
	if got, want := c.NATS.URL, []string{"nats://a:1", "nats://b:1"}; err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got servers %q and %v, want %q", got, err, want)
	}
	if got, want := c.NATS.Replicas, 1; got != want {
		t.Errorf("got %d replicas, want %d", got, want)
	}
}

// The output of --check loads as the same configuration.
func TestPrint_ReadsBack(t *testing.T) {
	environ := []string{"ONSALE_NODE=123", "ONSALE_SYNC=always", "ONSALE_CORS_ORIGINS=https://a.example,https://b.example",
		"ONSALE_LOG_MIN_FREE_DISK=0", "ONSALE_STREAMS_MAX_AGE=90s", "ONSALE_DEMO=true",
		"ONSALE_TRACING_SAMPLE=1", "ONSALE_DEBUG_LISTEN=localhost:0", "ONSALE_LOGGING_ACCESS=true"}
	want, from, err := load(t, environ)
	if err != nil {
		t.Fatal(err)
	}
	var printed bytes.Buffer
	if err := want.Print(&printed, from); err != nil {
		t.Fatal(err)
	}
	got, _, err := load(t, nil, "--config", writeConfig(t, printed.String()))
	if err != nil {
		t.Fatalf("%v\n%s", err, &printed)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestPrint_MasksServerSecrets(t *testing.T) {
	for _, server := range []string{"nats://shop:s3cret@n1:4222", "nats://s3cret@n1:4222", "nats://shop:s3c,s3cret@n1", "s3cret@n1"} {
		c, from, err := load(t, []string{"ONSALE_NATS_URL=" + server})
		var output bytes.Buffer
		if err := c.Print(&output, from); err != nil {
			t.Fatal(err)
		}
		if err != nil {
			output.WriteString(err.Error())
		}
		if strings.Contains(output.String(), "s3c") {
			t.Errorf("%s: the output has the secret:\n%s", server, &output)
		}
	}
}

func TestPrint_MasksCollector(t *testing.T) {
	c, from, err := load(t, []string{"ONSALE_TRACING_OTLP=https://shop:s3cret@collector/v1/traces"})
	if err != nil {
		t.Fatal(err)
	}
	var output bytes.Buffer
	if err := c.Print(&output, from); err != nil || strings.Contains(output.String(), "s3cret") {
		t.Errorf("%v, the output has the secret:\n%s", err, &output)
	}
}

func TestPrint_MasksNATSLogin(t *testing.T) {
	for _, environ := range [][]string{{"ONSALE_NATS_USER=onsale", "ONSALE_NATS_PASSWORD=s3cret"}, {"ONSALE_NATS_TOKEN=s3cret"}} {
		c, from, err := load(t, append(environ, "ONSALE_NATS_URL=nats://n1:4222"))
		if err != nil {
			t.Error(err)
		}
		var output bytes.Buffer
		if err := c.Print(&output, from); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(output.String(), "s3cret") || !strings.Contains(output.String(), "xxxxx") {
			t.Errorf("the output has the secret:\n%s", &output)
		}
	}
}

func TestPrint_MasksTokenSecrets(t *testing.T) {
	for _, environ := range [][]string{
		{"ONSALE_AUTH_SECRET=s3cret-s3cret-s3cret-s3cret-s3cret"}, {"ONSALE_AUTH_SECRET=s3cret"}, {"ONSALE_AUTH_SECRET=s3cret\n"},
		{"ONSALE_AUTH_JWKS=https://kim:s3cret@login.example/keys"}, {"ONSALE_AUTH_JWKS=ftp://kim:s3cret@login.example/keys"},
	} {
		c, from, err := load(t, environ)
		var output bytes.Buffer
		if err := c.Print(&output, from); err != nil {
			t.Fatal(err)
		}
		if err != nil {
			output.WriteString(err.Error())
		}
		if strings.Contains(output.String(), "s3c") {
			t.Errorf("%s: the output has the secret:\n%s", environ, &output)
		}
	}
}

func TestPrint_MasksPaymentSecrets(t *testing.T) {
	c, from, err := load(t, []string{"ONSALE_PAYMENTS_KEY=s3cret", "ONSALE_PAYMENTS_SECRET=s3cret", "ONSALE_PAYMENTS_URL=https://shop:s3cret@pay.example", "ONSALE_PAYMENTS_WEBHOOK_SECRETS=whsec_czNjcmV0,whsec_s3cret"})
	if err == nil {
		t.Error("want a fault: the second secret is not base64")
	}
	var output bytes.Buffer
	if err := c.Print(&output, from); err != nil {
		t.Fatal(err)
	}
	output.WriteString(err.Error())
	if strings.Contains(output.String(), "s3cret") || strings.Contains(output.String(), "czNjcmV0") {
		t.Errorf("the output has a secret:\n%s", &output)
	}
}

func TestHostNode_SanitizesName(t *testing.T) {
	for host, want := range map[string]string{
		"box-1":                 "box-1",
		"box.shop.example":      "box-shop-example",
		"매표소":                   "---",
		strings.Repeat("x", 32): strings.Repeat("x", 32),
		"onsale-production-seoul-7f9c6d5b84-x2x7q": "onsale-prod-ab2efca6-d5b84-x2x7q",
		"onsale-production-seoul-7f9c6d5b84-k9m2p": "onsale-prod-3150a831-d5b84-k9m2p",
		"": "onsale",
	} {
		if got := hostNode(host, nil); got != want {
			t.Errorf("%q: got %q, want %q", host, got, want)
		}
	}
	if got, want := hostNode("box-1", os.ErrPermission), "onsale"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestSize_RoundTrips(t *testing.T) {
	for text, want := range map[string]Size{"8GiB": 8 * GiB, "512MiB": 512 * MiB, "3KiB": 3 * KiB, "1025B": 1025, "0": 0} {
		var got Size
		if err := got.Set(text); err != nil || got != want {
			t.Errorf("%s: got %d and %v, want %d", text, got, err, want)
		}
		if got := want.String(); got != text {
			t.Errorf("got %s, want %s", got, text)
		}
	}
	for _, text := range []string{"", "-1", "8 bananas", "9EiB", "always"} {
		var got Size
		if err := got.Set(text); err == nil {
			t.Errorf("%q: got %v, want an error", text, got)
		}
	}
}

// Every setting that a document names exists.
func TestDocuments_NameSettings(t *testing.T) {
	var c Config
	table := settings(&c)
	variables := map[string]bool{}
	table.VisitAll(func(s *pflag.Flag) { variables[envName(s.Name)] = true })
	for path, atLeast := range map[string]int{"OPERATING.md": 20, "../http/API.md": 4} {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		names := regexp.MustCompile("`(?:nats|log|backlog|streams|http|tls|limits|auth|cors|payments|logging|debug|tracing)\\.[a-zA-Z]+").FindAllString(string(text), -1)
		if len(names) < atLeast {
			t.Errorf("%s: found %d settings", path, len(names))
		}
		for _, name := range names {
			if table.Lookup(name[1:]) == nil {
				t.Errorf("%s: there is no setting %s", path, name[1:])
			}
		}
		for _, name := range regexp.MustCompile(`ONSALE_[A-Z_]+`).FindAllString(string(text), -1) {
			if !variables[name] {
				t.Errorf("%s: there is no variable %s", path, name)
			}
		}
	}
}

// The complete file in OPERATING.md has no fault, once its certificate is there.
func TestDocuments_CompleteFileIsValid(t *testing.T) {
	text, err := os.ReadFile("OPERATING.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "```yaml\n")
	file, _, ok := strings.Cut(rest, "```")
	if !ok {
		t.Fatal("OPERATING.md has no file")
	}
	cert, key := writePair(t)
	file = strings.NewReplacer("/etc/onsale/cert.pem", cert, "/etc/onsale/key.pem", key).Replace(file)
	c, from, err := load(t, nil, "--config", writeConfig(t, file))
	if err != nil || !strings.Contains(file, cert) || !strings.Contains(file, key) {
		t.Fatal(err)
	}
	for _, key := range []string{"listen", "tls.cert", "auth.jwks", "limits.perUser", "trustedProxies"} {
		if !from.isSet(key) {
			t.Errorf("%s is not set", key)
		}
	}
	if c.Auth.Mode != "jwt" {
		t.Errorf("auth.mode is %s", c.Auth.Mode)
	}
}

// load loads a configuration with all flags defined.
func load(t testing.TB, environ []string, args ...string) (Config, Origins, error) {
	t.Helper()
	flags := pflag.NewFlagSet("test", pflag.ContinueOnError)
	AddFlags(flags)
	if err := flags.Parse(args); err != nil {
		t.Fatal(err)
	}
	return Load(flags, environ)
}

// writePair writes a certificate and its key, as PEM.
func writePair(t *testing.T) (certPath, keyPath string) {
	t.Helper()
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	pair, dir := server.TLS.Certificates[0], t.TempDir()
	key, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	certPath, keyPath = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for path, block := range map[string]*pem.Block{certPath: {Type: "CERTIFICATE", Bytes: pair.Certificate[0]}, keyPath: {Type: "PRIVATE KEY", Bytes: key}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return certPath, keyPath
}

func writeConfig(t testing.TB, text string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "onsale.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func fieldNames(prefix string, section reflect.Type) (names []string) {
	for field := range section.Fields() {
		name := prefix + strings.ToLower(field.Name)
		if field.Type.Kind() == reflect.Struct && field.Type != reflect.TypeFor[Sync]() {
			names = append(names, fieldNames(name+".", field.Type)...)
			continue
		}
		names = append(names, name)
	}
	return names
}
