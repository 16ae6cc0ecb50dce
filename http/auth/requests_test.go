package auth

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// ask is a request in one line of a table: a path, then headers as "Name: value".
func ask(path string, headers ...string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		r.Header.Add(name, value)
	}
	return r
}

func TestIdentify_Demo(t *testing.T) {
	a := newTestAuthenticator(t, Config{Mode: Demo})
	inPath := ask("/subscribe/lee", "X-User-Id: kim")
	inPath.SetPathValue("userId", "lee")
	for name, test := range map[string]struct {
		r    *http.Request
		want string
	}{
		"nothing":              {ask("/"), "anonymous"},
		"path":                 {inPath, "user lee"},
		"header":               {ask("/?userId=c", "X-User-Id: a", "Cookie: onsale_user=b"), "user a"},
		"cookie":               {ask("/?userId=c", "Cookie: onsale_user=b"), "user b"},
		"query":                {ask("/?userId=c"), "user c"},
		"empty header":         {ask("/?userId=c", "X-User-Id: "), "user c"},
		"two headers":          {ask("/", "X-User-Id: a", "X-User-Id: a"), "400 X-User-Id"},
		"invalid header":       {ask("/?userId=c", "X-User-Id: a,b"), "400 X-User-Id"},
		"invalid cookie":       {ask("/", "Cookie: onsale_user=a.b"), "400 onsale_user"},
		"invalid query":        {ask("/?userId=%00"), "400 userId"},
		"longest":              {ask("/?userId=" + strings.Repeat("a", 64)), "user " + strings.Repeat("a", 64)},
		"too long":             {ask("/?userId=" + strings.Repeat("a", 65)), "400 userId"},
		"a token means little": {ask("/", "Authorization: Bearer x", "Cookie: onsale_token=x"), "anonymous"},
	} {
		if got := outcome(a.Identify(test.r, true)); got != test.want {
			t.Errorf("%s: got %q, want %q", name, got, test.want)
		}
	}
	if who, _ := a.Identify(ask("/?userId=admin"), false); who.Roles != Admin || !a.IsDemo() {
		t.Errorf("got %+v, want the admin", who)
	}
}

func TestIdentify_Proxy(t *testing.T) {
	a := newTestAuthenticator(t, Config{Mode: Proxy, UserHeader: "X-Auth-User", RolesHeader: "X-Auth-Groups",
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}})
	from := func(peer string, r *http.Request) *http.Request {
		r.RemoteAddr = peer
		return r
	}
	inPath := from("10.1.2.3:4", ask("/subscribe/lee", "X-Auth-User: kim"))
	inPath.SetPathValue("userId", "lee")
	for name, test := range map[string]struct {
		r    *http.Request
		want string
	}{
		"from the proxy":            {from("10.1.2.3:4", ask("/", "X-Auth-User: kim")), "user kim"},
		"from an IPv6 proxy":        {from("[fd00::1%eth0]:4", ask("/", "X-Auth-User: kim")), "user kim"},
		"mapped into IPv6":          {from("[::ffff:10.1.2.3]:4", ask("/", "X-Auth-User: kim")), "user kim"},
		"from anybody else":         {from("192.0.2.1:4", ask("/", "X-Auth-User: kim")), "anonymous"},
		"from a socket":             {from("@", ask("/", "X-Auth-User: kim")), "anonymous"},
		"said to be from the proxy": {from("192.0.2.1:4", ask("/", "X-Auth-User: kim", "X-Forwarded-For: 10.1.2.3", "Forwarded: for=10.1.2.3")), "anonymous"},
		"path does not outrank":     {inPath, "user kim"},
		"nothing else is believed":  {from("10.1.2.3:4", ask("/?userId=a&ticket=b", "X-User-Id: lee", "Cookie: onsale_user=lee; onsale_token=x", "Authorization: Bearer x")), "anonymous"},
		"no user":                   {from("10.1.2.3:4", ask("/", "X-Auth-User:  ", "X-Auth-Groups: admin")), "anonymous"},
		"two users":                 {from("10.1.2.3:4", ask("/", "X-Auth-User: lee", "X-Auth-User: kim")), "400 X-Auth-User"},
		"roles twice":               {from("10.1.2.3:4", ask("/", "X-Auth-User: kim", "X-Auth-Groups: admin", "X-Auth-Groups: staff")), "400 X-Auth-Groups"},
		"an address of mail":        {from("10.1.2.3:4", ask("/", "X-Auth-User: kim@shop.example")), "user " + userID("kim@shop.example")},
	} {
		if got := outcome(a.Identify(test.r, true)); got != test.want {
			t.Errorf("%s: got %q, want %q", name, got, test.want)
		}
	}
	who, err := a.Identify(from("10.1.2.3:4", ask("/", "X-Auth-User: kim", "X-Auth-Groups: staff, viewer,auditor")), false)
	if err != nil || who.Roles != Viewer|Auditor || !who.Expires.IsZero() {
		t.Errorf("got %+v and %v, want a viewer and auditor", who, err)
	}
}

