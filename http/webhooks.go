// Payments at the counter: what onsale needs of a payment provider, and the door through which the provider speaks up.

package http

import (
	"errors"
	"net/http"

	"onsale/domain"
	"onsale/domain/orders"
	"onsale/http/payments/portone"
)

// Payments is what the counter needs of a payment provider.
type Payments struct {
	// Terms are written into each order.
	Terms orders.Terms

	// ParseWebhook says which payment a webhook is about; "" when it is about none. Its errors are portone.ErrHint and
	// portone.ErrSignature.
	ParseWebhook func(header http.Header, body []byte) (ref string, err error)

	// Notify has the provider asked about a payment soon; false: there is no room for that now. It must not block.
	Notify func(ref string) bool
}

// requirePayments reads a command that needs a payment provider. Without one it is refused, unless it was decided before.
func (s *Server) requirePayments(decode commandDecoder) commandDecoder {
	return func(w http.ResponseWriter, r *http.Request) (commandRequest, error) {
		req, err := decode(w, r)
		if s.Payments == nil {
			req.unavailable = problemf(paymentsNotConfigured, "")
		}
		return req, err
	}
}

// webhook answers POST /api/v1/payments/webhook. Anybody can send one; so nothing is taken from it but where to look.
func (s *Server) webhook(w http.ResponseWriter, r *http.Request) error {
	if s.Payments == nil {
		return problemf(paymentsNotConfigured, "")
	}
	body, err := readAll(w, r, maxBody, bodyTimeout)
	if err != nil {
		return err
	}
	ref, err := s.Payments.ParseWebhook(r.Header, body)
	switch {
	case errors.Is(err, portone.ErrSignature):
		return problemf(forbidden, "this is not signed by the payment provider")
	case errors.Is(err, portone.ErrWebhook):
		return fieldProblem(domain.InvalidBody, "$", "is no webhook of the payment provider")
	case err != nil:
		return err
	case ref != "" && !s.Payments.Notify(ref):
		return problemf(rateLimited, "too much happens at once; say it again later")
	}
	send(w, http.StatusOK, jsonType, []byte("{}"))
	return nil
}
