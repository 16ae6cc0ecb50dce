package http

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"onsale/domain"
	"onsale/http/auth"
	"onsale/http/client"
)

// The people who ask. kim owns what the paths name.
var people = []string{"nobody", "kim", "lee", "viewer", "auditor", "operator", "admin"}

// wantAccess says who may use a route, as the contract has it; nil: everyone.
func wantAccess(t *testing.T, r Route) []string {
	one := func(patterns ...string) bool { return slices.Contains(patterns, r.Path) }
	switch path := r.Path; {
	case one("/healthz", "/readyz", "/metrics", "/api/v1/payments/webhook", "/problems/:code", "/s/:scheduleId"), strings.Count(path, "/") == 1: // the pages, too
		return nil
	case one("/debug/streams"):
		return []string{"admin"}
	case one("/api/v1/admin/stats"):
		return []string{"viewer", "auditor", "operator", "admin"}
	case one("/api/v1/admin/export/:file", "/api/v1/admin/events"):
		return []string{"auditor", "operator", "admin"}
	case one("/api/v1/admin/alarms", "/api/v1/admin/orders/:imp_uid/cancel", "/api/v1/admin/imports/schedules"),
		strings.HasPrefix(path, "/api/v1/admin/") && (strings.Count(path, "/") == 4 || strings.HasSuffix(path, "/close")), // creating and closing
		one("/api/v1/admin/schedules/:scheduleId/cancel"):
		return []string{"admin"}
	case strings.HasPrefix(path, "/api/v1/admin/"):
		return []string{"operator", "admin"}
	case r.Method == http.MethodPost, strings.HasPrefix(path, "/api/v1/me/"), one("/api/v1/users/alarm/subscribe"), strings.HasSuffix(path, "/my-holds"):
		return people[1:]
	case one("/subscribe/:userId"):
		return []string{"kim", "admin"}
	case strings.HasPrefix(path, "/api/v1/orders/"), one("/api/v1/requests/:requestId"):
		return []string{"kim", "auditor", "operator", "admin"}
	}
	for _, public := range []string{"promotions", "schedules", "products"} {
		if strings.HasPrefix(strings.TrimPrefix(r.Path, "/api/v1"), "/"+public) || strings.HasPrefix(r.Path, "/api/"+public) {
			return nil
		}
	}
	t.Errorf("%s %s: this test does not know who may use it", r.Method, r.Path)
	return nil
}

// accessFixture is a node behind a proxy that names the user, with what kim has.
func accessFixture(t *testing.T) (f *fixture, c *rawConn, path func(pattern string) string) {
	f = newFixture(t)
	seedPromotion(t, f, "p", 10)
	seedSchedule(t, f, 10)
	wait, product := 5*time.Second, map[string]any{"salePostId": "q", "name": "n", "price": 100, "stock": 5}
	if a := must(f.client("").Command(t.Context(), "/api/v1/admin/products", product, client.Options{}))(t); a.HTTPStatus != 201 {
		t.Fatalf("got %+v", a)
	}
	if a := must(f.client("kim").Order(t.Context(), "imp_1", "q", 1, 100, client.Options{Wait: &wait}))(t); a.HTTPStatus != 201 {
		t.Fatalf("got %+v", a)
	}
	held := must(f.client("kim").Hold(t.Context(), "s", []int{1}, client.Options{}))(t)
	f.Auth = must(auth.New(auth.Config{
		Mode: auth.Proxy, UserHeader: "X-Auth-User", RolesHeader: "X-Auth-Roles", TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
	}))(t)
	t.Cleanup(f.Auth.Close)
	values := strings.NewReplacer(":promotionId", "p", ":scheduleId", "s", ":salePostId", "q", ":imp_uid", "imp_1", ":requestId", held.RequestID,
		":userId", "kim", ":couponId", "p-1", ":reservationId", "s-r1", ":waitingId", "p-wc1", ":alarmId", "a1", ":file", "orders.csv", ":code", "sold_out")
	return f, &rawConn{address: strings.TrimPrefix(f.url, "http://")}, func(pattern string) string {
		path := values.Replace(pattern)
		if strings.Contains(path, ":") {
			t.Errorf("%s: this test does not know the parameter", pattern)
		}
		return path
	}
}

