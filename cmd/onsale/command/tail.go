// Printing the feed of a node while it sells.

package command

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"unicode"

	"github.com/spf13/cobra"

	"onsale/domain"
	"onsale/http/client"
)

// tailQuery says which events are printed, of which node, and how.
type tailQuery struct {
	Target, Token string
	Types         []string
	Entities      []string
	From          string // the event id behind which it begins; "": a moment ago
	CA            string // a file; "": the system's authorities
	JSON          bool
}

func tailCommand(environ []string) *cobra.Command {
	var query tailQuery
	command := &cobra.Command{
		Use:   "tail [flags]",
		Short: "print the events of a running node as they happen",
		Args:  noArguments,
		RunE: func(command *cobra.Command, _ []string) error {
			target, err := url.Parse(query.Target)
			if err != nil || target.Host == "" || target.Scheme != "http" && target.Scheme != "https" {
				return usageError{fmt.Errorf("--target is %q", query.Target), "the address of a node, such as https://sale.example"}
			}
			query.Token = cmp.Or(query.Token, environment(environ, "ONSALE_TOKEN"))
			out := &eventPrinter{out: command.OutOrStdout(), json: query.JSON}
			out.coloured = !query.JSON && isTerminal(out.out) && environment(environ, "NO_COLOR") == "" && environment(environ, "TERM") != "dumb"
			return runTail(command.Context(), query, out, command.ErrOrStderr())
		},
	}
	flags := command.Flags()
	flags.StringVar(&query.Target, "target", "http://127.0.0.1:8080", "`URL` of the node")
	flags.StringVar(&query.Token, "token", "", "bearer `token` of an admin or auditor (default: that in ONSALE_TOKEN)")
	flags.StringVar(&query.CA, "ca", "", "PEM `file` of the authorities that the node's certificate may be of (default: the system's)")
	flags.StringSliceVar(&query.Types, "type", nil, "print only events of these `types`: orders.succeeded,seats.*")
	flags.StringSliceVar(&query.Entities, "entity", nil, "print only events of these promotions, schedules, products, payments or users, by `id`")
	flags.StringVar(&query.From, "from", "", "begin behind the event with this `id` (default: five seconds ago)")
	flags.BoolVar(&query.JSON, "json", false, "print each event as a line of JSON")
	return command
}

func environment(environ []string, name string) string {
	for _, entry := range slices.Backward(environ) {
		if value, ok := strings.CutPrefix(entry, name+"="); ok {
			return value
		}
	}
	return ""
}

func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// runTail prints events until ctx ends, which is no error.
func runTail(parent context.Context, query tailQuery, out *eventPrinter, stderr io.Writer) error {
	ctx, giveUp := context.WithCancelCause(parent)
	defer giveUp(nil)
	transport, err := transportWithCA(query.CA)
	if err != nil {
		return err
	}
	feed := client.Client{URL: strings.TrimSuffix(query.Target, "/"), HTTP: &http.Client{Transport: &tailTransport{next: transport, stderr: stderr, giveUp: giveUp}}}
	if query.Token != "" {
		feed.Token = func(context.Context) (string, error) { return query.Token, nil }
	}
	filter := url.Values{}
	for name, items := range map[string][]string{"type": query.Types, "entity": query.Entities} {
		if len(items) > 0 {
			filter.Set(name, strings.Join(items, ","))
		}
	}
	for e, err := range feed.Events(ctx, "/api/v1/admin/events?"+filter.Encode(), query.From) {
		switch {
		case parent.Err() != nil:
			return nil
		case ctx.Err() != nil:
			return hintError{context.Cause(ctx), unreachableHint(context.Cause(ctx))}
		case err != nil:
			return tailError(err)
		}
		switch e.Name {
		case "message":
			err = out.print(e.Data)
		case "connect":
			var start struct{ Status string }
			if e.Decode(&start) == nil && start.Status == "reset" {
				fmt.Fprintf(stderr, "the node does not know the position %q; its events up to %s are not shown\n", query.From, e.ID)
			}
		case "auth-expiring":
			fmt.Fprintln(stderr, "the token ends within a minute")
		case "auth-expired":
			if e.ID == "" {
				return hintError{errors.New("the token has expired"), "give a new one"}
			}
			return hintError{fmt.Errorf("the token has expired; the last position was %s", e.ID), "give a new one, and --from " + e.ID}
		}
		if err != nil {
			return err
		}
		if e.ID != "" {
			query.From = e.ID
		}
	}
	return nil
}

