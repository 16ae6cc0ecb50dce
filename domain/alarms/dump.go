// All alarms as text.
package alarms

import (
	"fmt"
	"io"
	"maps"
	"slices"
)

// Dump writes everything that the rules know, sorted: equal states give equal bytes.
func (s *State) Dump(w io.Writer) {
	for _, user := range slices.Sorted(maps.Keys(s.boxes)) {
		fmt.Fprintf(w, "alarms of %s:", user)
		for _, number := range s.boxes[user].all {
			fmt.Fprintf(w, " %s", ID(number))
		}
		fmt.Fprintf(w, "; unread:")
		for _, number := range s.UnreadNumbers(user) {
			fmt.Fprintf(w, " %s", ID(number))
		}
		fmt.Fprintln(w)
	}
}
