// Package auth determines who makes a request: its user, and the roles that decide what the user may do.
package auth

import "time"

// Identity is who makes a request. The zero value is anonymous.
type Identity struct {
	User    string    // "" is anonymous
	Roles   Roles     // what the user may do beyond the own data
	Expires time.Time // when the proof of it ends, for streams that live longer; zero: never
}