// identityOf are the headers of a user, as the proxy sets them.
func identityOf(who string) string {
	switch who {
	case "nobody":
		return ""
	case "kim", "lee":
		return "X-Auth-User: " + who + "\r\n"
	}
	return "X-Auth-User: the-" + who + "\r\nX-Auth-Roles: something, " + who + "\r\n"
}

// rawConn sends requests as they are, all over one connection while the server keeps it open.
type rawConn struct {
	address string
	conn    net.Conn // nil: none is open
	reader  *bufio.Reader
}

// send returns the response and the code of the problem.
func (c *rawConn) send(t *testing.T, method, target, headers string) (response *http.Response, code string) {
	t.Helper()
	if c.conn == nil {
		c.conn = must(net.Dial("tcp", c.address))(t)
		conn := c.conn
		t.Cleanup(func() { _ = conn.Close() })
		c.reader = bufio.NewReader(c.conn)
	}
	_ = c.conn.SetDeadline(time.Now().Add(20 * time.Second))
	fmt.Fprintf(c.conn, "%s %s HTTP/1.1\r\nHost: x\r\nPrefer: respond-async\r\nContent-Length: 0\r\n%s\r\n", method, target, headers)
	response, err := http.ReadResponse(c.reader, &http.Request{Method: method})
	if err != nil {
		t.Fatalf("%s %s: %v", method, target, err)
	}
	body := must(io.ReadAll(response.Body))(t)
	if response.Close {
		_ = c.conn.Close()
		c.conn = nil
	}
	var p struct{ Code string }
	_ = json.Unmarshal(body, &p)
	return response, p.Code
}

// Each row of the table admits those whom the contract names, and nobody else.
func TestAccess_IsAsTheContractSays(t *testing.T) {
	t.Parallel()
	f, c, path := accessFixture(t)
	if len(f.endpoints) < 100 {
		t.Errorf("only %d routes", len(f.endpoints))
	}
	for _, r := range f.endpoints {
		want := wantAccess(t, r)
		for _, who := range people {
			if r.Who == "" {
				t.Errorf("%s %s has no row", r.Method, r.Path)
			}
			appended := f.log.appended()
			response, code := c.send(t, r.Method, path(r.Path), identityOf(who))
			status, allowed := response.StatusCode, want == nil || slices.Contains(want, who)
			switch {
			case allowed && (status == 401 || code == forbidden || r.Method == http.MethodHead && status == 403 || status >= 500):
				t.Errorf("%s %s, %s: got %d %s, want what %q may have", r.Method, r.Path, who, status, code, who)
			case allowed:
			case who == "nobody" && (status != 401 || response.Header.Get("WWW-Authenticate") != "Bearer" || r.Method != http.MethodHead && code != unauthenticated):
				t.Errorf("%s %s, %s: got %d %s, want 401", r.Method, r.Path, who, status, code)
			case who != "nobody" && (status != 403 || r.Method != http.MethodHead && code != forbidden):
				t.Errorf("%s %s, %s: got %d %s, want 403", r.Method, r.Path, who, status, code)
			}
			if !allowed && f.log.appended() != appended {
				t.Errorf("%s %s, %s: a command was appended", r.Method, r.Path, who)
			}
		}
	}
}

