// Package load asks one service for what it sells, as fast as it answers or as often as it is told to, and then holds the
// service to its word: everything that was accepted has exactly one outcome, and nothing was given twice.
//
// It shares its machine with the service, so it speaks HTTP/1.1 over raw connections and keeps little of each command: a
// client that costs as much as the server would measure itself. The requests are those of any client, with a key each.
package load

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Plan is what is asked, by whom and how often. At least one of Commands and Duration is set.
type Plan struct {
	Target      string        // "http://127.0.0.1:8080"
	What        string        // Coupons or Seats; Nothing only loads Target and checks nothing
	Connections int           // the most commands under way at once
	Rate        float64       // commands a second, whether they are answered in time or not; 0: each connection as it can
	Commands    int           // 0: as many as Duration has room for
	Duration    time.Duration // 0: until Commands are sent
	Users       int           // they ask in turn
	Stock       int           // units or seats
	Streams     int           // so many of the users watch their stream
	Scatter     bool          // the names of users come in no order
}

// What can be asked for.
const (
	Coupons = "coupons"
	Seats   = "seats"
	Nothing = "nothing"
)

// Late is how long after the time of its command an outcome is called late.
const Late = time.Second

// Result is what happened. Latencies are in microseconds; with a Rate they begin when the command was to be sent.
type Result struct {
	Sent, Accepted, Unanswered int
	Refused                    map[string]int // by code
	Took                       time.Duration  // from the first command until everything is decided, and told to those who watch
	Answer, Outcome            *hdrhistogram.Histogram
	Told                       int // outcomes that came over a stream
	Late                       int // of these
	Reconnected                int // streams that had to connect again
}

// Run is one load on one sale.
type Run struct {
	Plan
	host     string
	name     string // in the ids of this run's users and of its sale
	sale     sale
	watchers map[int]*watcher // by user
	watching sync.WaitGroup
	unwatch  context.CancelFunc
	awaited  atomic.Int64 // outcomes that are yet to come over a stream
	shoppers []*shopper
}

// Prepare opens the sale and the streams. Close ends them.
func Prepare(ctx context.Context, p Plan) (*Run, error) {
	target, err := url.Parse(p.Target)
	if err != nil {
		return nil, err
	}
	r := &Run{Plan: p, host: target.Host, name: strings.ToLower(rand.Text()[:8]), watchers: map[int]*watcher{}}
	r.sale = sale{what: p.What, id: "bench-" + r.name, stock: p.Stock, target: p.Target}
	if err := r.sale.create(ctx, p); err != nil {
		return nil, err
	}
	watch, unwatch := context.WithCancel(ctx)
	r.unwatch = unwatch
	for i := range p.Streams {
		user := i * p.Users / p.Streams // evenly spread over the run
		w := newWatcher(r.host, r.user(user), &r.awaited)
		r.watchers[user] = w
		r.watching.Go(func() { w.run(watch) })
	}
	for _, w := range r.watchers {
		select {
		case <-w.open:
		case <-time.After(30 * time.Second):
			r.Close()
			return nil, fmt.Errorf("a stream of %s does not open: %w", p.Target, w.failure())
		case <-ctx.Done():
			r.Close()
			return nil, ctx.Err()
		}
	}
	return r, nil
}

// Close ends the streams.
func (r *Run) Close() {
	r.unwatch()
	r.watching.Wait()
}
