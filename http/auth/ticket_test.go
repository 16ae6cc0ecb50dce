package auth

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestTicket_OpensOneStream(t *testing.T) {
	a := newTestAuthenticator(t, Config{Secret: testSecret})
	want := Identity{User: "kim", Roles: Viewer, Expires: time.Now().Add(time.Hour)}
	text, expires, err := a.IssueTicket(want)
	if err != nil || time.Until(expires) > ticketTTL || !strings.HasPrefix(text, "node-1.") {
		t.Fatalf("got %q, %v and %v", text, expires, err)
	}
	if who, err := a.Identify(ask("/?ticket="+text), true); err != nil || who != want {
		t.Errorf("got %+v and %v, want %+v", who, err, want)
	}
	if got := outcome(a.Identify(ask("/?ticket="+text), true)); got != errTicket.Error() {
		t.Errorf("replayed: got %q", got)
	}
	for _, text := range []string{"", ".", "node-1.", "node-1.x", "node-2.x", text + "x", strings.Repeat("x", 5000), "a.b.c", "*.>", "node-1.%00", "x y.z"} {
		if got := outcome(a.Identify(ask("/?ticket="+strings.ReplaceAll(text, " ", "+")), true)); got != errTicket.Error() {
			t.Errorf("%q: got %q", text, got)
		}
	}
}

func TestTicket_Expires(t *testing.T) {
	now := time.Now()
	o := newTicketStore("node-1", func() time.Time { return now })
	late, _, _ := o.issue(Identity{User: "kim"})
	short, _, _ := o.issue(Identity{User: "kim", Expires: now.Add(10 * time.Second)})
	now = now.Add(10 * time.Second)
	if _, err := o.redeem(short); err == nil {
		t.Error("a ticket outlived its token")
	}
	now = now.Add(20 * time.Second)
	if _, err := o.redeem(late); err == nil {
		t.Error("a ticket was redeemed after 30 s")
	}
}

func TestTicket_ConcurrentRedemptions(t *testing.T) {
	a := newTestAuthenticator(t, Config{Secret: testSecret})
	for range 20 {
		text, _, err := a.IssueTicket(Identity{User: "kim"})
		if err != nil {
			t.Fatal(err)
		}
		var redeemed atomic.Int64
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				if _, err := a.Identify(ask("/?ticket="+text), true); err == nil {
					redeemed.Add(1)
				}
			})
		}
		wg.Wait()
		if got := redeemed.Load(); got != 1 {
			t.Fatalf("redeemed %d times", got)
		}
	}
}

func TestTicket_MemoryIsBounded(t *testing.T) {
	now := time.Now()
	o := newTicketStore("node-1", func() time.Time { return now })
	o.max = 1000
	for range maxTicketsPerUser {
		if _, _, err := o.issue(Identity{User: "kim"}); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := o.issue(Identity{User: "kim"}); !errors.Is(err, ErrTooManyTickets) {
		t.Errorf("got %v", err)
	}
	var err error
	issued := maxTicketsPerUser
	for ; err == nil && issued < 2*o.max; issued++ {
		_, _, err = o.issue(Identity{User: fmt.Sprint("u", issued)})
	}
	if !errors.Is(err, ErrTooManyTickets) || len(o.issued) != o.max {
		t.Errorf("got %v with %d tickets", err, len(o.issued))
	}
	now = now.Add(ticketTTL)
	if _, _, err := o.issue(Identity{User: "park"}); err != nil {
		t.Fatal(err)
	}
	for n := range 5 * o.max { // redeemed at once, they may be many behind one that is not
		text, _, err := o.issue(Identity{User: "lee"})
		if err != nil {
			t.Fatal(n, err)
		}
		if _, err := o.redeem(text); err != nil {
			t.Fatal(n, err)
		}
	}
	if len(o.issued) != 1 || len(o.perUser) != 1 || len(o.queue) > 2*o.max+1 {
		t.Errorf("%d tickets, %d users, a queue of %d", len(o.issued), len(o.perUser), len(o.queue))
	}
}

// A ticket that comes to another node is redeemed at its own.
func TestTicket_OtherNode(t *testing.T) {
	first := newTestAuthenticator(t, Config{Secret: testSecret})
	var asked atomic.Int64
	second := newTestAuthenticator(t, Config{Secret: testSecret, Node: "node-2", Redeem: func(_ context.Context, node, ticket string) (Identity, error) {
		asked.Add(1)
		if node != "node-1" {
			return Identity{}, errors.New("no such node")
		}
		return first.RedeemTicket(ticket)
	}})
	text, _, err := first.IssueTicket(Identity{User: "kim"})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"user kim", errTicket.Error()} {
		if got := outcome(second.Identify(ask("/?ticket="+text), true)); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	asked.Store(0)
	for _, text := range []string{"node-9.abc", "node-2.abc", "no de.abc", "*.abc", ">.abc", "a.b.c", ".abc", "node-1", strings.Repeat("n", 33) + ".abc"} {
		if got := outcome(second.Identify(ask("/?ticket="+strings.ReplaceAll(text, " ", "%20")), true)); got != errTicket.Error() {
			t.Errorf("%q: got %q", text, got)
		}
	}
	if got := asked.Load(); got != 1 {
		t.Errorf("%d nodes were asked, want 1: the other names cannot be a node's", got)
	}
}