func TestIdentify_TokenPlaces(t *testing.T) {
	a := newTestAuthenticator(t, Config{Secret: testSecret})
	token := func(user string) string {
		return signed(t, hs256, []byte(testSecret), nil, lasting(jwt.MapClaims{"sub": user}))
	}
	kim, lee := token("kim"), token("lee")
	old := signed(t, hs256, []byte(testSecret), nil, jwt.MapClaims{"sub": "kim", "exp": time.Now().Add(-time.Hour).Unix()})
	ticket := func() string {
		text, _, err := a.IssueTicket(Identity{User: "park"})
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	inPath := ask("/subscribe/lee")
	inPath.SetPathValue("userId", "lee")
	for name, test := range map[string]struct {
		r      *http.Request
		stream bool
		want   string
	}{
		"nothing":                         {ask("/"), false, "anonymous"},
		"header":                          {ask("/", "Authorization: Bearer "+kim), false, "user kim"},
		"lower case, two blanks":          {ask("/", "Authorization: bearer  "+kim), false, "user kim"},
		"header before cookie":            {ask("/", "Authorization: Bearer "+kim, "Cookie: onsale_token="+lee), false, "user kim"},
		"bad header, good cookie":         {ask("/", "Authorization: Bearer "+old, "Cookie: onsale_token="+lee), false, "the token has expired"},
		"two headers":                     {ask("/", "Authorization: Bearer "+kim, "Authorization: Bearer "+lee), false, "there are two Authorization headers"},
		"header without a token":          {ask("/", "Authorization: Bearer"), false, "the token is malformed"},
		"another scheme":                  {ask("/", "Authorization: Basic a2ltOng="), false, "anonymous"},
		"another scheme and a cookie":     {ask("/", "Authorization: Basic a2ltOng=", "Cookie: onsale_token="+lee), false, "user lee"},
		"cookie":                          {ask("/", "Cookie: onsale_token="+lee), false, "user lee"},
		"cookie of who signed out":        {ask("/", "Cookie: onsale_token="), false, "anonymous"},
		"the same cookie twice":           {ask("/", "Cookie: onsale_token="+lee+"; onsale_token="+lee), false, "user lee"},
		"a planted cookie":                {ask("/", "Cookie: onsale_token="+kim+"; onsale_token="+lee), false, "there are two different cookies onsale_token"},
		"expired cookie":                  {ask("/", "Cookie: onsale_token="+old), false, "the token has expired"},
		"demo's places mean nothing":      {ask("/?userId=lee", "X-User-Id: lee", "Cookie: onsale_user=lee"), false, "anonymous"},
		"nor does the path":               {inPath, true, "anonymous"},
		"token in the query":              {ask("/?access_token=" + kim + "&onsale_token=" + kim), true, "anonymous"},
		"ticket":                          {ask("/?ticket=" + ticket()), true, "user park"},
		"ticket, but no stream":           {ask("/?ticket=" + ticket()), false, "anonymous"},
		"cookie before ticket":            {ask("/?ticket="+ticket(), "Cookie: onsale_token="+lee), true, "user lee"},
		"ticket instead of an old cookie": {ask("/?ticket="+ticket(), "Cookie: onsale_token="+old), true, "user park"},
		"no ticket instead of an old one": {ask("/?ticket=x", "Cookie: onsale_token="+old), true, "the ticket is unknown, used or over 30 s old"},
		"two tickets":                     {ask("/?ticket=" + ticket() + "&ticket=" + ticket()), true, "there are two tickets"},
		"a parameter that ends like it":   {ask("/?xticket=a"), true, "anonymous"},
	} {
		if got := outcome(a.Identify(test.r, test.stream)); got != test.want {
			t.Errorf("%s: got %q, want %q", name, got, test.want)
		}
	}
}

func TestIdentify_Claims(t *testing.T) {
	long := strings.Repeat("a", 65)
	for name, test := range map[string]struct {
		config Config
		claims jwt.MapClaims
		want   Identity
	}{
		"plain":              {Config{}, jwt.MapClaims{"sub": "kim"}, Identity{User: "kim"}},
		"a number":           {Config{}, jwt.MapClaims{"sub": int64(9007199254740993)}, Identity{User: "9007199254740993"}},
		"other characters":   {Config{}, jwt.MapClaims{"sub": "auth0|5f7c8ec7"}, Identity{User: "x_Yhs-vZNuPVYfhtWnfns21QBDX4YJJuQ0"}},
		"too long":           {Config{}, jwt.MapClaims{"sub": long}, Identity{User: userID(long)}},
		"a made-up hash":     {Config{}, jwt.MapClaims{"sub": "x_kim"}, Identity{User: userID("x_kim")}},
		"role":               {Config{}, jwt.MapClaims{"role": "admin"}, Identity{User: "kim", Roles: Admin}},
		"roles":              {Config{}, jwt.MapClaims{"roles": []string{"viewer", "editor", "operator"}}, Identity{User: "kim", Roles: Viewer | Operator}},
		"both":               {Config{}, jwt.MapClaims{"role": "auditor", "roles": "viewer"}, Identity{User: "kim", Roles: Viewer | Auditor}},
		"unknown roles":      {Config{}, jwt.MapClaims{"role": "Admin", "roles": []any{"ADMIN", 1, nil, map[string]any{"a": 1}}}, Identity{User: "kim"}},
		"another user claim": {Config{UserClaim: "uid"}, jwt.MapClaims{"uid": "lee"}, Identity{User: "lee"}},
		"nested roles":       {Config{RolesClaim: "realm_access.roles"}, jwt.MapClaims{"role": "admin", "realm_access": map[string]any{"roles": []string{"viewer"}}}, Identity{User: "kim", Roles: Viewer}},
		"a name with dots":   {Config{RolesClaim: "https://shop.example/roles"}, jwt.MapClaims{"https://shop.example/roles": "viewer"}, Identity{User: "kim", Roles: Viewer}},
		"no such claim":      {Config{RolesClaim: "a.b.c"}, jwt.MapClaims{"a": "b", "roles": "admin"}, Identity{User: "kim"}},
	} {
		test.config.Secret = testSecret
		a := newTestAuthenticator(t, test.config)
		claims := lasting(test.claims)
		test.want.Expires = time.Unix(claims["exp"].(int64), 0)
		for range 2 { // verified, and from the cache
			got, err := a.Identify(withBearer(signed(t, hs256, []byte(testSecret), nil, claims)), false)
			if err != nil || got.User != test.want.User || got.Roles != test.want.Roles || !got.Expires.Equal(test.want.Expires) {
				t.Errorf("%s: got %+v and %v, want %+v", name, got, err, test.want)
			}
		}
		if len(test.want.User) > 64 || !isUserID(test.want.User) {
			t.Errorf("%s: %q is no user id", name, test.want.User)
		}
	}
}

// Both names of Ed25519, and the other kinds of key, by a key set.
func TestIdentify_Algorithms(t *testing.T) {
	a := newTestAuthenticator(t, Config{JWKS: writeSet(t, "rs", "ec", "ed")})
	for algorithm, id := range map[string]string{rs256: "rs", es256: "ec", edDSA: "ed", ed25519Name: "ed"} {
		for _, header := range []map[string]any{{"kid": id}, nil} {
			if got := outcome(a.Identify(withBearer(signed(t, algorithm, signers()[id], header, lasting(nil))), false)); got != "user kim" {
				t.Errorf("%s %v: got %q", algorithm, header, got)
			}
		}
	}
}

func TestSign_IsAccepted(t *testing.T) {
	c := Config{Issuer: "https://login.example", Audience: "onsale", UserClaim: "uid", RolesClaim: "realm.roles"}
	for _, algorithm := range KeyAlgorithms {
		private, set, err := NewKey(algorithm)
		if err != nil {
			t.Fatal(err)
		}
		signer, err := KeySigner(private)
		if err != nil {
			t.Fatal(err)
		}
		token, err := signer.Sign(c, "kim", []string{"viewer"}, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		keys, warnings, err := parseKeySet(set)
		if err != nil || len(warnings) > 0 || len(keys) != 1 {
			t.Fatalf("%s: got %d keys, %q, %v", algorithm, len(keys), warnings, err)
		}
		source := &keySource{}
		source.keys.Store(newKeySet(keys))
		v := newTokenVerifier(c, source, time.Now)
		if who, err := v.identify(t.Context(), token); err != nil || who.User != "kim" || who.Roles != Viewer {
			t.Errorf("%s: got %+v and %v", algorithm, who, err)
		}
		if _, err := KeySigner(set); err == nil {
			t.Error("a key set was taken for a private key")
		}
	}
}

func TestNew_RefusesConfigurations(t *testing.T) {
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	for name, c := range map[string]Config{
		"no mode":             {},
		"unknown mode":        {Mode: "none"},
		"no key":              {Mode: JWT},
		"two kinds of key":    {Mode: JWT, Secret: testSecret, JWKS: "x"},
		"no such file":        {Mode: JWT, JWKS: "no/such/file"},
		"a set without keys":  {Mode: JWT, JWKS: writeSet(t)},
		"a set of short keys": {Mode: JWT, JWKS: writeSet(t, "short")},
		"no header":           {Mode: Proxy, TrustedProxies: proxies},
		"no proxies":          {Mode: Proxy, UserHeader: "X-User"},
	} {
		if a, err := New(c); err == nil {
			a.Close()
			t.Errorf("%s: accepted", name)
		}
	}
}
