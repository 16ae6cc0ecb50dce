// The seam for staged crashes. Tests only: nothing in onsale sets a hook.

package streams

import "strconv"

// HookPoint is where in a call to the log a hook is asked.
type HookPoint int

const (
	BeforeSend HookPoint = iota // nothing was sent; an error makes the call fail and the log stay as it is
	AfterStore                  // the log has it all; an error loses the ack
)

// PartialError, as a hook's error at BeforeSend of EVENTS, lets the first n records of the call through, and then the ack is lost.
type PartialError int

func (n PartialError) Error() string {
	return "only the first " + strconv.Itoa(int(n)) + " records were sent"
}

// Hook is asked once per message of COMMANDS and once per Emit.
type Hook func(stream string, at HookPoint) error

// SetHook is for tests only. It may be called at any time; nil takes the hook away.
func (l *Log) SetHook(hook Hook) {
	if hook == nil {
		l.hook.Store(nil)
		return
	}
	l.hook.Store(&hook)
}

func (l *Log) runHook(stream string, at HookPoint) error {
	if hook := l.hook.Load(); hook != nil {
		return (*hook)(stream, at)
	}
	return nil
}
