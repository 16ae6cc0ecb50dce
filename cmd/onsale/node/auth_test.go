package node_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"onsale/cmd/onsale/e2e/harness"
	"onsale/streams/streamtest"
)

// signIn makes a key in dir and returns the flags that make a node verify its tokens, and a function that signs one.
func signIn(t *testing.T, at *harness.Node, dir string) (flags []string, token func(user string, more ...string) (header string)) {
	t.Helper()
	tool := func(args ...string) string {
		stdout, stderr, code := at.RunTool(append([]string{"token"}, args...)...)
		if code != 0 {
			t.Fatal(stderr)
		}
		return strings.TrimSpace(stdout)
	}
	tool("--new-key", dir)
	return []string{"--auth-jwks", filepath.Join(dir, "jwks.json")}, func(user string, more ...string) string {
		return "Bearer " + tool(append([]string{"--key", filepath.Join(dir, "private.jwk"), "--user", user}, more...)...)
	}
}

// A node that never read its keys would refuse everybody, so load balancers should send nobody.
func TestNode_IsNotReadyBeforeItHasKeys(t *testing.T) {
	t.Parallel()
	ctx, client := harness.TimeoutContext(t, 60*time.Second), harness.NewHTTPClient(t, 0)
	login := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(login.Close)
	at := harness.NewNode(t, "--auth-jwks", login.URL)
	start(t, at)
	if a := at.MustDo(ctx, client, "GET", "/readyz", ""); a.Status != 503 || !strings.Contains(a.Body, "no keys yet: ") || strings.Contains(a.Body, login.URL) {
		t.Errorf("got %v, want 503 and the reason", a)
	}
}

// What "onsale token" signs is what a node verifies, and nothing else is believed.
func TestNode_VerifiesTokens(t *testing.T) {
	t.Parallel()
	ctx, client := harness.TimeoutContext(t, 60*time.Second), harness.NewHTTPClient(t, 0)
	at := harness.NewNode(t, "--demo")
	flags, token := signIn(t, at, t.TempDir())
	file := filepath.Join(t.TempDir(), "onsale.yaml")
	if err := os.WriteFile(file, []byte("auth: {issuer: 'https://login.example', audience: onsale}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	at.Args = append(append(at.Args, "--config", file), flags...)
	anywhere := token
	token = func(user string, more ...string) string { return anywhere(user, append(more, "--config", file)...) }
	_, forged := signIn(t, at, t.TempDir())
	start(t, at)
	for name, test := range map[string]struct {
		path   string
		header []string
		want   int
	}{
		"a user":                    {"/api/v1/me/coupons", []string{"Authorization", token("kim")}, 200},
		"nobody":                    {"/api/v1/me/coupons", nil, 401},
		"an invented user":          {"/api/v1/me/coupons?userId=kim", []string{"X-User-Id", "kim", "Cookie", "onsale_user=kim"}, 401},
		"a token of another key":    {"/api/v1/me/coupons", []string{"Authorization", forged("kim", "--role", "admin")}, 401},
		"a token for any node":      {"/api/v1/me/coupons", []string{"Authorization", anywhere("kim")}, 401},
		"a user as admin":           {"/api/v1/admin/stats", []string{"Authorization", token("admin")}, 403},
		"an admin":                  {"/api/v1/admin/stats", []string{"Authorization", token("lee", "--role", "admin")}, 200},
		"a cookie":                  {"/api/v1/me/coupons", []string{"Cookie", "onsale_token=" + strings.TrimPrefix(token("kim"), "Bearer ")}, 200},
		"nobody, of what is public": {"/api/v1/promotions", nil, 200},
	} {
		if a := at.MustDo(ctx, client, "GET", test.path, "", test.header...); a.Status != test.want {
			t.Errorf("%s: got %v, want %d", name, a, test.want)
		}
	}
}

// A ticket may come to another node than the one that issued it. Once it was used, it is used everywhere.
func TestNode_RedeemsTicketsOfOthers(t *testing.T) {
	t.Parallel()
	ctx, client := harness.TimeoutContext(t, 60*time.Second), harness.NewHTTPClient(t, 0)
	servers := streamtest.Cluster(t, 1)
	a, b := harness.NewNode(t, "--node", "a"), harness.NewNode(t, "--node", "b")
	flags, token := signIn(t, a, t.TempDir())
	flags = append(flags, "--nats-url", servers.URLs[0], "--nats-replicas", "1", "--log-commands-max-bytes", "64MiB", "--log-events-max-bytes", "64MiB")
	a.Args, b.Args = append(a.Args, flags...), append(b.Args, flags...)
	start(t, a)
	start(t, b)
	issue := func(at *harness.Node) string {
		response := at.MustDo(ctx, client, "POST", "/api/v1/me/tickets", "", "Authorization", token("kim"))
		var issued struct{ Ticket string }
		if err := json.Unmarshal([]byte(response.Body), &issued); err != nil || !strings.Contains(issued.Ticket, ".") {
			t.Fatalf("got %v", response)
		}
		return issued.Ticket
	}
	open := func(at *harness.Node, ticket string, want int) {
		t.Helper()
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, at.URL()+"/api/v1/me/events?ticket="+ticket, nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != want {
			t.Errorf("got %d, want %d", response.StatusCode, want)
		}
	}
	for _, way := range [][2]*harness.Node{{a, a}, {a, b}, {b, a}} {
		ticket := issue(way[0])
		open(way[1], ticket, 200)
		open(a, ticket, 401)
		open(b, ticket, 401)
	}
	open(a, "nobody."+strings.Repeat("A", 26), 401)
}
