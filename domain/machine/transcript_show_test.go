// What transcripts show of the state: lines of Dump, shortened.

package machine_test

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"onsale/domain"
)

func (d *transcript) show(query string) error {
	kind, id, _ := strings.Cut(query, " ")
	switch kind {
	case "bytes":
		d.showBytes = true
	case "everything":
		d.printf("%s", strings.ReplaceAll(strings.TrimSpace(dumpText(d.Machine)), "\n", "\n    "))
	case "deadline":
		if at, ok := d.NextDeadline(); ok {
			d.printf("%s", formatClock(at))
		} else {
			d.printf("none")
		}
	default:
		lines := d.dumpOf(kind, id)
		if len(lines) == 0 {
			return fmt.Errorf("no %s %q", kind, id)
		}
		for _, line := range elide(joinSeats(lines)) {
			d.printf("%s", line)
		}
	}
	return nil
}

// dayTime is a time of Dump on the day of the transcripts.
var dayTime = regexp.MustCompile(dayPrefix + `(\S+)Z`)

// dumpOf are the lines of Dump about one entity: a heading, and what is indented below it. The heading is without the fields
// that the entity's first event had already.
func (d *transcript) dumpOf(kind, id string) (lines []string) {
	within := false
	for line := range strings.Lines(dumpText(d.Machine)) {
		words, fields := cutJSON(strings.TrimRight(line, "\n"))
		if line[0] != ' ' {
			within = strings.HasPrefix(line, kind+" of "+id+":") ||
				strings.HasPrefix(line, kind+" ") && len(fields) > 0 && fields[0].value == id
			created := d.firstEvent(id)
			fields = slices.DeleteFunc(fields, func(f field) bool { return slices.Contains(created, f) })
		}
		if within {
			words = dayTime.ReplaceAllString(words, "$1")
			lines = append(lines, strings.TrimRight(words+joinFields(fields), " "))
		}
	}
	switch {
	case lines == nil && kind == "alarms":
		lines = []string{"none"}
	case lines == nil:
	case kind == "promotion":
		p := d.Coupons.Promotion(id)
		lines[0] += fmt.Sprintf(" (%d issued, %d remain)", p.Issued(), p.Remaining())
	case kind == "product":
		lines[0] += fmt.Sprintf(" (%d remain)", d.Orders.Product(id).Remaining())
	}
	return lines
}

// cutJSON splits a line of Dump that ends in an object.
func cutJSON(line string) (words string, fields []field) {
	if i := strings.Index(line, `{"`); i >= 0 {
		return line[:i], fieldsOf([]byte(line[i:]))
	}
	return line, nil
}

// firstEvent are the fields of the event that made the entity.
func (d *transcript) firstEvent(entity string) []field {
	for _, e := range d.events {
		if _, rejected := e.Body.(domain.Rejection); e.Entity == entity && !rejected {
			return fieldsOf(mustJSON(d.t, e.Body))
		}
	}
	return nil
}

var seatLine = regexp.MustCompile(`^  seat (\d+) (.*)$`)

// joinSeats makes one line of all seats in the same state.
func joinSeats(lines []string) (joined []string) {
	seats := map[string][]int{}
	for _, line := range lines {
		if m := seatLine.FindStringSubmatch(line); m != nil {
			id, _ := strconv.Atoi(m[1])
			if seats[m[2]] = append(seats[m[2]], id); len(seats[m[2]]) > 1 {
				continue
			}
		}
		joined = append(joined, line)
	}
	for i, line := range joined {
		if m := seatLine.FindStringSubmatch(line); m != nil {
			joined[i] = "  seat " + formatRuns(seats[m[2]]) + " " + m[2]
		}
	}
	return joined
}

// elide leaves the middle of a long list out: of more than ten lines that begin with the same word, all but four.
func elide(lines []string) (kept []string) {
	for len(lines) > 0 {
		n := 1
		for n < len(lines) && firstWord(lines[n]) == firstWord(lines[0]) {
			n++
		}
		if n <= 10 {
			kept = append(kept, lines[:n]...)
		} else {
			kept = append(kept, lines[0], lines[1], fmt.Sprintf("  … %d more", n-4), lines[n-2], lines[n-1])
		}
		lines = lines[n:]
	}
	return kept
}

func firstWord(line string) string { return strings.Fields(line)[0] }
