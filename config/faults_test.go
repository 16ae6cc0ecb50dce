package config

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

var faultTests = map[string]struct {
	file    string
	environ []string
	args    []string
	want    []string // each line from the beginning to the hint
}{
	"every source at once": {
		file:    "lisen: 127.0.0.1:1\nstreams:\n  ringEvents: many\n  maxCatchUps: 0\n",
		environ: []string{"ONSALE_BACKLOG_MAX_AGE=5", "ONSALE_AUTH_MODE=none"},
		args:    []string{"--sync", "1ms", "--log-min-free-disk", "-1", "--demo=perhaps"},
		want: []string{
			`file FILE:1: there is no setting lisen (hint: did you mean listen?)`,
			`file FILE:3: streams.ringEvents is "many" (hint: a whole number, such as 16384)`,
			`environment ONSALE_BACKLOG_MAX_AGE: backlog.maxAge is "5" (hint: a time with its unit, such as 500ms, 30s or 5m)`,
			`flag --log-min-free-disk: log.minFreeDisk is "-1" (hint: a size with its unit, such as 256MiB)`,
			`flag --demo: demo is "perhaps" (hint: true or false)`,
			`flag --sync: sync is 1ms (hint: from 100ms to 10m0s)`,
			`file FILE:4: streams.maxCatchUps is 0 (hint: from 1 to 4096)`,
			`environment ONSALE_AUTH_MODE: auth.mode is "none" (hint: one of demo, jwt, proxy)`,
		},
	},
	"misspelt variables": {
		environ: []string{"ONSALE_SYNK=1s", "ONSALE_STREAM_RING_EVENTS=2048", "ONSALE_CONFIGS=x", "ONSALE_LISTEN_=",
			"ONSALE_SERVICE_HOST=10.0.0.1", "ONSALE_SERVICE_PORT_HTTP=80", "ONSALE_PORT=tcp://10.0.0.1:80", "ONSALE_PORT_80_TCP_ADDR=10.0.0.1", "ONSALE_NODE_PORT=1",
			"ONSALE_NATS_SERVICE_HOST=10.0.0.1", "ONSALE_IMAGE=onsale:1", "ONSALE_VERSION=1", "MY_ONSALE_SYNK=1"},
		want: []string{
			`environment ONSALE_CONFIGS: there is no such setting (hint: did you mean ONSALE_CONFIG?)`,
			`environment ONSALE_STREAM_RING_EVENTS: there is no such setting (hint: did you mean ONSALE_STREAMS_RING_EVENTS?)`,
			`environment ONSALE_SYNK: there is no such setting (hint: did you mean ONSALE_SYNC?)`,
		},
	},
	"tokens by a secret": {environ: []string{"ONSALE_AUTH_SECRET=" + strings.Repeat("s", 32)}, args: []string{"--listen", "0.0.0.0:443"}},
	"demo in spite of a secret": {
		environ: []string{"ONSALE_AUTH_SECRET=" + strings.Repeat("s", 32)}, args: []string{"--listen", "0.0.0.0:443", "--auth-mode", "demo"},
		want: []string{`flag --listen: listen is "0.0.0.0:443", where auth.mode demo lets any client act as any user (hint: listen on 127.0.0.1, or set auth.demoAnywhere: true if that is intended)`},
	},
	"tokens without a key": {
		args: []string{"--auth-mode", "jwt", "--auth-leeway", "6m", "--auth-user-claim="},
		want: []string{
			`flag --auth-leeway: auth.leeway is 6m0s (hint: from 0s to 5m0s)`,
			`flag --auth-user-claim: auth.userClaim is empty (hint: name the claim that has the user, such as sub)`,
			`default: auth.secret is missing, and auth.jwks too: nothing verifies tokens (hint: set ONSALE_AUTH_SECRET, or auth.jwks to the key set of your login; "onsale token --new-key DIR" makes one for trying)`,
		},
	},
	"tokens by two kinds of key": {
		environ: []string{"ONSALE_AUTH_SECRET=" + strings.Repeat("s", 31), "ONSALE_AUTH_JWKS=no/such/file"},
		want: []string{
			`environment ONSALE_AUTH_SECRET: auth.secret has 31 bytes (hint: at least 32, such as openssl rand -base64 48 makes)`,
			`environment ONSALE_AUTH_JWKS: auth.jwks is "no/such/file": no such file or directory, that is HERE/no/such/file (hint: name a file that can be read)`,
			`environment ONSALE_AUTH_SECRET: auth.secret cannot be set with auth.jwks (hint: leave one of the two out: tokens are of one kind)`,
		},
	},
	"a secret with a line break": {
		environ: []string{"ONSALE_AUTH_SECRET=" + strings.Repeat("s", 32) + "\n"},
		want:    []string{`environment ONSALE_AUTH_SECRET: auth.secret begins or ends with a blank, or has a line break (hint: cut it off; a secret that is read from a file often ends with one)`},
	},
	"keys over plain http": {
		args: []string{"--auth-jwks", "http://kim:s3cret@login.example/keys"},
		want: []string{`flag --auth-jwks: auth.jwks is "http://xxxxx@login.example/keys" (hint: a file, or an https URL: over plain http anybody on the way could sign as any user)`},
	},
	"keys by another scheme": {
		args: []string{"--auth-jwks", "file:///etc/keys"},
		want: []string{`flag --auth-jwks: auth.jwks is "xxxxx" (hint: a file, or an https URL: over plain http anybody on the way could sign as any user)`},
	},
	"keys by https, and from loopback": {args: []string{"--auth-jwks", "https://login.example/keys"}, environ: []string{"ONSALE_LISTEN=:8080"}},
	"a proxy that nobody is": {
		file: "auth: {mode: proxy, userHeader: 'X User', rolesHeader: 'a:b'}\n",
		want: []string{
			`file FILE:1: auth.userHeader is "X User" (hint: the name of a header, such as X-User-Id)`,
			`file FILE:1: auth.rolesHeader is "a:b" (hint: the name of a header, such as X-User-Id)`,
			`default: trustedProxies is empty, but in auth.mode proxy nobody else names users (hint: list the addresses of the proxy, such as 10.0.0.0/8)`,
		},
	},
	"proxies": {
		file: "auth: {mode: proxy}\nlisten: ':8080'\ntrustedProxies: [10.0.0.0/8, 192.0.2.7, '::1', 10.0.0.0/33, proxy.example, 0.0.0.0/0, '::/0', 'fe80::1%eth0']\n",
		want: []string{
			`file FILE:3: trustedProxies has "10.0.0.0/33" (hint: an address such as 192.0.2.7, or a network such as 10.0.0.0/8)`,
			`file FILE:3: trustedProxies has "proxy.example" (hint: an address such as 192.0.2.7, or a network such as 10.0.0.0/8)`,
			`file FILE:3: trustedProxies has "0.0.0.0/0", which is everybody (hint: list the addresses of the proxies only)`,
			`file FILE:3: trustedProxies has "::/0", which is everybody (hint: list the addresses of the proxies only)`,
			`file FILE:3: trustedProxies has "fe80::1%eth0" (hint: an address such as 192.0.2.7, or a network such as 10.0.0.0/8)`,
		},
	},
	"invalid yaml": {
		file: "node: a\nlisten: a: b\n",
		args: []string{"--node", "a b"},
		want: []string{
			`file FILE: line 2: mapping values are not allowed in this context (hint: write YAML, one "key: value" a line)`,
			`flag --node: node is "a b" (hint: 1 to 32 of A-Z a-z 0-9 _ and -)`,
		},
	},
	"wrong kinds": {
		file: "listen: [a, b]\ndata:\nnats: here\nnode: a\nnode: b\nstream: {}\nsync: {always: true}\ncors: {origins: [{a: b}]}\n---\ndemo: true\n",
		want: []string{
			`file FILE:1: listen has the wrong kind of value (hint: one value on the same line; "" is the empty value)`,
			`file FILE:2: data has the wrong kind of value (hint: one value on the same line; "" is the empty value)`,
			`file FILE:3: nats is a section, not a value (hint: put each setting on a line of its own, "key: value")`,
			`file FILE:5: node is set twice (hint: it was first set in line 4)`,
			`file FILE:6: there is no setting stream (hint: did you mean streams?)`,
			`file FILE:7: sync has the wrong kind of value (hint: always, or a time with its unit, such as 1s)`,
			`file FILE:8: cors.origins has the wrong kind of value (hint: one value, or several as a list)`,
			`file FILE:9: a second document begins here (hint: keep one document, without a line of dashes after it)`,
		},
	},
	"no mapping": {
		file: "- a\n",
		want: []string{`file FILE:1: the file is a section, not a value (hint: put each setting on a line of its own, "key: value")`},
	},
	"only comments": {file: "# a comment\n"},
	"empty sections": {
		file: "nats:\n  # url: x\nstreams:\n",
	},
	"anchors": {
		file: "listen: &here 127.0.0.1:1\nnode: a\nlog: &log {minFreeDisk: 1MiB, events: *log}\ndata: *here\n",
		want: []string{`file FILE:3: there is no setting log.events (hint: "onsale serve --check" lists the settings)`},
	},
	"sync with an external server": {
		file:    "sync: 2s\n",
		environ: []string{"ONSALE_NATS_URL=nats://n1:4222"},
		want:    []string{`file FILE:1: sync cannot be set with nats.url (hint: it belongs to that server's own configuration; leave it out here)`},
	},
	"limits": {
		file:    "limits: {perUser: -1}\n",
		environ: []string{"ONSALE_LIMITS_PER_ADDRESS=1000001"},
		want: []string{
			`file FILE:1: limits.perUser is -1 (hint: from 0 to 1000000)`,
			`environment ONSALE_LIMITS_PER_ADDRESS: limits.perAddress is 1000001 (hint: from 0 to 1000000)`,
		},
	},
	"a certificate without its key": {
		args: []string{"--tls-cert", "missing.pem"},
		want: []string{`default: tls.key is empty, and tls.cert is set (hint: name the file with the certificate's private key, or leave both out for plain HTTP)`},
	},
	"a key without its certificate": {
		args: []string{"--tls-key", "missing.pem"},
		want: []string{`default: tls.cert is empty, and tls.key is set (hint: name the file with the certificate, or leave both out for plain HTTP)`},
	},
	"missing certificate and key": {
		file: "tls: {cert: missing.pem}\n",
		args: []string{"--tls-key", "missing.key"},
		want: []string{
			`file FILE:1: tls.cert is "missing.pem": no such file or directory, that is HERE/missing.pem (hint: name a file that can be read)`,
			`flag --tls-key: tls.key is "missing.key": no such file or directory, that is HERE/missing.key (hint: name a file that can be read)`,
		},
	},
	"files that are no certificate": {
		args: []string{"--tls-cert", "example.yaml", "--tls-key", "example.yaml"},
		want: []string{`flag --tls-cert: tls.cert cannot be used with tls.key: failed to find any PEM data in certificate input (hint: PEM files: the certificate with those of its issuers behind it, and its private key, without a password)`},
	},
	"external and embedded server": {
		args: []string{"--nats-url", "n1:4222,http://n2", "--nats-config", "missing.conf", "--nats-replicas=2"},
		want: []string{
			`flag --nats-url: nats.url has "xxxxx", which is not a server (hint: nats://host:4222, or the same with tls, ws or wss)`,
			`flag --nats-url: nats.url has "http://n2", which is not a server (hint: nats://host:4222, or the same with tls, ws or wss)`,
			`flag --nats-config: nats.config cannot be set with nats.url (hint: it configures the embedded server: leave one of the two out)`,
			`flag --nats-config: nats.config is "missing.conf": no such file or directory, that is HERE/missing.conf (hint: name a file that can be read)`,
			`flag --nats-replicas: nats.replicas is 2 (hint: 1, 3 or 5)`,
		},
	},
	"several logins to nats": {
		file:    "nats: {url: [nats://n1:4222], token: \"s3cret\\n\", nkey: missing.nk, prefix: _a}\n",
		environ: []string{"ONSALE_NATS_USER=onsale", "ONSALE_NATS_CERT=missing.pem"},
		want: []string{
			`file FILE:1: nats.nkey is "missing.nk": no such file or directory, that is HERE/missing.nk (hint: name a file that can be read)`,
			`file FILE:1: nats.token cannot be set with nats.user (hint: keep one way to sign in)`,
			`file FILE:1: nats.nkey cannot be set with nats.user (hint: keep one way to sign in)`,
			`file FILE:1: nats.token has a line break or blanks at an end (hint: a file's last line break may have come with it: leave it out)`,
			`default: nats.password is missing (hint: set ONSALE_NATS_PASSWORD to the password of nats.user)`,
			`default: nats.key is missing (hint: name the file of the key of nats.cert)`,
			`file FILE:1: nats.prefix is "_a" (hint: 1 to 32 of A-Z a-z 0-9 _ and -, not with _ at the start, and neither cmd nor evt, with which subjects begin)`,
		},
	},
	"a login in the url, too": {
		args: []string{"--nats-url", "nats://a:b@n1:4222", "--nats-token", "t"},
		want: []string{`flag --nats-token: nats.token cannot be set with a login in nats.url (hint: keep one way to sign in)`},
	},
	"a login to the embedded server": {
		environ: []string{"ONSALE_NATS_PASSWORD=p"},
		args:    []string{"--nats-token", "t", "--nats-ca", "example.yaml"},
		want: []string{
			`default: nats.user is missing (hint: nats.password belongs to it; a token is nats.token)`,
			`flag --nats-token: nats.token is for an external NATS (hint: set nats.url, or leave it out: the embedded server asks for no login)`,
			`flag --nats-ca: nats.ca is "example.yaml", which has no certificate (hint: a PEM file: -----BEGIN CERTIFICATE-----)`,
		},
	},
	"replicas without a cluster": {
		args: []string{"--nats-replicas", "3"},
		want: []string{`flag --nats-replicas: nats.replicas is 3, but the embedded server is not in a cluster (hint: 1, or a cluster by nats.config or nats.url)`},
	},
	"reachable address in demo mode": {
		args: []string{"--listen", ":8080"},
		want: []string{`flag --listen: listen is ":8080", where auth.mode demo lets any client act as any user (hint: listen on 127.0.0.1, or set auth.demoAnywhere: true if that is intended)`},
	},
	"demo with tokens at a reachable address": {
		environ: []string{"ONSALE_AUTH_SECRET=" + strings.Repeat("s", 32)}, args: []string{"--listen", ":8080", "--demo"},
		want: []string{`flag --listen: listen is ":8080", where demo lets any client pay without money (hint: leave out demo, or listen on 127.0.0.1, or set auth.demoAnywhere: true if that is intended)`},
	},
	"demo with tokens, allowed": {
		environ: []string{"ONSALE_AUTH_SECRET=" + strings.Repeat("s", 32)}, args: []string{"--listen", ":8080", "--demo", "--auth-demo-anywhere"},
	},
	"reachable address, allowed":   {args: []string{"--listen", "0.0.0.0:8080", "--auth-demo-anywhere"}},
	"loopback by its IPv6 address": {args: []string{"--listen", "[::1]:0"}},
	"invalid addresses": {
		args: []string{"--listen", "8080", "--data", "", "--cors-origins", "*,https://a.example/"},
		want: []string{
			`flag --listen: listen is "8080" (hint: a host and a port, such as 127.0.0.1:8080)`,
			`flag --data: data is empty (hint: name a directory, such as ./onsale-data)`,
			`flag --cors-origins: cors.origins has "*" (hint: https://shop.example, without a path; * is not allowed, because requests carry cookies)`,
			`flag --cors-origins: cors.origins has "https://a.example/" (hint: https://shop.example, without a path; * is not allowed, because requests carry cookies)`,
		},
	},
	"small log": {
		args: []string{"--log-events-max-bytes", "7MiB"},
		want: []string{`flag --log-events-max-bytes: log.eventsMaxBytes is 7MiB (hint: at least 8MiB)`},
	},
	"stream limits": {
		file: "streams: {maxConnections: -2, maxPerUser: none, maxPerAddress: -1, drainWindow: 11s}\n",
		want: []string{
			`file FILE:1: streams.maxPerUser is "none" (hint: a whole number, such as 100)`,
			`file FILE:1: streams.maxConnections is -2 (hint: how many, 0 for the default, or -1 for no limit)`,
			`file FILE:1: streams.drainWindow is 11s (hint: from 0s to 10s)`,
		},
	},
	"streams without limits": {
		file: "streams: {maxConnections: -1, maxPerUser: 0, maxPerAddress: 1, drainWindow: 0s}\n",
	},
	"payments": {
		file: "payments: {provider: toss, api: v3, currency: won, payWithin: 0s, missingWithin: 721h, maxOpenOrders: -1, timeout: 11m, concurrency: 0, url: 'https://k:s3cret@host', webhookSecrets: [abc, whsec_YQ==]}\n",
		want: []string{
			`file FILE:1: payments.provider is "toss" (hint: one of none, portone)`,
			`file FILE:1: payments.api is "v3" (hint: one of v1, v2)`,
			`file FILE:1: payments.currency is "won" (hint: a code of ISO 4217 in capitals, such as KRW)`,
			`file FILE:1: payments.payWithin is 0s (hint: from 1s to 720h0m0s)`,
			`file FILE:1: payments.missingWithin is 721h0m0s (hint: from 1s to 720h0m0s)`,
			`file FILE:1: payments.maxOpenOrders is -1 (hint: from 0 to 1000)`,
			`file FILE:1: payments.timeout is 11m0s (hint: from 1s to 10m0s)`,
			`file FILE:1: payments.concurrency is 0 (hint: from 1 to 256)`,
			`file FILE:1: payments.url is "https://xxxxx@host" (hint: a URL such as https://api.iamport.kr, or leave it out)`,
			`file FILE:1: payments.webhookSecrets has an invalid secret (hint: whsec_ and base64, as in the provider's console)`,
		},
	},
	"payments without keys": {
		environ: []string{"ONSALE_PAYMENTS_PROVIDER=portone"},
		want: []string{
			`default: payments.secret is missing (hint: set ONSALE_PAYMENTS_SECRET)`,
			`default: payments.key is missing (hint: set ONSALE_PAYMENTS_KEY to the store's imp_key)`,
		},
	},
	"payments with a line break in the secret": {
		environ: []string{"ONSALE_PAYMENTS_PROVIDER=portone", "ONSALE_PAYMENTS_KEY= k", "ONSALE_PAYMENTS_SECRET=s\n"},
		want: []string{
			`environment ONSALE_PAYMENTS_KEY: payments.key begins or ends with a blank, or has a line break (hint: cut it off; a secret that is read from a file often ends with one)`,
			`environment ONSALE_PAYMENTS_SECRET: payments.secret begins or ends with a blank, or has a line break (hint: cut it off; a secret that is read from a file often ends with one)`,
		},
	},
	"payments by v2, which has no key": {
		environ: []string{"ONSALE_PAYMENTS_PROVIDER=portone", "ONSALE_PAYMENTS_API=v2", "ONSALE_PAYMENTS_SECRET=s"},
	},
	"debug port and tracing": {
		file: "debug: {listen: '0.0.0.0:6060'}\ntracing: {otlp: 'k:s3cret@collector', sample: 1.5}\n",
		want: []string{
			`file FILE:1: debug.listen is "0.0.0.0:6060" (hint: an address of this machine alone, such as 127.0.0.1:6060)`,
			`file FILE:2: tracing.otlp is "xxxxx" (hint: a URL such as http://127.0.0.1:4318/v1/traces)`,
			`file FILE:2: tracing.sample is 1.5 (hint: from 0 to 1)`,
		},
	},
	"tracing a share that is none": {
		args: []string{"--tracing-sample", "NaN", "--debug-listen", "localhost"},
		want: []string{
			`flag --debug-listen: debug.listen is "localhost" (hint: an address of this machine alone, such as 127.0.0.1:6060)`,
			`flag --tracing-sample: tracing.sample is NaN (hint: from 0 to 1)`,
		},
	},
	"heartbeat longer than a stream": {
		args: []string{"--streams-max-age", "20s", "--streams-user-max-age", "25s", "--logging-level", "loud"},
		want: []string{
			`flag --streams-max-age: streams.maxAge is 20s (hint: longer than streams.heartbeat, 30s)`,
			`flag --streams-user-max-age: streams.userMaxAge is 25s (hint: longer than streams.userHeartbeat, 25s)`,
			`flag --logging-level: logging.level is "loud" (hint: one of debug, info, warn, error)`,
		},
	},
}

