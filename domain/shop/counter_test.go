// The counter that all tests of this package stand at: a shop, the line before it, and a clerk who checks at every
// command and every event what must hold whatever was asked.
package shop_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"onsale/domain"
	"onsale/domain/shop"
)

type counter struct {
	*shop.Shop
	follower *shop.Shop // knows what happens from the events alone
	t        testing.TB
	message  uint64 // what the log gives: the last message, …
	index    uint64 // … the next command's index in it, …
	at       domain.Time
	history  []domain.Event
	verdicts map[string]uint64 // the event that decided "<imp_uid> of <user>"
	careful  bool              // check the whole state at every event
	pure     bool              // check at every command that a shop which knows the events alone decides the same
}

func newCounter(t testing.TB) *counter {
	return &counter{Shop: shop.New(), follower: shop.New(), t: t, verdicts: map[string]uint64{}, careful: true, pure: true}
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

// serve has the command done, and follows event by event at the other desk.
func (c *counter) serve(cmd domain.Command) []domain.Event {
	c.t.Helper()
	events, err := c.Do(cmd)
	if c.pure {
		again, _ := folded(c.history).Do(cmd)
		if got, want := mustJSON(c.t, again), mustJSON(c.t, events); !bytes.Equal(got, want) {
			c.t.Fatalf("command %d, decided by a shop that came from the log\n got %s\nwant %s", cmd.Sequence, got, want)
		}
	}
	if err := c.checkEvents(cmd, events, err); err != nil {
		c.t.Fatalf("command %d %+v: %v", cmd.Sequence, cmd, err)
	}
	for _, e := range events {
		c.follower.Apply(e)
		err := errors.Join(c.follower.Check(e), c.checkVerdict(e))
		if err == nil && c.careful && (len(events) < 20 || e.Last) {
			err = checkState(c.follower)
		}
		if err != nil {
			c.t.Fatalf("after event %d %+v: %v", e.Number, e, err)
		}
	}
	c.history = append(c.history, events...)
	return events
}

func folded(history []domain.Event) *shop.Shop {
	s := shop.New()
	for _, e := range history {
		s.Apply(e)
	}
	return s
}

// checkEvents proves what the events of one command have to be, whatever it was. The follower has not seen them yet.
func (c *counter) checkEvents(cmd domain.Command, events []domain.Event, broken error) error {
	if len(events) > 1000 {
		return fmt.Errorf("%d events, more than the log takes", len(events))
	}
	before, outcomes := c.follower, 0
	for i, e := range events {
		if got, want := e.Number, before.Events+uint64(i)+1; got != want {
			return fmt.Errorf("event %d where %d must be", got, want)
		}
		if e.Sequence != cmd.Sequence || e.Now != max(before.Now, cmd.At) || e.Last != (i == len(events)-1) {
			return fmt.Errorf("event %d: sequence %d, now %s, last %t", e.Number, e.Sequence, e.Now, e.Last)
		}
		if !e.Request.IsZero() {
			outcomes++
			if e.Request != cmd.Request || e.Fingerprint != cmd.Fingerprint || e.User != cmd.User {
				return fmt.Errorf("event %d is the outcome of something else", e.Number)
			}
		}
	}
	first, again := before.Requests[cmd.Request]
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

// unruled is a command that the rules of its kind do not know: deciding it breaks.
type unruled struct{}

func (unruled) Type() (string, int) { return "orders.place", 1 }

func dump(s *shop.Shop) string {
	var b bytes.Buffer
	_ = s.Dump(&b) // into memory
	return b.String()
}

func mustJSON(t testing.TB, v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
