// The model of the best available seats: every run of free seats is tried.

package machine_test

import (
	"cmp"
	"slices"
)

func seatRange(first, last int) (ids []int) {
	for id := first; id <= last; id++ {
		ids = append(ids, id)
	}
	return ids
}

// isolated are the free seats of a row without a free neighbour.
func isolated(row [2]int, free func(int) bool) []int {
	isFree := func(id int) bool { return id >= row[0] && id <= row[1] && free(id) }
	return filter(seatRange(row[0], row[1]), func(id int) bool { return isFree(id) && !isFree(id-1) && !isFree(id+1) })
}

// newOrphans are the seats of a row that a choice isolates.
func newOrphans(row [2]int, chosen []int, free func(int) bool) []int {
	after := isolated(row, func(id int) bool { return free(id) && !slices.Contains(chosen, id) })
	return difference(after, isolated(row, free))
}

// memoize calls predicate once for each seat.
func memoize(predicate func(int) bool) func(int) bool {
	seen := map[int]bool{}
	return func(id int) bool {
		value, ok := seen[id]
		if !ok {
			value = predicate(id)
			seen[id] = value
		}
		return value
	}
}

// freeRuns are all runs of count free seats in a row.
func (h *scheduleModel) freeRuns(row [2]int, count int, free func(int) bool) (found [][]int) {
	for first := row[0]; first+count-1 <= row[1]; first++ {
		if block := seatRange(first, first+count-1); len(filter(block, free)) == count {
			found = append(found, block)
		}
	}
	return found
}

// countRuns is how many runs fit into a row beside each other.
func (h *scheduleModel) countRuns(row [2]int, count int, free func(int) bool) (blocks int) {
	last := 0
	for _, block := range h.freeRuns(row, count, free) {
		if block[0] > last {
			blocks, last = blocks+1, block[count-1]
		}
	}
	return blocks
}

// best is the best run, or nil.
func (h *scheduleModel) best(section string, count int, free func(int) bool) []int {
	type candidate struct {
		block                  []int
		orphan, row, offCentre int
	}
	var all []candidate
	for i, row := range h.rows(section) {
		maxRuns := 0 // how many fit beside the chosen one
		runs := map[int]int{}
		for _, block := range h.freeRuns(row, count, free) {
			runs[block[0]] = h.countRuns(row, count, func(id int) bool { return free(id) && !slices.Contains(block, id) })
			maxRuns = max(maxRuns, runs[block[0]])
		}
		for _, block := range h.freeRuns(row, count, free) {
			if runs[block[0]] < maxRuns {
				continue
			}
			c := candidate{block, 0, i, block[0] + block[count-1] - row[0] - row[1]}
			if newOrphans(row, block, free) != nil {
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

// orphansOf are the orphans of a choice, with NoOrphans, in rows where another run of as many seats would leave none.
func (h *scheduleModel) orphansOf(chosen []int, free func(int) bool) (ids []int) {
	if !h.NoOrphans {
		return nil
	}
	for _, row := range h.rows("") {
		chosenInRow := filter(chosen, func(id int) bool { return id >= row[0] && id <= row[1] })
		if len(chosenInRow) > 0 && slices.ContainsFunc(h.freeRuns(row, len(chosenInRow), free), func(b []int) bool { return newOrphans(row, b, free) == nil }) {
			ids = append(ids, newOrphans(row, chosen, free)...)
		}
	}
	return ids
}
