// latency: from the moment at which an outcome stands in the log and in the store until its frame is with its reader. That
// moment cannot be seen from outside, so it is come at from two sides. A command with "Prefer: wait" is answered at that
// very moment, too; and the node's own histogram says how long after the log's time of a command it came, as do the
// answers to holds, which tell that time.

package main

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"onsale/cmd/onsale/load"
)

func benchLatency(ctx context.Context, r *streamsRun) error {
	n, window := cmp.Or(r.Connections, 1_000), cmp.Or(r.Duration, 10*time.Second)
	r.report.say("%.0f commands a second for %v, by turns of %d users who each watch their stream and wait for the answer; "+
		"sent counts from when each was due", r.Rate, window, n)
	if err := descriptorsFor(2 * n); err != nil {
		return err
	}
	source, err := load.NewSource(ctx, r.Target, n, func(i int) string { return fmt.Sprintf("watching-%d", i) })
	if err != nil {
		return err
	}
	defer source.Close()
	crowd, err := load.NewCrowd(r.host)
	if err != nil {
		return err
	}
	defer crowd.Close()
	if err := crowd.Join(ctx, n, func(i int) load.Reader { return load.Reader{User: fmt.Sprintf("watching-%d", i)} }); err != nil {
		return err
	}
	if _, err := r.arrivals(ctx, source, crowd, window/10); err != nil { // to warm up
		return err
	}
	before, err := r.figures(ctx)
	if err != nil {
		return err
	}
	l, err := r.arrivals(ctx, source, crowd, window)
	if err != nil {
		return err
	}
	after, err := r.figures(ctx)
	if err != nil {
		return err
	}
	for _, of := range []struct {
		name   string
		values []float64
	}{{"sent to answer", l.answer}, {"sent to frame", l.frame}, {"frame after answer", l.behind}} {
		for _, part := range []float64{.5, .99} {
			f := figure{Name: fmt.Sprintf("%s, p%.0f", of.name, 100*part), Value: quantile(of.values, part), Unit: "ms"}
			if of.name == "frame after answer" && part == .5 {
				f.AtMost = 1
			}
			r.report.aim(f)
		}
	}
	told := 1000 * (after[delaySum] - before[delaySum]) / (after[delayCount] - before[delayCount])
	r.report.add("command in the log to outcome told, mean (the node's)", told, "ms")
	r.report.add("command in the log to frame, mean of the holds", mean(l.since), "ms")
	r.report.add("outcome told to frame, mean: the difference", mean(l.since)-told, "ms")
	return nil
}

const (
	delaySum   = "onsale_outcome_delay_seconds_sum"
	delayCount = "onsale_outcome_delay_seconds_count"
)

// latencies are in milliseconds. A frame may come before the answer.
type latencies struct{ answer, frame, behind, since []float64 }

// arrivals sends for so long, and finds the frame of each command where it must be and nowhere else.
func (r *streamsRun) arrivals(ctx context.Context, source *load.Source, crowd *load.Crowd, window time.Duration) (l latencies, err error) {
	crowd.Take()
	events, err := source.Make(ctx, max(1, int(r.Rate*window.Seconds())), r.Rate)
	if err != nil {
		return l, err
	}
	if err := crowd.Await(ctx, len(events)); err != nil {
		return l, fmt.Errorf("%w: of %d commands %d frames came: %w", load.ErrBroken, len(events), len(crowd.Take()), err)
	}
	came := map[uint64]load.Arrival{}
	for _, a := range crowd.Take() {
		if _, twice := came[a.Number]; twice {
			return l, fmt.Errorf("%w: event %d came twice", load.ErrBroken, a.Number)
		}
		came[a.Number] = a
	}
	for _, e := range events {
		a, ok := came[e.Number]
		if !ok || a.Reader != e.Seat-1 {
			return l, fmt.Errorf("%w: event %d of user %d came to %v", load.ErrBroken, e.Number, e.Seat-1, a)
		}
		l.answer, l.frame = append(l.answer, ms(e.Answered.Sub(e.Due))), append(l.frame, ms(a.At.Sub(e.Due)))
		l.behind = append(l.behind, ms(a.At.Sub(e.Answered)))
		if !e.Now.IsZero() { // both in whole milliseconds, as the log and the node's histogram have it
			l.since = append(l.since, float64(a.At.UnixMilli()-e.Now.UnixMilli()))
		}
	}
	return l, crowd.Err()
}

func mean(v []float64) float64 {
	sum := 0.0
	for _, x := range v {
		sum += x
	}
	return sum / float64(len(v))
}
