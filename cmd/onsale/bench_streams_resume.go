// resume: what it costs to come back, when nothing was missed and when one event was that is older than the ring. A hundred
// times as long a log must not make it dearer.

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"onsale/cmd/onsale/load"
)

const shortLog = 10_000 // events; fewer where --events are few

func benchResume(ctx context.Context, r *streamsRun) error {
	long, rounds := cmp.Or(r.Events, 1_000_000), cmp.Or(r.Rounds, 1_000)
	short := min(shortLog, max(long/100, rounds+pastRing))
	r.report.say("%d users, whose events are at the beginning of the log, come back one after the other when it has %d events and when it has %d; "+
		"medians, and the node's CPU for each", rounds, short, long)
	source, err := load.NewSource(ctx, r.Target, rounds, func(i int) string { return fmt.Sprintf("back-%d", i) })
	if err != nil {
		return err
	}
	defer source.Close()
	made, err := source.Make(ctx, rounds, 0)
	if err != nil {
		return err
	}
	busy, err := load.NewSource(ctx, r.Target, 128, func(i int) string { return fmt.Sprintf("other-%d", i) })
	if err != nil {
		return err
	}
	defer busy.Close()
	var costs [2][2]resumeCost
	at := 0
	for i, size := range []int{short, long} {
		if at, err = r.fill(ctx, busy, at, size); err != nil {
			return err
		}
		if err := r.outOfRing(ctx, made); err != nil {
			return err
		}
		for j := range costs[i] {
			if costs[i][j], err = r.resume(ctx, made, j == 1); err != nil {
				return err
			}
		}
	}
	for j, what := range []string{"nothing missed", "one missed"} {
		a, b := costs[0][j], costs[1][j]
		for i, c := range []resumeCost{a, b} {
			r.report.add(fmt.Sprintf("%s, %d events: first frame", what, []int{short, long}[i]), median(c.greeted), "ms")
			if j == 1 {
				r.report.add(fmt.Sprintf("%s, %d events: the missed one", what, []int{short, long}[i]), median(c.told), "ms")
			}
			if r.PID != 0 {
				r.report.add(fmt.Sprintf("%s, %d events: CPU", what, []int{short, long}[i]), c.cpu, "µs")
			}
		}
		r.report.aim(figure{Name: what + ": long log for short one", Value: median(b.told) / median(a.told), AtMost: flat})
		if r.PID != 0 {
			r.report.aim(figure{Name: what + ": CPU, long log for short one", Value: b.cpu / a.cpu, AtMost: flat})
		}
	}
	return nil
}

// flat is how much a hundredfold may cost on a machine that others use.
const flat = 1.5

// resumeCost is that of many resumes: until the first frame, until the last one that was awaited (both in milliseconds), and
// the node's CPU for each in microseconds.
type resumeCost struct {
	greeted, told []float64
	cpu           float64
}

// fill makes others' events until the log has so many, and gives how many those are.
func (r *streamsRun) fill(ctx context.Context, busy *load.Source, at, size int) (int, error) {
	began := time.Now()
	for at < size {
		some, err := busy.Make(ctx, min(50_000, size-at), 0)
		if err != nil {
			return at, err
		}
		at = int(some[len(some)-1].Number)
		r.note("%d of %d events after %v", at, size, time.Since(began).Round(time.Second))
	}
	return at, nil
}

// resume comes back as each user, with the id of their one event or with the one before it.
func (r *streamsRun) resume(ctx context.Context, made []load.Event, missed bool) (c resumeCost, err error) {
	const warm = 5
	var before time.Duration
	for i := range warm + len(made) {
		if i == warm {
			c, before = resumeCost{}, r.cpu()
		}
		e := made[i%len(made)]
		reader := load.Reader{User: fmt.Sprintf("back-%d", e.Seat-1), After: e.ID}
		if missed {
			reader.After = e.Before()
		}
		s, err := load.Open(ctx, r.host, reader)
		if err != nil {
			return c, err
		}
		c.greeted = append(c.greeted, ms(s.Greeted.Sub(s.Begun)))
		told := s.Greeted
		if missed {
			check := load.NewCheck([]load.Event{e})
			err = s.Read(time.Now().Add(time.Minute), func(f load.Frame) bool {
				check.Take(f)
				return !check.Done()
			})
			told = time.Now()
			err = errors.Join(err, check.Err)
		}
		s.Close()
		if err != nil {
			return c, fmt.Errorf("%w: event %d is missed: %w", load.ErrBroken, e.Number, err)
		}
		c.told = append(c.told, ms(told.Sub(s.Begun)))
	}
	c.cpu = float64((r.cpu() - before).Microseconds()) / float64(len(made))
	return c, nil
}
