// What was ordered, and who listens to what becomes of it. Each stream is read through all lives of the node, until its one
// verdict has come; whoever comes back then is told that there is nothing more.

package chaos

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"onsale/cmd/onsale/e2e/harness"
)

// orderStream is a payment that somebody named in an order.
type orderStream struct {
	impUID, user string
	shared       bool // others named it too

	lastID string // as EventSource has it
	result harness.Frame
	lost   bool // it is another's now
	faults []string
}

// placeOrder orders for a payment of the buyer's own.
func (b *buyer) placeOrder(impUID string, want basket) {
	b.workload.placeOrder(b.chaosUser, impUID, want, false)
}

// placeOrder orders, listens, perhaps from before, and gives the code of a refusal.
func (m *orderWorkload) placeOrder(p *chaosUser, impUID string, want basket, shared bool) (code string) {
	o := &orderStream{impUID: impUID, user: p.User, shared: shared}
	listen := sync.OnceFunc(func() {
		m.mu.Lock()
		m.orders = append(m.orders, o)
		m.mu.Unlock()
		m.streamReaders.Go(func() { o.listen(m.ctx, m.streamClient, p.URL) })
	})
	if !shared && p.rng.IntN(3) == 0 {
		listen()
	}
	a, _ := p.execute(m.ctx, "/api/v1/orders", map[string]any{
		"imp_uid": impUID, "salePostId": want.product, "count": want.count, "amount": want.amount,
	})
	if a.response.Code != "payment_already_used" {
		listen()
	}
	return a.response.Code
}

func (o *orderStream) fault(format string, args ...any) {
	o.faults = append(o.faults, fmt.Sprintf(format, args...))
}

// listen comes back until it is told that there is nothing more to hear.
func (o *orderStream) listen(ctx context.Context, client *http.Client, url string) {
	for o.connect(ctx, client, url+"/api/v1/orders/"+o.impUID+"/sse") && harness.Sleep(ctx, 100*time.Millisecond) {
	}
}

// connect listens until the stream ends, and says whether to come back.
func (o *orderStream) connect(ctx context.Context, client *http.Client, url string) (retry bool) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		panic(err)
	}
	r.Header.Set("X-User-Id", o.user)
	if o.lastID != "" {
		r.Header.Set("Last-Event-ID", o.lastID)
	}
	response, err := client.Do(r)
	if err != nil {
		return true // there is nobody at the moment
	}
	defer response.Body.Close()
	switch {
	case response.StatusCode == http.StatusNoContent && o.result.ID != "":
		return false
	case response.StatusCode == http.StatusForbidden && o.shared:
		o.lost = true
		return false
	case response.StatusCode != http.StatusOK || response.Header.Get("Content-Type") != "text/event-stream":
		o.fault("got %s after %q", response.Status, o.lastID)
		return false
	}
	harness.ReadFrames(bufio.NewReader(response.Body), o.handleFrame)
	return true
}

func (o *orderStream) handleFrame(f harness.Frame, first bool) {
	switch {
	case first != (f.Event == "connect"):
		o.fault("the stream begins, or goes on, with %+v", f)
	case f.Event == "success" || f.Event == "failure":
		if o.result.ID != "" {
			o.fault("after the verdict %+v came %+v", o.result, f)
		}
		o.result = f
	case f.Event != "connect" && f.Event != "heartbeat":
		o.fault("nobody knows what %+v is", f)
	}
	o.lastID = f.ID
}
