// The control API: over HTTP what tests do with methods.

package fakeportone

import (
	"encoding/json"
	"io"
	"net/http"
	"time"
)

const controlHelp = `GET    /_fake/payments                     all payments, and the sums paid and refunded
POST   /_fake/payments                     {"merchant_uid","amount","imp_uid","status","currency","pay_method","sandbox"}: paid by default
POST   /_fake/payments/IMP_UID/deposit     a bank transfer arrives
POST   /_fake/payments/IMP_UID/succeed     a failed payment succeeds late
POST   /_fake/payments/IMP_UID/cancel      {"amount"}: a refund at the console, of a part or, with 0, of everything
POST   /_fake/payments/IMP_UID/tamper      {"amount","currency","merchant_uid","sandbox"}
POST   /_fake/payments/IMP_UID/settle      {"succeeded"}: completes the requested refunds of V2
POST   /_fake/faults                       {"route","kind","times","delay"} or {"seed","rate"}
DELETE /_fake/faults                       ends all faults
POST   /_fake/webhooks                     {"url","v2","form","first","copies","drop","reorder","forge"}
POST   /_fake/time                         {"advance":"30m"}
POST   /_fake/revoke                       revokes V1's token
GET    /_fake/violations                   what a correct client never does
GET    /_fake/console                      the shop's console: a page with the payments, to refund them
GET    /_fake/window                       ?merchant_uid=&amount=&redirect=: a payment window
`

func (s *Server) controlMux() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /_fake/{$}", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, controlHelp) })
	mux.HandleFunc("GET /_fake/payments", s.listPayments)
	mux.HandleFunc("POST /_fake/payments", s.createPayment)
	mux.HandleFunc("GET /_fake/violations", func(w http.ResponseWriter, _ *http.Request) {
		writeControl(w, map[string]any{"violations": append([]string{}, s.Violations()...)}, nil)
	})
	mux.HandleFunc("DELETE /_fake/faults", func(w http.ResponseWriter, _ *http.Request) { s.ClearFaults(); writeControl(w, nil, nil) })
	mux.HandleFunc("POST /_fake/revoke", func(w http.ResponseWriter, _ *http.Request) { s.Revoke(); writeControl(w, nil, nil) })
	mux.HandleFunc("POST /_fake/webhooks", func(w http.ResponseWriter, r *http.Request) {
		var hooks Webhooks
		err := decodeControl(w, r, &hooks)
		if err == nil {
			err = s.SendWebhooks(hooks)
		}
		writeControl(w, nil, err)
	})
	mux.HandleFunc("GET /_fake/console", s.showConsole)
	mux.HandleFunc("POST /_fake/console", s.submitConsole)
	mux.HandleFunc("GET /_fake/window", s.showWindow)
	mux.HandleFunc("POST /_fake/window", s.submitWindow)
	for path, do := range map[string]func(uid string, v controlRequest) error{
		"faults": func(_ string, v controlRequest) error { return s.setFault(v) },
		"time":   func(_ string, v controlRequest) error { return s.advance(v) },

		"payments/{uid}/deposit": func(uid string, _ controlRequest) error { return s.Deposit(uid) },
		"payments/{uid}/succeed": func(uid string, _ controlRequest) error { return s.SucceedLate(uid) },
		"payments/{uid}/cancel":  func(uid string, v controlRequest) error { return s.CancelAtConsole(uid, v.amount()) },
		"payments/{uid}/settle":  func(uid string, v controlRequest) error { return s.Settle(uid, v.Succeeded) },
		"payments/{uid}/tamper":  func(uid string, v controlRequest) error { return s.Tamper(uid, v.tamper) },
	} {
		mux.HandleFunc("POST /_fake/"+path, func(w http.ResponseWriter, r *http.Request) {
			var v controlRequest
			err := decodeControl(w, r, &v)
			if err == nil {
				err = do(r.PathValue("uid"), v)
			}
			writeControl(w, nil, err)
		})
	}
	return mux
}

func (s *Server) listPayments(w http.ResponseWriter, _ *http.Request) {
	all := s.Payments()
	paid, refunded := sums(all)
	writeControl(w, map[string]any{"payments": all, "paid": paid, "refunded": refunded}, nil)
}

func (s *Server) createPayment(w http.ResponseWriter, r *http.Request) {
	var p Payment
	err := decodeControl(w, r, &p)
	if err == nil {
		p, err = s.Create(p)
	}
	writeControl(w, p, err)
}

// controlRequest is any body of the control API. Unknown fields are rejected, so that a typo does not pass for a test.
type controlRequest struct {
	Amount      *int64  `json:"amount"`
	Currency    *string `json:"currency"`
	MerchantUID *string `json:"merchant_uid"`
	Test        *bool   `json:"sandbox"`
	Succeeded   bool    `json:"succeeded"`
	Route       string  `json:"route"`
	Kind        Kind    `json:"kind"`
	Times       int     `json:"times"`
	Delay       string  `json:"delay"`
	Seed        uint64  `json:"seed"`
	Rate        float64 `json:"rate"`
	Advance     string  `json:"advance"`
}

func (v controlRequest) amount() int64 {
	if v.Amount == nil {
		return 0
	}
	return *v.Amount
}

func (v controlRequest) tamper(p *Payment) {
	if v.Amount != nil {
		p.Amount = *v.Amount
	}
	if v.Currency != nil {
		p.Currency = *v.Currency
	}
	if v.MerchantUID != nil {
		p.MerchantUID = *v.MerchantUID
	}
	if v.Test != nil {
		p.Test = *v.Test
	}
}

// setFault wants a kind, or a seed and a rate.
func (s *Server) setFault(v controlRequest) error {
	delay := time.Duration(0)
	if v.Delay != "" {
		var err error
		if delay, err = time.ParseDuration(v.Delay); err != nil {
			return err
		}
	}
	if v.Kind == None {
		return s.RandomFaults(v.Seed, v.Rate)
	}
	return s.Fail(v.Route, Fault{v.Kind, delay}, v.Times)
}

func (s *Server) advance(v controlRequest) error {
	d, err := time.ParseDuration(v.Advance)
	if err == nil {
		s.Advance(d)
	}
	return err
}

// decodeControl reads a body, which may be empty.
func decodeControl(w http.ResponseWriter, r *http.Request, v any) error {
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != io.EOF {
		return err
	}
	return nil
}

// writeControl responds with v, {"ok":true}, or the error.
func writeControl(w http.ResponseWriter, v any, err error) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		v = map[string]any{"error": err.Error()}
	} else if v == nil {
		v = map[string]any{"ok": true}
	}
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(v) // the client may have gone
}
