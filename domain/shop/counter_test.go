// The counter that all tests of this package stand at: a shop, the line before it, and a clerk who checks at every
// command and every event what must hold whatever was asked.
package shop_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"

	"onsale/domain"
	"onsale/domain/coupons"
	"onsale/domain/shop"
)

type counter struct {
	*shop.Shop
	t       testing.TB
	message uint64 // what the log gives: the last message, …
	index   uint64 // … the next command's index in it, …
	at      domain.Time
	history []domain.Event
	careful bool // check the whole state at every event
	pure    bool // check that deciding changes nothing and that deciding again decides the same
}

func newCounter(t testing.TB) *counter {
	return &counter{Shop: shop.New(), t: t, careful: true, pure: true}
}

// arrive begins the next message of the log.
func (c *counter) arrive(at domain.Time) {
	c.message, c.index, c.at = c.message+1, 0, at
}

// ask is the next command of the message. Without a key it comes from no user: the clock, a void.
func (c *counter) ask(user, key, entity string, body domain.Body) (domain.Command, []domain.Event) {
	cmd := domain.Command{Entity: entity, User: user, Body: body, Sequence: c.message*1000 + c.index, At: c.at}
	if key != "" {
		name, _ := body.Type()
		cmd.Request = domain.NewRequestID(user, key)
		cmd.Fingerprint = domain.NewFingerprint(name, entity, string(mustJSON(c.t, body)))
	}
	c.index++
	return cmd, c.serve(cmd)
}

// serve decides, checks, applies.
func (c *counter) serve(cmd domain.Command) []domain.Event {
	c.t.Helper()
	before := ""
	if c.pure {
		before = dump(c.t, c.Shop)
	}
	events, err := c.Decide(cmd)
	if c.pure {
		again, _ := c.Decide(cmd)
		if got, want := mustJSON(c.t, again), mustJSON(c.t, events); !bytes.Equal(got, want) {
			c.t.Fatalf("command %d decided twice\n got %s\nwant %s", cmd.Sequence, got, want)
		}
		if got := dump(c.t, c.Shop); got != before {
			c.t.Fatalf("deciding command %d changed the shop\n got %s\nwant %s", cmd.Sequence, got, before)
		}
	}
	if err := c.checkEvents(cmd, events, err); err != nil {
		c.t.Fatalf("command %d %+v: %v", cmd.Sequence, cmd, err)
	}
	for _, e := range events {
		c.Apply(e)
		err := c.Check(e)
		if err == nil && c.careful && (len(events) < 20 || e.Last) {
			err = checkState(c.Shop)
		}
		if err != nil {
			c.t.Fatalf("after event %d %+v: %v", e.Number, e, err)
		}
	}
	c.history = append(c.history, events...)
	return events
}

// checkEvents proves what the events of one command have to be, whatever it was.
func (c *counter) checkEvents(cmd domain.Command, events []domain.Event, broken error) error {
	outcomes := 0
	for i, e := range events {
		if got, want := e.Number, c.Events+uint64(i)+1; got != want {
			return fmt.Errorf("event %d where %d must be", got, want)
		}
		if e.Sequence != cmd.Sequence || e.Now != max(c.Now, cmd.At) || e.Last != (i == len(events)-1) {
			return fmt.Errorf("event %d: sequence %d, now %s, last %t", e.Number, e.Sequence, e.Now, e.Last)
		}
		if issued, ok := e.Body.(coupons.Issued); ok && issued.Number != c.Coupons.Promotion(cmd.Entity).Issued+1 {
			return fmt.Errorf("coupon number %d after %d", issued.Number, c.Coupons.Promotion(cmd.Entity).Issued)
		}
		if !e.Request.IsZero() {
			outcomes++
			if e.Request != cmd.Request || e.Fingerprint != cmd.Fingerprint || e.User != cmd.User || !e.Last {
				return fmt.Errorf("event %d is the outcome of something else", e.Number)
			}
		}
	}
	first, again := c.Requests[cmd.Request]
	want := 1
	if cmd.Request.IsZero() || again && first.Fingerprint == cmd.Fingerprint {
		want = 0
	}
	if outcomes != want {
		return fmt.Errorf("%d outcomes where %d must be", outcomes, want)
	}
	if _, dead := cmd.Body.(unruled); (dead && want == 1 && !again) != (broken != nil) {
		return fmt.Errorf("a rule broke: %v", broken)
	}
	return nil
}

// unruled is a command of a kind that has no rules here: deciding it breaks.
type unruled struct{}

func (unruled) Type() (string, int) { return "orders.place", 1 }

func dump(t testing.TB, s *shop.Shop) string {
	var b bytes.Buffer
	if err := s.Dump(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func mustJSON(t testing.TB, v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
