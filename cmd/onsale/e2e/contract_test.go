package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"onsale/cmd/onsale/e2e/harness"
	"onsale/http/openapi/openapitest"
)

// contractNode is a demo node whose responses and frames are compared with the document that it serves.
type contractNode struct {
	*testing.T
	*harness.Node
	document *openapitest.Document

	mu     sync.Mutex
	frames map[string]int // by path and event
}

// do sends a request, compares it, and resolves the type of a problem.
func (n *contractNode) do(ctx context.Context, user, method, path, body string, header ...string) harness.Response {
	n.Helper()
	header = append(header, "X-User-Id", user, "Prefer", "wait=10")
	got := n.MustDo(ctx, http.DefaultClient, method, path, body, header...)
	address, err := url.Parse(path)
	if err != nil {
		n.Fatal(err)
	}
	if err := n.document.Check(openapitest.Exchange{
		Method: method, URL: address, Header: http.Header{"Content-Type": {"application/json"}}, Body: []byte(body),
		Status: got.Status, ResponseHeader: got.Header, ResponseBody: []byte(got.Body),
	}); err != nil {
		n.Error(err)
	}
	var problem struct{ Type string }
	if got.Status >= 400 && json.Unmarshal([]byte(got.Body), &problem) == nil {
		if page := n.MustDo(ctx, http.DefaultClient, "GET", problem.Type, ""); page.Status != http.StatusOK {
			n.Errorf("%s: the type %s is %v", path, problem.Type, page)
		}
	}
	return got
}

// watch compares the frames of a stream until ctx ends or the stream does.
func (n *contractNode) watch(ctx context.Context, user, path string) {
	r, err := http.NewRequestWithContext(ctx, "GET", n.URL()+path, nil)
	if err != nil {
		n.Error(err)
		return
	}
	r.Header.Set("X-User-Id", user)
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		n.Error(err)
		return
	}
	defer response.Body.Close()
	harness.ReadFrames(bufio.NewReader(response.Body), func(f harness.Frame, first bool) {
		frame := openapitest.Frame{Event: f.Event, Data: f.Data, ID: f.ID}
		if first {
			frame.Retry = "2000" // the reader leaves it out
		}
		if err := n.document.CheckFrame(r.URL.Path, frame); err != nil {
			n.Error(err)
		}
		n.mu.Lock()
		defer n.mu.Unlock()
		n.frames[path+" "+f.Event]++
	})
}

// seen waits until a stream had a frame.
func (n *contractNode) seen(ctx context.Context, what string) {
	n.Helper()
	for {
		n.mu.Lock()
		count := n.frames[what]
		n.mu.Unlock()
		if count > 0 {
			return
		}
		if !harness.Sleep(ctx, 20*time.Millisecond) {
			n.Fatalf("no frame %s; got %v", what, n.frames)
		}
	}
}

// result is a field of the outcome's result.
func (n *contractNode) result(got harness.Response, field string) string {
	n.Helper()
	var outcome struct{ Result map[string]any }
	if err := json.Unmarshal([]byte(got.Body), &outcome); err != nil {
		n.Fatal(err)
	}
	text, ok := outcome.Result[field].(string)
	if !ok {
		n.Fatalf("no %s in %v", field, got)
	}
	return text
}

