// Fault injection for tests: production code never sets a hook.

package streams

import "strconv"

// HookPoint is the point of an append at which the hook is called.
type HookPoint int

const (
	BeforeSend HookPoint = iota // before anything is sent: an error fails the call and leaves the log unchanged
	AfterStore                  // after everything is stored: an error loses the ack
)

// PartialError, returned by a hook at BeforeSend of EVENTS, stores the first n records of the call and then loses the ack.
type PartialError int

func (n PartialError) Error() string {
	return "only the first " + strconv.Itoa(int(n)) + " records were sent"
}

// Hook is called for each message of COMMANDS and for each AppendEvents.
type Hook func(stream string, at HookPoint) error

// SetHook is for tests only. It may be called at any time; nil removes the hook.
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
