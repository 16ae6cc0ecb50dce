// Best available: seats side by side in one row. The rule chooses them, not the API, so that a hundred concurrent commands get a
// hundred different answers.

package seats

import "slices"

// seatRun is seats side by side in a row.
type seatRun struct {
	section string
	ids     []int
	orphan  int // the orphan that it leaves; 0: none
}

// bestRun returns size free seats side by side in the section, or in any for "". Rows of a layout are from front to back. Runs
// without an orphan come first, then the row in front, then the run nearest to the middle of its row, then the lower number. An
// orphan is a single free seat between the run and a taken seat or the end of the row. A run is never placed where it costs the
// room of two of its size: else a row of twenty would seat nine pairs and not ten.
func (a *availability) bestRun(section string, size int) (found seatRun, ok bool) {
	for i, row := range a.sc.Layout.rows {
		if section != "" && row.section != section || row.last-row.first+1 < size || a.canUseRowCounts() && a.sc.freeInRow[i] < size {
			continue
		}
		first, orphan := a.bestInRow(row, size)
		if first == 0 || ok && orphan != 0 {
			continue
		}
		found, ok = seatRun{section: row.section, orphan: orphan}, true
		for id := first; id < first+size; id++ {
			found.ids = append(found.ids, id)
		}
		if orphan == 0 {
			break
		}
	}
	return found, ok
}

// bestInRow returns the first seat of the best run of a row, and its orphan; 0 when the row has none.
func (a *availability) bestInRow(row rowSpan, count int) (first, orphan int) {
	nearest := 0
	for from := row.first; from <= row.last; from++ {
		to := from // from ≤ id < to are free
		for to <= row.last && a.isFree(to) {
			to++
		}
		for at, last := candidateRange(row, count, from, to); at <= last; at++ {
			before, behind := at-from, to-at-count
			if before/count+behind/count+1 < (to-from)/count {
				continue
			}
			leftOver := 0
			if before == 1 {
				leftOver = from
			} else if behind == 1 {
				leftOver = to - 1
			}
			distance := max(2*at+count-1-row.first-row.last, row.first+row.last+1-2*at-count)
			if first == 0 || leftOver == 0 && orphan != 0 || (leftOver == 0) == (orphan == 0) && distance < nearest {
				first, orphan, nearest = at, leftOver, distance
			}
		}
		from = to // not free
	}
	return first, orphan
}

// candidateRange returns the first and last seat at which the best run within the free seats from ≤ id < to can begin. Of any few
// neighbouring places one costs no room, and a run at either edge leaves no orphan; so the best run begins near the place that
// is nearest to the middle of the row.
func candidateRange(row rowSpan, count, from, to int) (first, last int) {
	middle := max(from, min((row.first+row.last+1-count)/2, to-count))
	return max(from, middle-count-2), min(to-count, middle+count+2)
}

// orphans returns the single free seats that a choice of seats leaves and could have avoided: each is free afterwards, beside a
// chosen seat, without a free neighbour, in a row where as many seats as were chosen there are free side by side without
// leaving an orphan.
func (a *availability) orphans(chosen []int) []int {
	taken, chosenInRow := map[int]bool{}, map[int]int{}
	for _, id := range chosen {
		taken[id] = true
		chosenInRow[a.sc.Layout.rowIndex(id)]++
	}
	var found []int
	for _, id := range chosen {
		i := a.sc.Layout.rowIndex(id)
		row := a.sc.Layout.rows[i]
		remainsFree := func(id int) bool { return id >= row.first && id <= row.last && !taken[id] && a.isFree(id) }
		for _, neighbor := range []int{id - 1, id + 1} {
			if !remainsFree(neighbor) || remainsFree(neighbor-1) || remainsFree(neighbor+1) || slices.Contains(found, neighbor) {
				continue
			}
			if first, orphan := a.bestInRow(row, chosenInRow[i]); first != 0 && orphan == 0 {
				found = append(found, neighbor)
			}
		}
	}
	slices.Sort(found)
	return found
}
