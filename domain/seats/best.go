// Best available: seats side by side in one row, chosen by whoever decides and never before it, so that a hundred who ask
// at once get a hundred different answers.

package seats

import "slices"

// seatRun is seats side by side.
type seatRun struct {
	section string
	ids     []int
	orphan  int // the single free seat that it leaves; 0: none
}

// bestRun are count free seats side by side in the section, or in any for "". Rows of a layout are from front to back: what
// leaves no orphan comes first, then the row in front, then what is nearest to the middle of its row, then the lower number.
// An orphan is a single free seat between the block and a taken seat or the end of the row. A block never stands where it
// costs the room of two of its size: else a row of twenty would seat nine pairs and not ten.
func (o *availability) bestRun(section string, size int) (found seatRun, ok bool) {
	for i, row := range o.sc.Layout.rows {
		if section != "" && row.section != section || row.last-row.first+1 < size || o.canUseRowCounts() && o.sc.freeInRow[i] < size {
			continue
		}
		first, orphan := o.bestInRow(row, size)
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

// bestInRow is where the best block of a row begins, and its orphan; 0 when the row has none.
func (o *availability) bestInRow(row rowSpan, count int) (first, orphan int) {
	nearest := 0
	for from := row.first; from <= row.last; from++ {
		to := from // the run is from ≤ id < to
		for to <= row.last && o.isFree(to) {
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
		from = to // which is not free
	}
	return first, orphan
}

// candidateRange are the first and the last place in a run at which its best block can begin: of any few places next to each other
// one costs no room, and both edges of a run leave no orphan, so that it is near to where the middle of the row would have it.
func candidateRange(row rowSpan, count, from, to int) (first, last int) {
	middle := max(from, min((row.first+row.last+1-count)/2, to-count))
	return max(from, middle-count-2), min(to-count, middle+count+2)
}

// orphans are the single free seats that a choice leaves and could have avoided: each is free afterwards, beside a chosen
// one, with no free seat on either side of it, in a row where as many seats as were chosen there could be had side by side
// without leaving one.
func (o *availability) orphans(chosen []int) []int {
	taken, chosenInRow := map[int]bool{}, map[int]int{}
	for _, id := range chosen {
		taken[id] = true
		chosenInRow[o.sc.Layout.rowIndex(id)]++
	}
	var found []int
	for _, id := range chosen {
		i := o.sc.Layout.rowIndex(id)
		row := o.sc.Layout.rows[i]
		remainsFree := func(id int) bool { return id >= row.first && id <= row.last && !taken[id] && o.isFree(id) }
		for _, neighbor := range []int{id - 1, id + 1} {
			if !remainsFree(neighbor) || remainsFree(neighbor-1) || remainsFree(neighbor+1) || slices.Contains(found, neighbor) {
				continue
			}
			if first, orphan := o.bestInRow(row, chosenInRow[i]); first != 0 && orphan == 0 {
				found = append(found, neighbor)
			}
		}
	}
	slices.Sort(found)
	return found
}
