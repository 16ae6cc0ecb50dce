package node

import (
	"fmt"
	"log/slog"

	"onsale/config"
	"onsale/http/auth"
)

// openAuth makes what determines the users of requests.
func openAuth(cfg config.Config, logger *slog.Logger) (*auth.Authenticator, error) {
	c := cfg.Auth
	a, err := auth.New(auth.Config{
		Mode: auth.Mode(c.Mode), Secret: c.Secret, JWKS: c.JWKS, Issuer: c.Issuer, Audience: c.Audience, Leeway: c.Leeway,
		UserClaim: c.UserClaim, RolesClaim: c.RolesClaim, UserHeader: c.UserHeader, RolesHeader: c.RolesHeader,
		TrustedProxies: cfg.Proxies(), Node: cfg.Node, Logger: logger,
	})
	if err != nil {
		return nil, fmt.Errorf("auth: %w", err)
	}
	return a, nil
}
