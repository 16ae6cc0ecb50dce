// The console of the demo: a page on which the shop sees its payments and refunds them, in whole or in part, as an operator
// does at PortOne's console, behind the back of its own software.

package fakeportone

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
)

// maxConsoleRows are shown, the newest payments first.
const maxConsoleRows = 100

type console struct {
	Rows  []consoleRow
	Count int // of all payments
	Fault string
}

// consoleRow has amounts as people write them.
type consoleRow struct {
	Payment
	Major, Refunded, Pending, Balance json.Number
	Refundable                        bool
}

func newConsoleRow(p Payment) consoleRow {
	major := func(minor int64) json.Number { return toMajor(p.Currency, minor) }
	return consoleRow{
		Payment: p, Major: major(p.Amount), Refunded: major(p.refunded()), Pending: major(p.cancelled("REQUESTED")),
		Balance: major(p.cancellable()), Refundable: !p.PaidAt.IsZero() && p.cancellable() > 0,
	}
}

func (s *Server) showConsole(w http.ResponseWriter, _ *http.Request) { s.writeConsole(w, nil) }

func (s *Server) writeConsole(w http.ResponseWriter, err error) {
	all := s.Payments()
	v := console{Count: len(all)}
	for _, p := range slices.Backward(all[max(0, len(all)-maxConsoleRows):]) {
		v.Rows = append(v.Rows, newConsoleRow(p))
	}
	if err != nil {
		v.Fault = err.Error()
	}
	writePage(w, "console.html", v, err)
}

// submitConsole does what a row's button says, and shows the console again.
func (s *Server) submitConsole(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	uid, err := r.FormValue("imp_uid"), error(nil)
	switch do := r.FormValue("do"); do {
	case "refund":
		err = s.refundMajor(uid, r.FormValue("amount"))
	case "deposit":
		err = s.Deposit(uid)
	case "succeed":
		err = s.SucceedLate(uid)
	default:
		err = fmt.Errorf("no button %.20q", do)
	}
	if err != nil {
		s.writeConsole(w, err)
		return
	}
	w.Header().Set("Location", "console") // http.Redirect would lose the path under which the fake is mounted
	w.WriteHeader(http.StatusSeeOther)
}

// refundMajor is CancelAtConsole of an amount in the major unit. An empty amount is not everything here.
func (s *Server) refundMajor(uid, amount string) error {
	currency := ""
	if err := s.update(uid, false, func(p *Payment) error { currency = p.Currency; return nil }); err != nil {
		return err
	}
	minor, err := toMinor(currency, amount)
	if err == nil && minor <= 0 {
		err = errors.New("amount must be above 0")
	}
	if err != nil {
		return err
	}
	return s.CancelAtConsole(uid, minor)
}
