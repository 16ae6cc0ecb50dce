package command

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"onsale/domain"
	"onsale/domain/orders"
	"onsale/domain/seats"
	"onsale/streams"
)

// A trace finds every type of event by each user, request, entity, id and seat that its sample in the log's test data names.
func TestTrace_FindsEveryEventType(t *testing.T) {
	samples, err := filepath.Glob("../../../streams/testdata/events/*.json")
	if err != nil || len(samples) == 0 {
		t.Fatalf("no samples: %v", err)
	}
	found, onPage := 0, 0
	for _, path := range samples {
		payload, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var head struct {
			Type, Entity, User, Request string
			N                           uint64
			Data                        map[string]any
		}
		if err := json.Unmarshal(payload, &head); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		user := head.User
		if user == "" {
			user = domain.NoUser
		}
		e, err := streams.DecodeEvent(domain.Record{
			Number: head.N, Payload: payload, Subject: fmt.Sprintf("evt.%s.%s.%s", domain.Kind(head.Type), head.Entity, user),
		})
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		targets := namedTargets(head.Entity, head.Data)
		if head.User != "" {
			targets = append(targets, head.User)
		}
		targets = append(targets, head.Entity)
		if head.Type == "alarms.raised" {
			targets = append(targets, fmt.Sprintf("a%d", head.N))
		}
		for _, target := range targets {
			found++
			if !traces(target, domain.Command{}, e) {
				t.Errorf("a trace of %s does not find %s", target, head.Type)
			}
		}
		if head.Request != "" && !traces(head.Request, domain.Command{Request: e.Request}, e) {
			t.Errorf("a trace of request %s does not find %s", head.Request, head.Type)
		}
		page := newPurchase("")
		for _, all := range []map[string]bool{page.payments, page.preparations, page.holds, page.reservations, page.coupons, page.schedules} {
			for _, target := range targets {
				all[target] = true
			}
		}
		if page.has(e) {
			onPage++
			if line := purchaseLine(e, domain.Command{User: "admin", Body: e.Body}); line == head.Type || strings.Contains(line, "%!") {
				t.Errorf("the page of a purchase says %q for %s", line, head.Type)
			}
		}
		if traces("another", domain.Command{}, e) || traces(head.Entity+":9999", domain.Command{}, e) {
			t.Errorf("a trace of something else finds %s", head.Type)
		}
	}
	if onPage < 30 {
		t.Errorf("only %d samples are on the page of a purchase", onPage)
	}
	if found < len(samples) {
		t.Errorf("%d samples name only %d targets", len(samples), found)
	}
}

// What happens to the performance after the refund is not the purchase's any more, until there is another order.
func TestPurchase_EndsWithItsRefund(t *testing.T) {
	placed := domain.Event{Entity: "imp_1", Body: orders.Placed{PaymentID: "imp_1", Purchase: orders.Purchase{HoldID: "h1", ScheduleID: "s"}}}
	refunded := domain.Event{Entity: "imp_1", Body: orders.Refunded{PaymentID: "imp_1"}}
	off := domain.Event{Entity: "s", Body: seats.ScheduleCancelled{ScheduleID: "s"}}
	page := newPurchase("imp_1")
	page.learn(placed)
	for i, step := range []struct {
		event domain.Event
		shown bool
	}{{off, true}, {placed, true}, {off, true}, {refunded, true}, {off, false}, {placed, true}, {off, true}} {
		if got := page.shows(step.event); got != step.shown {
			t.Errorf("event %d is shown: %t", i, got)
		}
	}
}

func traces(target string, c domain.Command, events ...domain.Event) bool {
	t := tracer{target: target, orders: map[string]bool{}}
	return t.matches(c, events)
}

// namedTargets walks the data of an event for ids and seats.
func namedTargets(entity string, data map[string]any) (targets []string) {
	for key, value := range data {
		switch value := value.(type) {
		case map[string]any:
			targets = append(targets, namedTargets(entity, value)...)
		case string:
			switch key {
			case "couponId", "holdId", "reservationId", "waitingId", "merchant_uid", "imp_uid", "salePostId", "alarmId":
				targets = append(targets, value)
			}
		case []any:
			if strings.HasSuffix(key, "eatIds") || key == "released" || key == "taken" {
				for _, id := range value {
					targets = append(targets, fmt.Sprintf("%s:%v", entity, id))
				}
			}
		}
	}
	return targets
}
