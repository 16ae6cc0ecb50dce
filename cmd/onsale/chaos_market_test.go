// A market: people who buy, the shop, and a payment provider in the test's own process, which remembers what the node did
// in all its lives.

package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"onsale/http/portone/fake"
)

// market is a crowd that buys.
type market struct {
	*crowd
	provider *fake.Server
	streams  *http.Client
	payBy    time.Duration  // how long an order waits for its payment
	shelf    map[string]int // units of each product

	doors  []string       // of the nodes, at which people knock
	clerk  chan string    // paths of what the shop shall do
	clerks sync.WaitGroup //
	later  sync.WaitGroup // what people do after they have left
	ears   sync.WaitGroup // streams of orders

	mu     sync.Mutex // guards what follows
	orders []*ordered
}

// newMarket is one in which there is enough of everything but lamps.
func newMarket(t *testing.T, lamps int, patience, payBy time.Duration, args ...string) *market {
	f := fake.New()
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	args = append(args, "--payments-provider", "portone", "--payments-url", server.URL, "--payments-key", f.Key,
		"--payments-secret", f.Secret, "--payments-timeout", "1s", "--payments-pay-within", payBy.String())
	m := &market{
		crowd: newChaos(t, args...).crowd(within(t, patience)), provider: f, payBy: payBy, clerk: make(chan string),
		streams: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}},
		shelf:   map[string]int{"tee": 1_000_000, "lamp": lamps, "print": 1_000_000},
	}
	m.doors = []string{m.box.url()}
	m.hooks(fake.Webhooks{})
	for id, stock := range m.shelf {
		m.create("/api/v1/admin/products", map[string]any{"salePostId": id, "name": id, "price": price[id], "stock": stock})
	}
	shop := m.someone("admin")
	m.clerks.Go(func() {
		for path := range m.clerk {
			shop.wish(m.ctx, path, map[string]any{"reason": "the shop is sorry"})
		}
	})
	return m
}

var price = map[string]int64{"tee": 10_000, "lamp": 45_000, "print": 7_500}

// someone is a person who is remembered, at one of the doors.
func (m *market) someone(name string) *person {
	p := m.person(name)
	p.URL = pick(m.dice, m.doors...)
	m.people = append(m.people, p)
	return p
}

// trade lets so many people buy so many things each. The print is taken off the shelf in the middle of it.
func (m *market) trade(people, things int) *sync.WaitGroup {
	var trading sync.WaitGroup
	for i := range people {
		b := &buyer{person: m.someone(fmt.Sprint("u", i)), other: m.someone(fmt.Sprint("other", i)), market: m}
		for _, p := range []*person{b.person, b.other} {
			m.watchAt(p.URL+"/subscribe/"+p.User, "")
		}
		trading.Go(func() {
			for n := range things {
				pause(m.ctx, some(b.dice, 100*time.Millisecond))
				b.buys()
				if i == 0 && n == things/2 {
					m.clerk <- "/api/v1/admin/products/print/close"
				}
			}
		})
	}
	return &trading
}

// over waits until everybody has gone home and every order is at rest, and compares everything with everything.
func (m *market) over(began time.Time, urged bool, calm func()) {
	m.t.Helper()
	m.later.Wait()
	close(m.clerk)
	m.clerks.Wait()
	calm()
	traded := time.Since(began)
	m.rest(urged)
	rested := time.Since(began)
	m.ears.Wait()
	m.balance()
	past := m.end()
	m.judge(past)
	m.afterwards(past)
	m.t.Logf("killed %d times; traded for %s, at rest after %s, compared after %s", m.kills,
		traded.Round(time.Second/10), (rested - traded).Round(time.Second/10), time.Since(began).Round(time.Second/10))
}
