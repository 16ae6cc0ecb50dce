package auth

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"onsale/config/readfile"
)

// issuer is a server of a key set.
type issuer struct {
	*httptest.Server
	mu       sync.Mutex
	answer   http.HandlerFunc
	requests atomic.Int64
}

func newIssuer(t *testing.T, ids ...string) *issuer {
	i := &issuer{}
	i.publish(t, ids...)
	i.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		i.requests.Add(1)
		i.mu.Lock()
		answer := i.answer
		i.mu.Unlock()
		answer(w, r)
	}))
	t.Cleanup(i.Close)
	return i
}

func (i *issuer) publish(t *testing.T, ids ...string) {
	set := publicSet(t, ids...)
	i.respond(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(set) })
}

func (i *issuer) respond(answer http.HandlerFunc) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.answer = answer
}

// newIssuedAuthenticator refreshes when the test says so, unless it gives other times.
func newIssuedAuthenticator(t *testing.T, i *issuer, every, pause time.Duration) *Authenticator {
	t.Helper()
	a, err := newAuthenticator(Config{Mode: JWT, JWKS: i.URL + "/keys", Node: "node-1"}, every, pause, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	return a
}

func tokenOf(t *testing.T, id string) string {
	algorithm, err := algorithmOf(signers()[id].Public())
	if err != nil {
		t.Fatal(err)
	}
	return signed(t, algorithm, signers()[id], map[string]any{"kid": id}, lasting(nil))
}

func expect(t *testing.T, a *Authenticator, token, want string) {
	t.Helper()
	if got := outcome(a.Identify(withBearer(token), false)); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// eventually waits for what happens in the background.
func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s did not happen", what)
		}
	}
}

func TestKeySet_Rotation(t *testing.T) {
	i := newIssuer(t, "ed")
	a := newIssuedAuthenticator(t, i, time.Hour, 0)
	before, after := tokenOf(t, "ed"), tokenOf(t, "rs")
	expect(t, a, before, "user kim")
	i.publish(t, "ed", "rs")
	expect(t, a, before, "user kim")
	if got := i.requests.Load(); got != 1 {
		t.Errorf("got %d requests, want 1: a known key costs none", got)
	}
	expect(t, a, after, "user kim") // the unknown key makes the set be read again
	i.publish(t, "rs", "ec")
	expect(t, a, before, "user kim") // as long as nobody reads the set
	expect(t, a, tokenOf(t, "ec"), "user kim")
	expect(t, a, before, "the token's key is unknown") // although it had been verified before
	expect(t, a, after, "user kim")
}

