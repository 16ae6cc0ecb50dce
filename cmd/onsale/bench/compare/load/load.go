// Package load asks for coupons as a sale does and reports what became of every command. It speaks the API of onsale and nothing
// else of it, so that it loads onsale and its peers in the same way.
//
// It shares two processors with what it measures, so it is one thread with one epoll and bare sockets: a command costs it some
// 10 µs.
package load

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"strconv"
	"time"
)

// Plan is one run: each command is for a coupon, and of another user.
type Plan struct {
	Target         string         // host:port on loopback
	Commands       int            // to be sent
	Stock          int            // of the promotion
	SoldOut        string         // of the promotion; "": the default
	Streams        int            // so many of the users read their stream
	Connections    int            // the most commands in flight
	Rate           float64        // commands a second, whether they are answered in time or not; 0: as fast as they are answered
	MaxConnections int            // with a Rate: the most connections, where answers are late
	FromSending    bool           // latencies count from when a command was sent, not from when it was due
	Limit          time.Duration  // after this nothing is sent any more
	Drain          time.Duration  // the most time for outcomes after the last answer
	Processes      map[string]int // ids of the server's, by name
}

// command is what is known of one.
type command struct {
	start     int64 // nanoseconds since the beginning, as are the others
	answered  int64
	delivered int64 // the first outcome on the stream
	status    int16 // 0: no answer yet; statusBroken
	frames    uint8 // outcomes on the stream
	won       bool
	watched   bool // its user reads the stream
}

const statusBroken = -1 // the connection broke before the answer

type run struct {
	Plan
	address     address
	poll        *poller
	connections map[int32]*connection
	idle        []*connection
	streams     map[int32]*stream
	promotion   string
	request     []byte // reused
	input       []byte // reused

	began    time.Time
	commands []command
	sent     int
	done     int // answered, or broken
	pending  int // watched, accepted and without an outcome so far

	lastAnswer, lastDelivery int64
	issued, issuedAt         int64 // what the promotion says, and when it first said all
	brokenStreams            int
	firstFailure             string
}

// Run carries out the plan.
func Run(ctx context.Context, p Plan) (*Result, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	runtime.GC()
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // everything large is allocated before the first command
	r := &run{
		Plan: p, connections: map[int32]*connection{}, streams: map[int32]*stream{}, commands: make([]command, p.Commands),
		promotion: "c" + strconv.FormatInt(time.Now().UnixMicro(), 36), input: make([]byte, 64<<10), began: time.Now(),
	}
	defer r.close()
	if err := r.prepare(ctx); err != nil {
		return nil, err
	}
	before, err := r.usage()
	if err != nil {
		return nil, err
	}
	r.began = time.Now()
	if err := r.send(ctx); err != nil {
		return nil, err
	}
	if err := r.awaitOutcomes(ctx); err != nil {
		return nil, err
	}
	after, err := r.usage()
	if err != nil {
		return nil, err
	}
	result := r.summarize(before, after)
	r.readBack(result)
	return result, ctx.Err()
}

// prepare creates the promotion, and opens streams and connections.
func (r *run) prepare(ctx context.Context) (err error) {
	if r.address, err = resolve(r.Target); err != nil {
		return err
	}
	if r.poll, err = newPoller(); err != nil {
		return err
	}
	soldOut := ""
	if r.SoldOut != "" {
		soldOut = fmt.Sprintf(`,"soldOut":%q`, r.SoldOut)
	}
	body := fmt.Sprintf(`{"promotionId":%q,"name":"load","stock":%d%s}`, r.promotion, r.Stock, soldOut)
	status, got, err := r.ask("POST", "/api/v1/admin/promotions", "admin", body)
	if err != nil {
		return err
	}
	if status != 200 && status != 201 {
		return fmt.Errorf("the promotion is not created: %d %s", status, got)
	}
	if err := r.subscribe(ctx); err != nil {
		return err
	}
	for range r.Connections {
		if err := r.connect(); err != nil {
			return err
		}
	}
	time.Sleep(300 * time.Millisecond) // until the server has accepted them all
	return nil
}

func (r *run) close() {
	for _, c := range r.connections {
		c.close()
	}
	for _, s := range r.streams {
		s.close()
	}
	if r.poll != nil {
		r.poll.close()
	}
}

func (r *run) now() int64 { return int64(time.Since(r.began)) }

// send sends everything and waits for the answers.
func (r *run) send(ctx context.Context) error {
	const lastAnswers = 15 * time.Second
	for r.done < r.Commands && ctx.Err() == nil {
		now := r.now()
		if now > int64(r.Limit) {
			if r.done == r.sent || now > int64(r.Limit+lastAnswers) {
				break
			}
			if err := r.pollOnce(100 * time.Millisecond); err != nil {
				return err
			}
			continue
		}
		wait := r.sendDue(now)
		if err := r.pollOnce(wait); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// sendDue sends what is due and has a connection, and returns the time until the next command.
func (r *run) sendDue(now int64) time.Duration {
	gap := 0.0
	if r.Rate > 0 {
		gap = float64(time.Second) / r.Rate
	}
	for r.sent < r.Commands {
		due := int64(float64(r.sent) * gap)
		if r.Rate > 0 && due > now {
			return time.Duration(due - r.now())
		}
		if len(r.idle) == 0 && (r.Rate == 0 || len(r.connections) >= r.MaxConnections || r.connect() != nil) {
			break
		}
		start := due
		if r.Rate == 0 || r.FromSending {
			start = r.now()
		}
		r.post(r.takeIdle(), start)
	}
	return 100 * time.Millisecond
}

// pollOnce waits for the sockets once and handles what they brought.
func (r *run) pollOnce(d time.Duration) error {
	events, err := r.poll.wait(d)
	for _, e := range events {
		if c := r.connections[e.Fd]; c != nil {
			r.readAnswer(c)
		} else if s := r.streams[e.Fd]; s != nil {
			r.readStream(s)
		}
	}
	return err
}

// pollFor handles the sockets for so long.
func (r *run) pollFor(ctx context.Context, d time.Duration) error {
	end := time.Now().Add(d)
	for left := d; left > 0; left = time.Until(end) {
		if err := r.pollOnce(left); err != nil {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}

// appendUser names the user of command k. The odd factor permutes the numbers, so that the names come in no order, which costs
// every tree more.
func (r *run) appendUser(b []byte, k int) []byte {
	b = append(append(b, r.promotion...), '-')
	return strconv.AppendUint(b, uint64(uint32(k)*2_654_435_761), 36)
}
