// resume: what it costs to come back, when nothing was missed and when one event was that is older than the ring. A hundred
// times as long a log must not make it dearer.

package bench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"onsale/cmd/onsale/bench/load"
)

const shortLog = 10_000 // events; fewer where --events are few

func benchResume(ctx context.Context, r *measurement) error {
	long, rounds := cmp.Or(r.Events, 1_000_000), cmp.Or(r.Rounds, 1_000)
	short := min(shortLog, max(long/100, rounds+beyondRing))
	r.report.condition("%d users, whose events are at the beginning of the log, come back one after the other when it has %d events and when it has %d; "+
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
		r.report.addTarget(metric{Name: what + ": long log for short one", Value: median(b.caughtUp) / median(a.caughtUp), AtMost: maxRatio})
		if r.PID != 0 {
			r.report.addTarget(metric{Name: what + ": CPU, long log for short one", Value: b.cpu / a.cpu, AtMost: maxRatio})
		}
	}
	return nil
}

// maxRatio is how much a hundredfold may cost on a machine that others use.
const maxRatio = 1.5

// resumeCost is that of many resumes: until the first frame, until the last one that was awaited (both in milliseconds), and
// the node's CPU for each in microseconds.
type resumeCost struct {
	connected, caughtUp []float64
	cpu                 float64
}

// fillLog makes others' events until the log has so many, and gives how many those are.
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

// resume comes back as each user, with the id of their one event or with the one before it.
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
