// One load from its first command to the last outcome.
package load

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// Load sends everything, and waits until all that was accepted is decided and has reached those who watch.
func (r *Run) Load(ctx context.Context) (Result, error) {
	start := time.Now()
	err := r.send(ctx)
	decided, decideErr := r.awaitDecided(ctx)
	if err == nil {
		err = decideErr
	}
	told := r.awaitTold(ctx)
	result := r.sum()
	result.Took = max(decided.Sub(start), told.Sub(start))
	return result, err
}

func (r *Run) send(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	c := startPace(ctx, r.Plan)
	var group sync.WaitGroup
	for range r.Connections {
		s := r.newShopper()
		r.shoppers = append(r.shoppers, s)
		group.Go(func() {
			if err := s.shop(ctx, c); err != nil {
				cancel(err)
			}
		})
	}
	group.Wait()
	return context.Cause(ctx)
}

// awaitDecided asks after the command that stands last in line: when it is decided, all are.
func (r *Run) awaitDecided(ctx context.Context) (time.Time, error) {
	var last promise
	for _, s := range r.shoppers {
		for _, p := range s.promises {
			if p.sequence > last.sequence {
				last = p
			}
		}
	}
	if last.sequence == 0 {
		return time.Now(), nil
	}
	asking := connection{host: r.host}
	defer asking.close()
	for end := time.Now().Add(5 * time.Minute); time.Now().Before(end) && ctx.Err() == nil; {
		v, err := r.ask(&asking, last, 30)
		if err != nil {
			return time.Now(), err
		}
		if v.Status != "PENDING" {
			return time.Now(), nil
		}
	}
	return time.Now(), fmt.Errorf("command %d is not decided after 5 minutes", last.sequence)
}

// awaitTold waits for the streams, as long as something comes every ten seconds. It gives the time of the last outcome.
func (r *Run) awaitTold(ctx context.Context) time.Time {
	left, since := r.awaited.Load(), time.Now()
	for left > 0 && time.Since(since) < 10*time.Second && ctx.Err() == nil {
		time.Sleep(2 * time.Millisecond)
		if now := r.awaited.Load(); now != left {
			left, since = now, time.Now()
		}
	}
	var last time.Time
	for _, w := range r.watchers {
		if t := w.lastTold(); t.After(last) {
			last = t
		}
	}
	return last
}

func (r *Run) sum() Result {
	result := Result{Refused: map[string]int{}, Answer: newHistogram(), Outcome: newHistogram()}
	for _, s := range r.shoppers {
		result.Sent += s.sent
		result.Unanswered += s.unanswered
		result.Accepted += len(s.promises)
		for code, n := range s.refused {
			result.Refused[code] += n
		}
		result.Answer.Merge(s.answer)
	}
	for _, w := range r.watchers {
		w.addTo(&result)
	}
	return result
}
