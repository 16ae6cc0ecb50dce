// What the log says of orders, beside what everybody was told.

package main

import (
	"maps"
	"slices"
	"strings"
)

// judge wants of the past that each order has one verdict, and that everybody was told it, and nothing else.
func (m *market) judge(past []pastCommand) {
	m.t.Helper()
	type key struct{ impUID, user string }
	verdicts, placed, count := map[key]pastEvent{}, map[key]bool{}, map[string]int{}
	owner, robber := map[string]string{}, map[string]string{}
	for _, c := range past {
		for _, e := range c.Events {
			at := key{e.Entity, e.User}
			switch e.Type {
			case "orders.placed", "orders.kept":
				if placed[at] {
					m.t.Errorf("%s: %s is ordered by %s again", e.EventID, e.Entity, e.User)
				}
				placed[at], owner[e.Entity] = true, e.User
			case "orders.succeeded", "orders.failed":
				if first, twice := verdicts[at]; twice {
					m.t.Errorf("%+v has the verdicts %+v and %+v", at, first, e)
				}
				verdicts[at] = e
				if e.Data.Reason == "payment_of_another" {
					robber[e.Entity] = e.User
				}
			}
			if strings.HasPrefix(e.Type, "orders.") {
				count[strings.TrimSpace(e.Type+" "+e.Data.Code+e.Data.Reason)]++
			}
		}
	}
	if len(verdicts) != len(placed) {
		m.t.Errorf("%d orders have %d verdicts", len(placed), len(verdicts))
	}
	for impUID, user := range robber {
		if v := verdicts[key{impUID, user}]; owner[impUID] == user || v.Data.Refunded != 0 {
			m.t.Errorf("%s was not %s's, and was never its owner's: %+v", impUID, user, v)
		}
	}
	heard := map[key]bool{}
	for _, o := range m.orders {
		at := key{o.impUID, o.user}
		heard[at] = true
		for _, fault := range o.faults {
			m.t.Errorf("the stream of %+v: %s", at, fault)
		}
		v := verdicts[at]
		event := map[string]string{"orders.succeeded": "success", "orders.failed": "failure"}[v.Type]
		if o.verdict.id != v.EventID || o.verdict.event != event {
			if !o.gone || o.verdict.id != "" {
				m.t.Errorf("the stream of %+v told %+v, the log has %+v", at, o.verdict, v)
			}
		}
	}
	for at := range placed {
		if !heard[at] {
			m.t.Errorf("nobody knows of the order %+v", at)
		}
	}
	for _, w := range m.watchers {
		w.check(m.t, framesOfUser(past, userOf(w)))
	}
	m.t.Logf("%d orders, %d verdicts, %d commands, %d connections of %d users", len(placed), len(verdicts), len(past),
		connections(m.watchers), len(m.watchers))
	for _, name := range slices.Sorted(maps.Keys(count)) {
		m.t.Logf("%6d %s", count[name], name)
	}
}
