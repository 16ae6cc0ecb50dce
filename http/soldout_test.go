package http

import (
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"onsale/domain"
	"onsale/domain/coupons"
	"onsale/http/client"
)

// Stock comes back again and again while many users are refused and try again: none is refused permanently, each unit goes to one
// user, and COMMANDS has what was decided and nothing of what was refused.
func TestSoldOut_OpensForWhatComesBack(t *testing.T) {
	const users, rounds = 24, 12 // two units each round
	f := newFixture(t)
	f.createAnswering(t, "p", 0)
	var refused, decided atomic.Int64
	deadline := time.Now().Add(time.Minute)
	var group sync.WaitGroup
	for i := range users {
		group.Go(func() {
			for time.Now().Before(deadline) {
				switch a := f.issueAs(t, fmt.Sprint("u", i), ""); {
				case a.HTTPStatus == http.StatusCreated:
					decided.Add(1)
					return
				case a.Code != domain.SoldOut:
					t.Errorf("got %s", a.Body)
					return
				case a.Sequence != 0:
					decided.Add(1)
				default:
					refused.Add(1)
				}
				time.Sleep(time.Millisecond)
			}
			t.Errorf("user %d was refused for a minute", i)
		})
	}
	for range rounds {
		time.Sleep(3 * time.Millisecond)
		a := must(f.client("admin").Command(t.Context(), "/api/v1/admin/promotions/p/stock", map[string]int{"delta": users / rounds}, client.Options{}))(t)
		if a.HTTPStatus != http.StatusOK {
			t.Fatalf("got %s", a.Body)
		}
	}
	group.Wait()
	f.log.mu.Lock()
	defer f.log.mu.Unlock()
	issued, commands := 0, int64(0)
	for _, e := range f.log.events {
		if _, ok := e.Body.(coupons.Issued); ok {
			issued++
		}
	}
	for _, b := range f.log.batches {
		for _, c := range b.Commands {
			if _, ok := c.Body.(coupons.Issue); ok {
				commands++
			}
		}
	}
	if issued != users || commands != decided.Load() || refused.Load() == 0 {
		t.Errorf("%d coupons, %d commands, %d refused; want %d, %d, and some", issued, commands, refused.Load(), users, decided.Load())
	}
}

// A request that was appended before the promotion was sold out is answered with its outcome, also while that is not confirmed.
func TestSoldOut_KnownRequestGoesOn(t *testing.T) {
	f := newFixture(t)
	f.createAnswering(t, "p", 1)
	f.log.update(func() { f.log.publishPaused = true })
	now := time.Duration(0)
	if a := must(f.client("kim").Issue(t.Context(), "p", client.Options{Key: "k", Wait: &now}))(t); a.HTTPStatus != http.StatusAccepted {
		t.Fatalf("got %s", a.Body)
	}
	var group sync.WaitGroup
	for range 16 {
		group.Go(func() {
			if a := f.issueAs(t, "kim", "k"); a.HTTPStatus != http.StatusCreated || a.Sequence != 2000 {
				t.Errorf("got %s", a.Body)
			}
		})
	}
	f.log.update(func() { f.log.publishPaused = false })
	group.Wait()
	if a := f.issueAs(t, "lee", "k"); a.Code != domain.SoldOut || a.Sequence != 0 {
		t.Errorf("got %s", a.Body)
	}
}

// closesAt passes by the node's clock while nothing is decided: then the rules answer.
func TestSoldOut_EndsWithPromotion(t *testing.T) {
	f := newFixture(t)
	body := map[string]any{"promotionId": "p", "name": "n", "stock": 0, "soldOut": "answer", "closesAt": domain.At(time.Now().Add(30 * time.Minute))}
	if a := must(f.client("admin").Command(t.Context(), "/api/v1/admin/promotions", body, client.Options{}))(t); a.HTTPStatus != http.StatusCreated {
		t.Fatalf("got %s", a.Body)
	}
	if a := f.issueAs(t, "kim", ""); a.Code != domain.SoldOut || a.Sequence != 0 {
		t.Errorf("got %s", a.Body)
	}
	f.clockOffset.Store(int64(time.Hour))
	f.log.update(func() { f.log.now = f.log.now.Add(time.Hour) })
	if a := f.issueAs(t, "kim", ""); a.Code != domain.Closed || a.Sequence == 0 {
		t.Errorf("got %s", a.Body)
	}
}

func (f *fixture) createAnswering(tb testing.TB, id string, stock int) {
	tb.Helper()
	body := map[string]any{"promotionId": id, "name": "n", "stock": stock, "soldOut": "answer"}
	if a := must(f.client("admin").Command(tb.Context(), "/api/v1/admin/promotions", body, client.Options{}))(tb); a.HTTPStatus != http.StatusCreated {
		tb.Fatalf("got %s", a.Body)
	}
}

// issueAs requests a coupon of p and waits for the outcome.
func (f *fixture) issueAs(t *testing.T, user, key string) client.Response {
	wait := 20 * time.Second
	return must(f.client(user).Issue(t.Context(), "p", client.Options{Key: key, Wait: &wait}))(t)
}
