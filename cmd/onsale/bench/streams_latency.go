// latency: from when an outcome is in the log and in the store until its reader has the frame. The start cannot be seen from
// outside, so it is approached in two ways. A command with "Prefer: wait" is answered at the same moment; and the node's
// histogram has the delay from the log's time of a command to its outcome, and responses to holds have the log's time.

package bench

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"onsale/cmd/onsale/bench/load"
)

func benchLatency(ctx context.Context, r *measurement) error {
	n, window := cmp.Or(r.Connections, 1_000), cmp.Or(r.Duration, 10*time.Second)
	r.report.condition("%.0f commands a second for %v, in turn by %d users who each watch their stream and wait for the answer; "+
		"sent counts from when each was due", r.Rate, window, n)
	if err := descriptorsFor(2 * n); err != nil {
		return err
	}
	source, err := load.NewSource(ctx, r.Target, n, func(i int) string { return fmt.Sprintf("watching-%d", i) })
	if err != nil {
		return err
	}
	defer source.Close()
	pool, err := load.NewStreamPool(r.host)
	if err != nil {
		return err
	}
	defer pool.Close()
	if err := pool.Connect(ctx, n, func(i int) load.Reader { return load.Reader{User: fmt.Sprintf("watching-%d", i)} }); err != nil {
		return err
	}
	if _, err := r.sampleLatencies(ctx, source, pool, window/10); err != nil { // warm-up
		return err
	}
	before, err := r.scrapeMetrics(ctx, delaySum, delayCount)
	if err != nil {
		return err
	}
	l, err := r.sampleLatencies(ctx, source, pool, window)
	if err != nil {
		return err
	}
	after, err := r.scrapeMetrics(ctx, delaySum, delayCount)
	if err != nil {
		return err
	}
	for _, series := range []struct {
		name   string
		values []float64
	}{{"sent to answer", l.response}, {"sent to frame", l.frame}, {"frame after answer", l.afterResponse}} {
		for _, q := range []float64{.5, .99} {
			f := metric{Name: fmt.Sprintf("%s, p%.0f", series.name, 100*q), Value: quantile(series.values, q), Unit: "ms"}
			if series.name == "frame after answer" && q == .5 {
				f.AtMost = 1
			}
			r.report.addTarget(f)
		}
	}
	nodeDelay := 1000 * (after[delaySum] - before[delaySum]) / (after[delayCount] - before[delayCount])
	r.report.add("command in the log to outcome, mean (the node's)", nodeDelay, "ms")
	r.report.add("command in the log to frame, mean of the holds", mean(l.sinceCommand), "ms")
	r.report.add("outcome to frame, mean: the difference", mean(l.sinceCommand)-nodeDelay, "ms")
	return nil
}

const (
	delaySum   = "onsale_outcome_delay_seconds_sum"
	delayCount = "onsale_outcome_delay_seconds_count"
)

// latencies are in milliseconds. A frame may come before the answer.
type latencies struct{ response, frame, afterResponse, sinceCommand []float64 }

// sampleLatencies sends for the window, and requires the frame of each command at its user's stream, once, and nowhere else.
func (r *measurement) sampleLatencies(ctx context.Context, source *load.Source, pool *load.StreamPool, window time.Duration) (l latencies, err error) {
	pool.TakeReceived()
	events, err := source.Generate(ctx, max(1, int(r.Rate*window.Seconds())), r.Rate)
	if err != nil {
		return l, err
	}
	if err := pool.Await(ctx, len(events)); err != nil {
		return l, fmt.Errorf("%w: %d commands had %d frames: %w", load.ErrVerification, len(events), len(pool.TakeReceived()), err)
	}
	received := map[uint64]load.Delivery{}
	for _, a := range pool.TakeReceived() {
		if _, duplicate := received[a.Number]; duplicate {
			return l, fmt.Errorf("%w: event %d came twice", load.ErrVerification, a.Number)
		}
		received[a.Number] = a
	}
	for _, e := range events {
		a, ok := received[e.Number]
		if !ok || a.Reader != e.Seat-1 {
			return l, fmt.Errorf("%w: event %d of user %d came to %v", load.ErrVerification, e.Number, e.Seat-1, a)
		}
		l.response, l.frame = append(l.response, ms(e.Answered.Sub(e.Due))), append(l.frame, ms(a.At.Sub(e.Due)))
		l.afterResponse = append(l.afterResponse, ms(a.At.Sub(e.Answered)))
		if !e.Now.IsZero() { // both in whole milliseconds, as in the log and in the node's histogram
			l.sinceCommand = append(l.sinceCommand, float64(a.At.UnixMilli()-e.Now.UnixMilli()))
		}
	}
	return l, pool.Err()
}

func mean(v []float64) float64 {
	sum := 0.0
	for _, x := range v {
		sum += x
	}
	return sum / float64(len(v))
}
