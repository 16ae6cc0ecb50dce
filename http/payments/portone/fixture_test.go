// What all tests here share: a fake PortOne on a real socket, and a client of each API.

package portone_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"onsale/http/payments/portone"
	"onsale/http/payments/portone/fakeportone"
)

// apiClient is V1 or V2.
type apiClient interface {
	Get(ctx context.Context, ref string) (portone.Payment, error)
	Find(ctx context.Context, merchantUID string) ([]portone.Payment, error)
	Cancel(ctx context.Context, c portone.Cancel) (pending bool, err error)
	Prepare(ctx context.Context, merchantUID string, amount int64) error
	ParseWebhook(header http.Header, body []byte) (portone.Webhook, error)
}

// fixture is a fake, and the configuration of a client of one API.
type fixture struct {
	*fakeportone.Server
	api    string
	config portone.Config
	server *httptest.Server
	clock  *clock
}

// forEachAPI runs a test with a fixture of each API.
func forEachAPI(t *testing.T, test func(t *testing.T, f *fixture)) {
	t.Helper()
	for _, api := range []string{"v1", "v2"} {
		t.Run(api, func(t *testing.T) {
			t.Parallel()
			test(t, newFixture(t, api))
		})
	}
}

func newFixture(t testing.TB, api string) *fixture {
	t.Helper()
	c := &clock{now: time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)}
	f := fakeportone.New()
	f.Now = c.Now
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	config := portone.Config{URL: server.URL, Now: c.Now}
	if api == "v1" {
		config.Key, config.Secret = f.Key, f.Secret
	} else {
		config.Secret, config.Store, config.WebhookSecrets = f.APISecret, f.Store, f.WebhookSecrets
	}
	return &fixture{f, api, config, server, c}
}

func (f *fixture) client(t testing.TB) apiClient {
	t.Helper()
	return newClient(t, f.api, f.config)
}

func newClient(t testing.TB, api string, c portone.Config) (g apiClient) {
	t.Helper()
	v1, err := (*portone.V1)(nil), error(nil)
	if api == "v1" {
		v1, err = portone.NewV1(c)
		g = v1
	} else {
		g, err = portone.NewV2(c)
	}
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// pay makes a paid payment and returns its reference in this API and its imp_uid.
func (f *fixture) pay(order string, amount int64) (ref, impUID string) {
	impUID = f.Pay(order, amount)
	if f.api == "v1" {
		return impUID, impUID
	}
	return order, impUID
}

func (f *fixture) wantNoViolations(t *testing.T) {
	t.Helper()
	for _, v := range f.Violations() {
		t.Errorf("violation: %s", v)
	}
}

// outcome is exactly one of yes, no and unknown.
func outcome(err error) string {
	_, refused := errors.AsType[*portone.Refusal](err)
	unknown := errors.Is(err, portone.ErrUnknown)
	switch {
	case err == nil:
		return "yes"
	case refused && !unknown:
		return "no"
	case unknown && !refused:
		return "unknown"
	}
	return "neither yes, no nor unknown: " + err.Error()
}

func wantOutcome(t *testing.T, err error, want string) {
	t.Helper()
	if got := outcome(err); got != want {
		t.Errorf("got %s, want %s: %v", got, want, err)
	}
}

func cancelRequest(ref string, amount, balance int64) portone.Cancel {
	key := "key-of-" + ref + "-0123456789"
	return portone.Cancel{Ref: ref, Amount: amount, Cancellable: balance, Currency: "KRW", Reason: "품절: a, b", Key: key}
}

// clock stops until it is advanced.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}
