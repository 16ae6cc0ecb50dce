// The commands and events that no user sends: the clock, the fillings of a gap, and lines that nobody could read.

package domain

// Tick is appended by a node when a deadline is due and nothing else arrives. It lets log time pass.
type Tick struct{}

func (Tick) Type() (string, int) { return "system.tick", 1 }

// Noop fills the place of a command that was lost with the power after its outcome had been told. Its outcome stands in
// EVENTS; deciding it does nothing.
type Noop struct{}

func (Noop) Type() (string, int) { return "system.noop", 1 }

// Why a line of COMMANDS is dead.
const (
	DeadLetterMalformed = "malformed" // the bytes are no command
	DeadLetterPanicked  = "panicked"  // deciding it broke the rules in force
)

// Malformed is what the codec makes of bytes in COMMANDS that are no command at all.
type Malformed struct{ Bytes []byte }

func (Malformed) Type() (string, int) { return "system.malformed", 1 }

// DeadLetter says that a command was passed over, and keeps its bytes.
type DeadLetter struct {
	Reason string `json:"reason"`
	Bytes  []byte `json:"bytes,omitempty"`
}

func (DeadLetter) Type() (string, int) { return "system.dead-letter", 1 }
