// Crowds in transcripts: many commands in one line, told as a sum.

package machine_test

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

type userCommand struct {
	user, entity string
	body         domain.Body
}

var (
	usersPattern  = regexp.MustCompile(`^([a-z]+)(\d+)-(\d+)$`)
	holdPattern   = regexp.MustCompile(`^hold (\d+)-\d+ of (\S+), one each$`)
	bestPattern   = regexp.MustCompile(`^hold the best (\d+) of (\S+), each$`)
	issuePattern  = regexp.MustCompile(`^ask for a coupon of (\S+)$`)
	repeatPattern = regexp.MustCompile(`^asks (\d+) times for a coupon of (\S+)$`)
)

// expandMany is what everybody of a crowd wishes.
func expandMany(who, text string) (all []userCommand, ok bool) {
	if m := repeatPattern.FindStringSubmatch(text); m != nil {
		n, _ := strconv.Atoi(m[1])
		for range n {
			all = append(all, userCommand{who, m[2], coupons.Issue{}})
		}
		return all, true
	}
	m := usersPattern.FindStringSubmatch(who)
	if m == nil {
		return nil, false
	}
	first, _ := strconv.Atoi(m[2])
	last, _ := strconv.Atoi(m[3])
	for i := first; i <= last; i++ {
		user := m[1] + strconv.Itoa(i)
		if hold := holdPattern.FindStringSubmatch(text); hold != nil {
			seat, _ := strconv.Atoi(hold[1])
			all = append(all, userCommand{user, hold[2], seats.Hold{ScheduleSeatIDs: []int{seat + i - first}}})
		} else if bestMatch := bestPattern.FindStringSubmatch(text); bestMatch != nil {
			n, _ := strconv.Atoi(bestMatch[1])
			all = append(all, userCommand{user, bestMatch[2], seats.Hold{BestAvailable: &seats.BestAvailable{Count: n}}})
		} else if issue := issuePattern.FindStringSubmatch(text); issue != nil {
			all = append(all, userCommand{user, issue[1], coupons.Issue{}})
		}
	}
	return all, true
}

// executeMany lets them all come at once, and tells how many events of which kind that made.
func (d *transcript) executeMany(commands []userCommand) error {
	if len(commands) == 0 {
		return fmt.Errorf("nobody knows what this crowd wishes")
	}
	d.checkEveryEvent, d.checkReplica = false, false // at every event it would take too long; it is checked when the crowd is through
	count, kinds := map[string]int{}, []string{}
	first, firstSequence := d.LastEvent+1, d.message*1000+d.index
	for _, uc := range commands {
		if d.index == perMessage {
			d.nextMessage(d.at)
		}
		_, events := d.submit(uc.user, fmt.Sprintf("%d-%d", d.message, d.index), uc.entity, uc.body)
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
	d.printf("    → %d to %d (%d to %d) %s.", first, d.LastEvent, firstSequence, d.message*1000+d.index-1, strings.Join(kinds, ", "))
	d.checkEveryEvent, d.checkReplica = true, true
	return checkState(d.Machine)
}
