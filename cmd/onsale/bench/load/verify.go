// Verification of a run: the outcome of each accepted command is taken from its user's stream, or queried where there is none.

package load

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"sync"
)

// Findings are the faults that were found. A good run has none.
type Findings struct {
	Lost       int      // accepted and never decided, or not delivered
	Duplicated int      // outcomes delivered twice, and units given twice
	OutOfOrder int      // numbers that do not follow the commands' order, or are missing
	Succeeded  int      // commands that got a unit or a seat
	Examples   []string // of faults, at most ten
}

// Failed says that there is a fault.
func (f *Findings) Failed() bool { return f.Lost+f.Duplicated+f.OutOfOrder > 0 }

func (f *Findings) add(count *int, format string, values ...any) {
	if *count++; len(f.Examples) < 10 {
		f.Examples = append(f.Examples, fmt.Sprintf(format, values...))
	}
}

// Verify checks the outcome of everything that was accepted. Of the unanswered commands any may have succeeded.
func (r *Run) Verify(ctx context.Context, unanswered int) (Findings, error) {
	var f Findings
	if r.What == Nothing {
		return f, nil
	}
	outcomes, err := r.collect(ctx, &f)
	if err != nil {
		return f, err
	}
	slices.SortFunc(outcomes, func(a, b outcome) int { return cmp.Compare(a.Sequence, b.Sequence) })
	owners := map[int]uint64{} // the command that got a number
	highest := 0
	for _, o := range outcomes {
		if o.Code != "" {
			continue
		}
		f.Succeeded++
		for _, n := range r.sale.numbers(o) {
			if first, duplicate := owners[n]; duplicate {
				f.add(&f.Duplicated, "number %d was given to command %d and to command %d", n, first, o.Sequence)
				continue
			}
			owners[n] = o.Sequence
			if r.What == Coupons && n < highest {
				f.add(&f.OutOfOrder, "command %d got number %d after an earlier one had got %d", o.Sequence, n, highest)
			}
			highest = max(highest, n)
		}
	}
	if r.What == Coupons && highest-len(owners) > unanswered {
		f.add(&f.OutOfOrder, "the highest number is %d, and only %d are known", highest, len(owners))
	}
	reported, err := r.sale.issuedCount(ctx)
	switch {
	case err != nil:
		return f, err
	case reported < f.Succeeded || reported > f.Succeeded+unanswered:
		f.add(&f.Lost, "the node counts %d as given, and %d commands got one", reported, f.Succeeded)
	case r.What == Coupons && f.Succeeded < min(len(outcomes), r.Stock)-unanswered:
		f.add(&f.Lost, "there were %d commands for %d units, and %d got one", len(outcomes), r.Stock, f.Succeeded)
	}
	return f, nil
}

// collect returns the outcomes of all accepted commands.
func (r *Run) collect(ctx context.Context, f *Findings) ([]outcome, error) {
	var mu sync.Mutex // guards what follows and f
	var all []outcome
	var queryErr error
	var group sync.WaitGroup
	for _, s := range r.clients {
		group.Go(func() {
			conn := connection{host: r.host}
			defer conn.close()
			for _, p := range s.accepted {
				found, err := r.findOutcomes(ctx, &conn, p)
				mu.Lock()
				switch {
				case err != nil:
					queryErr = err
				case len(found) == 0:
					f.add(&f.Lost, "command %d has no outcome", p.sequence)
				case len(found) > 1:
					f.add(&f.Duplicated, "the outcome of command %d was delivered %d times", p.sequence, len(found))
				}
				all = append(all, found[:min(1, len(found))]...)
				mu.Unlock()
				if err != nil {
					return
				}
			}
		})
	}
	group.Wait()
	return all, queryErr
}

// findOutcomes returns the outcomes of one command: none or several are faults.
func (r *Run) findOutcomes(ctx context.Context, conn *connection, p acceptedCommand) ([]outcome, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if w := r.readers[p.k%r.Users]; w != nil {
		_, _, id := r.identity(p.k)
		var found []outcome
		for _, t := range w.outcomes(id) {
			found = append(found, t.outcome)
		}
		return found, nil
	}
	v, err := r.queryRequest(conn, p, 10)
	if err != nil || v.Status == "PENDING" || v.Status == "404" {
		return nil, err
	}
	return []outcome{v.outcome}, nil
}

