// Requests that no well-meant client sends, over raw connections.

package e2e

import (
	"fmt"
	"strings"
	"testing"

	"onsale/cmd/onsale/e2e/harness"
)

// Requests that pages of other sites, and no browser at all, would send.
func TestAttacks_ByRequests(t *testing.T) {
	t.Parallel()
	a := startAttacked(t)
	kim, admin := a.token("kim"), a.token("boss", "admin")
	head := a.Head(t.Context(), a.client)
	const issue = "/api/v1/promotions/demo/coupons"
	post := func(path string, headers ...string) string {
		return "POST " + path + " HTTP/1.1\r\nHost: sale.example\r\n" + strings.Join(headers, "\r\n") + "\r\nContent-Length: 0\r\n\r\n"
	}
	get := func(path string, headers ...string) string {
		return "GET " + path + " HTTP/1.1\r\nHost: sale.example\r\n" + strings.Join(append(headers, ""), "\r\n") + "\r\n"
	}
	cookie, bearer, boss := "Cookie: onsale_token="+kim, "Authorization: Bearer "+kim, "Authorization: Bearer "+admin
	for name, c := range map[string]struct{ request, want string }{
		"csrf by origin":                      {post(issue, cookie, "Origin: https://evil.example"), "403 "},
		"csrf from a local page":              {post(issue, cookie, "Origin: http://localhost:3000"), "403 "},
		"csrf by null origin":                 {post(issue, cookie, "Origin: null"), "403 "},
		"csrf by fetch metadata":              {post(issue, cookie, "Sec-Fetch-Site: cross-site"), "403 "},
		"csrf from a sister host":             {post(issue, cookie, "Sec-Fetch-Site: same-site"), "403 "},
		"csrf for a ticket":                   {post("/api/v1/me/tickets", cookie, "Origin: https://evil.example"), "403 "},
		"csrf by form":                        {post(issue, cookie, "Origin: https://evil.example", "Content-Type: application/x-www-form-urlencoded"), "403 "},
		"two users":                           {post(issue, "X-User-Id: kim", "X-User-Id: admin"), "401 "},
		"a user without token":                {post(issue, "X-User-Id: kim", "Cookie: onsale_user=kim"), "401 "},
		"two tokens":                          {post(issue, bearer, boss), "401 "},
		"two cookies":                         {post(issue, cookie+"; onsale_token="+admin), "401 "},
		"a token in the query":                {get("/api/v1/me/coupons?token=" + kim + "&access_token=" + kim), "401 "},
		"a ticket for a read":                 {get("/api/v1/me/coupons?ticket=" + a.ticket(kim)), "401 "},
		"a ticket for a command":              {post(issue + "?ticket=" + a.ticket(kim)), "401 "},
		"two keys":                            {post(issue, bearer, "Idempotency-Key: a", "Idempotency-Key: b"), "400 "},
		"NUL in a key":                        {post(issue, bearer, "Idempotency-Key: a\x00b"), "400 "},
		"CR in a key":                         {post(issue, bearer, "Idempotency-Key: a\rSet-Cookie: x=y"), "400 "},
		"a folded key":                        {post(issue, bearer, "Idempotency-Key: a\r\n Set-Cookie: x=y"), "400 "},
		"a key of text":                       {post(issue, bearer, "Idempotency-Key: 쿠폰"), "400 "},
		"CRLF in an id":                       {post("/api/v1/promotions/demo%0d%0aSet-Cookie:%20x=y/coupons", bearer), "400 "},
		"NUL in an id":                        {post("/api/v1/promotions/demo%00/coupons", bearer), "400 "},
		"a NUL in the path":                   {post("/api/v1/promotions/demo\x00/coupons", bearer), "400 "},
		"* in an id":                          {post("/api/v1/promotions/*/coupons", bearer), "400 "},
		"> in an id":                          {post("/api/v1/promotions/%3E/coupons", bearer), "400 "},
		"a dot in an id":                      {post("/api/v1/promotions/demo.kim/coupons", bearer), "400 "},
		"~ for an id":                         {post("/api/v1/promotions/~/coupons", bearer), "400 "},
		"* for a schedule":                    {get("/api/v1/schedules/*/seats/events"), "400 "},
		"> for a schedule":                    {get("/api/v1/schedules/>/seats/events"), "400 "},
		"* for a user":                        {get("/subscribe/*", bearer), "400 "},
		"> for a user, as admin":              {get("/subscribe/%3E", boss), "400 "},
		"* for a payment":                     {get("/api/v1/orders/*/sse", boss), "400 "},
		"a wildcard in a position":            {get("/api/v1/promotions?after=*-%3E"), "400 "},
		"CRLF in a position":                  {get("/api/v1/promotions?after=x%0d%0aSet-Cookie:%20x=y"), "400 "},
		"CRLF in a request id":                {get("/healthz", "X-Request-Id: a%0d%0aSet-Cookie: x=y"), "200 "},
		"traversal to the page":               {get("/../../../../etc/passwd"), "404 "},
		"encoded traversal":                   {get("/%2e%2e/%2e%2e/etc/passwd"), "404 "},
		"traversal to exports":                {get("/api/v1/admin/export/..%2f..%2fstore.db", boss), "404 "},
		"an export that is none":              {get("/api/v1/admin/export/%2e%2e", boss), "404 "},
		"an export through the page":          {get("/onsale.js/../api/v1/admin/export/orders.csv", bearer), "404 "},
		"an address for a host":               {get("http://evil.example/api/v1/admin/stats", bearer), "403 "},
		"smuggling by two lengths":            {"POST " + issue + " HTTP/1.1\r\nHost: x\r\n" + bearer + "\r\nContent-Length: 0\r\nContent-Length: 44\r\n\r\n" + get("/api/v1/admin/stats"), "400 "},
		"smuggling by length and chunks":      {"POST " + issue + " HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "401 "},
		"smuggling by another encoding":       {"POST " + issue + " HTTP/1.1\r\nHost: x\r\n" + bearer + "\r\nTransfer-Encoding: gzip\r\n\r\n", "501 "},
		"a body that is compressed":           {"POST " + issue + " HTTP/1.1\r\nHost: x\r\n" + bearer + "\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}", "415 "},
		"another user in the body":            {"POST " + issue + " HTTP/1.1\r\nHost: x\r\n" + bearer + "\r\nContent-Type: application/json\r\nContent-Length: 16\r\n\r\n{\"userId\":\"lee\"}", "400 "},
		"a role in the body":                  {"POST /api/v1/admin/promotions HTTP/1.1\r\nHost: x\r\n" + bearer + "\r\nContent-Type: application/json\r\nContent-Length: 16\r\n\r\n{\"role\":\"admin\"}", "403 "},
		"metrics in the name of another user": {get("/debug/streams", bearer), "403 "},
	} {
		if got := a.raw(c.request); !strings.HasPrefix(got, c.want) || strings.Contains(got, "\nSet-Cookie") || strings.Contains(got, "root:") {
			t.Errorf("%s: got %s, want %s", name, got, c.want)
		}
	}
	// A page of another site may read what is public, and cannot with a cookie.
	if got := a.as("", "GET", "/api/v1/me/coupons", "", "Cookie", "onsale_token="+kim, "Origin", "https://evil.example"); got.Header.Get("Access-Control-Allow-Origin") != "" || got.Header.Get("Vary") != "Origin" {
		t.Errorf("another site reads: got %v", got)
	}
	if after := a.Head(t.Context(), a.client); after != head {
		t.Errorf("the last event was %s and is %s: something was accepted", head, after)
	}
	a.stop()
}

// In the other modes: a page that has made its own name point at this machine, clients that pass by the proxy, and those behind it
// who name another user.
func TestAttacks_InOtherModes(t *testing.T) {
	t.Parallel()
	type attack struct {
		name, method, path string
		header             []string
		want               int
	}
	demo := []attack{
		{"rebinding: the page", "GET", "/", []string{"Host", "evil.example"}, 403},
		{"rebinding: a read", "GET", "/api/v1/me/coupons?userId=kim", []string{"Host", "evil.example:8080"}, 403},
		{"rebinding: a stream", "GET", "/subscribe/kim", []string{"Host", "evil.example"}, 403},
		{"rebinding: an admin command", "POST", "/api/v1/admin/promotions/demo/close", []string{"Host", "evil.example", "Origin", "http://evil.example"}, 403},
		{"an admin command from another site", "POST", "/api/v1/admin/promotions/demo/close", []string{"Origin", "http://evil.example"}, 403},
		{"two users", "POST", "/api/v1/promotions/demo/coupons", []string{"X-User-Id", "kim", "X-User-Id", "admin"}, 400},
		{"the own machine", "GET", "/", []string{"Host", "localhost:8080"}, 200},
	}
	direct := []attack{ // the peer is not the proxy
		{"a user past the proxy", "GET", "/api/v1/me/coupons", []string{"X-User-Id", "kim"}, 401},
		{"an admin past the proxy", "POST", "/api/v1/admin/promotions/demo/close", []string{"X-User-Id", "boss", "X-Roles", "admin"}, 401},
		{"with the proxy's address", "GET", "/api/v1/me/coupons", []string{"X-User-Id", "kim", "X-Forwarded-For", "10.0.0.1", "Forwarded", "for=10.0.0.1"}, 401},
	}
	behind := []attack{
		{"nobody", "GET", "/api/v1/me/coupons?userId=kim", []string{"Cookie", "onsale_user=kim; onsale_token=x", "Authorization", "Bearer x"}, 401},
		{"another's stream by the path", "GET", "/subscribe/lee", []string{"X-User-Id", "kim"}, 403},
		{"the user admin", "GET", "/api/v1/admin/stats", []string{"X-User-Id", "admin"}, 403},
		{"two users", "GET", "/api/v1/me/coupons", []string{"X-User-Id", "kim", "X-User-Id", "admin"}, 400},
		{"two headers of roles", "GET", "/api/v1/admin/stats", []string{"X-User-Id", "kim", "X-Roles", "viewer", "X-Roles", "admin"}, 400},
		{"the streams of others", "GET", "/debug/streams", []string{"X-User-Id", "kim"}, 403},
		{"an export", "GET", "/api/v1/admin/export/orders.csv", []string{"X-User-Id", "kim", "X-Roles", "viewer"}, 403},
		{"a viewer", "GET", "/api/v1/admin/stats", []string{"X-User-Id", "kim", "X-Roles", "viewer"}, 200},
	}
	for mode, attacks := range map[string][]attack{
		"--demo": demo,
		"--auth-mode proxy --auth-roles-header X-Roles --trusted-proxies 10.0.0.0/8":  direct,
		"--auth-mode proxy --auth-roles-header X-Roles --trusted-proxies 127.0.0.0/8": behind,
	} {
		a := &attackedNode{T: t, Node: harness.NewNode(t, append(strings.Fields(mode), "--logging-level", "error")...)}
		a.process = a.Start()
		for _, attack := range attacks {
			var request strings.Builder
			fmt.Fprintf(&request, "%s %s HTTP/1.1\r\n", attack.method, attack.path)
			if attack.header[0] != "Host" {
				fmt.Fprintf(&request, "Host: %s\r\n", a.Addr)
			}
			for i := 0; i+1 < len(attack.header); i += 2 {
				fmt.Fprintf(&request, "%s: %s\r\n", attack.header[i], attack.header[i+1])
			}
			if got := a.raw(request.String() + "Content-Length: 0\r\n\r\n"); !strings.HasPrefix(got, fmt.Sprint(attack.want)) {
				t.Errorf("%s: %s: got %s, want %d", mode, attack.name, got, attack.want)
			}
		}
		a.stop()
	}
}
