// Finding payments by the order that they claim to be for: so a payment is found whose reference its payer never sent.

package portone

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"onsale/http/jsonobject"
)

// V1 keeps every attempt to pay. A page is short enough for maxResponse.
const (
	findPageSize = 100
	maxFindPages = 10
)

// Find returns all payments under a merchant_uid, the oldest attempt first, failed and refunded ones too; none is no error.
// Every error but that of an invalid merchant_uid is an ErrUnknown, also where only a part of the payments could be read.
//
// Payments of test channels are found as by Get. PortOne documents the flag for Get only, so it may not find them here.
func (v *V1) Find(ctx context.Context, merchantUID string) ([]Payment, error) {
	if err := validateMerchantUID(merchantUID); err != nil {
		return nil, err
	}
	var found []Payment
	for page := 1; page <= maxFindPages; page++ {
		list, total, err := v.findPage(ctx, merchantUID, page)
		switch {
		case errors.Is(err, ErrNotFound) && page == 1:
			return nil, nil
		case errors.Is(err, ErrNotFound):
			return nil, malformed("page %d is missing", page)
		case err != nil:
			return nil, err
		}
		for _, p := range list {
			same := func(earlier Payment) bool { return earlier.Ref == p.Ref }
			if !slices.ContainsFunc(found, same) {
				found = append(found, p)
			}
		}
		if int64(len(found)) >= total {
			hidden := func(p Payment) bool { return p.Test && !v.config.Test }
			return slices.DeleteFunc(found, hidden), nil
		}
		if len(list) == 0 {
			return nil, malformed("it lists %d of %d payments", len(found), total)
		}
	}
	return nil, malformed("it lists more than %d payments", len(found))
}

// findPage returns one page, and how many payments all pages have. The oldest come first, so a new one moves none to another
// page.
func (v *V1) findPage(ctx context.Context, merchantUID string, page int) (list []Payment, total int64, err error) {
	path := fmt.Sprintf("/payments/findAll/%s?sorting=started&page=%d&limit=%d", merchantUID, page, findPageSize)
	if v.config.Test {
		path += "&include_sandbox=true"
	}
	o, err := v.call(ctx, http.MethodGet, path, nil)
	if err != nil {
		return nil, 0, onlyNotFound(err)
	}
	total = amount(o, "total")
	o.Each("list", func(item *jsonobject.Object) {
		p, itemErr := v1Payment(item, item.RequiredText("imp_uid"))
		switch {
		case itemErr != nil:
			err = itemErr
		case p.MerchantUID != merchantUID:
			err = malformed("it lists a payment for order %q", truncate(p.MerchantUID))
		case validateRef(p.Ref) != nil:
			err = malformed("it lists a payment %q", truncate(p.Ref))
		}
		list = append(list, p)
	})
	if err == nil && o.Err() != nil {
		err = malformed("%w", o.Err())
	}
	return list, total, err
}

// Find returns the payment with this id, whose last attempt is the one that counts; none is no error. Every error but that of
// an invalid merchant_uid is an ErrUnknown.
func (v *V2) Find(ctx context.Context, merchantUID string) ([]Payment, error) {
	if err := validateMerchantUID(merchantUID); err != nil {
		return nil, err
	}
	p, err := v.Get(ctx, merchantUID)
	switch {
	case errors.Is(err, ErrNotFound):
		return nil, nil
	case err != nil:
		return nil, err
	}
	return []Payment{p}, nil
}
