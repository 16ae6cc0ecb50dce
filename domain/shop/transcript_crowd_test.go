// Crowds in transcripts: many commands in one line, told as a sum.
package shop_test

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"onsale/domain"
	"onsale/domain/coupons"
	"onsale/domain/seats"
)

// perMessage is how many commands travel in one message when a rush is on.
const perMessage = 256

type wish struct {
	user, entity string
	body         domain.Body
}

var (
	crowdForm  = regexp.MustCompile(`^([a-z]+)(\d+)-(\d+)$`)
	holdForm   = regexp.MustCompile(`^hold (\d+)-\d+ of (\S+), one each$`)
	bestForm   = regexp.MustCompile(`^hold the best (\d+) of (\S+), each$`)
	askForm    = regexp.MustCompile(`^ask for a coupon of (\S+)$`)
	clicksForm = regexp.MustCompile(`^asks (\d+) times for a coupon of (\S+)$`)
)

// crowdOf is what everybody of a crowd wishes.
func crowdOf(who, text string) (all []wish, ok bool) {
	if m := clicksForm.FindStringSubmatch(text); m != nil {
		n, _ := strconv.Atoi(m[1])
		for range n {
			all = append(all, wish{who, m[2], coupons.Issue{}})
		}
		return all, true
	}
	m := crowdForm.FindStringSubmatch(who)
	if m == nil {
		return nil, false
	}
	first, _ := strconv.Atoi(m[2])
	last, _ := strconv.Atoi(m[3])
	for i := first; i <= last; i++ {
		user := m[1] + strconv.Itoa(i)
		if hold := holdForm.FindStringSubmatch(text); hold != nil {
			seat, _ := strconv.Atoi(hold[1])
			all = append(all, wish{user, hold[2], seats.Hold{ScheduleSeatIDs: []int{seat + i - first}}})
		} else if best := bestForm.FindStringSubmatch(text); best != nil {
			n, _ := strconv.Atoi(best[1])
			all = append(all, wish{user, best[2], seats.Hold{BestAvailable: &seats.Best{Count: n}}})
		} else if ask := askForm.FindStringSubmatch(text); ask != nil {
			all = append(all, wish{user, ask[1], coupons.Issue{}})
		}
	}
	return all, true
}

// crowd lets them all come at once, and tells how many events of which kind that made.
func (d *diary) crowd(all []wish) error {
	if len(all) == 0 {
		return fmt.Errorf("nobody knows what this crowd wishes")
	}
	d.careful, d.pure = false, false // at every event it would take too long; it is checked when the crowd is through
	count, kinds := map[string]int{}, []string{}
	first, from := d.Events+1, d.message*1000+d.index
	for _, w := range all {
		if d.index == perMessage {
			d.arrive(d.at)
		}
		_, events := d.ask(w.user, fmt.Sprintf("%d-%d", d.message, d.index), w.entity, w.body)
		for _, e := range events {
			kind, _ := e.Body.Type()
			if r, ok := e.Body.(domain.Rejection); ok {
				kind += " " + r.Code
			}
			if count[kind]++; count[kind] == 1 {
				kinds = append(kinds, kind)
			}
		}
	}
	for i, kind := range kinds {
		kinds[i] = fmt.Sprintf("%d × %s", count[kind], kind)
	}
	d.say("    → %d to %d (%d to %d) %s.", first, d.Events, from, d.message*1000+d.index-1, strings.Join(kinds, ", "))
	d.careful, d.pure = true, true
	return checkState(d.Shop)
}
