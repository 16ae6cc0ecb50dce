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

// checkHistory compares the history of every user and entity, and that of all, with EVENTS, from their first event on and from one in the middle.
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
	var all []domain.Event
	for record, err := range log.Events(ctx, 1, "") {
		if err != nil {
			tb.Fatal(err)
		}
		e, err := log.DecodeEvent(record)
		if err != nil {
			tb.Fatal(err)
		}
		e.Last = false // the journal does not have it
		all = append(all, e)
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
	compare("all", all, func(from uint64) iter.Seq2[domain.Event, error] { return p.EventsFrom(ctx, from) })
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

// The history of all follows the log, and ends with its context in the middle of the past too.
func TestHistory_FollowsAllEvents(t *testing.T) {
	tn := newTestNode(t)
	for i := range 200 {
		tn.createPromotion("p"+strconv.Itoa(i), 1)
	}
	tn.waitConfirmed()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	next := uint64(150)
	for e, err := range tn.p.EventsFrom(ctx, next) {
		if err != nil || e.Number != next {
			t.Fatalf("got %+v %v, want event %d", e, err, next)
		}
		if next++; next == 201 {
			go tn.log.Append(ctx, command("admin", "alarm", "kim", alarms.Raise{Kind: "shop", Message: "m"}))
		}
		if _, alarm := e.Body.(alarms.Raised); alarm {
			break
		}
	}
	count := 0
	for range tn.p.EventsFrom(ctx, 0) {
		cancel()
		count++
	}
	if count == 0 || count > 100 {
		t.Errorf("got %d events after ctx ended", count)
	}
}