func TestLoad_ReportsFaults(t *testing.T) {
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range faultTests {
		t.Run(name, func(t *testing.T) {
			path := writeConfig(t, test.file)
			_, _, err := load(t, test.environ, append(test.args, "--config", path)...)
			var got []string
			if faults, ok := errors.AsType[Faults](err); ok {
				got = strings.Split(strings.NewReplacer(path, "FILE", here, "HERE").Replace(faults.Error()), "\n")
			}
			if !reflect.DeepEqual(got, test.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(test.want, "\n"))
			}
		})
	}
}

func TestLoad_ReportsMissingFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "none.yaml")
	_, _, err := load(t, nil, "--config", path, "--sync", "soon")
	if got, want := len(err.(Faults)), 2; got != want {
		t.Fatalf("got %d faults (%v), want %d", got, err, want)
	}
	if got, want := err.(Faults)[0].What, "no such file or directory"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// A faulty value leaves the one of the weaker source, so that the rest can be validated.
func TestLoad_KeepsWeakerValue(t *testing.T) {
	c, from, _ := load(t, []string{"ONSALE_STREAMS_MAX_CATCH_UPS=7"}, "--streams-max-catch-ups", "8x")
	if got, want := c.Streams.MaxCatchUps, 7; got != want {
		t.Errorf("got %d, want %d", got, want)
	}
	if got, want := from.Of("streams.maxCatchUps"), Origin("environment ONSALE_STREAMS_MAX_CATCH_UPS; not the invalid value of flag --streams-max-catch-ups"); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// FuzzFile checks that any file is read or reported as faults.
func FuzzFile(f *testing.F) {
	example, err := os.ReadFile("example.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(example))
	f.Add("a: &a [*a]\nnats: &n {url: *n}\n--- |\n")
	f.Add("? {a: b}\n: c\n<<: {listen: x}\n")
	f.Fuzz(func(t *testing.T, text string) {
		_, _, err := load(t, nil, "--config", writeConfig(t, text))
		if _, ok := errors.AsType[Faults](err); err != nil && !ok {
			t.Errorf("got %v, want faults", err)
		}
	})
}
