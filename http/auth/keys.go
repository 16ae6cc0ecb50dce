// The keys that verify tokens. A key set never changes: after a refresh there is another one, and with the old one go all
// tokens that it verified, so a key that was taken out is dead at once.

package auth

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/MicahParks/jwkset"
	"github.com/golang-jwt/jwt/v5"
)

// The algorithms of tokens. Ed25519 is the newer name of EdDSA (RFC 9864).
const (
	hs256       = "HS256"
	rs256       = "RS256"
	es256       = "ES256"
	edDSA       = "EdDSA"
	ed25519Name = "Ed25519"
)

const (
	rsaMinBits = 2048
	rsaMaxBits = 8192 // a larger key makes each verification slow
	maxKeys    = 32   // a token without a key id is tried with each
)

func init() {
	jwt.RegisterSigningMethod(ed25519Name, func() jwt.SigningMethod { return renamed{jwt.SigningMethodEdDSA, ed25519Name} })
}

// renamed is a signing method under another name.
type renamed struct {
	jwt.SigningMethod
	name string
}

func (m renamed) Alg() string { return m.name }

// key verifies the tokens of one algorithm, and of no other: else a public key could be taken for a secret.
type key struct {
	id        string // "": tokens need not name it
	algorithm string
	material  any // []byte, *rsa.PublicKey, *ecdsa.PublicKey or ed25519.PublicKey
}

// keySet is what verifies tokens, and the tokens that it verified.
type keySet struct {
	keys     []key
	verified *tokenCache
}

func newKeySet(keys []key) *keySet { return &keySet{keys, newTokenCache(maxCachedTokens)} }

// find returns the keys that a token may have been signed with.
func (s *keySet) find(algorithm, id string) (found []jwt.VerificationKey) {
	if algorithm == ed25519Name {
		algorithm = edDSA
	}
	for _, k := range s.keys {
		if k.algorithm == algorithm && (k.id == id || k.id == "" || id == "") {
			found = append(found, k.material)
		}
	}
	return found
}

// hasOthersThan says whether the set has a key that is not one of keys.
func (s *keySet) hasOthersThan(keys []key) bool {
	return slices.ContainsFunc(s.keys, func(k key) bool {
		return !slices.ContainsFunc(keys, func(other key) bool { return reflect.DeepEqual(k, other) })
	})
}

// parseKeySet reads a JWKS. Keys that cannot verify tokens are left out, and a warning says why: one key that an issuer has for
// something else must not take the others away. A valid set without keys is no error: the issuer has withdrawn all.
func parseKeySet(text []byte) (keys []key, warnings []string, err error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(text, &set); err != nil {
		return nil, nil, fmt.Errorf("this is no JSON Web Key Set: %w", err)
	}
	if set.Keys == nil {
		return nil, nil, errors.New(`this is no JSON Web Key Set: it has no "keys"`)
	}
	if len(set.Keys) > maxKeys {
		return nil, nil, fmt.Errorf("%d keys are more than %d", len(set.Keys), maxKeys)
	}
	for i, raw := range set.Keys {
		k, private, err := parseKey(raw)
		if err != nil {
			warnings = append(warnings, fmt.Sprintf("key %d is not used: %v", i+1, err))
			continue
		}
		if private {
			warnings = append(warnings, fmt.Sprintf("key %d has its private part: who reads this set can sign tokens", i+1))
		}
		keys = append(keys, k)
	}
	return keys, warnings, nil
}

// parseKey reads the public part of a key. Its certificates and their addresses (x5c, x5u) are not looked at.
func parseKey(text []byte) (k key, private bool, err error) {
	var m jwkset.JWKMarshal
	if err := json.Unmarshal(text, &m); err != nil {
		return key{}, false, err
	}
	if m.USE != "" && m.USE != jwkset.UseSig {
		return key{}, false, fmt.Errorf("its use is %q", m.USE)
	}
	private = m.D != ""
	if len(m.KEYOPS) > 0 && !slices.Contains(m.KEYOPS, jwkset.KeyOpsVerify) && !private {
		return key{}, false, errors.New("its key_ops have no verify")
	}
	m.X5C = nil
	jwk, err := jwkset.NewJWKFromMarshal(m, jwkset.JWKMarshalOptions{}, jwkset.JWKValidateOptions{SkipAll: true})
	if err != nil {
		return key{}, false, err
	}
	k = key{id: m.KID, material: jwk.Key()}
	if k.algorithm, err = algorithmOf(k.material); err != nil {
		return key{}, false, err
	}
	if alg := m.ALG.String(); alg != "" && alg != k.algorithm && (alg != ed25519Name || k.algorithm != edDSA) {
		return key{}, false, fmt.Errorf("its alg is %q", alg)
	}
	return k, private, nil
}

// algorithmOf returns the one algorithm of a public key.
func algorithmOf(material any) (string, error) {
	switch k := material.(type) {
	case *rsa.PublicKey:
		if bits := k.N.BitLen(); bits < rsaMinBits || bits > rsaMaxBits {
			return "", fmt.Errorf("an RSA key of %d bits; %d to %d are allowed", bits, rsaMinBits, rsaMaxBits)
		}
		return rs256, nil
	case *ecdsa.PublicKey:
		if k.Curve != elliptic.P256() {
			return "", fmt.Errorf("its curve is %s; only P-256 is allowed", k.Params().Name)
		}
		return es256, nil
	case ed25519.PublicKey:
		return edDSA, nil
	}
	return "", fmt.Errorf("a key of type %T verifies no tokens", material)
}
