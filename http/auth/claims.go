// What tokens and headers say about a user, as the rest of onsale has it: user ids, and the claims of a token.

package auth

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strings"
)

const (
	userMaxLength  = 64
	userCharacters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"
	hashedPrefix   = "x_"
	hashedLength   = 32
)

// userID returns the user id of a subject that another system named. A subject that is no user id gets a hash of its own; so
// does one that looks like such a hash, or it could be chosen to be another's.
func userID(subject string) string {
	if isUserID(subject) && !strings.HasPrefix(subject, hashedPrefix) {
		return subject
	}
	hash := sha256.Sum256([]byte(subject))
	return hashedPrefix + base64.RawURLEncoding.EncodeToString(hash[:])[:hashedLength]
}

func isUserID(user string) bool {
	return user != "" && len(user) <= userMaxLength && strings.Trim(user, userCharacters) == ""
}

// claim returns the claim of a name. Where there is none, the dots of the name lead into objects: realm_access.roles.
func claim(claims map[string]any, name string) any {
	for {
		if value, ok := claims[name]; ok {
			return value
		}
		first, rest, nested := strings.Cut(name, ".")
		inner, ok := claims[first].(map[string]any)
		if !nested || !ok {
			return nil
		}
		claims, name = inner, rest
	}
}

// subject returns a claim that names a user: a string, or a whole number, which some issuers have as their id. "": none.
func subject(value any) string {
	switch value := value.(type) {
	case string:
		return value
	case json.Number:
		if strings.Trim(value.String(), "0123456789") == "" {
			return value.String()
		}
	}
	return ""
}

// rolesOf reads a claim: a string, or a list of strings.
func rolesOf(value any) (roles Roles) {
	switch value := value.(type) {
	case string:
		return parseRoles(value)
	case []any:
		for _, name := range value {
			text, _ := name.(string)
			role, _ := ParseRole(text)
			roles |= role
		}
	}
	return roles
}
