// replay: a reader comes back after everybody else has been busy, with an id that is older than the ring, and is given all
// that it has missed in one connection. Where in the log that lies must not matter.

package bench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"onsale/cmd/onsale/bench/load"
)

// logPosition is a place in the log.
type logPosition struct {
	name                  string
	interleaved, trailing int // others' events: behind each of those that are missed, and behind all of them
}

func benchReplay(ctx context.Context, r *measurement) error {
	others, rounds := cmp.Or(r.Events, 100_000), cmp.Or(r.Rounds, 5)
	r.report.condition("%d missed events in one connection; %d events of others; medians of %d, from the request to the last frame",
		r.Missed, others, rounds)
	positions := []logPosition{{"at the beginning of the log", 0, 0}, {"strewn among the others", others / r.Missed, 0}, {"at the end", 0, beyondRing}}
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
		if sets = append(sets, m); i == 0 { // what strewing leaves over
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

// beyondRing is how many events put others out of a small ring.
const beyondRing = 2048

// missed is what somebody has missed, and the id before it.
type missed struct {
	user, schedule, lastEventID string
	events                      []load.Event
}

// makeMissed makes events that nobody reads yet: all by one user in one schedule.
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

// checkOutOfRing says whether events have to be read from the log.
func (r *measurement) checkOutOfRing(ctx context.Context, events []load.Event) error {
	now, err := r.scrapeMetrics(ctx)
	if err != nil {
		return err
	}
	if last := events[len(events)-1].Number; now["onsale_ring_tail"] <= float64(last) {
		return hintError{errors.New("what is missed is still in the node's ring"),
			"start the target with --streams-ring-events 1024, or leave the flags of a node out"}
	}
	return nil
}

// replay comes back as the user, or as one who watches the schedule, and reads everything.
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
		return took, fmt.Errorf("%w: it ended after %d of %d events: %w", load.ErrVerification, verifier.Frames, len(m.events), err)
	}
	return took, verifier.Err
}
