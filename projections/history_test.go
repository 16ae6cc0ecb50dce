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
	"onsale/projections/store"
)

// checkHistory compares the history of every user and entity with EVENTS, from their first event on and from one in the middle.
func checkHistory(tb testing.TB, p *projections.Projector, log store.EventLog, last uint64) {
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
	for record, err := range log.Events(ctx, 1, "") {
		if err != nil {
			tb.Fatal(err)
		}
		e, err := log.DecodeEvent(record)
		if err != nil {
			tb.Fatal(err)
		}
		e.Last = false // the journal does not have it
		if e.User != "" {
			users[e.User] = append(users[e.User], e)
		}
		key := store.EntityKey(e)
		entities[key] = append(entities[key], e)
		if record.Number == last {
			break
		}
	}
	compare := func(label string, want []domain.Event, history func(from uint64) iter.Seq2[domain.Event, error]) {
		for _, at := range []int{0, len(want) / 2} {
			i := at
			for e, err := range history(want[at].Number) {
				if err != nil || !reflect.DeepEqual(e, want[i]) {
					tb.Fatalf("%s: got %+v %v, want %+v", label, e, err, want[i])
				}
				if i++; i == len(want) {
					break
				}
			}
			if i != len(want) {
				tb.Fatalf("%s: got %d of %d events", label, i, len(want))
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

// A history so long that it takes four walks of the journal, and then an event that is confirmed while it is read.
func TestHistory_ReadsLongHistory(t *testing.T) {
	tn := newTestNode(t)
	tn.createPromotion("demo", 1)
	const rejections = 13_000
	var group sync.WaitGroup
	for i := range rejections {
		if i%100 == 0 {
			tn.createPromotion("p"+strconv.Itoa(i), 1)
			group.Wait()
		}
		group.Go(func() {
			c := command("kim", "k"+strconv.Itoa(i), "demo", coupons.Issue{})
			if _, err := tn.log.Append(t.Context(), c); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	tn.waitConfirmed()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var seen []uint64
	appended := false
	for e, err := range tn.p.EventsOfUser(ctx, "kim", 1) {
		if err != nil {
			t.Fatal(err)
		}
		seen = append(seen, e.Number)
		if len(seen) == rejections && !appended {
			appended = true
			go tn.log.Append(ctx, command("admin", "alarm", "kim", alarms.Raise{Kind: "shop", Message: "m"}))
		}
		if _, alarm := e.Body.(alarms.Raised); alarm {
			break
		}
	}
	if len(seen) != rejections+1 || !slices.IsSorted(seen) {
		t.Errorf("got %d events, want %d", len(seen), rejections+1)
	}
	cancel()
	for range tn.p.EventsOfUser(ctx, "kim", 1<<40) {
		t.Error("got an event after ctx ended")
	}
}
