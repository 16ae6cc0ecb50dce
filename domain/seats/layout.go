// Where a seat is. Seats are numbered 1..N through sections, rows and the seats of a row; names and prices are computed from the
// layout.

package seats

import (
	"slices"
	"sort"
	"strconv"
)

// Layout finds a seat by its id.
type Layout struct {
	rows  []rowSpan // by first seat
	total int
}

type rowSpan struct {
	first, last  int
	section, row string
	price        int64
}

// NewLayout numbers the seats of the sections.
func NewLayout(sections []Section) Layout {
	var l Layout
	for _, section := range sections {
		for _, row := range section.Rows {
			l.rows = append(l.rows, rowSpan{l.total + 1, l.total + row.Seats, section.Name, row.Name, section.Price})
			l.total += row.Seats
		}
	}
	return l
}

// Total returns N, the number of seats.
func (l Layout) Total() int { return l.total }

// Locate returns where seat id (1..N) is: its section, its row, its number in the row; and its price.
func (l Layout) Locate(id int) (section, row string, number int, price int64) {
	p := l.rows[l.rowIndex(id)]
	return p.section, p.row, id - p.first + 1, p.price
}

// rowIndex returns the index of the row of seat id.
func (l Layout) rowIndex(id int) int {
	return sort.Search(len(l.rows), func(i int) bool { return l.rows[i].first > id }) - 1
}

// hasSection says whether there is a section of this name; "" is all.
func (l Layout) hasSection(name string) bool {
	return name == "" || slices.ContainsFunc(l.rows, func(p rowSpan) bool { return p.section == name })
}

// Describe returns seat id as its holder sees it.
func (l Layout) Describe(id int) HeldSeat {
	section, row, number, price := l.Locate(id)
	return HeldSeat{ScheduleSeatID: id, DisplayName: label(section, row, number), Price: price}
}

// label is the name of a seat: unique within a schedule, see Create.Check.
func label(section, row string, number int) string {
	return section + "-" + row + "-" + strconv.Itoa(number)
}

// describeAll returns seats as their holder sees them.
func (l Layout) describeAll(ids []int) []HeldSeat {
	seats := make([]HeldSeat, len(ids))
	for i, id := range ids {
		seats[i] = l.Describe(id)
	}
	return seats
}

// totalPrice returns the sum of the prices of the seats.
func (l Layout) totalPrice(ids []int) (total int64) {
	for _, id := range ids {
		_, _, _, price := l.Locate(id)
		total += price
	}
	return total
}

// missing returns those of ids that no seat has; nil if none.
func (l Layout) missing(ids []int) []int {
	return filter(ids, func(id int) bool { return id < 1 || id > l.total })
}

// filter returns those of ids for which keep is true; nil if none.
func filter(ids []int, keep func(id int) bool) []int {
	var kept []int
	for _, id := range ids {
		if keep(id) {
			kept = append(kept, id)
		}
	}
	return kept
}
