// ?after=<position>: a read that must show at least what its reader has seen already, on whichever node it lands.
package http

import (
	"context"
	"net/url"
	"time"

	"onsale/http/stream"
)

// catchUpWithin bounds every wait for this node to reach a known point.
const catchUpWithin = 5 * time.Second

// catchUp waits until the store has reached what the query asks for.
func (s *Server) catchUp(ctx context.Context, query url.Values) error {
	if !query.Has("after") {
		return nil
	}
	epoch, position, ok := stream.ParsePosition(query.Get("after")) // the place within an event says nothing to a read
	if !ok {
		return refuseField(invalidPosition, "after", "is not <epoch>-<n>")
	}
	if epoch != s.Epoch {
		return refuse(epochChanged, "")
	}
	ctx, cancel := context.WithTimeout(ctx, catchUpWithin)
	defer cancel()
	if s.Projector.WaitConfirmed(ctx, position.Number) != nil {
		return s.behind()
	}
	return nil
}

// behind is what is said when a wait for this node was in vain.
func (s *Server) behind() error {
	if s.Projector.Status().Halted != "" {
		return refuse(halted, "")
	}
	return refuse(notCaughtUp, "")
}
