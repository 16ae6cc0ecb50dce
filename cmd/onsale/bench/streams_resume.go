// replay: a reader resumes from an id that is older than the ring and gets all missed events in one connection. Their position
// in the log must not matter.
//
// resume: the cost of resuming when nothing was missed, and when one event was missed that is older than the ring. It must not
// grow with the length of the log.

package bench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"onsale/cmd/onsale/bench/load"
)

// logPosition is where in the log the missed events are.
type logPosition struct {
	name                  string
	interleaved, trailing int // others' events: after each missed one, and after all of them
}

func benchReplay(ctx context.Context, r *measurement) error {
	others, rounds := cmp.Or(r.Events, 100_000), cmp.Or(r.Rounds, 5)
	r.report.condition("%d missed events in one connection; %d events of others; medians of %d, from the request to the last frame",
		r.Missed, others, rounds)
	positions := []logPosition{{"at the beginning of the log", 0, 0}, {"spread among the others", others / r.Missed, 0}, {"at the end", 0, beyondRing}}
	busy, err := load.NewSource(ctx, r.Target, 128, func(i int) string { return fmt.Sprintf("other-%d", i) })
	if err != nil {
		return err
	}
	defer busy.Close()
	var sets []missed
	for i, d := range positions {
		m, err := r.makeMissed(ctx, busy, d, fmt.Sprintf("missing-%d", i))
		if err != nil {
			return err
		}
		if sets = append(sets, m); i == 0 { // the remainder of spreading
			if _, err := busy.Generate(ctx, others%r.Missed, 0); err != nil {
				return err
			}
		}
	}
	if err := r.checkOutOfRing(ctx, sets[len(sets)-1].events); err != nil {
		return err
	}
	for i, d := range positions {
		for _, kind := range []string{"user", "schedule"} {
			r.logf("replaying for a %s, %s", kind, d.name)
			var speeds []float64
			for range rounds {
				took, err := sets[i].replay(ctx, r.host, kind)
				if err != nil {
					return fmt.Errorf("%s, %s: %w", kind, d.name, err)
				}
				speeds = append(speeds, float64(r.Missed)/took.Seconds())
			}
			r.report.addTarget(metric{Name: kind + ", " + d.name, Value: median(speeds), Unit: "frames/s", AtLeast: 100_000})
		}
	}
	return nil
}

// beyondRing is how many events fill a small ring anew.
const beyondRing = 2048

// missed are events that a reader missed, and the id before them.
type missed struct {
	user, schedule, lastEventID string
	events                      []load.Event
}

// makeMissed makes events that are read later: all of one user in one schedule.
func (r *measurement) makeMissed(ctx context.Context, others *load.Source, d logPosition, user string) (missed, error) {
	r.logf("making %d events %s", r.Missed, d.name)
	m := missed{user: user}
	source, err := load.NewSource(ctx, r.Target, min(64, r.Missed), func(int) string { return user })
	if err != nil {
		return m, err
	}
	defer source.Close()
	m.schedule = source.Schedule
	for left := r.Missed; left > 0; left -= 64 {
		batch, err := source.Generate(ctx, min(64, left), 0)
		if err != nil {
			return m, err
		}
		m.events = append(m.events, batch...)
		if _, err := others.Generate(ctx, len(batch)*d.interleaved, 0); err != nil {
			return m, err
		}
	}
	m.lastEventID = m.events[0].PreviousID()
	_, err = others.Generate(ctx, d.trailing, 0)
	return m, err
}

// checkOutOfRing requires that the events have to be read from the journal.
func (r *measurement) checkOutOfRing(ctx context.Context, events []load.Event) error {
	now, err := r.scrapeMetrics(ctx, ringTail)
	if err != nil {
		return err
	}
	if last := events[len(events)-1].Number; now[ringTail] <= float64(last) {
		return hintError{errors.New("the missed events are still in the node's ring"),
			"start the target with --streams-ring-events 1024, or leave the flags of a node out"}
	}
	return nil
}

const ringTail = "onsale_ring_tail"

// replay resumes the stream of the user, or of the schedule, and reads all missed events.
func (m missed) replay(ctx context.Context, host, kind string) (time.Duration, error) {
	reader := load.Reader{User: m.user, After: m.lastEventID}
	if kind == "schedule" {
		reader.Schedule = m.schedule
	}
	s, err := load.Open(ctx, host, reader)
	if err != nil {
		return 0, err
	}
	defer s.Close()
	verifier := load.NewStreamVerifier(m.events)
	err = s.Read(time.Now().Add(time.Minute), func(f load.Frame) bool {
		verifier.Add(f)
		return !verifier.Done()
	})
	took := time.Since(s.Started)
	if err != nil {
		return took, fmt.Errorf("%w: the stream ended after %d of %d events: %w", load.ErrVerification, verifier.Frames, len(m.events), err)
	}
	return took, verifier.Err
}

