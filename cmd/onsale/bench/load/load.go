// Package load sends commands to a node, as fast as it answers or at a fixed rate, and then verifies the outcomes: every
// accepted command has exactly one, and nothing was given twice. It also reads thousands of streams, and verifies them.
//
// It shares its machine with the node, so it speaks HTTP/1.1 over raw connections and keeps little of each command: a client
// that costs as much as the server would measure itself. The requests are those of any client, each with a key.
package load

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"onsale/domain"
)

// Plan is what is sent, by which users and how often. At least one of Commands and Duration is set.
type Plan struct {
	Target      string        // "http://127.0.0.1:8080"
	What        string        // Coupons or Seats; Nothing only loads Target and verifies nothing
	Connections int           // the most commands in flight
	Rate        float64       // commands a second, whether they are answered in time or not; 0: as fast as each connection can
	Commands    int           // 0: as many as fit into Duration
	Duration    time.Duration // 0: until Commands are sent
	Users       int           // they take turns
	Stock       int           // units or seats
	Streams     int           // so many of the users watch their stream
	Scatter     bool          // the names of users are in no order
}

// What a run may send.
const (
	Coupons = "coupons"
	Seats   = "seats"
	Nothing = "nothing"
)

// LateAfter is how long after its command an outcome counts as late.
const LateAfter = time.Second

// Result is what happened. Latencies are in microseconds; with a Rate they count from when the command was due.
type Result struct {
	Sent, Accepted, Unanswered      int
	Refused                         map[string]int // by code
	Elapsed                         time.Duration  // from the first command until everything is decided, and delivered to readers
	ResponseLatency, OutcomeLatency *hdrhistogram.Histogram
	Delivered                       int // outcomes that came over a stream
	Late                            int // of these
	Reconnected                     int // streams that had to connect again
}

// Run is one load on one sale.
type Run struct {
	Plan
	host            string
	name            string // in the ids of this run's users and of its sale
	sale            sale
	readers         map[int]*userReader // by user
	readerGroup     sync.WaitGroup
	stopReaders     context.CancelFunc
	pendingOutcomes atomic.Int64 // outcomes that have not come over a stream yet
	clients         []*client
}

// Prepare creates the sale and opens the streams. Close ends the streams.
func Prepare(ctx context.Context, p Plan) (*Run, error) {
	target, err := url.Parse(p.Target)
	if err != nil {
		return nil, err
	}
	r := &Run{Plan: p, host: target.Host, name: strings.ToLower(rand.Text()[:8]), readers: map[int]*userReader{}}
	r.sale = sale{what: p.What, id: "bench-" + r.name, stock: p.Stock, target: p.Target}
	if err := r.sale.create(ctx, p); err != nil {
		return nil, err
	}
	watchCtx, stopReaders := context.WithCancel(ctx)
	r.stopReaders = stopReaders
	for i := range p.Streams {
		user := i * p.Users / p.Streams // evenly spread over the run
		w := newUserReader(r.host, r.user(user), &r.pendingOutcomes)
		r.readers[user] = w
		r.readerGroup.Go(func() { w.run(watchCtx) })
	}
	for _, w := range r.readers {
		select {
		case <-w.ready:
		case <-time.After(30 * time.Second):
			r.Close()
			return nil, fmt.Errorf("a stream of %s does not open: %w", p.Target, w.lastErr())
		case <-ctx.Done():
			r.Close()
			return nil, ctx.Err()
		}
	}
	return r, nil
}

// Close ends the streams.
func (r *Run) Close() {
	r.stopReaders()
	r.readerGroup.Wait()
}

// Load sends everything, and waits until all accepted commands are decided and their outcomes have reached the readers.
func (r *Run) Load(ctx context.Context) (Result, error) {
	start := time.Now()
	err := r.send(ctx)
	decided, decideErr := r.awaitDecided(ctx)
	if err == nil {
		err = decideErr
	}
	delivered := r.awaitDelivered(ctx)
	result := r.collectResult()
	result.Elapsed = max(decided.Sub(start), delivered.Sub(start))
	return result, err
}

func (r *Run) send(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	p := startPacer(ctx, r.Plan)
	var group sync.WaitGroup
	for range r.Connections {
		s := r.newClient()
		r.clients = append(r.clients, s)
		group.Go(func() {
			if err := s.sendAll(ctx, p); err != nil {
				cancel(err)
			}
		})
	}
	group.Wait()
	return context.Cause(ctx)
}

// awaitDecided waits for the command with the highest sequence: when it is decided, all are.
func (r *Run) awaitDecided(ctx context.Context) (time.Time, error) {
	var last acceptedCommand
	for _, s := range r.clients {
		for _, p := range s.accepted {
			if p.sequence > last.sequence {
				last = p
			}
		}
	}
	if last.sequence == 0 {
		return time.Now(), nil
	}
	conn := connection{host: r.host}
	defer conn.close()
	for end := time.Now().Add(5 * time.Minute); time.Now().Before(end) && ctx.Err() == nil; {
		v, err := r.queryRequest(&conn, last, 30)
		if err != nil {
			return time.Now(), err
		}
		if v.Status != "PENDING" {
			return time.Now(), nil
		}
	}
	return time.Now(), fmt.Errorf("command %d is not decided after 5 minutes", last.sequence)
}

// awaitDelivered waits for the streams, as long as something comes every ten seconds. It returns the time of the last outcome.
func (r *Run) awaitDelivered(ctx context.Context) time.Time {
	remaining, since := r.pendingOutcomes.Load(), time.Now()
	for remaining > 0 && time.Since(since) < 10*time.Second && ctx.Err() == nil {
		time.Sleep(2 * time.Millisecond)
		if now := r.pendingOutcomes.Load(); now != remaining {
			remaining, since = now, time.Now()
		}
	}
	var last time.Time
	for _, w := range r.readers {
		if t := w.lastDelivery(); t.After(last) {
			last = t
		}
	}
	return last
}

func (r *Run) collectResult() Result {
	result := Result{Refused: map[string]int{}, ResponseLatency: newHistogram(), OutcomeLatency: newHistogram()}
	for _, s := range r.clients {
		result.Sent += s.sent
		result.Unanswered += s.unanswered
		result.Accepted += len(s.accepted)
		for code, n := range s.refused {
			result.Refused[code] += n
		}
		result.ResponseLatency.Merge(s.latency)
	}
	for _, w := range r.readers {
		w.addTo(&result)
	}
	return result
}

// user is the name of a user by number. Names and keys follow from a command's number, so that none has to be kept for the
// verification.
func (r *Run) user(n int) string {
	u := uint32(n)
	if r.Scatter {
		u = shuffle(u)
	}
	return r.name + "-" + strconv.FormatUint(uint64(u)+1<<32, 36) // all of one length, so that they sort by number
}

// shuffle maps numbers in order to numbers in no order, one to one (the finalizer of MurmurHash3).
func shuffle(n uint32) uint32 {
	n ^= n >> 16
	n *= 0x85ebca6b
	n ^= n >> 13
	n *= 0xc2b2ae35
	return n ^ n>>16
}

// identity is the user, the key and so the request id of command k.
func (r *Run) identity(k int) (user, key string, id domain.RequestID) {
	user, key = r.user(k%r.Users), "k"+strconv.Itoa(k)
	return user, key, domain.NewRequestID(user, key)
}
