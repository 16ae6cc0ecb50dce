package seats

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"onsale/domain"
)

// rows are n rows whose names end with their numbers.
func rows(n int, row Row) (rows []Row) {
	for i := range n {
		rows = append(rows, Row{fmt.Sprintf("%s%04d", row.Name, i), row.Seats})
	}
	return rows
}

// manyRows are n rows in sections of fifty, with names as short as possible.
func manyRows(n int) (sections []Section) {
	for i := range n {
		if i%50 == 0 {
			sections = append(sections, Section{Name: strconv.Itoa(i / 50)})
		}
		last := &sections[len(sections)-1]
		last.Rows = append(last.Rows, Row{string(rune('A' + i%50)), 1})
	}
	return sections
}

// TestCreate_CheckNamesField tries the largest and smallest valid values, and one step beyond each.
func TestCreate_CheckNamesField(t *testing.T) {
	createWith := func(edit func(*Create)) Create {
		c := Create{Title: "t", HoldSeconds: 1, MaxSeatsPerUser: 1, Sections: []Section{{Name: "A", Rows: []Row{{"1", 1}}}}}
		edit(&c)
		return c
	}
	for _, c := range []struct {
		name  string
		body  Create
		field string
	}{
		{"valid", createWith(func(*Create) {}), ""},
		{"no title", createWith(func(c *Create) { c.Title = "" }), "title"},
		{"longer title", createWith(func(c *Create) { c.Title = strings.Repeat("t", MaxTitle+1) }), "title"},
		{"no hold", createWith(func(c *Create) { c.HoldSeconds = 0 }), "holdSeconds"},
		{"longest hold", createWith(func(c *Create) { c.HoldSeconds = MaxHoldSeconds }), ""},
		{"longer hold", createWith(func(c *Create) { c.HoldSeconds = MaxHoldSeconds + 1 }), "holdSeconds"},
		{"none for anyone", createWith(func(c *Create) { c.MaxSeatsPerUser = 0 }), "maxSeatsPerUser"},
		{"more for one", createWith(func(c *Create) { c.MaxSeatsPerUser = MaxPerUser + 1 }), "maxSeatsPerUser"},
		{"extended more often", createWith(func(c *Create) { c.MaxExtensions = MaxExtensions + 1 }), "maxExtensions"},
		{"extended negatively", createWith(func(c *Create) { c.MaxExtensions = -1 }), "maxExtensions"},
		{"longest hold with extensions, and more", createWith(func(c *Create) { c.MaxHoldSeconds = MaxHoldSeconds + 1 }), "maxHoldSeconds"},
		{"hold with extensions shorter than hold", createWith(func(c *Create) { c.HoldSeconds, c.MaxHoldSeconds = 9, 8 }), "maxHoldSeconds"},
		{"hold with extensions as long as hold", createWith(func(c *Create) { c.MaxHoldSeconds = c.HoldSeconds }), ""},
		{"released too seldom", createWith(func(c *Create) { c.ReleaseEverySeconds = MaxReleaseSeconds + 1 }), "releaseEverySeconds"},
		{"released in negative time", createWith(func(c *Create) { c.ReleaseEverySeconds = -1 }), "releaseEverySeconds"},
		{"no sections", createWith(func(c *Create) { c.Sections = nil }), "sections"},
		{"more sections", createWith(func(c *Create) { c.Sections = make([]Section, MaxSections+1) }), "sections"},
		{"a section without a name", createWith(func(c *Create) { c.Sections[0].Name = "" }), "sections[0].name"},
		{"highest price", createWith(func(c *Create) { c.Sections[0].Price = MaxPrice }), ""},
		{"higher price", createWith(func(c *Create) { c.Sections[0].Price = MaxPrice + 1 }), "sections[0].price"},
		{"negative price", createWith(func(c *Create) { c.Sections[0].Price = -1 }), "sections[0].price"},
		{"no rows", createWith(func(c *Create) { c.Sections[0].Rows = []Row{} }), "sections[0].rows"},
		{"a row without a name", createWith(func(c *Create) { c.Sections[0].Rows[0].Name = "" }), "sections[0].rows[0].name"},
		{"a row without seats", createWith(func(c *Create) { c.Sections[0].Rows[0].Seats = 0 }), "sections[0].rows[0].seats"},
		{"a row of the whole stadium", createWith(func(c *Create) { c.Sections[0].Rows[0].Seats = MaxSeats }), ""},
		{"a row that overflows", createWith(func(c *Create) { c.Sections[0].Rows = rows(3, Row{"1", 1<<63 - 1}) }), "sections[0].rows[0].seats"},
		{"one seat more", createWith(func(c *Create) { c.Sections[0].Rows = []Row{{"1", MaxSeats}, {"2", 1}} }), "sections"},
		{"more rows", createWith(func(c *Create) { c.Sections = manyRows(MaxRows + 1) }), "sections"},
		{"rows whose event is too large", createWith(func(c *Create) { c.Sections[0].Rows = rows(MaxRows, Row{"row 1", 1}) }), "sections"},
		{"most rows", createWith(func(c *Create) { c.Sections = manyRows(MaxRows) }), ""},
		{"a title with an escape sequence", createWith(func(c *Create) { c.Title = "\x1b[2J" }), "title"},
		{"a section twice", createWith(func(c *Create) {
			c.Sections = []Section{{"A", 1, c.Sections[0].Rows}, {"B", 1, c.Sections[0].Rows}, {"A", 2, []Row{{"2", 1}}}}
		}), "sections[2].name"},
		{"a row twice", createWith(func(c *Create) { c.Sections[0].Rows = []Row{{"1", 2}, {"2", 2}, {"1", 1}} }), "sections[0].rows[2].name"},
		{"the same row in another section", createWith(func(c *Create) { c.Sections = append(c.Sections, Section{"B", 1, c.Sections[0].Rows}) }), ""},
		{"two sections with the same label", createWith(func(c *Create) {
			c.Sections = []Section{{"A", 1, []Row{{"1-1", 1}}}, {"A-1", 1, []Row{{"2", 1}, {"1", 1}}}}
		}), "sections[1].rows[1].name"},
		{"labels that differ", createWith(func(c *Create) {
			c.Sections = []Section{{"A", 1, []Row{{"1", 11}, {"1-1", 1}, {"11", 1}}}, {"A-", 1, []Row{{"1", 1}}}, {"a", 1, []Row{{"1", 1}}}}
		}), ""},
	} {
		got := ""
		if fieldErr, ok := errors.AsType[*domain.FieldError](c.body.Check()); ok {
			got = fieldErr.Field
		}
		if got != c.field {
			t.Errorf("%s: got %q, want %q", c.name, got, c.field)
		}
	}
}

func TestIsName_Bounds(t *testing.T) {
	for _, name := range []string{"A", "1층", "R B", strings.Repeat("x", MaxName), "R&B", `"`, "나\u0301", "⭐️"} {
		if !isName(name) {
			t.Errorf("%q: got false, want true", name)
		}
	}
	for _, name := range []string{"", "\n", "\x00", "\u2028", "A ", " A", " ", "A\u200b", "A\u3164", "A\u202eB", "A\u00a0", strings.Repeat("x", MaxName+1), strings.Repeat("<", 7)} {
		if isName(name) {
			t.Errorf("%q: got true, want false", name)
		}
	}
}
