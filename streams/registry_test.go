package streams_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"onsale/domain"
	"onsale/domain/coupons"
	"onsale/domain/machine"
	"onsale/domain/seats"
	"onsale/streams"
)

var rewrite = flag.Bool("rewrite", false, "write testdata/descriptions.golden; only commit it if you understand what changed it")

// TestRegistry_DescribesEveryType asks the sample of each event and command in testdata what it says of itself. A new type needs
// a line in the golden file; "-" is no answer. What a sample's JSON names as an id or a seat must be among its IDs and Seats,
// and each command needs a rule.
func TestRegistry_DescribesEveryType(t *testing.T) {
	var got bytes.Buffer
	for _, name := range streams.EventVersions() {
		e, err := streams.DecodePayload(readTestdata(t, "events", name))
		if err != nil {
			t.Fatal(name, err)
		}
		fmt.Fprintf(&got, "event %s  %s\n", name, describeEvent(t, e))
		checkNamed(t, name, e.Body, e.IDs(), e.Seats())
	}
	for _, name := range streams.CommandTypes() {
		c, err := streams.DecodeLine(readTestdata(t, "commands", name))
		if err != nil {
			t.Fatal(name, err)
		}
		if body, ok := c.Body.(domain.Checked); ok && body.Check() != nil {
			t.Errorf("%s: the sample does not get as far as its rule: %v", name, body.Check())
		}
		if _, err := machine.New().Execute(c); err != nil {
			t.Errorf("%s has no rule that decides it: %v", name, err)
		}
		admin := "-"
		if _, ok := streams.AdminCommand(strings.TrimSuffix(name, ".v1")); ok {
			admin = "yes"
		}
		fmt.Fprintf(&got, "command %s  admin: %s  ids: %s  seats: %s\n", name, admin, list(c.IDs()), list(c.Seats()))
		checkNamed(t, name, c.Body, c.IDs(), c.Seats())
	}
	golden := filepath.Join("testdata", "descriptions.golden")
	if *rewrite {
		if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	g, w := strings.Split(got.String(), "\n"), strings.Split(string(want), "\n")
	for i := range max(len(g), len(w)) {
		if i >= len(g) || i >= len(w) || g[i] != w[i] {
			t.Fatalf("%s differs at line %d; if that is right, run with -rewrite\n got %q\nwant %q", golden, i+1, g[min(i, len(g)):], w[min(i, len(w)):])
		}
	}
}

func describeEvent(t *testing.T, e domain.Event) string {
	t.Helper()
	name, _ := e.Body.Type()
	result, admin, changes := "-", "-", []string{}
	outcome, isOutcome := e.Body.(domain.Outcome)
	if isOutcome {
		text, err := json.Marshal(outcome.Result())
		if err != nil {
			t.Fatal(name, err)
		}
		result = "200 " + string(text)
		if _, created := outcome.(domain.Creation); created {
			result = "201 " + string(text)
		}
	}
	switch e.Body.(type) {
	case domain.Rejection, domain.DeadLetter:
		if isOutcome {
			t.Errorf("%s is a refusal and an Outcome", name)
		}
	default:
		if !e.Request.IsZero() && !isOutcome {
			t.Errorf("%s answers a request and is no Outcome", name)
		}
	}
	if a, ok := e.Body.(domain.Administrative); ok {
		admin = a.Command()
		if !isOutcome || !slices.Contains(streams.CommandTypes(), admin+".v1") {
			t.Errorf("%s answers %s: outcome %t", name, admin, isOutcome)
		}
		if command, ok := streams.AdminCommand(name); !ok || command != admin {
			t.Errorf("%s: AdminCommand says %q, %t, want %s", name, command, ok, admin)
		}
	}
	if body, ok := e.Body.(seats.Changer); ok {
		for id, status := range body.SeatChanges() {
			changes = append(changes, fmt.Sprintf("seat %d %s;", id, status))
		}
	}
	if body, ok := e.Body.(coupons.Changer); ok {
		for number, status := range body.CouponChanges() {
			changes = append(changes, fmt.Sprintf("coupon %d %s;", number, status))
		}
	}
	return fmt.Sprintf("admin: %s  ids: %s  seats: %s  changes: %s  result: %s",
		admin, list(e.IDs()), list(e.Seats()), list(changes), result)
}

func list[T any](items []T) string {
	if len(items) == 0 {
		return "-"
	}
	return strings.Trim(fmt.Sprint(items), "[]")
}

// checkNamed walks the JSON of body for the fields that hold ids and seats.
func checkNamed(t *testing.T, name string, body domain.Body, ids []string, seatIDs []int) {
	t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(name, err)
	}
	var fields any
	if err := json.Unmarshal(text, &fields); err != nil {
		t.Fatal(name, err)
	}
	var walk func(value any)
	walk = func(value any) {
		object, _ := value.(map[string]any)
		for key, value := range object {
			switch key {
			case "couponId", "holdId", "reservationId", "waitingId", "merchant_uid", "imp_uid", "salePostId", "alarmId":
				if !slices.Contains(ids, value.(string)) {
					t.Errorf("%s names %s %v, which is not among its ids %v", name, key, value, ids)
				}
			case "scheduleSeatIds", "released", "release", "taken", "take":
				for _, id := range value.([]any) {
					if !slices.Contains(seatIDs, int(id.(float64))) {
						t.Errorf("%s names seat %v in %s, which is not among its seats %v", name, id, key, seatIDs)
					}
				}
			default:
				walk(value)
			}
		}
	}
	walk(fields)
}
