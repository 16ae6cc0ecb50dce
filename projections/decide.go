// Deciding: a batch of commands, one transaction.
package projections

import (
	"context"
	"errors"
	"fmt"
	"time"

	"onsale/domain"
)

const (
	maxCommands = 2_000 // of one transaction: some 15 ms of work, so that nobody waits long for a place in it
	rush        = 12    // commands that make it worth the while to wait for more: a transaction costs as much as 40 of them
	rushWait    = 2 * time.Millisecond
)

// decide takes batches from COMMANDS as they come, and several at once when they come fast.
func (p *Projector) decide(ctx context.Context) error {
	// The last message may be decided in part, when the store was rebuilt from EVENTS: it is read again.
	commands, err := p.Commands(ctx, max(1, p.mark.sequence/domain.PlacesPerMessage))
	if err != nil {
		return fmt.Errorf("cannot read COMMANDS: %w", err)
	}
	for {
		taken, err := take(ctx, commands.Batches())
		if errors.Is(err, errEnded) {
			return fmt.Errorf("%w: %w", err, commands.Err())
		}
		if err != nil {
			return nil // ctx ended
		}
		if taken, err = p.inOrder(taken); err != nil {
			return err
		}
		for len(taken) > 0 {
			err := p.transact(taken)
			if err == nil {
				commands.Ack(p.message)
				break
			}
			if errors.Is(err, errRules) || errors.Is(err, errDamaged) {
				return err
			}
			// No room on the disk, most likely. Nothing is lost: the store stands where it stood, and so must the shop.
			p.Logger.Error("the read store cannot be written; trying again", "error", err)
			if err := p.reload(); err != nil {
				return err
			}
			select {
			case <-ctx.Done():
				return nil
			case <-time.After(time.Second):
			}
		}
	}
}

var errEnded = errors.New("COMMANDS cannot be read any further")

// take waits for one batch, and takes along what is there. In a rush it waits a little for more.
func take(ctx context.Context, batches <-chan domain.Batch) ([]domain.Batch, error) {
	var taken []domain.Batch
	commands := 0
	var full <-chan time.Time
	for {
		if commands < maxCommands {
			select {
			case b, ok := <-batches:
				if !ok {
					return nil, errEnded
				}
				taken, commands = append(taken, b), commands+len(b.Commands)
				continue
			default:
			}
		}
		switch {
		case commands == 0: // nothing yet: wait as long as it takes
		case commands >= maxCommands || commands < rush:
			return taken, nil
		case full == nil:
			full = time.After(rushWait)
		}
		select {
		case b, ok := <-batches:
			if !ok {
				return nil, errEnded
			}
			taken, commands = append(taken, b), commands+len(b.Commands)
		case <-full:
			return taken, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// inOrder leaves out what came again. A hole must not be: deciding over it would decide otherwise than another node.
func (p *Projector) inOrder(batches []domain.Batch) ([]domain.Batch, error) {
	next := p.message + 1
	var fresh []domain.Batch
	for _, b := range batches {
		switch {
		case b.Message < next:
		case b.Message > next:
			return nil, fmt.Errorf("COMMANDS has a hole: after message %d came %d", next-1, b.Message)
		default:
			fresh = append(fresh, b)
			next++
		}
	}
	return fresh, nil
}
