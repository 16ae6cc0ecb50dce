// What was ordered, and who listens to what becomes of it. Each stream is read through all lives of the node, until its one
// verdict has come; whoever comes back then is told that there is nothing more.

package main

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// ordered is a payment that somebody named in an order.
type ordered struct {
	impUID, user string
	shared       bool // others named it too

	last    string // as EventSource has it
	verdict seenFrame
	gone    bool // it is another's now
	faults  []string
}

// orders orders for a payment of the buyer's own.
func (b *buyer) orders(impUID string, want basket) { b.market.place(b.person, impUID, want, false) }

// place orders, listens, perhaps from before, and gives the code of a refusal.
func (m *market) place(p *person, impUID string, want basket, shared bool) (code string) {
	o := &ordered{impUID: impUID, user: p.User, shared: shared}
	listen := sync.OnceFunc(func() {
		m.mu.Lock()
		m.orders = append(m.orders, o)
		m.mu.Unlock()
		m.ears.Go(func() { o.listen(m.ctx, m.streams, p.URL) })
	})
	if !shared && p.dice.IntN(3) == 0 {
		listen()
	}
	a, _ := p.wish(m.ctx, "/api/v1/orders", map[string]any{
		"imp_uid": impUID, "salePostId": want.product, "count": want.count, "amount": want.amount,
	})
	if a.answer.Code != "payment_already_used" {
		listen()
	}
	return a.answer.Code
}

func (o *ordered) fault(format string, args ...any) {
	o.faults = append(o.faults, fmt.Sprintf(format, args...))
}

// listen comes back until it is told that there is nothing more to hear.
func (o *ordered) listen(ctx context.Context, client *http.Client, url string) {
	for o.connect(ctx, client, url+"/api/v1/orders/"+o.impUID+"/sse") && pause(ctx, 100*time.Millisecond) {
	}
}

// connect listens until the stream ends, and says whether to come back.
func (o *ordered) connect(ctx context.Context, client *http.Client, url string) (again bool) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		panic(err)
	}
	r.Header.Set("X-User-Id", o.user)
	if o.last != "" {
		r.Header.Set("Last-Event-ID", o.last)
	}
	response, err := client.Do(r)
	if err != nil {
		return true // there is nobody at the moment
	}
	defer response.Body.Close()
	switch {
	case response.StatusCode == http.StatusNoContent && o.verdict.id != "":
		return false
	case response.StatusCode == http.StatusForbidden && o.shared:
		o.gone = true
		return false
	case response.StatusCode != http.StatusOK || response.Header.Get("Content-Type") != "text/event-stream":
		o.fault("got %s after %q", response.Status, o.last)
		return false
	}
	readFrames(bufio.NewReader(response.Body), o.take)
	return true
}

func (o *ordered) take(f seenFrame, first bool) {
	switch {
	case first != (f.event == "connect"):
		o.fault("the stream begins, or goes on, with %+v", f)
	case f.event == "success" || f.event == "failure":
		if o.verdict.id != "" {
			o.fault("after the verdict %+v came %+v", o.verdict, f)
		}
		o.verdict = f
	case f.event != "connect" && f.event != "heartbeat":
		o.fault("nobody knows what %+v is", f)
	}
	o.last = f.id
}