// requestState is the state of a request.
type requestState struct {
	outcome
	Status string // "404" for an unknown one
}

// queryRequest waits at most so many seconds for the outcome.
func (r *Run) queryRequest(conn *connection, p acceptedCommand, seconds int) (requestState, error) {
	user, _, id := r.identity(p.k)
	b := append([]byte("GET /api/v1/requests/"), id[:]...)
	b = append(b, "?sequence="+strconv.FormatUint(p.sequence, 10)+"&wait="+strconv.Itoa(seconds)+"s HTTP/1.1\r\nHost: "+r.host+"\r\nX-User-Id: "+user+"\r\n\r\n"...)
	status, body, err := conn.exchange(b)
	switch {
	case err != nil:
		return requestState{}, err
	case status == http.StatusNotFound:
		return requestState{Status: "404"}, nil
	case status != http.StatusOK:
		return requestState{}, fmt.Errorf("the state of command %d is answered %d %s", p.sequence, status, body)
	}
	v, err := decodeRequestState(body)
	return requestState{v.outcome, v.Status}, err
}

// StreamVerifier verifies one stream: either exactly these events come, each once and in order; or, for a watcher of seats, whose
// frames may be conflated, the last state of each seat is right. Err is the first fault.
type StreamVerifier struct {
	Frames int
	Err    error
	want   []Event
	seats  map[int]string // nil: every event is expected; otherwise the latest status of each seat
	last   uint64
}

// NewStreamVerifier expects these events, in the order of their numbers.
func NewStreamVerifier(want []Event) *StreamVerifier { return &StreamVerifier{want: want} }

// NewSeatVerifier expects the state of the seats after these events.
func NewSeatVerifier(want []Event) *StreamVerifier {
	return &StreamVerifier{want: want, seats: map[int]string{}}
}

// Add takes every frame of the stream.
func (c *StreamVerifier) Add(f Frame) {
	switch n := f.Number(); {
	case c.Err != nil:
	case c.seats != nil:
		c.addSeatFrame(f)
	case !f.IsEvent():
	case c.Frames == len(c.want):
		c.Err = fmt.Errorf("%w: event %d comes after the last one", ErrVerification, n)
	case n != c.want[c.Frames].Number:
		c.Err = fmt.Errorf("%w: event %d comes where event %d must, the %dth of %d", ErrVerification, n, c.want[c.Frames].Number, c.Frames+1, len(c.want))
	default:
		c.Frames++
	}
}

// Done says that everything came, or that there is a fault.
func (c *StreamVerifier) Done() bool {
	if c.seats != nil {
		return c.Err != nil || c.last >= c.want[len(c.want)-1].Number
	}
	return c.Err != nil || c.Frames == len(c.want)
}

func (c *StreamVerifier) addSeatFrame(f Frame) {
	if n := f.Number(); n != 0 && n < c.last {
		c.Err = fmt.Errorf("%w: event %d comes after event %d", ErrVerification, n, c.last)
		return
	}
	c.last = max(c.last, f.Number())
	if f.Event != "connect" && !bytes.Contains(f.Data, heartbeat) {
		var v struct {
			ScheduleSeatID int
			Status         string
		}
		if c.Err = json.Unmarshal(f.Data, &v); c.Err != nil {
			return
		}
		c.seats[v.ScheduleSeatID] = v.Status
		c.Frames++
	}
	if c.Done() {
		c.verifySeats()
	}
}

// verifySeats compares the latest status of each seat with its last event.
func (c *StreamVerifier) verifySeats() {
	wantStatus := map[int]string{}
	for _, e := range c.want {
		wantStatus[e.Seat] = map[bool]string{true: "HELD", false: "AVAILABLE"}[e.Held]
	}
	for seat, status := range wantStatus {
		if c.seats[seat] != status {
			c.Err = fmt.Errorf("%w: seat %d is shown as %q, and is %q", ErrVerification, seat, c.seats[seat], status)
			return
		}
	}
}
