// The commands and events that no user sends: the clock, the fillings of a gap, and lines that nobody could read.
package domain

// Clock is appended by a node when a deadline is due and nothing else arrives. It lets log time pass.
type Clock struct{}

func (Clock) Type() (string, int) { return "system.clock", 1 }

// Void fills the place of a command that was lost with the power after its outcome had been told. Its outcome stands in
// EVENTS; deciding it does nothing.
type Void struct{}

func (Void) Type() (string, int) { return "system.void", 1 }

// Why a line of COMMANDS is dead.
const (
	DeadMalformed = "malformed" // the bytes are no command
	DeadPanicked  = "panicked"  // deciding it broke the rules in force
)

// Malformed is what the codec makes of bytes in COMMANDS that are no command at all.
type Malformed struct{ Bytes []byte }

func (Malformed) Type() (string, int) { return "system.malformed", 1 }

// Dead says that a command was passed over, and keeps its bytes.
type Dead struct {
	Reason string `json:"reason"`
	Bytes  []byte `json:"bytes,omitempty"`
}

func (Dead) Type() (string, int) { return "system.dead", 1 }
