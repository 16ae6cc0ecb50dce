// Where a seat is: a schedule's seats are numbered 1..N through its sections, rows and places, and only the layout is
// kept; names and prices are computed.
package seats

import (
	"encoding/json"
	"fmt"
	"sort"
	"strconv"
	"unicode"

	"onsale/domain"
)

// The largest schedule, and what a command or an event may name.
const (
	MaxSeats    = 200_000 // of a schedule: twice the largest stadium
	MaxRows     = 10_000
	MaxCommand  = 1_000 // seats named in one command
	MaxName     = 40    // bytes of a section's or a row's name, as JSON spells it
	MaxTitle    = 200   // bytes
	MaxPrice    = 1_000_000_000_000
	MaxHold     = 86_400 // seconds
	MaxPerUser  = 1_000
	MaxSections = 1_000
	MaxLayout   = 240 << 10 // bytes of all sections as JSON: the event that carries them has to fit into EVENTS
)

// Layout finds the place of a seat by its id.
type Layout struct {
	rows  []place // by first seat
	total int
}

type place struct {
	first        int
	section, row string
	price        int64
}

// NewLayout numbers the seats of sections.
func NewLayout(sections []Section) Layout {
	var l Layout
	for _, section := range sections {
		for _, row := range section.Rows {
			l.rows = append(l.rows, place{l.total + 1, section.Name, row.Name, section.Price})
			l.total += row.Seats
		}
	}
	return l
}

// Total is N, the number of seats.
func (l Layout) Total() int { return l.total }

// Place is where seat id (1..N) is: its section, its row, its number in the row and its price.
func (l Layout) Place(id int) (section, row string, number int, price int64) {
	p := l.rows[sort.Search(len(l.rows), func(i int) bool { return l.rows[i].first > id })-1]
	return p.section, p.row, id - p.first + 1, p.price
}

// Describe is seat id as its holder sees it.
func (l Layout) Describe(id int) HeldSeat {
	section, row, number, price := l.Place(id)
	return HeldSeat{ScheduleSeatID: id, DisplayName: section + "-" + row + "-" + strconv.Itoa(number), Price: price}
}

// missing are those of ids that no seat has.
func (l Layout) missing(ids []int) []int {
	var missing []int
	for _, id := range ids {
		if id < 1 || id > l.total {
			missing = append(missing, id)
		}
	}
	return missing
}

// Check says which field of c has a wrong shape, as a *domain.FieldError.
func (c Create) Check() error {
	wrong := func(field, problem string, args ...any) error {
		return &domain.FieldError{Field: field, Problem: fmt.Sprintf(problem, args...)}
	}
	switch {
	case c.Title == "" || len(c.Title) > MaxTitle:
		return wrong("title", "1 to %d bytes", MaxTitle)
	case c.HoldSeconds < 1 || c.HoldSeconds > MaxHold:
		return wrong("holdSeconds", "1 to %d", MaxHold)
	case c.MaxSeatsPerUser < 1 || c.MaxSeatsPerUser > MaxPerUser:
		return wrong("maxSeatsPerUser", "1 to %d", MaxPerUser)
	case len(c.Sections) == 0 || len(c.Sections) > MaxSections:
		return wrong("sections", "1 to %d", MaxSections)
	}
	rows, total := 0, 0
	for i, section := range c.Sections {
		at := fmt.Sprintf("sections[%d]", i)
		if !goodName(section.Name) {
			return wrong(at+".name", "1 to %d printable bytes", MaxName)
		}
		if section.Price < 0 || section.Price > MaxPrice {
			return wrong(at+".price", "0 to %d", MaxPrice)
		}
		if len(section.Rows) == 0 {
			return wrong(at+".rows", "at least one row")
		}
		for j, row := range section.Rows {
			at := fmt.Sprintf("%s.rows[%d]", at, j)
			if !goodName(row.Name) {
				return wrong(at+".name", "1 to %d printable bytes", MaxName)
			}
			if row.Seats < 1 || row.Seats > MaxSeats {
				return wrong(at+".seats", "1 to %d", MaxSeats)
			}
			if rows, total = rows+1, total+row.Seats; rows > MaxRows || total > MaxSeats {
				return wrong("sections", "at most %d rows and %d seats in all", MaxRows, MaxSeats)
			}
		}
	}
	if text, err := json.Marshal(c.Sections); err != nil || len(text) > MaxLayout {
		return wrong("sections", "at most %d bytes of JSON", MaxLayout)
	}
	return nil
}

// goodName counts a name as JSON spells it, where "<" takes six bytes: a hold repeats the names for each of its seats.
func goodName(s string) bool {
	for _, r := range s {
		if !unicode.IsPrint(r) {
			return false
		}
	}
	text, err := json.Marshal(s)
	return err == nil && s != "" && len(text) <= len(`""`)+MaxName
}
