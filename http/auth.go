// Who is asking. In demo mode the asker says so, and is believed: the path of a user's stream, then the header X-User-Id,
// then the cookie onsale_user, then the query.

package http

import (
	"net/http"

	"onsale/domain"
)

const (
	userHeader = "X-User-Id"
	userCookie = "onsale_user"
	userQuery  = "userId"

	adminUser = "admin"
)

// Ids of promotions and schedules are shorter than others, because ids of coupons and reservations begin with them.
const (
	maxID       = 64
	maxEntityID = 40
)

// requestUser is the user who asks, or "" when the request does not say. Of several places the first that says something
// counts, also when what it says is no id.
func requestUser(r *http.Request) (string, error) {
	user, field := r.PathValue(userQuery), userQuery
	if user == "" {
		user, field = r.Header.Get(userHeader), userHeader
	}
	if user == "" && r.Header["Cookie"] != nil {
		if c, err := r.Cookie(userCookie); err == nil {
			user, field = c.Value, userCookie
		}
	}
	if user == "" && r.URL.RawQuery != "" {
		user, field = r.URL.Query().Get(userQuery), userQuery
	}
	if user == "" {
		return "", nil
	}
	return user, checkID(user, field, maxID)
}

// requireUser is the user who asks; without one the answer is 401.
func requireUser(r *http.Request) (string, error) {
	user, err := requestUser(r)
	if err == nil && user == "" {
		return "", problemf(unauthenticated, "")
	}
	return user, err
}

// isAdmin says whether user may see what belongs to others.
func isAdmin(user string) bool { return user == adminUser }

// checkID refuses what is no id of at most max characters.
func checkID(id, field string, max int) error {
	if domain.CheckID(id) != nil || len(id) > max {
		return fieldProblem(invalidID, field, "an id is 1 to %d characters of A-Z a-z 0-9 _ -", max)
	}
	return nil
}

// pathID is the id that the path names.
func pathID(r *http.Request, name string) (string, error) {
	id := r.PathValue(name)
	return id, checkID(id, name, maxEntityID)
}
