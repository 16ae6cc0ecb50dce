package command_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"onsale/cmd/onsale/command"
	"onsale/cmd/onsale/e2e/harness"
	"onsale/streams/streamtest"
)

// With the permissions that are delivered, and no others, a node serves and an auditor reads; neither an auditor nor a user of another
// account puts anything into EVENTS, and nobody deletes a stream.
func TestPermissions_Suffice(t *testing.T) {
	delivered, err := os.ReadFile("../../../config/deploy/nats/onsale.conf")
	if err != nil {
		t.Fatal(err)
	}
	t.Run("as delivered", func(t *testing.T) { checkPermissions(t, delivered, "") })
	// As its comment says.
	prefixed := strings.NewReplacer("COMMANDS", "shop_COMMANDS", "EVENTS", "shop_EVENTS", `"cmd.`, `"shop.cmd.`, `"evt.`, `"shop.evt.`, `"onsale.*`, `"shop.onsale.*`).
		Replace(string(delivered))
	t.Run("with a prefix", func(t *testing.T) { checkPermissions(t, []byte(prefixed), "shop") })
}

func checkPermissions(t *testing.T, delivered []byte, prefix string) {
	dir := t.TempDir()
	path := filepath.Join(dir, "nats.conf")
	if err := errors.Join(os.WriteFile(filepath.Join(dir, "onsale.conf"), delivered, 0o600), os.WriteFile(path, []byte(`
		jetstream {}
		accounts {
			ONSALE { jetstream: enabled, include "onsale.conf" }
			OTHERS { jetstream: enabled, users: [{user: other, password: other}] }
		}`), 0o600)); err != nil {
		t.Fatal(err)
	}
	t.Setenv("ONSALE_NATS_PASSWORD", "node-secret")
	t.Setenv("ONSALE_AUDITOR_PASSWORD", "auditor-secret")
	url := streamtest.ServeConfigFile(t, path)
	t.Setenv("ONSALE_NATS_URL", url)
	t.Setenv("ONSALE_NATS_PREFIX", prefix)
	t.Setenv("ONSALE_NATS_USER", "onsale")
	node := harness.NewNode(t, "--demo", "--nats-replicas", "1", "--log-commands-max-bytes", "64MiB", "--log-events-max-bytes", "64MiB", "--payments-timeout", "5s")
	process := node.StartDemo()
	harness.MustCommand(t, node.URL(), "kim", "/api/v1/promotions/demo/coupons", "")
	names, subjects := "", ""
	if prefix != "" {
		names, subjects = prefix+"_", prefix+"."
	}
	stray := func(user, password string) error {
		for _, subject := range []string{subjects + "evt.coupons.demo.kim", subjects + "cmd.box-1", "$JS.API.STREAM.DELETE." + names + "EVENTS"} {
			nc, err := nats.Connect(url, nats.UserInfo(user, password), nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}))
			if err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(nc.Publish(subject, []byte(`{"x":1}`)), nc.Flush()); err != nil {
				t.Fatal(err)
			}
			err = nc.LastError()
			nc.Close()
			if !errors.Is(err, nats.ErrPermissionViolation) {
				return fmt.Errorf("%s was not denied: %w", subject, err)
			}
		}
		return nil
	}
	if err := stray("onsale-auditor", "auditor-secret"); err != nil {
		t.Error("the auditor:", err)
	}
	if err := stray("other", "other"); err == nil {
		t.Error("another account may publish what it likes, to itself")
	}
	// A restart finds the streams, consumers and its own name.
	process.Terminate(t)
	process = node.Start()
	harness.MustCommand(t, node.URL(), "lee", "/api/v1/promotions/demo/coupons", "")
	for user, password := range map[string]string{"onsale": "node-secret", "onsale-auditor": "auditor-secret"} {
		environ := []string{"ONSALE_NATS_URL=" + url, "ONSALE_NATS_USER=" + user, "ONSALE_NATS_PASSWORD=" + password, "ONSALE_NATS_PREFIX=" + prefix}
		for _, args := range [][]string{{"audit", "--trace", "lee"}, {"replay"}, {"nodes"}} {
			if user == "onsale" && args[0] == "nodes" {
				continue // it may not list consumers
			}
			var stdout, stderr bytes.Buffer
			code := command.Run(t.Context(), args, &stdout, &stderr, environ)
			if code != 0 || stderr.Len() > 0 || !strings.Contains(stdout.String(), "lee") && !strings.Contains(stdout.String(), "box-1  process ") {
				t.Errorf("%s as %s: exit code %d\n%s%s", args[0], user, code, &stdout, &stderr)
			}
		}
	}
	if ready := node.MustDo(t.Context(), harness.NewHTTPClient(t, 0), "GET", "/readyz", ""); ready.Status != 200 {
		t.Errorf("not ready: %s", ready)
	}
	process.Terminate(t)
	if lines := process.Stderr(); strings.Contains(lines, "denies") || strings.Contains(lines, "level=ERROR") {
		t.Errorf("the node misses a permission:\n%s", lines)
	}
}

