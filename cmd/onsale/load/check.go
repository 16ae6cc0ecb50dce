// The reckoning: each command that was accepted is looked for, over the stream where its user watches, by asking otherwise.
package load

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"sync"
)

// Findings are what is wrong; all of it zero is how it must be.
type Findings struct {
	Lost       int      // accepted and never decided, or not told
	Doubled    int      // outcomes told twice, and pieces that were given twice
	Disordered int      // numbers that do not follow the line, or are missing in it
	Won        int      // commands that got something
	Examples   []string // some of them
}

// Bad says whether the service broke its word.
func (f *Findings) Bad() bool { return f.Lost+f.Doubled+f.Disordered > 0 }

func (f *Findings) add(count *int, format string, values ...any) {
	if *count++; len(f.Examples) < 10 {
		f.Examples = append(f.Examples, fmt.Sprintf(format, values...))
	}
}

// Check asks what became of everything that was accepted. unanswered commands may have won too, and nobody knows of them.
func (r *Run) Check(ctx context.Context, unanswered int) (Findings, error) {
	var f Findings
	if r.What == Nothing {
		return f, nil
	}
	outcomes, err := r.collect(ctx, &f)
	if err != nil {
		return f, err
	}
	slices.SortFunc(outcomes, func(a, b outcome) int { return cmp.Compare(a.Sequence, b.Sequence) })
	given := map[int]uint64{} // by which command
	before := 0
	for _, o := range outcomes {
		if o.Code != "" {
			continue
		}
		f.Won++
		for _, n := range r.sale.won(o) {
			if first, twice := given[n]; twice {
				f.add(&f.Doubled, "number %d was given to command %d and to command %d", n, first, o.Sequence)
				continue
			}
			given[n] = o.Sequence
			if r.What == Coupons && n < before {
				f.add(&f.Disordered, "command %d got number %d after an earlier one had got %d", o.Sequence, n, before)
			}
			before = max(before, n)
		}
	}
	if r.What == Coupons && before-len(given) > unanswered {
		f.add(&f.Disordered, "the highest number is %d, and only %d are known", before, len(given))
	}
	taken, err := r.sale.taken(ctx)
	switch {
	case err != nil:
		return f, err
	case taken < f.Won || taken > f.Won+unanswered:
		f.add(&f.Lost, "the service says that %d are given out, and %d commands got one", taken, f.Won)
	case r.What == Coupons && f.Won < min(len(outcomes), r.Stock)-unanswered:
		f.add(&f.Lost, "%d commands asked for %d units, and %d got one", len(outcomes), r.Stock, f.Won)
	}
	return f, nil
}

// collect finds the outcome of each promise.
func (r *Run) collect(ctx context.Context, f *Findings) ([]outcome, error) {
	var mu sync.Mutex // guards what follows and f
	var all []outcome
	var failure error
	var group sync.WaitGroup
	for _, s := range r.shoppers {
		group.Go(func() {
			asking := connection{host: r.host}
			defer asking.close()
			for _, p := range s.promises {
				found, err := r.find(ctx, &asking, p)
				mu.Lock()
				switch {
				case err != nil:
					failure = err
				case len(found) == 0:
					f.add(&f.Lost, "command %d has no outcome", p.sequence)
				case len(found) > 1:
					f.add(&f.Doubled, "the outcome of command %d was told %d times", p.sequence, len(found))
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
	return all, failure
}

// find gives the outcomes of one promise: none or several are faults.
func (r *Run) find(ctx context.Context, asking *connection, p promise) ([]outcome, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if w := r.watchers[p.k%r.Users]; w != nil {
		_, _, id := r.of(p.k)
		var found []outcome
		for _, t := range w.outcomes(id) {
			found = append(found, t.outcome)
		}
		return found, nil
	}
	v, err := r.ask(asking, p, 10)
	if err != nil || v.Status == "PENDING" || v.Status == "404" {
		return nil, err
	}
	return []outcome{v.outcome}, nil
}

// answer is what the service says of a request.
type answer struct {
	outcome
	Status string // "404" for one that it does not know
}

// ask waits at most so many seconds.
func (r *Run) ask(asking *connection, p promise, seconds int) (answer, error) {
	user, _, id := r.of(p.k)
	b := append([]byte("GET /api/v1/requests/"), id[:]...)
	b = append(b, "?sequence="+strconv.FormatUint(p.sequence, 10)+"&wait="+strconv.Itoa(seconds)+"s HTTP/1.1\r\nHost: "+r.host+"\r\nX-User-Id: "+user+"\r\n\r\n"...)
	status, body, err := asking.exchange(b)
	switch {
	case err != nil:
		return answer{}, err
	case status == http.StatusNotFound:
		return answer{Status: "404"}, nil
	case status != http.StatusOK:
		return answer{}, fmt.Errorf("asked after command %d, the service says %s", p.sequence, body)
	}
	v, err := decode(body)
	return answer{v.outcome, v.Status}, err
}
