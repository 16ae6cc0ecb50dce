// The table of faults: what becomes of the order, the verdict, the money and the units, whatever goes wrong on the way to the
// provider and back.
package payments_test

import (
	"cmp"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"onsale/domain/orders"
	"onsale/http/portone/fake"
)

var rewrite = flag.Bool("rewrite", false, "write what comes out into testdata; only commit it if you understand what changed it")

// requestFaults are of one route, for its first two requests; slow is the first only.
var requestFaults = []string{"slow", "500", "500-after", "reset", "reset-after", "429", "refuse", "redirect", "garbage", "page",
	"huge", "extra", "enum", "fraction", "revoke"}

var webhookFaults = map[string]func(*fake.Webhooks){
	"drop":    func(w *fake.Webhooks) { w.Drop = true },
	"five":    func(w *fake.Webhooks) { w.Copies = 5 },
	"reorder": func(w *fake.Webhooks) { w.Reorder = true },
	"first":   func(w *fake.Webhooks) { w.First = true },
	"forge":   func(w *fake.Webhooks) { w.Forge = true },
	"form":    func(w *fake.Webhooks) { w.Form = true },
}

// routes are those that a scenario takes, or may take.
func (s scenario) routes(api string) []string {
	routes := []string{"get"}
	if api == "v1" && s.units == 0 && s.then == nil {
		routes = append(routes, "token")
	}
	if s.before != nil {
		routes = append(routes, "prepare")
	}
	if !s.keeps {
		routes = append(routes, "cancel")
	}
	return routes
}

const tableFile = "testdata/faults.txt"

func TestFaults(t *testing.T) {
	c := newCourt(t)
	for _, s := range scenarios {
		for _, api := range []string{"v1", "v2"} {
			if !s.fits(api) {
				continue
			}
			c.add(s, api, "none", "")
			for _, route := range s.routes(api) {
				for _, fault := range requestFaults {
					c.add(s, api, route, fault)
				}
			}
			for _, fault := range slices.Sorted(maps.Keys(webhookFaults)) {
				c.add(s, api, "webhook", fault)
			}
		}
	}
	t.Logf("%d trials", len(c.trials))
	c.play()
	for _, trial := range c.trials {
		trial.check(t)
	}
	got := table(c.trials)
	if *rewrite {
		if err := os.WriteFile(tableFile, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(tableFile)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		lines := strings.Split(string(want), "\n")
		for _, line := range strings.Split(got, "\n") {
			if !slices.Contains(lines, line) {
				t.Errorf("is not in %s:\n%s", tableFile, line)
			}
		}
	}
}

// check wants what must hold whatever happened: no good client's name is spoilt, an order has one verdict, who has the goods
// has paid, and who has not has their money.
func (t *trial) check(tb testing.TB) {
	for _, v := range t.fake.Violations() {
		tb.Errorf("%s: no good client does this: %s", t, v)
	}
	o, p := t.n.order(t.ref()), t.n.product(t.product)
	paid, refunded := t.fake.Sums()
	left, units := int64(0), 0
	others := o.Reason == orders.ReasonOfAnother || o.Reason == orders.ReasonNotPrepared || o.Reason == orders.ReasonNotFound
	switch o.Status {
	case orders.Paid:
		left, units = price, 1
	case orders.Failed, orders.Refunded:
	default:
		tb.Errorf("%s: it is %s at the end", t, o.Status)
	}
	if o.Verdict == 0 || len(t.n.verdicts(t.ref())) == 0 {
		tb.Errorf("%s: it has no verdict", t)
	}
	if p.Taken != units {
		tb.Errorf("%s: it is %s, and %d are taken", t, o.Status, p.Taken)
	}
	if paid-refunded != left && !others && o.Reason != orders.ReasonDiscrepant {
		tb.Errorf("%s: it is %s, and %d are at the provider", t, o.Status, paid-refunded)
	}
}

// table has a line for each scenario, API and outcome: the first is that of most faults, behind others stand theirs.
func table(trials []*trial) string {
	var b strings.Builder
	for len(trials) > 0 {
		name, outcomes, faults := trials[0].name, []string(nil), map[string][]string{}
		for len(trials) > 0 && trials[0].name == name {
			t := trials[0]
			trials = trials[1:]
			outcome := t.api + "  " + t.outcome()
			if faults[outcome] == nil {
				outcomes = append(outcomes, outcome)
			}
			faults[outcome] = append(faults[outcome], strings.TrimSpace(t.route+" "+t.fault))
		}
		fmt.Fprintf(&b, "%s\n", name)
		slices.SortStableFunc(outcomes, func(x, y string) int {
			return cmp.Or(cmp.Compare(x[:2], y[:2]), len(faults[y])-len(faults[x]))
		})
		api := ""
		for _, outcome := range outcomes {
			if outcome[:2] == api {
				outcome += "  with " + strings.Join(faults[outcome], ", ")
			}
			api = outcome[:2]
			fmt.Fprintf(&b, "  %s\n", outcome)
		}
	}
	return b.String()
}
