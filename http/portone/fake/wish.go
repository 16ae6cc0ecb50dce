// Bodies and answers of the side door.
package fake

import (
	"encoding/json"
	"io"
	"net/http"
	"time"
)

// wish is any body of the side door. Unknown fields are refused, so that a slip does not pass for a test.
type wish struct {
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
func (v wish) amount() int64 {
	if v.Amount == nil {
		return 0
	}
	return *v.Amount
}

func (v wish) tamper(p *Payment) {
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

// failAsAsked takes a kind of fault, or a seed and a rate.
func (s *Server) failAsAsked(v wish) error {
	delay := time.Duration(0)
	if v.Delay != "" {
		var err error
		if delay, err = time.ParseDuration(v.Delay); err != nil {
			return err
		}
	}
	if v.Kind == None {
		return s.Chance(v.Seed, v.Rate)
	}
	return s.Fail(v.Route, Fault{v.Kind, delay}, v.Times)
}

func (s *Server) advanceAsAsked(v wish) error {
	d, err := time.ParseDuration(v.Advance)
	if err == nil {
		s.Advance(d)
	}
	return err
}

// readWish reads a body of the side door; none is an empty one.
func readWish(w http.ResponseWriter, r *http.Request, v any) error {
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != io.EOF {
		return err
	}
	return nil
}

// show answers v, or that all is well, or what is not.
func show(w http.ResponseWriter, v any, err error) {
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
