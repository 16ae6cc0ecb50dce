// One order: what is asked, in which order, and what is done with the answer.
package payments

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"onsale/domain"
	"onsale/domain/orders"
	"onsale/http/portone"
	"onsale/projections"
)

// Why an order is looked at. Only the last two are reasons to ask about one that is paid, or has its money back.
type reason int

const (
	happened reason = iota // something, and there may be more to do
	due                    // it is time to ask again
	hinted                 // somebody says that something happened
)

// settle makes an order know what the provider knows, and has money given back that the rules want back. The error says
// why something is left to do.
func (w *Worker) settle(ctx context.Context, impUID string, why reason) error {
	done, err := w.claim(ctx, impUID)
	if err != nil {
		return err
	}
	defer done()
	if why == hinted {
		w.heed(impUID)
	}
	for range 5 {
		o, now, err := w.order(impUID)
		if err != nil || o == nil || why == happened && (o.Status == orders.Paid || o.Status == orders.Refunded) {
			return err
		}
		p, err := w.get(ctx, impUID)
		if err != nil {
			return err
		}
		// The rules have seen this payment, and it is the order's user's.
		if o.Status == orders.Refunding && o.Payment != nil && p.Left() > 0 {
			if p, err = w.giveBack(ctx, o, p); err != nil {
				return err
			}
		}
		prepared, err := w.preparation(p.MerchantUID)
		if err != nil || o.Hear(p, prepared, now) == nil {
			return err
		}
		if err := w.tell(ctx, o, p); err != nil {
			return err
		}
		// Where the order changed while the provider was asked, it has not heard this. Then everything begins anew.
		if o, _, err = w.order(impUID); err != nil || o.Payment != nil && *o.Payment == p {
			return err
		}
	}
	return errors.New("the order changes faster than anybody can ask")
}

// order is how the order stands, with the log's time; nil when there is none.
func (w *Worker) order(impUID string) (o *orders.Order, now domain.Time, err error) {
	err = w.Projector.Read("", func(v *projections.View) error {
		found, there, err := v.Order(impUID)
		if there {
			o, now = &found, v.Now()
		}
		return err
	})
	return o, now, err
}

func (w *Worker) preparation(merchantUID string) (p *orders.Preparation, err error) {
	if merchantUID == "" {
		return nil, nil
	}
	err = w.Projector.Read("", func(v *projections.View) error {
		found, there, err := v.Preparation(merchantUID)
		if there {
			p = &found
		}
		return err
	})
	return p, err
}

// giveBack asks the provider to give back what is left, and then what is left now: whatever it answered, only that tells.
// A crash in between leaves an order that is REFUNDING, and the next one finds less.
func (w *Worker) giveBack(ctx context.Context, o *orders.Order, p orders.Payment) (orders.Payment, error) {
	pending, err := w.ask(ctx, "cancel", func() (any, error) {
		return w.Provider.Cancel(ctx, portone.Cancel{
			Ref: o.ImpUID, Amount: p.Left(), Cancellable: p.Left(), Reason: "onsale: " + o.Reason,
			Key: fmt.Sprintf("onsale-refund-%s-%d-%d-%d", o.ImpUID, o.Event, o.Round, p.Left()),
		})
	})
	if errors.Is(err, errAway) || ctx.Err() != nil {
		return p, cmp.Or(err, ctx.Err())
	}
	if pending == true {
		return p, fmt.Errorf("%w: the provider gives the money back later", portone.ErrUnknown)
	}
	after, getErr := w.get(ctx, o.ImpUID)
	switch {
	case getErr != nil:
		return p, getErr
	case after.Left() == 0:
		return after, nil
	case err == nil:
		err = errors.New("it says that it has given the money back, and has it")
	}
	return after, fmt.Errorf("%w: %d of %s are still there: %w", portone.ErrUnknown, after.Left(), o.ImpUID, err)
}

// tell appends what was heard, and waits until it is decided here. Whether it was stored is nobody's worry: if not, it is
// asked for again, and if so, twice.
func (w *Worker) tell(ctx context.Context, o *orders.Order, p orders.Payment) error {
	sequence, err := w.Append(ctx, domain.Command{Entity: o.ImpUID, Body: orders.Learn{After: o.Event, Payment: p}})
	if err != nil {
		return err
	}
	w.stats.learnt.Add(1)
	return w.Projector.WaitDecided(ctx, sequence)
}

// claim waits until nobody else on this node works on the order.
func (w *Worker) claim(ctx context.Context, impUID string) (done func(), err error) {
	mine := make(chan struct{})
	for {
		w.mu.Lock()
		others, busy := w.busy[impUID]
		if !busy {
			w.busy[impUID] = mine
		}
		w.mu.Unlock()
		if !busy {
			return func() {
				w.mu.Lock()
				delete(w.busy, impUID)
				w.mu.Unlock()
				close(mine)
			}, nil
		}
		select {
		case <-others:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}
