// Payments at the counter: what onsale needs of a payment provider, and the door through which the provider speaks up.
package http

import (
	"errors"
	"net/http"

	"onsale/domain"
	"onsale/domain/orders"
	"onsale/http/portone"
)

// Payments is what the counter needs of a payment provider.
type Payments struct {
	// Terms are written into each order.
	Terms orders.Terms

	// Hint says which payment a webhook is about; "" when it is about none. Its errors are portone.ErrHint and
	// portone.ErrSignature.
	Hint func(header http.Header, body []byte) (ref string, err error)

	// Look has the provider asked about a payment soon; false: there is no room for that now. It must not block.
	Look func(ref string) bool
}

// paid reads a command that needs a payment provider. Without one it is refused, unless it was decided before.
func (s *Server) paid(read wishReader) wishReader {
	return func(w http.ResponseWriter, r *http.Request) (wish, error) {
		wish, err := read(w, r)
		if s.Payments == nil {
			wish.refusal = refuse(paymentsNotConfigured, "")
		}
		return wish, err
	}
}

// webhook answers POST /api/v1/payments/webhook. Anybody can send one; so nothing is taken from it but where to look.
func (s *Server) webhook(w http.ResponseWriter, r *http.Request) error {
	if s.Payments == nil {
		return refuse(paymentsNotConfigured, "")
	}
	body, err := readAll(w, r, maxBody, bodyWithin)
	if err != nil {
		return err
	}
	ref, err := s.Payments.Hint(r.Header, body)
	switch {
	case errors.Is(err, portone.ErrSignature):
		return refuse(forbidden, "this is not signed by the payment provider")
	case errors.Is(err, portone.ErrHint):
		return refuseField(domain.InvalidBody, "$", "is no webhook of the payment provider")
	case err != nil:
		return err
	case ref != "" && !s.Payments.Look(ref):
		return refuse(rateLimited, "too much happens at once; say it again later")
	}
	send(w, http.StatusOK, jsonType, []byte("{}"))
	return nil
}
