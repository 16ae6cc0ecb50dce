// The language of the transcripts: how what happened is told. Every field of an event has to be in its sentence.
package shop_test

import (
	"fmt"
	"slices"
	"strings"

	"onsale/domain"
	"onsale/domain/coupons"
)

// tell writes a line for each event: its number, its command's sequence, its type, what it says. All but the command's
// last end with a semicolon. Where there are very many, the middle is left out.
func (d *diary) tell(cmd domain.Command, events []domain.Event) {
	for i, e := range events {
		if left := len(events) - 2 - i; i >= 2 && left > 1 && len(events) > 10 {
			if i == 2 {
				d.say("    → … %d more;", left)
			}
			continue
		}
		name, version := e.Body.Type()
		place := fmt.Sprintf("%d (%d", e.Number, e.Sequence)
		if e.Now != cmd.At {
			place += ", when the log's time is " + clockText(e.Now)
		}
		if version != 1 {
			name += fmt.Sprintf(".v%d", version)
		}
		end := map[bool]string{true: ".", false: ";"}[e.Last]
		d.say("    → %s) %s: %s%s", place, name, d.sentence(e), end)
		if d.bytes {
			d.say("    · %s", mustJSON(d.t, e.Body))
		}
	}
	answered := slices.ContainsFunc(events, func(e domain.Event) bool { return !e.Request.IsZero() })
	if first, again := d.Requests[cmd.Request]; again && !answered {
		d.say("    → nothing new: %d is the answer.", first.Event)
	} else if len(events) == 0 {
		d.say("    → nothing.")
	}
}

func (d *diary) sentence(e domain.Event) string {
	s := sentence(e)
	for _, fact := range append(facts(e.Body), [2]string{"user", e.User}, [2]string{"entity", strings.TrimSuffix(e.Entity, "~")}) {
		if !strings.Contains(s, fact[1]) {
			d.t.Errorf("line %d: the sentence %q hides %s %s", d.line, s, fact[0], fact[1])
		}
	}
	return s
}

func sentence(e domain.Event) string {
	switch b := e.Body.(type) {
	case coupons.Created:
		s := fmt.Sprintf("%s has promotion %s %q, %s, %d each", e.User, b.PromotionID, b.Name, count(b.Stock, "unit"), b.PerUserLimit)
		return s + when(", opens ", b.OpensAt) + when(", closes ", b.ClosesAt)
	case coupons.Issued:
		return fmt.Sprintf("%s has coupon %s, number %d of %s", e.User, b.CouponID, b.Number, b.PromotionID)
	case domain.Dead:
		if b.Reason == domain.DeadPanicked {
			return fmt.Sprintf("%s asked %s for what is dead now, %s; the answer is %s", e.User, e.Entity, b.Reason, domain.Internal)
		}
		return fmt.Sprintf("passed over, %s: %s", b.Reason, b.Bytes)
	case domain.Rejection:
		s := fmt.Sprintf("%s is refused %s of %s, %s", e.User, b.Command, e.Entity, b.Code)
		for _, fact := range facts(b)[2:] {
			s += fmt.Sprintf(", %s %s", fact[0], fact[1])
		}
		return s
	}
	if s := couponSentence(e) + seatSentence(e) + orderSentence(e) + alarmSentence(e); s != "" {
		return s
	}
	return fmt.Sprintf("%+v", e.Body)
}
