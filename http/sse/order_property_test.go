package sse

import (
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"onsale/domain"
	"onsale/http/view"
	"onsale/http/view/viewtest"
)

// While orders are placed, replaced and decided, connections are cut and the node restarts, whatever id a client resumes with:
//
//  1. a connection carries one result, as its last frame, or none;
//  2. it is that of the user's own order, byte by byte;
//  3. a client that waits long enough gets it.
func TestOrder_PublishesOneResult(t *testing.T) { runWithSeeds(t, testOneResult) }

func testOneResult(t *testing.T, r *rand.Rand) {
	f := newFixture(t, Config{
		Ring: pick(r, 1, 3, 8, 64, 1024), MaxCatchUps: pick(r, 1, 2, 64), MaxPerUser: -1,
		ScheduleMaxAge: pick(r, time.Second, 20*time.Second, time.Hour), UserHeartbeat: pick(r, time.Second, 25*time.Second),
	})
	health := pick(r, 1, 20, 200)
	var rngMu sync.Mutex
	rng := rand.New(rand.NewPCG(r.Uint64(), 2))
	f.nextFault = func() fault {
		rngMu.Lock()
		defer rngMu.Unlock()
		if health == 1 || rng.IntN(health) > 0 {
			return noFault
		}
		return pick(rng, readsSlowly, readFails, readEnds, readHangs)
	}
	s := f.serve()
	s.bufferSize = func() int {
		rngMu.Lock()
		defer rngMu.Unlock()
		return pick(rng, 50, 500, 5000)
	}
	var waiting sync.WaitGroup
	for n := range 6 {
		impUID := fmt.Sprint("imp_", n)
		for _, user := range []string{"", "1", "2"} {
			for range 2 {
				c := &orderClient{t: t, f: f, s: s, r: rand.New(rand.NewPCG(r.Uint64(), 3)), impUID: impUID, user: user}
				waiting.Go(c.run)
			}
		}
	}
	runOrders(f, r)
	waiting.Wait()
}

// runOrders places and decides the orders of payments imp_0 to imp_5, interleaved. Each second payment is user 2's, and user 1
// placed an order for it first.
func runOrders(f *fixture, r *rand.Rand) {
	histories := make([][]domain.Event, 6)
	for n := range histories {
		id := fmt.Sprint("imp_", n)
		histories[n] = slices.Concat(
			[]domain.Event{placedBy("1", id), rechecked(id)},
			[][]domain.Event{
				{pendingOf("1", id), paid("1", id), refunded("1", id)},
				{failed("1", id), placedBy("2", id), rechecked(id), pick(r, paid, failed)("2", id), rechecked(id)},
			}[n%2])
	}
	for left := 6; left > 0; {
		for range r.IntN(8) {
			n := r.IntN(6)
			switch {
			case r.IntN(3) == 0:
				f.decide(randomEvent(r))
			case len(histories[n]) > 0:
				f.decide(histories[n][0])
				if histories[n] = histories[n][1:]; len(histories[n]) == 0 {
					left--
				}
			}
		}
		f.append(r.IntN(6))
		time.Sleep(time.Duration(r.IntN(pick(r, 2, 1000, 5000))) * time.Millisecond)
		f.deliver(r.IntN(6))
		if r.IntN(20) == 0 {
			f.restart()
		}
	}
	f.append(1000)
	f.deliver(1000)
	f.emit(issued("last"))
}

// orderClient waits for the result of one payment, and reconnects again and again, whether it got it or not.
type orderClient struct {
	t            *testing.T
	f            *fixture
	s            *server
	r            *rand.Rand
	impUID, user string
	id           string
}

// run ends when the payment has its final order and the client got its result, or the order is another user's.
func (c *orderClient) run() {
	began := time.Now()
	for !c.t.Failed() {
		time.Sleep(time.Duration(c.r.IntN(pick(c.r, 1+1, 100, 20_000))) * time.Millisecond)
		owner, final := c.f.ownerOf(c.impUID)
		if final && c.user != "" && c.user != owner {
			return // the API answers 403
		}
		result := c.connect()
		if final && result != "" {
			return
		}
		if time.Since(began) > 5*time.Hour {
			c.t.Errorf("user %q got no result of %s", c.user, c.impUID)
			return
		}
	}
}

// connect is one connection, which may be cut. It returns the result, or "".
func (c *orderClient) connect() (result string) {
	path := fmt.Sprintf("/orders/%s?user=%s", c.impUID, c.user)
	st, err := c.s.open(path, pick(c.r, "", c.id, epoch+"-0", "garbage"))
	if err != nil {
		c.t.Errorf("opening %s: %v", path, err)
		return ""
	}
	defer st.Close()
	if c.r.IntN(3) == 0 {
		_ = st.SetReadDeadline(time.Now().Add(time.Duration(c.r.IntN(10_000)) * time.Millisecond))
	}
	var events []viewtest.Event
	for {
		e, err := st.next()
		if err != nil {
			if c.id = st.LastID; err == io.EOF {
				time.Sleep(st.Retry)
			}
			break
		}
		if e.Event != "heartbeat" {
			events = append(events, e)
		}
		if result != "" && e.Event != "heartbeat" {
			c.t.Errorf("after the result comes %+v", e)
		}
		if e.Event == "success" || e.Event == "failure" {
			result = e.Event
			if !slices.Contains(c.f.results(c.impUID, c.user), e) {
				c.t.Errorf("user %q got of %s: %+v", c.user, c.impUID, e)
			}
		}
	}
	for i, e := range events {
		if (i == 0) != (e.Event == "connect") || i > 1 {
			c.t.Errorf("user %q got of %s: %+v", c.user, c.impUID, events)
		}
		if i == 0 && strings.Contains(e.Data, `"orderStatus"`) && c.user != "" && !strings.Contains(e.Data, `"owner":"`+c.user) {
			c.t.Errorf("user %q got another user's order: %+v", c.user, e)
		}
	}
	return result
}

// ownerOf is the user of the payment's last order; final: it is the last one there will be, and its result was delivered.
func (f *fixture) ownerOf(impUID string) (owner string, final bool) {
	v, _, _ := f.order(impUID)
	f.mu.Lock()
	defer f.mu.Unlock()
	second := strings.ContainsAny(impUID[4:], "135")
	return v.user, v.resultEvent > 0 && v.resultEvent <= uint64(f.delivered) && (v.user == "2") == second
}

// results are the delivered results of a payment that the user may see.
func (f *fixture) results(impUID, user string) (all []viewtest.Event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, e := range f.log[:f.delivered] {
		if e.Entity == impUID && (user == "" || e.User == user) {
			all = append(all, viewtest.Parse(string(view.Render(epoch, &e.Event, view.Audience{Content: view.OrderResult}).Bytes)).Events...)
		}
	}
	return all
}
