// Package auth determines who makes a request: its user, and the roles that decide what the user may do.
package auth

import "time"

// Identity is who makes a request. The zero value is anonymous.
type Identity struct {
	User    string    // "" is anonymous
	Roles   Roles     // what the user may do beyond the own data
	Expires time.Time // when the proof of it is accepted no longer, for what lives longer, such as streams; zero: never
}

// Roles is a set of roles.
type Roles uint8

// The roles: Admin may do everything; Operator every admin command and read but creating and closing sales, cancelling orders
// and alarms to all; Auditor reads anybody's requests and orders, exports, the feed; Viewer the admin reads without personal
// data.
const (
	Admin Roles = 1 << iota
	Operator
	Auditor
	Viewer
)

// Any says whether r has at least one of the roles.
func (r Roles) Any(roles Roles) bool { return r&roles != 0 }