// An operator takes seats back, but not with a refund: that cancels orders.
func TestAccess_RefundsAreForAdmins(t *testing.T) {
	t.Parallel()
	f, _, path := accessFixture(t)
	for _, c := range []struct {
		who, body    string
		status       int
		code, detail string
	}{
		{"operator", `{"scheduleSeatIds":[1],"refund":true}`, 403, forbidden, "this is for admin"},
		{"operator", `{"scheduleSeatIds":[1],"refund":1}`, 400, domain.InvalidBody, "refund: is not true or false"},
		{"lee", `{"scheduleSeatIds":[1],"refund":false}`, 403, forbidden, "this is for admin, operator; with a refund admin"},
		{"operator", `{"scheduleSeatIds":[1],"refund":false}`, 200, "", ""},
		{"admin", `{"scheduleSeatIds":[1],"refund":true}`, 200, "", ""},
	} {
		r := must(http.NewRequestWithContext(t.Context(), "POST", f.url+path("/api/v1/admin/schedules/:scheduleId/release"), strings.NewReader(c.body)))(t)
		r.Header.Set("Content-Type", "application/json")
		for line := range strings.Lines(identityOf(c.who)) {
			name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
			r.Header.Set(name, value)
		}
		appended := f.log.appended()
		response := must(http.DefaultClient.Do(r))(t)
		var p struct{ Code, Detail, RequestID string }
		err := json.NewDecoder(response.Body).Decode(&p)
		_ = response.Body.Close()
		if err != nil || response.StatusCode != c.status || p.Code != c.code || p.Detail != c.detail || p.RequestID == "" {
			t.Errorf("%s, %s: got %d, %+v, %v", c.who, c.body, response.StatusCode, p, err)
		}
		if (f.log.appended() != appended) != (c.status == 200) {
			t.Errorf("%s, %s: %d commands were appended", c.who, c.body, f.log.appended()-appended)
		}
	}
}

// No other spelling of a request gets around its row. It is tried as the one who may most of those that the row does not admit.
func TestAccess_CannotBeGotAround(t *testing.T) {
	t.Parallel()
	f, c, path := accessFixture(t)
	for _, r := range f.endpoints {
		want, p := wantAccess(t, r), path(r.Path)
		if want == nil || r.Method == http.MethodHead { // of GET's row
			continue
		}
		who := "nobody"
		for _, other := range []string{"lee", "viewer"} {
			if !slices.Contains(want, other) {
				who = other
			}
		}
		for _, target := range []string{
			p + "/", "/" + p, p + "//", p + "?", p + "?userId=kim&ticket=x.y", p + ";x", p + "%00", p + "%20", p + ".json", p + "/.", p + "/../" + p[strings.LastIndex(p, "/")+1:],
			"/." + p, "/healthz/.." + p, "/metrics/%2e%2e" + p, strings.ToUpper(p), strings.Replace(p, "a", "A", 1), strings.Replace(p, "a", "%61", 1),
			strings.ReplaceAll(p, "/", "%2F"), "/" + strings.ReplaceAll(p[1:], "/", "%2F"), strings.ReplaceAll(p, "/", "\\"),
			strings.Replace(p, "/api/v1/", "/api/", 1), strings.Replace(p, "/api/v1/", "/api/v2/", 1), strings.Replace(p, "/api/v1/admin/", "/api/v1/", 1),
			strings.Replace(p, "/api/v1/", "/api/v1//", 1), "http://x" + p, "https://admin@x" + p,
		} {
			f.tryAround(t, c, r, who, r.Method, target, "")
		}
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "get", "QUERY"} {
			f.tryAround(t, c, r, who, method, p, "X-HTTP-Method-Override: "+r.Method+"\r\nX-Method-Override: "+r.Method+"\r\n")
		}
		for _, header := range []string{
			"X-User-Id: admin", "Cookie: onsale_user=admin; onsale_token=admin", "X-Auth-Roles: admin", "X-Forwarded-For: 127.0.0.1", "X-Original-URL: /healthz",
			"X-Rewrite-URL: /healthz", "Authorization: Bearer admin", "Authorization: Basic YWRtaW46YWRtaW4=", "X-Auth-User : admin", "X_Auth_User: admin",
		} {
			if who == "nobody" || !strings.HasPrefix(header, "X-Auth-") { // the proxy sets those of users
				f.tryAround(t, c, r, who, r.Method, p, header+"\r\n")
			}
		}
	}
}

