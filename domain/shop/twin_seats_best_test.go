// The dumb twin at the box office: the best seats are found by trying every block, and single ones by looking at all.
package shop_test

import (
	"cmp"
	"slices"
)

func seatsFrom(first, last int) (ids []int) {
	for id := first; id <= last; id++ {
		ids = append(ids, id)
	}
	return ids
}

// alone are the free seats of a row whose neighbours are both not.
func alone(row [2]int, free func(int) bool) []int {
	is := func(id int) bool { return id >= row[0] && id <= row[1] && free(id) }
	return those(seatsFrom(row[0], row[1]), func(id int) bool { return is(id) && !is(id-1) && !is(id+1) })
}

// singles are the seats of a row that are alone because of a choice, and were not before.
func singles(row [2]int, chosen []int, free func(int) bool) []int {
	after := alone(row, func(id int) bool { return free(id) && !slices.Contains(chosen, id) })
	return without(after, alone(row, free))
}

// asked is free, asked once for each seat.
func asked(free func(int) bool) func(int) bool {
	seen := map[int]bool{}
	return func(id int) bool {
		is, known := seen[id]
		if !known {
			is = free(id)
			seen[id] = is
		}
		return is
	}
}

// blocks are all that are free in a row.
func (h *twinHall) blocks(row [2]int, count int, free func(int) bool) (found [][]int) {
	for first := row[0]; first+count-1 <= row[1]; first++ {
		if block := seatsFrom(first, first+count-1); len(those(block, free)) == count {
			found = append(found, block)
		}
	}
	return found
}

// room is how many blocks fit into a row beside each other.
func (h *twinHall) room(row [2]int, count int, free func(int) bool) (blocks int) {
	last := 0
	for _, block := range h.blocks(row, count, free) {
		if block[0] > last {
			blocks, last = blocks+1, block[count-1]
		}
	}
	return blocks
}

// best is the best block, or nil.
func (h *twinHall) best(section string, count int, free func(int) bool) []int {
	type candidate struct {
		block                  []int
		orphan, row, offCentre int
	}
	var all []candidate
	for i, row := range h.rows(section) {
		most := 0 // blocks that fit beside the one that is taken
		room := map[int]int{}
		for _, block := range h.blocks(row, count, free) {
			room[block[0]] = h.room(row, count, func(id int) bool { return free(id) && !slices.Contains(block, id) })
			most = max(most, room[block[0]])
		}
		for _, block := range h.blocks(row, count, free) {
			if room[block[0]] < most {
				continue
			}
			c := candidate{block, 0, i, block[0] + block[count-1] - row[0] - row[1]}
			if singles(row, block, free) != nil {
				c.orphan = 1
			}
			c.offCentre = max(c.offCentre, -c.offCentre)
			all = append(all, c)
		}
	}
	if all == nil {
		return nil
	}
	return slices.MinFunc(all, func(a, b candidate) int {
		return cmp.Or(a.orphan-b.orphan, a.row-b.row, a.offCentre-b.offCentre, a.block[0]-b.block[0])
	}).block
}

// refused are the singles of a choice in rows that have a block of as many seats without any, where the hall minds.
func (h *twinHall) refused(chosen []int, free func(int) bool) (ids []int) {
	if !h.NoOrphans {
		return nil
	}
	for _, row := range h.rows("") {
		inRow := those(chosen, func(id int) bool { return id >= row[0] && id <= row[1] })
		if len(inRow) > 0 && slices.ContainsFunc(h.blocks(row, len(inRow), free), func(b []int) bool { return singles(row, b, free) == nil }) {
			ids = append(ids, singles(row, chosen, free)...)
		}
	}
	return ids
}
