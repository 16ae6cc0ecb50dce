// fanout: one event for everybody, by turns of the node and of the bare server, so that a slower minute of the machine is
// that of both.

package main

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"slices"
	"time"

	"onsale/cmd/onsale/load"
)

const fanoutWarm = 2 // rounds of each that do not count

func benchFanout(ctx context.Context, r *streamsRun) error {
	n, rounds := cmp.Or(r.Connections, 5_000), cmp.Or(r.Rounds, 20)
	r.report.say("one seat of a schedule changes, %d watch it, medians of %d rounds by turns", n, rounds)
	r.report.say("times count from when the command was sent, which for the node is decided, written and confirmed first; " +
		"delivery is from the first to the last watcher; one goroutine reads all of them, in both")
	if err := descriptorsFor(2 * n); err != nil {
		return err
	}
	source, err := load.NewSource(ctx, r.Target, 1, func(int) string { return "fanout" })
	if err != nil {
		return err
	}
	defer source.Close()
	node, err := r.crowd(ctx, r.host, n, load.Reader{Schedule: source.Schedule})
	if err != nil {
		return err
	}
	defer node.Close()
	reference, err := startChild(ctx, []string{"bench", "streams", "hijack-reference"}, nil, r.stderr)
	if err != nil {
		return err
	}
	defer reference.stop()
	at, err := url.Parse(reference.url)
	if err != nil {
		return err
	}
	bare, err := r.crowd(ctx, at.Host, n, load.Reader{})
	if err != nil {
		return err
	}
	defer bare.Close()
	asking := load.NewBare(at.Host)
	defer asking.Close()

	var ours, theirs spreads
	var before map[string]float64
	for round := range fanoutWarm + rounds {
		if round == fanoutWarm {
			ours, theirs = spreads{}, spreads{}
			if before, err = r.figures(ctx); err != nil {
				return err
			}
		}
		one, err := node.Round(ctx, source.One(ctx))
		if err != nil {
			return err
		}
		ours.add(one)
		if one, err = bare.Round(ctx, asking.Tell); err != nil {
			return fmt.Errorf("the bare server: %w", err)
		}
		theirs.add(one)
	}
	after, err := r.figures(ctx)
	if err != nil {
		return err
	}
	ours.tell(r.report, "node")
	theirs.tell(r.report, "bare")
	r.report.aim(figure{Name: "delivery, node for bare", Value: median(ours.delivery) / median(theirs.delivery), AtMost: 1.2})
	r.report.add("last delivery since it was sent, node for bare", median(ours.last)/median(theirs.last), "")
	r.report.aim(figure{Name: "frames encoded a round (one audience)", Value: (after[framesEncoded] - before[framesEncoded]) / float64(rounds), AtMost: 1})
	return nil
}

const framesEncoded = "onsale_frames_encoded_total"

// crowd opens n streams that read the same.
func (r *streamsRun) crowd(ctx context.Context, host string, n int, reader load.Reader) (*load.Crowd, error) {
	r.note("opening %d streams at %s", n, host)
	c, err := load.NewCrowd(host)
	if err != nil {
		return nil, err
	}
	if err := c.Join(ctx, n, func(int) load.Reader { return reader }); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// spreads are those of many rounds, in milliseconds.
type spreads struct{ first, last, delivery []float64 }

func (s *spreads) add(r load.Round) {
	s.first, s.last = append(s.first, ms(r.First)), append(s.last, ms(r.Last))
	s.delivery = append(s.delivery, ms(r.Last-r.First))
}

func (s *spreads) tell(m *measureReport, who string) {
	m.add(who+": first delivery", median(s.first), "ms")
	m.add(who+": last delivery", median(s.last), "ms")
	m.add(who+": delivery, from the first to the last", median(s.delivery), "ms")
	m.add(who+": delivery, the worst round", slices.Max(s.delivery), "ms")
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func median(v []float64) float64 { return quantile(v, 0.5) }

// quantile is the value that a part of all is not above.
func quantile(v []float64, part float64) float64 {
	sorted := slices.Sorted(slices.Values(v))
	return sorted[min(len(sorted)-1, int(part*float64(len(sorted))))]
}
