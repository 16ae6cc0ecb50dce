// Who makes a request is the authenticator's matter; here its errors become responses, and an identity becomes a ticket. And
// what an id may look like.

package http

import (
	"errors"
	"fmt"
	"net/http"

	"onsale/domain"
	"onsale/http/auth"
)

// adminUser is the user of admin commands without a user, in mode demo.
const adminUser = "admin"

// Ids of promotions, schedules and products are shorter than others, because generated ids begin with them.
const (
	maxID       = 64
	maxEntityID = 40
)

// demoAuth is the authenticator of a server without another.
func demoAuth() *auth.Authenticator {
	a, err := auth.New(auth.Config{Mode: auth.Demo})
	if err != nil {
		panic(err) // cannot be: this mode needs nothing
	}
	return a
}

// challenge is what a response without an accepted identity asks for (RFC 9110, 11.6.1; RFC 6750, 3).
func (s *Server) challenge(err error) string {
	invalid, ok := errors.AsType[*auth.TokenError](err)
	switch {
	case s.Auth.IsDemo():
		return `Demo header="X-User-Id"`
	case ok:
		return fmt.Sprintf("Bearer error=\"invalid_token\", error_description=%q", invalid.Reason)
	}
	return "Bearer"
}

type ticketView struct {
	Ticket    string      `json:"ticket"`
	ExpiresAt domain.Time `json:"expiresAt"`
}

// issueTicket answers POST /api/v1/me/tickets. An EventSource cannot send a token in a header, but a ticket in its URL.
func (s *Server) issueTicket(w http.ResponseWriter, _ *http.Request, who auth.Identity) error {
	ticket, expires, err := s.Auth.IssueTicket(who)
	if errors.Is(err, auth.ErrTooManyTickets) {
		return problemf(rateLimited, "%s", err)
	}
	if err != nil {
		return err
	}
	w.Header()["Cache-Control"] = noStore
	return sendJSON(w, http.StatusOK, ticketView{ticket, domain.At(expires)})
}

// checkID validates an id of at most max characters.
func checkID(id, field string, max int) error {
	if domain.CheckID(id) != nil || len(id) > max {
		return fieldProblem(invalidID, field, "an id is 1 to %d characters of A-Z a-z 0-9 _ -", max)
	}
	return nil
}

// pathID is the id of an entity in the path.
func pathID(r *http.Request, name string) (string, error) {
	id := r.PathValue(name)
	return id, checkID(id, name, maxEntityID)
}