// tailError is what the node's refusal means at a terminal.
func tailError(err error) error {
	problem, ok := errors.AsType[*client.Problem](err)
	if !ok {
		return err
	}
	switch {
	case strings.Contains(string(problem.Body), "HTTP request to an HTTPS server"):
		return hintError{err, "this port is HTTPS: give --target with https://"}
	case problem.Code == "": // no node's
	case problem.HTTPStatus == http.StatusBadRequest:
		return usageError{errors.New(problem.Detail), "\"onsale tail --help\" shows its usage"}
	case problem.HTTPStatus == http.StatusUnauthorized:
		return hintError{err, "give a token with --token or ONSALE_TOKEN; \"onsale token\" makes one for trying"}
	case problem.HTTPStatus == http.StatusForbidden:
		return hintError{err, "the feed needs a token with the role admin, operator or auditor"}
	}
	return hintError{err, "does --target name a node of onsale"}
}

// transportWithCA trusts the authorities in a file; "": those of the system.
func transportWithCA(file string) (http.RoundTripper, error) {
	if file == "" {
		return http.DefaultTransport, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, usageError{fmt.Errorf("--ca: %w", err), "a PEM file with certificates"}
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(text) {
		return nil, usageError{fmt.Errorf("--ca %s has no certificate", file), "a PEM file with certificates"}
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = &tls.Config{RootCAs: roots}
	return transport, nil
}

// unreachableHint is what to do about a node that could not be reached at all.
func unreachableHint(err error) string {
	_, noTLS := errors.AsType[tls.RecordHeaderError](err)
	_, unknown := errors.AsType[x509.UnknownAuthorityError](err)
	_, invalid := errors.AsType[*tls.CertificateVerificationError](err)
	switch {
	case noTLS:
		return "this port is plain HTTP: give --target with http://"
	case unknown:
		return "--ca FILE names the authority of the node's certificate, or the certificate itself"
	case invalid:
		return "give --target with a name that the certificate has, or renew the certificate"
	}
	return "start a node with \"onsale serve\", or name another with --target"
}

// tailTransport reports when the node goes away and comes back. One that could not be reached at all is given up.
type tailTransport struct {
	next          http.RoundTripper
	stderr        io.Writer
	giveUp        func(error)
	reached, away bool
}

func (t *tailTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := t.next.RoundTrip(r)
	switch {
	case err != nil && r.Context().Err() != nil:
	case err != nil && !t.reached:
		t.giveUp(err)
	case err != nil && !t.away:
		t.away = true
		fmt.Fprintln(t.stderr, "the node cannot be reached, trying again:", err)
	case err == nil && t.away:
		t.away = false
		fmt.Fprintln(t.stderr, "the node is back")
	}
	t.reached = t.reached || err == nil
	return response, err
}

// eventPrinter prints events of the feed.
type eventPrinter struct {
	out            io.Writer
	json, coloured bool
}

func (p *eventPrinter) print(data []byte) error {
	if p.json {
		_, err := p.out.Write(append(data, '\n'))
		return err
	}
	var e struct {
		EventID, Type, Entity, UserID string
		At                            domain.Time
		Data                          json.RawMessage
	}
	if err := json.Unmarshal(data, &e); err != nil {
		return fmt.Errorf("the node sent an event that is no JSON: %w", err)
	}
	_, err := fmt.Fprintf(p.out, "%s  %s  %s  %s  %s  %s\n", p.colour(dim, e.At.String()), e.EventID,
		p.colour(typeColour(e.Type), fmt.Sprintf("%-20s", printable(e.Type))), printable(orDash(e.Entity)), printable(orDash(e.UserID)), printable(string(e.Data)))
	return err
}

// printable has no character that would control a terminal. JSON escapes most of them.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return unicode.ReplacementChar
		}
		return r
	}, text)
}

// Colours of a terminal.
const (
	dim = "2"
	red = "31"
)

var kindColours = map[string]string{"coupons": "36", "seats": "32", "orders": "33", "products": "34", "alarms": "35"}

func typeColour(name string) string {
	if strings.HasSuffix(name, ".rejected") || strings.HasSuffix(name, ".failed") {
		return red
	}
	return cmp.Or(kindColours[domain.Kind(name)], red)
}

func (p *eventPrinter) colour(code, text string) string {
	if !p.coloured {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}
