// The readers that stall: they read nothing, and then everything.

package main

import (
	"cmp"
	"context"
	"fmt"
	"sync"
	"time"

	"onsale/cmd/onsale/load"
)

// stalled opens readers that read nothing after their first frame.
func (r *streamsRun) stalled(ctx context.Context, schedule string) (all []*load.Stream, err error) {
	for i := range r.Stalled {
		reader := load.Reader{User: "stalled", Buffer: 4096}
		if i%2 == 0 {
			reader.Schedule = schedule
		}
		s, err := load.Open(ctx, r.host, reader)
		if err != nil {
			return nil, err
		}
		context.AfterFunc(ctx, s.Close)
		all = append(all, s)
	}
	return all, nil
}

// catchUp reads everything that passed, with as many connections as it takes.
func (r *streamsRun) catchUp(ctx context.Context, stalled []*load.Stream, busy *load.Source, events []load.Event) error {
	wrong := make([]error, len(stalled))
	var reading sync.WaitGroup
	for i, s := range stalled {
		reader, check := load.Reader{User: "stalled"}, load.NewCheck(events)
		if i%2 == 0 {
			reader.Schedule, check = busy.Schedule, load.NewSeatsCheck(events)
		}
		reading.Go(func() {
			if err := r.readOn(ctx, s, reader, check); err != nil {
				wrong[i] = fmt.Errorf("stalled reader %d (%s): %w", i+1, reader.Kind(), err)
			}
		})
	}
	reading.Wait()
	return cmp.Or(wrong...)
}

// readOn reads until check has all it wants.
func (r *streamsRun) readOn(ctx context.Context, s *load.Stream, reader load.Reader, check *load.Check) error {
	s.Widen()
	for until := time.Now().Add(2 * time.Minute); ; {
		err := s.Read(until, func(f load.Frame) bool {
			check.Take(f)
			return !check.Done()
		})
		s.Close()
		switch {
		case check.Done():
			return check.Err
		case time.Now().After(until) || ctx.Err() != nil:
			return fmt.Errorf("%w: it had %d frames and is not at the end: %w", load.ErrBroken, check.Taken, err)
		}
		reader.After = s.Last // it was cut off, and comes back as a browser does
		if s, err = load.Open(ctx, r.host, reader); err != nil {
			return err
		}
	}
}