// What has identities open hears of a key that was withdrawn, not of one that was added or stays.
func TestKeySet_AnnouncesWithdrawal(t *testing.T) {
	i := newIssuer(t, "ed")
	a := newIssuedAuthenticator(t, i, time.Hour, 0)
	withdrawn := 0
	a.OnKeyWithdrawn(func() { withdrawn++ })
	ticket, _, err := a.IssueTicket(Identity{User: "kim", Expires: time.Now().Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if who, err := a.RedeemTicket(ticket); err == nil {
			t.Errorf("a ticket of a withdrawn key opens a stream of %+v", who)
		}
	}()
	for _, step := range []struct {
		ids  []string
		want int
	}{{[]string{"ed"}, 0}, {[]string{"ed", "rs"}, 0}, {[]string{"rs", "ed"}, 0}, {[]string{"rs"}, 1}, {[]string{"ec"}, 2}, {nil, 3}} {
		i.publish(t, step.ids...)
		a.source.refresh(t.Context())
		if withdrawn != step.want {
			t.Errorf("with keys %v: heard of %d withdrawals, want %d", step.ids, withdrawn, step.want)
		}
	}
}

func TestKeySet_RefreshesInBackground(t *testing.T) {
	i := newIssuer(t, "ed")
	a := newIssuedAuthenticator(t, i, 10*time.Millisecond, time.Hour)
	old := tokenOf(t, "ed")
	expect(t, a, old, "user kim")
	i.publish(t, "rs")
	eventually(t, "the end of the old key", func() bool { _, err := a.Identify(withBearer(old), false); return err != nil })
	expect(t, a, tokenOf(t, "rs"), "user kim")
}

func TestKeySet_SameTextKeepsVerifiedTokens(t *testing.T) {
	i := newIssuer(t, "ed")
	a := newIssuedAuthenticator(t, i, time.Hour, time.Hour)
	expect(t, a, tokenOf(t, "ed"), "user kim")
	before := a.source.current()
	a.source.refresh(t.Context())
	if a.source.current() != before {
		t.Error("the key set was replaced by an equal one")
	}
}

// However many tokens name unknown keys, the issuer is asked once per pause.
func TestKeySet_FloodOfUnknownKeys(t *testing.T) {
	i := newIssuer(t, "ed")
	a := newIssuedAuthenticator(t, i, time.Hour, time.Hour)
	good := tokenOf(t, "ed")
	expect(t, a, good, "user kim")
	var wg sync.WaitGroup
	for n := range 8 {
		wg.Go(func() {
			for m := range 50 {
				token := signed(t, edDSA, signers()["other"], map[string]any{"kid": fmt.Sprint("k", n, "-", m)}, lasting(nil))
				if _, err := a.Identify(withBearer(token), false); err == nil {
					t.Error("a token of an unknown key was accepted")
				}
			}
		})
	}
	wg.Wait()
	if got := i.requests.Load(); got != 1 {
		t.Errorf("the issuer got %d requests, want 1", got)
	}
	if got := len(a.source.current().verified.newer); got != 1 {
		t.Errorf("%d tokens are cached, want 1", got)
	}
	expect(t, a, good, "user kim")
}

func TestKeySet_Outage(t *testing.T) {
	outages := map[string]http.HandlerFunc{
		"500":        func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) },
		"no JSON":    func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>maintenance</html>") },
		"no key set": func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"error":"x"}`) },
		"null":       func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `null`) },
		"too many": func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, `{"keys":[`+strings.Repeat("{},", 99)+`{}]}`)
		},
		"too large": func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, `{"keys":[],"x":"`+strings.Repeat("x", readfile.MaxSize)+`"}`)
		},
		"a redirect to another set": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/evil", http.StatusFound) },
		"cut in the middle": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			fmt.Fprint(w, `{"keys":[]`)
			panic(http.ErrAbortHandler)
		},
	}
	for name, outage := range outages {
		t.Run(name, func(t *testing.T) {
			i := newIssuer(t, "ed")
			a := newIssuedAuthenticator(t, i, time.Hour, 0)
			i.respond(outage)
			a.source.refresh(t.Context())
			expect(t, a, tokenOf(t, "ed"), "user kim")
			expect(t, a, tokenOf(t, "rs"), "the token's key is unknown")
			notes := a.Notes()
			if a.NotReady() != "" || len(notes) != 1 || !strings.Contains(notes[0], "1 known keys go on") || strings.Contains(notes[0], i.URL) {
				t.Errorf("got notes %q", notes)
			}
			i.publish(t, "rs")
			expect(t, a, tokenOf(t, "rs"), "user kim")
			if notes := a.Notes(); notes != nil {
				t.Errorf("got notes %q after the outage", notes)
			}
		})
	}
}

// A node may start before its issuer does.
func TestKeySet_UnreachableAtStart(t *testing.T) {
	i := newIssuer(t, "ed")
	i.respond(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) })
	a := newIssuedAuthenticator(t, i, time.Hour, 10*time.Millisecond)
	if reason := a.NotReady(); !strings.Contains(reason, "no keys yet") || strings.Contains(reason, i.URL) || a.Notes() != nil {
		t.Errorf("got reason %q and notes %q", reason, a.Notes())
	}
	i.publish(t, "ed")
	eventually(t, "the first key set", func() bool { return a.NotReady() == "" })
	expect(t, a, tokenOf(t, "ed"), "user kim")
}

// An issuer that withdraws all keys is not the same as one that does not answer.
func TestKeySet_Withdrawn(t *testing.T) {
	i := newIssuer(t, "ed")
	a := newIssuedAuthenticator(t, i, time.Hour, time.Hour)
	token := tokenOf(t, "ed")
	expect(t, a, token, "user kim")
	i.publish(t)
	a.source.refresh(t.Context())
	expect(t, a, token, "the token's key is unknown")
	if notes := a.Notes(); len(notes) != 1 || !strings.Contains(notes[0], "no key") || a.NotReady() != "" {
		t.Errorf("got notes %q", notes)
	}
}

func TestKeySet_FileIsReadAgain(t *testing.T) {
	path := writeSet(t, "ed")
	a, err := newAuthenticator(Config{Mode: JWT, JWKS: path}, time.Hour, 0, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	expect(t, a, tokenOf(t, "ed"), "user kim")
	if err := os.WriteFile(path, publicSet(t, "rs"), 0o600); err != nil {
		t.Fatal(err)
	}
	expect(t, a, tokenOf(t, "rs"), "user kim")
	expect(t, a, tokenOf(t, "ed"), "the token's key is unknown")
}

func TestParseKeySet_LeavesOutUnusableKeys(t *testing.T) {
	edJWK := strings.TrimSuffix(strings.TrimPrefix(string(publicSet(t, "ed")), `{"keys":[`), `]}`)
	with := func(more string) string { return strings.TrimSuffix(edJWK, "}") + "," + more + "}" }
	private, _, err := NewKey(es256)
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		key            string
		keys, warnings int
	}{
		"usable":             {edJWK, 1, 0},
		"for signatures":     {with(`"use":"sig","key_ops":["verify"],"alg":"Ed25519"`), 1, 0},
		"for encryption":     {with(`"use":"enc"`), 0, 1},
		"not for verifying":  {with(`"key_ops":["encrypt"]`), 0, 1},
		"of another alg":     {with(`"alg":"RS256"`), 0, 1},
		"with a certificate": {with(`"x5u":"http://127.0.0.1:1/","x5c":["!"]`), 1, 0},
		"symmetric":          {`{"kty":"oct","k":"c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0IHNlY3JldA"}`, 0, 1},
		"off the curve":      {`{"kty":"EC","crv":"P-256","x":"AQ","y":"AQ"}`, 0, 1},
		"unknown kind":       {`{"kty":"quantum"}`, 0, 1},
		"no object":          {`"key"`, 0, 1},
		"null":               {`null`, 0, 1},
		"short Ed25519":      {`{"kty":"OKP","crv":"Ed25519","x":"AQ"}`, 0, 1},
		"private":            {string(private), 1, 1},
		"short RSA":          {strings.Trim(strings.TrimPrefix(string(publicSet(t, "short")), `{"keys":`), "[]}") + "}", 0, 1},
	} {
		keys, warnings, err := parseKeySet([]byte(`{"keys":[` + test.key + `]}`))
		if err != nil || len(keys) != test.keys || len(warnings) != test.warnings {
			t.Errorf("%s: got %d keys, warnings %q and %v", name, len(keys), warnings, err)
		}
	}
}
