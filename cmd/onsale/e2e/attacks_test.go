// What attackers try on a node in mode jwt, and what each gets. How tokens are attacked is in http/auth, who is admitted by
// which route in http, slow and many connections in limits_test.go.

package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"onsale/cmd/onsale/e2e/harness"
	"onsale/http/auth"
)

const attackSecret = "a secret of tests, and nothing but tests"

// attackedNode is a demo in mode jwt, with what kim has in it.
type attackedNode struct {
	*testing.T
	*harness.Node
	process *harness.Process
	client  *http.Client

	request, coupon, hold, reservation, waiting string // kim's
}

func (a *attackedNode) token(user string, roles ...string) string {
	a.Helper()
	return signToken(a.T, user, time.Hour, roles...)
}

func signToken(t *testing.T, user string, ttl time.Duration, roles ...string) string {
	t.Helper()
	token, err := auth.SecretSigner(attackSecret).Sign(auth.Config{}, user, roles, ttl)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// as sends a request of a user; header holds names and values by turns.
func (a *attackedNode) as(token, method, path, body string, header ...string) harness.Response {
	a.Helper()
	if token != "" {
		header = append(header, "Authorization", "Bearer "+token)
	}
	return a.MustDo(harness.TimeoutContext(a.T, 20*time.Second), a.client, method, path, body, append(header, "Prefer", "wait=10")...)
}

// result is a field of the result of a command that must succeed.
func (a *attackedNode) result(field, token, path, body string, header ...string) string {
	a.Helper()
	got := a.as(token, "POST", path, body, header...)
	var response struct {
		RequestID string
		Result    map[string]any
	}
	_ = json.Unmarshal([]byte(got.Body), &response)
	if field == "requestId" {
		return response.RequestID
	}
	value, ok := response.Result[field].(string)
	if !ok {
		a.Fatalf("%s %s: got %v", path, body, got)
	}
	return value
}

func startAttacked(t *testing.T) *attackedNode {
	a := &attackedNode{T: t, Node: harness.NewNode(t, "--demo", "--auth-secret", attackSecret, "--logging-level", "error"), client: harness.NewHTTPClient(t, 0)}
	a.process = a.StartDemo()
	kim, lee, admin := a.token("kim"), a.token("lee"), a.token("boss", "admin")
	a.coupon = a.result("couponId", kim, "/api/v1/promotions/demo/coupons", "")
	a.reservation = a.result("reservationId", kim, "/api/v1/schedules/demo/seats/reserve",
		`{"holdId":"`+a.result("holdId", kim, "/api/v1/schedules/demo/seats/hold", `{"scheduleSeatIds":[1]}`)+`"}`)
	a.hold = a.result("holdId", kim, "/api/v1/schedules/demo/seats/hold", `{"scheduleSeatIds":[3]}`)
	a.result("promotionId", admin, "/api/v1/admin/promotions", `{"promotionId":"one","name":"n","stock":1}`)
	a.result("couponId", lee, "/api/v1/promotions/one/coupons", "")
	a.waiting = a.result("waitingId", kim, "/api/v1/promotions/one/waiting", "")
	a.result("imp_uid", kim, "/api/v1/orders", `{"imp_uid":"imp_kim","salePostId":"demo","count":1,"amount":25000}`)
	a.request = a.result("requestId", kim, "/api/v1/promotions/demo/coupons", "", "Idempotency-Key", "kims-key")
	if got := a.as(admin, "POST", "/api/v1/admin/alarms", `{"userId":"kim","message":"private"}`); got.Status != 201 {
		t.Fatalf("got %v", got)
	}
	return a
}

// kims is what kim sees of the own data.
func (a *attackedNode) kims() string {
	var all strings.Builder
	for _, path := range []string{"me/coupons", "me/holds", "me/reservations", "me/waiting", "me/alarms", "orders/imp_kim", "schedules/demo/seats/my-holds"} {
		got := a.as(a.token("kim"), "GET", "/api/v1/"+path, "")
		if got.Status != 200 {
			a.Errorf("%s: got %v", path, got)
		}
		all.WriteString(got.Body + "\n")
	}
	return all.String()
}

// stop requires that nothing of all that was an error of the node, and that its log is whole.
func (a *attackedNode) stop() {
	a.process.Terminate(a.T)
	if strings.Contains(a.process.Stderr(), "level=ERROR") {
		a.Errorf("the node logged errors:\n%s", a.process.Stderr())
	}
	a.MustAudit()
}

// Other users' ids open nothing, and what is watched by all does not say who.
func TestAttacks_OnOthersData(t *testing.T) {
	t.Parallel()
	a := startAttacked(t)
	before := a.kims()
	lee, order := a.token("lee"), `{"imp_uid":"imp_kim","salePostId":"demo","count":1,"amount":25000}`
	seats := "/api/v1/schedules/demo/seats/"
	for _, c := range []struct {
		method, path, body string
		status             int
		code               string
	}{
		{"GET", "/api/v1/requests/" + a.request, "", 403, "forbidden"},
		{"GET", "/api/v1/requests/" + a.request + "?sequence=1000&wait=1s", "", 403, "forbidden"},
		{"GET", "/api/v1/orders/imp_kim", "", 403, "forbidden"},
		{"GET", "/api/v1/orders/imp_kim/sse", "", 403, "forbidden"},
		{"GET", "/api/v1/orders/imp_kim/sse?lastEventId=x-1", "", 403, "forbidden"},
		{"GET", "/subscribe/kim", "", 403, "forbidden"},
		{"GET", "/subscribe/kim?userId=kim&lastEventId=x-1", "", 403, "forbidden"},
		{"POST", "/api/v1/coupons/" + a.coupon + "/use", "", 403, "not_owner"},
		{"POST", "/api/v1/reservations/" + a.reservation + "/cancel", "", 403, "not_owner"},
		{"POST", seats + "extend", `{"holdId":"` + a.hold + `"}`, 403, "not_owner"},
		{"POST", seats + "release", `{"holdId":"` + a.hold + `"}`, 200, ""}, // but none of lee's is there to release
		{"POST", seats + "release", `{"scheduleSeatIds":[1,3]}`, 200, ""},
		{"POST", seats + "reserve", `{"holdId":"` + a.hold + `"}`, 403, "not_owner"},
		{"POST", seats + "reserve", `{"scheduleSeatIds":[3]}`, 409, "seat_unavailable"},
		{"POST", seats + "swap", `{"holdId":"` + a.hold + `","release":[3],"take":[4]}`, 403, "not_owner"},
		{"POST", seats + "hold", `{"scheduleSeatIds":[3]}`, 409, "seat_unavailable"},
		{"POST", "/api/v1/waiting/" + a.waiting + "/leave", "", 403, "not_owner"},
		{"POST", "/api/v1/waiting/" + a.waiting + "/accept", "", 403, "not_owner"},
		{"POST", "/api/v1/waiting/" + a.waiting + "/decline", "", 403, "not_owner"},
		{"POST", "/api/v1/orders", order, 409, "payment_already_used"},
		{"POST", "/api/v1/admin/orders/imp_kim/cancel", "{}", 403, "forbidden"},
		{"POST", "/api/v1/admin/coupons/" + a.coupon + "/revoke", "{}", 403, "forbidden"},
	} {
		if got := a.as(lee, c.method, c.path, c.body); got.Status != c.status || got.Code() != c.code || strings.Contains(got.Body, "kim") {
			t.Errorf("%s %s %s as lee: got %v, want %d %s", c.method, c.path, c.body, got, c.status, c.code)
		}
	}
	for _, user := range []string{"lee", "admin", "Kim", "kim ", "kim.>", "*", ">", "~", "kim\x00", "kim\r\nX-User-Id: kim"} { // the last ones get a name of their own
		token := a.token(user)
		for path, want := range map[string]string{"coupons": `{"items":[]}`, "orders": `{"items":[]}`, "holds": `{"items":[]}`, "reservations": `{"items":[]}`, "alarms": `{"items":[],"unread":0}`} {
			got := a.as(token, "GET", "/api/v1/me/"+path, "", "X-User-Id", "kim", "Cookie", "onsale_user=kim")
			if own := user == "lee" && path == "coupons"; got.Status != 200 || !own && got.Body != want || strings.Contains(got.Body, a.coupon) {
				t.Errorf("me/%s of %q: got %v", path, user, got)
			}
		}
		if got := a.as(token, "GET", "/api/v1/admin/stats", ""); got.Status != 403 { // the user admin is nobody without the role
			t.Errorf("admin/stats of %q: got %v", user, got)
		}
		// kim's key is another's key, too: it is another request, and neither replays nor reveals kim's.
		if got := a.as(token, "POST", "/api/v1/coupons/"+a.coupon+"/use", "", "Idempotency-Key", "kims-key"); got.Status != 403 || got.Header.Get("Idempotent-Replayed") != "" {
			t.Errorf("kim's key of %q: got %v", user, got)
		}
	}
	if after := a.kims(); after != before {
		t.Errorf("kim had\n%s\nand has\n%s", before, after)
	}
	a.checkWatchers()
	a.stop()
}

// checkWatchers requires that public reads and streams name no user.
func (a *attackedNode) checkWatchers() {
	for _, path := range []string{
		"/api/v1/schedules/demo/seats", "/api/schedules/demo/seats", "/api/v1/schedules/demo", "/api/v1/promotions/demo", "/api/v1/promotions", "/api/v1/products/demo",
		"/metrics", "/readyz",
	} {
		got := a.as("", "GET", path, "")
		for _, secret := range []string{`"mine":true`, "kim", a.hold, a.reservation, "heldUntil"} {
			if got.Status != 200 || strings.Contains(got.Body, secret) {
				a.Errorf("%s: got %d, with %q: %v", path, got.Status, secret, strings.Contains(got.Body, secret))
			}
		}
	}
	for _, path := range []string{"/api/v1/schedules/demo/seats/events?rewind=60", "/api/schedules/demo/seats/events?rewind=60&events=named", "/api/v1/promotions/demo/events"} {
		frames := a.raw("GET " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n")
		if !strings.Contains(frames, "event: connect") || strings.Contains(frames, "kim") || strings.Contains(frames, a.hold) {
			a.Errorf("%s: got %s", path, frames)
		}
	}
}

// raw sends bytes and returns what comes back within a while.
func (a *attackedNode) raw(request string) string {
	a.Helper()
	c, err := net.Dial("tcp", a.Addr)
	if err != nil {
		a.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.WriteString(c, request); err != nil {
		a.Fatal(err)
	}
	r := bufio.NewReader(c)
	response, err := http.ReadResponse(r, nil)
	if err != nil {
		return err.Error()
	}
	_ = c.SetReadDeadline(time.Now().Add(500 * time.Millisecond)) // a stream does not end
	body, _ := io.ReadAll(response.Body)
	_ = response.Body.Close()
	var head strings.Builder
	_ = response.Header.Write(&head)
	return fmt.Sprintf("%d %s\r\n%s", response.StatusCode, head.String(), body)
}

func (a *attackedNode) ticket(token string) string {
	a.Helper()
	var ticket struct{ Ticket string }
	if got := a.as(token, "POST", "/api/v1/me/tickets", ""); got.Status != 200 || json.Unmarshal([]byte(got.Body), &ticket) != nil || ticket.Ticket == "" {
		a.Fatalf("got %v", got)
	}
	return ticket.Ticket
}