// tryAround fails if a request gets what only others may have. What another route answers, that everyone may use, is no harm.
func (f *fixture) tryAround(t *testing.T, c *rawConn, r Route, who, method, target, headers string) {
	t.Helper()
	appended := f.log.appended()
	response, code := c.send(t, method, target, headers+identityOf(who))
	harmless := method == "OPTIONS" && response.StatusCode == 204 || f.isPublic(method, target)
	if response.StatusCode < 400 && !harmless || response.StatusCode >= 500 && response.StatusCode != 501 {
		t.Errorf("%s: %s %s %q as %s got %d %s", r.Path, method, target, headers, who, response.StatusCode, code)
	}
	if f.log.appended() != appended {
		t.Errorf("%s: %s %s %q as %s: a command was appended", r.Path, method, target, headers, who)
	}
}

// isPublic says whether a target is that of a route for everyone.
func (f *fixture) isPublic(method, target string) bool {
	target, _, _ = strings.Cut(target, "?")
	for _, r := range f.endpoints {
		same := r.Path == target || strings.NewReplacer(":promotionId", "p", ":scheduleId", "s", ":salePostId", "q").Replace(r.Path) == target
		if same && r.Method == method && strings.HasPrefix(r.Who, everyone.who) {
			return true
		}
	}
	return false
}

// In demo mode all may do what needs a role; who has the user admin sees what is others'.
func TestAccess_IsOpenInDemoMode(t *testing.T) {
	t.Parallel()
	f, c, path := accessFixture(t)
	f.Auth = demoAuth()
	for _, r := range f.endpoints {
		for who, header := range map[string]string{"nobody": "", "lee": "X-User-Id: lee\r\n", "admin": "X-User-Id: admin\r\n"} {
			response, code := c.send(t, r.Method, path(r.Path), header)
			status, admin := response.StatusCode, strings.Contains(r.Path, "/admin/") || strings.HasPrefix(r.Path, "/debug/")
			own := r.Who == owners.who
			switch {
			case who == "nobody" && !admin && (r.Who == users.who || own): // kim is who the path of /subscribe says
				if status != 401 || response.Header.Get("WWW-Authenticate") == "" {
					t.Errorf("%s %s, nobody: got %d, want 401", r.Method, r.Path, status)
				}
			case who == "lee" && (own || r.Who == watchers.who):
				if status != 403 {
					t.Errorf("%s %s, lee: got %d, want 403", r.Method, r.Path, status)
				}
			case status == 401, code == forbidden, status >= 500:
				t.Errorf("%s %s, %s: got %d %s", r.Method, r.Path, who, status, code)
			}
		}
	}
}

// A client that comes back to a user's stream without an identity gets auth-expired by a stream; one that comes for the first time
// gets 401, and another user 403.
func TestAccess_TellsThoseWhoComeBack(t *testing.T) {
	f, c, path := accessFixture(t)
	streams := 0
	for _, r := range f.endpoints {
		p, want := path(r.Path), wantAccess(t, r)
		if !r.Stream || want == nil {
			continue
		}
		streams++
		if response, _ := c.send(t, "GET", p, ""); response.StatusCode != 401 {
			t.Errorf("%s: got %d, want 401", p, response.StatusCode)
		}
		for _, id := range []string{"Last-Event-ID: k3v9x2ab-1\r\n", "Last-Event-ID: garbage\r\n"} {
			if response, _ := c.send(t, "GET", p, id); response.StatusCode != 200 || response.ContentLength != int64(len("expired")) {
				t.Errorf("%s with %s: got %d", p, id, response.StatusCode)
			}
			if response, _ := c.send(t, "GET", p+"?lastEventId=k3v9x2ab-1", id); response.StatusCode != 200 || response.ContentLength != int64(len("expired")) {
				t.Errorf("%s with a query: got %d", p, response.StatusCode)
			}
			if response, _ := c.send(t, "GET", p, id+identityOf("lee")); !slices.Contains(want, "lee") && response.StatusCode != 403 {
				t.Errorf("%s as lee: got %d, want 403", p, response.StatusCode)
			}
		}
	}
	if response, _ := c.send(t, "GET", "/api/v1/me/events", "Last-Event-ID: k3v9x2ab-1\r\nAccept: application/x-ndjson\r\n"); response.StatusCode != 401 {
		t.Errorf("without accepting a stream: got %d, want 401", response.StatusCode)
	}
	if streams < 4 {
		t.Errorf("only %d streams", streams)
	}
}
