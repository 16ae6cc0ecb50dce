// The language of the transcripts: how what happened is told. Every field of an event has to be in its sentence.

package machine_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"onsale/domain"
	"onsale/domain/coupons"
)

// printEvents writes a line for each event: its number, its command's sequence, its type, what it says. All but the command's
// last end with a semicolon. Where there are very many, the middle is left out.
func (d *transcript) printEvents(cmd domain.Command, events []domain.Event) {
	for i, e := range events {
		if remaining := len(events) - 2 - i; i >= 2 && remaining > 1 && len(events) > 10 {
			if i == 2 {
				d.printf("    → … %d more;", remaining)
			}
			continue
		}
		name, version := e.Body.Type()
		position := fmt.Sprintf("%d (%d", e.Number, e.Sequence)
		if e.Now != cmd.At {
			position += ", when the log's time is " + formatClock(e.Now)
		}
		if version != 1 {
			name += fmt.Sprintf(".v%d", version)
		}
		end := map[bool]string{true: ".", false: ";"}[e.Last]
		d.printf("    → %s) %s: %s%s", position, name, d.formatChecked(e), end)
		if d.showBytes {
			d.printf("    · %s", mustJSON(d.t, e.Body))
		}
	}
	answered := slices.ContainsFunc(events, func(e domain.Event) bool { return !e.Request.IsZero() })
	if first, repeated := d.Request(cmd.Request); repeated && !answered {
		d.printf("    → nothing new: %d is the answer.", first.EventNumber)
	} else if len(events) == 0 {
		d.printf("    → nothing.")
	}
}

func (d *transcript) formatChecked(e domain.Event) string {
	text := formatEvent(e)
	for _, field := range append(jsonFields(e.Body), [2]string{"user", e.User}, [2]string{"entity", strings.TrimSuffix(e.Entity, "~")}) {
		if !strings.Contains(text, field[1]) {
			d.t.Errorf("line %d: the sentence %q hides %s %s", d.lineNumber, text, field[0], field[1])
		}
	}
	return text
}

func formatEvent(e domain.Event) string {
	switch b := e.Body.(type) {
	case coupons.Created:
		s := fmt.Sprintf("%s has promotion %s %q, %s, %d each", e.User, b.PromotionID, b.Name, pluralize(b.Stock, "unit"), b.PerUserLimit)
		return s + formatOptionalTime(", opens ", b.OpensAt) + formatOptionalTime(", closes ", b.ClosesAt)
	case coupons.Issued:
		return fmt.Sprintf("%s has coupon %s, number %d of %s", e.User, b.CouponID, b.Number, b.PromotionID)
	case domain.DeadLetter:
		if b.Reason == domain.DeadLetterPanicked {
			return fmt.Sprintf("%s asked %s for what is dead now, %s; the answer is %s", e.User, e.Entity, b.Reason, domain.Internal)
		}
		return fmt.Sprintf("passed over, %s: %s", b.Reason, b.Bytes)
	case domain.Rejection:
		s := fmt.Sprintf("%s is refused %s of %s, %s", e.User, b.Command, e.Entity, b.Code)
		for _, field := range jsonFields(b)[2:] {
			s += fmt.Sprintf(", %s %s", field[0], field[1])
		}
		return s
	}
	if s := formatCoupon(e) + formatSeat(e) + formatOrder(e) + formatAlarm(e); s != "" {
		return s
	}
	return fmt.Sprintf("%+v", e.Body)
}

// The language of the transcripts: single words, and what an event says as a list of facts.

func formatOptionalTime(words string, t domain.Time) string {
	if t == 0 {
		return ""
	}
	return words + formatClock(t)
}

// formatRuns is "1-3 7" for 1 2 3 7.
func formatRuns(ids []int) string {
	var runs []string
	for i := 0; i < len(ids); {
		n := 1
		for i+n < len(ids) && ids[i+n] == ids[i]+n {
			n++
		}
		run := fmt.Sprint(ids[i])
		if n > 1 {
			run += fmt.Sprintf("-%d", ids[i+n-1])
		}
		runs, i = append(runs, run), i+n
	}
	return strings.Join(runs, " ")
}

func formatSeats(ids []int) string {
	switch len(ids) {
	case 0:
		return "nothing"
	case 1:
		return "seat " + formatRuns(ids)
	}
	return "seats " + formatRuns(ids)
}

func pluralize(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}

// jsonFields are the names and values of a body's JSON, in its order, as sentences show them: a list of numbers is one.
func jsonFields(body domain.Body) (found [][2]string) {
	text, _ := json.Marshal(body)
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var walk func(name string)
	walk = func(name string) {
		token, _ := dec.Token()
		switch value := token.(type) {
		case json.Delim:
			var ids []int
			for dec.More() {
				if value == '{' {
					key, _ := dec.Token()
					walk(key.(string))
					continue
				}
				before := len(found)
				walk(name)
				if n, err := strconv.Atoi(found[len(found)-1][1]); err == nil && len(found) == before+1 {
					ids, found = append(ids, n), found[:before]
				}
			}
			if value == '[' && ids != nil {
				found = append(found, [2]string{name, formatRuns(ids)})
			}
			dec.Token()
		case string:
			found = append(found, [2]string{name, formatValue(name, value)})
		case json.Number:
			found = append(found, [2]string{name, value.String()})
		}
	}
	walk("")
	return found
}

func formatValue(name, value string) string {
	if at, err := domain.ParseTime(value); err == nil {
		return formatClock(at)
	}
	if name == "bytes" {
		b, _ := base64.StdEncoding.DecodeString(value)
		return string(b)
	}
	return value
}
