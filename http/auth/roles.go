// Roles, and their names in tokens, in headers and between nodes.

package auth

import "strings"

// Roles is a set of roles.
type Roles uint8

// The roles. The table of routes has what each may do.
const (
	Admin Roles = 1 << iota
	Operator
	Auditor
	Viewer
)

// roleNames are the roles as tokens spell them, in the order of their bits.
var roleNames = [...]string{"admin", "operator", "auditor", "viewer"}

// Any says whether r has at least one of the roles.
func (r Roles) Any(roles Roles) bool { return r&roles != 0 }

// String is the names of the roles: "admin, operator".
func (r Roles) String() string {
	var names []string
	for i, name := range roleNames {
		if r.Any(1 << i) {
			names = append(names, name)
		}
	}
	return strings.Join(names, ", ")
}

// MarshalText writes the names: nodes of different versions must mean the same role.
func (r Roles) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads names. Those that are unknown here give nothing.
func (r *Roles) UnmarshalText(text []byte) error {
	*r = parseRoles(string(text))
	return nil
}

// ParseRole returns the role of a name; false: there is none.
func ParseRole(name string) (Roles, bool) {
	for i, known := range roleNames {
		if name == known {
			return 1 << i, true
		}
	}
	return 0, false
}

// parseRoles reads names that commas or blanks separate. An issuer has roles for other services too, so unknown ones are
// ignored.
func parseRoles(text string) (roles Roles) {
	for name := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == ',' || r == ' ' }) {
		role, _ := ParseRole(name)
		roles |= role
	}
	return roles
}
