package seats

import (
	"errors"
	"strings"
	"testing"

	"onsale/domain"
)

func rows(n int, row Row) (rows []Row) {
	for range n {
		rows = append(rows, row)
	}
	return rows
}

// Everything to its edge is a schedule; one step further names the field.
func TestCreateCheck(t *testing.T) {
	with := func(change func(*Create)) Create {
		c := Create{Title: "t", HoldSeconds: 1, MaxSeatsPerUser: 1, Sections: []Section{{Name: "A", Rows: []Row{{"1", 1}}}}}
		change(&c)
		return c
	}
	for _, c := range []struct {
		name  string
		body  Create
		field string
	}{
		{"plain", with(func(*Create) {}), ""},
		{"no title", with(func(c *Create) { c.Title = "" }), "title"},
		{"longer title", with(func(c *Create) { c.Title = strings.Repeat("t", MaxTitle+1) }), "title"},
		{"no hold", with(func(c *Create) { c.HoldSeconds = 0 }), "holdSeconds"},
		{"longest hold", with(func(c *Create) { c.HoldSeconds = MaxHold }), ""},
		{"longer hold", with(func(c *Create) { c.HoldSeconds = MaxHold + 1 }), "holdSeconds"},
		{"none for anyone", with(func(c *Create) { c.MaxSeatsPerUser = 0 }), "maxSeatsPerUser"},
		{"more for one", with(func(c *Create) { c.MaxSeatsPerUser = MaxPerUser + 1 }), "maxSeatsPerUser"},
		{"extended more often", with(func(c *Create) { c.MaxExtensions = MaxExtended + 1 }), "maxExtensions"},
		{"extended less than never", with(func(c *Create) { c.MaxExtensions = -1 }), "maxExtensions"},
		{"held longer in all", with(func(c *Create) { c.MaxHoldSeconds = MaxHold + 1 }), "maxHoldSeconds"},
		{"held shorter in all", with(func(c *Create) { c.HoldSeconds, c.MaxHoldSeconds = 9, 8 }), "maxHoldSeconds"},
		{"held no longer in all", with(func(c *Create) { c.MaxHoldSeconds = c.HoldSeconds }), ""},
		{"back more seldom", with(func(c *Create) { c.ReleaseEverySeconds = MaxRelease + 1 }), "releaseEverySeconds"},
		{"back before it went", with(func(c *Create) { c.ReleaseEverySeconds = -1 }), "releaseEverySeconds"},
		{"no sections", with(func(c *Create) { c.Sections = nil }), "sections"},
		{"more sections", with(func(c *Create) { c.Sections = make([]Section, MaxSections+1) }), "sections"},
		{"a section without a name", with(func(c *Create) { c.Sections[0].Name = "" }), "sections[0].name"},
		{"the dearest", with(func(c *Create) { c.Sections[0].Price = MaxPrice }), ""},
		{"dearer", with(func(c *Create) { c.Sections[0].Price = MaxPrice + 1 }), "sections[0].price"},
		{"money back", with(func(c *Create) { c.Sections[0].Price = -1 }), "sections[0].price"},
		{"no rows", with(func(c *Create) { c.Sections[0].Rows = []Row{} }), "sections[0].rows"},
		{"a row without a name", with(func(c *Create) { c.Sections[0].Rows[0].Name = "" }), "sections[0].rows[0].name"},
		{"a row without seats", with(func(c *Create) { c.Sections[0].Rows[0].Seats = 0 }), "sections[0].rows[0].seats"},
		{"a row of the whole stadium", with(func(c *Create) { c.Sections[0].Rows[0].Seats = MaxSeats }), ""},
		{"a row that overflows", with(func(c *Create) { c.Sections[0].Rows = rows(3, Row{"1", 1<<63 - 1}) }), "sections[0].rows[0].seats"},
		{"one seat more", with(func(c *Create) { c.Sections[0].Rows = []Row{{"1", MaxSeats}, {"2", 1}} }), "sections"},
		{"more rows", with(func(c *Create) { c.Sections[0].Rows = rows(MaxRows+1, Row{"1", 1}) }), "sections"},
		{"rows whose event is too large", with(func(c *Create) { c.Sections[0].Rows = rows(MaxRows, Row{"row 1", 1}) }), "sections"},
		{"most rows", with(func(c *Create) { c.Sections[0].Rows = rows(MaxRows, Row{"1", 1}) }), ""},
	} {
		got := ""
		if wrong, ok := errors.AsType[*domain.FieldError](c.body.Check()); ok {
			got = wrong.Field
		}
		if got != c.field {
			t.Errorf("%s: got %q, want %q", c.name, got, c.field)
		}
	}
}

func TestNames(t *testing.T) {
	for _, name := range []string{"A", "1층", "R B", strings.Repeat("x", MaxName), "R&B", `"`} {
		if !goodName(name) {
			t.Errorf("%q is a name", name)
		}
	}
	for _, name := range []string{"", "\n", "\x00", "\u2028", strings.Repeat("x", MaxName+1), strings.Repeat("<", 7)} {
		if goodName(name) {
			t.Errorf("%q is no name", name)
		}
	}
}

// Seats are numbered through sections, rows and places; every seat finds its own.
func TestLayout(t *testing.T) {
	l := NewLayout([]Section{{"A", 5, []Row{{"1", 2}, {"2", 1}}}, {"B", 3, []Row{{"1", 3}}}})
	want := []HeldSeat{{1, "A-1-1", 5}, {2, "A-1-2", 5}, {3, "A-2-1", 5}, {4, "B-1-1", 3}, {5, "B-1-2", 3}, {6, "B-1-3", 3}}
	if l.Total() != len(want) {
		t.Errorf("got %d seats, want %d", l.Total(), len(want))
	}
	for _, seat := range want {
		if got := l.Describe(seat.ScheduleSeatID); got != seat {
			t.Errorf("got %+v, want %+v", got, seat)
		}
	}
}
