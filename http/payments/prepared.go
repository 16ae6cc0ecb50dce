// Paid and gone: a user who prepared a payment, paid, and never sent the order. A webhook asks for such a payment at once, the rules
// ask a few times after it was prepared (orders.PreparationDue), and the order of one that was paid is placed for its user, to be
// verified as any other.

package payments

import (
	"context"
	"errors"

	"onsale/domain"
	"onsale/domain/orders"
	"onsale/http/payments/portone"
)

// graceForOrder is how many seconds the order has to come after a webhook of its payment. As a rule the webhook is the first of the two.
const graceForOrder = 5

// findPrepared looks for payments of a preparation whose order has not come.
func (w *Worker) findPrepared(ctx context.Context, event uint64, merchantUID string) error {
	if err := w.Projector.WaitConfirmed(ctx, event); err != nil {
		return err
	}
	p, err := w.unsentPreparation(merchantUID)
	if err != nil || p == nil {
		return err
	}
	release, err := w.queue.acquire(ctx, p.User, classRecheck)
	if err != nil {
		return err
	}
	defer release()
	found, err := w.find(ctx, merchantUID)
	if isRefusal(err) {
		w.Logger.Warn("provider refused to find the payments of an order", "merchant_uid", merchantUID, "error", err)
		return nil
	}
	if err != nil {
		return err
	}
	return w.placeFound(ctx, p, found)
}

// placeFound places the order of the payments that have money. The rules take the first; a second one that the same user made is
// logged, for a preparation has one order.
//
// A virtual account that nobody has paid into yet is left alone: its order would take units or seats, fail when the time to pay is
// over, and a transfer after that would be refunded, where now it still gets them if they are free. Only when the rules ask for the
// last time is its order placed all the same: then the rules recheck that for days, and a transfer without a webhook is found.
func (w *Worker) placeFound(ctx context.Context, p *orders.Preparation, found []portone.Payment) error {
	var problem error
	waiting := ""
	placed := false
	for _, f := range found {
		payment, err := toDomain(f)
		switch {
		case err != nil:
			problem = errors.Join(problem, err)
		case payment.Refundable() > 0:
			placed = true
			if err := w.placePrepared(ctx, f.Ref, p.MerchantUID); err != nil {
				return err
			}
		case f.Waiting:
			waiting = f.Ref
		}
	}
	if placed || problem != nil || waiting == "" || p.AskAt != 0 {
		return problem
	}
	return w.placePrepared(ctx, waiting, p.MerchantUID)
}

// findWebhook places the order of a payment that a webhook named, if it was paid and its order has not come in the meantime.
func (w *Worker) findWebhook(ctx context.Context, n notification) error {
	w.clearPending(n)
	if o, _, err := w.order(n.impUID); err != nil || o != nil { // an order that has come was looked up after the webhook
		return err
	}
	release, err := w.queue.acquire(ctx, n.user, classFirst)
	if err != nil {
		return err
	}
	defer release()
	payment, _, err := w.fetch(ctx, n.impUID)
	if err != nil || payment.MerchantUID != n.merchantUID || payment.Refundable() == 0 {
		return err
	}
	return w.placePrepared(ctx, n.impUID, n.merchantUID)
}

// placePrepared appends the order of a payment that has none, and waits until this node has decided it.
func (w *Worker) placePrepared(ctx context.Context, impUID, merchantUID string) error {
	if o, _, err := w.order(impUID); err != nil || o != nil {
		return err
	}
	sequence, err := w.Append(ctx, domain.Command{Entity: impUID, Body: orders.PlacePrepared{MerchantUID: merchantUID}})
	if err != nil {
		return err
	}
	if err := w.Projector.WaitDecided(ctx, sequence); err != nil {
		return err
	}
	o, _, err := w.order(impUID)
	if err == nil && o == nil {
		w.Logger.Error("a payment has no order, and its merchant_uid has one already", "imp_uid", impUID, "merchant_uid", merchantUID,
			"hint", "compare both at the payment provider, and refund there what was paid twice")
	}
	return err
}

// unsentPreparation returns a preparation that onsale may place the order of, or nil. With V2 its order has the same name.
func (w *Worker) unsentPreparation(merchantUID string) (*orders.Preparation, error) {
	p, err := w.preparation(merchantUID)
	if err != nil || p == nil || p.Terms == nil || p.Amount == 0 {
		return nil, err
	}
	if o, _, err := w.order(merchantUID); err != nil || o != nil {
		return nil, err
	}
	return p, nil
}
