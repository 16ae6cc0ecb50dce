// The effective configuration is printed as YAML that can be loaded again, with
// the origin of each value beside it, and with secrets masked.

package config

import (
	"io"
	"net/url"
	"slices"
	"strings"

	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"
)

// Print writes c to w as YAML, in the order of Config, each value with its
// origin as a comment. Credentials of NATS servers, of the payment provider and
// of the collector of traces, and the secret of tokens, are masked. With an
// external NATS, which has its own sync, that line is left out.
func (c Config) Print(w io.Writer, from Origins) error {
	c.NATS.URL = slices.Clone(c.NATS.URL)
	for i, server := range c.NATS.URL {
		c.NATS.URL[i] = maskURL(server)
	}
	for _, secret := range []*string{&c.NATS.Password, &c.NATS.Token} {
		if *secret != "" {
			*secret = "xxxxx"
		}
	}
	c.Auth, c.Payments = c.Auth.masked(), c.Payments.masked()
	if c.Tracing.OTLP != "" {
		c.Tracing.OTLP = maskURL(c.Tracing.OTLP)
	}
	root := &yaml.Node{Kind: yaml.MappingNode}
	sections := map[string]*yaml.Node{"": root}
	settings(&c).VisitAll(func(s *pflag.Flag) {
		if s.Name == "sync" && c.Sync == (Sync{}) {
			return
		}
		prefix, name := "", s.Name
		if before, after, ok := strings.Cut(s.Name, "."); ok {
			prefix, name = before, after
		}
		if sections[prefix] == nil {
			sections[prefix] = &yaml.Node{Kind: yaml.MappingNode}
			root.Content = append(root.Content, scalarNode(prefix), sections[prefix])
		}
		value := valueNode(s)
		value.LineComment = string(from.Of(s.Name))
		sections[prefix].Content = append(sections[prefix].Content, scalarNode(name), value)
	})
	encoder := yaml.NewEncoder(w)
	encoder.SetIndent(2)
	if err := encoder.Encode(root); err != nil {
		return err
	}
	return encoder.Close()
}

// valueNode returns a setting's value as a node of the file.
func valueNode(s *pflag.Flag) *yaml.Node {
	value := scalarNode(s.Value.String())
	switch s.Value.Type() {
	case "bool":
		value.Tag = "!!bool"
	case "int":
		value.Tag = "!!int"
	case "float64":
		value.Tag = "!!float"
	case "list":
		var entries list
		_ = entries.Set(s.Value.String())
		value = &yaml.Node{Kind: yaml.SequenceNode, Style: yaml.FlowStyle}
		for _, entry := range entries {
			value.Content = append(value.Content, scalarNode(entry))
		}
	}
	return value
}

func scalarNode(value string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: value}
}

func (a Auth) masked() Auth {
	if a.Secret != "" {
		a.Secret = "xxxxx"
	}
	if strings.Contains(a.JWKS, "://") {
		a.JWKS = maskURL(a.JWKS)
	}
	return a
}

func (p Payments) masked() Payments {
	for _, secret := range []*string{&p.Key, &p.Secret} {
		if *secret != "" {
			*secret = "xxxxx"
		}
	}
	if p.URL != "" {
		p.URL = maskURL(p.URL)
	}
	p.WebhookSecrets = slices.Repeat([]string{"xxxxx"}, len(p.WebhookSecrets))
	return p
}

// maskURL hides the user, the password or the token in a server's URL. A URL that
// cannot be parsed is hidden as a whole, for any part of it might be the secret.
func maskURL(server string) string {
	u, err := url.Parse(server)
	if err != nil || u.Host == "" {
		return "xxxxx"
	}
	if u.User != nil {
		u.User = url.User("xxxxx")
	}
	return u.String()
}