// What is wrong with NATS is said at the terminal, with one hint, within seconds.
func TestTools_ExplainNATS(t *testing.T) {
	login := streamtest.Configured(t, func(o *server.Options) { o.Username, o.Password = "onsale", "right" })
	plain := streamtest.Cluster(t, 1)
	ca := streamtest.NewCA(t)
	secure := streamtest.Configured(t, func(o *server.Options) { o.TLS, o.TLSConfig = true, ca.ServerTLS(t, false) })
	for name, test := range map[string]struct {
		args    []string
		environ []string
		want    string
	}{
		"wrong password": {[]string{"nodes", "--nats-url", login.URLs[0], "--nats-user", "onsale"}, []string{"ONSALE_NATS_PASSWORD=wrong"},
			"onsale: nats refuses the login of user onsale (nats: authorization violation)\nhint: check nats.user and nats.password, and that the server has this user\n"},
		"no login": {[]string{"audit", "--nats-url", login.URLs[0]}, nil,
			"onsale: nats refuses the login: none is set (nats: authorization violation)\nhint: set nats.user and nats.password, nats.token, nats.nkey, nats.creds, or nats.context\n"},
		"unknown CA": {[]string{"replay", "--nats-url", secure.URLs[0]}, nil,
			"onsale: not connected to nats: its certificate is of an authority that is not trusted here\nhint: name the file of that CA with nats.ca\n"},
		"no log": {[]string{"audit", "--nats-url", plain.URLs[0], "--nats-prefix", "shop"}, nil,
			"onsale: no log: stream shop_COMMANDS or shop_EVENTS is missing, and a tool creates none\nhint: a node creates it; check nats.url, the account, and nats.prefix\n"},
		"one server": {[]string{"serve", "--nats-url", plain.URLs[0], "--data", t.TempDir(), "--listen", "127.0.0.1:0"}, nil,
			"hint: a single server keeps one copy: set nats.replicas to 1 (--nats-replicas 1), or name a cluster\n"},
	} {
		t.Run(name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			started := time.Now()
			code := command.Run(t.Context(), test.args, &stdout, &stderr, test.environ)
			if code != 1 || !strings.HasSuffix(stderr.String(), test.want) || name != "one server" && stderr.String() != test.want {
				t.Errorf("exit code %d after %v, %q, want %q", code, time.Since(started), &stderr, test.want)
			}
		})
	}
}

// A stray publish into EVENTS halts the node, which names it; repair cuts it off, and the sale goes on without a loss.
func TestRepair_CutsStrayPublish(t *testing.T) {
	servers := streamtest.Cluster(t, 1)
	node := harness.NewNode(t, "--demo", "--nats-url", servers.URLs[0], "--nats-prefix", "shop", "--nats-replicas", "1",
		"--log-commands-max-bytes", "64MiB", "--log-events-max-bytes", "64MiB", "--streams-drain-window", "0s")
	process := node.StartDemo()
	first := harness.MustCommand(t, node.URL(), "kim", "/api/v1/promotions/demo/coupons", "")
	epoch, last, _ := strings.Cut(first.EventID, "-")
	number, err := strconv.Atoi(last)
	if err != nil {
		t.Fatal(err)
	}
	stray := strconv.Itoa(number + 1)
	nc, err := nats.Connect(servers.URLs[0])
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	if _, err := nc.Request("shop.evt.coupons.demo.kim", []byte(`{"x":1}`), 10*time.Second); err != nil {
		t.Fatal(err)
	}
	client := harness.NewHTTPClient(t, 0)
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		ready := node.MustDo(t.Context(), client, "GET", "/readyz", "")
		if strings.Contains(string(ready.Body), "another program has published into EVENTS: message "+stray+" on evt.coupons.demo.kim") {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the node does not name the message: %s", ready)
		}
	}
	repair := func(code int, want string, flags ...string) {
		t.Helper()
		var stdout, stderr bytes.Buffer
		args := append([]string{"repair", "--nats-url", servers.URLs[0], "--nats-prefix", "shop"}, flags...)
		got := command.Run(t.Context(), args, &stdout, &stderr, nil)
		if output := stdout.String() + stderr.String(); got != code || !strings.Contains(output, want) {
			t.Fatalf("%v: exit code %d, %s; want %d and %q", args, got, output, code, want)
		}
	}
	repair(1, `hint: "onsale repair --cut-foreign" cuts them off`)
	repair(1, "hint: stop all nodes first", "--cut-foreign")
	process.Terminate(t)
	repair(1, "EVENTS: messages "+stray+" to "+stray+" are not onsale's; the first is on evt.coupons.demo.kim")
	repair(0, "stream shop_EVENTS_before_repair", "--cut-foreign")
	repair(0, "nothing is foreign in EVENTS")
	repair(2, "--accept-lost-commands works on a data directory", "--accept-lost-commands")
	process = node.Start()
	if again := harness.MustCommand(t, node.URL(), "lee", "/api/v1/promotions/demo/coupons", ""); again.EventID != epoch+"-"+stray {
		t.Errorf("lee's coupon is event %s after %s: want the number of the stray message", again.EventID, first.EventID)
	}
	process.Terminate(t)
	var stdout, stderr bytes.Buffer
	if code := command.Run(t.Context(), []string{"audit", "--nats-url", servers.URLs[0], "--nats-prefix", "shop"}, &stdout, &stderr, nil); code != 0 {
		t.Errorf("audit: %s%s", &stdout, &stderr)
	}
}
