package config

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func TestLoad_ReportsFaults(t *testing.T) {
	for name, test := range map[string]struct {
		file    string
		environ []string
		args    []string
		want    []string // each line from the beginning to the hint
	}{
		"each source at once": {
			file:    "lisen: 127.0.0.1:1\nstreams:\n  ringEvents: many\n  catchUps: 0\n",
			environ: []string{"ONSALE_BACKLOG_MAX_AGE=5", "ONSALE_AUTH_MODE=jwt"},
			args:    []string{"--sync", "1ms", "--log-min-free-disk", "-1", "--demo=perhaps"},
			want: []string{
				`file FILE:1: no setting is called lisen (hint: did you mean listen?)`,
				`file FILE:3: streams.ringEvents is "many" (hint: a whole number, such as 16384)`,
				`environment ONSALE_BACKLOG_MAX_AGE: backlog.maxAge is "5" (hint: a time with its unit, such as 500ms, 30s or 5m)`,
				`flag --log-min-free-disk: log.minFreeDisk is "-1" (hint: a size with its unit, such as 256MiB)`,
				`flag --demo: demo is "perhaps" (hint: true or false)`,
				`flag --sync: sync is 1ms (hint: from 100ms to 10m0s)`,
				`file FILE:4: streams.catchUps is 0 (hint: from 1 to 4096)`,
				`environment ONSALE_AUTH_MODE: auth.mode is "jwt" (hint: this version has demo only)`,
			},
		},
		"yaml that is none": {
			file: "node: a\nlisten: a: b\n",
			args: []string{"--node", "a b"},
			want: []string{
				`file FILE: line 2: mapping values are not allowed in this context (hint: write YAML, one "key: value" a line)`,
				`flag --node: node is "a b" (hint: 1 to 32 of A-Z a-z 0-9 _ and -)`,
			},
		},
		"shapes": {
			file: "listen: [a, b]\ndata:\nnats: here\nnode: a\nnode: b\nstream: {}\nsync: {always: true}\ncors: {origins: [{a: b}]}\n---\ndemo: true\n",
			want: []string{
				`file FILE:1: listen has no value of its kind (hint: one value on the same line; "" is the empty one)`,
				`file FILE:2: data has no value of its kind (hint: one value on the same line; "" is the empty one)`,
				`file FILE:3: nats holds settings, not a value (hint: put each on a line of its own, "key: value")`,
				`file FILE:5: node is given twice (hint: it stands in line 4 already)`,
				`file FILE:6: no setting is called stream (hint: did you mean streams?)`,
				`file FILE:7: sync has no value of its kind (hint: always, or a time with its unit, such as 1s)`,
				`file FILE:8: cors.origins has no value of its kind (hint: one value, or several as a list)`,
				`file FILE:9: a second document begins here (hint: keep one, with no line of dashes below it)`,
			},
		},
		"no section": {
			file: "- a\n",
			want: []string{`file FILE:1: the file holds settings, not a value (hint: put each on a line of its own, "key: value")`},
		},
		"nothing said": {file: "# a comment\n"},
		"empty sections": {
			file: "nats:\n  # url: x\nstreams:\n",
		},
		"anchors": {
			file: "listen: &here 127.0.0.1:1\nnode: a\nlog: &log {minFreeDisk: 1MiB, events: *log}\ndata: *here\n",
			want: []string{`file FILE:3: no setting is called log.events (hint: "onsale serve --check" lists the settings)`},
		},
		"sync belongs to an external server": {
			file:    "sync: 2s\n",
			environ: []string{"ONSALE_NATS_URL=nats://n1:4222"},
			want:    []string{`file FILE:1: sync cannot be given with nats.url (hint: it belongs to that server's own configuration; leave it out here)`},
		},
		"two servers": {
			args: []string{"--nats-url", "n1:4222,http://n2", "--nats-config", "missing.conf", "--nats-replicas=2"},
			want: []string{
				`flag --nats-url: nats.url has "xxxxx", which is no server (hint: nats://host:4222, or the same with tls, ws or wss)`,
				`flag --nats-url: nats.url has "http://n2", which is no server (hint: nats://host:4222, or the same with tls, ws or wss)`,
				`flag --nats-config: nats.config cannot be given with nats.url (hint: an embedded server, or another one: leave one of the two out)`,
				`flag --nats-config: nats.config is "missing.conf": no such file or directory (hint: name a file that can be read)`,
				`flag --nats-replicas: nats.replicas is 2 (hint: 1, 3 or 5)`,
			},
		},
		"alone": {
			args: []string{"--nats-replicas", "3"},
			want: []string{`flag --nats-replicas: nats.replicas is 3, and the embedded server is alone (hint: 1, or a cluster by nats.config or nats.url)`},
		},
		"reachable demo": {
			args: []string{"--listen", ":8080"},
			want: []string{`flag --listen: listen is ":8080", where auth.mode demo lets anybody be anybody (hint: listen on 127.0.0.1, or set auth.demoAnywhere: true if that is meant)`},
		},
		"reachable demo, told twice": {args: []string{"--listen", "0.0.0.0:8080", "--auth-demo-anywhere"}},
		"loopback by other names":    {args: []string{"--listen", "[::1]:0"}},
		"no address": {
			args: []string{"--listen", "8080", "--data", "", "--cors-origins", "*,https://a.example/"},
			want: []string{
				`flag --listen: listen is "8080" (hint: a host and a port, such as 127.0.0.1:8080)`,
				`flag --data: data is empty (hint: name a directory, such as ./onsale-data)`,
				`flag --cors-origins: cors.origins has "*" (hint: https://shop.example, without a path; * is no origin, since cookies go along)`,
				`flag --cors-origins: cors.origins has "https://a.example/" (hint: https://shop.example, without a path; * is no origin, since cookies go along)`,
			},
		},
		"small log": {
			args: []string{"--log-events-max-bytes", "7MiB"},
			want: []string{`flag --log-events-max-bytes: log.eventsMaxBytes is 7MiB (hint: at least 8MiB)`},
		},
		"limits of streams": {
			file: "streams: {maxConnections: -2, maxPerUser: none, maxPerAddress: -1, drainWindow: 11s}\n",
			want: []string{
				`file FILE:1: streams.maxPerUser is "none" (hint: a whole number, such as 100)`,
				`file FILE:1: streams.maxConnections is -2 (hint: how many, 0 for the default, or -1 for no bound)`,
				`file FILE:1: streams.drainWindow is 11s (hint: from 0s to 10s)`,
			},
		},
		"limits of streams that are none": {
			file: "streams: {maxConnections: -1, maxPerUser: 0, maxPerAddress: 1, drainWindow: 0s}\n",
		},
		"payments": {
			file: "payments: {provider: toss, api: v3, currency: won, payWithin: 0s, timeout: 11m, atOnce: 0, url: 'https://k:s3cret@host', webhookSecrets: [abc, whsec_YQ==]}\n",
			want: []string{
				`file FILE:1: payments.provider is "toss" (hint: one of none, portone)`,
				`file FILE:1: payments.api is "v3" (hint: one of v1, v2)`,
				`file FILE:1: payments.currency is "won" (hint: three letters, such as KRW)`,
				`file FILE:1: payments.payWithin is 0s (hint: from 1s to 720h0m0s)`,
				`file FILE:1: payments.timeout is 11m0s (hint: from 1s to 10m0s)`,
				`file FILE:1: payments.atOnce is 0 (hint: from 1 to 256)`,
				`file FILE:1: payments.url is "https://xxxxx@host" (hint: https://api.iamport.kr, say; or leave it out)`,
				`file FILE:1: payments.webhookSecrets has one that is none (hint: whsec_ and base64, as the provider's console shows it)`,
			},
		},
		"payments without keys": {
			environ: []string{"ONSALE_PAYMENTS_PROVIDER=portone"},
			want: []string{
				`default: payments.secret is missing (hint: set ONSALE_PAYMENTS_SECRET)`,
				`default: payments.key is missing (hint: the imp_key of the shop; set ONSALE_PAYMENTS_KEY)`,
			},
		},
		"payments by v2 need no key": {
			environ: []string{"ONSALE_PAYMENTS_PROVIDER=portone", "ONSALE_PAYMENTS_API=v2", "ONSALE_PAYMENTS_SECRET=s"},
		},
		"heartbeat": {
			args: []string{"--streams-max-life", "20s", "--streams-user-max-life", "25s", "--logging-level", "loud"},
			want: []string{
				`flag --streams-max-life: streams.maxLife is 20s (hint: longer than streams.heartbeat, 30s)`,
				`flag --streams-user-max-life: streams.userMaxLife is 25s (hint: longer than streams.userHeartbeat, 25s)`,
				`flag --logging-level: logging.level is "loud" (hint: one of debug, info, warn, error)`,
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := writeConfig(t, test.file)
			_, _, err := load(t, test.environ, append(test.args, "--config", path)...)
			var got []string
			if faults, ok := errors.AsType[Faults](err); ok {
				got = strings.Split(strings.ReplaceAll(faults.Error(), path, "FILE"), "\n")
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

// A faulty value leaves what weaker sources said, so that the rest can be judged.
func TestLoad_KeepsWeakerValue(t *testing.T) {
	c, from, _ := load(t, []string{"ONSALE_STREAMS_CATCH_UPS=7"}, "--streams-catch-ups", "8x")
	if got, want := c.Streams.CatchUps, 7; got != want {
		t.Errorf("got %d, want %d", got, want)
	}
	if got, want := from.Of("streams.catchUps"), Origin("environment ONSALE_STREAMS_CATCH_UPS"); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// FuzzFile holds that no file, however broken, is more than a fault.
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
