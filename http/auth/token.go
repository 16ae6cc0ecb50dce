// Verification of a token: size, algorithm, key, signature, and only then what it says.

package auth

import (
	"context"
	"crypto/sha256"
	"errors"
	"slices"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// tokenMaxLength is the size above which a token is refused unread: what fits into a cookie, twice.
const tokenMaxLength = 8 << 10

// maxExpires is the last moment that times on the wire can have. Tokens beyond it come from issuers that count milliseconds.
var maxExpires = time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)

// tokenVerifier verifies tokens.
type tokenVerifier struct {
	source                *keySource
	parser                *jwt.Parser
	algorithms            []string
	issuer                string // "": any
	leeway                time.Duration
	userClaim, rolesClaim string
	now                   func() time.Time
}

func newTokenVerifier(c Config, source *keySource, now func() time.Time) *tokenVerifier {
	v := &tokenVerifier{source: source, issuer: c.Issuer, leeway: c.Leeway, userClaim: c.UserClaim, rolesClaim: c.RolesClaim, now: now}
	v.algorithms = []string{rs256, es256, edDSA, ed25519Name}
	if c.Secret != "" {
		v.algorithms = []string{hs256}
	}
	options := []jwt.ParserOption{
		jwt.WithValidMethods(v.algorithms), jwt.WithExpirationRequired(), jwt.WithLeeway(c.Leeway), jwt.WithTimeFunc(now),
		jwt.WithJSONNumber(), jwt.WithStrictDecoding(),
	}
	if c.Issuer != "" {
		options = append(options, jwt.WithIssuer(c.Issuer))
	}
	if c.Audience != "" {
		options = append(options, jwt.WithAudience(c.Audience))
	}
	v.parser = jwt.NewParser(options...)
	return v
}

// identify returns the identity that a token proves, or a *TokenError.
func (v *tokenVerifier) identify(ctx context.Context, token string) (Identity, error) {
	if len(token) > tokenMaxLength {
		return Identity{}, &TokenError{"the token is too long"}
	}
	hash := tokenHash(sha256.Sum256([]byte(token)))
	keys := v.source.current()
	if who, ok := keys.verified.get(hash, v.now()); ok {
		return who, nil
	}
	who, err := v.verify(token, keys)
	if errors.Is(err, errUnknownKey) {
		if keys = v.source.refreshed(ctx, keys); keys != nil {
			who, err = v.verify(token, keys)
		}
	}
	if err != nil {
		return Identity{}, err
	}
	keys.verified.put(hash, who) // of the key set that verified it, and that it goes with
	return who, nil
}

// errUnknownKey is the error of a token whose key is not in the key set: perhaps it is new.
var errUnknownKey error = &TokenError{"the token's key is unknown"}

var errCritical = errors.New("the header has crit")

// verify verifies a token. Of its header only alg and kid are used: no key and no address in it is followed.
func (v *tokenVerifier) verify(text string, keys *keySet) (Identity, error) {
	unknownKey, anyKey := false, false
	token, err := v.parser.Parse(text, func(token *jwt.Token) (any, error) {
		if _, critical := token.Header["crit"]; critical {
			return nil, errCritical // it demands what is not known here
		}
		id, _ := token.Header["kid"].(string)
		found := keys.find(token.Method.Alg(), id)
		unknownKey, anyKey = len(found) == 0, id == "" && token.Method.Alg() != hs256
		return jwt.VerificationKeySet{Keys: found}, nil
	})
	if unknownKey || anyKey && errors.Is(err, jwt.ErrTokenSignatureInvalid) { // it names no key, and none of ours verifies it
		return Identity{}, errUnknownKey
	}
	if err != nil {
		return Identity{}, &TokenError{v.reason(token, err)}
	}
	return v.identity(token.Claims.(jwt.MapClaims))
}

// identity reads the claims of a verified token. The identity ends at exp; that of a token which only the leeway lets in, when the
// leeway ends.
func (v *tokenVerifier) identity(claims jwt.MapClaims) (Identity, error) {
	expires, err := claims.GetExpirationTime()
	if err != nil || expires.Time.After(maxExpires) || expires.Time.Before(time.Unix(0, 0)) {
		return Identity{}, &TokenError{"claim exp is not in seconds"}
	}
	user := subject(claim(claims, v.userClaim))
	if user == "" {
		return Identity{}, &TokenError{"claim " + v.userClaim + " names no user"}
	}
	who := Identity{User: userID(user), Expires: expires.Time}
	if !v.now().Before(who.Expires) {
		who.Expires = who.Expires.Add(v.leeway)
	}
	if v.rolesClaim != "" {
		who.Roles = rolesOf(claim(claims, v.rolesClaim))
	} else {
		who.Roles = rolesOf(claims["role"]) | rolesOf(claims["roles"])
	}
	return who, nil
}

// reason says what is wrong with a token, in a phrase that repeats nothing of it.
func (v *tokenVerifier) reason(token *jwt.Token, err error) string {
	if token != nil && token.Header["alg"] != nil {
		if algorithm, _ := token.Header["alg"].(string); !slices.Contains(v.algorithms, algorithm) {
			return "tokens of this algorithm are not accepted"
		}
	}
	if errors.Is(err, jwt.ErrTokenRequiredClaimMissing) {
		return "claim " + v.missing(token.Claims) + " is missing"
	}
	const malformed = "the token is malformed"
	for _, known := range []struct {
		err    error
		reason string
	}{
		{errCritical, "the token has a crit header, which is not supported"},
		{jwt.ErrTokenMalformed, malformed},
		{jwt.ErrTokenSignatureInvalid, "the token's signature is wrong"},
		{jwt.ErrTokenUnverifiable, malformed},
		{jwt.ErrTokenExpired, "the token has expired"},
		{jwt.ErrTokenNotValidYet, "the token is not valid yet"},
		{jwt.ErrTokenInvalidIssuer, "the token is of another issuer"},
		{jwt.ErrTokenInvalidAudience, "the token is for another audience"},
	} {
		if errors.Is(err, known.err) {
			return known.reason
		}
	}
	return malformed
}

// missing is the claim that is needed and not there.
func (v *tokenVerifier) missing(claims jwt.Claims) string {
	if expires, err := claims.GetExpirationTime(); err != nil || expires == nil {
		return "exp"
	}
	if issuer, err := claims.GetIssuer(); v.issuer != "" && (err != nil || issuer == "") {
		return "iss"
	}
	return "aud"
}
