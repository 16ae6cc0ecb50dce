// Replaying: the two logs side by side, each command with what it led to.
package projections

import (
	"context"
	"iter"

	"onsale/domain"
)

// Decision is a command and its events, as the logs have them.
type Decision struct {
	Command domain.Command
	Events  []domain.Event
	Records []domain.Record
}

// Replay goes over both logs from their beginning to where they end now. Nothing is decided and nothing compared.
func Replay(ctx context.Context, h History) iter.Seq2[Decision, error] {
	return func(yield func(Decision, error) bool) {
		state, err := h.State(ctx)
		if err != nil {
			yield(Decision{}, err)
			return
		}
		if state.Commands.Last == 0 {
			return
		}
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		next, stop := iter.Pull2(upTo(h.Records(ctx, 1, ""), state.Events.Last))
		defer stop()
		r := reader{history: h, next: next, last: state.Events.Last}
		for batch, err := range h.Messages(ctx, 1) {
			if err != nil {
				yield(Decision{}, err)
				return
			}
			for _, c := range batch.Commands {
				last := c.Sequence
				if _, void := c.Body.(domain.Void); void {
					last += domain.PlacesPerMessage - 1 // it stands for all that its message once held
				}
				found, err := r.of(c.Sequence, last)
				d := Decision{Command: c}
				for _, e := range found {
					d.Events, d.Records = append(d.Events, e.event), append(d.Records, e.record)
				}
				if !yield(d, err) || err != nil {
					return
				}
			}
			if batch.Message == state.Commands.Last {
				return
			}
		}
	}
}
