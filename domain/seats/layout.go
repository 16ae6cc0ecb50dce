// Where a seat is: a schedule's seats are numbered 1..N through its sections, rows and places, and only the layout is
// kept; names and prices are computed.

package seats

import (
	"slices"
	"sort"
	"strconv"
)

// Layout finds the place of a seat by its id.
type Layout struct {
	rows  []rowSpan // by first seat
	total int
}

type rowSpan struct {
	first, last  int
	section, row string
	price        int64
}

// NewLayout numbers the seats of sections.
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

// Total is N, the number of seats.
func (l Layout) Total() int { return l.total }

// Locate is where seat id (1..N) is: its section, its row, its number in the row and its price.
func (l Layout) Locate(id int) (section, row string, number int, price int64) {
	p := l.rows[l.rowIndex(id)]
	return p.section, p.row, id - p.first + 1, p.price
}

// rowIndex is the index of the row that seat id is in.
func (l Layout) rowIndex(id int) int {
	return sort.Search(len(l.rows), func(i int) bool { return l.rows[i].first > id }) - 1
}

// hasSection says whether there is a section of this name; "" stands for all.
func (l Layout) hasSection(name string) bool {
	return name == "" || slices.ContainsFunc(l.rows, func(p rowSpan) bool { return p.section == name })
}

// Describe is seat id as its holder sees it.
func (l Layout) Describe(id int) HeldSeat {
	section, row, number, price := l.Locate(id)
	return HeldSeat{ScheduleSeatID: id, DisplayName: section + "-" + row + "-" + strconv.Itoa(number), Price: price}
}

// describeAll are seats as their holder sees them.
func (l Layout) describeAll(ids []int) []HeldSeat {
	seats := make([]HeldSeat, len(ids))
	for i, id := range ids {
		seats[i] = l.Describe(id)
	}
	return seats
}

// totalPrice is what seats cost together.
func (l Layout) totalPrice(ids []int) (total int64) {
	for _, id := range ids {
		_, _, _, price := l.Locate(id)
		total += price
	}
	return total
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
