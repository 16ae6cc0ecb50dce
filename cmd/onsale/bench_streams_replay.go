// replay: a reader comes back after everybody else has been busy, with an id that is older than the ring, and is given all
// that it has missed in one connection. Where in the log that lies must not matter.

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"onsale/cmd/onsale/load"
)

// depth is a place in the log.
type depth struct {
	name          string
	between, then int // others' events: behind each of those that are missed, and behind all of them
}

func benchReplay(ctx context.Context, r *streamsRun) error {
	others, rounds := cmp.Or(r.Events, 100_000), cmp.Or(r.Rounds, 5)
	r.report.say("%d missed events in one connection; %d events of others; medians of %d, from the request to the last frame",
		r.Missed, others, rounds)
	depths := []depth{{"at the beginning of the log", 0, 0}, {"strewn among the others", others / r.Missed, 0}, {"at the end", 0, pastRing}}
	busy, err := load.NewSource(ctx, r.Target, 128, func(i int) string { return fmt.Sprintf("other-%d", i) })
	if err != nil {
		return err
	}
	defer busy.Close()
	var missed []missing
	for i, d := range depths {
		m, err := r.miss(ctx, busy, d, fmt.Sprintf("missing-%d", i))
		if err != nil {
			return err
		}
		if missed = append(missed, m); i == 0 { // what strewing leaves over
			if _, err := busy.Make(ctx, others%r.Missed, 0); err != nil {
				return err
			}
		}
	}
	if err := r.outOfRing(ctx, missed[len(missed)-1].events); err != nil {
		return err
	}
	for i, d := range depths {
		for _, whose := range []string{"user", "schedule"} {
			r.note("replaying for a %s, %s", whose, d.name)
			var speeds []float64
			for range rounds {
				took, err := missed[i].replay(ctx, r.host, whose)
				if err != nil {
					return fmt.Errorf("%s, %s: %w", whose, d.name, err)
				}
				speeds = append(speeds, float64(r.Missed)/took.Seconds())
			}
			r.report.aim(figure{Name: whose + ", " + d.name, Value: median(speeds), Unit: "frames/s", AtLeast: 100_000})
		}
	}
	return nil
}

// pastRing is how many events put others out of a small ring.
const pastRing = 2048

// missing is what somebody has missed, and the id before it.
type missing struct {
	user, schedule, before string
	events                 []load.Event
}

// miss makes events that nobody reads yet: all by one user in one schedule.
func (r *streamsRun) miss(ctx context.Context, others *load.Source, d depth, user string) (missing, error) {
	r.note("making %d events %s", r.Missed, d.name)
	m := missing{user: user}
	source, err := load.NewSource(ctx, r.Target, min(64, r.Missed), func(int) string { return user })
	if err != nil {
		return m, err
	}
	defer source.Close()
	m.schedule = source.Schedule
	for part := r.Missed; part > 0; part -= 64 {
		some, err := source.Make(ctx, min(64, part), 0)
		if err != nil {
			return m, err
		}
		m.events = append(m.events, some...)
		if _, err := others.Make(ctx, len(some)*d.between, 0); err != nil {
			return m, err
		}
	}
	m.before = m.events[0].Before()
	_, err = others.Make(ctx, d.then, 0)
	return m, err
}

// outOfRing says whether events have to be read from the log.
func (r *streamsRun) outOfRing(ctx context.Context, events []load.Event) error {
	now, err := r.figures(ctx)
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
func (m missing) replay(ctx context.Context, host, whose string) (time.Duration, error) {
	reader := load.Reader{User: m.user, After: m.before}
	if whose == "schedule" {
		reader.Schedule = m.schedule
	}
	s, err := load.Open(ctx, host, reader)
	if err != nil {
		return 0, err
	}
	defer s.Close()
	check := load.NewCheck(m.events)
	err = s.Read(time.Now().Add(time.Minute), func(f load.Frame) bool {
		check.Take(f)
		return !check.Done()
	})
	took := time.Since(s.Begun)
	if err != nil {
		return took, fmt.Errorf("%w: it ended after %d of %d events: %w", load.ErrBroken, check.Taken, len(m.events), err)
	}
	return took, check.Err
}
