// The fixture of this package's tests: a state machine, its commands as the log would number them, and checks of every command
// and every event.

package machine_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"testing"

	"onsale/domain"
	"onsale/domain/machine"
)

type fixture struct {
	*machine.Machine
	replica         *machine.Machine // applies the events, executes nothing
	t               testing.TB
	message         uint64 // the last message of the log
	index           uint64 // of the next command in it
	at              domain.Time
	events          []domain.Event
	results         map[string]uint64 // the event with the result of "<imp_uid> of <user>"
	checkEveryEvent bool              // check the whole state after every event
	checkReplica    bool              // check at every command that a machine rebuilt from the events decides the same
}

// longTests says that tests with a long form run it: ONSALE_TEST_LONG is set.
func longTests() bool { return os.Getenv("ONSALE_TEST_LONG") != "" }

func newFixture(t testing.TB) *fixture {
	return &fixture{Machine: machine.New(), replica: machine.New(), t: t, results: map[string]uint64{}, checkEveryEvent: true, checkReplica: true}
}

// nextMessage starts the next message of the log.
func (c *fixture) nextMessage(at domain.Time) {
	c.message, c.index, c.at = c.message+1, 0, at
}

// submit executes the next command of the message. Without a key it is no request: a tick, a noop.
func (c *fixture) submit(user, key, entity string, body domain.Body) (domain.Command, []domain.Event) {
	cmd := domain.Command{Entity: entity, User: user, Body: body, Sequence: c.message*1000 + c.index, At: c.at}
	if key != "" {
		name, _ := body.Type()
		cmd.Request = domain.NewRequestID(user, key)
		cmd.Fingerprint = domain.NewFingerprint(name, entity, string(mustJSON(c.t, body)))
	}
	c.index++
	return cmd, c.execute(cmd)
}

// execute executes cmd, and applies its events to the replica one by one.
func (c *fixture) execute(cmd domain.Command) []domain.Event {
	c.t.Helper()
	events, err := c.Execute(cmd)
	if c.checkReplica {
		replayed, _ := replay(c.events).Execute(cmd)
		if got, want := mustJSON(c.t, replayed), mustJSON(c.t, events); !bytes.Equal(got, want) {
			c.t.Fatalf("command %d, decided by a machine rebuilt from the events\n got %s\nwant %s", cmd.Sequence, got, want)
		}
	}
	if err := c.checkEvents(cmd, events, err); err != nil {
		c.t.Fatalf("command %d %+v: %v", cmd.Sequence, cmd, err)
	}
	for _, e := range events {
		c.replica.Apply(e)
		err := errors.Join(c.replica.CheckInvariants(e), c.checkResult(e))
		if err == nil && c.checkEveryEvent && (len(events) < 20 || e.Last) {
			err = checkState(c.replica)
		}
		if err != nil {
			c.t.Fatalf("after event %d %+v: %v", e.Number, e, err)
		}
	}
	err = c.replica.CheckCommand(events)
	if err == nil && c.checkEveryEvent {
		err = checkPurchases(c.replica)
	}
	if err != nil {
		c.t.Fatalf("after command %d %+v: %v", cmd.Sequence, cmd, err)
	}
	c.events = append(c.events, events...)
	return events
}

func replay(events []domain.Event) *machine.Machine {
	s := machine.New()
	for _, e := range events {
		s.Apply(e)
	}
	return s
}

// checkEvents proves what holds for the events of every command. The replica has not applied them yet.
func (c *fixture) checkEvents(cmd domain.Command, events []domain.Event, execErr error) error {
	if len(events) > 1000 {
		return fmt.Errorf("%d events, more than the log takes of one command", len(events))
	}
	before, outcomes := c.replica, 0
	for i, e := range events {
		if got, want := e.Number, before.LastEvent+uint64(i)+1; got != want {
			return fmt.Errorf("event %d, want %d", got, want)
		}
		if e.Sequence != cmd.Sequence || e.Now != max(before.Now, cmd.At) || e.Last != (i == len(events)-1) {
			return fmt.Errorf("event %d: sequence %d, now %s, last %t", e.Number, e.Sequence, e.Now, e.Last)
		}
		if !e.Request.IsZero() {
			outcomes++
			if e.Request != cmd.Request || e.Fingerprint != cmd.Fingerprint || e.User != cmd.User {
				return fmt.Errorf("event %d is the outcome of another command", e.Number)
			}
		}
	}
	first, repeated := before.Request(cmd.Request)
	want := 1
	if cmd.Request.IsZero() || repeated && first.Fingerprint == cmd.Fingerprint {
		want = 0
	}
	if outcomes != want {
		return fmt.Errorf("%d outcomes, want %d", outcomes, want)
	}
	if _, panics := cmd.Body.(unknownCommand); (panics && want == 1 && !repeated) != (execErr != nil) {
		return fmt.Errorf("panic of a rule: %v", execErr)
	}
	return nil
}

// unknownCommand is no command of its kind: deciding it panics.
type unknownCommand struct{}

func (unknownCommand) Type() (string, int) { return "orders.place", 1 }

func dumpText(s *machine.Machine) string {
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
