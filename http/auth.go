// The user of a request. In demo mode it is what the request says, without proof: in the path of a user's stream, the
// header X-User-Id, the cookie onsale_user or the query, in this order.

package http

import (
	"net/http"

	"onsale/domain"
	"onsale/http/auth"
)

const (
	userHeader = "X-User-Id"
	userCookie = "onsale_user"
	userQuery  = "userId"

	adminUser = "admin"
)

// Ids of promotions, schedules and products are shorter than others, because generated ids begin with them.
const (
	maxID       = 64
	maxEntityID = 40
)

// identify determines who makes a request.
func identify(r *http.Request) (auth.Identity, error) {
	user, err := requestUser(r)
	who := auth.Identity{User: user}
	if user == adminUser {
		who.Roles = auth.Admin
	}
	return who, err
}

// requestUser is the user of the request, or "". The first place that names a user counts, even if its value is invalid.
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
