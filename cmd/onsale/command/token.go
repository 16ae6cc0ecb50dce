// Tokens for trying things, and keys for them. A shop's own login signs those of its users.

package command

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"onsale/config"
	"onsale/http/auth"
)

// The files that --new-key makes.
const (
	privateKeyFile = "private.jwk"
	keySetFile     = "jwks.json"
)

const maxTokenTTL = 366 * 24 * time.Hour

// tokenQuery is what a token says.
type tokenQuery struct {
	user  string
	roles []string
	ttl   time.Duration
	key   string // a file with a private key; "": auth.secret signs
}

func tokenCommand(environ []string) *cobra.Command {
	var query tokenQuery
	var newKey, algorithm string
	command := &cobra.Command{
		Use:   "token --user ID [flags]",
		Short: "sign a token for trying things, or make a key that signs tokens",
		Args:  noArguments,
		RunE: func(command *cobra.Command, _ []string) error {
			if newKey != "" {
				return makeKey(command, newKey, algorithm)
			}
			if command.Flags().Changed("alg") {
				return usageError{errors.New("--alg is given without --new-key"), "a token has the algorithm of its key"}
			}
			cfg, _, faults := config.Load(command.Flags(), environ)
			if faults != nil {
				return usageError{faults, "\"onsale serve --check\" shows every setting and its origin"}
			}
			return signToken(command.OutOrStdout(), cfg.Auth, query)
		},
	}
	flags := command.Flags()
	config.AddFlags(flags, "auth.secret", "auth.issuer", "auth.audience", "auth.userClaim", "auth.rolesClaim")
	flags.StringVar(&query.user, "user", "", "the user, as `ID`")
	flags.StringSliceVar(&query.roles, "role", nil, "a `role`: admin, operator, auditor or viewer; may be repeated")
	flags.DurationVar(&query.ttl, "ttl", time.Hour, "how long the token is valid, as a `duration`")
	flags.StringVar(&query.key, "key", "", "sign with the private key in this `file` instead of auth.secret")
	flags.StringVar(&newKey, "new-key", "", "make a private key and its key set in this `directory`, and no token")
	flags.StringVar(&algorithm, "alg", auth.KeyAlgorithms[0], "`algorithm` of the new key: "+strings.Join(auth.KeyAlgorithms, ", "))
	return command
}

// signToken prints a token that a node with the same settings accepts.
func signToken(stdout io.Writer, settings config.Auth, query tokenQuery) error {
	if query.user == "" {
		return usageError{errors.New("--user is missing"), "onsale token --user kim"}
	}
	for _, role := range query.roles {
		if _, ok := auth.ParseRole(role); !ok {
			return usageError{fmt.Errorf("--role is %q", role), "admin, operator, auditor or viewer"}
		}
	}
	if query.ttl < time.Second || query.ttl > maxTokenTTL {
		return usageError{fmt.Errorf("--ttl is %v", query.ttl), fmt.Sprintf("from 1s to %v", maxTokenTTL)}
	}
	signer, err := openSigner(settings, query.key)
	if err != nil {
		return err
	}
	token, err := signer.Sign(auth.Config{
		Issuer: settings.Issuer, Audience: settings.Audience, UserClaim: settings.UserClaim, RolesClaim: settings.RolesClaim,
	}, query.user, query.roles, query.ttl)
	if err == nil {
		_, err = fmt.Fprintln(stdout, token)
	}
	return err
}

func openSigner(settings config.Auth, keyFile string) (*auth.Signer, error) {
	switch {
	case keyFile != "":
		text, err := os.ReadFile(keyFile)
		if err != nil {
			return nil, hintError{err, "\"onsale token --new-key DIR\" makes a key: then give --key DIR/" + privateKeyFile}
		}
		signer, err := auth.KeySigner(text)
		if err != nil {
			return nil, hintError{fmt.Errorf("--key %s: %w", keyFile, err), "give the file " + privateKeyFile + " of \"onsale token --new-key DIR\", not the key set"}
		}
		return signer, nil
	case settings.Secret != "":
		return auth.SecretSigner(settings.Secret), nil
	}
	return nil, usageError{errors.New("nothing is given to sign with"), "--key DIR/" + privateKeyFile + " of \"onsale token --new-key DIR\", or ONSALE_AUTH_SECRET with the node's auth.secret"}
}

// makeKey writes a private key and its key set. It replaces neither: a key that is overwritten is lost.
func makeKey(command *cobra.Command, directory, algorithm string) error {
	if command.Flags().Changed("user") {
		return usageError{errors.New("--new-key makes no token, and --user is given"), "first the key, then the token with --key"}
	}
	private, set, err := auth.NewKey(algorithm)
	if err != nil {
		return usageError{fmt.Errorf("--alg is %q", algorithm), "one of " + strings.Join(auth.KeyAlgorithms, ", ")}
	}
	if err := os.MkdirAll(directory, 0o700); err != nil {
		return err
	}
	privatePath, setPath := filepath.Join(directory, privateKeyFile), filepath.Join(directory, keySetFile)
	if err := createFile(privatePath, private, 0o600); err != nil {
		return err
	}
	if err := createFile(setPath, set, 0o644); err != nil {
		return errors.Join(err, os.Remove(privatePath))
	}
	out := command.OutOrStdout()
	fmt.Fprintf(out, "%s signs tokens: keep it secret\n%s verifies them\n\n", privatePath, setPath)
	fmt.Fprintf(out, "onsale serve --auth-jwks %s\nonsale token --key %s --user kim\n", setPath, privatePath)
	return nil
}

// createFile writes a file that must not exist.
func createFile(path string, text []byte, mode fs.FileMode) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if errors.Is(err, fs.ErrExist) {
		return hintError{fmt.Errorf("%s exists", path), "name another directory: tokens of a key that is overwritten are lost"}
	}
	if err != nil {
		return err
	}
	_, err = f.Write(append(text, '\n'))
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	return err
}
