package projections_test

import (
	"context"
	"iter"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"onsale/domain"
	"onsale/domain/alarms"
	"onsale/domain/coupons"
	"onsale/projections"
)

// checkChains wants of everybody the events that EVENTS has of them, from the first on and from one in the middle.
func checkChains(tb testing.TB, p *projections.Projector, log projections.Events, last uint64) {
	tb.Helper()
	if last == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := p.WaitConfirmed(ctx, last); err != nil {
		tb.Fatal(err)
	}
	users, entities := map[string][]domain.Event{}, map[string][]domain.Event{}
	for record, err := range log.Records(ctx, 1, "") {
		if err != nil {
			tb.Fatal(err)
		}
		e, err := log.DecodeEvent(record)
		if err != nil {
			tb.Fatal(err)
		}
		e.Last = false // which no reader asks
		if e.User != "" {
			users[e.User] = append(users[e.User], e)
		}
		name, _ := e.Body.Type()
		key := domain.Kind(name) + "." + e.Entity
		entities[key] = append(entities[key], e)
		if record.Number == last {
			break
		}
	}
	compare := func(whose string, want []domain.Event, chain func(from uint64) iter.Seq2[domain.Event, error]) {
		for _, at := range []int{0, len(want) / 2} {
			i := at
			for e, err := range chain(want[at].Number) {
				if err != nil || !reflect.DeepEqual(e, want[i]) {
					tb.Fatalf("%s: got %+v %v, want %+v", whose, e, err, want[i])
				}
				if i++; i == len(want) {
					break
				}
			}
			if i != len(want) {
				tb.Fatalf("%s: %d of %d events came", whose, i, len(want))
			}
		}
	}
	for user, want := range users {
		compare(user, want, func(from uint64) iter.Seq2[domain.Event, error] { return p.EventsOfUser(ctx, user, from) })
	}
	for key, want := range entities {
		kind, entity, _ := strings.Cut(key, ".")
		compare(key, want, func(from uint64) iter.Seq2[domain.Event, error] { return p.EventsOfEntity(ctx, kind, entity, from) })
	}
}

// A long past, of four walks along the chain, among others; then what comes while somebody reads.
func TestChain(t *testing.T) {
	w := newWorld(t)
	w.promotion("demo", 1)
	const long = 13_000 // refusals of kim
	var group sync.WaitGroup
	for i := range long {
		if i%100 == 0 {
			w.promotion("p"+strconv.Itoa(i), 1)
			group.Wait()
		}
		group.Go(func() {
			c := command("kim", "k"+strconv.Itoa(i), "demo", coupons.Issue{})
			if _, err := w.log.Append(t.Context(), c); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	w.settle()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var seen []uint64
	asked := false
	for e, err := range w.p.EventsOfUser(ctx, "kim", 1) {
		if err != nil {
			t.Fatal(err)
		}
		seen = append(seen, e.Number)
		if len(seen) == long && !asked {
			asked = true
			go w.log.Append(ctx, command("admin", "alarm", "kim", alarms.Raise{Kind: "shop", Message: "m"}))
		}
		if _, alarm := e.Body.(alarms.Raised); alarm {
			break
		}
	}
	if len(seen) != long+1 || !slices.IsSorted(seen) {
		t.Errorf("got %d events, want %d", len(seen), long+1)
	}
	cancel()
	for range w.p.EventsOfUser(ctx, "kim", 1<<40) {
		t.Error("there is none, and nobody waits any longer")
	}
}
