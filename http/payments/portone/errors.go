// What is not a yes: no, and unknown. Only what PortOne said in so many words is a no; a page of some proxy is none.

package portone

import (
	"errors"
	"fmt"
	"strings"
)

// ErrUnknown means that nobody knows: no answer came in time, or none that says anything. It may have been done.
var ErrUnknown = errors.New("the outcome is unknown")

// Two kinds of ErrUnknown that time alone will hardly heal; somebody should look.
var (
	// ErrMalformed: an answer came, and it is not what PortOne promises.
	ErrMalformed = fmt.Errorf("%w, for the answer cannot be understood", ErrUnknown)
	// ErrAuth: PortOne does not take our keys. It has done nothing, and has said nothing of the payment.
	ErrAuth = fmt.Errorf("%w, for the keys are refused", ErrUnknown)
)

// ErrNotFound is the Refusal that there is no such payment.
var ErrNotFound = errors.New("there is no such payment")

// Refusal is a definite no.
type Refusal struct {
	Code   string // "not_found", "not_sent", the number of V1, or the type of V2
	Reason string // in PortOne's words, for people
}

func (r *Refusal) Error() string { return fmt.Sprintf("refused (%s): %s", r.Code, r.Reason) }

// Is makes errors.Is(err, ErrNotFound) work.
func (r *Refusal) Is(target error) bool { return target == ErrNotFound && r.Code == notFound }

const (
	notFound = "not_found"
	notSent  = "not_sent" // refused here: PortOne was never asked
)

func refuse(format string, a ...any) error { return &Refusal{notSent, fmt.Sprintf(format, a...)} }

func malformed(format string, a ...any) error {
	return fmt.Errorf("%w: %s", ErrMalformed, fmt.Sprintf(format, a...))
}

// onlyNotFound makes every other no to a question unknown: that PortOne would not answer says nothing of the payment.
func onlyNotFound(err error) error {
	if refusal, ok := errors.AsType[*Refusal](err); ok && refusal.Code != notFound && refusal.Code != notSent {
		return fmt.Errorf("%w: %s", ErrUnknown, refusal)
	}
	return err
}

// maxReason is how many bytes of PortOne's words are kept; its PGs send whole pages at times.
const maxReason = 300

func truncate(reason string) string {
	if len(reason) > maxReason {
		reason = reason[:maxReason]
	}
	return strings.ToValidUTF8(reason, "")
}