// A whole sale, by a real node: what it answers and streams is in the document that it serves, and the type of every problem is a
// page.
func TestContract_HoldsOnRealNode(t *testing.T) {
	t.Parallel()
	node := harness.NewNode(t, "--demo", "--streams-heartbeat", "1s", "--streams-user-heartbeat", "1s")
	node.StartDemo()
	ctx := harness.TimeoutContext(t, time.Minute)
	document := node.MustDo(ctx, http.DefaultClient, "GET", "/openapi.json", "")
	parsed, err := openapitest.Parse([]byte(document.Body))
	if err != nil {
		t.Fatal(err)
	}
	n := &contractNode{T: t, Node: node, document: parsed, frames: map[string]int{}}

	const (
		kim, alarms, seats, named = "/subscribe/kim", "/api/v1/users/alarm/subscribe?lang=en", "/api/v1/schedules/demo/seats/events", "/api/schedules/demo/seats/events?events=named"
		feed                      = "/api/v1/admin/events?rewind=60"
		gift, paid, unpaid        = "/api/v1/promotions/gift/events", "/api/v1/orders/imp_1/sse", "/api/v1/orders/imp_2/sse?data=text"
	)
	n.do(ctx, "admin", "POST", "/api/v1/admin/promotions", `{"promotionId":"gift","name":"gift","stock":1}`)
	streams, stop := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer stop()
	for _, path := range []string{kim, alarms, seats, named, feed, gift, paid, unpaid} {
		wg.Go(func() { n.watch(streams, "kim", path) })
	}
	for _, path := range []string{kim, alarms, seats, named, feed, gift, paid, unpaid} {
		n.seen(ctx, path+" connect")
	}

	// Coupons and their waiting list.
	n.do(ctx, "lee", "POST", "/api/v1/promotions/gift/coupons", "")
	n.do(ctx, "kim", "POST", "/api/v1/promotions/gift/coupons", "")
	n.do(ctx, "kim", "POST", "/api/v1/promotions/nothing/coupons", "")
	waiting := n.result(n.do(ctx, "kim", "POST", "/api/v1/promotions/gift/waiting", "{}"), "waitingId")
	n.do(ctx, "admin", "POST", "/api/v1/admin/coupons/gift-1/revoke", `{"reason":"twice"}`)
	n.do(ctx, "kim", "POST", "/api/v1/waiting/"+waiting+"/accept", "")
	n.do(ctx, "kim", "POST", "/api/v1/coupons/gift-2/use", "")
	n.do(ctx, "kim", "POST", "/api/v1/coupons/gift-2/use", "")

	// Seats.
	hold := n.result(n.do(ctx, "kim", "POST", "/api/v1/schedules/demo/seats/hold", `{"scheduleSeatIds":[1,2]}`), "holdId")
	n.do(ctx, "lee", "POST", "/api/v1/schedules/demo/seats/hold", `{"scheduleSeatIds":[2,3]}`)
	n.do(ctx, "kim", "POST", "/api/v1/schedules/demo/seats/extend", `{"holdId":"`+hold+`"}`)
	n.do(ctx, "kim", "POST", "/api/v1/schedules/demo/seats/swap", `{"holdId":"`+hold+`","release":[2],"take":[4]}`)
	n.do(ctx, "kim", "POST", "/api/v1/schedules/demo/seats/release", `{"scheduleSeatIds":[4]}`)
	reservation := n.result(n.do(ctx, "kim", "POST", "/api/schedules/demo/seats/reserve", `{"holdId":"`+hold+`"}`), "reservationId")
	n.do(ctx, "kim", "POST", "/api/v1/reservations/"+reservation+"/cancel", "")
	n.do(ctx, "kim", "POST", "/api/v1/schedules/demo/seats/hold", `{"bestAvailable":{"count":2}}`)
	n.do(ctx, "admin", "POST", "/api/v1/admin/schedules/demo/block", `{"scheduleSeatIds":[590]}`)

	// Orders: one is paid, the other pays too little.
	for _, payment := range []string{`{"imp_uid":"imp_1","merchant_uid":"a","amount":25000}`, `{"imp_uid":"imp_2","merchant_uid":"b","amount":1}`} {
		if got := n.MustDo(ctx, http.DefaultClient, "POST", "/fakepay/_fake/payments", payment); got.Status >= 300 {
			t.Fatal(got)
		}
	}
	n.do(ctx, "kim", "POST", "/api/v1/orders/prepare", `{"salePostId":"demo","count":1}`)
	n.do(ctx, "kim", "POST", "/api/v1/orders", `{"imp_uid":"imp_1","salePostId":"demo","count":1,"amount":25000}`)
	n.do(ctx, "kim", "POST", "/api/v1/orders", `{"imp_uid":"imp_2","salePostId":"demo","count":1,"amount":25000}`)
	n.do(ctx, "kim", "POST", "/api/v1/orders", `{"imp_uid":"imp_3","salePostId":"demo","count":1,"amount":3}`)
	n.seen(ctx, paid+" success")
	n.seen(ctx, unpaid+" failure")
	n.do(ctx, "admin", "POST", "/api/v1/admin/orders/imp_1/cancel", `{"reason":"no shirts"}`)
	n.do(ctx, "admin", "POST", "/api/v1/admin/alarms", `{"userId":"kim","message":"soon"}`)

	for _, what := range []string{
		"issue-failed", "waiting", "offer", "issue-complete", "coupon-used", "use-failed", "hold-complete", "hold-extended", "hold-released", "reserve-complete",
		"reservation-cancelled", "command-complete", "order-accepted", "order-success", "order-failure", "order-refused", "order-refunded", "alarm", "heartbeat",
	} {
		n.seen(ctx, kim+" "+what)
	}
	for _, what := range []string{feed + " ", alarms + " alarm", seats + " ", named + " seatStatusChange", named + " ", gift + " progress", gift + " status"} {
		n.seen(ctx, what)
	}
	for _, path := range []string{
		"/api/v1/promotions", "/api/v1/promotions/gift", "/api/v1/schedules", "/api/v1/schedules/demo", "/api/v1/schedules/demo/seats", "/api/v1/schedules/demo/seats/summary",
		"/api/v1/schedules/demo/seats/my-holds", "/api/v1/products", "/api/v1/products/demo", "/api/v1/me/coupons", "/api/v1/me/holds", "/api/v1/me/reservations",
		"/api/v1/me/orders", "/api/v1/me/waiting", "/api/v1/me/alarms?lang=en", "/api/v1/orders/imp_1", "/api/v1/admin/stats", "/api/v1/admin/export/orders.csv",
		"/healthz", "/readyz", "/metrics", "/debug/streams", "/debug/streams?format=text", "/openapi.json", "/docs", "/problems/sold_out", "/nothing",
	} {
		n.do(ctx, "kim", "GET", path, "")
	}
	for _, media := range []string{"application/x-ndjson", "application/cloudevents+json"} {
		lines := n.do(ctx, "admin", "GET", "/api/v1/admin/events?rewind=60&type=orders.*", "", "Accept", media)
		if lines.Status != http.StatusOK || strings.Count(lines.Body, "\n") < 5 {
			t.Errorf("the feed as %s: %v", media, lines)
		}
	}
	if strings.Contains(document.Body, "127.0.0.1") {
		t.Error("the document names an address")
	}
}
