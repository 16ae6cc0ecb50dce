// Signing: for trying things, and for tests. Users' tokens come from the shop's own login.

package auth

import (
	"cmp"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/MicahParks/jwkset"
	"github.com/golang-jwt/jwt/v5"
)

// KeyAlgorithms are the algorithms that NewKey makes keys for.
var KeyAlgorithms = []string{edDSA, es256, rs256}

// Signer signs tokens.
type Signer struct {
	method jwt.SigningMethod
	key    any
	id     string
}

// SecretSigner signs with the secret of HS256.
func SecretSigner(secret string) *Signer {
	return &Signer{method: jwt.SigningMethodHS256, key: []byte(secret)}
}

// KeySigner signs with a private key, as NewKey makes it.
func KeySigner(privateJWK []byte) (*Signer, error) {
	jwk, err := jwkset.NewJWKFromRawJSON(privateJWK, jwkset.JWKMarshalOptions{Private: true}, jwkset.JWKValidateOptions{SkipAll: true})
	if err != nil {
		return nil, errors.New("this is no private JSON Web Key") // the library's error might quote it
	}
	private, ok := jwk.Key().(crypto.Signer)
	if !ok {
		return nil, errors.New("this JSON Web Key has no private part")
	}
	algorithm, err := algorithmOf(private.Public())
	if err != nil {
		return nil, err
	}
	return &Signer{method: jwt.GetSigningMethod(algorithm), key: private, id: jwk.Marshal().KID}, nil
}

// Sign makes a token for a user that an Authenticator with the configuration accepts for ttl.
func (s *Signer) Sign(c Config, user string, roles []string, ttl time.Duration) (string, error) {
	now := time.Now()
	claims := jwt.MapClaims{"iat": now.Unix(), "exp": now.Add(ttl).Unix(), cmp.Or(c.UserClaim, "sub"): user}
	if len(roles) > 0 {
		claims[cmp.Or(c.RolesClaim, "roles")] = roles
	}
	if c.Issuer != "" {
		claims["iss"] = c.Issuer
	}
	if c.Audience != "" {
		claims["aud"] = c.Audience
	}
	token := jwt.NewWithClaims(s.method, claims)
	if s.id != "" {
		token.Header["kid"] = s.id
	}
	return token.SignedString(s.key)
}

// NewKey makes a private key as a JWK, and the JWKS of its public part.
func NewKey(algorithm string) (privateJWK, set []byte, err error) {
	var private crypto.Signer
	switch algorithm {
	case edDSA:
		_, private, err = ed25519.GenerateKey(nil)
	case es256:
		private, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case rs256:
		private, err = rsa.GenerateKey(rand.Reader, 3072)
	default:
		err = fmt.Errorf("there is no algorithm %q, only %s", algorithm, strings.Join(KeyAlgorithms, ", "))
	}
	if err != nil {
		return nil, nil, err
	}
	der, err := x509.MarshalPKIXPublicKey(private.Public())
	if err != nil {
		return nil, nil, err
	}
	hash := sha256.Sum256(der)
	metadata := jwkset.JWKMetadataOptions{ALG: jwkset.ALG(algorithm), USE: jwkset.UseSig, KID: base64.RawURLEncoding.EncodeToString(hash[:])[:16]}
	if privateJWK, err = marshalKey(private, metadata, true); err != nil {
		return nil, nil, err
	}
	public, err := marshalKey(private.Public(), metadata, false)
	if err != nil {
		return nil, nil, err
	}
	set, err = json.MarshalIndent(map[string]any{"keys": []json.RawMessage{public}}, "", "  ")
	return privateJWK, set, err
}

func marshalKey(material any, metadata jwkset.JWKMetadataOptions, private bool) ([]byte, error) {
	jwk, err := jwkset.NewJWKFromKey(material, jwkset.JWKOptions{
		Metadata: metadata, Marshal: jwkset.JWKMarshalOptions{Private: private}, Validate: jwkset.JWKValidateOptions{SkipAll: true},
	})
	if err != nil {
		return nil, err
	}
	return json.MarshalIndent(jwk.Marshal(), "", "  ")
}