const shortLog = 10_000 // events; fewer where --events are few

func benchResume(ctx context.Context, r *measurement) error {
	long, rounds := cmp.Or(r.Events, 1_000_000), cmp.Or(r.Rounds, 1_000)
	short := min(shortLog, max(long/100, rounds+beyondRing))
	r.report.condition("%d users, whose events are at the beginning of the log, resume one after the other when it has %d events and when it has %d; "+
		"medians, and the node's CPU for each", rounds, short, long)
	source, err := load.NewSource(ctx, r.Target, rounds, func(i int) string { return fmt.Sprintf("back-%d", i) })
	if err != nil {
		return err
	}
	defer source.Close()
	events, err := source.Generate(ctx, rounds, 0)
	if err != nil {
		return err
	}
	busy, err := load.NewSource(ctx, r.Target, 128, func(i int) string { return fmt.Sprintf("other-%d", i) })
	if err != nil {
		return err
	}
	defer busy.Close()
	var costs [2][2]resumeCost
	position := 0
	for i, size := range []int{short, long} {
		if position, err = r.fillLog(ctx, busy, position, size); err != nil {
			return err
		}
		if err := r.checkOutOfRing(ctx, events); err != nil {
			return err
		}
		for j := range costs[i] {
			if costs[i][j], err = r.resume(ctx, events, j == 1); err != nil {
				return err
			}
		}
	}
	for j, what := range []string{"nothing missed", "one missed"} {
		a, b := costs[0][j], costs[1][j]
		for i, c := range []resumeCost{a, b} {
			r.report.add(fmt.Sprintf("%s, %d events: first frame", what, []int{short, long}[i]), median(c.connected), "ms")
			if j == 1 {
				r.report.add(fmt.Sprintf("%s, %d events: the missed one", what, []int{short, long}[i]), median(c.caughtUp), "ms")
			}
			if r.PID != 0 {
				r.report.add(fmt.Sprintf("%s, %d events: CPU", what, []int{short, long}[i]), c.cpu, "µs")
			}
		}
		r.report.addTarget(metric{Name: what + ": long log / short log", Value: median(b.caughtUp) / median(a.caughtUp), AtMost: maxRatio})
		if r.PID != 0 {
			r.report.addTarget(metric{Name: what + ": CPU, long log / short log", Value: b.cpu / a.cpu, AtMost: maxRatio})
		}
	}
	return nil
}

// maxRatio is the target for a hundred times as much, on a machine with other load.
const maxRatio = 1.5

// resumeCost is that of many resumes: until the first frame and until the missed one (both in milliseconds), and the node's CPU
// for each in microseconds.
type resumeCost struct {
	connected, caughtUp []float64
	cpu                 float64
}

// fillLog makes others' events until the log has size events, and returns how many it has.
func (r *measurement) fillLog(ctx context.Context, busy *load.Source, position, size int) (int, error) {
	start := time.Now()
	for position < size {
		batch, err := busy.Generate(ctx, min(50_000, size-position), 0)
		if err != nil {
			return position, err
		}
		position = int(batch[len(batch)-1].Number)
		r.logf("%d of %d events after %v", position, size, time.Since(start).Round(time.Second))
	}
	return position, nil
}

// resume resumes the stream of each user, from the id of their one event or from the one before it.
func (r *measurement) resume(ctx context.Context, events []load.Event, missed bool) (c resumeCost, err error) {
	const warmup = 5
	var before time.Duration
	for i := range warmup + len(events) {
		if i == warmup {
			c, before = resumeCost{}, r.cpu()
		}
		e := events[i%len(events)]
		reader := load.Reader{User: fmt.Sprintf("back-%d", e.Seat-1), After: e.ID}
		if missed {
			reader.After = e.PreviousID()
		}
		s, err := load.Open(ctx, r.host, reader)
		if err != nil {
			return c, err
		}
		c.connected = append(c.connected, ms(s.Connected.Sub(s.Started)))
		done := s.Connected
		if missed {
			verifier := load.NewStreamVerifier([]load.Event{e})
			err = s.Read(time.Now().Add(time.Minute), func(f load.Frame) bool {
				verifier.Add(f)
				return !verifier.Done()
			})
			done = time.Now()
			err = errors.Join(err, verifier.Err)
		}
		s.Close()
		if err != nil {
			return c, fmt.Errorf("%w: event %d is missed: %w", load.ErrVerification, e.Number, err)
		}
		c.caughtUp = append(c.caughtUp, ms(done.Sub(s.Started)))
	}
	c.cpu = float64((r.cpu() - before).Microseconds()) / float64(len(events))
	return c, nil
}
