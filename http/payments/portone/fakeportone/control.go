// The side door: what tests do with methods, people and scripts do over HTTP.

package fakeportone

import (
	"encoding/json"
	"io"
	"net/http"
	"time"
)

const controlHelp = `GET    /_fake/payments                     all payments, and the sums paid and refunded
POST   /_fake/payments                     {"merchant_uid","amount","status","currency","pay_method","sandbox"}: paid, if not told
POST   /_fake/payments/IMP_UID/deposit     a transfer arrives
POST   /_fake/payments/IMP_UID/succeed     a failed payment is paid after all
POST   /_fake/payments/IMP_UID/cancel      {"amount"} is given back at the console; 0 is all
POST   /_fake/payments/IMP_UID/tamper      {"amount","currency","merchant_uid","sandbox"}
POST   /_fake/payments/IMP_UID/settle      {"succeeded"}: what V2 was only asked for
POST   /_fake/faults                       {"route","kind","times","delay"} or {"seed","rate"}
DELETE /_fake/faults                       all is well again
POST   /_fake/webhooks                     {"url","v2","form","first","copies","drop","reorder","forge"}
POST   /_fake/time                         {"advance":"30m"}
POST   /_fake/revoke                       V1's token is taken back
GET    /_fake/violations                   what no good client does
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

// Bodies and answers of the side door.

// controlRequest is any body of the side door. Unknown fields are refused, so that a slip does not pass for a test.
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

// amount is the one that was given, or 0.
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

// setFault takes a kind of fault, or a seed and a rate.
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

// decodeControl reads a body of the side door; none is an empty one.
func decodeControl(w http.ResponseWriter, r *http.Request, v any) error {
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != io.EOF {
		return err
	}
	return nil
}

// writeControl answers v, or that all is well, or what is not.
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
	_ = encoder.Encode(v) // to whoever still listens
}
